#include "bench/load_options.h"

#include "tests/support/runner.h"

static struct rtb_load_options options;
static struct rt_err error;

static enum rt_code
read_words(const char *const words[])
{
	char *argv[24] = { (char *)(uintptr_t)"load" };
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return rtb_load_options_read(&options, argc, argv, &error);
}

#define READ(...) read_words((const char *[]){ __VA_ARGS__, NULL })

START_TEST(without_words_it_is_fifty_clients_that_get)
{
	ck_assert_int_eq(READ(NULL), RT_OK);
	ck_assert_uint_eq(options.clients, 50);
	ck_assert_uint_eq(options.pipeline, 1);
	ck_assert_uint_eq(options.port, 6379);
	ck_assert_uint_eq(options.mix.weights[RTB_OP_GET], options.mix.total);
	ck_assert_int_eq(options.distribution, RTB_UNIFORM);
}
END_TEST

START_TEST(a_named_distribution_is_stronger_than_the_mixs_own)
{
	ck_assert_int_eq(READ("--mix", "d", "--distribution", "uniform"),
	    RT_OK);
	ck_assert_int_eq(options.distribution, RTB_UNIFORM);
	ck_assert_int_eq(READ("--mix", "d"), RT_OK);
	ck_assert_int_eq(options.distribution, RTB_LATEST);
}
END_TEST

START_TEST(every_thread_has_a_client)
{
	ck_assert_int_eq(READ("--clients", "2", "--threads", "8"), RT_OK);
	ck_assert_uint_eq(options.threads, 2);
}
END_TEST

START_TEST(wrong_words_are_told_by_name)
{
	ck_assert_int_eq(READ("--mix", "nothing"), RT_EUSAGE);
	ck_assert_ptr_nonnull(strstr(error.text, "--mix: nothing"));
	ck_assert_int_eq(READ("--distribution", "late"), RT_EUSAGE);
	ck_assert_ptr_nonnull(strstr(error.text, "--distribution: late"));
	ck_assert_int_eq(READ("--pipeline", "5000"), RT_EUSAGE);
	ck_assert_ptr_nonnull(strstr(error.text, "--pipeline"));
	ck_assert_int_eq(READ("--port", "0"), RT_EUSAGE);
	ck_assert_int_eq(READ("--seconds"), RT_EUSAGE);
	ck_assert_int_eq(READ("--turn", "3"), RT_EUSAGE);
}
END_TEST

RTT_MAIN("load_options", without_words_it_is_fifty_clients_that_get,
    a_named_distribution_is_stronger_than_the_mixs_own,
    every_thread_has_a_client, wrong_words_are_told_by_name)
