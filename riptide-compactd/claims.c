#include "riptide-compactd/claims.h"

#include "riptide-compactd/levels.h"

static bool
is_running(const struct rtc_limits *limits,
    const struct rt_manifest_table *table)
{
	for (size_t i = 0; i < limits->running_count; i++) {
		const struct rtc_job *job = limits->running[i];

		for (size_t j = 0; j < job->inputs_count; j++)
			if (rt_file_id_equal(job->inputs[j]->id, table->id))
				return true;
	}
	return false;
}

bool
rtc_claims_free(const struct rtc_limits *limits,
    const struct rt_manifest_table *table)
{
	for (size_t i = 0; i < limits->avoid_count; i++)
		if (rt_file_id_equal(limits->avoid[i], table->id))
			return false;
	return !is_running(limits, table);
}

bool
rtc_claims_free_run(const struct rtc_limits *limits,
    const struct rt_manifest_run *run)
{
	for (size_t i = 0; i < run->tables_count; i++)
		if (!rtc_claims_free(limits, &run->tables[i]))
			return false;
	return true;
}

static bool
is_small_enough(const struct rtc_limits *limits, uint64_t bytes)
{
	return limits->max_job_bytes == 0 || bytes <= limits->max_job_bytes;
}

bool
rtc_claims_free_to(const struct rtc_limits *limits,
    const struct rt_manifest_run *run, const struct rt_manifest_table *table)
{
	size_t first, count;
	uint64_t bytes = rtc_level_overlap(run, table->smallest, table->largest,
	    &first, &count);

	if (!rtc_claims_free(limits, table) ||
	    !is_small_enough(limits, table->size + bytes))
		return false;
	for (size_t i = first; i < first + count; i++)
		if (!rtc_claims_free(limits, &run->tables[i]))
			return false;
	return true;
}

/* Whether what it writes would meet what the other one writes into the same
 * run. That may be so without a table in common: one that came into the level
 * since can lie in a gap between the other's inputs. */
static bool
meets(const struct rtc_job *job, const struct rtc_job *other)
{
	struct rt_slice smallest, largest, from, to;

	if (job->target_level != other->target_level ||
	    job->target_level == 0 || job->as_run || other->as_run)
		return false;
	rtc_job_range(job, &smallest, &largest);
	rtc_job_range(other, &from, &to);
	return rt_slice_compare(smallest, to) <= 0 &&
	    rt_slice_compare(from, largest) <= 0;
}

bool
rtc_claims_keep(const struct rtc_limits *limits, struct rtc_job *job)
{
	bool is_free = is_small_enough(limits, job->input_bytes);

	for (size_t i = 0; is_free && i < limits->running_count; i++)
		is_free = !meets(job, limits->running[i]);
	for (size_t i = 0; is_free && i < job->inputs_count; i++)
		is_free = rtc_claims_free(limits, job->inputs[i]);
	if (!is_free)
		rtc_job_fini(job);
	return is_free;
}

/* Bytes of the run that the job takes away to another level. */
static uint64_t
bytes_taken(const struct rtc_job *job, const struct rt_manifest_run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; job->source_level == run->level &&
	     job->target_level != run->level && i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];
		size_t first, count;

		rtc_level_overlap(run, input->smallest, input->smallest,
		    &first, &count);
		if (count > 0 &&
		    rt_file_id_equal(run->tables[first].id, input->id))
			bytes += input->size;
	}
	return bytes;
}

uint64_t
rtc_claims_level_bytes(const struct rtc_limits *limits,
    const struct rt_manifest *manifest, uint32_t level)
{
	uint64_t bytes = 0;
	size_t runs;
	const struct rt_manifest_run *run =
	    rtc_level_runs(manifest, level, &runs);

	for (size_t i = 0; i < runs; i++) {
		bytes += rtc_level_run_bytes(&run[i]);
		for (size_t j = 0; j < limits->running_count; j++)
			bytes -= bytes_taken(limits->running[j], &run[i]);
	}
	return bytes;
}

uint64_t
rtc_claims_level_runs(const struct rtc_limits *limits,
    const struct rt_manifest *manifest, uint32_t level)
{
	uint64_t left = 0;
	size_t runs;
	const struct rt_manifest_run *run =
	    rtc_level_runs(manifest, level, &runs);

	for (size_t i = 0; i < runs; i++)
		left += !is_running(limits, &run[i].tables[0]);
	return left;
}
