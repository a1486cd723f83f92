/* Stored form: [bytes][compression, 1][crc32c, 4]. The checksum runs over the
 * table's unique id and the block's offset (8 + 8, not stored), then bytes and
 * compression: a block that a disk put in the wrong place, or a stale one of
 * another file, fails as surely as a flipped bit. Compressed bytes begin with
 * their uncompressed length (4). Content that does not shrink by an eighth is
 * stored as it is. */
#include "libcommon/table/block_codec.h"

#include <errno.h>
#include <stdlib.h>

#include <lz4.h>
#include <snappy-c.h>
#include <zstd.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/table_format.h"

#define ZSTD_LEVEL 1
/* Scratch memory above this is given back after use. */
#define KEEP_BYTES_MAX (4u << 20)

struct rt_block_codec {
	enum rt_compression compression;
	struct rt_buf out;
	void *lz4;
	ZSTD_CCtx *zstd;
};

struct rt_block_codec *
rt_block_codec_new(enum rt_compression compression)
{
	struct rt_block_codec *codec = rt_alloc_zero(1, sizeof(*codec));

	codec->compression = compression;
	if (compression == RT_COMPRESSION_LZ4)
		codec->lz4 = rt_alloc_zero(1, (size_t)LZ4_sizeofState());
	if (compression == RT_COMPRESSION_ZSTD) {
		codec->zstd = ZSTD_createCCtx();
		rt_assert(codec->zstd != NULL);
	}
	return codec;
}

void
rt_block_codec_free(struct rt_block_codec *codec)
{
	if (codec == NULL)
		return;
	rt_buf_fini(&codec->out);
	free(codec->lz4);
	ZSTD_freeCCtx(codec->zstd);
	free(codec);
}

static uint32_t
checksum_of_place(uint64_t unique_id, uint64_t offset)
{
	uint8_t place[16];

	rt_put_fixed64(place, unique_id);
	rt_put_fixed64(place + 8, offset);
	return rt_crc32c(0, place, sizeof(place));
}

static uint32_t
checksum(const uint8_t *stored, size_t size, uint64_t unique_id,
    uint64_t offset)
{
	return rt_crc32c(checksum_of_place(unique_id, offset), stored,
	    size + 1);
}

void
rt_block_codec_trailer(uint8_t out[RT_BLOCK_TRAILER_BYTES],
    const struct rt_slice *pieces, size_t count, uint64_t unique_id,
    uint64_t offset)
{
	uint32_t crc = checksum_of_place(unique_id, offset);

	for (size_t i = 0; i < count; i++)
		crc = rt_crc32c(crc, pieces[i].data, pieces[i].len);
	out[0] = RT_COMPRESSION_NONE;
	rt_put_fixed32(out + 1, rt_crc32c(crc, out, 1));
}

static void
append_trailer(struct rt_buf *buf, enum rt_compression compression,
    uint64_t unique_id, uint64_t offset)
{
	size_t size = buf->len;

	rt_buf_append_byte(buf, (uint8_t)compression);
	rt_buf_put_fixed32(buf, checksum(buf->data, size, unique_id, offset));
}

/* Compress into out, which has room for `room` bytes. 0: no gain. */
static size_t
compress_into(struct rt_block_codec *codec, struct rt_slice in, uint8_t *out,
    size_t room)
{
	size_t len = room;
	int lz4_len;

	switch (codec->compression) {
	case RT_COMPRESSION_SNAPPY:
		if (snappy_compress((const char *)in.data, in.len, (char *)out,
			&len) != SNAPPY_OK)
			return 0;
		return len;
	case RT_COMPRESSION_LZ4:
		lz4_len = LZ4_compress_fast_extState(codec->lz4,
		    (const char *)in.data, (char *)out, (int)in.len, (int)room,
		    1);
		return lz4_len > 0 ? (size_t)lz4_len : 0;
	case RT_COMPRESSION_ZSTD:
		len = ZSTD_compressCCtx(codec->zstd, out, room, in.data, in.len,
		    ZSTD_LEVEL);
		return ZSTD_isError(len) ? 0 : len;
	case RT_COMPRESSION_NONE:
		break;
	}
	return 0;
}

static bool
compress_block(struct rt_block_codec *codec, struct rt_slice content)
{
	size_t goal = content.len - content.len / 8;
	size_t room = goal, len;

	if (codec == NULL || codec->compression == RT_COMPRESSION_NONE ||
	    content.len < 64)
		return false;
	/* snappy has no limit on its output, the others stop at room. */
	if (codec->compression == RT_COMPRESSION_SNAPPY)
		room = snappy_max_compressed_length(content.len);
	if (codec->out.cap > KEEP_BYTES_MAX)
		rt_buf_fini(&codec->out);
	rt_buf_clear(&codec->out);
	rt_buf_reserve(&codec->out,
	    RT_BLOCK_RAW_LEN_BYTES + room + RT_BLOCK_TRAILER_BYTES);
	rt_put_fixed32(codec->out.data, (uint32_t)content.len);
	len = compress_into(codec, content,
	    codec->out.data + RT_BLOCK_RAW_LEN_BYTES, room);
	codec->out.len = RT_BLOCK_RAW_LEN_BYTES + len;
	return len != 0 && codec->out.len <= goal;
}

struct rt_slice
rt_block_codec_seal(struct rt_block_codec *codec, struct rt_buf *content,
    uint64_t unique_id, uint64_t offset)
{
	struct rt_buf *from = content;
	enum rt_compression compression = RT_COMPRESSION_NONE;

	if (compress_block(codec, rt_buf_slice(content))) {
		from = &codec->out;
		compression = codec->compression;
	}
	append_trailer(from, compression, unique_id, offset);
	return rt_buf_slice(from);
}

enum rt_code
rt_block_codec_check(const uint8_t *stored, size_t size, uint64_t unique_id,
    uint64_t offset, struct rt_err *err)
{
	if (RT_UNLIKELY(rt_get_fixed32(stored + size + 1) !=
		checksum(stored, size, unique_id, offset)))
		return rt_err_set(err, RT_EDAMAGED,
		    "block at %llu: wrong checksum",
		    (unsigned long long)offset);
	return RT_OK;
}

static bool
uncompress_into(enum rt_compression compression, struct rt_slice in,
    uint8_t *out, size_t len)
{
	size_t got = len;

	switch (compression) {
	case RT_COMPRESSION_SNAPPY:
		return snappy_uncompressed_length((const char *)in.data, in.len,
			   &got) == SNAPPY_OK &&
		    got == len &&
		    snappy_uncompress((const char *)in.data, in.len,
			(char *)out, &got) == SNAPPY_OK &&
		    got == len;
	case RT_COMPRESSION_LZ4:
		return LZ4_decompress_safe((const char *)in.data, (char *)out,
			   (int)in.len, (int)len) == (int)len;
	case RT_COMPRESSION_ZSTD:
		return ZSTD_decompress(out, len, in.data, in.len) == len;
	case RT_COMPRESSION_NONE:
		break;
	}
	return false;
}

enum rt_code
rt_block_codec_uncompress(const uint8_t *stored, size_t size, uint64_t offset,
    size_t bytes_max, size_t room, uint8_t **out, size_t *len,
    struct rt_err *err)
{
	struct rt_slice in;
	uint8_t *raw;
	size_t raw_len;

	if (size < RT_BLOCK_RAW_LEN_BYTES || size > RT_BLOCK_BYTES_MAX ||
	    stored[size] > RT_COMPRESSION_ZSTD)
		return rt_err_set(err, RT_EDAMAGED, "block at %llu: malformed",
		    (unsigned long long)offset);
	raw_len = rt_get_fixed32(stored);
	if (raw_len == 0 || raw_len > bytes_max)
		return rt_err_set(err, RT_EDAMAGED,
		    "block at %llu: %zu bytes uncompressed, at most %zu "
		    "are possible",
		    (unsigned long long)offset, raw_len, bytes_max);
	raw = rt_try_alloc(raw_len + room);
	if (raw == NULL)
		return rt_err_set_errno(err, ENOMEM,
		    "block at %llu: %zu bytes uncompressed",
		    (unsigned long long)offset, raw_len);
	in = rt_slice(stored + RT_BLOCK_RAW_LEN_BYTES,
	    size - RT_BLOCK_RAW_LEN_BYTES);
	if (!uncompress_into((enum rt_compression)stored[size], in, raw,
		raw_len)) {
		free(raw);
		return rt_err_set(err, RT_EDAMAGED,
		    "block at %llu: cannot be uncompressed",
		    (unsigned long long)offset);
	}
	*out = raw;
	*len = raw_len;
	return RT_OK;
}
