/* The method: what was written before the beginning is flushed; then a view is
 * pinned whose manifest covers it. The view keeps its tables in sst/ while they
 * are linked. The manifest of the copy is the view's with an edit: everything
 * that belongs to running programs, to snapshots, to requests and to the log
 * goes out of it. */
#include "riptided/engine/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/manifest/manifest_edit.h"
#include "riptided/engine/checkpoint_dir.h"
#include "riptided/engine/engine_state.h"
#include "riptided/wal/wal_format.h"

/* What ends the wait besides a new view does not signal it. */
#define LOOK_MS 100

struct rtd_checkpoint {
	struct rtd_engine *engine;
	char name[RT_PATH_CHECKPOINT_NAME_MAX + 1];
	uint64_t seq;		/* it has all up to here; 0: is flushed */
	uint64_t start_ns;
};

enum rt_code
rtd_checkpoint_begin(struct rtd_engine *engine, struct rt_slice name,
    struct rtd_checkpoint **out, struct rt_err *err)
{
	struct rtd_checkpoint *checkpoint;

	if (!rt_path_is_checkpoint(name))
		return rt_err_set(err, RT_EINVAL, "invalid checkpoint name: "
		    "1 to %d of A-Z a-z 0-9 . _ -, and no dot in front",
		    RT_PATH_CHECKPOINT_NAME_MAX);
	if (atomic_exchange(&engine->checkpointing, true))
		return rt_err_set(err, RT_EAGAIN,
		    "another checkpoint is being made");
	checkpoint = rt_alloc_zero(1, sizeof(*checkpoint));
	checkpoint->engine = engine;
	memcpy(checkpoint->name, name.data, name.len);
	checkpoint->start_ns = rt_clock_monotonic_ns(engine->clock);
	checkpoint->seq = rtd_engine_unflushed_seq(engine);
	rtd_engine_flush(engine);
	*out = checkpoint;
	return RT_OK;
}

void
rtd_checkpoint_free(struct rtd_checkpoint *checkpoint)
{
	if (checkpoint == NULL)
		return;
	atomic_store(&checkpoint->engine->checkpointing, false);
	free(checkpoint);
}

void
rtd_checkpoint_cancel(struct rtd_engine *engine)
{
	atomic_store(&engine->checkpoint_stop, true);
}

/* Why waiting for the flush has no end in sight. */
static enum rt_code
look_for_trouble(struct rtd_engine *engine, struct rt_err *err)
    RT_REQUIRES(engine->mu)
{
	if (atomic_load(&engine->checkpoint_stop))
		return rt_err_set(err, RT_ESTOPPED, "the server stops");
	if (atomic_load(&engine->flush_code) != RT_OK) {
		if (err != NULL)
			*err = engine->flush_err;
		rt_err_prefix(err, "the memtable cannot be flushed");
		return (enum rt_code)atomic_load(&engine->flush_code);
	}
	return RT_OK;
}

/* The first view whose tables have all that the checkpoint must have, with a
 * reference. */
static enum rt_code
pin_view(struct rtd_checkpoint *checkpoint, struct rtd_view **out,
    struct rt_err *err)
{
	struct rtd_engine *engine = checkpoint->engine;
	enum rt_code code = RT_OK;

	rt_mutex_lock(&engine->mu);
	while (engine->view->manifest->flushed_seq < checkpoint->seq) {
		code = look_for_trouble(engine, err);
		if (code != RT_OK)
			break;
		rt_cond_wait_ms(&engine->view_moved, &engine->mu, LOOK_MS);
	}
	if (code == RT_OK)
		*out = rtd_view_ref(engine->view);
	rt_mutex_unlock(&engine->mu);
	return code;
}

/* The manifest as a clean stop would leave it, had it happened at this
 * generation: nothing obsolete, no snapshot, and a log that ended below the
 * floor. It takes the next generation's number, for it is another one. */
static enum rt_code
copy_manifest(struct rtd_engine *engine, const struct rt_manifest *base,
    const struct rt_manifest **out, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, base->daemon_epoch);
	struct rt_expiry_reading reading;
	enum rt_code code;

	rt_manifest_edit_set_flushed(edit, base->flushed_seq,
	    base->wal_floor + 1);
	rt_manifest_edit_set_clean_wal(edit, base->wal_floor,
	    RTD_WAL_SEGMENT_HEADER_BYTES);
	rt_manifest_edit_set_snapshots(edit, NULL, 0);
	rt_manifest_edit_ask(edit, base->compact_done, 0);
	for (size_t i = 0; i < base->obsolete_count; i++)
		rt_manifest_edit_forget_obsolete(edit, base->obsolete[i]);
	/* What has expired by now stays so in the copy. */
	rt_expiry_clock_read(&engine->expiry, &reading);
	rt_manifest_edit_set_expiry_clock(edit, reading.line_ms,
	    &reading.mark);
	code = rt_manifest_edit_apply(edit, base, out, err);
	rt_manifest_edit_free(edit);
	return code;
}

static void
log_made(const struct rtd_checkpoint *checkpoint,
    const struct rt_manifest *manifest)
{
	struct rtd_engine *engine = checkpoint->engine;
	uint64_t now_ns = rt_clock_monotonic_ns(engine->clock);
	size_t tables = 0;

	for (size_t i = 0; i < manifest->runs_count; i++)
		tables += manifest->runs[i].tables_count;
	rt_log(RT_LOG_NOTICE, "checkpoint", "checkpoint made",
	    "name=%s seq=%llu tables=%zu ms=%llu", checkpoint->name,
	    (unsigned long long)manifest->flushed_seq, tables,
	    (unsigned long long)(now_ns - checkpoint->start_ns) / 1000000);
}

enum rt_code
rtd_checkpoint_run(struct rtd_checkpoint *checkpoint, struct rt_err *err)
{
	struct rtd_engine *engine = checkpoint->engine;
	struct rtd_checkpoint_dir make = {
		.fs = engine->fs,
		.dir = engine->dir,
		.sst_dir = engine->sst_dir,
		.name = checkpoint->name,
		.stop = &engine->checkpoint_stop,
	};
	const struct rt_manifest *manifest = NULL;
	struct rtd_view *view = NULL;
	enum rt_code code;

	code = pin_view(checkpoint, &view, err);
	if (code == RT_OK)
		code = copy_manifest(engine, view->manifest, &manifest, err);
	if (code != RT_OK) {
		rt_err_prefix(err, "checkpoint '%s' not made",
		    checkpoint->name);
		goto out;
	}
	make.manifest = manifest;
	code = rtd_checkpoint_dir_make(&make, err);
	if (code == RT_OK) {
		atomic_fetch_add(&engine->checkpoints, 1);
		log_made(checkpoint, manifest);
	}
out:
	rt_manifest_unref(manifest);
	rtd_view_unref(view);
	return code;
}
