/* The format is told in block_builder.c.
 *
 * rt_block_find() never puts a key together. With m the number of bytes that
 * the key before has in common with the one sought, and that key before it in
 * order, the next entry is settled by its `shared` alone unless shared == m:
 * above m it differs from the one sought where its predecessor did, so it is
 * still before; below m it is already behind. */
#include "libcommon/table/block_reader.h"

#include "libcommon/table/block_entry.h"

#define TOUCHED_BYTES_MAX 2048

bool
rt_block_init(struct rt_block *block, struct rt_slice content)
{
	const uint8_t *tail;
	uint64_t behind;
	uint32_t buckets;

	if (content.len < RT_BLOCK_TAIL_BYTES)
		return false;
	tail = content.data + content.len - RT_BLOCK_TAIL_BYTES;
	buckets = rt_get_fixed32(tail + 12);
	block->data = content.data;
	block->base_seq = rt_get_fixed64(tail);
	block->restarts_count = rt_get_fixed32(tail + 8);
	block->buckets_count = buckets;
	behind =
	    RT_BLOCK_TAIL_BYTES + (uint64_t)block->restarts_count * 4 + buckets;
	if (buckets > UINT16_MAX || block->restarts_count == 0 ||
	    behind >= content.len || block->base_seq > RT_SEQ_MAX)
		return false;
	block->entries_end = content.data + content.len - behind;
	block->restarts = block->entries_end + buckets;
	return true;
}

bool
rt_block_search(const struct rt_block *block, struct rt_slice key, uint64_t seq,
    size_t *out)
{
	size_t low = 0, high = block->restarts_count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;
		struct rt_block_raw raw;
		enum rt_entry_type type;
		uint64_t at_seq;

		if (!rt_block_decode_restart(block, middle, &raw) ||
		    !rt_block_decode_meta(block, &raw, &at_seq, &type))
			return false;
		if (rt_key_compare(raw.suffix, at_seq, key, seq) < 0)
			low = middle;
		else
			high = middle - 1;
	}
	*out = low;
	return true;
}

static enum rt_block_result
scan(const struct rt_block *block, const uint8_t *at, struct rt_slice key,
    uint64_t read_seq, struct rt_entry *out)
{
	size_t matched = 0, last_len = 0;

	for (struct rt_block_raw raw; at < block->entries_end; at = raw.end) {
		struct rt_slice rest;
		size_t same;

		if (RT_UNLIKELY(!rt_block_decode(block, at, &raw) ||
			raw.shared > last_len))
			return RT_BLOCK_BAD;
		last_len = raw.shared + raw.suffix.len;
		/* A whole key, as at a restart, stands for itself. */
		if (raw.shared == 0)
			matched = 0;
		if (raw.shared > matched)
			continue;
		if (raw.shared < matched)
			return RT_BLOCK_END;
		rest = rt_slice(key.data + matched, key.len - matched);
		same = rt_slice_shared_prefix(raw.suffix, rest);
		if (same == rest.len && same == raw.suffix.len) {
			if (!rt_block_decode_meta(block, &raw, &out->seq,
				&out->type))
				return RT_BLOCK_BAD;
			out->value = raw.value;
			if (out->seq <= read_seq)
				return RT_BLOCK_FOUND;
		} else if (same == rest.len ||
		    (same < raw.suffix.len &&
			raw.suffix.data[same] > rest.data[same])) {
			return RT_BLOCK_END;
		}
		matched += same;
	}
	return RT_BLOCK_END;
}

/* An entry tells where the next one is, so that the misses of a scan would
 * come one after the other: load all lines of the restart at once. Nothing waits
 * for these loads; a prefetch would be dropped where the processor does not know
 * the page. */
static void
touch(const struct rt_block *block, size_t restart, size_t offset)
{
	size_t end = (size_t)(block->entries_end - block->data);
	size_t next;

	if (restart + 1 < block->restarts_count) {
		next = rt_get_fixed32(block->restarts + 4 * restart + 4);
		if (next < end)
			end = next;
	}
	if (end > offset + TOUCHED_BYTES_MAX)
		end = offset + TOUCHED_BYTES_MAX;
	for (; offset < end; offset += RT_CACHE_LINE_BYTES)
		(void)*(const volatile uint8_t *)(block->data + offset);
}

enum rt_block_result
rt_block_aim(const struct rt_block *block, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, size_t *out)
{
	size_t restart = RT_BLOCK_BUCKET_SHARED;
	size_t offset;

	if (block->buckets_count != 0)
		restart = block->entries_end[rt_block_bucket((uint32_t)key_hash,
		    block->buckets_count)];
	if (restart == RT_BLOCK_BUCKET_EMPTY)
		return RT_BLOCK_END;
	if (restart == RT_BLOCK_BUCKET_SHARED &&
	    !rt_block_search(block, key, read_seq, &restart))
		return RT_BLOCK_BAD;
	if (restart >= block->restarts_count)
		return RT_BLOCK_BAD;
	offset = rt_get_fixed32(block->restarts + 4 * restart);
	if (offset >= (size_t)(block->entries_end - block->data))
		return RT_BLOCK_BAD;
	touch(block, restart, offset);
	*out = restart;
	return RT_BLOCK_FOUND;
}

enum rt_block_result
rt_block_find_behind(const struct rt_block *block, size_t restart,
    struct rt_slice key, uint64_t read_seq, struct rt_entry *out)
{
	size_t offset = rt_get_fixed32(block->restarts + 4 * restart);

	return scan(block, block->data + offset, key, read_seq, out);
}

enum rt_block_result
rt_block_find(const struct rt_block *block, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, struct rt_entry *out)
{
	size_t restart;
	enum rt_block_result result =
	    rt_block_aim(block, key, key_hash, read_seq, &restart);

	if (result != RT_BLOCK_FOUND)
		return result;
	return rt_block_find_behind(block, restart, key, read_seq, out);
}
