/* RIPTIDE DU, on a pool thread: it looks at every file, and counts keys as
 * DBSIZE does to tell what of the tables is live. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"
#include "riptided/engine/disk_usage.h"

struct du {
	struct rtd_cmd_job job;
	struct rtd_counting *counting;
	struct rtd_read *reads;		/* one for each database */
	size_t databases;
	struct rtd_disk_usage usage;
	enum rt_code code;
	struct rt_err err;
};

static void
du_work(struct rtd_cmd_job *job)
{
	struct du *du = (struct du *)job;
	uint64_t keys = 0;

	for (size_t i = 0; i < du->databases && du->code == RT_OK; i++) {
		struct rtd_count count;

		du->code = rtd_counting_run(du->counting, &du->reads[i], false,
		    &count, &du->err);
		keys += count.keys;
	}
	if (du->code == RT_OK)
		du->code = rtd_disk_usage_get(job->server->engine, keys,
		    &du->usage, &du->err);
}

static void
reply_item(struct rtd_resp_writer *reply, const struct rtd_usage_item *item)
{
	rtd_reply_map(reply, 4);
	rtd_reply_bulk_cstr(reply, "what");
	rtd_reply_bulk_cstr(reply, item->what);
	rtd_reply_bulk_cstr(reply, "bytes");
	rtd_reply_integer(reply, (int64_t)item->bytes);
	rtd_reply_bulk_cstr(reply, "files");
	rtd_reply_integer(reply, (int64_t)item->files);
	rtd_reply_bulk_cstr(reply, "exactness");
	rtd_reply_bulk_cstr(reply, item->is_estimate ? "estimate" : "exact");
}

static void
du_reply(struct rtd_cmd_job *job)
{
	struct du *du = (struct du *)job;
	struct rtd_resp_writer *reply = &job->client->reply;

	if (du->code != RT_OK) {
		rtd_reply_read_error(job->server, reply, du->err.text);
		return;
	}
	rtd_reply_array(reply, du->usage.count);
	for (size_t i = 0; i < du->usage.count; i++)
		reply_item(reply, &du->usage.items[i]);
}

static void
du_free(struct rtd_cmd_job *job)
{
	struct du *du = (struct du *)job;

	rtd_counting_free(du->counting);
	rtd_disk_usage_fini(&du->usage);
	free(du->reads);
	free(du);
}

void
rtd_cmd_riptide_du(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct du *du = rt_alloc_zero(1, sizeof(*du));
	uint64_t seq;

	du->databases = (size_t)server->config->databases;
	du->reads = rt_alloc_zero(du->databases, sizeof(*du->reads));
	for (size_t i = 0; i < du->databases; i++)
		du->reads[i] = (struct rtd_read){
			.keyspace = rtd_engine_keyspace(server->engine,
			    (uint32_t)i),
			.now_ms = (uint64_t)call->now_ms,
		};
	du->counting = rtd_reader_counting(server->lane->reader, NULL, &seq);
	rtd_client_wait_for(call->client, seq);
	du->job.work = du_work;
	du->job.reply = du_reply;
	du->job.free = du_free;
	rtd_cmd_job_start(&du->job, call);
}
