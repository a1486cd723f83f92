#include "tests/support/cmd_harness.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "tests/support/fake_engine.h"

#define WORDS_MAX 64

/* The pool of the tests: no threads. */
void
rtd_pool_submit(struct rtd_pool *pool, struct rtd_job *job)
{
	job->run(job);
	job->done(job);
}

void
rtd_pool_submit_short(struct rtd_pool *pool, struct rtd_job *job)
{
	rtd_pool_submit(pool, job);
}

static uint64_t
monotonic_ns(struct rt_clock *clock)
{
	return (uint64_t)((struct rtt_cmd *)clock)->wall_ms * 1000000;
}

static int64_t
wall_ms(struct rt_clock *clock)
{
	return ((struct rtt_cmd *)clock)->wall_ms;
}

static void
kill_client(struct rtd_server_state *server, struct rtd_client *client)
{
	((struct rtt_cmd *)server->net)->killed++;
	client->killed = true;
}

static void
unpark_client(struct rtd_server_state *server, struct rtd_client *client)
{
	client->parked = false;
}

static bool
client_hung_up(struct rtd_server_state *server, struct rtd_client *client)
{
	return ((struct rtt_cmd *)server->net)->hung_up;
}

static void
set_option(struct rtt_cmd *cmd, const char *name, const char *value)
{
	rt_assert(rt_config_set(&cmd->config, rt_slice_cstr(name),
	    rt_slice_cstr(value), false, NULL) == RT_OK);
}

static void
output_grew(struct rtd_server_state *server, struct rtd_client *client)
{
	((struct rtt_cmd *)server->net)->grew++;
}

static void
resume(struct rtd_server_state *server)
{
	((struct rtt_cmd *)server->net)->resumed++;
}

/* All but the scratch directory. */
static void
begin(struct rtt_cmd *cmd)
{
	cmd->clock.monotonic_ns = monotonic_ns;
	cmd->clock.wall_ms = wall_ms;
	cmd->wall_ms = INT64_C(1700000000000);
	rt_config_init(&cmd->config);
	set_option(cmd, "dir", cmd->scratch.path);
	cmd->server.config = &cmd->config;
	cmd->server.clock = &cmd->clock;
	cmd->server.started_ms = cmd->wall_ms;
	cmd->server.kill_client = kill_client;
	cmd->server.unpark_client = unpark_client;
	cmd->server.client_hung_up = client_hung_up;
	cmd->server.output_grew = output_grew;
	cmd->server.resume = resume;
	cmd->server.net = cmd;
	cmd->client.id = 7;
	cmd->client.lane = &cmd->lane;
	cmd->client.authenticated = true;
	cmd->client.reply.out = &cmd->client.out;
	cmd->client.reply.protocol = 2;
	snprintf(cmd->client.peer, sizeof(cmd->client.peer), "127.0.0.1:1");
	cmd->server.clients = cmd->server.clients_tail = &cmd->client;
	rtd_server_state_init(&cmd->server);
	rtd_lane_open(&cmd->server, &cmd->lane);
	cmd->server.engine = rtt_fake_engine_new();
	cmd->lane.reader = rtd_reader_new(cmd->server.engine);
}

static void
end(struct rtt_cmd *cmd)
{
	rtd_client_leave(&cmd->server, &cmd->client);
	rtd_reader_free(cmd->lane.reader);
	rtt_fake_engine_free(cmd->server.engine);
	rtd_lane_close(&cmd->lane);
	rtd_server_state_fini(&cmd->server);
	rt_buf_fini(&cmd->client.out);
	rt_config_fini(&cmd->config);
}

void
rtt_cmd_init(struct rtt_cmd *cmd)
{
	*cmd = (struct rtt_cmd){ 0 };
	rtt_scratch_init(&cmd->scratch);
	begin(cmd);
}

void
rtt_cmd_fini(struct rtt_cmd *cmd)
{
	end(cmd);
	rtt_scratch_fini(&cmd->scratch);
}

void
rtt_cmd_renew(struct rtt_cmd *cmd)
{
	struct rtt_scratch scratch = cmd->scratch;

	end(cmd);
	*cmd = (struct rtt_cmd){ .scratch = scratch };
	begin(cmd);
}

void
rtt_cmd_restart(struct rtt_cmd *cmd)
{
	rtd_lane_close(&cmd->lane);
	rtd_server_state_fini(&cmd->server);
	rtd_server_state_init(&cmd->server);
	rtd_lane_open(&cmd->server, &cmd->lane);
}

const char *
rtt_cmd_run(struct rtt_cmd *cmd, const struct rt_slice *argv, size_t argc)
{
	struct rtd_client *client = &cmd->client;

	rt_buf_clear(&client->out);
	cmd->server.now_ms = cmd->wall_ms;
	cmd->server.now_us = (uint64_t)cmd->wall_ms * 1000;
	cmd->tries = 1;
	while (!rtd_command_dispatch(&cmd->server, client, argv, argc)) {
		ck_assert(!client->parked);
		cmd->tries++;
		if (cmd->between_tries != NULL)
			cmd->between_tries(cmd);
	}
	ck_assert(!client->parked);
	rt_buf_append_byte(&client->out, 0);
	client->out.len--;
	return (const char *)client->out.data;
}

const char *
rtt_cmd_line(struct rtt_cmd *cmd, const char *line)
{
	struct rt_slice argv[WORDS_MAX];
	size_t argc = 0, len;

	for (line += strspn(line, " "); *line != '\0';
	     line += strspn(line, " ")) {
		len = strcspn(line, " ");
		ck_assert_uint_lt(argc, WORDS_MAX);
		argv[argc++] = len == 2 && memcmp(line, "''", 2) == 0 ?
		    rt_slice(NULL, 0) : rt_slice(line, len);
		line += len;
	}
	return rtt_cmd_run(cmd, argv, argc);
}
