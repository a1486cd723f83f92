/* RIPTIDE LEVELS and JOBS: the tree, and what the compactor has done to it. */
#include "libcommon/base/number.h"
#include "libcommon/manifest/compactor_status.h"
#include "riptided/cmd/handlers.h"

static void
reply_number(struct rtd_resp_writer *reply, const char *name, uint64_t value)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_integer(reply, (int64_t)value);
}

static void
reply_text(struct rtd_resp_writer *reply, const char *name, const char *text)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_bulk_cstr(reply, text);
}

void
rtd_cmd_riptide_levels(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rtd_engine_stats stats;

	rtd_engine_get_stats(call->server->engine, &stats);
	rtd_reply_array(reply, stats.levels);
	for (uint32_t i = 0; i < stats.levels; i++) {
		rtd_reply_map(reply, 3);
		reply_number(reply, "level", i);
		reply_number(reply, "files", stats.level_files[i]);
		reply_number(reply, "bytes", stats.level_bytes[i]);
	}
}

static void
reply_job(struct rtd_resp_writer *reply, const struct rt_compactor_job *job)
{
	rtd_reply_map(reply, 15);
	reply_number(reply, "number", job->number);
	reply_text(reply, "outcome", rt_job_outcome_name(job->outcome));
	reply_text(reply, "job", job->deed);
	reply_number(reply, "from-level", job->source_level);
	reply_number(reply, "to-level", job->target_level);
	reply_number(reply, "began-ms", (uint64_t)job->began_ms);
	reply_number(reply, "took-ms", job->took_ms);
	reply_number(reply, "inputs", job->inputs);
	reply_number(reply, "outputs", job->outputs);
	reply_number(reply, "bytes-in", job->bytes_in);
	reply_number(reply, "bytes-out", job->bytes_out);
	reply_number(reply, "versions-dropped", job->versions_dropped);
	reply_number(reply, "tombstones-dropped", job->tombstones_dropped);
	reply_number(reply, "expired-dropped", job->expired_dropped);
	reply_text(reply, "reason", job->reason);
}

#define JOBS_DEFAULT 10

void
rtd_cmd_riptide_jobs(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_compactor_status status = { 0 };
	struct rt_fs *fs = rt_fs_posix();
	int64_t count = JOBS_DEFAULT;
	int dir = -1;

	if (call->argc > 3) {
		rtd_call_arity_error(call);
		return;
	}
	if (call->argc == 3 && (!rt_parse_i64(call->argv[2], &count) ||
		count < -1)) {
		rtd_reply_error(reply,
		    "ERR count should be greater than or equal to -1");
		return;
	}
	/* A file that is not there or damaged tells of no jobs. */
	if (rt_fs_open_dir(fs, call->server->config->dir, &dir, NULL) ==
		RT_OK &&
	    rt_compactor_status_load(fs, dir, &status, NULL) != RT_OK)
		status.history_count = 0;
	rt_fs_close(fs, &dir, NULL);
	if (count == -1 || (uint64_t)count > status.history_count)
		count = (int64_t)status.history_count;
	rtd_reply_array(reply, (size_t)count);
	for (size_t i = 0; i < (size_t)count; i++)
		reply_job(reply,
		    &status.history[status.history_count - 1 - i]);
}
