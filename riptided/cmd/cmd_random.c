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
		rtd_reply_read_error(job->server, &client->reply,
		    picking->err.text);
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

/* Of so many keys one is picked within an EXEC. */
#define PICKED_OF 1024

/* Within an EXEC: one of the first keys that there are by now. */
static void
pick_here(struct rtd_call *call, uint64_t seed)
{
	const struct rtd_read read = rtd_call_reading(call);
	struct rt_buf picked = { 0 };
	uint64_t seq = 0, seen = 0;
	struct rt_iter *iter = rtd_call_iter(call, &read, &seq);

	if (iter == NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR the snapshot in use was released");
		return;
	}
	rtd_client_wait_for(call->client, seq);
	for (rt_iter_seek_first(iter); iter->valid && seen < PICKED_OF;
	     rt_iter_next(iter)) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if ((seed >> 33) % ++seen != 0)
			continue;
		rt_buf_clear(&picked);
		rt_buf_append_slice(&picked, rt_key_user(iter->entry.key));
	}
	if (iter->code != RT_OK)
		rtd_reply_error(rtd_call_reply(call), "ERR %s",
		    iter->err.text);
	else if (seen != 0)
		rtd_reply_bulk(rtd_call_reply(call), rt_buf_slice(&picked));
	else
		rtd_reply_null(rtd_call_reply(call));
	rt_buf_fini(&picked);
	rt_iter_free(iter);
}

void
rtd_cmd_randomkey(struct rtd_call *call)
{
	/* No two are alike, even in one turn. */
	uint64_t seed = call->server->now_us * 1000003 +
	    rtd_lanes_counted(call->server, RTD_COUNT_COMMANDS);
	struct picking *picking;

	if (call->lane->pending != NULL) {
		pick_here(call, seed);
		return;
	}
	picking = rt_alloc_zero(1, sizeof(*picking));
	picking->engine = call->server->engine;
	picking->read = rtd_call_reading(call);
	picking->seed = seed;
	picking->job.work = picking_work;
	picking->job.reply = picking_reply;
	picking->job.free = picking_free;
	rtd_cmd_job_start(&picking->job, call);
}
