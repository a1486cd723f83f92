/* The commands LATENCY and SLOWLOG. */
#include <stdio.h>
#include <string.h>

#include "libcommon/daemon/latency.h"
#include "riptided/cmd/latency_graph.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/runner.h"

#define MS UINT64_C(1000000)

static struct rtt_cmd cmd;

static void
expect(const char *line, const char *wanted)
{
	const char *got = rtt_cmd_line(&cmd, line);

	ck_assert_msg(strcmp(got, wanted) == 0, "%s: got %s wanted %s", line,
	    got, wanted);
}

static void
expect_in(const char *line, const char *wanted)
{
	const char *got = rtt_cmd_line(&cmd, line);

	ck_assert_msg(strstr(got, wanted) != NULL, "%s: got %s wanted %s",
	    line, got, wanted);
}

START_TEST(events_are_told_and_forgotten)
{
	rtt_cmd_init(&cmd);
	expect("LATENCY LATEST", "*0\r\n");
	expect("LATENCY HISTORY wal-sync", "*0\r\n");
	expect_in("LATENCY DOCTOR", "Nothing took 100 ms or longer");
	rt_latency_note(RT_LATENCY_WAL_SYNC, 99 * MS);
	expect("LATENCY LATEST", "*0\r\n");
	rt_latency_note(RT_LATENCY_WAL_SYNC, 250 * MS);
	rt_latency_note(RT_LATENCY_FLUSH, 120 * MS);
	expect_in("LATENCY LATEST", "*2\r\n*4\r\n$8\r\nwal-sync\r\n:");
	expect_in("LATENCY LATEST", "\r\n:250\r\n:250\r\n");
	expect_in("LATENCY HISTORY WAL-SYNC", "*1\r\n*2\r\n:");
	expect("LATENCY HISTORY nonsense", "*0\r\n");
	expect_in("LATENCY DOCTOR", "wal-sync: 1 seconds with one, 250 ms");
	expect_in("LATENCY GRAPH flush", "flush - high 120 ms, low 120 ms");
	expect("LATENCY GRAPH nonsense",
	    "-ERR No samples available for event 'nonsense'\r\n");
	expect("LATENCY RESET flush nonsense", ":1\r\n");
	expect("LATENCY RESET", ":1\r\n");
	expect("LATENCY LATEST", "*0\r\n");
	expect("CONFIG SET latency-monitor-threshold 0", "+OK\r\n");
	rt_latency_note(RT_LATENCY_WAL_SYNC, 99999 * MS);
	expect("LATENCY LATEST", "*0\r\n");
	expect_in("LATENCY DOCTOR", "No event is watched");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_graph_has_its_highest_on_top)
{
	struct rt_latency_series series = { .count = 3, .max_ms = 900,
		.samples = { { 100, 10 }, { 940, 700 }, { 995, 130 } } };
	struct rt_buf text = { 0 };

	rtd_latency_graph("command", &series, 1000, &text);
	rt_buf_append_byte(&text, '\0');
	ck_assert_str_eq((const char *)text.data,
	    "command - high 700 ms, low 10 ms (all time high 900 ms)\n"
	    " ` \n"
	    " | \n"
	    " | \n"
	    "_|`\n"
	    "115\n"
	    "5ms\n"
	    "m  \n");
	rt_buf_fini(&text);
}
END_TEST

START_TEST(times_of_commands_are_told_by_name_and_container)
{
	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "GET a");
	rtt_cmd_line(&cmd, "GET b");
	rtt_cmd_line(&cmd, "CLIENT ID");
	rtt_cmd_line(&cmd, "CLIENT GETNAME");
	/* The clock of the tests stands still. */
	expect("LATENCY HISTOGRAM get nonsense",
	    "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:2\r\n"
	    "$14\r\nhistogram_usec\r\n*2\r\n:1\r\n:2\r\n");
	expect_in("LATENCY HISTOGRAM client", "$9\r\nclient|id\r\n");
	expect_in("LATENCY HISTOGRAM client", "$14\r\nclient|getname\r\n");
	expect_in("LATENCY HISTOGRAM", "$3\r\nget\r\n");
	expect("CONFIG RESETSTAT", "+OK\r\n");
	expect("LATENCY HISTOGRAM get", "*0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(percentiles_are_in_info)
{
	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "SET k v");
	expect_in("INFO latencystats", "# Latencystats\r\n"
	    "latency_percentiles_usec_set:p50=0.000,p99=0.000,p99.9=0.000");
	expect_in("INFO everything", "latency_percentiles_usec_set");
	ck_assert_ptr_null(strstr(rtt_cmd_line(&cmd, "INFO"),
	    "latency_percentiles"));
	rtt_cmd_fini(&cmd);
}
END_TEST

/* What runs in the pool is slow as well as what runs on the loop, and counts
 * once. */
START_TEST(slow_jobs_are_in_the_slowlog)
{
	rtt_cmd_init(&cmd);
	expect("CONFIG SET slowlog-log-slower-than 0", "+OK\r\n");
	expect("SLOWLOG RESET", "+OK\r\n");
	rtt_cmd_line(&cmd, "KEYS pattern*");
	expect_in("SLOWLOG GET 1", "*2\r\n$4\r\nKEYS\r\n$8\r\npattern*\r\n"
	    "$11\r\n127.0.0.1:1\r\n");
	expect_in("INFO commandstats", "cmdstat_keys:calls=1,");
	expect_in("LATENCY HISTOGRAM keys", "calls\r\n:1\r\n");
	expect("CONFIG SET slowlog-log-slower-than -1", "+OK\r\n");
	expect("SLOWLOG RESET", "+OK\r\n");
	rtt_cmd_line(&cmd, "KEYS *");
	expect("SLOWLOG LEN", ":0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

RTT_MAIN("cmd_latency", events_are_told_and_forgotten,
    a_graph_has_its_highest_on_top,
    times_of_commands_are_told_by_name_and_container, percentiles_are_in_info,
    slow_jobs_are_in_the_slowlog)
