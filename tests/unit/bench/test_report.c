#include "bench/report.h"

#include <math.h>
#include <string.h>

#include "tests/support/runner.h"

static void
add(struct rtb_series *series, size_t count, const double figures[])
{
	for (size_t i = 0; i < count; i++)
		rtb_series_add(series, figures[i]);
}

#define ADD(series, ...)                                                      \
	add(series, sizeof((double[]){ __VA_ARGS__ }) / sizeof(double),       \
	    (double[]){ __VA_ARGS__ })

START_TEST(the_median_is_the_middle_of_the_runs)
{
	struct rtb_series odd = { .count = 0 }, even = { .count = 0 };

	ck_assert(rtb_series_median(&odd) == 0);
	ADD(&odd, 9, 1, 5);
	ck_assert(rtb_series_median(&odd) == 5);
	ADD(&even, 9, 1, 5, 4);
	ck_assert(rtb_series_median(&even) == 4);
}
END_TEST

START_TEST(a_ratio_above_one_means_that_ours_is_better)
{
	struct rtb_row rate = { .test = "rate" };
	struct rtb_row time = { .test = "time", .less_is_better = true };

	ADD(&rate.stores[0], 30);
	ADD(&rate.stores[1], 10);
	ck_assert(fabs(rtb_row_ratio(&rate, 1) - 3) < 1e-9);
	ADD(&time.stores[0], 10);
	ADD(&time.stores[1], 30);
	ck_assert(fabs(rtb_row_ratio(&time, 1) - 3) < 1e-9);
	/* Nothing beside it. */
	ck_assert(rtb_row_ratio(&time, 2) == 0);
	ck_assert(rtb_row_ratio(&time, 0) == 0);
}
END_TEST

START_TEST(figures_are_short)
{
	static const struct {
		double figure;
		const char *text;
	} cases[] = { { 0.844, "0.84" }, { 44.44, "44.4" }, { 444.4, "444" },
		{ 1234, "1234" }, { 16100, "16.1k" }, { 161234, "161k" },
		{ 2326000, "2.33M" }, { 17876000, "17.9M" } };
	char text[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(rtb_figure(text, cases[i].figure),
		    cases[i].text);
}
END_TEST

static void
print_to(const struct rtb_report *report, char *text, size_t bytes)
{
	FILE *file = fmemopen(text, bytes, "w");

	ck_assert_ptr_nonnull(file);
	rtb_report_print(report, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(the_table_has_a_line_for_each_test)
{
	static struct rtb_report report = { .stores = { "riptide", "peer" },
		.stores_count = 2 };
	struct rtb_row *row = rtb_report_row(&report, "fill", "ops/s", false);
	char text[1024];

	ADD(&row->stores[0], 300, 100, 200);
	ADD(&row->stores[1], 50);
	rtb_report_row(&report, "alone", "ns", true);
	print_to(&report, text, sizeof(text));
	ck_assert_str_eq(text,
	    "test                   unit                  riptide"
	    "                   peer  ratio\n"
	    "fill                   ops/s           200 (100-300)"
	    "                   50.0   4.00\n"
	    "alone                  ns                          -"
	    "                      -      -\n");
}
END_TEST

RTT_MAIN("report", the_median_is_the_middle_of_the_runs,
    a_ratio_above_one_means_that_ours_is_better, figures_are_short,
    the_table_has_a_line_for_each_test)
