#include "libcommon/table/block_iter.h"

#include "libcommon/base/hash.h"
#include "libcommon/table/block_entry.h"

void
rt_block_iter_fini(struct rt_block_iter *iter)
{
	rt_buf_fini(&iter->key);
	*iter = (struct rt_block_iter){ .at = NULL };
}

void
rt_block_iter_begin(struct rt_block_iter *iter, const struct rt_block *block,
    bool follows)
{
	iter->block = *block;
	iter->at = block->data;
	iter->shared_max = 0;
	iter->has_last = iter->has_last && follows;
}

/* Whether raw comes behind the entry that iter is at. Beyond a shared prefix
 * of some bytes, which must be the longest one, a byte decides. */
static inline bool
comes_next(const struct rt_block_iter *iter, const struct rt_block_raw *raw,
    uint64_t seq)
{
	if (!iter->has_last)
		return true;
	if (raw->shared == 0)
		return rt_key_compare(rt_buf_slice(&iter->key), iter->entry.seq,
			   raw->suffix, seq) < 0;
	if (raw->shared == iter->key.len)
		return raw->suffix.len != 0 || seq < iter->entry.seq;
	return raw->suffix.len != 0 &&
	    raw->suffix.data[0] > iter->key.data[raw->shared];
}

enum rt_block_result
rt_block_iter_next(struct rt_block_iter *iter)
{
	struct rt_block_raw raw;
	enum rt_entry_type type;
	uint64_t seq;

	if (iter->at >= iter->block.entries_end)
		return RT_BLOCK_END;
	if (RT_UNLIKELY(!rt_block_decode(&iter->block, iter->at, &raw) ||
		raw.shared > iter->shared_max ||
		!rt_block_decode_meta(&iter->block, &raw, &seq, &type) ||
		!comes_next(iter, &raw, seq)))
		return RT_BLOCK_BAD;
	iter->key.len = raw.shared;
	rt_buf_append_slice(&iter->key, raw.suffix);
	iter->shared_max = iter->key.len;
	iter->has_last = true;
	iter->at = raw.end;
	iter->entry = (struct rt_entry){ .key = rt_buf_slice(&iter->key),
		.seq = seq,
		.type = type,
		.value = raw.value };
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

/* Whether the bucket of the key that iter is at leads to it, when it is the
 * first version of its key in the block. */
static bool
bucket_leads(const struct rt_block_iter *iter, size_t restart)
{
	const struct rt_block *block = &iter->block;
	uint64_t hash = rt_hash64(iter->entry.key);
	uint8_t bucket;

	if (block->buckets_count == 0)
		return true;
	bucket = block->entries_end[rt_block_bucket((uint32_t)hash,
	    block->buckets_count)];
	return bucket == RT_BLOCK_BUCKET_SHARED || bucket == restart;
}

bool
rt_block_verify(const struct rt_block *block)
{
	struct rt_block_iter iter = { .at = NULL };
	enum rt_block_result result;
	struct rt_block_raw raw;
	struct rt_buf last = { 0 };
	size_t restart = 0;
	bool ok = true;

	rt_block_iter_begin(&iter, block, false);
	for (size_t i = 0; ok; i++) {
		size_t offset = (size_t)(iter.at - block->data);

		result = rt_block_iter_next(&iter);
		if (result != RT_BLOCK_FOUND) {
			ok = result == RT_BLOCK_END && i != 0 &&
			    restart == block->restarts_count;
			break;
		}
		if (restart < block->restarts_count &&
		    rt_get_fixed32(block->restarts + 4 * restart) == offset)
			ok = rt_block_decode_restart(block, restart++, &raw);
		if (i == 0 ||
		    !rt_slice_equal(rt_buf_slice(&last), iter.entry.key))
			ok = ok && restart != 0 &&
			    bucket_leads(&iter, restart - 1);
		rt_buf_clear(&last);
		rt_buf_append_slice(&last, iter.entry.key);
	}
	rt_buf_fini(&last);
	rt_block_iter_fini(&iter);
	return ok;
}
