/* Commands that come in on one loop of several: which of them do without the
 * floor, and that they answer and count as the others do. */
#include "riptided/cmd/lane.h"

#include "riptided/cmd/command.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/runner.h"

static struct rtt_cmd cmd;
static struct rtd_lane second;

static void
begin(void)
{
	rtt_cmd_init(&cmd);
	second = (struct rtd_lane){ 0 };
	rtd_lane_open(&cmd.server, &second);
	second.reader = rtd_reader_new(cmd.server.engine);
}

static void
end(void)
{
	rtd_reader_free(second.reader);
	rtd_lane_close(&second);
	rtt_cmd_fini(&cmd);
}

/* On the second lane; what is appended to the client's output is left there. */
static enum rtd_tried
try_words(const char *const *words, size_t count, bool calm)
{
	struct rt_slice argv[RTD_READ_KEYS_MAX + 2];

	for (size_t i = 0; i < count; i++)
		argv[i] = rt_slice_cstr(words[i]);
	rt_buf_clear(&cmd.client.out);
	return rtd_command_try(&cmd.server, &cmd.client, &second, argv, count,
	    cmd.wall_ms, calm);
}

#define TRY(...)                                                              \
	try_words((const char *const[]){ __VA_ARGS__ },                       \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *),    \
	    true)

static void
replied(const char *text)
{
	ck_assert_uint_eq(cmd.client.out.len, strlen(text));
	ck_assert_int_eq(memcmp(cmd.client.out.data, text, strlen(text)), 0);
}

START_TEST(plain_reads_do_without_the_floor)
{
	begin();
	rtt_cmd_line(&cmd, "SET k hello");
	rtt_cmd_line(&cmd, "SET t x PX 1500");
	ck_assert_int_eq(TRY("get", "k"), RTD_TRIED_DONE);
	replied("$5\r\nhello\r\n");
	ck_assert_int_eq(TRY("GET", "none"), RTD_TRIED_DONE);
	replied("$-1\r\n");
	ck_assert_int_eq(TRY("MGET", "k", "none"), RTD_TRIED_DONE);
	replied("*2\r\n$5\r\nhello\r\n$-1\r\n");
	ck_assert_int_eq(TRY("EXISTS", "k"), RTD_TRIED_DONE);
	replied(":1\r\n");
	ck_assert_int_eq(TRY("STRLEN", "k"), RTD_TRIED_DONE);
	replied(":5\r\n");
	ck_assert_int_eq(TRY("TYPE", "k"), RTD_TRIED_DONE);
	replied("+string\r\n");
	ck_assert_int_eq(TRY("PTTL", "t"), RTD_TRIED_DONE);
	replied(":1500\r\n");
	ck_assert_int_eq(TRY("GETRANGE", "k", "1", "2"), RTD_TRIED_DONE);
	replied("$2\r\nel\r\n");
	ck_assert_int_eq(TRY("GETBIT", "k", "1"), RTD_TRIED_DONE);
	replied(":1\r\n");
	/* The reply waits for what it rests on. */
	ck_assert_uint_gt(cmd.client.wait_seq, 0);
	end();
}
END_TEST

START_TEST(what_looks_at_more_than_one_moment_does_not)
{
	const char *words[RTD_READ_KEYS_MAX + 2];

	begin();
	ck_assert_int_eq(TRY("EXISTS", "a", "b"), RTD_TRIED_FLOOR);
	words[0] = "MGET";
	for (size_t i = 1; i < RT_COUNTOF(words); i++)
		words[i] = "key";
	ck_assert_int_eq(try_words(words, RTD_READ_KEYS_MAX + 1, true),
	    RTD_TRIED_DONE);
	ck_assert_int_eq(try_words(words, RTD_READ_KEYS_MAX + 2, true),
	    RTD_TRIED_FLOOR);
	end();
}
END_TEST

START_TEST(others_need_the_floor_and_some_are_alone)
{
	begin();
	ck_assert_int_eq(TRY("SET", "k", "v"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("PING"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("SCAN", "0"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("NOSUCH"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("CONFIG", "SET", "timeout", "1"),
	    RTD_TRIED_ALONE);
	ck_assert_int_eq(TRY("CLIENT", "LIST"), RTD_TRIED_ALONE);
	ck_assert_int_eq(TRY("FLUSHALL"), RTD_TRIED_ALONE);
	ck_assert_int_eq(TRY("SWAPDB", "0", "1"), RTD_TRIED_ALONE);
	/* Queued it does nothing; the EXEC is alone then. */
	rtt_cmd_line(&cmd, "MULTI");
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("FLUSHALL"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("EXEC"), RTD_TRIED_FLOOR);
	rtt_cmd_line(&cmd, "FLUSHALL");
	ck_assert_int_eq(TRY("EXEC"), RTD_TRIED_ALONE);
	rtt_cmd_line(&cmd, "DISCARD");
	end();
}
END_TEST

START_TEST(nothing_stays_of_a_try_that_failed)
{
	begin();
	rtt_cmd_line(&cmd, "CONFIG RESETSTAT");
	cmd.client.wait_seq = 0;
	ck_assert_int_eq(TRY("GETRANGE", "k", "one", "2"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("GET"), RTD_TRIED_FLOOR);
	ck_assert_int_eq(TRY("GET", "a", "b"), RTD_TRIED_FLOOR);
	ck_assert_uint_eq(cmd.client.out.len, 0);
	ck_assert_uint_eq(cmd.client.wait_seq, 0);
	ck_assert_uint_eq(cmd.server.error_replies, 0);
	ck_assert_uint_eq(rtd_lane_counted(&second, RTD_COUNT_COMMANDS), 0);
	ck_assert_uint_eq(rtd_lane_counted(&second, RTD_COUNT_MISSES), 0);
	end();
}
END_TEST

START_TEST(a_server_or_client_in_a_state_keeps_reads_on_the_floor)
{
	static const char *const get[] = { "GET", "k" };

	begin();
	ck_assert(rtd_server_is_calm(&cmd.server));
	ck_assert_int_eq(try_words(get, 2, false), RTD_TRIED_FLOOR);
	rtt_cmd_line(&cmd, "CONFIG SET notify-keyspace-events KEA");
	ck_assert(!rtd_server_is_calm(&cmd.server));
	rtt_cmd_line(&cmd, "CONFIG SET notify-keyspace-events A");
	ck_assert(rtd_server_is_calm(&cmd.server));
	rtt_cmd_line(&cmd, "CLIENT PAUSE 1000 WRITE");
	ck_assert(!rtd_server_is_calm(&cmd.server));
	rtt_cmd_line(&cmd, "CLIENT UNPAUSE");
	ck_assert(rtd_server_is_calm(&cmd.server));
	rtt_cmd_line(&cmd, "MONITOR");
	ck_assert(!rtd_server_is_calm(&cmd.server));
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_FLOOR);
	rtt_cmd_line(&cmd, "RESET");
	ck_assert(rtd_server_is_calm(&cmd.server));
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_DONE);
	rtt_cmd_line(&cmd, "CONFIG SET requirepass secret");
	cmd.client.authenticated = false;
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_FLOOR);
	cmd.client.authenticated = true;
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_DONE);
	end();
}
END_TEST

START_TEST(an_exec_under_way_is_not_seen)
{
	struct rtd_pending *under_way = (struct rtd_pending *)&cmd;

	begin();
	rtt_cmd_line(&cmd, "SET k old");
	/* It is the first lane's; looking into it would be the end. */
	cmd.lane.pending = under_way;
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_DONE);
	replied("$3\r\nold\r\n");
	cmd.lane.pending = NULL;
	end();
}
END_TEST

START_TEST(counts_of_all_lanes_are_told_and_reset)
{
	begin();
	rtt_cmd_line(&cmd, "SET k v");
	rtt_cmd_line(&cmd, "CONFIG RESETSTAT");
	rtt_cmd_line(&cmd, "GET k");
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_DONE);
	ck_assert_int_eq(TRY("GET", "none"), RTD_TRIED_DONE);
	ck_assert_uint_eq(rtd_lanes_counted(&cmd.server, RTD_COUNT_HITS), 2);
	ck_assert_uint_eq(rtd_lanes_counted(&cmd.server, RTD_COUNT_MISSES),
	    1);
	rtd_lanes_gather(&cmd.server);
	rt_buf_clear(&cmd.client.out);
	ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "INFO commandstats"),
	    "cmdstat_get:calls=3,"));
	rtt_cmd_line(&cmd, "CONFIG RESETSTAT");
	ck_assert_uint_eq(rtd_lanes_counted(&cmd.server, RTD_COUNT_HITS), 0);
	ck_assert_ptr_null(strstr(rtt_cmd_line(&cmd, "INFO commandstats"),
	    "cmdstat_get:"));
	end();
}
END_TEST

START_TEST(a_slow_read_is_for_the_slow_log)
{
	struct rt_slice argv[2] = { rt_slice_cstr("GET"), rt_slice_cstr("k") };

	begin();
	rtt_cmd_line(&cmd, "CONFIG SET slowlog-log-slower-than 0");
	ck_assert_int_eq(TRY("GET", "k"), RTD_TRIED_SLOW);
	rtd_command_remember(&cmd.server, &cmd.client, argv, 2, 5000);
	ck_assert_int_eq(cmd.server.slowlog.newest->usec, 5);
	end();
}
END_TEST

RTT_MAIN("lane", plain_reads_do_without_the_floor,
    what_looks_at_more_than_one_moment_does_not,
    others_need_the_floor_and_some_are_alone,
    nothing_stays_of_a_try_that_failed,
    a_server_or_client_in_a_state_keeps_reads_on_the_floor,
    an_exec_under_way_is_not_seen, counts_of_all_lanes_are_told_and_reset,
    a_slow_read_is_for_the_slow_log)
