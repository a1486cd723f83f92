#include "bench/histogram.h"

#include <stdlib.h>

#include "tests/support/runner.h"

static struct rtb_histogram histogram;

static void
empty(void)
{
	histogram = (struct rtb_histogram){ 0 };
}

START_TEST(an_empty_one_tells_nothing)
{
	empty();
	ck_assert_uint_eq(rtb_histogram_percentile(&histogram, 99), 0);
	ck_assert_uint_eq(rtb_histogram_mean(&histogram), 0);
}
END_TEST

START_TEST(short_times_are_exact)
{
	empty();
	for (uint64_t ns = 1; ns <= 200; ns++)
		rtb_histogram_add(&histogram, ns, 1);
	ck_assert_uint_eq(rtb_histogram_percentile(&histogram, 50), 100);
	ck_assert_uint_eq(rtb_histogram_percentile(&histogram, 99), 198);
	ck_assert_uint_eq(rtb_histogram_percentile(&histogram, 100), 200);
	ck_assert_uint_eq(rtb_histogram_mean(&histogram), 100);
}
END_TEST

START_TEST(a_percentile_is_true_to_one_part_in_128)
{
	for (uint64_t ns = 3; ns < UINT64_C(1) << 41; ns += ns / 3) {
		uint64_t told;

		empty();
		rtb_histogram_add(&histogram, ns, 1);
		/* So that the longest time does not cap it. */
		rtb_histogram_add(&histogram, UINT64_C(1) << 41, 1);
		told = rtb_histogram_percentile(&histogram, 50);
		ck_assert_uint_ge(told, ns);
		ck_assert_uint_le(told - ns, ns / 128);
	}
}
END_TEST

START_TEST(a_time_without_end_is_counted)
{
	empty();
	rtb_histogram_add(&histogram, UINT64_MAX / 4, 1);
	ck_assert_uint_eq(histogram.total, 1);
	ck_assert_uint_eq(histogram.max_ns, UINT64_MAX / 4);
	ck_assert_uint_gt(rtb_histogram_percentile(&histogram, 50),
	    UINT64_C(1) << 40);
}
END_TEST

START_TEST(two_merge_into_what_one_would_have_been)
{
	static struct rtb_histogram other, both;

	empty();
	other = both = histogram;
	for (uint64_t ns = 1; ns < 100000; ns += 7) {
		rtb_histogram_add(ns % 2 ? &histogram : &other, ns, 2);
		rtb_histogram_add(&both, ns, 2);
	}
	rtb_histogram_merge(&histogram, &other);
	ck_assert_mem_eq(&histogram, &both, sizeof(both));
}
END_TEST

START_TEST(the_file_ends_with_all_of_them)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	empty();
	rtb_histogram_add(&histogram, 1000, 3);
	rtb_histogram_add(&histogram, 9000, 1);
	ck_assert(rtb_histogram_write(&histogram, out));
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "0.750000000000          3"
	    "           4.00\n"));
	ck_assert_ptr_nonnull(strstr(text, "1.000000000000          4\n"));
	ck_assert_ptr_nonnull(strstr(text, "Total count = 4"));
	free(text);
}
END_TEST

RTT_MAIN("histogram", an_empty_one_tells_nothing, short_times_are_exact,
    a_percentile_is_true_to_one_part_in_128, a_time_without_end_is_counted,
    two_merge_into_what_one_would_have_been, the_file_ends_with_all_of_them)
