/* RANDOMKEY, on a pool thread: it may have to read, and to try often. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"

struct picking {
	struct rtd_cmd_job job;
	struct rtd_engine *engine;
	struct rtd_read read;
	uint64_t seed;
	struct rt_buf key;
	bool found;
	uint64_t seq;
	enum rt_code code;
	struct rt_err err;
};

static void
picking_work(struct rtd_cmd_job *job)
{
	struct picking *picking = (struct picking *)job;
	struct rtd_reader *reader = rtd_reader_new(picking->engine);

	picking->code = rtd_reader_random_key(reader, &picking->read,
	    picking->seed, &picking->key, &picking->found, &picking->seq,
	    &picking->err);
	rtd_reader_free(reader);
}

static void
picking_reply(struct rtd_cmd_job *job)
{
	struct picking *picking = (struct picking *)job;
	struct rtd_client *client = job->client;

	rtd_client_wait_for(client, picking->seq);
	if (picking->code != RT_OK)
		rtd_reply_error(&client->reply, "ERR %s", picking->err.text);
	else if (picking->found)
		rtd_reply_bulk(&client->reply, rt_buf_slice(&picking->key));
	else
		rtd_reply_null(&client->reply);
}

static void
picking_free(struct rtd_cmd_job *job)
{
	struct picking *picking = (struct picking *)job;

	rt_buf_fini(&picking->key);
	free(picking);
}

void
rtd_cmd_randomkey(struct rtd_call *call)
{
	struct picking *picking = rt_alloc_zero(1, sizeof(*picking));

	picking->engine = call->server->engine;
	picking->read = rtd_call_reading(call);
	/* No two are alike, even in one turn. */
	picking->seed = call->server->now_us * 1000003 +
	    call->server->commands_processed;
	picking->job.work = picking_work;
	picking->job.reply = picking_reply;
	picking->job.free = picking_free;
	rtd_cmd_job_start(&picking->job, call);
}
