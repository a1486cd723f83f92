/* DBSIZE [EXACT], on a pool thread: exact up to RTD_COUNT_EXACT_KEYS, above it
 * an estimate, unless EXACT is given. docs/dbsize.md has the error. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"

struct dbsize {
	struct rtd_cmd_job job;
	struct rtd_counting *counting;
	struct rtd_read read;
	const struct rtd_pending *pending;	/* of the EXEC; or NULL */
	bool exact;
	struct rtd_count count;
	enum rt_code code;
	struct rt_err err;
};

static void
dbsize_work(struct rtd_cmd_job *job)
{
	struct dbsize *dbsize = (struct dbsize *)job;

	dbsize->code = rtd_counting_run(dbsize->counting, &dbsize->read,
	    dbsize->exact, &dbsize->count, &dbsize->err);
	/* Within an EXEC this is the loop. */
	if (dbsize->code == RT_OK && dbsize->pending != NULL)
		dbsize->code = rtd_pending_count(dbsize->pending,
		    job->server->lane->reader, &dbsize->read, &dbsize->count.keys,
		    &dbsize->err);
}

static void
dbsize_reply(struct rtd_cmd_job *job)
{
	struct dbsize *dbsize = (struct dbsize *)job;
	struct rtd_resp_writer *reply = &job->client->reply;

	if (dbsize->code != RT_OK)
		rtd_reply_read_error(job->server, reply, dbsize->err.text);
	else
		rtd_reply_integer(reply, (int64_t)dbsize->count.keys);
}

static void
dbsize_free(struct rtd_cmd_job *job)
{
	struct dbsize *dbsize = (struct dbsize *)job;

	rtd_counting_free(dbsize->counting);
	free(dbsize);
}

void
rtd_cmd_dbsize(struct rtd_call *call)
{
	bool exact = call->argc == 2 && rtd_call_arg_is(call, 1, "EXACT");
	struct dbsize *dbsize;
	uint64_t seq;

	if (call->argc > 2) {
		rtd_call_arity_error(call);
		return;
	}
	if (call->argc == 2 && !exact) {
		rtd_call_syntax_error(call);
		return;
	}
	dbsize = rt_alloc_zero(1, sizeof(*dbsize));
	dbsize->exact = exact;
	dbsize->read = rtd_call_reading(call);
	if (dbsize->read.snapshot == NULL)
		dbsize->pending = call->lane->pending;
	dbsize->counting = rtd_reader_counting(call->lane->reader,
	    dbsize->read.snapshot, &seq);
	if (dbsize->counting == NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR the snapshot in use was released");
		free(dbsize);
		return;
	}
	rtd_client_wait_for(call->client, seq);
	dbsize->job.work = dbsize_work;
	dbsize->job.reply = dbsize_reply;
	dbsize->job.free = dbsize_free;
	rtd_cmd_job_start(&dbsize->job, call);
}
