#include "riptide-compactd/progress_bar.h"

#include <string.h>

#include "tests/support/runner.h"

static const struct rt_compactor_status half = {
	.bytes_read = 30000000,
	.job_bytes_done = 20000000,
	.job_bytes_total = 40000000,
	.debt_bytes = 70000000,
	.bytes_per_s = 10000000,
	.phase = "merging",
};

static void
expect(const struct rt_compactor_status *status, size_t columns,
    const char *wanted)
{
	char out[256];

	rtc_progress_bar_print(status, out, columns);
	ck_assert_str_eq(out, wanted);
}

START_TEST(done_and_due_are_drawn_as_a_bar)
{
	expect(&half, 80, "[############.............]  50%  50.0 of 100.0 MB  "
	    "10.0 MB/s  eta 0:05  merging");
}
END_TEST

START_TEST(a_narrow_terminal_has_no_bar_and_is_never_overrun)
{
	char out[256];

	for (size_t columns = 0; columns < 200; columns++) {
		memset(out, 'x', sizeof(out));
		rtc_progress_bar_print(&half, out, columns);
		ck_assert_uint_le(strlen(out), columns);
		ck_assert_int_eq(out[columns + 1], 'x');
	}
	expect(&half, 20, " 50%  50.0 of 100.0 ");
}
END_TEST

START_TEST(a_wide_one_does_not_stretch_it_without_end)
{
	char out[256];

	rtc_progress_bar_print(&half, out, 200);
	ck_assert_uint_lt(strlen(out), 110);
}
END_TEST

START_TEST(what_is_not_known_is_not_guessed)
{
	struct rt_compactor_status status = half;

	status.bytes_per_s = 0;
	expect(&status, 56, " 50%  50.0 of 100.0 MB  0.0 MB/s  eta -  merging");
	status = (struct rt_compactor_status){ .phase = "idle" };
	expect(&status, 50, "100%  0.0 of 0.0 MB  0.0 MB/s  eta 0:00  idle");
}
END_TEST

START_TEST(hours_are_told_as_hours)
{
	struct rt_compactor_status status = half;

	status.bytes_per_s = 13426;
	status.job_bytes_done = 0;
	status.debt_bytes = 13426ull * 3723;
	expect(&status, 62, " 37%  30.0 of 80.0 MB  0.0 MB/s  eta 1:02:03  "
	    "merging");
}
END_TEST

RTT_MAIN("progress_bar", done_and_due_are_drawn_as_a_bar,
    a_narrow_terminal_has_no_bar_and_is_never_overrun,
    a_wide_one_does_not_stretch_it_without_end,
    what_is_not_known_is_not_guessed, hours_are_told_as_hours)
