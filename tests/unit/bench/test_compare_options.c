#include "bench/compare_options.h"

#include <string.h>

#include "tests/support/runner.h"

static struct rtb_compare_options options;
static struct rt_err error;

static enum rt_code
read_words(const char *const words[])
{
	char *argv[24] = { (char *)(uintptr_t)"compare" };
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return rtb_compare_options_read(&options, argc, argv, &error);
}

#define READ(...) read_words((const char *[]){ __VA_ARGS__, NULL })

START_TEST(defaults_are_those_of_the_manual)
{
	ck_assert_int_eq(READ(NULL), RT_OK);
	ck_assert_ptr_null(options.peers[0]);
	ck_assert_uint_eq(options.runs, 3);
	ck_assert_uint_eq(options.seconds, 5);
	ck_assert_uint_eq(options.large_keys, 5000000);
	ck_assert_str_eq(options.server_cpus, "0");
	ck_assert_str_eq(options.load_cpus, "1");
}
END_TEST

START_TEST(peers_gather)
{
	ck_assert_int_eq(READ("--peer", "redis=/a", "--runs", "2", "--peer",
	    "kvrocks=/b/c"), RT_OK);
	ck_assert_str_eq(options.peers[0], "redis=/a");
	ck_assert_str_eq(options.peers[1], "kvrocks=/b/c");
	ck_assert_ptr_null(options.peers[2]);
}
END_TEST

START_TEST(more_peers_than_there_is_room_for_are_refused)
{
	ck_assert_int_eq(READ("--peer", "redis=1", "--peer", "redis=2",
	    "--peer", "redis=3", "--peer", "redis=4", "--peer", "redis=5"),
	    RT_OK);
	ck_assert_str_eq(options.peers[4], "redis=5");
	ck_assert_ptr_null(options.peers[5]);
	ck_assert_int_eq(READ("--peer", "redis=1", "--peer", "redis=2",
	    "--peer", "redis=3", "--peer", "redis=4", "--peer", "redis=5",
	    "--peer", "redis=6"), RT_EUSAGE);
	ck_assert_ptr_nonnull(strstr(error.text, "--peer"));
}
END_TEST

START_TEST(an_unknown_peer_is_refused_by_name)
{
	ck_assert_int_eq(READ("--peer", "oracle=/x"), RT_EUSAGE);
	ck_assert_ptr_nonnull(strstr(error.text, "oracle=/x"));
	ck_assert_int_eq(READ("--peer", "redi=/x"), RT_EUSAGE);
	ck_assert_int_eq(READ("--peer"), RT_EUSAGE);
}
END_TEST

RTT_MAIN("compare_options", defaults_are_those_of_the_manual, peers_gather,
    more_peers_than_there_is_room_for_are_refused,
    an_unknown_peer_is_refused_by_name)
