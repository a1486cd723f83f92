/* What an EXEC does when something is in its way; its words and its sight are
 * compared with redis-server in tests/system/test_transactions.py. */
#include "riptided/cmd/transaction.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

static struct rtt_cmd cmd;
static struct rtd_client other;	/* another one, who is told things */

static void
expect(const char *line, const char *wanted)
{
	const char *got = rtt_cmd_line(&cmd, line);

	ck_assert_msg(strcmp(got, wanted) == 0, "%s: got %s wanted %s", line,
	    got, wanted);
}

static void
begin(void)
{
	rtt_cmd_init(&cmd);
	other = (struct rtd_client){ .id = 8, .authenticated = true };
	other.reply.out = &other.out;
	other.reply.protocol = 2;
	cmd.client.next = &other;
	other.prev = cmd.server.clients_tail = &cmd.client;
}

static void
end(void)
{
	rtd_client_leave(&cmd.server, &other);
	rt_buf_fini(&other.out);
	rtt_cmd_fini(&cmd);
}

START_TEST(a_refused_batch_leaves_nothing_and_tells_nobody)
{
	begin();
	rtd_pubsub_add(&cmd.server.pubsub, &other, RTD_CHANNEL,
	    rt_slice_cstr("ch"));
	expect("SET k old", "+OK\r\n");
	expect("MULTI", "+OK\r\n");
	expect("SET k new", "+QUEUED\r\n");
	expect("PUBLISH ch told", "+QUEUED\r\n");
	expect("GET k", "+QUEUED\r\n");
	/* The disk goes between the checks of EXEC and its write. */
	rtt_fake_engine_refuse_next_write(cmd.server.engine, RT_EREADONLY);
	expect("EXEC", "-MISCONF writes are refused: refused by test\r\n");
	expect("GET k", "$3\r\nold\r\n");
	ck_assert_uint_eq(other.out.len, 0);
	ck_assert_ptr_null(cmd.server.pubsub.held);
	expect("EXEC", "-ERR EXEC without MULTI\r\n");
	end();
}
END_TEST

START_TEST(it_is_refused_whole_while_writes_are)
{
	begin();
	expect("MULTI", "+OK\r\n");
	expect("SET k v", "+QUEUED\r\n");
	rtt_fake_engine_refuse_writes(cmd.server.engine, RT_ENOSPC);
	expect("EXEC", "-EXECABORT Transaction discarded because of: MISCONF "
	    "writes are refused: refused by test\r\n");
	expect("EXEC", "-ERR EXEC without MULTI\r\n");
	/* One that only reads goes on. */
	expect("MULTI", "+OK\r\n");
	expect("GET k", "+QUEUED\r\n");
	expect("EXEC", "*1\r\n$-1\r\n");
	/* A write is refused when it is queued, and so is its EXEC. */
	expect("MULTI", "+OK\r\n");
	expect("SET k v", "-MISCONF writes are refused: refused by test\r\n");
	expect("EXEC", "-EXECABORT Transaction discarded because of previous "
	    "errors.\r\n");
	end();
}
END_TEST

static void
make_room(struct rtt_cmd *harness)
{
	/* Nothing has been done so far. */
	ck_assert_uint_eq(harness->client.out.len, 0);
	if (harness->tries == 4)
		rtt_fake_engine_set_room(harness->server.engine, true);
}

START_TEST(it_waits_for_room_as_a_whole)
{
	begin();
	expect("MULTI", "+OK\r\n");
	rtt_fake_engine_set_room(cmd.server.engine, false);
	/* What is queued needs none yet. */
	expect("SET a 1", "+QUEUED\r\n");
	expect("INCR a", "+QUEUED\r\n");
	cmd.between_tries = make_room;
	expect("EXEC", "*2\r\n+OK\r\n:2\r\n");
	ck_assert_uint_eq(cmd.tries, 4);
	end();
}
END_TEST

START_TEST(all_of_it_is_one_write)
{
	uint64_t writes;

	begin();
	expect("MULTI", "+OK\r\n");
	expect("SET a 1", "+QUEUED\r\n");
	expect("INCR a", "+QUEUED\r\n");
	expect("FLUSHDB", "+QUEUED\r\n");
	expect("SET b 1", "+QUEUED\r\n");
	writes = rtt_fake_engine_writes(cmd.server.engine);
	expect("EXEC", "*4\r\n+OK\r\n:2\r\n+OK\r\n+OK\r\n");
	ck_assert_uint_eq(rtt_fake_engine_writes(cmd.server.engine),
	    writes + 1);
	expect("MGET a b", "*2\r\n$-1\r\n$1\r\n1\r\n");
	/* And of nothing, none. */
	expect("MULTI", "+OK\r\n");
	expect("DEL nosuch", "+QUEUED\r\n");
	expect("EXEC", "*1\r\n:0\r\n");
	ck_assert_uint_eq(rtt_fake_engine_writes(cmd.server.engine),
	    writes + 1);
	end();
}
END_TEST

START_TEST(errors_of_reads_do_not_end_it)
{
	begin();
	expect("MULTI", "+OK\r\n");
	expect("GET k", "+QUEUED\r\n");
	expect("SET k v", "+QUEUED\r\n");
	rtt_fake_engine_fail_reads(cmd.server.engine, RT_EIO);
	expect("EXEC", "*2\r\n-ERR read by test\r\n+OK\r\n");
	/* But who watches must know. */
	rtt_fake_engine_fail_reads(cmd.server.engine, RT_OK);
	expect("WATCH k", "+OK\r\n");
	expect("MULTI", "+OK\r\n");
	expect("SET k w", "+QUEUED\r\n");
	rtt_fake_engine_fail_reads(cmd.server.engine, RT_EIO);
	expect("EXEC", "-ERR read by test\r\n");
	rtt_fake_engine_fail_reads(cmd.server.engine, RT_OK);
	expect("GET k", "$1\r\nv\r\n");
	expect("EXEC", "-ERR EXEC without MULTI\r\n");
	end();
}
END_TEST

START_TEST(each_command_is_counted)
{
	const struct rtd_command *set;
	uint64_t calls, errors;

	begin();
	set = rtd_command_find(rt_slice_cstr("SET"));
	calls = set->calls;
	errors = cmd.server.error_replies;
	expect("MULTI", "+OK\r\n");
	expect("SET k v", "+QUEUED\r\n");
	expect("SET k v", "+QUEUED\r\n");
	expect("INCR k", "+QUEUED\r\n");
	ck_assert_uint_eq(set->calls, calls);
	expect("EXEC", "*3\r\n+OK\r\n+OK\r\n"
	    "-ERR value is not an integer or out of range\r\n");
	ck_assert_uint_eq(set->calls, calls + 2);
	ck_assert_uint_eq(cmd.server.error_replies, errors + 1);
	end();
}
END_TEST

START_TEST(what_a_client_holds_is_counted_and_let_go)
{
	begin();
	ck_assert_uint_eq(rtd_client_held_bytes(&cmd.client), 0);
	expect("WATCH a b", "+OK\r\n");
	expect("MULTI", "+OK\r\n");
	expect("SET a some-longer-value", "+QUEUED\r\n");
	ck_assert_uint_gt(rtd_client_held_bytes(&cmd.client), 40);
	rtd_client_leave(&cmd.server, &cmd.client);
	ck_assert_uint_eq(rtd_client_held_bytes(&cmd.client), 0);
	ck_assert_uint_eq(cmd.client.modes, 0);
	end();
}
END_TEST

RTT_MAIN("transaction", a_refused_batch_leaves_nothing_and_tells_nobody,
    it_is_refused_whole_while_writes_are, it_waits_for_room_as_a_whole,
    all_of_it_is_one_write, errors_of_reads_do_not_end_it,
    each_command_is_counted, what_a_client_holds_is_counted_and_let_go)
