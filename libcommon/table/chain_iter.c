#include "libcommon/table/chain_iter.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"

static void
close_part(struct rt_chain_iter *chain)
{
	rt_iter_free(chain->part);
	chain->part = NULL;
}

/* Whether part i may hold what is asked for. */
static bool
is_wanted(const struct rt_chain_iter *chain, size_t i)
{
	const struct rt_range *range = &chain->range;

	if (chain->ops->is_skipped(chain, i))
		return false;
	if (range->upper.len != 0 &&
	    rt_slice_compare(chain->ops->smallest(chain, i), range->upper) >= 0)
		return false;
	return range->lower.len == 0 ||
	    rt_slice_compare(chain->ops->largest(chain, i), range->lower) >= 0;
}

/* Open part `at`, or the next one wanted in the direction. With none left part
 * is NULL, as it is on error. */
static bool
open_part(struct rt_chain_iter *chain, size_t at, bool backward)
{
	/* Below part 0 the number wraps round and is above the count. */
	while (at < chain->count && !is_wanted(chain, at))
		at += backward ? (size_t)-1 : 1;
	if (chain->part != NULL && chain->at == at)
		return true;
	close_part(chain);
	chain->at = at;
	if (at >= chain->count)
		return false;
	chain->base.code =
	    chain->ops->open(chain, at, &chain->part, &chain->base.err);
	return chain->base.code == RT_OK;
}

static void
show(struct rt_chain_iter *chain)
{
	chain->base.valid = chain->part != NULL && chain->part->valid;
	if (RT_LIKELY(chain->base.valid)) {
		chain->base.entry = chain->part->entry;
	} else if (chain->part != NULL) {
		chain->base.code = chain->part->code;
		chain->base.err = chain->part->err;
	}
}

static bool
is_at_end(const struct rt_chain_iter *chain)
{
	return chain->part != NULL && !chain->part->valid &&
	    chain->part->code == RT_OK;
}

/* Show what the part shows, going on to the next one at its end. */
static void
show_forward(struct rt_chain_iter *chain)
{
	while (RT_UNLIKELY(is_at_end(chain)))
		if (open_part(chain, chain->at + 1, false))
			rt_iter_seek_first(chain->part);
	show(chain);
}

static void
show_backward(struct rt_chain_iter *chain)
{
	while (RT_UNLIKELY(is_at_end(chain)))
		if (open_part(chain, chain->at - 1, true))
			rt_iter_seek_last(chain->part);
	show(chain);
}

static void
chain_seek_first(struct rt_iter *base)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;

	base->code = RT_OK;
	if (open_part(chain, 0, false))
		rt_iter_seek_first(chain->part);
	show_forward(chain);
}

static void
chain_seek_last(struct rt_iter *base)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;

	base->code = RT_OK;
	if (open_part(chain, chain->count - 1, true))
		rt_iter_seek_last(chain->part);
	show_backward(chain);
}

/* The first part that ends at or behind key. */
static size_t
find(const struct rt_chain_iter *chain, struct rt_slice key)
{
	size_t low = 0, high = chain->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rt_slice_compare(chain->ops->largest(chain, middle), key) <
		    0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
chain_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;

	base->code = RT_OK;
	if (open_part(chain, find(chain, key), false))
		rt_iter_seek(chain->part, key, seq);
	show_forward(chain);
}

static void
chain_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;
	size_t at = find(chain, key);

	base->code = RT_OK;
	/* Part at may begin with the key, but not the one behind it. */
	if (at == chain->count ||
	    rt_slice_compare(chain->ops->smallest(chain, at), key) > 0)
		at--;
	if (open_part(chain, at, true))
		rt_iter_seek_for_prev(chain->part, key, seq);
	show_backward(chain);
}

static void
chain_next(struct rt_iter *base)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;

	rt_iter_next(chain->part);
	show_forward(chain);
}

static void
chain_prev(struct rt_iter *base)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;

	rt_iter_prev(chain->part);
	show_backward(chain);
}

static void
chain_free(struct rt_iter *base)
{
	struct rt_chain_iter *chain = (struct rt_chain_iter *)base;

	close_part(chain);
	free(chain);
}

void
rt_chain_iter_init(struct rt_chain_iter *chain, const struct rt_chain_ops *ops,
    size_t count, const struct rt_range *range)
{
	static const struct rt_iter_ops iter_ops = {
		.seek_first = chain_seek_first,
		.seek_last = chain_seek_last,
		.seek = chain_seek,
		.seek_for_prev = chain_seek_for_prev,
		.next = chain_next,
		.prev = chain_prev,
		.free = chain_free,
	};

	chain->base.ops = &iter_ops;
	chain->ops = ops;
	chain->count = count;
	chain->range = *range;
}
