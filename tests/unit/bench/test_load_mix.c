#include "bench/load_mix.h"

#include "tests/support/runner.h"

static struct rtb_load_mix mix;
static enum rtb_distribution distribution;

static enum rt_code
parse(const char *text)
{
	distribution = RTB_UNIFORM;
	return rtb_load_mix_parse(&mix, text, &distribution, NULL);
}

START_TEST(a_word_alone_is_the_whole_mix)
{
	ck_assert_int_eq(parse("incr"), RT_OK);
	ck_assert_uint_eq(mix.weights[RTB_OP_INCR], mix.total);
	ck_assert_int_eq(distribution, RTB_UNIFORM);
}
END_TEST

START_TEST(letters_are_the_loads_of_ycsb)
{
	ck_assert_int_eq(parse("a"), RT_OK);
	ck_assert_uint_eq(mix.weights[RTB_OP_GET], mix.weights[RTB_OP_SET]);
	ck_assert_int_eq(distribution, RTB_ZIPFIAN);
	ck_assert_int_eq(parse("d"), RT_OK);
	ck_assert_uint_eq(mix.weights[RTB_OP_INSERT] * 20, mix.total);
	ck_assert_int_eq(distribution, RTB_LATEST);
	for (const char *letter = "abcdef"; *letter != '\0'; letter++)
		ck_assert_int_eq(parse((char[]){ *letter, '\0' }), RT_OK);
}
END_TEST

START_TEST(operations_are_drawn_by_their_weights)
{
	struct rtb_random random = { 3 };
	unsigned drawn[RTB_OPS] = { 0 };

	ck_assert_int_eq(parse("get=90,set=9,del=1,ping=0"), RT_OK);
	for (unsigned i = 0; i < 100000; i++)
		drawn[rtb_load_mix_draw(&mix, &random)]++;
	ck_assert_uint_gt(drawn[RTB_OP_GET], 89000);
	ck_assert_uint_gt(drawn[RTB_OP_SET], 8500);
	ck_assert_uint_gt(drawn[RTB_OP_DEL], 800);
	ck_assert_uint_eq(drawn[RTB_OP_GET] + drawn[RTB_OP_SET] +
	    drawn[RTB_OP_DEL], 100000);
}
END_TEST

START_TEST(what_is_no_mix_is_refused)
{
	static const char *const wrong[] = { "", "g", "get=", "get=x",
		"get=0", "get,", "get=1000001", "get=-1", "GET" };

	for (size_t i = 0; i < RT_COUNTOF(wrong); i++)
		ck_assert_int_eq(parse(wrong[i]), RT_EUSAGE);
}
END_TEST

RTT_MAIN("load_mix", a_word_alone_is_the_whole_mix,
    letters_are_the_loads_of_ycsb, operations_are_drawn_by_their_weights,
    what_is_no_mix_is_refused)
