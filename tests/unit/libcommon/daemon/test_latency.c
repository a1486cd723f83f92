#include "libcommon/daemon/latency.h"

#include "tests/support/runner.h"

#define MS UINT64_C(1000000)

static struct rt_latency_series
get(enum rt_latency_event event)
{
	struct rt_latency_series series;

	rt_latency_get(event, &series);
	return series;
}

START_TEST(nothing_is_remembered_below_the_threshold)
{
	rt_latency_note(RT_LATENCY_FLUSH, UINT64_MAX - 1);
	ck_assert_uint_eq(get(RT_LATENCY_FLUSH).count, 0);
	rt_latency_set_threshold_ms(10);
	rt_latency_note(RT_LATENCY_FLUSH, 10 * MS - 1);
	ck_assert_uint_eq(get(RT_LATENCY_FLUSH).count, 0);
	rt_latency_note(RT_LATENCY_FLUSH, 10 * MS);
	ck_assert_uint_eq(get(RT_LATENCY_FLUSH).count, 1);
	ck_assert_uint_eq(get(RT_LATENCY_FLUSH).samples[0].ms, 10);
	ck_assert_uint_eq(get(RT_LATENCY_WAL_SYNC).count, 0);
	rt_latency_set_threshold_ms(0);
	rt_latency_note(RT_LATENCY_FLUSH, 99 * MS);
	ck_assert_uint_eq(get(RT_LATENCY_FLUSH).max_ms, 10);
	ck_assert(rt_latency_reset(RT_LATENCY_FLUSH));
	ck_assert(!rt_latency_reset(RT_LATENCY_FLUSH));
}
END_TEST

START_TEST(a_second_keeps_its_longest)
{
	struct rt_latency_series series;
	uint64_t sum = 0, longest = 0;

	rt_latency_set_threshold_ms(1);
	for (uint64_t ms = 5; ms <= 50; ms++)
		rt_latency_note(RT_LATENCY_COMMAND, ms * MS);
	for (uint64_t ms = 50; ms >= 5; ms--)
		rt_latency_note(RT_LATENCY_COMMAND, ms * MS);
	series = get(RT_LATENCY_COMMAND);
	ck_assert_uint_eq(series.max_ms, 50);
	/* The second may have ended meanwhile. */
	ck_assert_uint_le(series.count, 2);
	for (uint64_t i = 0; i < series.count; i++) {
		sum += series.samples[i].ms;
		if (series.samples[i].ms > longest)
			longest = series.samples[i].ms;
	}
	ck_assert_uint_eq(longest, 50);
	ck_assert_uint_ge(sum, 50);
	rt_latency_reset(RT_LATENCY_COMMAND);
}
END_TEST

START_TEST(every_event_has_a_name_of_its_own)
{
	for (int i = 0; i < RT_LATENCY_EVENTS; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(
			    rt_latency_name((enum rt_latency_event)i),
			    rt_latency_name((enum rt_latency_event)j));
}
END_TEST

RTT_MAIN("latency", nothing_is_remembered_below_the_threshold,
    a_second_keeps_its_longest, every_event_has_a_name_of_its_own)
