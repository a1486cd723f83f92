/* flusher: the thread that turns frozen memtables into level-0 tables, oldest
 * first, one publish each.
 *
 * The order of steps (ENGINE 3.5 in docs/manifest-protocol.md): the memtable is
 * frozen, so that its last sequence is fixed; then the snapshots alive are
 * captured; the table is written and synced with its directory; one publish
 * makes table, flushed sequence, WAL floor and drops part of the truth; only
 * after that do memtable and WAL segments go. */
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/latency.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/table/bloom.h"
#include "libcommon/tree/table_entry.h"
#include "riptided/engine/compact.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"
#include "riptided/flush/flush.h"

/* After the first failure, and, doubling each time, at most. */
#define RETRY_MS_MIN 16
#define RETRY_MS_MAX 1000
#define WRITE_BEHIND_BYTES ((size_t)1 << 20)

/* The snapshots alive, after the freeze (SN1). */
struct captured {
	uint64_t *seqs;
	size_t count;
};

static enum rt_code
write_table(struct rtd_engine *engine, struct rtd_memtable *memtable,
    const struct captured *snapshots, struct rt_file_id id, bool *empty,
    struct rt_table_info *info, struct rt_err *err)
{
	const struct rt_config *config = engine->config;
	char name[RT_PATH_NAME_BYTES];
	struct rtd_flush flush = {
		.snapshots = snapshots->seqs,
		.snapshots_count = snapshots->count,
		.fs = engine->fs,
		.dir = engine->sst_dir,
		.name = rt_path_table(name, id),
		.options = {
			.block_bytes = config->block_size,
			.bloom_bits_per_key = rt_bloom_bits_of_level(
			    (unsigned)config->bloom_bits_per_key, true, false),
			.compression = RT_COMPRESSION_NONE,
			.unique_id = rt_table_unique_id(),
			.write_behind_bytes = WRITE_BEHIND_BYTES,
		},
		.memtable = memtable,
	};
	memcpy(flush.options.database_uuid, engine->database_uuid,
	    sizeof(flush.options.database_uuid));
	return rtd_flush_run(&flush, empty, info, err);
}

/* The frozen memtable that is next, and the lowest WAL segment that will still
 * be needed without it. Both hold until the flusher publishes. */
static struct rtd_memtable *
oldest_frozen(struct rtd_engine *engine, uint64_t *wal_floor)
{
	struct rtd_memtable *oldest = NULL;
	struct rtd_view *view;

	rt_mutex_lock(&engine->mu);
	view = engine->view;
	if (view->memtables_count > 1) {
		oldest = rtd_memtable_ref(
		    view->memtables[view->memtables_count - 1]);
		*wal_floor =
		    view->memtables[view->memtables_count - 2]->wal_segment;
	}
	rt_mutex_unlock(&engine->mu);
	return oldest;
}

static enum rt_code
publish(struct rtd_engine *engine, const struct rtd_memtable *memtable,
    const struct captured *snapshots, const struct rt_manifest_table *table,
    uint64_t wal_floor,
    const struct rt_manifest **next, bool *unknown, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, engine->epoch);
	struct rt_expiry_reading reading;
	enum rt_code code;

	if (table != NULL)
		rt_manifest_edit_add_run(edit, table);
	rt_manifest_edit_set_flushed(edit, atomic_load(&memtable->last_seq),
	    wal_floor);
	rt_manifest_edit_set_next_file(edit, engine->next_file);
	for (size_t i = 0; i < memtable->drops_count; i++)
		rt_manifest_edit_set_drop(edit, memtable->drops[i].keyspace,
		    memtable->drops[i].seq);
	for (size_t i = 0; i < memtable->mappings_count; i++)
		rt_manifest_edit_set_keyspace(edit,
		    memtable->mappings[i].database,
		    memtable->mappings[i].keyspace);
	rt_manifest_edit_set_snapshots(edit, snapshots->seqs,
	    snapshots->count);
	rt_expiry_clock_read(&engine->expiry, &reading);
	rt_manifest_edit_set_expiry_clock(edit, reading.line_ms,
	    &reading.mark);
	code = rt_manifest_store_publish(engine->flush_store, edit, next,
	    unknown, err);
	rt_manifest_edit_free(edit);
	return code;
}

/* Make the manifest that was published last the view, and let go of the
 * segments it covers. While that fails, because of a table that is not as the
 * manifest says, it is tried again and nothing is flushed: the memtable is in
 * the truth already. */
static enum rt_code
take_over(struct rtd_engine *engine, struct rt_err *err)
{
	const struct rt_manifest *manifest = engine->published;
	enum rt_code code;

	if (manifest == NULL)
		return RT_OK;
	code = rtd_engine_install(engine, manifest, err);
	if (code != RT_OK)
		return code;
	RT_CRASHPOINT("flush-installed");
	/* While recovery replays there is no log to tell. */
	if (engine->wal != NULL) {
		rtd_wal_note_generation(engine->wal, manifest->generation);
		rtd_wal_release(engine->wal, manifest->wal_floor);
	}
	rt_manifest_unref(manifest);
	engine->published = NULL;
	RT_CRASHPOINT("flush-released");
	return RT_OK;
}

/* What the compactor counts the age of its tombstones from; 0: it has none. */
static uint64_t
tombstones_since_s(struct rtd_engine *engine,
    const struct rtd_memtable *memtable, const struct rt_table_info *info)
{
	uint64_t since_ms = memtable->tombstones_since_ms;

	if (info->tombstones == 0)
		return 0;
	if (since_ms == 0) {
		struct rt_expiry_reading reading;

		rt_expiry_clock_read(&engine->expiry, &reading);
		since_ms = reading.line_ms;
	}
	return since_ms / 1000;
}

static void
note_flush(struct rtd_engine *engine, uint64_t ns)
{
	rt_latency_note(RT_LATENCY_FLUSH, ns);
	rt_mutex_lock(&engine->mu);
	rt_durations_add(&engine->flush_times, ns);
	rt_mutex_unlock(&engine->mu);
}

/* Flush the oldest frozen memtable and publish it. */
static enum rt_code
flush_oldest(struct rtd_engine *engine, struct rt_err *err)
{
	struct rt_file_id id = { .number = engine->next_file };
	struct rt_table_info info = { 0 };
	struct captured snapshots = { .count = 0 };
	struct rt_manifest_table table;
	struct rtd_memtable *memtable;
	bool empty = false, unknown = false;
	uint64_t wal_floor = 0, began, took;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	memtable = oldest_frozen(engine, &wal_floor);
	if (memtable == NULL)
		return RT_OK;
	began = rt_clock_monotonic_ns(engine->clock);
	/* A name that was tried is used, whatever becomes of it. */
	engine->next_file++;
	snapshots.count = rtd_snapshots_capture(engine, &snapshots.seqs);
	code = write_table(engine, memtable, &snapshots, id, &empty, &info,
	    err);
	/* Only what is read back is damaged here. */
	if (code == RT_EDAMAGED)
		atomic_fetch_add(&engine->garbled_tables, 1);
	else
		atomic_store(&engine->garbled_tables, 0);
	if (code != RT_OK)
		goto out;
	RT_CRASHPOINT("flush-table-written");
	table = rt_table_entry(id, &info);
	table.tombstones_since_s = tombstones_since_s(engine, memtable, &info);
	code = publish(engine, memtable, &snapshots, empty ? NULL : &table,
	    wal_floor, &engine->published, &unknown, err);
	if (code != RT_OK) {
		/* While the outcome is open the file may be part of the truth;
		 * the next start sweeps it if it is not. */
		if (!empty && !unknown)
			rt_fs_unlink(engine->fs, engine->sst_dir,
			    rt_path_table(name, id), NULL);
		goto out;
	}
	RT_CRASHPOINT("flush-published");
	took = rt_clock_monotonic_ns(engine->clock) - began;
	note_flush(engine, took);
	atomic_fetch_add(&engine->flushes, 1);
	atomic_fetch_add(&engine->flush_bytes, info.size);
	rt_log(RT_LOG_VERBOSE, "flush", "memtable flushed",
	    "table=%s bytes=%llu entries=%llu generation=%llu ms=%llu",
	    empty ? "none" : rt_path_table(name, id),
	    (unsigned long long)info.size, (unsigned long long)info.entries,
	    (unsigned long long)engine->published->generation,
	    (unsigned long long)took / 1000000);
	code = take_over(engine, err);
out:
	free(snapshots.seqs);
	rt_table_info_fini(&info);
	rtd_memtable_unref(memtable);
	return code;
}

/* Tell the compactor which snapshots there are, between two flushes. */
static enum rt_code
publish_snapshots(struct rtd_engine *engine, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, engine->epoch);
	uint64_t *seqs = NULL;
	size_t count = rtd_snapshots_capture(engine, &seqs);
	enum rt_code code;

	rt_manifest_edit_set_snapshots(edit, seqs, count);
	code = rt_manifest_store_publish(engine->flush_store, edit,
	    &engine->published, NULL, err);
	if (code == RT_OK)
		code = take_over(engine, err);
	rt_manifest_edit_free(edit);
	free(seqs);
	return code;
}

/* What was asked of the compactor, now that all it is about is flushed. */
static enum rt_code
publish_request(struct rtd_engine *engine, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, engine->epoch);
	struct rtd_view *view = rtd_engine_view(engine);
	uint64_t request = rtd_compact_put(engine, edit,
	    view->manifest->flushed_seq);
	enum rt_code code;

	rtd_view_unref(view);
	code = rt_manifest_store_publish(engine->flush_store, edit,
	    &engine->published, NULL, err);
	if (code == RT_OK) {
		rtd_compact_published(engine, request);
		code = take_over(engine, err);
	}
	rt_manifest_edit_free(edit);
	return code;
}

static void
note_result(struct rtd_engine *engine, enum rt_code code,
    const struct rt_err *err)
{
	bool was_failing = atomic_load(&engine->flush_code) != RT_OK;

	rt_mutex_lock(&engine->mu);
	engine->flush_err = *err;
	rt_mutex_unlock(&engine->mu);
	if (code != RT_OK)
		rtd_snapshots_not_published(engine);
	atomic_store(&engine->flush_code, (int)code);
	if (code == RT_EFENCED)
		atomic_store(&engine->fenced, true);
	if (code != RT_OK)
		rt_log_limited(10000, RT_LOG_WARNING, "flush", "flush failed",
		    "error=\"%s\"", err->text);
	else if (was_failing)
		rt_log(RT_LOG_NOTICE, "flush", "flush works again", "%s", "");
	if (code != RT_OK || was_failing)
		rtd_engine_notify(engine);
}

/* Empty the memtables that came back, for the next rotation. */
static void
clean_used(struct rtd_engine *engine)
{
	for (;;) {
		struct rtd_memtable *memtable = NULL;
		bool kept = false;

		rt_mutex_lock(&engine->mu);
		if (engine->used_count > 0)
			memtable = engine->used[--engine->used_count];
		rt_mutex_unlock(&engine->mu);
		if (memtable == NULL)
			return;
		rtd_memtable_reset(memtable);
		rt_mutex_lock(&engine->mu);
		if (engine->spares_count < atomic_load(&engine->spares_max)) {
			engine->spares[engine->spares_count++] = memtable;
			kept = true;
		}
		rt_mutex_unlock(&engine->mu);
		if (!kept)
			rtd_memtable_destroy(memtable);
	}
}

/* Wait for work, after a failure (retry_ms != 0) for so long at most. False:
 * stop, because nothing is left or it cannot be done. */
static bool
wait_for_work(struct rtd_engine *engine, uint64_t retry_ms, bool *flush)
{
	bool go_on = true;

	rt_mutex_lock(&engine->mu);
	if (retry_ms != 0 && !engine->stopping)
		rt_cond_wait_ms(&engine->cond, &engine->mu, retry_ms);
	while (!engine->stopping && engine->used_count == 0 &&
	    engine->view->memtables_count == 1) {
		uint64_t due_ms = rtd_snapshots_due_ms(engine);

		if (due_ms == 0 || engine->begin_log_again ||
		    rtd_compact_is_due(engine))
			break;
		if (due_ms == UINT64_MAX)
			rt_cond_wait(&engine->cond, &engine->mu);
		else
			rt_cond_wait_ms(&engine->cond, &engine->mu, due_ms);
	}
	*flush = engine->view->memtables_count > 1;
	if (engine->stopping)
		go_on = retry_ms == 0 && *flush;
	rt_mutex_unlock(&engine->mu);
	return go_on;
}

static bool
snapshots_are_due(struct rtd_engine *engine)
{
	bool due;

	rt_mutex_lock(&engine->mu);
	due = rtd_snapshots_due_ms(engine) == 0;
	rt_mutex_unlock(&engine->mu);
	return due;
}

static bool
request_is_due(struct rtd_engine *engine)
{
	bool due;

	rt_mutex_lock(&engine->mu);
	due = rtd_compact_is_due(engine);
	rt_mutex_unlock(&engine->mu);
	return due;
}

/* Every sequence is in a table that the manifest names. */
static void
begin_log_again(struct rtd_engine *engine)
{
	bool due;

	rt_mutex_lock(&engine->mu);
	due = engine->begin_log_again && engine->view->memtables_count == 1;
	if (due)
		engine->begin_log_again = false;
	rt_mutex_unlock(&engine->mu);
	if (due)
		rtd_wal_begin_again(engine->wal);
}

static uint64_t
next_retry_ms(uint64_t last_ms)
{
	if (last_ms == 0)
		return RETRY_MS_MIN;
	return 2 * last_ms < RETRY_MS_MAX ? 2 * last_ms : RETRY_MS_MAX;
}

static void *
flusher_main(void *arg)
{
	struct rtd_engine *engine = arg;
	uint64_t retry_ms = 0;
	bool flush = false;

	while (wait_for_work(engine, retry_ms, &flush)) {
		struct rt_err err = { .code = RT_OK };
		enum rt_code code = RT_OK;

		clean_used(engine);
		code = take_over(engine, &err);
		if (code == RT_OK && flush)
			code = flush_oldest(engine, &err);
		else if (code == RT_OK && snapshots_are_due(engine))
			code = publish_snapshots(engine, &err);
		if (code == RT_OK && request_is_due(engine))
			code = publish_request(engine, &err);
		retry_ms = code == RT_OK ? 0 : next_retry_ms(retry_ms);
		if (retry_ms != 0 || atomic_load(&engine->flush_code) != RT_OK)
			note_result(engine, code, &err);
		if (retry_ms == 0)
			begin_log_again(engine);
	}
	return NULL;
}

void
rtd_flusher_start(struct rtd_engine *engine)
{
	rt_thread_start(&engine->flusher, "flush", flusher_main, engine);
	engine->flusher_runs = true;
}

void
rtd_flusher_stop(struct rtd_engine *engine)
{
	if (!engine->flusher_runs)
		return;
	rt_mutex_lock(&engine->mu);
	engine->stopping = true;
	rt_cond_broadcast(&engine->cond);
	rt_mutex_unlock(&engine->mu);
	rt_thread_join(engine->flusher);
	engine->flusher_runs = false;
}
