/* engine_state: the engine from the inside; only files of this room include it.
 *
 * S1 The loop alone writes: WAL appends, memtable inserts, rotation. With
 *    several loops it is the one that has the floor (net/floor.h).
 * S2 The current view is swapped under mu by the loop (rotation), the flusher
 *    and the reloader (a newer manifest); its generation never falls.
 * S3 A frozen memtable leaves the view in the step in which its table comes
 *    in, because both hang on the manifest's flushed sequence.
 * S4 Nothing is freed or unreferenced under mu. */
#ifndef RIPTIDED_ENGINE_ENGINE_STATE_H
#define RIPTIDED_ENGINE_ENGINE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "libcommon/manifest/manifest_store.h"
#include "libcommon/manifest/manifest_watch.h"
#include "libcommon/os/dirlock.h"
#include "libcommon/os/mutex.h"
#include "riptided/engine/disk_reserve.h"
#include "riptided/engine/engine.h"
#include "riptided/engine/memory.h"
#include "riptided/view/run_counts.h"
#include "riptided/view/view.h"
#include "riptided/wal/wal.h"

#define RTD_SPARE_MEMTABLES_MAX 2

/* What snapshots.c keeps, under the engine's mutex. */
struct rtd_snapshots {
	struct rtd_snapshot *oldest, *newest;
	size_t count;
	uint64_t made;
	/* When the manifest should get the list, monotonic; 0: it has it. */
	uint64_t due_ns;
	uint64_t captured_ns;	/* the list, for the last publish */
};

/* What compact.c keeps, under the engine's mutex: numbers of requests, and what
 * must be flushed before they are published. */
struct rtd_compact {
	uint64_t asked, published, seq;
};

struct rtd_reader {
	struct rtd_engine *engine;
	pthread_t owner;
	struct rtd_epochs *epochs;
	struct rtd_epoch_slot slot;
	struct rtd_view *view;
	uint64_t view_version;
	/* Views let go of in this turn; values found in them may be in use. */
	struct rtd_view **retired;
	size_t retired_count, retired_cap;
	uint8_t *key;		/* RT_STORE_KEY_BYTES_MAX of scratch */
	struct rt_buf keys;	/* scratch of a batch */
	struct rtd_reader *next;
};

struct rtd_engine {
	struct rt_fs *fs;
	struct rt_clock *clock;
	const struct rt_config *config;
	void (*notify)(void *arg);
	void *notify_arg;
	bool offline;
	struct rtd_loading *loading;	/* whoever loads; or NULL */

	int dir, wal_dir, sst_dir;
	struct rt_dirlock lock;
	struct rtd_disk_reserve reserve;
	_Atomic uint64_t reserve_bytes;	/* disk-reserve as it is now */
	uint8_t database_uuid[RT_DATABASE_UUID_BYTES];
	uint64_t epoch;
	struct rt_block_cache *blocks;
	struct rtd_table_cache *tables;
	struct rtd_run_counts *run_counts;
	struct rt_expiry_clock expiry;
	bool expiry_runs;
	struct rtd_wal *_Atomic wal;	/* its thread may call before it is set */

	/* the loop's (S1) */
	struct rtd_memtable *active;
	bool flush_asked;	/* and not begun yet */
	uint64_t log_failures;	/* of the log, that were seen to */
	bool log_frozen;	/* what a failed log had is being flushed */
	struct rtd_memory_shares shares;
	struct rtd_table_budget table_budget;
	const struct rt_manifest *at_start;	/* until it is recovered */

	_Atomic uint64_t visible_seq;
	_Atomic uint64_t drops[RTD_KEYSPACES_MAX];
	/* What a database number stands for. The loop changes it (SWAPDB). */
	_Atomic uint32_t keyspaces[RTD_KEYSPACES_MAX];
	_Atomic uint64_t view_version;
	_Atomic unsigned memtables_count;
	_Atomic uint64_t frozen_bytes;	/* of the memtables but the active */
	_Atomic unsigned spares_max;	/* memtables kept for reuse */
	_Atomic int wal_code;		/* RT_OK, or why the log failed */
	_Atomic int flush_code;		/* RT_OK, or why the last flush failed */
	/* Flushes in a row that read something else than they had written. */
	_Atomic unsigned garbled_tables;
	_Atomic bool fenced;
	_Atomic int policy;		/* enum rt_appendfsync */
	atomic_bool checkpointing;	/* one is being made */
	atomic_bool checkpoint_stop;	/* and no more */

	struct rt_mutex mu;
	struct rt_cond cond;		/* the flusher waits on it */
	struct rt_cond view_moved;	/* there is another view */
	struct rtd_view *view RT_GUARDED_BY(mu);
	struct rtd_reader *readers RT_GUARDED_BY(mu);
	struct rt_err flush_err RT_GUARDED_BY(mu);
	struct rt_durations flush_times RT_GUARDED_BY(mu);
	struct rtd_snapshots snapshots RT_GUARDED_BY(mu);
	struct rtd_compact compact RT_GUARDED_BY(mu);
	bool stopping RT_GUARDED_BY(mu);
	/* As soon as everything frozen is flushed. */
	bool begin_log_again RT_GUARDED_BY(mu);
	struct rtd_memtable *spares[RTD_SPARE_MEMTABLES_MAX];
	size_t spares_count RT_GUARDED_BY(mu);
	struct rtd_memtable *used[RTD_SPARE_MEMTABLES_MAX];	/* to be reset */
	size_t used_count RT_GUARDED_BY(mu);

	/* the flusher's */
	pthread_t flusher;
	bool flusher_runs;
	struct rt_manifest_store *flush_store;
	uint64_t next_file;
	/* By the flusher, and not yet the view; NULL: there is none. */
	const struct rt_manifest *published;

	/* the reloader's */
	pthread_t reloader;
	bool reloader_runs;
	struct rt_manifest_store *reload_store;
	struct rt_manifest_watch *watch;
	int stop_fd;

	/* counters */
	_Atomic uint64_t flushes, flush_bytes, reloads, user_bytes;
	_Atomic uint64_t checkpoints;
};

/* -- engine.c -- */
/* The current view with a reference. */
struct rtd_view *rtd_engine_view(struct rtd_engine *engine);
/* Make the manifest's tables part of the view, if it is newer. Any thread. */
RT_MUST_USE enum rt_code rtd_engine_install(struct rtd_engine *engine,
    const struct rt_manifest *manifest, struct rt_err *err);
/* The last sequence that a memtable has; 0: all is flushed. */
uint64_t rtd_engine_unflushed_seq(struct rtd_engine *engine);
/* Log what rtd_view_new() told of a table that it could not open. */
void rtd_engine_log_closed(const struct rt_err *err);
/* A memtable to write into, empty. */
struct rtd_memtable *rtd_engine_memtable(struct rtd_engine *engine);
/* Share out the memory as the configuration says now. The loop, or before
 * there is one. */
void rtd_engine_budget(struct rtd_engine *engine);
/* Freeze the active memtable and begin another, whose records begin in this WAL
 * segment. The loop, or recovery. */
void rtd_engine_freeze(struct rtd_engine *engine, uint64_t wal_segment);
/* Put an operation where reads see it. The loop, or recovery. */
void rtd_engine_apply(struct rtd_engine *engine, struct rtd_memtable *memtable,
    const struct rtd_write_op *op, uint64_t seq);
void rtd_engine_notify(struct rtd_engine *engine);

/* -- reader.c -- */
/* Readers of the calling thread move to the newest view and let go of older
 * ones. */
void rtd_readers_end_turn(struct rtd_engine *engine);
/* The newest view, which the reader holds. */
struct rtd_view *rtd_reader_view(struct rtd_reader *reader);

/* -- directory.c -- */
/* Open, lock and check the data directory, make what is missing in it. */
RT_MUST_USE enum rt_code rtd_engine_open_directory(struct rtd_engine *engine,
    struct rt_err *err);
/* The error of making or changing a file in it: RT_EREADONLY when that is not
 * allowed, else code. */
enum rt_code rtd_engine_not_writable(enum rt_code code, struct rt_err *err);

/* -- recovery.c -- */
/* The newest manifest of the locked directory, for what follows. */
RT_MUST_USE enum rt_code rtd_engine_load_manifest(struct rtd_engine *engine,
    struct rt_err *err);
/* From there to tables, memtables and WAL; the flusher is started. The members
 * of wal that say where the log goes on are filled: first_segment,
 * prev_segment, prev_bytes, floor. */
RT_MUST_USE enum rt_code rtd_engine_recover(struct rtd_engine *engine,
    struct rtd_wal_options *wal, struct rt_err *err);

/* -- flusher.c -- */
void rtd_flusher_start(struct rtd_engine *engine);
/* Wait until every frozen memtable is flushed, or a flush has failed; then
 * end the thread. */
void rtd_flusher_stop(struct rtd_engine *engine);

/* -- reloader.c -- */
RT_MUST_USE enum rt_code rtd_reloader_start(struct rtd_engine *engine,
    struct rt_err *err);
void rtd_reloader_stop(struct rtd_engine *engine);

#endif
