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

bool
rtc_claims_keep(const struct rtc_limits *limits, struct rtc_job *job)
{
	bool is_free = is_small_enough(limits, job->input_bytes);

	for (size_t i = 0; is_free && i < job->inputs_count; i++)
		is_free = rtc_claims_free(limits, job->inputs[i]);
	if (!is_free)
		rtc_job_fini(job);
	return is_free;
}

uint64_t
rtc_claims_level_bytes(const struct rtc_limits *limits,
    const struct rt_manifest *manifest, uint32_t level)
{
	const struct rt_manifest_run *run = rtc_level_run(manifest, level);
	uint64_t bytes = run == NULL ? 0 : rtc_level_run_bytes(run);

	for (size_t i = 0; run != NULL && i < limits->running_count; i++) {
		const struct rtc_job *job = limits->running[i];

		for (size_t j = 0; job->source_level == level &&
		     job->target_level != level && j < job->inputs_count; j++) {
			const struct rt_manifest_table *input = job->inputs[j];
			size_t first, count;

			rtc_level_overlap(run, input->smallest, input->smallest,
			    &first, &count);
			if (count > 0 && rt_file_id_equal(
				run->tables[first].id, input->id))
				bytes -= input->size;
		}
	}
	return bytes;
}

uint64_t
rtc_claims_level0_runs(const struct rtc_limits *limits,
    const struct rt_manifest *manifest)
{
	uint64_t runs = 0;

	for (size_t i = 0; i < rt_manifest_level0_runs(manifest); i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		runs += run->tables_count == 0 ||
		    !is_running(limits, &run->tables[0]);
	}
	return runs;
}
