#include "libcommon/table/bloom.h"

#include <stdio.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/hash.h"
#include "tests/support/runner.h"

static uint64_t
hash_of(const char *kind, unsigned i)
{
	char key[32];

	snprintf(key, sizeof(key), "%s:%08u", kind, i);
	return rt_hash64(rt_slice_cstr(key));
}

static struct rt_buf
build(unsigned keys, unsigned bits_per_key)
{
	struct rt_bloom_builder builder = { .count = 0 };
	struct rt_buf bytes = { 0 };

	for (unsigned i = 0; i < keys; i++)
		rt_bloom_builder_add(&builder, hash_of("in", i));
	rt_bloom_build(&builder, bits_per_key, &bytes);
	ck_assert_uint_eq(bytes.len, rt_bloom_bytes(keys, bits_per_key));
	rt_bloom_builder_fini(&builder);
	return bytes;
}

START_TEST(no_key_is_denied)
{
	for (unsigned bits = 1; bits <= RT_BLOOM_BITS_PER_KEY_MAX; bits++) {
		for (unsigned keys = 1; keys < 5000; keys *= 7) {
			struct rt_buf bytes = build(keys, bits);
			struct rt_bloom bloom;

			ck_assert(rt_bloom_init(&bloom, rt_buf_slice(&bytes)));
			for (unsigned i = 0; i < keys; i++)
				ck_assert(rt_bloom_may_contain(&bloom,
				    hash_of("in", i)));
			rt_buf_fini(&bytes);
		}
	}
}
END_TEST

START_TEST(levels_get_bits_of_their_own)
{
	ck_assert_uint_eq(rt_bloom_bits_of_level(10, true, false), 16);
	ck_assert_uint_eq(rt_bloom_bits_of_level(20, true, true), 16);
	ck_assert_uint_eq(rt_bloom_bits_of_level(12, false, false), 12);
	ck_assert_uint_eq(rt_bloom_bits_of_level(12, false, true), 10);
	ck_assert_uint_eq(rt_bloom_bits_of_level(8, false, true), 8);
	ck_assert_uint_eq(rt_bloom_bits_of_level(0, true, false), 0);
	ck_assert_uint_eq(rt_bloom_bits_of_level(0, false, true), 0);
}
END_TEST

START_TEST(few_strangers_are_let_in)
{
	/* At most so many of 100,000 strangers at so many bits: what was
	 * measured, and a tenth. */
	static const struct {
		unsigned bits, most;
	} cases[] = { { 6, 8000 }, { 8, 2700 }, { 10, 1200 }, { 12, 700 },
		{ 16, 190 }, { 24, 100 } };

	for (size_t c = 0; c < RT_COUNTOF(cases); c++) {
		struct rt_buf bytes = build(100000, cases[c].bits);
		struct rt_bloom bloom;
		unsigned wrong = 0;

		ck_assert(rt_bloom_init(&bloom, rt_buf_slice(&bytes)));
		for (unsigned i = 0; i < 100000; i++)
			wrong +=
			    rt_bloom_may_contain(&bloom, hash_of("out", i));
		ck_assert_msg(wrong <= cases[c].most, "%u bits: %u of 100000",
		    cases[c].bits, wrong);
		rt_buf_fini(&bytes);
	}
}
END_TEST

START_TEST(malformed_filters_are_refused)
{
	struct rt_buf bytes = build(100, 10);
	uint8_t *tail = bytes.data + bytes.len - 8;
	struct rt_bloom bloom;

	for (size_t len = 0; len < bytes.len; len++)
		ck_assert(!rt_bloom_init(&bloom, rt_slice(bytes.data, len)));
	tail[0] = 0;
	ck_assert(!rt_bloom_init(&bloom, rt_buf_slice(&bytes)));
	tail[0] = 33;
	ck_assert(!rt_bloom_init(&bloom, rt_buf_slice(&bytes)));
	tail[0] = 6;
	rt_put_fixed32(tail + 4, 0);
	ck_assert(!rt_bloom_init(&bloom, rt_buf_slice(&bytes)));
	rt_put_fixed32(tail + 4, UINT32_MAX);
	ck_assert(!rt_bloom_init(&bloom, rt_buf_slice(&bytes)));
	rt_buf_fini(&bytes);
}
END_TEST

/* The bits of a hash are part of the file format. */
START_TEST(bits_stay_where_they_are)
{
	struct rt_bloom_builder builder = { .count = 0 };
	struct rt_buf bytes = { 0 };

	rt_bloom_builder_add(&builder, rt_hash64(rt_slice_cstr("riptide")));
	rt_bloom_build(&builder, 10, &bytes);
	ck_assert_uint_eq(bytes.len, 72);
	ck_assert_uint_eq(rt_hash64(rt_buf_slice(&bytes)),
	    UINT64_C(5791636167760027311));
	rt_bloom_builder_fini(&builder);
	rt_buf_fini(&bytes);
}
END_TEST

RTT_MAIN("bloom", no_key_is_denied, levels_get_bits_of_their_own,
    few_strangers_are_let_in, malformed_filters_are_refused,
    bits_stay_where_they_are)
