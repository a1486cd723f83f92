/* engine: opening and closing, the write path, and the current view.
 *
 * A write goes to the WAL's pending bytes, then to the active memtable, then
 * the visible sequence rises over the whole batch at once (G3). When the active
 * memtable is full it is frozen: a new one and a new WAL segment begin, and the
 * flusher turns the frozen one into a table. */
#include "riptided/engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "riptided/engine/compact.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"

#define LOG_INTERVAL_MS 10000
/* Under a memory-limit. */
#define PENDING_BYTES_MAX ((size_t)1 << 20)

/* -- the view -- */

struct rtd_view *
rtd_engine_view(struct rtd_engine *engine)
{
	struct rtd_view *view;

	rt_mutex_lock(&engine->mu);
	view = rtd_view_ref(engine->view);
	rt_mutex_unlock(&engine->mu);
	return view;
}

/* The last sequence of the newest memtable that has one: what the manifest's
 * flushed sequence will be when that is flushed. */
uint64_t
rtd_engine_unflushed_seq(struct rtd_engine *engine)
{
	struct rtd_view *view = rtd_engine_view(engine);
	uint64_t seq = 0;

	for (size_t i = 0; i < view->memtables_count && seq == 0; i++)
		seq = atomic_load(&view->memtables[i]->last_seq);
	rtd_view_unref(view);
	return seq;
}

/* Make view the current one; returns the one before, for unref after unlock. */
static struct rtd_view *
swap_view(struct rtd_engine *engine, struct rtd_view *view)
    RT_REQUIRES(engine->mu)
{
	struct rtd_view *old = engine->view;
	uint64_t frozen_bytes = 0;

	engine->view = view;
	for (size_t i = 1; i < view->memtables_count; i++)
		frozen_bytes += rtd_memtable_bytes(view->memtables[i]);
	atomic_store(&engine->frozen_bytes, frozen_bytes);
	atomic_store(&engine->memtables_count,
	    (unsigned)view->memtables_count);
	atomic_fetch_add(&engine->view_version, 1);
	rt_cond_broadcast(&engine->view_moved);
	return old;
}

/* The current memtables without the frozen ones that the manifest covers. */
static size_t
unflushed(const struct rtd_view *view, const struct rt_manifest *manifest,
    struct rtd_memtable *out[RTD_MEMTABLES_MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < view->memtables_count; i++) {
		struct rtd_memtable *memtable = view->memtables[i];

		if (i == 0 || atomic_load(&memtable->last_seq) >
			manifest->flushed_seq)
			out[count++] = memtable;
	}
	return count;
}

/* A newer one is in place, whose obsolete files may be gone already. */
static bool
is_outdated(struct rtd_engine *engine, const struct rt_manifest *manifest)
{
	struct rtd_view *view = rtd_engine_view(engine);
	bool outdated = manifest->generation <= view->manifest->generation;

	rtd_view_unref(view);
	return outdated;
}

void
rtd_engine_log_closed(const struct rt_err *err)
{
	if (err->code != RT_OK)
		rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "tables",
		    "table not opened for now", "error=\"%s\"", err->text);
}

enum rt_code
rtd_engine_install(struct rtd_engine *engine,
    const struct rt_manifest *manifest, struct rt_err *err)
{
	struct rtd_memtable *memtables[RTD_MEMTABLES_MAX + 1];
	struct rtd_view *current = rtd_engine_view(engine);
	struct rtd_view *opened = NULL, *old = NULL;
	struct rt_err local = { .code = RT_OK };
	enum rt_code code = RT_OK;

	/* Files are opened before the lock is taken; the memtables of this
	 * first view are replaced by those current at the swap. */
	if (manifest->generation > current->manifest->generation)
		code = rtd_view_new(&opened, current->memtables, 1, manifest,
		    engine->tables, &local);
	rtd_view_unref(current);
	if (opened == NULL && (code == RT_OK || is_outdated(engine, manifest)))
		return RT_OK;
	if (code != RT_OK) {
		rt_err_prefix(&local, "install manifest %llu",
		    (unsigned long long)manifest->generation);
		if (err != NULL)
			*err = local;
		return code;
	}
	rtd_engine_log_closed(&local);
	rt_mutex_lock(&engine->mu);
	if (manifest->generation > engine->view->manifest->generation) {
		size_t count = unflushed(engine->view, manifest, memtables);

		old = swap_view(engine,
		    rtd_view_with_memtables(opened, memtables, count));
	}
	rt_mutex_unlock(&engine->mu);
	rtd_view_unref(opened);
	if (old != NULL) {
		rtd_view_unref(old);
		rtd_engine_notify(engine);
	}
	return RT_OK;
}

/* -- memtables -- */

/* The last reader of a memtable gives it back: its memory has been touched
 * and is worth keeping. The flusher empties it. */
static void
recycle_memtable(void *arg, struct rtd_memtable *memtable)
{
	struct rtd_engine *engine = arg;
	bool kept = false;

	rt_mutex_lock(&engine->mu);
	if (engine->used_count + engine->spares_count <
	    atomic_load(&engine->spares_max) && !engine->stopping) {
		engine->used[engine->used_count++] = memtable;
		kept = true;
		rt_cond_signal(&engine->cond);
	}
	rt_mutex_unlock(&engine->mu);
	if (!kept)
		rtd_memtable_destroy(memtable);
}

struct rtd_memtable *
rtd_engine_memtable(struct rtd_engine *engine)
{
	struct rtd_memtable *memtable = NULL;

	rt_mutex_lock(&engine->mu);
	if (engine->spares_count > 0)
		memtable = engine->spares[--engine->spares_count];
	rt_mutex_unlock(&engine->mu);
	/* One that was being emptied when the size changed. */
	if (memtable != NULL && memtable->bytes_max != engine->shares.memtable) {
		rtd_memtable_destroy(memtable);
		memtable = NULL;
	}
	if (memtable == NULL) {
		memtable = rtd_memtable_new((size_t)engine->shares.memtable);
		memtable->recycle = recycle_memtable;
		memtable->recycle_arg = engine;
	}
	return memtable;
}

void
rtd_engine_freeze(struct rtd_engine *engine, uint64_t wal_segment)
{
	struct rtd_memtable *memtables[RTD_MEMTABLES_MAX + 1];
	struct rtd_memtable *fresh = rtd_engine_memtable(engine);
	struct rtd_view *old;

	fresh->wal_segment = wal_segment;
	rt_mutex_lock(&engine->mu);
	memtables[0] = fresh;
	memcpy(&memtables[1], engine->view->memtables,
	    engine->view->memtables_count * sizeof(memtables[0]));
	old = swap_view(engine, rtd_view_with_memtables(engine->view, memtables,
	    engine->view->memtables_count + 1));
	rt_cond_signal(&engine->cond);
	rt_mutex_unlock(&engine->mu);
	rtd_view_unref(old);
	/* The view holds it; our own reference of making it goes. */
	rtd_memtable_unref(fresh);
	engine->active = fresh;
	engine->flush_asked = false;
}

/* The same with a WAL segment of its own. The loop. */
static void
rotate(struct rtd_engine *engine)
{
	rtd_engine_freeze(engine, rtd_wal_rotate(engine->wal));
	RT_CRASHPOINT("memtable-frozen");
}

/* -- writing -- */

void
rtd_engine_notify(struct rtd_engine *engine)
{
	if (engine->notify != NULL)
		engine->notify(engine->notify_arg);
}

bool
rtd_engine_has_room(const struct rtd_engine *engine)
{
	unsigned count = atomic_load(&engine->memtables_count);

	if (RT_UNLIKELY(atomic_load_explicit(&engine->wal_code,
		memory_order_relaxed) != RT_OK))
		return false;
	if (RT_UNLIKELY(rtd_memtable_is_full(engine->active) &&
		count >= (unsigned)engine->config->memtable_max_count))
		return false;
	return count == 1 || atomic_load(&engine->frozen_bytes) +
		rtd_memtable_bytes(engine->active) < engine->shares.memtables;
}

/* Why the failed log keeps writes out. */
static enum rt_code
log_refusal(const struct rtd_engine *engine, struct rt_err *err)
{
	enum rt_code code = rtd_wal_state(engine->wal, err);

	/* It may have begun again just now. */
	if (code == RT_OK)
		code = rt_err_set(err, RT_EREADONLY, "the log begins again");
	return code == RT_ENOSPC ? RT_ENOSPC : RT_EREADONLY;
}

enum rt_code
rtd_engine_write_state(const struct rtd_engine *engine, struct rt_err *err)
{
	int code;

	if (RT_UNLIKELY(rtd_engine_log_stuck(engine)))
		return log_refusal(engine, err);
	if (RT_UNLIKELY(atomic_load_explicit(&engine->fenced,
		memory_order_relaxed)))
		return rt_err_set(err, RT_EREADONLY,
		    "another daemon took over this data directory");
	if (RT_UNLIKELY(atomic_load_explicit(&engine->reserve.full,
		memory_order_relaxed)))
		return rt_err_set(err, RT_ENOSPC,
		    "free disk space is below disk-reserve");
	code = atomic_load_explicit(&engine->flush_code, memory_order_relaxed);
	if (RT_LIKELY(code == RT_OK))
		return RT_OK;
	/* Once may be chance. */
	if (atomic_load(&engine->garbled_tables) > 1)
		return rt_err_set(err, RT_EREADONLY,
		    "new tables are read back differently: see the log");
	if (!rtd_engine_has_room(engine))
		return rt_err_set(err,
		    code == RT_ENOSPC ? RT_ENOSPC : RT_EREADONLY,
		    "memtables are full and cannot be flushed: see the log");
	return RT_OK;
}

bool
rtd_engine_log_stuck(const struct rtd_engine *engine)
{
	if (RT_LIKELY(atomic_load_explicit(&engine->wal_code,
		memory_order_relaxed) == RT_OK))
		return false;
	return engine->offline || rtd_wal_is_stuck(engine->wal) ||
	    atomic_load(&engine->flush_code) != RT_OK;
}

static void
swap_databases(struct rtd_engine *engine, struct rtd_memtable *memtable,
    const struct rtd_write_op *op, uint64_t seq)
{
	uint32_t first = rtd_engine_keyspace(engine, op->databases[0]);
	uint32_t second = rtd_engine_keyspace(engine, op->databases[1]);

	atomic_store_explicit(&engine->keyspaces[op->databases[0]], second,
	    memory_order_relaxed);
	atomic_store_explicit(&engine->keyspaces[op->databases[1]], first,
	    memory_order_relaxed);
	rtd_memtable_map(memtable, op->databases[0], second, seq);
	rtd_memtable_map(memtable, op->databases[1], first, seq);
}

/* The first tombstone of a memtable. What is replayed was written at a time that
 * nobody has kept, before the clock runs again. */
static void
note_tombstone(struct rtd_engine *engine, struct rtd_memtable *memtable)
{
	struct rt_expiry_reading reading;

	if (!engine->expiry_runs)
		return;
	rt_expiry_clock_read(&engine->expiry, &reading);
	memtable->tombstones_since_ms = reading.line_ms;
}

void
rtd_engine_apply(struct rtd_engine *engine, struct rtd_memtable *memtable,
    const struct rtd_write_op *op, uint64_t seq)
{
	switch (op->type) {
	case RTD_OP_DROP:
		rtd_memtable_drop(memtable, op->keyspace, seq);
		if (op->keyspace < RTD_KEYSPACES_MAX)
			atomic_store_explicit(&engine->drops[op->keyspace],
			    seq, memory_order_release);
		break;
	case RTD_OP_SWAP:
		swap_databases(engine, memtable, op, seq);
		break;
	case RTD_OP_PUT:
		if (op->bulk != NULL)
			rtd_memtable_insert_bulk(memtable, op->key,
			    rt_hash64(op->key), seq, op->value, op->bulk);
		else
			rtd_memtable_insert(memtable, op->key,
			    rt_hash64(op->key), seq, RT_ENTRY_PUT, op->value);
		break;
	default:
		if (RT_UNLIKELY(memtable->tombstones_since_ms == 0))
			note_tombstone(engine, memtable);
		rtd_memtable_insert(memtable, op->key, rt_hash64(op->key), seq,
		    RT_ENTRY_TOMBSTONE, op->value);
		break;
	}
}

enum rt_code
rtd_engine_write(struct rtd_engine *engine,
    const struct rtd_write_batch *batch, uint64_t *seq, struct rt_err *err)
{
	struct rtd_write_batch_walk walk = rtd_write_batch_walk(batch);
	uint64_t first, next;
	struct rtd_write_op op;
	enum rt_code code;

	rt_assert(batch->count > 0 && !batch->lacks_memory);
	if (RT_UNLIKELY(atomic_load_explicit(&engine->wal_code,
		memory_order_relaxed) != RT_OK))
		return log_refusal(engine, err);
	code = rtd_engine_write_state(engine, err);
	if (RT_UNLIKELY(code != RT_OK))
		return code;
	if (RT_UNLIKELY(rtd_memtable_is_full(engine->active) &&
		rtd_engine_has_room(engine)))
		rotate(engine);
	if (RT_UNLIKELY(!rtd_wal_make_room(engine->wal, batch->bytes.len)))
		return rt_err_set_errno(err, ENOMEM, "a write of %zu bytes",
		    batch->bytes.len);
	first = atomic_load_explicit(&engine->visible_seq,
	    memory_order_relaxed) + 1;
	next = first;
	rtd_wal_append_inlaid(engine->wal, first, batch->count,
	    rt_buf_slice(&batch->bytes), &batch->inlays);
	while (rtd_write_batch_walk_next(&walk, &op))
		rtd_engine_apply(engine, engine->active, &op, next++);
	rt_assert(next - first == batch->count);
	/* What the log has yet to write is in no one's part of the budget. */
	if (RT_UNLIKELY(engine->shares.limit != 0 &&
		rtd_wal_pending_bytes(engine->wal) >= PENDING_BYTES_MAX))
		rtd_wal_write(engine->wal);
	*seq = next - 1;
	atomic_store_explicit(&engine->visible_seq, *seq, memory_order_release);
	atomic_store_explicit(&engine->user_bytes,
	    atomic_load_explicit(&engine->user_bytes, memory_order_relaxed) +
		rtd_write_batch_bytes(batch), memory_order_relaxed);
	return RT_OK;
}

static void
wal_moved(void *arg)
{
	struct rtd_engine *engine = arg;

	struct rtd_wal *wal = atomic_load(&engine->wal);

	if (wal != NULL)
		atomic_store(&engine->wal_code,
		    (int)rtd_wal_state(wal, NULL));
	rtd_engine_notify(engine);
}

/* While too many memtables wait, what was asked for waits with them. */
static void
flush_if_asked(struct rtd_engine *engine)
{
	if (RT_LIKELY(!engine->flush_asked))
		return;
	if (rtd_memtable_is_empty(engine->active))
		engine->flush_asked = false;
	else if (atomic_load(&engine->memtables_count) <
	    (unsigned)engine->config->memtable_max_count)
		rotate(engine);
}

/* The log has failed: all that was given to it, and may be nowhere on the disk,
 * is frozen, so that the flusher can bring it there; nothing comes in until the
 * log begins again behind it (flusher.c). */
static void
freeze_after_failure(struct rtd_engine *engine)
{
	bool empty = rtd_memtable_is_empty(engine->active);
	uint64_t segment;

	if (engine->log_failures == rtd_wal_failures(engine->wal) || (!empty &&
		atomic_load(&engine->memtables_count) >= RTD_MEMTABLES_MAX))
		return;
	rt_log(RT_LOG_WARNING, "wal", "the log failed: memtables are flushed, "
	    "then it begins again", "last_seq=%llu",
	    (unsigned long long)rtd_engine_visible_seq(engine));
	if (!empty) {
		rotate(engine);
	} else {
		segment = rtd_wal_rotate(engine->wal);
		rt_mutex_lock(&engine->mu);
		engine->active->wal_segment = segment;
		rt_mutex_unlock(&engine->mu);
	}
	engine->log_failures = rtd_wal_failures(engine->wal);
	engine->log_frozen = true;
	rt_mutex_lock(&engine->mu);
	engine->begin_log_again = true;
	rt_cond_signal(&engine->cond);
	rt_mutex_unlock(&engine->mu);
}

static void
look_at_log(struct rtd_engine *engine)
{
	if (atomic_load_explicit(&engine->wal_code, memory_order_relaxed) !=
	    RT_OK) {
		freeze_after_failure(engine);
	} else if (engine->log_frozen) {
		engine->log_frozen = false;
		rt_log(RT_LOG_NOTICE, "wal", "the log works again",
		    "last_seq=%llu",
		    (unsigned long long)rtd_engine_visible_seq(engine));
	}
}

void
rtd_engine_end_turn(struct rtd_engine *engine)
{
	flush_if_asked(engine);
	rtd_wal_write(engine->wal);
	look_at_log(engine);
	rtd_readers_end_turn(engine);
}

bool
rtd_engine_end_busy_turn(struct rtd_engine *engine)
{
	bool waits;

	flush_if_asked(engine);
	waits = rtd_wal_write_some(engine->wal);
	look_at_log(engine);
	rtd_readers_end_turn(engine);
	return waits;
}

uint64_t
rtd_engine_acked_seq(const struct rtd_engine *engine)
{
	if (atomic_load_explicit(&engine->policy, memory_order_relaxed) ==
	    RT_FSYNC_ALWAYS)
		return rtd_wal_durable_seq(engine->wal);
	return rtd_wal_written_seq(engine->wal);
}

uint64_t
rtd_engine_visible_seq(const struct rtd_engine *engine)
{
	return atomic_load_explicit(&engine->visible_seq,
	    memory_order_relaxed);
}

void
rtd_engine_flush(struct rtd_engine *engine)
{
	engine->flush_asked = true;
	flush_if_asked(engine);
}

bool
rtd_engine_flushed(const struct rtd_engine *engine)
{
	return rtd_memtable_is_empty(engine->active) &&
	    atomic_load(&engine->memtables_count) == 1;
}

uint64_t
rtd_engine_now_ms(struct rtd_engine *engine)
{
	struct rt_expiry_reading reading;

	rt_expiry_clock_read(&engine->expiry, &reading);
	if (RT_UNLIKELY(reading.step_ms != 0))
		rt_log(RT_LOG_WARNING, "clock", "the wall clock stepped: what "
		    "has expired stays so, and what a wrong time hides comes "
		    "back with the right one", "step_ms=%lld",
		    (long long)reading.step_ms);
	return reading.now_ms;
}

uint32_t
rtd_engine_keyspace(const struct rtd_engine *engine, uint32_t database)
{
	return database < RTD_KEYSPACES_MAX ?
	    atomic_load_explicit(&engine->keyspaces[database],
		memory_order_relaxed) : database;
}

uint64_t
rtd_engine_drop_seq(const struct rtd_engine *engine, uint32_t keyspace)
{
	return atomic_load_explicit(&engine->drops[keyspace],
	    memory_order_relaxed);
}

/* Memtables of another size are not worth keeping, and the active one is full
 * when it would be if it were new. */
static void
resize_memtables(struct rtd_engine *engine)
{
	struct rtd_memtable *gone[2 * RTD_SPARE_MEMTABLES_MAX];
	size_t count = 0;

	rt_mutex_lock(&engine->mu);
	for (size_t i = 0; engine->view != NULL &&
	     i < engine->view->memtables_count; i++)
		engine->view->memtables[i]->recycle = NULL;
	while (engine->spares_count > 0)
		gone[count++] = engine->spares[--engine->spares_count];
	while (engine->used_count > 0)
		gone[count++] = engine->used[--engine->used_count];
	rt_mutex_unlock(&engine->mu);
	while (count > 0)
		rtd_memtable_destroy(gone[--count]);
	if (engine->active != NULL)
		engine->active->bytes_max = (size_t)engine->shares.memtable;
}

static uint64_t
files_allowed(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static void
log_budget(const struct rt_config *config,
    const struct rtd_memory_shares *shares)
{
	rt_log(RT_LOG_NOTICE, "memory", "memory-limit is shared out",
	    "limit=%llu memtable=%llu memtables=%llu tables=%llu "
	    "block_cache=%llu clients=%llu argument=%llu",
	    (unsigned long long)shares->limit,
	    (unsigned long long)shares->memtable,
	    (unsigned long long)shares->memtables,
	    (unsigned long long)shares->tables,
	    (unsigned long long)shares->blocks,
	    (unsigned long long)shares->clients,
	    (unsigned long long)shares->argument);
	if (shares->memtable < config->memtable_size)
		rt_log(RT_LOG_NOTICE, "memory",
		    "memory-limit makes memtables smaller than memtable-size",
		    "memtable_size=%llu memtable=%llu",
		    (unsigned long long)config->memtable_size,
		    (unsigned long long)shares->memtable);
}

void
rtd_engine_budget(struct rtd_engine *engine)
{
	struct rtd_memory_shares shares;

	rtd_memory_shares(engine->config, &shares);
	engine->table_budget = (struct rtd_table_budget){
		.open = rtd_memory_open_tables(files_allowed(), engine->offline
			? 0 : (uint64_t)engine->config->maxclients),
		.bytes = shares.tables,
		.blocks = shares.blocks,
		.both = shares.tables_and_blocks,
	};
	if (engine->tables != NULL)
		rtd_table_cache_set_budget(engine->tables,
		    &engine->table_budget);
	if (memcmp(&shares, &engine->shares, sizeof(shares)) == 0)
		return;
	if (shares.limit != 0)
		log_budget(engine->config, &shares);
	engine->shares = shares;
	atomic_store(&engine->spares_max, (unsigned)shares.spares);
	resize_memtables(engine);
	/* Writes may have waited for the room that there is now. The view would
	 * say as well that there are any, but other threads swap it. */
	if (engine->active != NULL)
		rtd_engine_notify(engine);
}

void
rtd_engine_config_changed(struct rtd_engine *engine)
{
	atomic_store(&engine->policy, engine->config->appendfsync);
	atomic_store(&engine->reserve_bytes, engine->config->disk_reserve);
	rtd_wal_set_policy(engine->wal,
	    (enum rt_appendfsync)engine->config->appendfsync);
	rtd_engine_budget(engine);
}

/* -- opening and closing -- */

static struct rtd_engine *
engine_new(const struct rtd_engine_options *options)
{
	struct rtd_engine *engine = rt_alloc_zero(1, sizeof(*engine));

	engine->fs = options->fs;
	engine->clock = options->clock;
	engine->config = options->config;
	engine->notify = options->notify;
	engine->notify_arg = options->notify_arg;
	engine->offline = options->offline;
	engine->loading = options->loading;
	engine->dir = engine->wal_dir = engine->sst_dir = -1;
	engine->stop_fd = -1;
	engine->lock = (struct rt_dirlock)RT_DIRLOCK_INIT;
	atomic_init(&engine->policy, options->config->appendfsync);
	atomic_init(&engine->reserve_bytes, options->config->disk_reserve);
	for (size_t i = 0; i < RTD_KEYSPACES_MAX; i++)
		atomic_init(&engine->keyspaces[i], (uint32_t)i);
	rt_mutex_init(&engine->mu);
	rt_cond_init(&engine->cond);
	rt_cond_init(&engine->view_moved);
	engine->blocks = rt_block_cache_new(0);
	rtd_engine_budget(engine);
	return engine;
}

/* The mirror image of opening; every part may be missing. */
static void
engine_free(struct rtd_engine *engine)
{
	rtd_view_unref(engine->view);
	for (size_t i = 0; i < engine->spares_count; i++)
		rtd_memtable_destroy(engine->spares[i]);
	for (size_t i = 0; i < engine->used_count; i++)
		rtd_memtable_destroy(engine->used[i]);
	rtd_run_counts_free(engine->run_counts);
	if (engine->expiry_runs)
		rt_expiry_clock_fini(&engine->expiry);
	rt_manifest_unref(engine->published);
	rt_manifest_unref(engine->at_start);
	rtd_table_cache_free(engine->tables);
	rt_block_cache_free(engine->blocks);
	rt_manifest_store_close(engine->flush_store);
	rt_manifest_store_close(engine->reload_store);
	if (!engine->offline)
		rtd_disk_reserve_close(&engine->reserve);
	rt_fs_close(engine->fs, &engine->sst_dir, NULL);
	rt_fs_close(engine->fs, &engine->wal_dir, NULL);
	rt_dirlock_release(&engine->lock);
	rt_fs_close(engine->fs, &engine->dir, NULL);
	rt_cond_fini(&engine->view_moved);
	rt_cond_fini(&engine->cond);
	rt_mutex_fini(&engine->mu);
	free(engine);
}

static enum rt_code
open_wal(struct rtd_engine *engine, struct rtd_wal_options *options,
    struct rt_err *err)
{
	struct rtd_wal *wal = NULL;
	enum rt_code code;

	options->fs = engine->fs;
	options->clock = engine->clock;
	options->dir = engine->wal_dir;
	options->database_uuid = engine->database_uuid;
	options->manifest_generation = engine->view->manifest->generation;
	options->last_seq = rtd_engine_visible_seq(engine);
	options->segment_bytes = engine->shares.memtable;
	/* A local tool writes a few records: no space is prepared for them. */
	if (engine->offline)
		options->segment_bytes = 0;
	options->policy = (enum rt_appendfsync)atomic_load(&engine->policy);
	options->notify = wal_moved;
	options->notify_arg = engine;
	code = rtd_wal_open(&wal, options, err);
	atomic_store(&engine->wal, wal);
	return code;
}

enum rt_code
rtd_engine_prepare(struct rtd_engine **out,
    const struct rtd_engine_options *options, struct rt_err *err)
{
	struct rtd_engine *engine = engine_new(options);
	enum rt_code code;

	code = rtd_engine_open_directory(engine, err);
	if (code == RT_OK)
		code = rtd_engine_load_manifest(engine, err);
	if (code != RT_OK) {
		engine_free(engine);
		return code;
	}
	*out = engine;
	return RT_OK;
}

void
rtd_engine_abandon(struct rtd_engine *engine)
{
	if (engine != NULL)
		engine_free(engine);
}

enum rt_code
rtd_engine_load(struct rtd_engine *engine, struct rt_err *err)
{
	struct rtd_wal_options wal = { 0 };
	enum rt_code code;

	code = rtd_engine_recover(engine, &wal, err);
	if (code == RT_OK)
		code = open_wal(engine, &wal, err);
	if (code != RT_OK) {
		rtd_flusher_stop(engine);
		engine_free(engine);
		return code;
	}
	/* What was replayed is flushed at once, so that its segments go. */
	if (!rtd_memtable_is_empty(engine->active))
		rotate(engine);
	else
		engine->active->wal_segment = wal.first_segment;
	if (!engine->offline) {
		code = rtd_reloader_start(engine, err);
		if (code != RT_OK) {
			rtd_engine_close(engine, NULL);
			return code;
		}
	}
	engine->loading = NULL;
	return RT_OK;
}

enum rt_code
rtd_engine_open(struct rtd_engine **out,
    const struct rtd_engine_options *options, struct rt_err *err)
{
	struct rtd_engine *engine = NULL;
	enum rt_code code = rtd_engine_prepare(&engine, options, err);

	if (code == RT_OK)
		code = rtd_engine_load(engine, err);
	if (code == RT_OK)
		*out = engine;
	return code;
}

/* The log ends here: the manifest says so, and replay need not look for a
 * torn tail. */
static enum rt_code
publish_clean_stop(struct rtd_engine *engine, uint64_t segment, uint64_t bytes,
    struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, engine->epoch);
	enum rt_code code;

	if (engine->view->memtables_count == 1 &&
	    rtd_memtable_is_empty(engine->active)) {
		uint64_t flushed_seq = rtd_engine_visible_seq(engine);

		rt_manifest_edit_set_flushed(edit, flushed_seq, segment + 1);
		if (engine->compact.asked > engine->compact.published)
			rtd_compact_put(engine, edit, flushed_seq);
	}
	rt_manifest_edit_set_clean_wal(edit, segment, bytes);
	rt_manifest_edit_set_snapshots(edit, NULL, 0);
	rt_manifest_edit_set_next_file(edit, engine->next_file);
	code = rt_manifest_store_publish(engine->flush_store, edit, NULL, NULL,
	    err);
	rt_manifest_edit_free(edit);
	return code;
}

enum rt_code
rtd_engine_close(struct rtd_engine *engine, struct rt_err *err)
{
	uint64_t segment = 0, bytes = 0;
	enum rt_code code, closed;

	if (engine == NULL)
		return RT_OK;
	rtd_reloader_stop(engine);
	rtd_snapshots_clear(engine);
	rtd_wal_write(engine->wal);
	/* What a failed log may not have is brought to a table if that goes. */
	if (!rtd_memtable_is_empty(engine->active) &&
	    atomic_load(&engine->memtables_count) < RTD_MEMTABLES_MAX)
		rotate(engine);
	rtd_flusher_stop(engine);
	RT_CRASHPOINT("close-flushed");
	/* A flush that failed with an open outcome may have come to pass, and
	 * been found in the manifest since. */
	code = rtd_engine_flushed(engine) ? RT_OK :
	    (enum rt_code)atomic_load(&engine->flush_code);
	if (code != RT_OK && err != NULL)
		*err = engine->flush_err;
	closed = rtd_wal_close(engine->wal, &segment, &bytes,
	    code == RT_OK ? err : NULL);
	RT_CRASHPOINT("close-wal-ended");
	/* A log that failed is no loss when tables have all of it. */
	if (code == RT_OK && !rtd_engine_flushed(engine))
		code = closed;
	if (closed == RT_OK && !atomic_load(&engine->fenced)) {
		closed = publish_clean_stop(engine, segment, bytes,
		    code == RT_OK ? err : NULL);
		if (code == RT_OK)
			code = closed;
	}
	RT_CRASHPOINT("close-published");
	engine_free(engine);
	return code;
}
