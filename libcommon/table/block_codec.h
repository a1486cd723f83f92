/* block_codec: content of a block to the bytes stored in a file and back:
 * compression, and a checksum that also covers where the block belongs.
 * Thread: a codec one at a time, the functions without one any. */
#ifndef LIBCOMMON_TABLE_BLOCK_CODEC_H
#define LIBCOMMON_TABLE_BLOCK_CODEC_H

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_writer.h"

/* The writing side's compressor and its memory. */
struct rt_block_codec;

/* A compressor of this kind; RT_COMPRESSION_NONE has nothing to hold. */
struct rt_block_codec *rt_block_codec_new(enum rt_compression compression);
/* NULL is accepted. */
void rt_block_codec_free(struct rt_block_codec *codec);

/* The stored form, trailer included, of content for this place in this table.
 * content may get the trailer appended; the result is borrowed from content or
 * from codec, until either is used again. codec NULL: not compressed. */
struct rt_slice rt_block_codec_seal(struct rt_block_codec *codec,
    struct rt_buf *content, uint64_t unique_id, uint64_t offset);

/* The trailer of content that is stored as it is, in pieces. */
void rt_block_codec_trailer(uint8_t out[RT_BLOCK_TRAILER_BYTES],
    const struct rt_slice *pieces, size_t count, uint64_t unique_id,
    uint64_t offset);

/* Check the stored form: size bytes and the trailer behind them. RT_EDAMAGED
 * names the offset. */
RT_MUST_USE enum rt_code rt_block_codec_check(const uint8_t *stored,
    size_t size, uint64_t unique_id, uint64_t offset, struct rt_err *err);

/* How checked bytes were stored. */
static inline bool
rt_block_codec_is_raw(const uint8_t *stored, size_t size)
{
	/* The analyzer thinks that rt_err_set() may return RT_OK. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	return stored[size] == RT_COMPRESSION_NONE;
}

/* Uncompress checked bytes that are not raw. *out: *len bytes from malloc, which
 * took room bytes more.
 * A declared length above bytes_max is RT_EDAMAGED, before allocation. */
RT_MUST_USE enum rt_code rt_block_codec_uncompress(const uint8_t *stored,
    size_t size, uint64_t offset, size_t bytes_max, size_t room, uint8_t **out,
    size_t *len, struct rt_err *err);

#endif
