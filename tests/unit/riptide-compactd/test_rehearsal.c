#include "riptide-compactd/rehearsal.h"

#include <stdlib.h>

#include "riptide-compactd/picker.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

#define TABLE 1000

static const struct rtc_limits limits = {
	.l0_trigger = 4,
	.level_base_bytes = 8000,
	.level_multiplier = 4,
	.table_bytes = TABLE,
};

static void
begin(struct rtc_rehearsal *rehearsal, const char *drawing, uint64_t data_bytes)
{
	const struct rt_manifest *manifest = rtt_draw_manifest(drawing);
	struct rt_err err = { 0 };

	/* What is drawn lacks the numbers of a real one. */
	memset(((struct rt_manifest *)(uintptr_t)manifest)->database_uuid, 7,
	    RT_DATABASE_UUID_BYTES);
	ck_assert_msg(rtc_rehearsal_begin(rehearsal, manifest, TABLE,
	    data_bytes, &err) == RT_OK, "%s", err.text);
	rt_manifest_unref(manifest);
}

static void
flush(struct rtc_rehearsal *rehearsal, uint64_t bytes)
{
	struct rt_err err = { 0 };

	ck_assert_msg(rtc_rehearsal_flush(rehearsal, bytes, &err) == RT_OK,
	    "%s", err.text);
}

/* Do what is due; returns the last job's outputs. */
static uint64_t
do_due(struct rtc_rehearsal *rehearsal, const struct rtc_limits *with)
{
	struct rt_err err = { 0 };
	uint64_t written = 0;
	struct rtc_job job;

	while (rtc_picker_pick(rehearsal->manifest, with, &job)) {
		ck_assert_msg(rtc_rehearsal_do(rehearsal, &job, &written,
		    &err) == RT_OK, "%s", err.text);
		rtc_job_fini(&job);
		ck_assert_uint_lt(rehearsal->jobs, 100000);
	}
	return written;
}

START_TEST(new_keys_are_written_as_they_are_read)
{
	struct rtc_rehearsal rehearsal;

	begin(&rehearsal, "", 0);
	for (int i = 0; i < 4; i++)
		flush(&rehearsal, 500);
	ck_assert_uint_eq(rehearsal.runs_max, 4);
	ck_assert_uint_eq(do_due(&rehearsal, &limits), 2000);
	ck_assert_uint_eq(rehearsal.read_bytes, 2000);
	ck_assert_uint_eq(rehearsal.written_bytes, 2000);
	ck_assert_uint_eq(rehearsal.peak_bytes, 4000);
	ck_assert_uint_eq(rt_manifest_level_tables(rehearsal.manifest,
	    RTC_LEVEL_LAST), 2);
	rtc_rehearsal_end(&rehearsal);
}
END_TEST

START_TEST(what_is_written_over_goes)
{
	struct rtc_rehearsal rehearsal;

	/* Each run has all of the data. */
	begin(&rehearsal, "", 2000);
	for (int i = 0; i < 4; i++)
		flush(&rehearsal, 2000);
	do_due(&rehearsal, &limits);
	ck_assert_uint_eq(rehearsal.read_bytes, 8000);
	ck_assert_uint_le(rehearsal.written_bytes, 2001);
	rtc_rehearsal_end(&rehearsal);
	/* Each has half of it: a half, three quarters, ... */
	begin(&rehearsal, "", 2000);
	for (int i = 0; i < 4; i++)
		flush(&rehearsal, 1000);
	do_due(&rehearsal, &limits);
	ck_assert_uint_eq(rehearsal.written_bytes, 1876);
	rtc_rehearsal_end(&rehearsal);
}
END_TEST

START_TEST(a_database_that_is_there_is_begun_with)
{
	struct rtc_rehearsal rehearsal;

	begin(&rehearsal,
	    "L0 d-4 a..f size=100 seq=40-49\n"
	    "L6 c1-1 a..h size=1000 seq=1-9\n"
	    "L6 c1-2 k..z size=1000 seq=1-9\n", 0);
	ck_assert_uint_eq(rehearsal.peak_bytes, 2100);
	for (int i = 0; i < 3; i++)
		flush(&rehearsal, 100);
	do_due(&rehearsal, &limits);
	/* Flushes are of any key. */
	ck_assert_uint_eq(rehearsal.written_bytes, 2400);
	ck_assert_uint_eq(rtc_rehearsal_bytes(&rehearsal), 2400);
	rtc_rehearsal_end(&rehearsal);
}
END_TEST

/* A load of many times the base size leaves a tree as the targets want it, and
 * writes a few times what came, whatever the settings. */
START_TEST(a_long_load_leaves_no_debt)
{
	static const uint64_t multipliers[] = { 3, 4, 10 };

	for (size_t i = 0; i < RT_COUNTOF(multipliers); i++) {
		struct rtc_limits with = limits;
		struct rtc_rehearsal rehearsal;
		double amplification;

		with.level_multiplier = multipliers[i];
		begin(&rehearsal, "", 0);
		for (int j = 0; j < 600; j++) {
			flush(&rehearsal, 1000);
			do_due(&rehearsal, &with);
		}
		ck_assert_uint_eq(rtc_picker_debt(rehearsal.manifest, &with),
		    0);
		amplification = (double)rehearsal.written_bytes /
		    (double)rehearsal.flushed_bytes;
		ck_assert_double_gt(amplification, 2);
		ck_assert_double_lt(amplification, 30);
		ck_assert_uint_ge(rtc_rehearsal_bytes(&rehearsal), 600000);
		ck_assert_uint_lt(rtc_rehearsal_bytes(&rehearsal), 610000);
		ck_assert_double_gt(rehearsal.seconds, 0);
		rtc_rehearsal_end(&rehearsal);
	}
}
END_TEST

RTT_MAIN("rehearsal", new_keys_are_written_as_they_are_read,
    what_is_written_over_goes, a_database_that_is_there_is_begun_with,
    a_long_load_leaves_no_debt)
