/* A log usually fits into the memtables that were there when it was written.
 * It is read once then, into one memtable, and nothing on disk changes before
 * all of it was found whole.
 *
 * A larger one was written with a larger memtable-size or memory-limit. When
 * the memtable has what memory allows, the first reading goes on to the log's
 * end and only checks. Then recovery claims the directory and starts the
 * flusher, and a second reading takes the records that are left, freezing
 * memtables and waiting for room as the loop does. Each flush that is published
 * on the way is kept when the process ends: the next start replays what is
 * above it. */
#include "riptided/engine/replay.h"

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"

/* How often a wait for a flush looks whether it should end. */
#define LOOK_MS 50

static bool
is_stopped(const struct rtd_engine *engine)
{
	return engine->loading != NULL && atomic_load(&engine->loading->stop);
}

static bool
note_progress(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
	struct rtd_replay *replay = arg;
	struct rtd_loading *loading = replay->engine->loading;

	if (loading == NULL)
		return true;
	atomic_store(&loading->total_bytes, total_bytes);
	/* While records are only checked, or read again, nothing is loaded. */
	if (!replay->left && done_bytes > atomic_load(&loading->loaded_bytes))
		atomic_store(&loading->loaded_bytes, done_bytes);
	return !atomic_load(&loading->stop);
}

/* Walk over the operations of a record; those above the sequence go to the
 * memtable (NULL: none do). */
static enum rt_code
walk_record(struct rtd_replay *replay, struct rtd_memtable *memtable,
    uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	struct rt_cursor cursor = rt_cursor(payload);
	uint64_t seq = first_seq;
	struct rtd_write_op op;

	while (rtd_write_batch_next(&cursor, &op)) {
		/* A large value stays where the log's reader put it. */
		if (op.value.len >= RT_BULK_BYTES_MIN)
			op.bulk = replay->reading->bulk;
		if (memtable != NULL && seq > replay->flushed_seq)
			rtd_engine_apply(replay->engine, memtable, &op, seq);
		seq++;
	}
	if (!rt_cursor_done(&cursor) || seq - first_seq != count)
		return rt_err_set(err, RT_EDAMAGED,
		    "wal/%llu.wal: the record of sequence %llu is malformed",
		    (unsigned long long)segment,
		    (unsigned long long)first_seq);
	if (memtable != NULL)
		replay->applied_seq = first_seq + count - 1;
	return RT_OK;
}

/* -- the first reading -- */

static enum rt_code
check_record(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	struct rtd_replay *replay = arg;
	struct rtd_memtable *memtable = replay->memtable;

	if (memtable->wal_segment == 0)
		memtable->wal_segment = segment;
	if (rtd_memtable_bytes(memtable) >= replay->memtable_max)
		replay->left = true;
	return walk_record(replay, replay->left ? NULL : memtable, segment,
	    first_seq, count, payload, err);
}

static void
log_replay(const struct rtd_wal_replay *replay)
{
	if (replay->records > 0)
		rt_log(RT_LOG_NOTICE, "recovery", "wal replayed",
		    "records=%llu bytes=%llu last_seq=%llu",
		    (unsigned long long)replay->records,
		    (unsigned long long)replay->bytes,
		    (unsigned long long)replay->last_seq);
	if (replay->torn_segment != 0)
		rt_log(RT_LOG_WARNING, "recovery", "wal tail dropped",
		    "segment=%llu offset=%llu bytes=%llu last_seq=%llu",
		    (unsigned long long)replay->torn_segment,
		    (unsigned long long)replay->torn_offset,
		    (unsigned long long)replay->torn_bytes,
		    (unsigned long long)replay->last_seq);
}

/* Two databases that meant one keyspace would show each other's keys. */
static enum rt_code
load_keyspaces(struct rtd_engine *engine, const struct rt_manifest *manifest,
    struct rt_err *err)
{
	bool meant[RTD_KEYSPACES_MAX] = { false };

	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX; i++) {
		uint32_t id = rt_manifest_keyspace(manifest, i);

		if (id >= RTD_KEYSPACES_MAX || meant[id])
			return rt_err_set(err, RT_EDAMAGED,
			    "manifest %llu: database %u means keyspace %u, "
			    "which is not its own",
			    (unsigned long long)manifest->generation, i, id);
		meant[id] = true;
		atomic_store(&engine->keyspaces[i], id);
	}
	return RT_OK;
}

/* What all memtables together may take, and one more without a limit: the
 * active one may hold a batch more than it should. */
static uint64_t
memory_for_one(const struct rtd_engine *engine)
{
	if (engine->shares.limit != 0)
		return engine->shares.memtables;
	return engine->shares.memtable *
	    ((uint64_t)engine->config->memtable_max_count + 1);
}

enum rt_code
rtd_replay_check(struct rtd_replay *replay, struct rtd_engine *engine,
    const struct rt_manifest *manifest, struct rtd_memtable *memtable,
    struct rt_err *err)
{
	enum rt_code code;

	*replay = (struct rtd_replay){
		.engine = engine,
		.memtable = memtable,
		.memtable_max = memory_for_one(engine),
		.flushed_seq = manifest->flushed_seq,
		.wal = {
			.fs = engine->fs,
			.dir = engine->wal_dir,
			.database_uuid = engine->database_uuid,
			.floor = manifest->wal_floor,
			.flushed_seq = manifest->flushed_seq,
			.manifest_generation = manifest->generation,
			.clean_wal = manifest->clean_wal,
			.clean_wal_bytes = manifest->clean_wal_bytes,
			.tolerant = engine->config->wal_recovery ==
			    RT_WAL_TOLERANT,
			.apply = check_record,
			.progress = note_progress,
			.arg = replay,
		},
	};
	/* Swaps in the log start from what the manifest knows. */
	code = load_keyspaces(engine, manifest, err);
	if (code != RT_OK)
		return code;
	replay->reading = &replay->wal;
	rtd_memtable_begin_load(memtable);
	code = rtd_wal_replay(&replay->wal, err);
	rtd_memtable_end_load(memtable);
	if (code != RT_OK)
		return code;
	if (err != NULL && err->code == RT_EDAMAGED) {
		rt_log(RT_LOG_WARNING, "recovery",
		    "damaged wal kept up to the damage", "damage=\"%s\"",
		    err->text);
		rt_err_clear(err);
		replay->tolerated = true;
	}
	/* One that grew beyond its size is not worth keeping. */
	if (rtd_memtable_bytes(memtable) > memtable->bytes_max)
		memtable->recycle = NULL;
	log_replay(&replay->wal);
	return RT_OK;
}

/* -- the second reading -- */

static enum rt_code
stop_reason(struct rtd_engine *engine, struct rt_err *err)
{
	if (is_stopped(engine))
		return rt_err_set(err, RT_ESTOPPED, "replay was stopped");
	if (atomic_load(&engine->fenced))
		return rt_err_set(err, RT_EFENCED,
		    "another daemon took over this data directory");
	return RT_OK;
}

/* Wait until a flush changed the view, or for a moment. */
static void
wait_for_flush(struct rtd_engine *engine, unsigned memtables_count)
{
	rt_mutex_lock(&engine->mu);
	if (engine->view->memtables_count >= memtables_count)
		rt_cond_wait_ms(&engine->view_moved, &engine->mu, LOOK_MS);
	rt_mutex_unlock(&engine->mu);
}

/* Until no more than `count` memtables are left. */
static enum rt_code
wait_until_flushed(struct rtd_engine *engine, unsigned count,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	while (code == RT_OK &&
	    atomic_load(&engine->memtables_count) > count) {
		wait_for_flush(engine, count + 1);
		code = stop_reason(engine, err);
	}
	return code;
}

static void
freeze(struct rtd_engine *engine, uint64_t segment)
{
	if (engine->active->queue != NULL)
		rtd_memtable_end_load(engine->active);
	rtd_engine_freeze(engine, segment);
	rtd_memtable_begin_load(engine->active);
}

static enum rt_code
apply_rest(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	struct rtd_replay *replay = arg;
	struct rtd_engine *engine = replay->engine;
	enum rt_code code = RT_OK;

	if (engine->active == replay->memtable) {
		/* It has all that memory allows: alone, and gone before
		 * more comes in. */
		freeze(engine, segment);
		replay->memtable = NULL;
		replay->left = false;
		code = wait_until_flushed(engine, 1, err);
	}
	while (code == RT_OK && !rtd_engine_has_room(engine)) {
		wait_for_flush(engine, 2);
		code = stop_reason(engine, err);
	}
	if (code != RT_OK)
		return code;
	if (rtd_memtable_is_full(engine->active))
		freeze(engine, segment);
	return walk_record(replay, engine->active, segment, first_seq, count,
	    payload, err);
}

enum rt_code
rtd_replay_rest(struct rtd_replay *replay, struct rt_err *err)
{
	struct rtd_engine *engine = replay->engine;
	struct rtd_wal_replay wal = replay->wal;
	enum rt_code code;

	rt_log(RT_LOG_NOTICE, "recovery",
	    "the wal is larger than memory for it: flushing on the way",
	    "upto_seq=%llu last_seq=%llu",
	    (unsigned long long)replay->applied_seq,
	    (unsigned long long)wal.last_seq);
	wal.flushed_seq = replay->applied_seq;
	wal.apply = apply_rest;
	/* A torn tail is cut by now, or was kept on purpose. */
	wal.read_only = true;
	replay->reading = &wal;
	code = rtd_wal_replay(&wal, err);
	replay->reading = NULL;
	if (engine->active->queue != NULL)
		rtd_memtable_end_load(engine->active);
	if (code == RT_OK && wal.last_seq != replay->wal.last_seq)
		code = rt_err_set(err, RT_EDAMAGED,
		    "the wal ended at sequence %llu, and at %llu when it was "
		    "read again", (unsigned long long)replay->wal.last_seq,
		    (unsigned long long)wal.last_seq);
	if (code == RT_OK) {
		rt_err_clear(err);
		code = wait_until_flushed(engine, 1, err);
	}
	return code;
}

/* -- the end -- */

void
rtd_replay_end(const struct rtd_replay *replay,
    const struct rt_manifest *manifest, struct rtd_wal_options *wal)
{
	uint64_t last_seq = replay->wal.last_seq;

	/* Above every sequence that was ever given out and may be on disk. */
	if (last_seq < manifest->max_seq)
		last_seq = manifest->max_seq;
	for (size_t i = 0; i < manifest->drops_count; i++)
		if (last_seq < manifest->drops[i].seq)
			last_seq = manifest->drops[i].seq;
	for (size_t i = 0; i < manifest->snapshots_count; i++)
		if (last_seq < manifest->snapshots[i])
			last_seq = manifest->snapshots[i];
	atomic_store(&replay->engine->visible_seq, last_seq);
	wal->first_segment = replay->wal.last_segment + 1;
	if (wal->first_segment < manifest->wal_floor)
		wal->first_segment = manifest->wal_floor;
	wal->prev_segment = replay->wal.end_segment;
	wal->prev_bytes = replay->wal.end_bytes;
}
