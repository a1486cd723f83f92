#include "riptided/metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

static struct rtt_cmd cmd;
static struct rt_buf text;

static const char *
write_text(void)
{
	rt_buf_clear(&text);
	rtd_metrics_write(&cmd.server, &text);
	rt_buf_append_byte(&text, '\0');
	return (const char *)text.data;
}

/* The value of the sample with this name and these labels. */
static double
sample(const char *name)
{
	char line[400];
	const char *at;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(write_text(), line);
	ck_assert_msg(at != NULL, "no %s", name);
	return strtod(at + strlen(line), NULL);
}

START_TEST(what_commands_did_is_counted)
{
	rtt_cmd_init(&cmd);
	for (int i = 0; i < 5; i++)
		rtt_cmd_line(&cmd, "SET k v");
	for (int i = 0; i < 3; i++)
		rtt_cmd_line(&cmd, "GET k");
	rtt_cmd_line(&cmd, "GET absent");
	rtt_cmd_line(&cmd, "INCR k");
	rtt_cmd_line(&cmd, "GET");
	rtt_cmd_line(&cmd, "PING");
	ck_assert_double_eq(sample("riptide_commands_total{command=\"set\"}"),
	    5);
	ck_assert_double_eq(sample("riptide_commands_total{command=\"get\"}"),
	    4);
	ck_assert_double_eq(
	    sample("riptide_commands_failed_total{command=\"incr\"}"), 1);
	ck_assert_double_eq(
	    sample("riptide_commands_rejected_total{command=\"get\"}"), 1);
	ck_assert_double_eq(
	    sample("riptide_error_replies_total{error=\"ERR\"}"), 2);
	ck_assert_double_eq(sample("riptide_keyspace_hits_total"), 3);
	ck_assert_double_eq(sample("riptide_keyspace_misses_total"), 1);
	ck_assert_double_eq(sample("riptide_command_duration_seconds_count"
				   "{family=\"string\"}"), 10);
	ck_assert_double_eq(sample("riptide_command_duration_seconds_count"
				   "{family=\"connection\"}"), 1);
	ck_assert_double_eq(sample("riptide_loading"), 0);
	rtt_cmd_fini(&cmd);
	rt_buf_fini(&text);
}
END_TEST

/* Each sample stands behind the head of its family, and no family comes
 * twice. */
START_TEST(every_line_is_well_formed)
{
	char family[128] = "", seen[64 * 1024] = " ";
	char *line, *rest = NULL, *copy;

	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "SET k v");
	copy = strdup(write_text());
	for (line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char name[128], wanted[130];

		if (strncmp(line, "# HELP ", 7) == 0) {
			ck_assert_int_eq(sscanf(line, "# HELP %127s", family),
			    1);
			snprintf(wanted, sizeof(wanted), " %s ", family);
			ck_assert_msg(strstr(seen, wanted) == NULL,
			    "%s comes twice", family);
			strcat(strcat(seen, family), " ");
			ck_assert_int_eq(line[strlen(line) - 1], '.');
		} else if (line[0] != '#') {
			ck_assert_int_eq(sscanf(line, "%127[a-z_]", name), 1);
			ck_assert_msg(strncmp(name, family, strlen(family)) ==
			    0, "%s stands below %s", name, family);
			ck_assert_ptr_nonnull(strrchr(line, ' '));
		}
	}
	free(copy);
	rtt_cmd_fini(&cmd);
	rt_buf_fini(&text);
}
END_TEST

START_TEST(while_loading_there_is_less_to_tell)
{
	struct rtd_engine *engine;

	rtt_cmd_init(&cmd);
	engine = cmd.server.engine;
	cmd.server.engine = NULL;
	ck_assert_double_eq(sample("riptide_loading"), 1);
	ck_assert_double_eq(sample("riptide_compactor_up"), 0);
	ck_assert_ptr_null(strstr(write_text(), "riptide_wal_bytes"));
	cmd.server.engine = engine;
	rtt_cmd_fini(&cmd);
	rt_buf_fini(&text);
}
END_TEST

RTT_MAIN("metrics", what_commands_did_is_counted, every_line_is_well_formed,
    while_loading_there_is_less_to_tell)
