#include "libcommon/table/key_sketch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/key_counts.h"
#include "libcommon/table/value.h"
#include "tests/support/runner.h"

/* One standard error: 1.04 / sqrt(registers). */
#define SIGMA 0.008125

static uint64_t
hash_of(uint64_t number)
{
	char key[32];

	snprintf(key, sizeof(key), "key:%012llu", (unsigned long long)number);
	return rt_hash64(rt_slice_cstr(key));
}

static struct rt_key_sketch *
sketch_of(uint64_t from, uint64_t to)
{
	struct rt_key_sketch *sketch = rt_alloc_zero(1, sizeof(*sketch));

	for (uint64_t i = from; i < to; i++)
		rt_key_sketch_add(sketch, hash_of(i));
	return sketch;
}

static void
assert_about(double is, double should)
{
	/* Small sets: a register shared by two keys hides one. */
	double allowed = 3 * SIGMA * should + 2;

	ck_assert_msg(fabs(is - should) <= allowed, "%.0f instead of %.0f",
	    is, should);
}

START_TEST(an_empty_sketch_counts_nothing)
{
	struct rt_key_sketch *sketch = sketch_of(0, 0);
	struct rt_buf stored = { 0 };

	ck_assert(rt_key_sketch_estimate(sketch) == 0);
	rt_key_sketch_encode(sketch, &stored);
	ck_assert_uint_eq(stored.len, 0);
	free(sketch);
}
END_TEST

START_TEST(estimates_stay_within_three_standard_errors)
{
	for (uint64_t keys = 1; keys <= 3000000; keys = keys * 3 + 1) {
		struct rt_key_sketch *sketch = sketch_of(7 * keys, 8 * keys);

		assert_about(rt_key_sketch_estimate(sketch), (double)keys);
		free(sketch);
	}
}
END_TEST

/* The mean over many sets shows a bias that one estimate hides. */
START_TEST(estimates_are_not_biased)
{
	static const uint64_t sizes[] = { 5000, 30000, 60000, 200000 };
	const unsigned rounds = 40;

	for (size_t i = 0; i < RT_COUNTOF(sizes); i++) {
		double sum = 0, squares = 0;

		for (unsigned round = 0; round < rounds; round++) {
			uint64_t from = (round + 1) * UINT64_C(10000000);
			struct rt_key_sketch *sketch =
			    sketch_of(from, from + sizes[i]);
			double error = rt_key_sketch_estimate(sketch) /
			    (double)sizes[i] - 1;

			sum += error;
			squares += error * error;
			free(sketch);
		}
		/* Four standard errors of a mean of so many. */
		ck_assert_msg(fabs(sum / rounds) <= 4 * SIGMA / sqrt(rounds),
		    "%llu keys: mean error %.5f",
		    (unsigned long long)sizes[i], sum / rounds);
		ck_assert_msg(sqrt(squares / rounds) <= 1.4 * SIGMA,
		    "%llu keys: error %.5f", (unsigned long long)sizes[i],
		    sqrt(squares / rounds));
	}
}
END_TEST

START_TEST(a_key_counts_once)
{
	struct rt_key_sketch *once = sketch_of(0, 1000);
	struct rt_key_sketch *twice = sketch_of(0, 1000);

	for (uint64_t i = 0; i < 1000; i++)
		rt_key_sketch_add(twice, hash_of(i));
	ck_assert_mem_eq(once, twice, sizeof(*once));
	free(once);
	free(twice);
}
END_TEST

START_TEST(a_merge_is_the_sketch_of_the_union)
{
	struct rt_key_sketch *left = sketch_of(0, 60000);
	struct rt_key_sketch *right = sketch_of(40000, 100000);
	struct rt_key_sketch *both = sketch_of(0, 100000);

	rt_key_sketch_merge(left, right);
	ck_assert_mem_eq(left, both, sizeof(*both));
	free(left);
	free(right);
	free(both);
}
END_TEST

START_TEST(every_stored_form_comes_back)
{
	for (uint64_t keys = 1; keys <= 2000000; keys = keys * 2 + 1) {
		struct rt_key_sketch *sketch = sketch_of(0, keys);
		struct rt_key_sketch *back = sketch_of(0, 0);
		struct rt_buf stored = { 0 };

		rt_key_sketch_encode(sketch, &stored);
		ck_assert_uint_le(stored.len, RT_KEY_SKETCH_BYTES_MAX);
		/* Two bytes a key, three for very few, and never much above
		 * half a register. */
		ck_assert_uint_le(stored.len, (keys < 200 ? 3 : 2) * keys + 9);
		ck_assert_uint_le(stored.len, 8192 + 64);
		ck_assert(rt_key_sketch_merge_encoded(back,
		    rt_buf_slice(&stored)));
		ck_assert_mem_eq(sketch, back, sizeof(*back));
		rt_buf_fini(&stored);
		free(sketch);
		free(back);
	}
}
END_TEST

START_TEST(extreme_ranks_come_back)
{
	struct rt_key_sketch *sketch = sketch_of(0, 0);
	struct rt_key_sketch *back = sketch_of(0, 0);
	struct rt_buf stored = { 0 };

	for (uint64_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++)
		rt_key_sketch_add(sketch,
		    i << (64 - RT_KEY_SKETCH_BITS) |
			(i % 100 == 0 ? 0 : UINT64_C(1) << 30));
	ck_assert_uint_eq(sketch->registers[0], RT_KEY_SKETCH_RANK_MAX);
	rt_key_sketch_encode(sketch, &stored);
	ck_assert(rt_key_sketch_merge_encoded(back, rt_buf_slice(&stored)));
	ck_assert_mem_eq(sketch, back, sizeof(*back));
	ck_assert(isfinite(rt_key_sketch_estimate(sketch)));
	rt_buf_fini(&stored);
	free(sketch);
	free(back);
}
END_TEST

/* Bytes from outside: refused or taken, never written past the registers. */
START_TEST(malformed_forms_are_refused)
{
	const uint8_t past_end[] = { 255, 0x80, 0x80, 0x80, 0x01, 1 };
	const uint8_t rank_zero[] = { 255, 0x40 };
	const uint8_t rank_high[] = { 255, RT_KEY_SKETCH_RANK_MAX + 1 };
	const uint8_t base_high[] = { 52 };
	struct rt_key_sketch *sketch = sketch_of(0, 50000);
	struct rt_key_sketch *into = sketch_of(0, 0);
	struct rt_buf stored = { 0 };

	ck_assert(!rt_key_sketch_merge_encoded(into,
	    rt_slice(past_end, sizeof(past_end))));
	ck_assert(!rt_key_sketch_merge_encoded(into,
	    rt_slice(rank_zero, sizeof(rank_zero))));
	ck_assert(!rt_key_sketch_merge_encoded(into,
	    rt_slice(rank_high, sizeof(rank_high))));
	ck_assert(!rt_key_sketch_merge_encoded(into,
	    rt_slice(base_high, sizeof(base_high))));
	rt_key_sketch_encode(sketch, &stored);
	for (size_t len = 1; len < stored.len; len++)
		ck_assert(!rt_key_sketch_merge_encoded(into,
		    rt_slice(stored.data, len)));
	rt_buf_append_byte(&stored, 0);
	ck_assert(!rt_key_sketch_merge_encoded(into, rt_buf_slice(&stored)));
	rt_buf_fini(&stored);
	free(sketch);
	free(into);
}
END_TEST

/* -- counts -- */

static void
add_key(struct rt_key_counts_builder *builder, uint32_t keyspace,
    uint64_t number, enum rt_entry_type type, uint64_t expire_ms)
{
	uint8_t key[RT_KEY_PREFIX_BYTES + 8] = { 0 };
	uint8_t value[RT_VALUE_HEADER_BYTES_MAX];
	struct rt_entry entry = { .key = rt_slice(key, sizeof(key)),
		.seq = 1, .type = type };

	rt_key_put_prefix(key, keyspace, RT_KEY_KIND_STRING);
	memcpy(key + RT_KEY_PREFIX_BYTES, &number, sizeof(number));
	if (type == RT_ENTRY_PUT)
		entry.value = rt_slice(value,
		    rt_value_put_header(value, expire_ms));
	rt_key_counts_builder_add(builder, &entry, rt_hash64(entry.key));
}

START_TEST(counts_are_told_by_keyspace)
{
	struct rt_key_counts_builder *builder = rt_key_counts_builder_new();
	struct rt_buf section = { 0 };
	struct rt_key_count count;
	struct rt_cursor cursor;
	unsigned seen = 0;

	for (uint32_t keyspace = 0; keyspace < 3; keyspace++)
		for (uint64_t i = 0; i < 100 * (keyspace + 1); i++)
			add_key(builder, keyspace * 5, i,
			    i % 10 < keyspace ? RT_ENTRY_TOMBSTONE
					      : RT_ENTRY_PUT,
			    i % 10 == 9 ? 1000 + i % 20 : RT_NO_EXPIRY);
	ck_assert_uint_le(rt_key_counts_builder_bytes(builder), 2000);
	rt_key_counts_builder_finish(builder, &section);
	cursor = rt_cursor(rt_buf_slice(&section));
	while (rt_key_counts_next(&cursor, &count)) {
		uint64_t keys = 100 * (seen + 1);

		ck_assert_uint_eq(count.keyspace, seen * 5);
		ck_assert_uint_eq(count.dead, keys / 10 * seen);
		ck_assert_uint_eq(count.live, keys - count.dead);
		ck_assert_uint_eq(count.expiring, keys / 10);
		ck_assert_uint_eq(count.expire_mean_ms, 1014);
		ck_assert_uint_eq(count.expire_max_ms, 0);
		ck_assert_uint_eq(count.max_seq, 1);
		seen++;
	}
	ck_assert(rt_cursor_done(&cursor));
	ck_assert_uint_eq(seen, 3);
	/* Cut anywhere but between two: malformed. */
	for (size_t len = 1; len < section.len; len++) {
		cursor = rt_cursor(rt_slice(section.data, len));
		for (seen = 0; rt_key_counts_next(&cursor, &count); seen++)
			;
		ck_assert(cursor.bad || seen < 3);
	}
	rt_buf_fini(&section);
	rt_key_counts_builder_free(builder);
}
END_TEST

START_TEST(the_last_expiry_is_told_when_all_expire)
{
	struct rt_key_counts_builder *builder = rt_key_counts_builder_new();
	struct rt_buf section = { 0 };
	struct rt_key_count count;
	struct rt_cursor cursor;

	for (uint64_t i = 0; i < 10; i++)
		add_key(builder, 1, i, RT_ENTRY_PUT, 500 + i);
	add_key(builder, 1, 10, RT_ENTRY_TOMBSTONE, 0);
	rt_key_counts_builder_finish(builder, &section);
	cursor = rt_cursor(rt_buf_slice(&section));
	ck_assert(rt_key_counts_next(&cursor, &count));
	ck_assert_uint_eq(count.expire_max_ms, 509);
	rt_buf_fini(&section);
	rt_key_counts_builder_free(builder);
}
END_TEST

RTT_MAIN("key_sketch", an_empty_sketch_counts_nothing,
    estimates_stay_within_three_standard_errors, estimates_are_not_biased,
    a_key_counts_once, a_merge_is_the_sketch_of_the_union,
    every_stored_form_comes_back, extreme_ranks_come_back,
    malformed_forms_are_refused, counts_are_told_by_keyspace,
    the_last_expiry_is_told_when_all_expire)
