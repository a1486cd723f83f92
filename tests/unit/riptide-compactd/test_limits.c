#include "riptide-compactd/limits.h"

#include <stdlib.h>
#include <time.h>

#include "libcommon/daemon/log.h"
#include "tests/support/runner.h"

/* The zone of Berlin as its rules, for machines without a data base of zones:
 * in 2026 02:00 becomes 03:00 on 29 March, and 03:00 becomes 02:00 on
 * 25 October. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static void
set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* A time of UTC. */
static int64_t
utc_ms(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
	};

	return (int64_t)timegm(&tm) * 1000;
}

/* The minutes of the 24 hours from `from_ms` that lie in the window. */
static unsigned
minutes_open(const char *window, int64_t from_ms, int64_t hours)
{
	unsigned open = 0;

	for (int64_t ms = from_ms; ms < from_ms + hours * HOUR_MS;
	     ms += MINUTE_MS)
		open += rtc_limits_in_window(window, ms);
	return open;
}

START_TEST(a_window_opens_at_its_first_minute_and_closes_at_its_last)
{
	int64_t noon = utc_ms(2026, 6, 10, 12, 0);

	set_zone("UTC");
	ck_assert(!rtc_limits_in_window("12:00-13:30", noon - 1));
	ck_assert(rtc_limits_in_window("12:00-13:30", noon));
	ck_assert(rtc_limits_in_window("12:00-13:30",
	    noon + 90 * MINUTE_MS - 1));
	ck_assert(!rtc_limits_in_window("12:00-13:30", noon + 90 * MINUTE_MS));
	ck_assert_uint_eq(minutes_open("12:00-13:30", noon, 24), 90);
}
END_TEST

START_TEST(a_window_reaches_over_midnight)
{
	int64_t midnight = utc_ms(2026, 12, 31, 24, 0);

	set_zone("UTC");
	ck_assert(!rtc_limits_in_window("22:00-06:00",
	    midnight - 2 * HOUR_MS - 1));
	ck_assert(rtc_limits_in_window("22:00-06:00", midnight - 2 * HOUR_MS));
	ck_assert(rtc_limits_in_window("22:00-06:00", midnight - 1));
	ck_assert(rtc_limits_in_window("22:00-06:00", midnight));
	ck_assert(rtc_limits_in_window("22:00-06:00",
	    midnight + 6 * HOUR_MS - 1));
	ck_assert(!rtc_limits_in_window("22:00-06:00", midnight + 6 * HOUR_MS));
	ck_assert_uint_eq(minutes_open("22:00-06:00", midnight, 24), 480);
}
END_TEST

START_TEST(a_window_may_begin_or_end_at_midnight)
{
	int64_t midnight = utc_ms(2026, 6, 10, 0, 0);

	set_zone("UTC");
	ck_assert_uint_eq(minutes_open("00:00-01:00", midnight, 24), 60);
	ck_assert(rtc_limits_in_window("00:00-01:00", midnight));
	ck_assert_uint_eq(minutes_open("23:00-00:00", midnight, 24), 60);
	ck_assert(!rtc_limits_in_window("23:00-00:00", midnight));
}
END_TEST

START_TEST(no_window_or_an_empty_one_is_the_whole_day)
{
	int64_t midnight = utc_ms(2026, 6, 10, 0, 0);

	set_zone("UTC");
	ck_assert_uint_eq(minutes_open("", midnight, 24), 24 * 60);
	ck_assert_uint_eq(minutes_open("03:00-03:00", midnight, 24), 24 * 60);
}
END_TEST

START_TEST(the_hours_of_a_window_are_local)
{
	set_zone("UTC-2");
	ck_assert(rtc_limits_in_window("03:00-04:00",
	    utc_ms(2026, 6, 10, 1, 30)));
	ck_assert(!rtc_limits_in_window("03:00-04:00",
	    utc_ms(2026, 6, 10, 3, 30)));
	/* Behind Greenwich it is the day before. */
	set_zone("UTC+5");
	ck_assert(rtc_limits_in_window("22:00-23:00",
	    utc_ms(2026, 6, 10, 3, 30)));
}
END_TEST

START_TEST(in_spring_a_window_loses_the_hour_that_is_left_out)
{
	int64_t day = utc_ms(2026, 3, 28, 23, 0);

	set_zone(BERLIN);
	/* 01:00 to 02:00, then 03:00 to 05:00. */
	ck_assert_uint_eq(minutes_open("01:00-05:00", day, 23), 180);
	ck_assert(!rtc_limits_in_window("01:00-05:00",
	    utc_ms(2026, 3, 29, 3, 0)));
	/* It lies within the hour that never was. */
	ck_assert_uint_eq(minutes_open("02:00-03:00", day, 23), 0);
	ck_assert_uint_eq(minutes_open("02:00-03:00", day + 23 * HOUR_MS, 24),
	    60);
}
END_TEST

START_TEST(in_autumn_a_window_has_the_hour_that_comes_twice)
{
	int64_t day = utc_ms(2026, 10, 24, 22, 0);

	set_zone(BERLIN);
	ck_assert_uint_eq(minutes_open("01:00-05:00", day, 25), 300);
	ck_assert_uint_eq(minutes_open("02:00-03:00", day, 25), 120);
	/* One that ends in it opens once more. */
	ck_assert_uint_eq(minutes_open("00:00-02:30", day, 25), 180);
	ck_assert(!rtc_limits_in_window("00:00-02:30",
	    utc_ms(2026, 10, 25, 0, 45)));
	ck_assert(rtc_limits_in_window("00:00-02:30",
	    utc_ms(2026, 10, 25, 1, 15)));
}
END_TEST

START_TEST(a_clock_that_jumps_is_believed)
{
	int64_t noon = utc_ms(2026, 6, 10, 12, 0);

	set_zone(BERLIN);
	ck_assert(!rtc_limits_in_window("02:00-04:00", noon));
	ck_assert(rtc_limits_in_window("02:00-04:00", noon + 13 * HOUR_MS));
	ck_assert(rtc_limits_in_window("02:00-04:00", noon - 11 * HOUR_MS));
	/* Years either way, before 1970 too: each day has its two hours. */
	for (int64_t year = -80; year <= 80; year += 20)
		ck_assert_uint_eq(minutes_open("06:00-08:00",
		    noon + year * 365 * DAY_MS, 24), 120);
}
END_TEST

struct set_clock {
	struct rt_clock base;
	int64_t wall_ms;
	uint64_t boot_ns;
};

static int64_t
wall_ms(struct rt_clock *clock)
{
	return ((struct set_clock *)clock)->wall_ms;
}

static uint64_t
boot_ns(struct rt_clock *clock)
{
	return ((struct set_clock *)clock)->boot_ns;
}

START_TEST(tombstones_age_by_the_clock_of_expiry)
{
	struct set_clock clock = { .base = { .wall_ms = wall_ms,
		.boot_ns = boot_ns }, .wall_ms = 10000 * 1000 };
	const struct rt_clock_mark no_mark = { 0 };
	const struct rt_manifest manifest = { .generation = 1 };
	struct rt_expiry_clock expiry;
	struct rt_config config;

	rt_config_init(&config);
	rt_expiry_clock_init(&expiry, &clock.base, &no_mark, 0);
#define BEFORE_S()                                                            \
	rtc_limits_now(&config, false, &clock.base, &expiry, &manifest)       \
	    .tombstones_before_s
	config.tombstone_max_age = 3000;
	ck_assert_uint_eq(BEFORE_S(), 7000);
	config.tombstone_max_age = 0;
	ck_assert_uint_eq(BEFORE_S(), 0);
	config.tombstone_max_age = 20000;
	ck_assert_uint_eq(BEFORE_S(), 0);
	/* Steps of the wall clock are not time that passed. */
	config.tombstone_max_age = 3000;
	clock.wall_ms += 365 * DAY_MS;
	ck_assert_uint_eq(BEFORE_S(), 7000);
	clock.wall_ms -= 400 * DAY_MS;
	ck_assert_uint_eq(BEFORE_S(), 7000);
#undef BEFORE_S
	rt_expiry_clock_fini(&expiry);
	rt_config_fini(&config);
}
END_TEST

/* An older daemon would refuse levels of several runs. */
START_TEST(lazy_waits_for_a_daemon_that_can_read_it)
{
	struct set_clock clock = { .base = { .wall_ms = wall_ms,
		.boot_ns = boot_ns }, .wall_ms = 10000 * 1000 };
	const struct rt_clock_mark no_mark = { 0 };
	struct rt_manifest manifest = { .generation = 1 };
	struct rt_expiry_clock expiry;
	struct rt_config config;

	rt_config_init(&config);
	rt_log_set_level(RT_LOG_WARNING);
	rt_expiry_clock_init(&expiry, &clock.base, &no_mark, 0);
	config.compaction_policy = RT_POLICY_LAZY;
	ck_assert(!rtc_limits_now(&config, false, &clock.base, &expiry,
	    &manifest).lazy);
	manifest.daemon_features = RT_FEATURE_LEVEL_RUNS;
	ck_assert(rtc_limits_now(&config, false, &clock.base, &expiry,
	    &manifest).lazy);
	config.compaction_policy = RT_POLICY_LEVELED;
	ck_assert(!rtc_limits_now(&config, false, &clock.base, &expiry,
	    &manifest).lazy);
	rt_expiry_clock_fini(&expiry);
	rt_config_fini(&config);
}
END_TEST

RTT_MAIN("riptide-compactd/limits", lazy_waits_for_a_daemon_that_can_read_it, tombstones_age_by_the_clock_of_expiry,
    a_window_opens_at_its_first_minute_and_closes_at_its_last,
    a_window_reaches_over_midnight,
    a_window_may_begin_or_end_at_midnight,
    no_window_or_an_empty_one_is_the_whole_day,
    the_hours_of_a_window_are_local,
    in_spring_a_window_loses_the_hour_that_is_left_out,
    in_autumn_a_window_has_the_hour_that_comes_twice,
    a_clock_that_jumps_is_believed)
