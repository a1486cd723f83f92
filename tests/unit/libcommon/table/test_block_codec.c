/* Compression and checksums of stored blocks. */
#include "libcommon/table/block_codec.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/table/table_format.h"
#include "tests/support/runner.h"

#define PLACE UINT64_C(77), UINT64_C(4096)

static const enum rt_compression compressions[] = { RT_COMPRESSION_NONE,
	RT_COMPRESSION_SNAPPY, RT_COMPRESSION_LZ4, RT_COMPRESSION_ZSTD };

/* len bytes; noise: such that nothing compresses. */
static void
fill(struct rt_buf *buf, size_t len, bool noise)
{
	uint64_t state = 1;

	rt_buf_clear(buf);
	for (size_t i = 0; i < len; i++) {
		state = state * UINT64_C(6364136223846793005) + 1;
		rt_buf_append_byte(buf,
		    noise ? (uint8_t)(state >> 56) : (uint8_t)(i / 100));
	}
}

static void
assert_opens(struct rt_slice sealed, struct rt_slice content,
    bool is_compressed)
{
	size_t size = sealed.len - RT_BLOCK_TRAILER_BYTES, len = 0;
	uint8_t *raw = NULL;

	ck_assert_int_eq(rt_block_codec_check(sealed.data, size, PLACE, NULL),
	    RT_OK);
	ck_assert(rt_block_codec_is_raw(sealed.data, size) == !is_compressed);
	if (!is_compressed) {
		ck_assert(rt_slice_equal(rt_slice(sealed.data, size), content));
		return;
	}
	ck_assert_uint_le(size, content.len - content.len / 8);
	ck_assert_int_eq(rt_block_codec_uncompress(sealed.data, size, 4096,
			     content.len, 0, &raw, &len, NULL),
	    RT_OK);
	ck_assert(rt_slice_equal(rt_slice(raw, len), content));
	free(raw);
	ck_assert_int_eq(rt_block_codec_uncompress(sealed.data, size, 4096,
			     content.len - 1, 0, &raw, &len, NULL),
	    RT_EDAMAGED);
}

START_TEST(blocks_come_back_from_every_compression)
{
	static const size_t lens[] = { 1, 63, 64, 1000, 4096, 100000 };

	for (size_t i = 0; i < RT_COUNTOF(compressions) * RT_COUNTOF(lens);
	     i++) {
		enum rt_compression compression = compressions[i % 4];
		struct rt_block_codec *codec = rt_block_codec_new(compression);
		struct rt_buf content = { 0 }, copy = { 0 };
		size_t len = lens[i / 4];

		for (int noise = 0; noise < 2; noise++) {
			fill(&content, len, noise);
			fill(&copy, len, noise);
			assert_opens(rt_block_codec_seal(codec, &content,
					 PLACE),
			    rt_buf_slice(&copy),
			    compression != RT_COMPRESSION_NONE && !noise &&
				len >= 64);
		}
		rt_buf_fini(&content);
		rt_buf_fini(&copy);
		rt_block_codec_free(codec);
	}
}
END_TEST

START_TEST(every_flipped_bit_is_noticed)
{
	for (size_t i = 0; i < RT_COUNTOF(compressions); i++) {
		struct rt_block_codec *codec =
		    rt_block_codec_new(compressions[i]);
		struct rt_buf content = { 0 }, copy = { 0 };

		fill(&content, 600, false);
		rt_buf_append_slice(&copy,
		    rt_block_codec_seal(codec, &content, PLACE));
		for (size_t bit = 0; bit < copy.len * 8; bit++) {
			copy.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ck_assert_int_eq(rt_block_codec_check(copy.data,
					     copy.len - RT_BLOCK_TRAILER_BYTES,
					     PLACE, NULL),
			    RT_EDAMAGED);
			copy.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		rt_buf_fini(&content);
		rt_buf_fini(&copy);
		rt_block_codec_free(codec);
	}
}
END_TEST

START_TEST(a_block_in_the_wrong_place_is_noticed)
{
	struct rt_buf content = { 0 };
	struct rt_slice sealed;

	fill(&content, 600, false);
	sealed = rt_block_codec_seal(NULL, &content, PLACE);
	ck_assert_int_eq(
	    rt_block_codec_check(sealed.data, 600, 77, 4096, NULL), RT_OK);
	ck_assert_int_eq(
	    rt_block_codec_check(sealed.data, 600, 78, 4096, NULL),
	    RT_EDAMAGED);
	ck_assert_int_eq(
	    rt_block_codec_check(sealed.data, 600, 77, 8192, NULL),
	    RT_EDAMAGED);
	rt_buf_fini(&content);
}
END_TEST

START_TEST(declared_lengths_meet_a_limit)
{
	for (uint8_t compression = 0; compression < 255; compression++) {
		uint8_t stored[64] = { 0 };
		uint8_t *raw = NULL;
		size_t len = 0;

		rt_put_fixed32(stored, UINT32_MAX);
		stored[50] = compression;
		ck_assert_int_eq(rt_block_codec_uncompress(stored, 50, 0,
				     RT_BLOCK_BYTES_MAX, 0, &raw, &len,
				     NULL),
		    RT_EDAMAGED);
		rt_put_fixed32(stored, 1000);
		ck_assert_int_eq(rt_block_codec_uncompress(stored, 50, 0,
				     RT_BLOCK_BYTES_MAX, 0, &raw, &len,
				     NULL),
		    RT_EDAMAGED);
	}
}
END_TEST

RTT_MAIN("block_codec", blocks_come_back_from_every_compression,
    every_flipped_bit_is_noticed, a_block_in_the_wrong_place_is_noticed,
    declared_lengths_meet_a_limit)
