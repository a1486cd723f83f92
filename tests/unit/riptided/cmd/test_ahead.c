#include "riptided/cmd/ahead.h"

#include "tests/support/cmd_harness.h"
#include "tests/support/runner.h"

#define GET(key) "*2\r\n$3\r\nGET\r\n$1\r\n" key "\r\n"
#define SET(key) "*3\r\n$3\r\nset\r\n$1\r\n" key "\r\n$1\r\n9\r\n"

static struct rtt_cmd cmd;
static struct rtd_client second;

static void
setup(void)
{
	rtt_cmd_init(&cmd);
	second = (struct rtd_client){ .id = 8, .authenticated = true };
	rtt_cmd_line(&cmd, "SET a 1");
	rtt_cmd_line(&cmd, "SET b 2");
}

static void
teardown(void)
{
	rtd_ahead_end(&cmd.lane.ahead);
	rtt_cmd_fini(&cmd);
}

static bool
offer(const struct rtd_client *client, const char *bytes)
{
	return rtd_ahead_offer(&cmd.lane, client,
	    rt_slice_cstr(bytes));
}

/* The next value is this one, of the key in these bytes. */
static void
takes(const char *bytes, const char *value)
{
	struct rtd_ahead *ahead = &cmd.lane.ahead;
	const uint8_t *key = ahead->keys[ahead->next].data;
	struct rtd_value got;

	ck_assert_uint_lt(ahead->next, ahead->count);
	ck_assert((uintptr_t)key - (uintptr_t)bytes < strlen(bytes));
	ck_assert_int_eq(rtd_ahead_take(ahead, &got), RT_OK);
	ck_assert(rt_slice_equal(got.bytes, rt_slice_cstr(value)));
	rtd_value_fini(&got);
}

START_TEST(first_gets_of_two_clients_are_read_together)
{
	static const char one[] = GET("a") GET("b"), two[] = GET("b");

	setup();
	ck_assert(offer(&cmd.client, one));
	ck_assert(offer(&second, two));
	rtd_ahead_read_offered(&cmd.lane, &cmd.server);
	takes(one, "1");
	takes(one, "2");
	takes(two, "2");
	ck_assert_uint_eq(cmd.lane.ahead.next, cmd.lane.ahead.count);
	teardown();
}
END_TEST

START_TEST(a_get_behind_another_command_is_not_looked_up)
{
	setup();
	ck_assert(offer(&cmd.client, SET("a") GET("a")));
	ck_assert(offer(&second, GET("a") SET("b") GET("b")));
	ck_assert_uint_eq(cmd.lane.ahead.count, 1);
	/* One alone is left to its command. */
	rtd_ahead_read_offered(&cmd.lane, &cmd.server);
	ck_assert_uint_eq(cmd.lane.ahead.count, 0);
	teardown();
}
END_TEST

START_TEST(who_may_not_read_the_present_at_once_is_left_out)
{
	struct rtd_client others[] = {
		{ .authenticated = false },
		{ .authenticated = true, .database = 3 },
		{ .authenticated = true, .modes = RTD_MODE_MULTI },
		{ .authenticated = true, .misses = 1 },
		{ .authenticated = true, .parked = true },
		{ .authenticated = true, .killed = true },
		{ .authenticated = true,
		    .snapshot = (struct rtd_snapshot *)&second },
	};

	setup();
	ck_assert(offer(&cmd.client, GET("a")));
	for (size_t i = 0; i < RT_COUNTOF(others); i++) {
		ck_assert(offer(&others[i], GET("b")));
		ck_assert_uint_eq(cmd.lane.ahead.count, 1);
	}
	ck_assert(offer(&second, GET("b")));
	ck_assert_uint_eq(cmd.lane.ahead.count, 2);
	rtd_ahead_read_offered(&cmd.lane, &cmd.server);
	teardown();
}
END_TEST

START_TEST(no_more_is_taken_than_is_read_at_a_time)
{
	char many[(RTD_READ_KEYS_MAX + 2) * sizeof(GET("a"))] = "";

	for (size_t i = 0; i < RTD_READ_KEYS_MAX + 2; i++)
		strcat(many, GET("a"));
	setup();
	ck_assert(!offer(&cmd.client, many));
	ck_assert(!offer(&second, GET("b")));
	ck_assert_uint_eq(cmd.lane.ahead.count, RTD_READ_KEYS_MAX);
	rtd_ahead_read_offered(&cmd.lane, &cmd.server);
	for (size_t i = 0; i < RTD_READ_KEYS_MAX; i++)
		takes(many, "1");
	teardown();
}
END_TEST

START_TEST(nothing_is_read_while_the_server_loads)
{
	struct rtd_reader *reader;

	setup();
	reader = cmd.lane.reader;
	cmd.lane.reader = NULL;
	ck_assert(!offer(&cmd.client, GET("a") GET("b")));
	ck_assert_uint_eq(cmd.lane.ahead.count, 0);
	cmd.lane.reader = reader;
	teardown();
}
END_TEST

RTT_MAIN("ahead", first_gets_of_two_clients_are_read_together,
    a_get_behind_another_command_is_not_looked_up,
    who_may_not_read_the_present_at_once_is_left_out,
    no_more_is_taken_than_is_read_at_a_time,
    nothing_is_read_while_the_server_loads)
