#include "bench/chart.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static struct rtb_report report;

static void
fill(void)
{
	struct rtb_row *row;

	report = (struct rtb_report){
		.stores = { "ours", "theirs" },
		.stores_count = 2,
	};
	row = rtb_report_row(&report, "set<1>", "ops/s", false);
	rtb_series_add(&row->stores[0], 100000);
	rtb_series_add(&row->stores[1], 50000);
	row = rtb_report_row(&report, "set", "us CPU", true);
	rtb_series_add(&row->stores[0], 5);
}

static char *
draw(struct rtt_scratch *scratch, const char *unit)
{
	char path[600], *text = rt_alloc_zero(1, 8192);
	FILE *file;

	snprintf(path, sizeof(path), "%s/chart.svg", scratch->path);
	ck_assert(rtb_chart_write(&report, unit, "A title", path));
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, 8191, file), 0);
	fclose(file);
	return text;
}

START_TEST(bars_are_to_the_scale_of_the_best)
{
	struct rtt_scratch scratch;
	char *text;

	rtt_scratch_init(&scratch);
	fill();
	text = draw(&scratch, "ops/s");
	ck_assert_ptr_nonnull(strstr(text, "width=\"440\""));
	ck_assert_ptr_nonnull(strstr(text, "width=\"220\""));
	ck_assert_ptr_nonnull(strstr(text, ">100k</text>"));
	ck_assert_ptr_nonnull(strstr(text, ">50.0k</text>"));
	ck_assert_ptr_nonnull(strstr(text, "set&lt;1&gt;"));
	ck_assert_ptr_null(strstr(text, ">5.00</text>"));
	ck_assert_str_eq(text + strlen(text) - 7, "</svg>\n");
	free(text);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_store_without_figures_has_no_bar)
{
	struct rtt_scratch scratch;
	char *text;

	rtt_scratch_init(&scratch);
	fill();
	text = draw(&scratch, "us CPU");
	ck_assert_ptr_nonnull(strstr(text, ">5.00</text>"));
	ck_assert_ptr_null(strstr(text, ">0.00</text>"));
	free(text);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_told)
{
	fill();
	ck_assert(!rtb_chart_write(&report, "ops/s", "A title",
	    "/nowhere/chart.svg"));
}
END_TEST

RTT_MAIN("chart", bars_are_to_the_scale_of_the_best,
    a_store_without_figures_has_no_bar,
    a_place_that_cannot_be_written_is_told)
