/* block_entry: one entry of a data block as it lies there, for the files that
 * read blocks. The format is told in block_builder.c. Nothing here trusts a
 * byte: what does not fit into the block gives false. Thread: any. */
#ifndef LIBCOMMON_TABLE_BLOCK_ENTRY_H
#define LIBCOMMON_TABLE_BLOCK_ENTRY_H

#include "libcommon/base/coding.h"
#include "libcommon/table/block_reader.h"

struct rt_block_raw {
	size_t shared;
	struct rt_slice suffix;
	struct rt_slice value;
	uint64_t meta;
	const uint8_t *end;
};

/* A varint of several bytes. Where eight can be read they are taken at once:
 * what is behind the byte that ends it is cut off, and the groups of seven bits
 * are moved together pairwise. */
static inline const uint8_t *
rt_block_varint_long(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
	uint64_t value = 0;

	if (RT_LIKELY(end - at >= 8)) {
		uint64_t word = rt_get_fixed64(at);
		uint64_t ends = ~word & UINT64_C(0x8080808080808080);

		if (RT_LIKELY(ends != 0)) {
			word &= ends ^ (ends - 1);
			word = (word & UINT64_C(0x007f007f007f007f)) |
			    (word & UINT64_C(0x7f007f007f007f00)) >> 1;
			word = (word & UINT64_C(0x00003fff00003fff)) |
			    (word & UINT64_C(0x3fff00003fff0000)) >> 2;
			*out = (word & UINT64_C(0x000000000fffffff)) |
			    (word & UINT64_C(0x0fffffff00000000)) >> 4;
			return at + __builtin_ctzll(ends) / 8 + 1;
		}
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

/* NULL when it does not end before `end`. */
static inline const uint8_t *
rt_block_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
	if (RT_LIKELY(at < end && *at < 0x80)) {
		*out = *at;
		return at + 1;
	}
	return rt_block_varint_long(at, end, out);
}

/* Take the entry at `at` apart. False when it does not fit. */
static inline __attribute__((always_inline)) bool
rt_block_decode(const struct rt_block *block, const uint8_t *at,
    struct rt_block_raw *out)
{
	const uint8_t *end = block->entries_end;
	uint64_t shared, unshared, value_len;

	/* Three lengths of one byte each are the rule. */
	if (RT_LIKELY(end - at >= 4 && (rt_get_fixed32(at) & 0x808080) == 0)) {
		shared = at[0];
		unshared = at[1];
		value_len = at[2];
		at += 3;
	} else {
		at = rt_block_varint(at, end, &shared);
		if (at != NULL)
			at = rt_block_varint(at, end, &unshared);
		if (at != NULL)
			at = rt_block_varint(at, end, &value_len);
		if (RT_UNLIKELY(at == NULL))
			return false;
	}
	at = rt_block_varint(at, end, &out->meta);
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
rt_block_decode_meta(const struct rt_block *block,
    const struct rt_block_raw *raw, uint64_t *seq, enum rt_entry_type *type)
{
	uint64_t zigzag = raw->meta >> 1;

	*seq = block->base_seq + ((zigzag >> 1) ^ (0 - (zigzag & 1)));
	*type = (enum rt_entry_type)(raw->meta & 1);
	return *seq - 1 < RT_SEQ_MAX &&
	    (*type == RT_ENTRY_PUT) == (raw->value.len != 0);
}

/* The entry of a restart, which has a whole key. */
static inline bool
rt_block_decode_restart(const struct rt_block *block, size_t restart,
    struct rt_block_raw *raw)
{
	size_t offset = rt_get_fixed32(block->restarts + 4 * restart);

	return offset < (size_t)(block->entries_end - block->data) &&
	    rt_block_decode(block, block->data + offset, raw) &&
	    raw->shared == 0;
}

/* The last restart before (key, seq), or the first one. False when a restart
 * that was looked at is malformed. */
bool rt_block_search(const struct rt_block *block, struct rt_slice key,
    uint64_t seq, size_t *out);

#endif
