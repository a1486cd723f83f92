/* key_tally: how many keys of each keyspace a memtable holds, counted when
 * somebody asks. Writes do nothing for it: the walk over the arena goes on where
 * it ended the last time, and each version says by its link to the one before
 * whether it made a key, or ended one.
 * Thread: any, under the tally's own mutex. */
#ifndef RIPTIDED_MEMTABLE_KEY_TALLY_H
#define RIPTIDED_MEMTABLE_KEY_TALLY_H

#include "libcommon/os/mutex.h"
#include "libcommon/table/key_sketch.h"
#include "riptided/memtable/version_walk.h"

/* Of one keyspace. A key counts by its newest version: live when that is a
 * put. What a drop hides is not there. */
struct rtd_key_tally_item {
	uint32_t keyspace;
	uint64_t drop_seq;
	uint64_t keys;
	uint64_t live;
	uint64_t expiring;	/* of the live ones, with an expiry */
	double expire_sum_ms;
	struct rt_key_sketch *seen;	/* all keys */
	struct rt_key_sketch *alive;	/* live ones; NULL: not made yet */
};

struct rtd_key_tally {
	struct rt_mutex mu;
	struct rtd_key_tally_item *items;
	size_t items_count;
	size_t last;		/* the item used last */
	struct rtd_version_walk walk;	/* where it goes on */
	_Atomic size_t memory;	/* bytes held; read without the mutex */
};

/* Begin with no key; free what was tallied. */
void rtd_key_tally_init(struct rtd_key_tally *tally);
void rtd_key_tally_fini(struct rtd_key_tally *tally);
/* Forget everything: the memtable was emptied. */
void rtd_key_tally_reset(struct rtd_key_tally *tally);

/* Count what was published to the arena up to read_seq since the last time.
 * drops[keyspace]: versions at or below are not there; a drop that rose since
 * the last time makes the walk begin anew. */
void rtd_key_tally_walk(struct rtd_key_tally *tally,
    const struct rtd_arena *arena, const uint64_t *drops, uint64_t read_seq)
    RT_REQUIRES(tally->mu);

/* What was counted, or NULL when the keyspace has no keys. */
const struct rtd_key_tally_item *rtd_key_tally_find(
    struct rtd_key_tally *tally, uint32_t keyspace) RT_REQUIRES(tally->mu);

/* Make item->alive. Only when nothing is inserted any more. */
void rtd_key_tally_complete(struct rtd_key_tally *tally,
    const struct rtd_arena *arena, const struct rtd_hash_index *index,
    uint32_t keyspace) RT_REQUIRES(tally->mu);

#endif
