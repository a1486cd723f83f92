/* A job of some size is cut into ranges (ranges.h), as many as it may have
 * threads. Each range has a merge, a result and an error of its own; they meet
 * when all are over. What an earlier process did of the job is a range too: it
 * is read back when no range is left to be merged, and merged if that fails. */
#include "riptide-compactd/merger.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/mutex.h"
#include "riptide-compactd/progress.h"
#include "riptide-compactd/range_merge.h"
#include "riptide-compactd/ranges.h"

/* One range of a job. */
struct part {
	struct run *run;
	size_t number;
	const struct rtc_key_range *range;
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
	atomic_size_t next;		/* the part to look at next, twice */
	unsigned threads;
	_Atomic uint64_t cpu_ns;	/* of them, in work() */
	uint64_t cpu_first_ns;		/* of the job's own thread */
	_Atomic uint64_t through_ns;	/* when the first was; 0: none is */
	uint64_t tail_ns;		/* from then until the last was */
	atomic_bool is_vain;		/* one of them failed */
};

/* -- what is done already -- */

static void
copy_output(struct rtc_output *out, const struct rtc_output *output)
{
	struct rt_buf *smallest = &out->info.smallest;
	struct rt_buf *largest = &out->info.largest;

	*out = *output;
	*smallest = *largest = (struct rt_buf){ 0 };
	rt_buf_append_slice(smallest, rt_buf_slice(&output->info.smallest));
	rt_buf_append_slice(largest, rt_buf_slice(&output->info.largest));
}

static void
take_done(struct part *part)
{
	const struct rtc_result *from = &part->range->done->result;
	struct rtc_result *to = &part->result;

	*to = *from;
	to->outputs = NULL;
	to->outputs_count = to->outputs_cap = 0;
	for (size_t i = 0; i < from->outputs_count; i++)
		copy_output(rtc_result_add(to), &from->outputs[i]);
	if (part->run->merger->entries_read != NULL)
		atomic_fetch_add_explicit(part->run->merger->entries_read,
		    from->entries_in, memory_order_relaxed);
}

/* K1: it is merged again. */
static void
forget_done(struct part *part)
{
	const struct rtc_merger *merger = part->run->merger;

	if (merger->entries_read != NULL)
		atomic_fetch_sub_explicit(merger->entries_read,
		    part->result.entries_in, memory_order_relaxed);
	rtc_result_unlink(&part->result, merger);
	rtc_result_fini(&part->result);
}

/* -- merging -- */

static void
note(const struct part *part, struct rt_slice upper, bool is_saved)
{
	const struct rtc_merger *merger = part->run->merger;

	if (merger->progress != NULL)
		rtc_progress_note(merger->progress, merger->progress_slot,
		    part->number, part->range->keys.lower, upper,
		    &part->result, is_saved);
}

/* One output more is whole, and has all keys before upper. */
static void
note_output(void *arg, struct rt_slice upper)
{
	note(arg, upper, true);
}

static void
merge_part(struct part *part)
{
	struct run *run = part->run;

	part->code = rtc_range_merge(run->merger, run->job,
	    &part->range->keys, &run->is_vain, note_output, part,
	    &part->result, &part->err);
	if (part->code != RT_OK)
		atomic_store(&run->is_vain, true);
	/* Of one range that is the job. */
	else if (run->ranges.count > 1)
		note(part, part->range->keys.upper, true);
}

/* K7: the record tells of each output that is read back, so that a process
 * which ends in the middle of that has done something, too. */
static enum rt_code
read_back(struct part *part, struct rt_err *err)
{
	struct run *run = part->run;
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < part->result.outputs_count; i++) {
		struct rtc_output *output = &part->result.outputs[i];

		if (output->is_checked)
			continue;
		if (atomic_load(&run->is_vain))
			return rt_err_set(err, RT_ESTOPPED,
			    "another part of the job failed");
		code = rtc_range_read_back(run->merger, run->job, output, err);
		if (code != RT_OK)
			return code;
		output->is_checked = true;
		note(part, part->range->keys.upper, true);
	}
	return RT_OK;
}

/* K1: what cannot be read back is made anew. */
static void
check_part(struct part *part)
{
	struct rt_err err = { .code = RT_OK };
	enum rt_code code = read_back(part, &err);

	if (code == RT_ESTOPPED) {
		part->code = code;
		part->err = err;
	} else if (code != RT_OK) {
		rt_log(RT_LOG_WARNING, "progress", "made anew", "error=\"%s\"",
		    err.text);
		forget_done(part);
		merge_part(part);
	}
}

static uint64_t
now_ns(void)
{
	return rt_clock_monotonic_ns(rt_clock_system());
}

/* Parts, until there are no more: those that are to be merged, then those that
 * are. Any thread of the job. */
static void *
work(void *arg)
{
	struct run *run = arg;
	size_t count = run->ranges.count, i;
	uint64_t began_ns = rt_clock_thread_ns(), none = 0;

	while ((i = atomic_fetch_add(&run->next, 1)) < 2 * count) {
		struct part *part = &run->parts[i % count];

		if (part->range->done == NULL && i < count)
			merge_part(part);
		else if (part->range->done != NULL && i >= count)
			check_part(part);
	}
	atomic_fetch_add(&run->cpu_ns, rt_clock_thread_ns() - began_ns);
	(void)atomic_compare_exchange_strong(&run->through_ns, &none,
	    now_ns());
	return NULL;
}

static void
begin_parts(struct run *run)
{
	const struct rtc_merger *merger = run->merger;
	size_t count = run->ranges.count;

	if (merger->progress != NULL)
		rtc_progress_begin(merger->progress, merger->progress_slot,
		    run->job, count);
	run->parts = rt_alloc_zero(count, sizeof(run->parts[0]));
	for (size_t i = 0; i < count; i++) {
		struct part *part = &run->parts[i];

		*part = (struct part){
			.run = run,
			.number = i,
			.range = &run->ranges.all[i],
		};
		if (part->range->done == NULL)
			continue;
		take_done(part);
		note(part, part->range->keys.upper, false);
	}
}

static void
work_all(struct run *run)
{
	size_t count = run->ranges.count, more = 0;
	uint64_t began_ns;
	pthread_t *threads = rt_alloc_zero(count, sizeof(threads[0]));

	begin_parts(run);
	for (; more + 1 < count && more + 1 < run->merger->threads; more++)
		rt_thread_start(&threads[more], "merge", work, run);
	run->threads = (unsigned)more + 1;
	began_ns = rt_clock_thread_ns();
	(void)work(run);
	run->cpu_first_ns = rt_clock_thread_ns() - began_ns;
	while (more > 0)
		rt_thread_join(threads[--more]);
	run->tail_ns = now_ns() - atomic_load(&run->through_ns);
	free(threads);
}

/* -- the end -- */

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
	result->threads = run->threads;
	result->cpu_ns = atomic_load(&run->cpu_ns);
	result->tail_ns = run->tail_ns;
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
	uint64_t began_ns = rt_clock_thread_ns();
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
	result->cpu_alone_ns =
	    rt_clock_thread_ns() - began_ns - run.cpu_first_ns;
	free(run.parts);
	rtc_ranges_fini(&run.ranges);
	/* G4 */
	if (code != RT_OK && (code != RT_ESTOPPED || merger->progress == NULL))
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
rtc_result_unlink(const struct rtc_result *result, const struct rtc_merger *merger)
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
