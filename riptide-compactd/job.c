#include "riptide-compactd/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/invariant.h"
#include "riptide-compactd/spans.h"

/* Tables that a printed job names. */
#define NAMED_MAX 6u

void
rtc_job_init(struct rtc_job *job, const struct rt_manifest *manifest,
    enum rtc_job_kind kind, uint32_t source_level, uint32_t target_level,
    const char *reason)
{
	*job = (struct rtc_job){
		.kind = kind,
		.manifest = rt_manifest_ref(manifest),
		.source_level = source_level,
		.target_level = target_level,
		.reason = reason,
	};
	job->is_last_level = true;
	for (size_t i = 0; i < manifest->runs_count; i++)
		if (manifest->runs[i].level > target_level)
			job->is_last_level = false;
}

void
rtc_job_as_run(struct rtc_job *job)
{
	job->as_run = true;
	if (rt_manifest_level_runs(job->manifest, job->target_level) > 0)
		job->is_last_level = false;
}

void
rtc_job_fini(struct rtc_job *job)
{
	free(job->inputs);
	rtc_spans_free(job->done);
	rt_manifest_unref(job->manifest);
	*job = (struct rtc_job){ 0 };
}

void
rtc_job_add(struct rtc_job *job, const struct rt_manifest_table *table)
{
	if (job->inputs_count == job->inputs_cap) {
		job->inputs_cap = job->inputs_cap * 2 + 8;
		job->inputs = rt_realloc(job->inputs,
		    job->inputs_cap * sizeof(job->inputs[0]));
	}
	job->inputs[job->inputs_count++] = table;
	job->input_bytes += table->size;
}

bool
rtc_job_has(const struct rtc_job *job, const struct rt_manifest_table *table)
{
	for (size_t i = 0; i < job->inputs_count; i++)
		if (job->inputs[i] == table)
			return true;
	return false;
}

void
rtc_job_range(const struct rtc_job *job, struct rt_slice *smallest,
    struct rt_slice *largest)
{
	rt_assert(job->inputs_count > 0);
	*smallest = job->inputs[0]->smallest;
	*largest = job->inputs[0]->largest;
	for (size_t i = 1; i < job->inputs_count; i++) {
		const struct rt_manifest_table *table = job->inputs[i];

		if (rt_slice_compare(table->smallest, *smallest) < 0)
			*smallest = table->smallest;
		if (rt_slice_compare(table->largest, *largest) > 0)
			*largest = table->largest;
	}
}

struct rt_file_id *
rtc_job_ids(const struct rtc_job *job)
{
	struct rt_file_id *ids = rt_alloc_zero(job->inputs_count,
	    sizeof(ids[0]));

	for (size_t i = 0; i < job->inputs_count; i++)
		ids[i] = job->inputs[i]->id;
	return ids;
}

const char *
rtc_job_kind_name(enum rtc_job_kind kind)
{
	static const char *const names[] = {
		[RTC_JOB_MERGE] = "merge",
		[RTC_JOB_MOVE] = "move",
		[RTC_JOB_DISCARD] = "discard",
	};

	return names[kind];
}

char *
rtc_job_print(const struct rtc_job *job, char *out, size_t out_bytes)
{
	struct rt_buf names = { 0 };

	for (size_t i = 0; i < job->inputs_count && i < NAMED_MAX; i++) {
		char name[RT_PATH_NAME_BYTES];

		rt_path_table(name, job->inputs[i]->id);
		rt_buf_printf(&names, " %.*s", (int)strcspn(name, "."), name);
	}
	if (job->inputs_count > NAMED_MAX)
		rt_buf_printf(&names, " and %zu more",
		    job->inputs_count - NAMED_MAX);
	snprintf(out, out_bytes,
	    "%s L%" PRIu32 " -> L%" PRIu32 ":%.*s, %" PRIu64 " bytes (%s)",
	    rtc_job_kind_name(job->kind), job->source_level, job->target_level,
	    (int)names.len, (const char *)names.data, job->input_bytes,
	    job->reason);
	rt_buf_fini(&names);
	return out;
}
