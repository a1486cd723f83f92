/* chain_iter: sorted parts whose key ranges follow each other, as the tables of
 * a run do, read end to end with one of them open at a time. No key is in two
 * parts. A part is opened when its turn comes, and only when the range asked
 * for reaches into it.
 * Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_CHAIN_ITER_H
#define LIBCOMMON_TABLE_CHAIN_ITER_H

#include <stddef.h>

#include "libcommon/table/iter.h"

struct rt_chain_iter;

struct rt_chain_ops {
	/* An iterator over part i, which becomes the chain's. */
	enum rt_code (*open)(struct rt_chain_iter *chain, size_t i,
	    struct rt_iter **out, struct rt_err *err);
	/* The first and last store key of part i. */
	struct rt_slice (*smallest)(const struct rt_chain_iter *chain,
	    size_t i);
	struct rt_slice (*largest)(const struct rt_chain_iter *chain, size_t i);
	/* Whether part i is to be passed over, unopened. */
	bool (*is_skipped)(const struct rt_chain_iter *chain, size_t i);
};

/* Embedded first by who makes one, in memory from malloc: rt_iter_free() frees
 * it. An error of opening ends it with that error (IT3). */
struct rt_chain_iter {
	struct rt_iter base;
	const struct rt_chain_ops *ops;
	size_t count;		/* parts */
	struct rt_range range;	/* its keys live as long as the chain */
	size_t at;		/* the part under way */
	struct rt_iter *part;	/* NULL: none open */
};

/* chain is zeroed but for what its maker keeps behind it. */
void rt_chain_iter_init(struct rt_chain_iter *chain,
    const struct rt_chain_ops *ops, size_t count, const struct rt_range *range);

#endif
