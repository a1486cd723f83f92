/* jobs: the compactor's last jobs, a line each, oldest first; from the file that
 * it writes for INFO. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "libcommon/manifest/compactor_status.h"
#include "riptide/tool.h"

static void
put_time(struct rt_buf *out, int64_t ms)
{
	char text[32] = "-";
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	rt_buf_printf(out, "%-20s", text);
}

static void
put_job(struct rt_buf *out, const struct rt_compactor_job *job)
{
	rt_buf_printf(out, "%6" PRIu64 "  ", job->number);
	put_time(out, job->began_ms);
	rt_buf_printf(out, " %8" PRIu64 "  %-8s %-7s %2" PRIu32 " %2" PRIu32
	    " %6" PRIu64 " %6" PRIu64 " %13" PRIu64 " %13" PRIu64 " %10" PRIu64
	    " %10" PRIu64 " %10" PRIu64 "  ", job->took_ms,
	    rt_job_outcome_name(job->outcome), job->deed, job->source_level,
	    job->target_level, job->inputs, job->outputs, job->bytes_in,
	    job->bytes_out, job->versions_dropped, job->tombstones_dropped,
	    job->expired_dropped);
	rtl_put_text(out, rt_slice_cstr(job->reason));
	rt_buf_append_byte(out, '\n');
}

enum rt_code
rtl_jobs(struct rtl_tool *tool, struct rt_err *err)
{
	struct rt_compactor_status status;
	struct rt_buf out = { 0 };
	enum rt_code code;
	int dir = -1;

	code = rtl_open_dir(tool, &dir, err);
	if (code == RT_OK)
		code = rt_compactor_status_load(tool->fs, dir, &status, err);
	if (code == RT_OK) {
		rt_buf_printf(&out, "   job  began                     ms  "
		    "outcome  what  from to inputs   outs      bytes in"
		    "     bytes out   versions tombstones    expired  why\n");
		for (size_t i = 0; i < status.history_count; i++)
			put_job(&out, &status.history[i]);
		code = rtl_print(&out, err);
	}
	rt_buf_fini(&out);
	rt_fs_close(tool->fs, &dir, NULL);
	return code;
}
