/* The format is told in block_builder.c.
 *
 * rt_block_find() never puts a key together. With m the number of bytes that
 * the key before has in common with the one sought, and that key before it in
 * order, the next entry is settled by its `shared` alone unless shared == m:
 * above m it differs from the one sought where its predecessor did, so it is
 * still before; below m it is already behind. */
#include "libcommon/table/block_reader.h"

#include "libcommon/base/coding.h"
#include "libcommon/base/hash.h"

#define PREFETCH_BYTES_MAX 2048

struct raw_entry {
	size_t shared;
	struct rt_slice suffix;
	struct rt_slice value;
	uint64_t meta;
	const uint8_t *end;
};

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
	behind = RT_BLOCK_TAIL_BYTES + (uint64_t)block->restarts_count * 4 +
	    buckets;
	if (buckets > UINT16_MAX || block->restarts_count == 0 ||
	    behind >= content.len || block->base_seq > RT_SEQ_MAX)
		return false;
	block->entries_end = content.data + content.len - behind;
	block->restarts = block->entries_end + buckets;
	return true;
}

/* NULL when it does not end before `end`. */
static inline const uint8_t *
read_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
	uint64_t value = 0;

	if (RT_LIKELY(at < end && *at < 0x80)) {
		*out = *at;
		return at + 1;
	}
	for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
		uint64_t byte = *at++;

		value |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = value;
			return at;
		}
	}
	return NULL;
}

/* Take the entry at `at` apart. False when it does not fit. */
static inline __attribute__((always_inline)) bool
decode(const struct rt_block *block, const uint8_t *at, struct raw_entry *out)
{
	const uint8_t *end = block->entries_end;
	uint64_t shared, unshared, value_len;

	at = read_varint(at, end, &shared);
	if (RT_UNLIKELY(at == NULL))
		return false;
	at = read_varint(at, end, &unshared);
	if (RT_UNLIKELY(at == NULL))
		return false;
	at = read_varint(at, end, &value_len);
	if (RT_UNLIKELY(at == NULL))
		return false;
	at = read_varint(at, end, &out->meta);
	if (RT_UNLIKELY(at == NULL || shared > RT_STORE_KEY_BYTES_MAX ||
		unshared > RT_STORE_KEY_BYTES_MAX - shared ||
		shared + unshared < RT_KEY_PREFIX_BYTES ||
		unshared > (uint64_t)(end - at) ||
		value_len > (uint64_t)(end - at) - unshared))
		return false;
	out->shared = (size_t)shared;
	out->suffix = rt_slice(at, (size_t)unshared);
	at += unshared;
	out->value = rt_slice(at, (size_t)value_len);
	out->end = at + value_len;
	return true;
}

/* Sequence and type; false when they are not allowed. */
static inline bool
decode_meta(const struct rt_block *block, const struct raw_entry *raw,
    uint64_t *seq, enum rt_entry_type *type)
{
	uint64_t zigzag = raw->meta >> 1;

	*seq = block->base_seq + ((zigzag >> 1) ^ (0 - (zigzag & 1)));
	*type = (enum rt_entry_type)(raw->meta & 1);
	return *seq - 1 < RT_SEQ_MAX &&
	    (*type == RT_ENTRY_PUT) == (raw->value.len != 0);
}

/* The entry of a restart, which has a whole key. */
static bool
decode_restart(const struct rt_block *block, size_t restart,
    struct raw_entry *raw)
{
	size_t offset = rt_get_fixed32(block->restarts + 4 * restart);

	return offset < (size_t)(block->entries_end - block->data) &&
	    decode(block, block->data + offset, raw) && raw->shared == 0;
}

/* The last restart before (key, seq), or the first one. */
static bool
search_restarts(const struct rt_block *block, struct rt_slice key, uint64_t seq,
    size_t *out)
{
	size_t low = 0, high = block->restarts_count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;
		struct raw_entry raw;
		enum rt_entry_type type;
		uint64_t at_seq;

		if (!decode_restart(block, middle, &raw) ||
		    !decode_meta(block, &raw, &at_seq, &type))
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

	for (struct raw_entry raw; at < block->entries_end; at = raw.end) {
		struct rt_slice rest;
		size_t same;

		if (RT_UNLIKELY(
			!decode(block, at, &raw) || raw.shared > last_len))
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
			if (!decode_meta(block, &raw, &out->seq, &out->type))
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
 * come one after the other: ask for all lines of the restart at once. */
static void
prefetch(const struct rt_block *block, size_t restart, size_t offset)
{
	size_t end = (size_t)(block->entries_end - block->data);

	if (restart + 1 < block->restarts_count)
		end = rt_get_fixed32(block->restarts + 4 * restart + 4);
	if (end > offset + PREFETCH_BYTES_MAX)
		end = offset + PREFETCH_BYTES_MAX;
	for (; offset < end; offset += RT_CACHE_LINE_BYTES)
		__builtin_prefetch(block->data + offset);
}

enum rt_block_result
rt_block_find(const struct rt_block *block, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, struct rt_entry *out)
{
	size_t restart = RT_BLOCK_BUCKET_SHARED;
	size_t offset;

	if (block->buckets_count != 0)
		restart = block->entries_end[rt_block_bucket((uint32_t)key_hash,
		    block->buckets_count)];
	if (restart == RT_BLOCK_BUCKET_EMPTY)
		return RT_BLOCK_END;
	if (restart == RT_BLOCK_BUCKET_SHARED &&
	    !search_restarts(block, key, read_seq, &restart))
		return RT_BLOCK_BAD;
	if (restart >= block->restarts_count)
		return RT_BLOCK_BAD;
	offset = rt_get_fixed32(block->restarts + 4 * restart);
	if (offset >= (size_t)(block->entries_end - block->data))
		return RT_BLOCK_BAD;
	prefetch(block, restart, offset);
	return scan(block, block->data + offset, key, read_seq, out);
}

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
comes_next(const struct rt_block_iter *iter, const struct raw_entry *raw,
    uint64_t seq)
{
	if (!iter->has_last)
		return true;
	if (raw->shared == 0)
		return rt_key_compare(rt_buf_slice(&iter->key),
			   iter->entry.seq, raw->suffix, seq) < 0;
	if (raw->shared == iter->key.len)
		return raw->suffix.len != 0 || seq < iter->entry.seq;
	return raw->suffix.len != 0 &&
	    raw->suffix.data[0] > iter->key.data[raw->shared];
}

enum rt_block_result
rt_block_iter_next(struct rt_block_iter *iter)
{
	struct raw_entry raw;
	enum rt_entry_type type;
	uint64_t seq;

	if (iter->at >= iter->block.entries_end)
		return RT_BLOCK_END;
	if (RT_UNLIKELY(!decode(&iter->block, iter->at, &raw) ||
		raw.shared > iter->shared_max ||
		!decode_meta(&iter->block, &raw, &seq, &type) ||
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

	if (!search_restarts(&iter->block, key, seq, &restart))
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
	struct raw_entry raw;
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
			ok = decode_restart(block, restart++, &raw);
		if (i == 0 || !rt_slice_equal(rt_buf_slice(&last),
				  iter.entry.key))
			ok = ok && restart != 0 &&
			    bucket_leads(&iter, restart - 1);
		rt_buf_clear(&last);
		rt_buf_append_slice(&last, iter.entry.key);
	}
	rt_buf_fini(&last);
	rt_block_iter_fini(&iter);
	return ok;
}
