#include "bench/key_draw.h"

#include "tests/support/runner.h"

#define KEYS 1000
#define DRAWS 100000

static unsigned seen[KEYS];

static void
draw_many(enum rtb_distribution distribution)
{
	struct rtb_key_count count = { .keys = KEYS };
	struct rtb_random random = { 42 };
	struct rtb_key_draw draw;

	memset(seen, 0, sizeof(seen));
	rtb_key_draw_init(&draw, distribution, &count, &random);
	for (unsigned i = 0; i < DRAWS; i++) {
		uint64_t key = rtb_key_draw_next(&draw);

		ck_assert_uint_lt(key, KEYS);
		seen[key]++;
	}
}

static unsigned
highest(void)
{
	unsigned best = 0;

	for (unsigned i = 1; i < KEYS; i++)
		if (seen[i] > seen[best])
			best = i;
	return best;
}

START_TEST(uniform_draws_every_key_about_as_often)
{
	draw_many(RTB_UNIFORM);
	for (unsigned i = 0; i < KEYS; i++) {
		ck_assert_uint_gt(seen[i], DRAWS / KEYS / 2);
		ck_assert_uint_lt(seen[i], DRAWS / KEYS * 2);
	}
}
END_TEST

/* With 1,000 keys and 0.99 the first is 1 / 7.73 of all draws, and the ten
 * first are 38 percent. */
START_TEST(zipfian_has_a_popular_key_that_is_not_the_first)
{
	unsigned top;

	draw_many(RTB_ZIPFIAN);
	top = highest();
	ck_assert_uint_gt(seen[top], DRAWS / 9);
	ck_assert_uint_lt(seen[top], DRAWS / 6);
	ck_assert_uint_ne(top, 0);
	ck_assert_uint_ne(top, KEYS - 1);
}
END_TEST

START_TEST(latest_prefers_the_newest_keys)
{
	unsigned newest = 0;

	draw_many(RTB_LATEST);
	ck_assert_uint_eq(highest(), KEYS - 1);
	for (unsigned i = KEYS - 10; i < KEYS; i++)
		newest += seen[i];
	ck_assert_uint_gt(newest, DRAWS / 3);
	ck_assert_uint_lt(newest, DRAWS / 2);
}
END_TEST

START_TEST(sequential_takes_each_key_once_a_round)
{
	draw_many(RTB_SEQUENTIAL);
	for (unsigned i = 0; i < KEYS; i++)
		ck_assert_uint_eq(seen[i], DRAWS / KEYS);
}
END_TEST

START_TEST(an_inserted_key_is_new_and_is_drawn_then)
{
	struct rtb_key_count count = { .keys = 1 };
	struct rtb_random random = { 7 };
	struct rtb_key_draw draw;
	bool found = false;

	rtb_key_draw_init(&draw, RTB_UNIFORM, &count, &random);
	ck_assert_uint_eq(rtb_key_draw_next(&draw), 0);
	ck_assert_uint_eq(rtb_key_draw_insert(&draw), 1);
	ck_assert_uint_eq(rtb_key_draw_insert(&draw), 2);
	for (unsigned i = 0; i < 100; i++)
		found = found || rtb_key_draw_next(&draw) == 2;
	ck_assert(found);
}
END_TEST

START_TEST(the_constants_of_many_keys_come_at_once)
{
	struct rtb_key_count count = { .keys = UINT64_C(1000000000) };
	struct rtb_random random = { 7 };
	struct rtb_key_draw draw;

	rtb_key_draw_init(&draw, RTB_LATEST, &count, &random);
	/* The sum of a billion terms, by a program that added them. */
	ck_assert(draw.zeta_items > 23.60 && draw.zeta_items < 23.61);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_uint_lt(rtb_key_draw_next(&draw), count.keys);
}
END_TEST

START_TEST(names_are_known)
{
	enum rtb_distribution found;

	ck_assert(rtb_distribution_parse("latest", &found));
	ck_assert_int_eq(found, RTB_LATEST);
	ck_assert(!rtb_distribution_parse("late", &found));
}
END_TEST

RTT_MAIN("key_draw", uniform_draws_every_key_about_as_often,
    zipfian_has_a_popular_key_that_is_not_the_first,
    latest_prefers_the_newest_keys, sequential_takes_each_key_once_a_round,
    an_inserted_key_is_new_and_is_drawn_then,
    the_constants_of_many_keys_come_at_once, names_are_known)
