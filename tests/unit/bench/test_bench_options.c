#include "bench/bench_options.h"

#include "tests/support/runner.h"

static enum rt_code
read_words(struct rtb_options *options, struct rt_err *err,
    const char *const words[])
{
	char *argv[24] = { (char *)(uintptr_t)"engine" };
	int argc = 1;

	while (words[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	return rtb_options_read(options, argc, argv, err);
}

#define READ(options, err, ...)                                               \
	read_words(options, err, (const char *[]){ __VA_ARGS__, NULL })

START_TEST(defaults_are_those_of_the_manual)
{
	struct rtb_options options;

	ck_assert_int_eq(READ(&options, NULL, NULL), RT_OK);
	ck_assert_uint_eq(options.keys, 1000000);
	ck_assert_uint_eq(options.value_bytes, 100);
	ck_assert_uint_eq(options.reads, 1000000);
	ck_assert_uint_eq(options.runs, 3);
	ck_assert_uint_eq(options.turn, 64);
	ck_assert_uint_eq(options.peer_batch, 1);
	ck_assert_uint_eq(options.memory_limit, 256 << 20);
	ck_assert_uint_eq(options.cache_bytes, 512 << 20);
	ck_assert_str_eq(options.tests, "compared");
	ck_assert_str_eq(options.compression, "none");
	ck_assert_ptr_null(options.peers);
	ck_assert_ptr_null(options.json);
	ck_assert_ptr_null(options.dir);
	ck_assert_ptr_null(options.compactor);
}
END_TEST

START_TEST(every_option_reaches_its_member)
{
	struct rtb_options options;

	ck_assert_int_eq(READ(&options, NULL, "--keys", "5", "--value-size",
	    "7", "--reads", "9", "--runs", "2", "--turn", "3", "--peer-batch",
	    "4", "--tests", "a,b"), RT_OK);
	ck_assert_uint_eq(options.keys, 5);
	ck_assert_uint_eq(options.value_bytes, 7);
	ck_assert_uint_eq(options.reads, 9);
	ck_assert_uint_eq(options.runs, 2);
	ck_assert_uint_eq(options.turn, 3);
	ck_assert_uint_eq(options.peer_batch, 4);
	ck_assert_str_eq(options.tests, "a,b");
	ck_assert_int_eq(READ(&options, NULL, "--memory-limit", "64mb",
	    "--cache-size", "1mb", "--peers", "p", "--compression", "lz4", "--compactor", "c",
	    "--json", "j", "--dir", "d", "--cpu-time", "--help", "--version"), RT_OK);
	ck_assert_uint_eq(options.memory_limit, 64 << 20);
	ck_assert_uint_eq(options.cache_bytes, 1 << 20);
	ck_assert_str_eq(options.peers, "p");
	ck_assert_str_eq(options.compression, "lz4");
	ck_assert_str_eq(options.compactor, "c");
	ck_assert_str_eq(options.json, "j");
	ck_assert_str_eq(options.dir, "d");
	ck_assert(options.cpu_time && options.help && options.version);
}
END_TEST

START_TEST(reads_follow_the_keys_up_to_a_million)
{
	struct rtb_options options;

	ck_assert_int_eq(READ(&options, NULL, "--keys", "77"), RT_OK);
	ck_assert_uint_eq(options.reads, 77);
	ck_assert_int_eq(READ(&options, NULL, "--keys", "50000000"), RT_OK);
	ck_assert_uint_eq(options.reads, 1000000);
}
END_TEST

START_TEST(what_is_wrong_is_refused_by_name)
{
	struct rtb_options options;
	struct rt_err err = { .code = RT_OK };

	ck_assert_int_eq(READ(&options, &err, "--keys", "0"), RT_EUSAGE);
	ck_assert_str_eq(err.text,
	    "--keys: 0 is not a number from 1 to 1000000000");
	ck_assert_int_eq(READ(&options, &err, "--keys", "5x"), RT_EUSAGE);
	ck_assert_int_eq(READ(&options, &err, "--runs", "33"), RT_EUSAGE);
	ck_assert_int_eq(READ(&options, &err, "--keys"), RT_EUSAGE);
	ck_assert_str_eq(err.text, "--keys: a value is missing");
	ck_assert_int_eq(READ(&options, &err, "--key", "1"), RT_EUSAGE);
	ck_assert_str_eq(err.text, "--key: not expected");
	ck_assert_int_eq(READ(&options, &err, "stray"), RT_EUSAGE);
	ck_assert_int_eq(READ(&options, &err, "--compression", "gzip"),
	    RT_EUSAGE);
}
END_TEST

START_TEST(a_list_has_whole_words_only)
{
	ck_assert(rtb_list_has("a,bc,d", "bc"));
	ck_assert(rtb_list_has("a", "a"));
	ck_assert(rtb_list_has("a,bc,d", "d"));
	ck_assert(!rtb_list_has("a,bc,d", "b"));
	ck_assert(!rtb_list_has("a,bc,d", "c"));
	ck_assert(!rtb_list_has("", "a"));
}
END_TEST

RTT_MAIN("bench_options", defaults_are_those_of_the_manual,
    every_option_reaches_its_member, reads_follow_the_keys_up_to_a_million,
    what_is_wrong_is_refused_by_name, a_list_has_whole_words_only)
