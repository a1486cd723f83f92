/* replay: the log's records brought into memtables. Only recovery uses it.
 * Thread: the one that loads the engine, which plays the loop's part. */
#ifndef RIPTIDED_ENGINE_REPLAY_H
#define RIPTIDED_ENGINE_REPLAY_H

#include "riptided/engine/engine_state.h"
#include "riptided/wal/wal_reader.h"

struct rtd_replay {
	struct rtd_engine *engine;
	struct rtd_memtable *memtable;	/* of the first reading */
	uint64_t memtable_max;		/* bytes it may take */
	uint64_t flushed_seq;		/* by the manifest at the start */
	uint64_t applied_seq;		/* all up to here are in memtables */
	bool left;			/* there are records above */
	bool tolerated;			/* damage was left out */
	struct rtd_wal_replay wal;
	/* The reading under way: the first one, which is `wal`, or the second
	 * one. Its bulk is what a large record lies in. */
	const struct rtd_wal_replay *reading;
};

/* Read the whole log that follows the manifest and check it. Its records go to
 * the memtable, which is new, up to what memory allows: replay->left tells that
 * there are more. RT_EDAMAGED, RT_ESTOPPED: nothing was changed on disk. */
RT_MUST_USE enum rt_code rtd_replay_check(struct rtd_replay *replay,
    struct rtd_engine *engine, const struct rt_manifest *manifest,
    struct rtd_memtable *memtable, struct rt_err *err);

/* Bring the rest into memtables, too. The engine has its first view, with the
 * memtable as the active one, and its flusher runs; it waits for nothing to
 * flush but the active memtable in the end. */
RT_MUST_USE enum rt_code rtd_replay_rest(struct rtd_replay *replay,
    struct rt_err *err);

/* The engine's sequences and where the log goes on (first_segment,
 * prev_segment, prev_bytes of wal), by the log and the manifest. */
void rtd_replay_end(const struct rtd_replay *replay,
    const struct rt_manifest *manifest, struct rtd_wal_options *wal);

#endif
