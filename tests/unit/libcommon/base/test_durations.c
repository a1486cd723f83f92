#include "libcommon/base/durations.h"

#include <stdlib.h>

#include "tests/support/runner.h"

START_TEST(buckets_follow_each_other_without_a_gap)
{
	uint64_t begin = 0;

	for (unsigned i = 0; i < RT_DURATIONS_BUCKETS; i++) {
		uint64_t end = rt_durations_end(i);

		ck_assert_uint_lt(begin, end);
		ck_assert_uint_eq(rt_durations_bucket(begin), i);
		ck_assert_uint_eq(rt_durations_bucket(end - 1), i);
		/* A sixteenth of the value is the most that is lost. */
		ck_assert(end - begin == 1 || (end - begin) * 16 <= begin);
		begin = end;
	}
	ck_assert_uint_eq(begin, UINT64_C(1) << RT_DURATIONS_BITS);
	ck_assert_uint_eq(rt_durations_bucket(UINT64_MAX),
	    RT_DURATIONS_BUCKETS - 1);
}
END_TEST

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(percentiles_are_those_of_the_sorted_values)
{
	static const double percents[] = { 0, 1, 50, 90, 99, 99.9, 100 };
	static uint64_t values[10000];
	struct rt_durations durations = { 0 };
	uint64_t sum = 0, state = 88172645463325252u;

	for (size_t i = 0; i < 10000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		values[i] = state >> (28 + state % 36);
		sum += values[i];
		rt_durations_add(&durations, values[i]);
	}
	qsort(values, 10000, sizeof(values[0]), compare);
	ck_assert_uint_eq(durations.sum, sum);
	ck_assert_uint_eq(rt_durations_count(&durations), 10000);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		size_t rank = (size_t)(percents[i] * 100);
		uint64_t exact = values[rank != 0 ? rank - 1 : 0];
		uint64_t got = rt_durations_percentile(&durations,
		    percents[i]);

		ck_assert_uint_ge(got, exact);
		ck_assert_uint_le(got, exact + exact / 16);
	}
}
END_TEST

START_TEST(what_is_below_a_power_of_two_is_exact)
{
	struct rt_durations durations = { 0 }, other = { 0 };

	for (unsigned bits = 4; bits < 40; bits++) {
		rt_durations_add(&durations, (UINT64_C(1) << bits) - 1);
		rt_durations_add(&other, UINT64_C(1) << bits);
	}
	for (unsigned bits = 4; bits <= RT_DURATIONS_BITS; bits++)
		ck_assert_uint_eq(rt_durations_below(&durations, bits),
		    bits < RT_DURATIONS_BITS ? bits - 3 : 36);
	ck_assert_uint_eq(rt_durations_below(&other, 10), 6);
	rt_durations_merge(&other, &durations);
	ck_assert_uint_eq(rt_durations_below(&other, 10), 13);
	ck_assert_uint_eq(rt_durations_count(&other), 72);
}
END_TEST

START_TEST(of_nothing_there_is_nothing_to_tell)
{
	struct rt_durations durations = { 0 };

	ck_assert_uint_eq(rt_durations_percentile(&durations, 50), 0);
	ck_assert_uint_eq(rt_durations_below(&durations, 63), 0);
}
END_TEST

RTT_MAIN("durations", buckets_follow_each_other_without_a_gap,
    percentiles_are_those_of_the_sorted_values,
    what_is_below_a_power_of_two_is_exact,
    of_nothing_there_is_nothing_to_tell)
