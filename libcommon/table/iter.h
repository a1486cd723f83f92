/* iter: the iterator contract, for tables, memtables and merges of them.
 *
 * IT1 Entries come in the order of key.h, each once.
 * IT2 When valid, entry holds until the next call on this iterator.
 * IT3 An iterator that is not valid is at the end, or code tells its error;
 *     after an error it stays not valid until the next seek.
 * IT4 It never outlives what it reads: the table, view or memtable.
 * IT5 It may turn round at any entry. Past either end only a seek helps.
 * Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_ITER_H
#define LIBCOMMON_TABLE_ITER_H

#include <stdbool.h>

#include "libcommon/base/err.h"
#include "libcommon/table/key.h"

struct rt_iter;

/* Store keys, lower included and upper not; an empty one is no bound. Given to
 * an iterator it is a promise that nothing else is asked for: what lies outside
 * is not read, and may or may not be shown. Borrowed. */
struct rt_range {
	struct rt_slice lower;
	struct rt_slice upper;
};

struct rt_iter_ops {
	void (*seek_first)(struct rt_iter *iter);
	void (*seek_last)(struct rt_iter *iter);
	/* To the first entry at or after (key, seq). */
	void (*seek)(struct rt_iter *iter, struct rt_slice key, uint64_t seq);
	/* To the last entry at or before (key, seq). With a sequence of 0 that
	 * is at or before any version of the key. */
	void (*seek_for_prev)(struct rt_iter *iter, struct rt_slice key,
	    uint64_t seq);
	/* Only when valid. */
	void (*next)(struct rt_iter *iter);
	void (*prev)(struct rt_iter *iter);
	void (*free)(struct rt_iter *iter);
};

/* Embedded first by each kind of iterator. */
struct rt_iter {
	const struct rt_iter_ops *ops;
	bool valid;
	struct rt_entry entry;
	enum rt_code code;	/* RT_OK, or why it stopped */
	struct rt_err err;	/* filled when code is not RT_OK */
};

/* To the first entry. */
static inline void
rt_iter_seek_first(struct rt_iter *iter)
{
	iter->ops->seek_first(iter);
}

/* To the first entry at or behind (key, seq); newer versions come first. */
static inline void
rt_iter_seek(struct rt_iter *iter, struct rt_slice key, uint64_t seq)
{
	iter->ops->seek(iter, key, seq);
}

/* To the last entry. */
static inline void
rt_iter_seek_last(struct rt_iter *iter)
{
	iter->ops->seek_last(iter);
}

/* To the last entry at or before (key, seq). */
static inline void
rt_iter_seek_for_prev(struct rt_iter *iter, struct rt_slice key, uint64_t seq)
{
	iter->ops->seek_for_prev(iter, key, seq);
}

/* One entry back; it must be valid. */
static inline void
rt_iter_prev(struct rt_iter *iter)
{
	iter->ops->prev(iter);
}

/* One entry on; it must be valid. */
static inline void
rt_iter_next(struct rt_iter *iter)
{
	iter->ops->next(iter);
}

/* NULL is accepted. */
static inline void
rt_iter_free(struct rt_iter *iter)
{
	if (iter != NULL)
		iter->ops->free(iter);
}

#endif
