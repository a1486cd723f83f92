#include "riptided/cmd/write_holds.h"

#include <string.h>

#include "libcommon/daemon/latency.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

static struct rtt_cmd cmd;

/* Another turn of the loop. */
static void
turn(int64_t ms)
{
	cmd.wall_ms += ms;
	cmd.server.now_us = (uint64_t)cmd.wall_ms * 1000;
	rtd_write_holds_look(&cmd.server);
}

static bool
try_to_write(void)
{
	const struct rt_slice words[] = { rt_slice_cstr("SET"),
		rt_slice_cstr("k"), rt_slice_cstr("v") };

	return rtd_command_dispatch(&cmd.server, &cmd.client, words, 3);
}

START_TEST(a_wait_lasts_from_the_first_write_to_the_first_room)
{
	const struct rtd_write_hold_count *count =
	    &cmd.server.write_holds.by[RTD_HOLD_MEMTABLES];

	rtt_cmd_init(&cmd);
	turn(0);
	rtt_fake_engine_set_room(cmd.server.engine, false);
	/* Nobody waits. */
	turn(5);
	ck_assert_uint_eq(count->begun, 0);
	ck_assert(!try_to_write());
	turn(300);
	ck_assert(!try_to_write());
	ck_assert_uint_eq(count->begun, 1);
	ck_assert_uint_eq(rtd_write_holds_usec(&cmd.server,
		RTD_HOLD_MEMTABLES), 300000);
	rtt_fake_engine_set_room(cmd.server.engine, true);
	cmd.wall_ms += 200;
	cmd.server.now_us = (uint64_t)cmd.wall_ms * 1000;
	ck_assert(try_to_write());
	ck_assert_int_eq(cmd.server.write_holds.current, RTD_HOLD_NONE);
	turn(7);
	ck_assert_uint_eq(rtd_write_holds_usec(&cmd.server,
		RTD_HOLD_MEMTABLES), 500000);
	ck_assert_uint_eq(count->begun, 1);
	ck_assert_uint_eq(count->refused, 0);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_wait_is_an_event_of_latency)
{
	struct rt_latency_series series;

	rtt_cmd_init(&cmd);
	turn(0);
	rtt_fake_engine_set_room(cmd.server.engine, false);
	ck_assert(!try_to_write());
	rtt_fake_engine_set_room(cmd.server.engine, true);
	turn(250);
	rt_latency_get(RT_LATENCY_WRITE_STALL, &series);
	ck_assert_uint_eq(series.count, 1);
	ck_assert_uint_eq(series.samples[0].ms, 250);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(each_refused_write_is_counted)
{
	const struct rtd_write_hold_count *count =
	    &cmd.server.write_holds.by[RTD_HOLD_DISK];

	rtt_cmd_init(&cmd);
	rtt_fake_engine_refuse_writes(cmd.server.engine, RT_ENOSPC);
	/* A state, whether somebody writes or not. */
	turn(0);
	turn(1);
	ck_assert_uint_eq(count->begun, 1);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "SET k v"),
		    "-MISCONF"));
	ck_assert_uint_eq(count->refused, 3);
	ck_assert_uint_eq(count->begun, 1);
	rtt_fake_engine_refuse_writes(cmd.server.engine, RT_OK);
	turn(1);
	ck_assert_uint_eq(rtd_write_holds_usec(&cmd.server, RTD_HOLD_DISK),
	    2000);
	ck_assert_int_eq(cmd.server.write_holds.current, RTD_HOLD_NONE);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(every_cause_has_a_name_of_its_own)
{
	for (int i = 0; i < RTD_HOLDS; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(
			    rtd_write_hold_name((enum rtd_write_hold)i),
			    rtd_write_hold_name((enum rtd_write_hold)j));
}
END_TEST

RTT_MAIN("write_holds", a_wait_lasts_from_the_first_write_to_the_first_room,
    a_wait_is_an_event_of_latency, each_refused_write_is_counted,
    every_cause_has_a_name_of_its_own)
