#include "riptide-compactd/pace.h"

#include "tests/support/runner.h"

#define MS_NS UINT64_C(1000000)

static uint64_t now_ns;

static uint64_t
read_now(struct rt_clock *clock)
{
	return now_ns;
}

static struct rt_clock hand_clock = { .monotonic_ns = read_now };

START_TEST(without_a_limit_nobody_waits)
{
	struct rtc_pace pace;

	rtc_pace_init(&pace, &hand_clock, 0);
	ck_assert_uint_eq(rtc_pace_spend(&pace, UINT64_MAX), 0);
}
END_TEST

START_TEST(a_second_of_bytes_takes_a_second)
{
	struct rtc_pace pace;
	uint64_t waited_ms = 0, spent_bytes, waited_ns;

	now_ns = 5000 * MS_NS;
	rtc_pace_init(&pace, &hand_clock, 1000000);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned wait_ms = rtc_pace_spend(&pace, 1000);

		waited_ms += wait_ms;
		now_ns += wait_ms * MS_NS;
	}
	ck_assert_uint_ge(waited_ms, 980);
	ck_assert_uint_le(waited_ms, 1000);
	rtc_pace_sums(&pace, &spent_bytes, &waited_ns);
	ck_assert_uint_eq(spent_bytes, 1000000);
	ck_assert_uint_eq(waited_ns, waited_ms * MS_NS);
}
END_TEST

START_TEST(time_that_passed_unused_is_not_saved)
{
	struct rtc_pace pace;

	now_ns = 5000 * MS_NS;
	rtc_pace_init(&pace, &hand_clock, 1000000);
	now_ns += 60000 * MS_NS;
	ck_assert_uint_eq(rtc_pace_spend(&pace, 500000), 500);
}
END_TEST

START_TEST(large_sums_do_not_overflow)
{
	struct rtc_pace pace;

	now_ns = 0;
	rtc_pace_init(&pace, &hand_clock, 1 << 20);
	ck_assert_uint_eq(rtc_pace_spend(&pace, UINT64_C(1) << 40), 1048576000);
}
END_TEST

RTT_MAIN("pace", without_a_limit_nobody_waits, a_second_of_bytes_takes_a_second,
    time_that_passed_unused_is_not_saved, large_sums_do_not_overflow)
