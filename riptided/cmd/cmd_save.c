/* SAVE and its relatives, and waiting for the disk. What is written is in the
 * log at once, so that saving is a sync of the log, whatever appendfsync says;
 * there is nothing to rewrite, and there are no replicas to wait for. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/cmd_info.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"

/* A sync that a client, or nobody, waits for. */
struct syncing {
	struct rtd_cmd_job job;		/* unless it is a BGSAVE's */
	struct rtd_engine *engine;
	uint64_t seq;
	uint64_t timeout_ms;
	bool is_save;			/* else a WAITAOF */
	enum rt_code code;
	struct rt_err err;
};

static struct syncing *
syncing_new(struct rtd_call *call)
{
	struct syncing *syncing = rt_alloc_zero(1, sizeof(*syncing));

	syncing->engine = call->server->engine;
	syncing->seq = rtd_engine_visible_seq(call->server->engine);
	syncing->timeout_ms = UINT64_MAX;
	return syncing;
}

static void
syncing_work(struct rtd_cmd_job *job)
{
	struct syncing *syncing = (struct syncing *)job;

	syncing->code = rtd_engine_sync(syncing->engine, syncing->seq,
	    syncing->timeout_ms, &syncing->err);
}

/* How many copies there are: on this disk, and on replicas. */
static void
reply_copies(struct rtd_resp_writer *reply, bool here)
{
	rtd_reply_array(reply, 2);
	rtd_reply_integer(reply, here);
	rtd_reply_integer(reply, 0);
}

static void
syncing_reply(struct rtd_cmd_job *job)
{
	struct syncing *syncing = (struct syncing *)job;
	struct rtd_resp_writer *reply = &job->client->reply;

	if (!syncing->is_save) {
		reply_copies(reply, syncing->code == RT_OK);
	} else if (syncing->code == RT_OK) {
		job->server->saved_ms = rt_clock_wall_ms(job->server->clock);
		rtd_reply_ok(reply);
	} else {
		rtd_reply_error(reply, "ERR %s", syncing->err.text);
	}
}

static void
syncing_free(struct rtd_cmd_job *job)
{
	free(job);
}

static void
start(struct rtd_call *call, struct syncing *syncing)
{
	syncing->job.work = syncing_work;
	syncing->job.reply = syncing_reply;
	syncing->job.free = syncing_free;
	rtd_cmd_job_start(&syncing->job, call);
}

void
rtd_cmd_save(struct rtd_call *call)
{
	struct syncing *syncing;

	if (call->server->saving) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR Background save already in progress");
		return;
	}
	syncing = syncing_new(call);
	syncing->is_save = true;
	start(call, syncing);
}

/* -- BGSAVE -- */

static void
background_run(struct rtd_job *job)
{
	syncing_work((struct rtd_cmd_job *)job);
}

static void
background_done(struct rtd_job *job)
{
	struct syncing *syncing = (struct syncing *)job;
	struct rtd_server_state *server = syncing->job.server;

	server->saving = false;
	if (syncing->code == RT_OK)
		server->saved_ms = rt_clock_wall_ms(server->clock);
	free(syncing);
}

void
rtd_cmd_bgsave(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	bool schedule = call->argc == 2 && rtd_call_arg_is(call, 1, "SCHEDULE");
	struct syncing *syncing;

	if (call->argc > 1 && !schedule) {
		rtd_call_syntax_error(call);
		return;
	}
	if (server->saving) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR Background save already in progress");
		return;
	}
	syncing = syncing_new(call);
	syncing->job.job.run = background_run;
	syncing->job.job.done = background_done;
	syncing->job.server = server;
	server->saving = true;
	rtd_reply_simple(rtd_call_reply(call), "Background saving started");
	rtd_pool_submit(server->pool, &syncing->job.job);
}

/* The compactor rewrites what is to be rewritten, by its own rules. */
void
rtd_cmd_bgrewriteaof(struct rtd_call *call)
{
	rtd_reply_simple(rtd_call_reply(call),
	    "Background append only file rewriting started");
}

void
rtd_cmd_lastsave(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call),
	    rtd_info_last_save_ms(call->server) / 1000);
}

/* -- WAIT and WAITAOF -- */

/* Milliseconds; 0 is without end. False: the error reply is written. */
static bool
parse_timeout(struct rtd_call *call, struct rt_slice text, int64_t *timeout_ms)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	if (!rt_parse_i64(text, timeout_ms)) {
		rtd_reply_error(reply,
		    "ERR timeout is not an integer or out of range");
		return false;
	}
	if (*timeout_ms < 0) {
		rtd_reply_error(reply, "ERR timeout is negative");
		return false;
	}
	return true;
}

/* No replica will ever say that it has it: no use in waiting. */
void
rtd_cmd_wait(struct rtd_call *call)
{
	int64_t replicas, timeout_ms;

	if (rtd_call_i64(call, call->argv[1], &replicas) &&
	    parse_timeout(call, call->argv[2], &timeout_ms))
		rtd_reply_integer(rtd_call_reply(call), 0);
}

/* A number from 0 to most. False: the error reply is written. */
static bool
parse_copies(struct rtd_call *call, struct rt_slice text, int64_t most,
    const char *error, int64_t *out)
{
	if (!rtd_call_i64(call, text, out))
		return false;
	if (*out >= 0 && *out <= most)
		return true;
	rtd_reply_error(rtd_call_reply(call), "ERR %s", error);
	return false;
}

void
rtd_cmd_waitaof(struct rtd_call *call)
{
	int64_t here, replicas, timeout_ms;
	struct syncing *syncing;

	if (!parse_copies(call, call->argv[1], 1, "value is out of range, "
		"value must between 0 and 1", &here) ||
	    !parse_copies(call, call->argv[2], INT64_MAX, "value is out of "
		"range, must be positive", &replicas) ||
	    !parse_timeout(call, call->argv[3], &timeout_ms))
		return;
	syncing = syncing_new(call);
	if (timeout_ms != 0)
		syncing->timeout_ms = (uint64_t)timeout_ms;
	/* Within an EXEC nothing is waited for: it tells how things stand. */
	if (here == 1 && call->lane->pending == NULL) {
		start(call, syncing);
		return;
	}
	reply_copies(rtd_call_reply(call),
	    rtd_engine_durable_seq(syncing->engine) >= syncing->seq);
	free(syncing);
}
