/* Keys are put together in one buffer, each from the one before it. To go back
 * they are taken apart again: the entries from a restart to the one at hand are
 * walked once, and for each is kept where it lies, how much it shares, and the
 * tail of the key before that it wrote over. A step back puts that tail into
 * its place. The tails together are never longer than the block.
 *
 * The walk checks the order as going forward does, and that it ends before the
 * entry it was made for, so that damage is found whichever way one goes. */
#include "libcommon/table/block_iter.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/block_entry.h"

#define LANE_BYTES 16
/* Longer suffixes are copied as they come. */
#define LANES_BYTES_MAX 48

struct rt_block_step {
	size_t offset;	/* of the entry */
	size_t shared;	/* with the key before */
	size_t tail;	/* where the tail of the key before begins */
};

void
rt_block_iter_fini(struct rt_block_iter *iter)
{
	rt_buf_fini(&iter->key);
	rt_buf_fini(&iter->tails);
	rt_buf_fini(&iter->behind);
	free(iter->steps);
	*iter = (struct rt_block_iter){ .at = NULL };
}

void
rt_block_iter_begin(struct rt_block_iter *iter, const struct rt_block *block,
    bool follows)
{
	iter->block = *block;
	iter->here = block->data;
	iter->at = block->data;
	iter->shared_max = 0;
	iter->has_last = iter->has_last && follows;
	iter->steps_count = 0;
}

void
rt_block_iter_begin_end(struct rt_block_iter *iter,
    const struct rt_block *block, bool precedes)
{
	rt_block_iter_begin(iter, block, precedes);
	iter->here = block->entries_end;
	iter->at = block->entries_end;
}

/* Whether raw comes behind the entry that iter is at. Beyond a shared prefix
 * of some bytes, which must be the longest one, a byte decides. */
static inline bool
comes_next(const struct rt_block_iter *iter, const struct rt_block_raw *raw,
    uint64_t seq)
{
	if (RT_UNLIKELY(!iter->has_last))
		return true;
	if (raw->shared == 0)
		return rt_key_compare(rt_buf_slice(&iter->key), iter->entry.seq,
			   raw->suffix, seq) < 0;
	if (raw->shared == iter->key.len)
		return raw->suffix.len != 0 || seq < iter->entry.seq;
	return raw->suffix.len != 0 &&
	    raw->suffix.data[0] > iter->key.data[raw->shared];
}

/* Decode the entry at iter->at, and see that it may stand there. */
static inline __attribute__((always_inline)) bool
decode_next(const struct rt_block_iter *iter, struct rt_block_raw *raw,
    uint64_t *seq, enum rt_entry_type *type)
{
	return rt_block_decode(&iter->block, iter->at, raw) &&
	    raw->shared <= iter->shared_max &&
	    rt_block_decode_meta(&iter->block, raw, seq, type) &&
	    comes_next(iter, raw, *seq);
}

/* A lane of `keep` bytes that are there and others of `from`. */
static inline void
put_lane(uint8_t *lane, const uint8_t *from, size_t keep)
{
	typedef uint64_t pair __attribute__((vector_size(LANE_BYTES)));
	static const uint8_t masks[2 * LANE_BYTES] = { 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff };
	pair old, new, mask;

	memcpy(&old, lane, LANE_BYTES);
	memcpy(&new, from, LANE_BYTES);
	memcpy(&mask, masks + LANE_BYTES - keep, LANE_BYTES);
	new = (old & mask) | (new & ~mask);
	memcpy(lane, &new, LANE_BYTES);
}

/* Put a key together from what it shares with the one before and its suffix.
 * Who reads the key next loads it in pieces of 8 or 16 bytes at multiples of
 * those. A load that needs bytes of two stores under way waits until both have
 * left the store buffer, which took longer than all else that is done with an
 * entry; so whole lanes are stored, the first one with the shared bytes in it.
 * What they have behind the key's end means nothing. */
static inline void
put_suffix(struct rt_block_iter *iter, size_t shared, struct rt_slice suffix)
{
	struct rt_buf *key = &iter->key;
	size_t shift = shared % LANE_BYTES, done = shared - shift;
	const uint8_t *from = suffix.data - shift;

	key->len = shared;
	if (RT_UNLIKELY(suffix.len > LANES_BYTES_MAX ||
		key->cap - shared < LANES_BYTES_MAX + LANE_BYTES ||
		(size_t)(suffix.data - iter->block.data) < LANE_BYTES ||
		(size_t)(iter->block.entries_end - suffix.data) <
		    LANES_BYTES_MAX + LANE_BYTES)) {
		rt_buf_reserve(key, suffix.len + LANES_BYTES_MAX + LANE_BYTES);
		rt_buf_append_slice(key, suffix);
		return;
	}
	key->len += suffix.len;
	put_lane(key->data + done, from, shift);
	for (done += LANE_BYTES, from += LANE_BYTES; done < key->len;
	     done += LANE_BYTES, from += LANE_BYTES)
		memcpy(key->data + done, from, LANE_BYTES);
}

static inline __attribute__((always_inline)) void
take(struct rt_block_iter *iter, const struct rt_block_raw *raw, uint64_t seq,
    enum rt_entry_type type)
{
	iter->repeats = iter->has_last && (raw->shared != 0
		? raw->suffix.len == 0 && raw->shared == iter->key.len
		: rt_slice_equal(rt_buf_slice(&iter->key), raw->suffix));
	put_suffix(iter, raw->shared, raw->suffix);
	iter->shared_max = iter->key.len;
	iter->has_last = true;
	iter->here = iter->at;
	iter->at = raw->end;
	iter->entry = (struct rt_entry){ .key = rt_buf_slice(&iter->key),
		.seq = seq,
		.type = type,
		.value = raw->value };
}

enum rt_block_result
rt_block_iter_next(struct rt_block_iter *iter)
{
	struct rt_block_raw raw;
	enum rt_entry_type type;
	uint64_t seq;

	if (iter->at >= iter->block.entries_end)
		return RT_BLOCK_END;
	if (RT_UNLIKELY(!decode_next(iter, &raw, &seq, &type)))
		return RT_BLOCK_BAD;
	iter->steps_count = 0;
	take(iter, &raw, seq, type);
	return RT_BLOCK_FOUND;
}

/* The last restart that begins before `end`. */
static bool
restart_before(const struct rt_block *block, const uint8_t *end, size_t *offset)
{
	size_t low = 0, high = block->restarts_count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (rt_get_fixed32(block->restarts + 4 * middle) <
		    (size_t)(end - block->data))
			low = middle;
		else
			high = middle - 1;
	}
	*offset = rt_get_fixed32(block->restarts + 4 * low);
	return *offset < (size_t)(end - block->data);
}

static void
add_step(struct rt_block_iter *iter, size_t shared)
{
	if (iter->steps_count == iter->steps_cap) {
		iter->steps_cap = iter->steps_cap == 0
		    ? RT_BLOCK_RESTART_ENTRIES
		    : iter->steps_cap * 2;
		iter->steps = rt_realloc(iter->steps,
		    iter->steps_cap * sizeof(iter->steps[0]));
	}
	iter->steps[iter->steps_count++] = (struct rt_block_step){
		.offset = (size_t)(iter->at - iter->block.data),
		.shared = shared,
		.tail = iter->tails.len,
	};
	/* A forged key may be empty, and have no memory yet. */
	if (iter->key.len != shared)
		rt_buf_append(&iter->tails, iter->key.data + shared,
		    iter->key.len - shared);
}

/* From a restart to the last entry before `end`, which is an entry or the end
 * of the block; noting the steps. */
static enum rt_block_result
walk_to(struct rt_block_iter *iter, const uint8_t *end)
{
	uint64_t behind_seq = iter->entry.seq;
	bool has_behind = iter->has_last;
	struct rt_buf swap = iter->behind;
	size_t offset;

	if (end == iter->block.data)
		return RT_BLOCK_END;
	if (!restart_before(&iter->block, end, &offset))
		return RT_BLOCK_BAD;
	iter->behind = iter->key;
	iter->key = swap;
	rt_buf_clear(&iter->key);
	rt_buf_clear(&iter->tails);
	iter->steps_count = 0;
	iter->shared_max = 0;
	iter->has_last = false;
	iter->at = iter->block.data + offset;
	while (iter->at < end) {
		struct rt_block_raw raw;
		enum rt_entry_type type;
		uint64_t seq;

		if (!decode_next(iter, &raw, &seq, &type))
			return RT_BLOCK_BAD;
		add_step(iter, raw.shared);
		take(iter, &raw, seq, type);
	}
	if (iter->at != end ||
	    (has_behind && rt_key_compare(iter->entry.key, iter->entry.seq,
			       rt_buf_slice(&iter->behind), behind_seq) >= 0))
		return RT_BLOCK_BAD;
	return RT_BLOCK_FOUND;
}

enum rt_block_result
rt_block_iter_prev(struct rt_block_iter *iter)
{
	const struct rt_block_step *step;
	struct rt_block_raw raw;
	enum rt_entry_type type;
	size_t key_len, tail_len;
	uint64_t seq;

	if (iter->steps_count <= 1)
		return walk_to(iter, iter->here);
	step = &iter->steps[--iter->steps_count];
	tail_len = iter->tails.len - step->tail;
	key_len = step->shared + tail_len;
	iter->tails.len = step->tail;
	iter->at = iter->block.data + step[-1].offset;
	/* The walk found it in order; only its suffix is in the key already. */
	if (!rt_block_decode(&iter->block, iter->at, &raw) ||
	    !rt_block_decode_meta(&iter->block, &raw, &seq, &type))
		return RT_BLOCK_BAD;
	iter->key.len = step->shared;
	if (tail_len != 0)
		rt_buf_append(&iter->key, iter->tails.data + step->tail,
		    tail_len);
	raw.shared = key_len;
	raw.suffix.len = 0;
	take(iter, &raw, seq, type);
	return RT_BLOCK_FOUND;
}

enum rt_block_result
rt_block_iter_seek(struct rt_block_iter *iter, struct rt_slice key,
    uint64_t seq)
{
	enum rt_block_result result;
	size_t restart, offset;

	if (!rt_block_search(&iter->block, key, seq, &restart))
		return RT_BLOCK_BAD;
	offset = rt_get_fixed32(iter->block.restarts + 4 * restart);
	if (offset >= (size_t)(iter->block.entries_end - iter->block.data))
		return RT_BLOCK_BAD;
	iter->at = iter->block.data + offset;
	iter->shared_max = 0;
	iter->has_last = false;
	do {
		result = rt_block_iter_next(iter);
	} while (result == RT_BLOCK_FOUND &&
	    rt_key_compare(iter->entry.key, iter->entry.seq, key, seq) < 0);
	return result;
}

enum rt_block_result
rt_block_iter_seek_for_prev(struct rt_block_iter *iter, struct rt_slice key,
    uint64_t seq)
{
	enum rt_block_result result = rt_block_iter_seek(iter, key, seq);

	/* At the end the last entry is still at hand, and before the key. */
	if (result == RT_BLOCK_END)
		return RT_BLOCK_FOUND;
	if (result == RT_BLOCK_FOUND &&
	    rt_key_compare(iter->entry.key, iter->entry.seq, key, seq) > 0)
		result = rt_block_iter_prev(iter);
	return result;
}

/* Whether the bucket of the key that iter is at leads to it, when it is the
 * first version of its key in the block. */
static bool
bucket_leads(const struct rt_block *block, size_t restart, uint64_t key_hash)
{
	uint8_t bucket;

	if (block->buckets_count == 0)
		return true;
	bucket = block->entries_end[rt_block_bucket((uint32_t)key_hash,
	    block->buckets_count)];
	return bucket == RT_BLOCK_BUCKET_SHARED || bucket == restart;
}

bool
rt_block_check_entry(struct rt_block_check *check,
    const struct rt_block_iter *iter, uint64_t key_hash)
{
	const struct rt_block *block = &iter->block;
	size_t offset = (size_t)(iter->here - block->data);
	struct rt_block_raw raw;

	if (check->restarts < block->restarts_count &&
	    rt_get_fixed32(block->restarts + 4 * check->restarts) == offset &&
	    !rt_block_decode_restart(block, check->restarts++, &raw))
		return false;
	if (iter->repeats && offset != 0)
		return true;
	return check->restarts != 0 &&
	    bucket_leads(block, check->restarts - 1, key_hash);
}

bool
rt_block_check_end(const struct rt_block_check *check,
    const struct rt_block_iter *iter)
{
	return check->restarts != 0 &&
	    check->restarts == iter->block.restarts_count;
}

bool
rt_block_verify(const struct rt_block *block)
{
	struct rt_block_iter iter = { .at = NULL };
	struct rt_block_check check = { 0 };
	enum rt_block_result result;
	bool ok = true;

	rt_block_iter_begin(&iter, block, false);
	while (ok &&
	    (result = rt_block_iter_next(&iter)) == RT_BLOCK_FOUND)
		ok = rt_block_check_entry(&check, &iter,
		    rt_hash64(iter.entry.key));
	ok = ok && result == RT_BLOCK_END && rt_block_check_end(&check, &iter);
	rt_block_iter_fini(&iter);
	return ok;
}
