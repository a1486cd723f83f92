#include "bench/workload.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"

START_TEST(an_order_has_every_number_once)
{
	static const uint64_t counts[] = { 1, 2, 3, 4, 5, 100, 1024, 1025,
		70000 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint8_t *seen = rt_alloc_zero(counts[i], 1);
		struct rtb_order order;

		rtb_order_init(&order, counts[i], 42 + i);
		for (uint64_t at = 0; at < counts[i]; at++) {
			uint64_t n = rtb_order_at(&order, at);

			ck_assert_uint_lt(n, counts[i]);
			ck_assert_uint_eq(seen[n], 0);
			seen[n] = 1;
		}
		free(seen);
	}
}
END_TEST

START_TEST(another_seed_is_another_order)
{
	struct rtb_order one, other;
	unsigned same = 0;

	rtb_order_init(&one, 100000, 1);
	rtb_order_init(&other, 100000, 1001);
	for (uint64_t i = 0; i < 1000; i++)
		same += rtb_order_at(&one, i) == rtb_order_at(&other, i);
	ck_assert_uint_lt(same, 20);
}
END_TEST

/* Neighbours in the order are far apart as often as chance has it. */
START_TEST(an_order_is_no_pattern)
{
	uint64_t count = 1 << 16, near = 0, last = 0;
	struct rtb_order order;

	rtb_order_init(&order, count, 7);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t n = rtb_order_at(&order, i);
		uint64_t apart = n > last ? n - last : last - n;

		near += apart < count / 64;
		last = n;
	}
	/* Chance: close to a part in 32, or 2048. */
	ck_assert_uint_gt(near, 1700);
	ck_assert_uint_lt(near, 2400);
}
END_TEST

START_TEST(a_missing_key_lies_between_two_that_are_there)
{
	uint8_t a[RTB_KEY_BYTES], b[RTB_KEY_BYTES], c[RTB_KEY_BYTES];
	static const uint64_t numbers[] = { 0, 49999999, 50000000,
		4999999999 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct rt_slice here = rtb_key(a, numbers[i], false);
		struct rt_slice missing = rtb_key(b, numbers[i], true);
		struct rt_slice next = rtb_key(c, numbers[i] + 1, false);

		ck_assert_int_lt(rt_slice_compare(here, missing), 0);
		ck_assert_int_lt(rt_slice_compare(missing, next), 0);
	}
	ck_assert(rt_slice_equal(rtb_key(a, 617, false),
	    rt_slice_cstr("0000000000001234")));
	ck_assert(rt_slice_equal(rtb_key(a, 4999999999, true),
	    rt_slice_cstr("0000009999999999")));
}
END_TEST

START_TEST(values_are_half_of_one_letter)
{
	struct rtb_values values;
	size_t letters = 0, bytes = 0;

	rtb_values_init(&values, 100, 3);
	for (unsigned i = 0; i < 30000; i++) {
		struct rt_slice value = rtb_values_next(&values);

		ck_assert_uint_eq(value.len, 100);
		for (size_t at = 0; at < value.len; at++)
			letters += value.data[at] == 'r';
		bytes += value.len;
	}
	ck_assert_uint_gt(letters, bytes * 49 / 100);
	ck_assert_uint_lt(letters, bytes * 52 / 100);
	rtb_values_fini(&values);
}
END_TEST

RTT_MAIN("workload", an_order_has_every_number_once,
    another_seed_is_another_order, an_order_is_no_pattern,
    a_missing_key_lies_between_two_that_are_there,
    values_are_half_of_one_letter)
