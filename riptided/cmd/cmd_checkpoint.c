/* CHECKPOINT name, on a pool thread. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"
#include "riptided/engine/checkpoint.h"

struct checkpoint {
	struct rtd_cmd_job job;
	struct rtd_checkpoint *making;
	enum rt_code code;
	struct rt_err err;
};

static void
checkpoint_work(struct rtd_cmd_job *job)
{
	struct checkpoint *checkpoint = (struct checkpoint *)job;

	checkpoint->code = rtd_checkpoint_run(checkpoint->making,
	    &checkpoint->err);
}

static void
checkpoint_reply(struct rtd_cmd_job *job)
{
	struct checkpoint *checkpoint = (struct checkpoint *)job;
	struct rtd_resp_writer *reply = &job->client->reply;

	if (checkpoint->code != RT_OK)
		rtd_reply_error(reply, "ERR %s", checkpoint->err.text);
	else
		rtd_reply_ok(reply);
}

static void
checkpoint_free(struct rtd_cmd_job *job)
{
	struct checkpoint *checkpoint = (struct checkpoint *)job;

	rtd_checkpoint_free(checkpoint->making);
	free(checkpoint);
}

void
rtd_cmd_checkpoint(struct rtd_call *call)
{
	struct checkpoint *checkpoint;
	struct rtd_checkpoint *making;
	struct rt_err err = { 0 };

	if (rtd_checkpoint_begin(call->server->engine, call->argv[1], &making,
		&err) != RT_OK) {
		rtd_reply_error(rtd_call_reply(call), "ERR %s", err.text);
		return;
	}
	checkpoint = rt_alloc_zero(1, sizeof(*checkpoint));
	checkpoint->making = making;
	checkpoint->job.work = checkpoint_work;
	checkpoint->job.reply = checkpoint_reply;
	checkpoint->job.free = checkpoint_free;
	rtd_cmd_job_start(&checkpoint->job, call);
}
