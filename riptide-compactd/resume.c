#include "riptide-compactd/resume.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/path.h"
#include "libcommon/table/table_reader.h"

/* Of the slots of progress.h. */
#define WAITING_FROM (RTC_PROGRESS_JOBS_MAX / 2)

static bool
avoids(const struct rtc_limits *limits, struct rt_file_id id)
{
	for (size_t i = 0; i < limits->avoid_count; i++)
		if (rt_file_id_equal(limits->avoid[i], id))
			return true;
	return false;
}

/* K1: the same inputs where they stood. */
static bool
add_input(struct rtc_job *job, struct rt_file_id id, uint64_t unique_id)
{
	const struct rt_manifest_run *run;
	const struct rt_manifest_table *table =
	    rt_manifest_find(job->manifest, id, &run);

	if (table == NULL || table->unique_id != unique_id ||
	    (run->level != job->source_level &&
		run->level != job->target_level))
		return false;
	rtc_job_add(job, table);
	return true;
}

static bool
build(struct rtc_job *job, const struct rt_manifest *manifest,
    const struct rtc_recorded_job *recorded)
{
	rtc_job_init(job, manifest, RTC_JOB_MERGE, recorded->source_level,
	    recorded->target_level, "resumed");
	job->compression = recorded->compression;
	for (size_t i = 0; i < recorded->inputs_count; i++)
		if (!add_input(job, recorded->inputs[i].id,
			recorded->inputs[i].unique_id)) {
			rtc_job_fini(job);
			return false;
		}
	return true;
}

/* The same job, of a later manifest. What is done of it moves along. */
static bool
rebuild(struct rtc_job *job, const struct rt_manifest *manifest,
    struct rtc_job *waiting)
{
	rtc_job_init(job, manifest, RTC_JOB_MERGE, waiting->source_level,
	    waiting->target_level, waiting->reason);
	job->compression = waiting->compression;
	for (size_t i = 0; i < waiting->inputs_count; i++)
		if (!add_input(job, waiting->inputs[i]->id,
			waiting->inputs[i]->unique_id)) {
			rtc_job_fini(job);
			return false;
		}
	job->done = waiting->done;
	waiting->done = NULL;
	return true;
}

static void
unlink_outputs(struct rtc_resume *resume, const struct rtc_span *span)
{
	for (size_t i = 0; i < span->result.outputs_count; i++) {
		char name[RT_PATH_NAME_BYTES];

		rt_fs_unlink(resume->fs, resume->sst, rt_path_table(name,
		    span->result.outputs[i].id), NULL);
	}
}

/* K1, as far as it takes no time: what a reader says of the file, besides what
 * the record does. */
static enum rt_code
take_info(struct rtc_resume *resume, const struct rt_manifest *manifest,
    struct rtc_output *output, struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = output->info.size,
		.unique_id = output->info.unique_id,
		.database_uuid = manifest->database_uuid,
		.without_filter = true,
	};
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	const struct rt_table_info *info;
	enum rt_code code;

	code = rt_table_reader_open(&reader, resume->fs, resume->sst,
	    rt_path_table(name, output->id), &expect, NULL, NULL, err);
	if (code != RT_OK)
		return code;
	info = rt_table_reader_info(reader);
	output->info = (struct rt_table_info){
		.size = output->info.size,
		.unique_id = info->unique_id,
		.min_seq = info->min_seq,
		.max_seq = info->max_seq,
		.entries = info->entries,
		.tombstones = info->tombstones,
		.expire_min_ms = info->expire_min_ms,
		.expire_max_ms = info->expire_max_ms,
		.crc32c = output->info.crc32c,
		.payload = info->payload,
		.older_versions = output->info.older_versions,
	};
	rt_buf_append_slice(&output->info.smallest,
	    rt_buf_slice(&info->smallest));
	rt_buf_append_slice(&output->info.largest,
	    rt_buf_slice(&info->largest));
	rt_table_reader_unref(reader);
	return RT_OK;
}

/* K4 */
static enum rt_code
adopt(struct rtc_resume *resume, const struct rt_manifest *manifest,
    struct rtc_output *output, struct rt_file_id id, struct rt_err *err)
{
	char from[RT_PATH_NAME_BYTES], to[RT_PATH_NAME_BYTES];
	enum rt_code code = take_info(resume, manifest, output, err);

	if (code == RT_OK)
		code = rt_fs_link(resume->fs, resume->sst,
		    rt_path_table(from, output->id), rt_path_table(to, id),
		    err);
	if (code == RT_OK)
		output->id = id;
	return code;
}

/* True when all its outputs are ours. Else those that are go: under its old
 * name each is swept. */
static bool
adopt_span(struct rtc_resume *resume, const struct rt_manifest *manifest,
    struct rtc_span *span, uint64_t epoch, _Atomic uint64_t *next_number)
{
	struct rtc_result *result = &span->result;
	struct rt_err err = { .code = RT_OK };

	for (size_t i = 0; i < result->outputs_count; i++) {
		struct rtc_output *output = &result->outputs[i];
		struct rt_file_id id = {
			.maker_epoch = epoch,
			.number = (*next_number)++,
		};

		if (output->id.maker_epoch == 0 ||
		    output->id.maker_epoch >= epoch ||
		    adopt(resume, manifest, output, id, &err) != RT_OK) {
			result->outputs_count = i;
			unlink_outputs(resume, span);
			rt_log(RT_LOG_VERBOSE, "progress", "not taken up",
			    "error=\"%s\"", err.text);
			return false;
		}
		result->bytes_out += output->info.size;
		result->entries_out += output->info.entries;
	}
	return true;
}

/* K7: what was read before the machine was started says nothing now. */
static void
forget_checks(struct rtc_span *span)
{
	for (size_t i = 0; i < span->result.outputs_count; i++)
		span->result.outputs[i].is_checked = false;
}

/* The spans that are there, put together. */
static struct rtc_spans *
adopt_spans(struct rtc_resume *resume, const struct rt_manifest *manifest,
    struct rtc_spans *spans, bool same_boot, uint64_t epoch,
    _Atomic uint64_t *next_number)
{
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		struct rtc_span *span = &spans->all[i];

		if (!same_boot)
			forget_checks(span);
		if (adopt_span(resume, manifest, span, epoch, next_number))
			spans->all[count++] = *span;
		else
			rtc_span_fini(span);
	}
	spans->count = count;
	if (count != 0)
		return spans;
	rtc_spans_free(spans);
	return NULL;
}

/* Tell progress of a job that waits. */
static void
keep(struct rtc_resume *resume, const struct rtc_job *job)
{
	const struct rtc_spans *done = job->done;

	rtc_progress_begin(resume->progress, done->slot, job, done->count);
	for (size_t i = 0; i < done->count; i++)
		rtc_progress_note(resume->progress, done->slot, i,
		    rt_buf_slice(&done->all[i].lower),
		    rt_buf_slice(&done->all[i].upper), &done->all[i].result,
		    false);
}

static void
take_up(struct rtc_resume *resume, const struct rt_manifest *manifest,
    struct rtc_recorded_job *recorded, bool same_boot, uint64_t epoch,
    _Atomic uint64_t *next_number)
{
	struct rtc_job job;

	if (resume->count == RT_COUNTOF(resume->jobs) ||
	    recorded->generation > manifest->generation ||
	    !build(&job, manifest, recorded))
		return;
	job.done = adopt_spans(resume, manifest, recorded->spans, same_boot,
	    epoch, next_number);
	recorded->spans = NULL;
	if (job.done == NULL) {
		rtc_job_fini(&job);
		return;
	}
	job.done->slot = WAITING_FROM + resume->count;
	keep(resume, &job);
	resume->jobs[resume->count++] = job;
}

void
rtc_resume_open(struct rtc_resume *resume, struct rt_fs *fs, int dir, int sst,
    struct rtc_progress *progress, uint64_t boot_id,
    const struct rt_manifest *manifest, uint64_t epoch,
    _Atomic uint64_t *next_number)
{
	struct rt_err err = { .code = RT_OK };
	struct rtc_record record = { .count = 0 };
	struct rt_buf bytes = { 0 };
	enum rt_code code;

	*resume = (struct rtc_resume){
		.fs = fs,
		.sst = sst,
		.progress = progress,
	};
	rtc_progress_open(progress, fs, dir, manifest->database_uuid, boot_id);
	code = rt_fs_read_file(fs, dir, RT_PATH_PROGRESS,
	    RTC_PROGRESS_BYTES_MAX, &bytes, &err);
	if (code == RT_OK)
		code = rtc_record_decode(&record, rt_buf_slice(&bytes),
		    manifest->database_uuid, &err);
	if (code != RT_OK && code != RT_ENOTFOUND)
		rt_log(RT_LOG_WARNING, "progress", "a record is of no use",
		    "error=\"%s\"", err.text);
	for (size_t i = 0; i < record.count; i++)
		take_up(resume, manifest, &record.jobs[i],
		    boot_id != 0 && record.boot_id == boot_id, epoch,
		    next_number);
	RT_CRASHPOINT("progress-linked");
	rtc_progress_save(progress);
	if (resume->count > 0)
		rt_log(RT_LOG_NOTICE, "progress", "jobs are to be resumed",
		    "jobs=%zu", resume->count);
	rtc_record_fini(&record);
	rt_buf_fini(&bytes);
}

void
rtc_resume_close(struct rtc_resume *resume)
{
	for (size_t i = 0; i < resume->count; i++)
		rtc_job_fini(&resume->jobs[i]);
	resume->count = 0;
}

static void
give_up(struct rtc_resume *resume, struct rtc_job *job)
{
	struct rtc_spans *done = job->done;

	rt_log(RT_LOG_VERBOSE, "progress", "given up", "jobs=1");
	rtc_progress_end(resume->progress, done->slot);
	for (size_t i = 0; i < done->count; i++)
		unlink_outputs(resume, &done->all[i]);
	rtc_job_fini(job);
}

/* Bytes of inputs that are not merged yet, about. */
static uint64_t
bytes_left(const struct rtc_job *job)
{
	uint64_t entries = 0, done = 0;

	for (size_t i = 0; i < job->inputs_count; i++)
		entries += job->inputs[i]->entries;
	for (size_t i = 0; i < job->done->count; i++)
		done += job->done->all[i].result.entries_in;
	if (entries == 0 || done >= entries)
		return 0;
	return (uint64_t)((double)job->input_bytes *
	    (double)(entries - done) / (double)entries);
}

static bool
is_of_use(const struct rtc_job *job, const struct rtc_limits *limits,
    uint64_t space)
{
	for (size_t i = 0; i < job->inputs_count; i++)
		if (avoids(limits, job->inputs[i]->id))
			return false;
	return space == 0 || bytes_left(job) <= space;
}

bool
rtc_resume_next(struct rtc_resume *resume, const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint64_t space, struct rtc_job *job)
{
	bool found = false;
	size_t count = 0;

	for (size_t i = 0; i < resume->count; i++) {
		struct rtc_job *waiting = &resume->jobs[i];

		if (found || (limits->l0_only && waiting->target_level != 0)) {
			resume->jobs[count++] = *waiting;
			continue;
		}
		if (!is_of_use(waiting, limits, space) ||
		    !rebuild(job, manifest, waiting)) {
			give_up(resume, waiting);
			continue;
		}
		rtc_job_fini(waiting);
		found = true;
	}
	resume->count = count;
	return found;
}
