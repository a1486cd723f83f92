/* Ends of keys over the fake engine, with a clock that the test turns. */
#include "riptided/cmd/deadlines.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

static struct rtt_cmd cmd;
static struct rtd_client listener;

static void
begin(void)
{
	rtt_cmd_init(&cmd);
	listener = (struct rtd_client){ .id = 8, .authenticated = true };
	listener.reply.out = &listener.out;
	listener.reply.protocol = 2;
	rtt_cmd_line(&cmd, "CONFIG SET notify-keyspace-events Ex");
	rtd_pubsub_add(&cmd.server.pubsub, &listener, RTD_CHANNEL,
	    rt_slice_cstr("__keyevent@0__:expired"));
}

static void
end(void)
{
	rtd_client_leave(&cmd.server, &listener);
	rt_buf_fini(&listener.out);
	rtt_cmd_fini(&cmd);
}

/* The keys that are told of when the clock has gone on by so much, with a
 * blank behind each. */
static const char *
told(int64_t after_ms)
{
	static char out[256];
	const char *at;

	rt_buf_clear(&listener.out);
	cmd.wall_ms += after_ms;
	cmd.server.now_ms = cmd.wall_ms;
	rtd_deadlines_tell(&cmd.server);
	rt_buf_append_byte(&listener.out, 0);
	out[0] = '\0';
	at = (const char *)listener.out.data;
	while ((at = strstr(at, ":expired\r\n$")) != NULL) {
		at = strchr(at + 10, '\n') + 1;
		snprintf(out + strlen(out), sizeof(out) - strlen(out),
		    "%.*s ", (int)strcspn(at, "\r"), at);
	}
	rt_buf_clear(&listener.out);
	return out;
}

START_TEST(each_end_is_told_once_in_its_order)
{
	begin();
	rtt_cmd_line(&cmd, "SET late v PX 300");
	rtt_cmd_line(&cmd, "SET early v PX 100");
	rtt_cmd_line(&cmd, "SET middle v PX 200");
	/* The same end again is one end. */
	rtt_cmd_line(&cmd, "SET early w PX 100");
	ck_assert_str_eq(told(99), "");
	ck_assert_str_eq(told(1), "early ");
	ck_assert_str_eq(told(1), "");
	ck_assert_str_eq(told(500), "middle late ");
	ck_assert_str_eq(told(500), "");
	ck_assert_uint_eq(cmd.server.expired_keys, 3);
	end();
}
END_TEST

START_TEST(what_was_written_since_does_not_end)
{
	begin();
	rtt_cmd_line(&cmd, "MSET a 1 b 1 c 1 d 1 e 1");
	rtt_cmd_line(&cmd, "PEXPIRE a 100");
	rtt_cmd_line(&cmd, "PEXPIRE b 100");
	rtt_cmd_line(&cmd, "PEXPIRE c 100");
	rtt_cmd_line(&cmd, "PEXPIRE d 100");
	rtt_cmd_line(&cmd, "PEXPIRE e 100");
	rtt_cmd_line(&cmd, "DEL a");
	rtt_cmd_line(&cmd, "PERSIST b");
	rtt_cmd_line(&cmd, "PEXPIRE c 200");
	rtt_cmd_line(&cmd, "SET d 2");
	ck_assert_str_eq(told(150), "e ");
	ck_assert_str_eq(told(150), "c ");
	end();
}
END_TEST

START_TEST(keys_from_before_are_found)
{
	begin();
	rtt_cmd_line(&cmd, "CONFIG SET notify-keyspace-events E$");
	rtt_cmd_line(&cmd, "SET a v PX 100");
	rtt_cmd_line(&cmd, "SET b v PX 200");
	ck_assert_str_eq(told(100), "");
	rtt_cmd_line(&cmd, "CONFIG SET notify-keyspace-events Ex");
	/* What had ended by then is past. */
	ck_assert_str_eq(told(0), "");
	ck_assert_str_eq(told(100), "b ");
	end();
}
END_TEST

START_TEST(many_ends_take_several_turns)
{
	char line[64];

	begin();
	for (int i = 0; i < RTD_DEADLINES_A_TURN + 2; i++) {
		snprintf(line, sizeof(line), "SET k%d v PX 100", i);
		rtt_cmd_line(&cmd, line);
	}
	told(100);
	ck_assert_uint_eq(cmd.server.expired_keys, RTD_DEADLINES_A_TURN);
	told(0);
	ck_assert_uint_eq(cmd.server.expired_keys, RTD_DEADLINES_A_TURN + 2);
	end();
}
END_TEST

START_TEST(memory_is_bounded_and_late_ends_are_forgotten)
{
	static char key[60000];
	struct rtd_deadlines *deadlines = &cmd.server.deadlines;
	struct rtd_write_batch batch = { 0 };
	size_t most = RTD_DEADLINES_BYTES_MAX / sizeof(key);

	begin();
	memset(key, 'k', sizeof(key));
	/* Later and later ones, then one that is early. */
	for (size_t i = 0; i < 2 * most; i++) {
		snprintf(key, 32, "%zu", i);
		rtd_write_batch_put(&batch, 0, rt_slice(key, sizeof(key)),
		    rt_slice_cstr("v"), (uint64_t)cmd.wall_ms + 1000 + i);
		rtd_deadlines_note(deadlines, &batch);
		rtd_write_batch_clear(&batch);
		ck_assert_uint_le(deadlines->bytes, RTD_DEADLINES_BYTES_MAX);
	}
	rtd_write_batch_fini(&batch);
	ck_assert_uint_ge(deadlines->count, most - 16);
	ck_assert(deadlines->forgot);
	rtt_cmd_line(&cmd, "SET early v PX 100");
	ck_assert_str_eq(told(100), "early ");
	/* Without them no memory. */
	rtt_cmd_line(&cmd, "CONFIG SET notify-keyspace-events E$");
	ck_assert_uint_eq(deadlines->bytes, 0);
	ck_assert_ptr_null(deadlines->items);
	end();
}
END_TEST

RTT_MAIN("deadlines", each_end_is_told_once_in_its_order,
    what_was_written_since_does_not_end, keys_from_before_are_found,
    many_ends_take_several_turns,
    memory_is_bounded_and_late_ends_are_forgotten)
