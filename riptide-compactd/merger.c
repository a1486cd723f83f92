/* A job of some size is cut into ranges (ranges.h), as many as it may have
 * threads. Each range has a merge, a result and an error of its own; they meet
 * when all are over. */
#include "riptide-compactd/merger.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"
#include "riptide-compactd/range_merge.h"
#include "riptide-compactd/ranges.h"

/* One range of a job. */
struct part {
	struct run *run;
	struct rt_range range;
	struct rtc_result result;
	enum rt_code code;
	struct rt_err err;
};

/* A job under way. */
struct run {
	const struct rtc_merger *merger;
	const struct rtc_job *job;
	struct rtc_ranges ranges;
	struct part *parts;		/* one for each range */
	atomic_size_t next;		/* the part to begin next */
	atomic_bool is_vain;		/* one of them failed */
};

/* Parts, until there are no more. Any thread of the job. */
static void *
work(void *arg)
{
	struct run *run = arg;
	size_t i;

	while ((i = atomic_fetch_add(&run->next, 1)) < run->ranges.count) {
		struct part *part = &run->parts[i];

		part->code = rtc_range_merge(run->merger, run->job,
		    &part->range, &run->is_vain, &part->result, &part->err);
		if (part->code != RT_OK)
			atomic_store(&run->is_vain, true);
	}
	return NULL;
}

static void
work_all(struct run *run)
{
	size_t count = run->ranges.count;
	pthread_t *threads = rt_alloc_zero(count, sizeof(threads[0]));
	size_t more = 0;

	run->parts = rt_alloc_zero(count, sizeof(run->parts[0]));
	for (size_t i = 0; i < count; i++)
		run->parts[i] = (struct part){
			.run = run,
			.range = rtc_ranges_at(&run->ranges, i),
		};
	for (; more + 1 < count && more + 1 < run->merger->threads; more++)
		rt_thread_start(&threads[more], "merge", work, run);
	(void)work(run);
	while (more > 0)
		rt_thread_join(threads[--more]);
	free(threads);
}

/* What ended the job: the others were only asked to stop. */
static enum rt_code
first_error(const struct run *run, struct rt_err *err)
{
	const struct part *first = NULL;

	for (size_t i = 0; i < run->ranges.count; i++) {
		const struct part *part = &run->parts[i];

		if (part->code != RT_OK && (first == NULL ||
			(first->code == RT_ESTOPPED &&
			    part->code != RT_ESTOPPED)))
			first = part;
	}
	if (first == NULL)
		return RT_OK;
	if (err != NULL)
		*err = first->err;
	return first->code;
}

/* Put the parts' results together, in the order of keys. */
static void
collect(struct run *run, struct rtc_result *result)
{
	for (size_t i = 0; i < run->ranges.count; i++) {
		struct rtc_result *part = &run->parts[i].result;

		for (size_t j = 0; j < part->outputs_count; j++)
			*rtc_result_add(result) = part->outputs[j];
		result->entries_in += part->entries_in;
		result->entries_out += part->entries_out;
		result->bytes_out += part->bytes_out;
		for (size_t j = 0; j < RTC_VERDICTS; j++)
			result->verdicts[j] += part->verdicts[j];
		free(part->outputs);
	}
	result->bytes_in = run->job->input_bytes;
}

/* G2 */
static enum rt_code
check_sums(const struct rtc_job *job, const struct rtc_result *result,
    struct rt_err *err)
{
	uint64_t expected = 0, kept = result->verdicts[RTC_KEEP] +
	    result->verdicts[RTC_KEEP_AS_TOMBSTONE];

	for (size_t i = 0; i < job->inputs_count; i++)
		expected += job->inputs[i]->entries;
	if (result->entries_in != expected || result->entries_out != kept)
		return rt_err_set(err, RT_EDAMAGED,
		    "the merge read %" PRIu64 " entries of %" PRIu64
		    " and wrote %" PRIu64 " of %" PRIu64, result->entries_in,
		    expected, result->entries_out, kept);
	return RT_OK;
}

enum rt_code
rtc_merger_run(const struct rtc_merger *merger, const struct rtc_job *job,
    struct rtc_result *result, struct rt_err *err)
{
	struct run run = { .merger = merger, .job = job };
	enum rt_code code;

	*result = (struct rtc_result){ 0 };
	code = rtc_ranges_plan(&run.ranges, merger, job, err);
	if (code == RT_OK) {
		work_all(&run);
		code = first_error(&run, err);
		collect(&run, result);
	}
	if (code == RT_OK)
		code = check_sums(job, result, err);
	if (code == RT_OK && result->outputs_count > 0)
		code = rt_fs_sync_dir(merger->fs, merger->dir, err);
	free(run.parts);
	rtc_ranges_fini(&run.ranges);
	if (code != RT_OK)
		rtc_result_unlink(result, merger);
	return code;
}

struct rtc_output *
rtc_result_add(struct rtc_result *result)
{
	if (result->outputs_count == result->outputs_cap) {
		result->outputs_cap = result->outputs_cap * 2 + 4;
		result->outputs = rt_realloc(result->outputs,
		    result->outputs_cap * sizeof(result->outputs[0]));
	}
	return &result->outputs[result->outputs_count++];
}

void
rtc_result_unlink(struct rtc_result *result, const struct rtc_merger *merger)
{
	for (size_t i = 0; i < result->outputs_count; i++) {
		char name[RT_PATH_NAME_BYTES];

		rt_fs_unlink(merger->fs, merger->dir,
		    rt_path_table(name, result->outputs[i].id), NULL);
	}
}

void
rtc_result_fini(struct rtc_result *result)
{
	for (size_t i = 0; i < result->outputs_count; i++)
		rt_table_info_fini(&result->outputs[i].info);
	free(result->outputs);
	*result = (struct rtc_result){ 0 };
}
