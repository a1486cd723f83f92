#include "riptide-compactd/budget.h"

#include "tests/support/runner.h"

#define S_NS UINT64_C(1000000000)
#define MIB (UINT64_C(1) << 20)

START_TEST(without_a_budget_there_is_no_end)
{
	struct rtc_budget budget;

	rtc_budget_init(&budget, 0, 5 * S_NS);
	rtc_budget_learn(&budget, 100 * MIB, S_NS);
	ck_assert(!rtc_budget_is_over(&budget, UINT64_MAX));
	ck_assert_uint_eq(rtc_budget_job_bytes(&budget, 6 * S_NS), 0);
	ck_assert_uint_eq(rtc_budget_wait_ms(&budget, 6 * S_NS, 1000), 1000);
}
END_TEST

START_TEST(it_is_over_when_its_time_is)
{
	struct rtc_budget budget;

	rtc_budget_init(&budget, 10, 5 * S_NS);
	ck_assert(!rtc_budget_is_over(&budget, 15 * S_NS - 1));
	ck_assert(rtc_budget_is_over(&budget, 15 * S_NS));
	ck_assert_uint_eq(rtc_budget_wait_ms(&budget, 5 * S_NS, 1000), 1000);
	ck_assert_uint_eq(rtc_budget_wait_ms(&budget, 15 * S_NS - 1, 1000), 1);
	ck_assert_uint_eq(rtc_budget_wait_ms(&budget, 15 * S_NS, 1000), 0);
}
END_TEST

START_TEST(jobs_become_smaller_towards_the_end)
{
	struct rtc_budget budget;

	rtc_budget_init(&budget, 100, 0);
	/* Nothing is known of the pace. */
	ck_assert_uint_eq(rtc_budget_job_bytes(&budget, S_NS), 0);
	rtc_budget_learn(&budget, 60 * MIB, 2 * S_NS);
	rtc_budget_learn(&budget, 40 * MIB, 3 * S_NS);
	/* 20 MiB/s, of which half is counted on. */
	ck_assert_uint_eq(rtc_budget_job_bytes(&budget, 50 * S_NS), 500 * MIB);
	ck_assert_uint_eq(rtc_budget_job_bytes(&budget, 99 * S_NS), 10 * MIB);
	ck_assert_uint_eq(rtc_budget_job_bytes(&budget, 100 * S_NS), 1);
	ck_assert_uint_eq(rtc_budget_job_bytes(&budget, 200 * S_NS), 1);
}
END_TEST

RTT_MAIN("budget", without_a_budget_there_is_no_end, it_is_over_when_its_time_is,
    jobs_become_smaller_towards_the_end)
