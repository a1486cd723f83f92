/* engine: the one door to storage. Path: cmd > [engine] > wal, memtable, view.
 *
 * One thread writes at a time: the loop, or the one of several loops that holds
 * what makes it the only one (net/floor.h). Reads go through a struct
 * rtd_reader, one for each thread that reads; they take no lock and may run
 * beside the writer.
 *
 * G1 After rtd_engine_write() the change is visible to every later read; it is
 *    in the WAL file once its sequence is <= rtd_engine_acked_seq() in the
 *    modes everysec and no, and on the disk in the mode always. A reply is
 *    held until the acked sequence covers what the command did and what it
 *    read.
 * G2 After a failed WAL write or sync no sequence above the last acked one is
 *    acked and no write is taken until every sequence given is in tables that
 *    the manifest names, and the log has begun again behind them; both happen
 *    by themselves. When that fails, too, it is tried each second, writes
 *    answer RT_EREADONLY or RT_ENOSPC, and reads go on.
 * G3 A batch is visible, durable and replayed whole or not at all. */
#ifndef RIPTIDED_ENGINE_ENGINE_H
#define RIPTIDED_ENGINE_ENGINE_H

#include <stdatomic.h>

#include "libcommon/base/durations.h"
#include "libcommon/daemon/config.h"
#include "libcommon/manifest/manifest.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/fs.h"
#include "libcommon/table/iter.h"
#include "libcommon/table/table_reader.h"
#include "riptided/engine/write_batch.h"

struct rtd_engine;
struct rtd_reader;
struct rtd_snapshot;
struct rtd_trace;
struct rtd_view;

/* How far loading has come, and whether it should go on. Any thread. */
struct rtd_loading {
	_Atomic uint64_t total_bytes;	/* of the log; 0: not known yet */
	_Atomic uint64_t loaded_bytes;
	atomic_bool stop;		/* set by who waits for it */
};

struct rtd_engine_options {
	struct rt_fs *fs;
	struct rt_clock *clock;
	/* dir, appendfsync, memtable_size, memtable_max_count,
	 * block_cache_size, wal_recovery, block_size, bloom_bits_per_key,
	 * disk_reserve are read. Borrowed for the engine's life. */
	const struct rt_config *config;
	/* Called from any thread when the acked sequence rose, room for writes
	 * appeared or writes were refused; must be quick and not call back. */
	void (*notify)(void *arg);
	void *notify_arg;
	/* Filled by rtd_engine_load(); NULL: nobody wants to know. */
	struct rtd_loading *loading;
	/* A local tool: no threads that wait for the compactor, no notify. */
	bool offline;
};

/* Take the directory's daemon lock, make a new database in an empty or missing
 * directory, or recover the one that is there. RT_ELOCKED, RT_EDAMAGED,
 * RT_EFORMAT, RT_EINVAL (a directory that is neither empty nor a database)
 * say what the user should hear. */
RT_MUST_USE enum rt_code rtd_engine_open(struct rtd_engine **out,
    const struct rtd_engine_options *options, struct rt_err *err);

/* The same in two steps, the second of which may take long and may be on a
 * thread of its own. First: the lock and the manifest, a new database if need
 * be; what is wrong with the directory or its format is known after it. */
RT_MUST_USE enum rt_code rtd_engine_prepare(struct rtd_engine **out,
    const struct rtd_engine_options *options, struct rt_err *err);
/* Second: replay the log, open the tables, begin to work. When it fails the
 * engine is freed. RT_ESTOPPED: options->loading->stop was set, and no record
 * is lost. */
RT_MUST_USE enum rt_code rtd_engine_load(struct rtd_engine *engine,
    struct rt_err *err);
/* Let a prepared engine go that was not loaded. NULL is accepted. */
void rtd_engine_abandon(struct rtd_engine *engine);

/* Stop threads, flush the memtable, mark the stop as clean, let the lock go.
 * The engine is freed whatever happens; an error says what was not done (the
 * WAL still has it). All readers must be freed before. */
enum rt_code rtd_engine_close(struct rtd_engine *engine, struct rt_err *err);

/* -- writing, on the loop -- */

/* Whether a write may go in now; false while too many memtables wait for their
 * flush, or the log begins again. notify() tells when it changes. */
bool rtd_engine_has_room(const struct rtd_engine *engine);

/* RT_OK while writes are taken; else RT_EREADONLY or RT_ENOSPC and in err the
 * reason, for -MISCONF. */
enum rt_code rtd_engine_write_state(const struct rtd_engine *engine,
    struct rt_err *err);

/* The log has failed and beginning again did not work so far:
 * rtd_engine_write_state says why. What waits for the acked sequence may wait
 * for long. */
bool rtd_engine_log_stuck(const struct rtd_engine *engine);

/* Apply the batch to the WAL buffer and the memtable. *seq: the last sequence
 * given. RT_EREADONLY, RT_ENOSPC, RT_EIO (there is no memory for it): nothing
 * changed. */
RT_MUST_USE enum rt_code rtd_engine_write(struct rtd_engine *engine,
    const struct rtd_write_batch *batch, uint64_t *seq, struct rt_err *err);

/* The end of a turn of the loop: hand the turn's records to the WAL file with
 * one write and wake the sync thread. */
void rtd_engine_end_turn(struct rtd_engine *engine);
/* The same when another turn may follow at once: a sync may wait for what that
 * one writes. True: it does, and rtd_engine_end_turn() must be called before
 * the loop sleeps. */
RT_MUST_USE bool rtd_engine_end_busy_turn(struct rtd_engine *engine);

/* Replies that depend on sequences up to here may be sent (G1). */
uint64_t rtd_engine_acked_seq(const struct rtd_engine *engine);
/* The highest sequence given so far. */
uint64_t rtd_engine_visible_seq(const struct rtd_engine *engine);

/* What is on the disk, whatever appendfsync says. Any thread. */
uint64_t rtd_engine_durable_seq(const struct rtd_engine *engine);

/* Wait until everything up to this sequence is on the disk, whatever
 * appendfsync says: a sync is asked for. timeout_ms: UINT64_MAX: none.
 * RT_EAGAIN: the time has passed. Other errors: those of
 * rtd_engine_write_state(), or RT_ESTOPPED. Thread: pool. */
RT_MUST_USE enum rt_code rtd_engine_sync(struct rtd_engine *engine,
    uint64_t seq, uint64_t timeout_ms, struct rt_err *err);

/* Freeze the memtable and have it flushed; returns at once. While
 * memtable-max-count wait, it is frozen at the end of a later turn. */
void rtd_engine_flush(struct rtd_engine *engine);
/* True when nothing is left to flush. */
bool rtd_engine_flushed(const struct rtd_engine *engine);

/* The keyspace id that a database number stands for now. Thread: any. */
uint32_t rtd_engine_keyspace(const struct rtd_engine *engine,
    uint32_t database);

/* The sequence at and below which nothing of the keyspace is there any more; 0:
 * none. Thread: the loop. */
uint64_t rtd_engine_drop_seq(const struct rtd_engine *engine,
    uint32_t keyspace);

/* The time by which values expire: that of the wall clock, or later when it
 * stepped back (libcommon/os/expiry_clock.h). Any thread. */
uint64_t rtd_engine_now_ms(struct rtd_engine *engine);

/* -- reading, any thread with a reader of its own -- */

struct rtd_reader *rtd_reader_new(struct rtd_engine *engine);

/* No value or iterator of it may be left. NULL is accepted. */
void rtd_reader_free(struct rtd_reader *reader);
/* The end of a turn in which only reads were done with it: move to the newest
 * state and let go of older ones. The thread that made it; values found must
 * not be looked at any more. */
void rtd_reader_end_turn(struct rtd_reader *reader);

/* A value found. Zeroed is inert; fini after use, before the next end of turn
 * (on the loop) or the reader's end. */
struct rtd_value {
	struct rt_slice bytes;	/* the client's; empty unless found */
	uint64_t expire_ms;	/* or RT_NO_EXPIRY */
	uint64_t seq;		/* what the answer rests on; 0: nothing seen */
	struct rt_table_found found;	/* internal */
	struct rt_bulk *bulk;		/* internal: borrowed */
};

/* Lets go of what holds the bytes. Inert when zeroed. */
void rtd_value_fini(struct rtd_value *value);

/* A bulk that keeps the value's bytes for as long as it is held, with a
 * reference for the caller; the value stays readable as long. NULL: the bytes
 * are few and must be copied. */
struct rt_bulk *rtd_value_hold(struct rtd_value *value);

/* RT_EAGAIN instead of waiting for a disk, for what rtd_reader_get() would
 * have to read from one. */
#define RTD_READ_NOWAIT 0x01

/* What a read looks at, and how. */
struct rtd_read {
	uint32_t keyspace;
	uint64_t now_ms;	/* what expires at or before is not there */
	/* Of an iterator, user keys: the first one, and the one behind the
	 * last; empty: no bound. Nothing outside is read. Copied. */
	struct rt_slice lower;
	struct rt_slice upper;
	/* NULL: the present. A snapshot that was released gives RT_EINVAL. */
	const struct rtd_snapshot *snapshot;
	unsigned flags;		/* RTD_READ_* */
};

/* The value of a user key at this moment.
 * RT_ENOTFOUND: absent, deleted, expired or dropped; value->seq is set all the
 * same. RT_EIO, RT_EDAMAGED: could not be read; never taken for absent. */
RT_MUST_USE enum rt_code rtd_reader_get(struct rtd_reader *reader,
    const struct rtd_read *read, struct rt_slice user_key,
    struct rtd_value *value, struct rt_err *err);

#define RTD_READ_KEYS_MAX 64

/* The same for up to RTD_READ_KEYS_MAX keys at one moment, which takes less
 * than one after the other: what they touch in memory is loaded together.
 * codes[i]: as above; every value needs rtd_value_fini(). err: of one of those
 * that could not be read. */
void rtd_reader_get_many(struct rtd_reader *reader,
    const struct rtd_read *read, const struct rt_slice *user_keys,
    size_t count, struct rtd_value *values, enum rt_code *codes,
    struct rt_err *err);

/* An iterator over the live user keys of a keyspace in key order at this
 * moment: newest visible versions only, without tombstones, dropped and
 * expired entries. It pins what it reads and may be used across turns and on
 * another thread. iter->entry.key is a store key (rt_key_user), value a stored
 * value (rt_value_decode). Start with rt_iter_seek_first, rt_iter_seek with
 * a store key and RT_SEQ_MAX, rt_iter_seek_last, or rt_iter_seek_for_prev with
 * a store key and 0. *seq (may be NULL): what it sees. NULL: the
 * snapshot was released; once made, an iterator goes on whatever becomes of
 * its snapshot. */
struct rt_iter *rtd_reader_iter(struct rtd_reader *reader,
    const struct rtd_read *read, uint64_t *seq);

/* Append to key a live user key of the keyspace at random. *found: there is
 * one. *seq: what that rests on. It may take long and is for a pool thread.
 * RT_EIO, RT_EDAMAGED: something could not be read; RT_EINVAL: the snapshot was
 * released. */
RT_MUST_USE enum rt_code rtd_reader_random_key(struct rtd_reader *reader,
    const struct rtd_read *read, uint64_t seed, struct rt_buf *key,
    bool *found, uint64_t *seq, struct rt_err *err);

/* The way that a get of this store key takes at this moment
 * (riptided/view/view_trace.h); nothing is waited for. */
void rtd_reader_trace(struct rtd_reader *reader, struct rt_slice key,
    struct rtd_trace *out);

/* -- counting keys -- */

/* Up to so many keys, each run and memtable counted apart, counting walks over
 * them and is exact; above, it estimates (riptided/view/key_estimate.h). */
#define RTD_COUNT_EXACT_KEYS ((uint64_t)128 << 10)

struct rtd_count {
	uint64_t keys;
	uint64_t expires;		/* of those, with an expiry */
	uint64_t expire_mean_ms;	/* of those; 0: none */
	bool exact;
};

/* A moment at which keys can be counted; it pins what it needs. */
struct rtd_counting;

/* snapshot: as in struct rtd_read; keys in it are always counted by walking.
 * *seq: what the counts will rest on. NULL: the snapshot was released. */
struct rtd_counting *rtd_reader_counting(struct rtd_reader *reader,
    const struct rtd_snapshot *snapshot, uint64_t *seq);
/* NULL is accepted. */
void rtd_counting_free(struct rtd_counting *counting);

/* Count the keys that the read would see. exact: walk, however many there are.
 * It may take long and is for a pool thread; one at a time.
 * RT_EIO, RT_EDAMAGED: something could not be read. */
RT_MUST_USE enum rt_code rtd_counting_run(struct rtd_counting *counting,
    const struct rtd_read *read, bool exact, struct rtd_count *out,
    struct rt_err *err);

/* -- looking at it -- */

struct rtd_engine_stats {
	uint64_t memtable_bytes;	/* all memtables */
	uint64_t memtable_entries;
	uint64_t immutable_memtables;
	uint64_t wal_bytes;		/* written to segments still needed */
	uint64_t wal_segments;
	uint64_t wal_syncs;
	uint64_t disk_free_bytes;	/* as seen in the last second */
	uint64_t ballast_bytes;		/* held back in a file */
	uint64_t wal_failures;
	bool wal_failed;		/* and not begun again yet */
	uint64_t l0_files;
	uint32_t levels;		/* highest level in use + 1 */
	uint64_t level_files[RT_LEVELS_MAX];
	uint64_t level_bytes[RT_LEVELS_MAX];
	uint64_t sst_bytes;
	uint64_t sst_entries;
	uint64_t sst_tombstones;
	uint64_t memory_limit;		/* 0: none */
	uint64_t memtable_held_bytes;	/* spare ones and indexes included */
	uint64_t block_cache_max;	/* what it may take at this moment */
	uint64_t table_memory_max;	/* UINT64_MAX: no bound */
	uint64_t open_tables_max;
	uint64_t table_memory_bytes;	/* indexes and filters */
	uint64_t count_memory_bytes;	/* what counting keys remembers */
	uint64_t open_tables;
	uint64_t tables_opened;		/* how often */
	uint64_t tables_closed;		/* how often, by the budget */
	uint64_t manifest_generation;
	uint64_t requests;		/* to merge everything: published, */
	uint64_t requests_done;		/* and done */
	uint64_t visible_seq;
	uint64_t written_seq;
	uint64_t durable_seq;
	uint64_t flushes;
	uint64_t flush_bytes;
	uint64_t checkpoints;		/* made since the start */
	bool checkpointing;		/* one is being made */
	uint64_t reloads;
	uint64_t user_bytes_written;	/* keys and values since the start */
	uint64_t wal_bytes_written;	/* since the start */
	uint64_t obsolete_files;
	uint64_t snapshots;
	uint64_t oldest_snapshot_age_s;	/* 0: there is none */
	uint64_t snapshot_bytes_held;	/* rtd_snapshots_bytes_held() */
	uint64_t filters_damaged;
	struct rt_block_cache_stats cache;
	char write_error[256];		/* "" while writes are taken */
	char flush_error[256];		/* "" when the last flush worked */
};

/* Figures of all parts, each right by itself. Thread: loop. */
void rtd_engine_get_stats(struct rtd_engine *engine,
    struct rtd_engine_stats *out);

/* How long each took, since the start, in ns. */
struct rtd_engine_durations {
	struct rt_durations wal_writes;
	struct rt_durations wal_syncs;
	struct rt_durations flushes;	/* those that worked */
};

/* How long log and flush took. Thread: loop. */
void rtd_engine_get_durations(struct rtd_engine *engine,
    struct rtd_engine_durations *out);

struct rtd_memtable_look {
	uint64_t bytes, bytes_max, entries;
};

/* Each memtable: the one that takes writes, then those that wait for their
 * flush, newest first. Up to max are put into out; returns how many. */
size_t rtd_engine_memtables(struct rtd_engine *engine,
    struct rtd_memtable_look *out, size_t max);

/* The manifest behind the current view; one reference for the caller. */
const struct rt_manifest *rtd_engine_manifest(struct rtd_engine *engine);

/* Free space and the compactor's absence are watched by the engine's own
 * housekeeping; options that CONFIG SET changed take effect here. */
void rtd_engine_config_changed(struct rtd_engine *engine);

#endif
