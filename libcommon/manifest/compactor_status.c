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

enum rt_code
rt_compactor_status_save(struct rt_fs *fs, int dir,
    const struct rt_compactor_status *status, struct rt_err *err)
{
	Riptide__CompactorStatus message;
	struct rt_compactor_status copy = *status;
	struct rt_buf bytes = { 0 };
	enum rt_code code;
	int fd = -1;

	riptide__compactor_status__init(&message);
	SET(&message, epoch, status->epoch);
	SET(&message, pid, status->pid);
	SET(&message, state, status->running
	    ? RIPTIDE__COMPACTOR_STATUS__STATE__RUNNING
	    : RIPTIDE__COMPACTOR_STATUS__STATE__IDLE);
	SET(&message, started_ms, status->started_ms);
	if (status->last_publish_ms != 0)
		SET(&message, last_publish_ms, status->last_publish_ms);
	SET(&message, jobs_done, status->jobs_done);
	SET(&message, bytes_read, status->bytes_read);
	SET(&message, bytes_written, status->bytes_written);
	SET(&message, debt_bytes, status->debt_bytes);
	SET(&message, tombstones_dropped, status->tombstones_dropped);
	SET(&message, versions_dropped, status->versions_dropped);
	SET(&message, damaged_tables, status->damaged_tables);
	SET(&message, scrub_position, status->scrub_position);
	SET(&message, scrub_tables, status->scrub_tables);
	SET(&message, scrub_began_ms, status->scrub_began_ms);
	SET(&message, scrub_finished_ms, status->scrub_finished_ms);
	SET(&message, expired_dropped, status->expired_dropped);
	message.last_error = copy.last_error;
	message.job = copy.job;
	rt_buf_reserve(&bytes,
	    riptide__compactor_status__get_packed_size(&message));
	bytes.len = riptide__compactor_status__pack(&message, bytes.data);
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

static void
copy_text(char *out, size_t out_bytes, const char *text)
{
	snprintf(out, out_bytes, "%s", text != NULL ? text : "");
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
	};
	copy_text(status->last_error, sizeof(status->last_error),
	    message->last_error);
	copy_text(status->job, sizeof(status->job), message->job);
	riptide__compactor_status__free_unpacked(message, NULL);
	return RT_OK;
}
