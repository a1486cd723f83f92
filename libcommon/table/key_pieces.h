/* key_pieces: keys compared and copied by pieces of 8 bytes, at multiples of 8,
 * and then by single bytes. For keys that were put together a moment ago, as an
 * iterator's is: memcmp and memcpy choose pieces that straddle those which were
 * stored, and such a load waits until the stores have left the store buffer.
 * In a merge that cost more than everything else that is done with an entry
 * (docs/performance.md). Thread: any. */
#ifndef LIBCOMMON_TABLE_KEY_PIECES_H
#define LIBCOMMON_TABLE_KEY_PIECES_H

#include <endian.h>

#include "libcommon/base/buf.h"
#include "libcommon/table/key.h"

#define RT_KEY_PIECE_BYTES sizeof(uint64_t)

/* Eight bytes as one number, in the order that they lie in. */
static inline uint64_t
rt_key_piece(const uint8_t *at)
{
	uint64_t piece;

	memcpy(&piece, at, sizeof(piece));
	return piece;
}

/* As rt_slice_equal(). */
static inline bool
rt_key_pieces_equal(struct rt_slice a, struct rt_slice b)
{
	size_t i = 0;

	if (a.len != b.len)
		return false;
	for (; i + RT_KEY_PIECE_BYTES <= a.len; i += RT_KEY_PIECE_BYTES)
		if (rt_key_piece(a.data + i) != rt_key_piece(b.data + i))
			return false;
	for (; i < a.len; i++)
		if (a.data[i] != b.data[i])
			return false;
	return true;
}

/* As rt_slice_compare(), for keys whose first `from` bytes are known to be the
 * same; a multiple of RT_KEY_PIECE_BYTES. */
static inline int
rt_key_pieces_compare(struct rt_slice a, struct rt_slice b, size_t from)
{
	size_t len = a.len < b.len ? a.len : b.len, i = from;

	for (; i + RT_KEY_PIECE_BYTES <= len; i += RT_KEY_PIECE_BYTES) {
		uint64_t x = be64toh(rt_key_piece(a.data + i));
		uint64_t y = be64toh(rt_key_piece(b.data + i));

		if (x != y)
			return x < y ? -1 : 1;
	}
	for (; i < len; i++)
		if (a.data[i] != b.data[i])
			return a.data[i] < b.data[i] ? -1 : 1;
	return (a.len > b.len) - (a.len < b.len);
}

/* Make out a copy of key. What lies before `from` is there already. */
static inline void
rt_key_pieces_copy(struct rt_buf *out, struct rt_slice key, size_t from)
{
	size_t i = from - from % RT_KEY_PIECE_BYTES;

	if (RT_UNLIKELY(out->cap < key.len))
		rt_buf_reserve(out, key.len - out->len);
	for (; i + RT_KEY_PIECE_BYTES <= key.len; i += RT_KEY_PIECE_BYTES)
		memcpy(out->data + i, key.data + i, RT_KEY_PIECE_BYTES);
	for (; i < key.len; i++)
		out->data[i] = key.data[i];
	out->len = key.len;
}

#endif
