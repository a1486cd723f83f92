#include "riptide-compactd/progress.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/path.h"

void
rtc_progress_init(struct rtc_progress *progress)
{
	*progress = (struct rtc_progress){ .dir = -1 };
	rt_mutex_init(&progress->mu);
}

static void
clear(struct rtc_progress_slot *slot)
{
	rt_buf_fini(&slot->head);
	for (size_t i = 0; i < slot->spans_count; i++)
		rt_buf_fini(&slot->spans[i]);
	free(slot->spans);
	*slot = (struct rtc_progress_slot){ .is_used = false };
}

void
rtc_progress_fini(struct rtc_progress *progress)
{
	for (size_t i = 0; i < RTC_PROGRESS_JOBS_MAX; i++)
		clear(&progress->slots[i]);
	rt_mutex_fini(&progress->mu);
}

void
rtc_progress_open(struct rtc_progress *progress, struct rt_fs *fs, int dir,
    const uint8_t *database_uuid, uint64_t boot_id)
{
	progress->fs = fs;
	progress->dir = dir;
	progress->boot_id = boot_id;
	memcpy(progress->database_uuid, database_uuid, RT_UUID_BYTES);
	progress->is_written = true;
}

/* Append what is done of a job; false: nothing is. */
static bool
put_slot(struct rt_buf *out, const struct rtc_progress_slot *slot)
{
	size_t done = 0;

	for (size_t i = 0; i < slot->spans_count; i++)
		done += slot->spans[i].len != 0;
	if (done == 0)
		return false;
	rt_buf_append_slice(out, rt_buf_slice(&slot->head));
	rt_buf_put_varint(out, done);
	for (size_t i = 0; i < slot->spans_count; i++)
		rt_buf_append_slice(out, rt_buf_slice(&slot->spans[i]));
	return true;
}

/* Replaced by rename, and not synced (K1). */
static enum rt_code
write_file(struct rtc_progress *progress, struct rt_slice bytes,
    struct rt_err *err)
{
	struct rt_fs *fs = progress->fs;
	enum rt_code code, closed;
	int fd = -1;

	/* One left behind by a process that died here is in the way. */
	rt_fs_unlink(fs, progress->dir, RT_PATH_PROGRESS_TMP, NULL);
	code = rt_fs_create(fs, progress->dir, RT_PATH_PROGRESS_TMP, &fd, err);
	if (code == RT_OK)
		code = rt_fs_write_exact(fs, fd, bytes.data, bytes.len, 0, err);
	closed = rt_fs_close(fs, &fd, code == RT_OK ? err : NULL);
	if (code == RT_OK)
		code = closed;
	RT_CRASHPOINT("progress-written");
	if (code == RT_OK)
		code = rt_fs_rename(fs, progress->dir, RT_PATH_PROGRESS_TMP,
		    RT_PATH_PROGRESS, err);
	RT_CRASHPOINT("progress-saved");
	return code;
}

static void
save(struct rtc_progress *progress) RT_REQUIRES(progress->mu)
{
	struct rt_err err = { .code = RT_OK };
	struct rt_buf bytes = { 0 };
	bool any = false;

	if (progress->fs == NULL)
		return;
	rtc_record_begin(&bytes, progress->database_uuid, progress->boot_id);
	for (size_t i = 0; i < RTC_PROGRESS_JOBS_MAX; i++)
		any |= put_slot(&bytes, &progress->slots[i]);
	rtc_record_finish(&bytes);
	if (any) {
		progress->is_written = true;
		if (write_file(progress, rt_buf_slice(&bytes), &err) != RT_OK)
			rt_log_limited(60000, RT_LOG_WARNING, "progress",
			    "not saved", "error=\"%s\"", err.text);
	} else if (progress->is_written) {
		rt_fs_unlink(progress->fs, progress->dir, RT_PATH_PROGRESS,
		    NULL);
		progress->is_written = false;
	}
	rt_buf_fini(&bytes);
}

void
rtc_progress_save(struct rtc_progress *progress)
{
	rt_mutex_lock(&progress->mu);
	save(progress);
	rt_mutex_unlock(&progress->mu);
}

void
rtc_progress_begin(struct rtc_progress *progress, size_t number,
    const struct rtc_job *job, size_t parts)
{
	struct rtc_progress_slot *slot = &progress->slots[number];

	rt_assert(number < RTC_PROGRESS_JOBS_MAX);
	rt_mutex_lock(&progress->mu);
	if (job->done != NULL)
		clear(&progress->slots[job->done->slot]);
	clear(slot);
	slot->is_used = true;
	rtc_record_put_head(&slot->head, job);
	slot->spans = rt_alloc_zero(parts, sizeof(slot->spans[0]));
	slot->spans_count = parts;
	rt_mutex_unlock(&progress->mu);
}

void
rtc_progress_note(struct rtc_progress *progress, size_t number, size_t part,
    struct rt_slice lower, struct rt_slice upper,
    const struct rtc_result *result, bool is_saved)
{
	struct rtc_progress_slot *slot = &progress->slots[number];

	rt_mutex_lock(&progress->mu);
	rt_assert(slot->is_used && part < slot->spans_count);
	rt_buf_clear(&slot->spans[part]);
	rtc_record_put_span(&slot->spans[part], lower, upper, result);
	if (is_saved)
		save(progress);
	rt_mutex_unlock(&progress->mu);
}

void
rtc_progress_end(struct rtc_progress *progress, size_t number)
{
	rt_mutex_lock(&progress->mu);
	clear(&progress->slots[number]);
	save(progress);
	rt_mutex_unlock(&progress->mu);
}
