#include <string.h>

#include "libcommon/daemon/latency.h"
#include "libcommon/manifest/compactor_status.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

#define MS UINT64_C(1000000)

static struct rtt_cmd cmd;

static void
expect_in(const char *wanted)
{
	const char *got = rtt_cmd_line(&cmd, "RIPTIDE WHY");

	ck_assert_msg(strstr(got, wanted) != NULL, "got %s wanted %s", got,
	    wanted);
}

START_TEST(nothing_is_wrong_when_nothing_is)
{
	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "SET k v");
	ck_assert_str_eq(rtt_cmd_line(&cmd, "RIPTIDE WHY"), "*0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(refused_writes_have_cause_length_and_advice)
{
	rtt_cmd_init(&cmd);
	rtt_fake_engine_refuse_writes(cmd.server.engine, RT_ENOSPC);
	rtt_cmd_line(&cmd, "SET k v");
	cmd.wall_ms += 1500;
	expect_in("*1\r\n*14\r\n$5\r\ncause\r\n$12\r\ndisk-reserve\r\n"
		  "$5\r\nstate\r\n$7\r\nrefused\r\n");
	expect_in("$8\r\nsince-ms\r\n:1500\r\n");
	expect_in("$10\r\ndebt-bytes\r\n:67108864\r\n");
	expect_in("Make room");
	rtt_fake_engine_refuse_writes(cmd.server.engine, RT_OK);
	expect_in("*1\r\n*14\r\n$5\r\ncause\r\n$12\r\ndisk-reserve\r\n"
		  "$5\r\nstate\r\n$4\r\npast\r\n");
	expect_in("1 times, 1500 ms in all, 1 writes refused");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_wait_for_a_flush_is_seen_while_it_lasts)
{
	const struct rt_slice words[] = { rt_slice_cstr("SET"),
		rt_slice_cstr("k"), rt_slice_cstr("v") };

	rtt_cmd_init(&cmd);
	rtt_fake_engine_set_room(cmd.server.engine, false);
	ck_assert(!rtd_command_dispatch(&cmd.server, &cmd.client, words, 3));
	expect_in("$9\r\nmemtables\r\n$5\r\nstate\r\n$7\r\nwaiting\r\n");
	expect_in("memtable-max-count is 4");
	rtt_fake_engine_set_room(cmd.server.engine, true);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_pause_of_clients_is_a_cause)
{
	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "CLIENT PAUSE 10000 WRITE");
	expect_in("$12\r\nclient-pause\r\n");
	expect_in("CLIENT PAUSE holds writes");
	expect_in("$11\r\neta-seconds\r\n:10\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(what_took_long_in_the_last_minute_is_told)
{
	rtt_cmd_init(&cmd);
	cmd.wall_ms = rt_clock_wall_ms(rt_clock_system());
	rt_latency_note(RT_LATENCY_WAL_SYNC, 300 * MS);
	expect_in("$8\r\nwal-sync\r\n$5\r\nstate\r\n$4\r\nslow\r\n");
	expect_in("up to 300 ms");
	cmd.wall_ms += 120000;
	ck_assert_str_eq(rtt_cmd_line(&cmd, "RIPTIDE WHY"), "*0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(debt_that_nobody_works_on_is_a_risk)
{
	const struct rt_compactor_status status = { .debt_bytes = 12345,
		.last_error = "no space" };

	rtt_cmd_init(&cmd);
	ck_assert_int_eq(rt_compactor_status_save(rt_fs_posix(),
	    cmd.scratch.fd, &status, NULL), RT_OK);
	expect_in("$15\r\ncompaction-debt\r\n$5\r\nstate\r\n$4\r\nrisk\r\n");
	expect_in("the compactor is absent");
	expect_in("$10\r\ndebt-bytes\r\n:12345\r\n");
	expect_in("Start riptide-compactd");
	expect_in("$15\r\ncompactor-error\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

RTT_MAIN("cmd_why", nothing_is_wrong_when_nothing_is,
    refused_writes_have_cause_length_and_advice,
    a_wait_for_a_flush_is_seen_while_it_lasts, a_pause_of_clients_is_a_cause,
    what_took_long_in_the_last_minute_is_told,
    debt_that_nobody_works_on_is_a_risk)
