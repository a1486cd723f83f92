#include "libcommon/manifest/compactor_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/os/path.h"
#include "proto/compactor_status.pb-c.h"

#define TEMPORARY_NAME RT_PATH_COMPACTOR_STATUS_TMP
#define STATUS_BYTES_MAX 65536

#define SET(message, field, value) \
	((message)->has_##field = 1, (message)->field = (value))

/* -- jobs that are over -- */

static const char *const outcomes[] = {
	[RT_JOB_DONE] = "done",
	[RT_JOB_GIVEN_UP] = "given up",
	[RT_JOB_FAILED] = "failed",
	[RT_JOB_STOPPED] = "stopped",
};

const char *
rt_job_outcome_name(enum rt_job_outcome outcome)
{
	return outcomes[outcome];
}

void
rt_compactor_status_add(struct rt_compactor_status *status,
    const struct rt_compactor_job *job)
{
	if (status->history_count == RT_COMPACTOR_JOBS_MAX) {
		status->history_count--;
		memmove(&status->history[0], &status->history[1],
		    status->history_count * sizeof(status->history[0]));
	}
	status->history[status->history_count++] = *job;
	if (job->outcome == RT_JOB_DONE &&
	    job->target_level < RT_COMPACTOR_LEVELS_MAX) {
		struct rt_compactor_level *level =
		    &status->levels[job->target_level];

		level->jobs++;
		level->took_ms += job->took_ms;
		level->bytes_in += job->bytes_in;
		level->bytes_out += job->bytes_out;
	}
}

double
rt_compactor_write_amplification(const struct rt_compactor_status *status)
{
	if (status->level0_bytes == 0)
		return 0;
	return ((double)status->level0_bytes + (double)status->merged_bytes) /
	    (double)status->level0_bytes;
}

int64_t
rt_compactor_eta_s(const struct rt_compactor_status *status)
{
	uint64_t due = status->job_bytes_total > status->debt_bytes
	    ? status->job_bytes_total : status->debt_bytes;

	due -= status->job_bytes_done < due ? status->job_bytes_done : due;
	if (due == 0)
		return 0;
	if (status->bytes_per_s == 0)
		return -1;
	due /= status->bytes_per_s;
	return due > INT64_MAX ? INT64_MAX : (int64_t)due;
}

/* message borrows the texts of job. */
static void
put_job(Riptide__CompactorJob *message, struct rt_compactor_job *job)
{
	riptide__compactor_job__init(message);
	SET(message, number, job->number);
	SET(message, outcome, (Riptide__CompactorJob__Outcome)job->outcome);
	SET(message, source_level, job->source_level);
	SET(message, target_level, job->target_level);
	SET(message, began_ms, job->began_ms);
	SET(message, took_ms, job->took_ms);
	SET(message, inputs, job->inputs);
	SET(message, outputs, job->outputs);
	SET(message, bytes_in, job->bytes_in);
	SET(message, bytes_out, job->bytes_out);
	SET(message, versions_dropped, job->versions_dropped);
	SET(message, tombstones_dropped, job->tombstones_dropped);
	SET(message, expired_dropped, job->expired_dropped);
	message->deed = job->deed;
	message->reason = job->reason;
}

static void
copy_text(char *out, size_t out_bytes, const char *text)
{
	snprintf(out, out_bytes, "%s", text != NULL ? text : "");
}

static void
take_job(struct rt_compactor_job *job, const Riptide__CompactorJob *message)
{
	*job = (struct rt_compactor_job){
		.number = message->number,
		.source_level = message->source_level,
		.target_level = message->target_level,
		.began_ms = message->began_ms,
		.took_ms = message->took_ms,
		.inputs = message->inputs,
		.outputs = message->outputs,
		.bytes_in = message->bytes_in,
		.bytes_out = message->bytes_out,
		.versions_dropped = message->versions_dropped,
		.tombstones_dropped = message->tombstones_dropped,
		.expired_dropped = message->expired_dropped,
	};
	/* One of a later version. */
	job->outcome = (unsigned)message->outcome < RT_COUNTOF(outcomes)
	    ? (enum rt_job_outcome)message->outcome : RT_JOB_FAILED;
	copy_text(job->deed, sizeof(job->deed), message->deed);
	copy_text(job->reason, sizeof(job->reason), message->reason);
}

static void
take_history(struct rt_compactor_status *status,
    const Riptide__CompactorStatus *message)
{
	size_t count = message->n_history;
	size_t first = count > RT_COMPACTOR_JOBS_MAX
	    ? count - RT_COMPACTOR_JOBS_MAX : 0;

	for (size_t i = first; i < count; i++)
		take_job(&status->history[status->history_count++],
		    message->history[i]);
}

/* -- levels: an array for each of their members -- */

#define LEVEL_MEMBERS 4

static uint64_t *
member_of(struct rt_compactor_level *level, size_t member)
{
	uint64_t *const members[LEVEL_MEMBERS] = { &level->jobs,
		&level->took_ms, &level->bytes_in, &level->bytes_out };

	return members[member];
}

static void
put_levels(Riptide__CompactorStatus *message,
    struct rt_compactor_status *status,
    uint64_t arrays[LEVEL_MEMBERS][RT_COMPACTOR_LEVELS_MAX])
{
	for (size_t i = 0; i < RT_COMPACTOR_LEVELS_MAX; i++)
		for (size_t j = 0; j < LEVEL_MEMBERS; j++)
			arrays[j][i] = *member_of(&status->levels[i], j);
	message->level_jobs = arrays[0];
	message->level_took_ms = arrays[1];
	message->level_bytes_in = arrays[2];
	message->level_bytes_out = arrays[3];
	message->n_level_jobs = message->n_level_took_ms =
	    message->n_level_bytes_in = message->n_level_bytes_out =
		RT_COMPACTOR_LEVELS_MAX;
}

static void
take_levels(struct rt_compactor_status *status,
    const Riptide__CompactorStatus *message)
{
	const uint64_t *const arrays[LEVEL_MEMBERS] = { message->level_jobs,
		message->level_took_ms, message->level_bytes_in,
		message->level_bytes_out };
	const size_t counts[LEVEL_MEMBERS] = { message->n_level_jobs,
		message->n_level_took_ms, message->n_level_bytes_in,
		message->n_level_bytes_out };

	for (size_t i = 0; i < RT_COMPACTOR_LEVELS_MAX; i++)
		for (size_t j = 0; j < LEVEL_MEMBERS; j++)
			*member_of(&status->levels[i], j) =
			    i < counts[j] ? arrays[j][i] : 0;
}

/* -- the file -- */

/* A message to be packed: it borrows from copy, and from itself. */
struct packing {
	struct rt_compactor_status copy;
	Riptide__CompactorStatus message;
	Riptide__CompactorJob jobs[RT_COMPACTOR_JOBS_MAX];
	Riptide__CompactorJob *history[RT_COMPACTOR_JOBS_MAX];
	uint64_t levels[LEVEL_MEMBERS][RT_COMPACTOR_LEVELS_MAX];
};

static void
put_numbers(Riptide__CompactorStatus *message,
    const struct rt_compactor_status *status)
{
	riptide__compactor_status__init(message);
	SET(message, epoch, status->epoch);
	SET(message, pid, status->pid);
	SET(message, state, status->running
	    ? RIPTIDE__COMPACTOR_STATUS__STATE__RUNNING
	    : RIPTIDE__COMPACTOR_STATUS__STATE__IDLE);
	SET(message, started_ms, status->started_ms);
	if (status->last_publish_ms != 0)
		SET(message, last_publish_ms, status->last_publish_ms);
	SET(message, jobs_done, status->jobs_done);
	SET(message, bytes_read, status->bytes_read);
	SET(message, bytes_written, status->bytes_written);
	SET(message, debt_bytes, status->debt_bytes);
	SET(message, tombstones_dropped, status->tombstones_dropped);
	SET(message, versions_dropped, status->versions_dropped);
	SET(message, damaged_tables, status->damaged_tables);
	SET(message, scrub_position, status->scrub_position);
	SET(message, scrub_tables, status->scrub_tables);
	SET(message, scrub_began_ms, status->scrub_began_ms);
	SET(message, scrub_finished_ms, status->scrub_finished_ms);
	SET(message, expired_dropped, status->expired_dropped);
	SET(message, jobs_running, status->jobs_running);
	SET(message, job_bytes_done, status->job_bytes_done);
	SET(message, job_bytes_total, status->job_bytes_total);
	SET(message, bytes_per_s, status->bytes_per_s);
	SET(message, jobs_failed, status->jobs_failed);
	SET(message, level0_bytes, status->level0_bytes);
	SET(message, merged_bytes, status->merged_bytes);
	SET(message, jobs_ever, status->jobs_ever);
}

static void
fill(struct packing *packing, const struct rt_compactor_status *status)
{
	Riptide__CompactorStatus *message = &packing->message;
	struct rt_compactor_status *copy = &packing->copy;

	*copy = *status;
	put_numbers(message, status);
	message->last_error = copy->last_error;
	message->job = copy->job;
	message->phase = copy->phase;
	message->sandbox = copy->sandbox;
	for (size_t i = 0; i < copy->history_count; i++) {
		put_job(&packing->jobs[i], &copy->history[i]);
		packing->history[i] = &packing->jobs[i];
	}
	message->history = packing->history;
	message->n_history = copy->history_count;
	put_levels(message, copy, packing->levels);
}

enum rt_code
rt_compactor_status_save(struct rt_fs *fs, int dir,
    const struct rt_compactor_status *status, struct rt_err *err)
{
	struct packing packing;
	struct rt_buf bytes = { 0 };
	enum rt_code code;
	int fd = -1;

	fill(&packing, status);
	rt_buf_reserve(&bytes, riptide__compactor_status__get_packed_size(
	    &packing.message));
	bytes.len = riptide__compactor_status__pack(&packing.message,
	    bytes.data);
	/* One left behind by a process that died here is in the way. */
	rt_fs_unlink(fs, dir, TEMPORARY_NAME, NULL);
	code = rt_fs_create(fs, dir, TEMPORARY_NAME, &fd, err);
	if (code == RT_OK)
		code = rt_fs_write_exact(fs, fd, bytes.data, bytes.len, 0, err);
	rt_fs_close(fs, &fd, NULL);
	if (code == RT_OK)
		code = rt_fs_rename(fs, dir, TEMPORARY_NAME,
		    RT_PATH_COMPACTOR_STATUS, err);
	rt_buf_fini(&bytes);
	return code;
}

enum rt_code
rt_compactor_status_load(struct rt_fs *fs, int dir,
    struct rt_compactor_status *status, struct rt_err *err)
{
	Riptide__CompactorStatus *message;
	struct rt_buf bytes = { 0 };
	enum rt_code code;

	code = rt_fs_read_file(fs, dir, RT_PATH_COMPACTOR_STATUS,
	    STATUS_BYTES_MAX, &bytes, err);
	if (code != RT_OK) {
		rt_buf_fini(&bytes);
		return code == RT_ELIMIT ? RT_EDAMAGED : code;
	}
	message = riptide__compactor_status__unpack(NULL, bytes.len,
	    bytes.data);
	rt_buf_fini(&bytes);
	if (message == NULL)
		return rt_err_set(err, RT_EDAMAGED,
		    RT_PATH_COMPACTOR_STATUS " is malformed");
	*status = (struct rt_compactor_status){
		.epoch = message->epoch,
		.pid = message->pid,
		.running = message->state ==
		    RIPTIDE__COMPACTOR_STATUS__STATE__RUNNING,
		.started_ms = message->started_ms,
		.last_publish_ms = message->last_publish_ms,
		.jobs_done = message->jobs_done,
		.bytes_read = message->bytes_read,
		.bytes_written = message->bytes_written,
		.debt_bytes = message->debt_bytes,
		.tombstones_dropped = message->tombstones_dropped,
		.versions_dropped = message->versions_dropped,
		.damaged_tables = message->damaged_tables,
		.scrub_position = message->scrub_position,
		.scrub_tables = message->scrub_tables,
		.scrub_began_ms = message->scrub_began_ms,
		.scrub_finished_ms = message->scrub_finished_ms,
		.expired_dropped = message->expired_dropped,
		.jobs_running = message->jobs_running,
		.job_bytes_done = message->job_bytes_done,
		.job_bytes_total = message->job_bytes_total,
		.bytes_per_s = message->bytes_per_s,
		.jobs_failed = message->jobs_failed,
		.level0_bytes = message->level0_bytes,
		.merged_bytes = message->merged_bytes,
		.jobs_ever = message->jobs_ever,
	};
	copy_text(status->last_error, sizeof(status->last_error),
	    message->last_error);
	copy_text(status->job, sizeof(status->job), message->job);
	copy_text(status->phase, sizeof(status->phase), message->phase);
	copy_text(status->sandbox, sizeof(status->sandbox), message->sandbox);
	take_history(status, message);
	take_levels(status, message);
	riptide__compactor_status__free_unpacked(message, NULL);
	return RT_OK;
}
