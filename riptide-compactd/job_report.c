#include "riptide-compactd/job_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "libcommon/daemon/log.h"
#include "libcommon/daemon/stats.h"

void
rtc_job_report_save(struct rtc_job_report *report)
{
	struct rt_err err = { .code = RT_OK };

	if (rt_compactor_status_save(report->fs, report->dir, &report->status,
		&err) != RT_OK)
		rt_log_limited(60000, RT_LOG_VERBOSE, "status",
		    "status not written", "error=\"%s\"", err.text);
}

void
rtc_job_report_begin(struct rtc_job_report *report, const struct rtc_job *job)
{
	rtc_job_print(job, report->status.job, sizeof(report->status.job));
	report->status.running = true;
	rtc_job_report_save(report);
}

void
rtc_job_report_end(struct rtc_job_report *report)
{
	report->status.running = false;
	report->status.job[0] = '\0';
}

static void
log_job(const struct rtc_job_report *report, const struct rtc_job *job,
    const struct rtc_result *result, uint64_t began_ns)
{
	uint64_t ns = rt_clock_monotonic_ns(report->clock) - began_ns;
	double seconds = (double)ns / 1e9;
	char text[256];

	rt_log(RT_LOG_NOTICE, "job", "done",
	    "job=\"%s\" inputs=%zu outputs=%zu "
	    "bytes_in=%" PRIu64 " bytes_out=%" PRIu64 " mb_per_s=%.1f ms=%"
	    PRIu64 " shadowed=%" PRIu64 " dropped=%" PRIu64 " tombstones=%"
	    PRIu64 " expired=%" PRIu64,
	    rtc_job_print(job, text, sizeof(text)), job->inputs_count,
	    result->outputs_count, result->bytes_in, result->bytes_out,
	    seconds > 0 ? (double)result->bytes_in / 1e6 / seconds : 0.0,
	    ns / 1000000, result->verdicts[RTC_GO_SHADOWED],
	    result->verdicts[RTC_GO_DROPPED],
	    result->verdicts[RTC_GO_TOMBSTONE],
	    result->verdicts[RTC_GO_EXPIRED] +
		result->verdicts[RTC_KEEP_AS_TOMBSTONE]);
}

void
rtc_job_report_done(struct rtc_job_report *report, const struct rtc_job *job,
    const struct rtc_result *result, uint64_t began_ns)
{
	struct rt_compactor_status *status = &report->status;

	status->jobs_done++;
	status->bytes_read += result->bytes_in;
	status->bytes_written += result->bytes_out;
	status->versions_dropped += result->verdicts[RTC_GO_SHADOWED] +
	    result->verdicts[RTC_GO_DROPPED];
	status->tombstones_dropped += result->verdicts[RTC_GO_TOMBSTONE];
	status->expired_dropped += result->verdicts[RTC_GO_EXPIRED];
	status->last_publish_ms = rt_clock_wall_ms(report->clock);
	if (status->damaged_tables == 0)
		status->last_error[0] = '\0';
	log_job(report, job, result, began_ns);
}

void
rtc_job_report_error(struct rtc_job_report *report, const struct rt_err *err)
{
	snprintf(report->status.last_error, sizeof(report->status.last_error),
	    "%.255s", err->text);
}

void
rtc_job_report_log_state(const struct rtc_job_report *report)
{
	const struct rt_compactor_status *status = &report->status;
	struct rt_stats stats = { 0 };

	rt_stats_section(&stats, "Compactor");
	rt_stats_u64(&stats, "compactor_epoch", status->epoch);
	rt_stats_text(&stats, "compactor_state", "%s",
	    status->running ? "running" : "idle");
	rt_stats_u64(&stats, "compactor_jobs_done", status->jobs_done);
	rt_stats_u64(&stats, "compactor_bytes_read", status->bytes_read);
	rt_stats_u64(&stats, "compactor_bytes_written", status->bytes_written);
	rt_stats_u64(&stats, "compaction_debt_bytes", status->debt_bytes);
	rt_stats_log(&stats);
	rt_stats_fini(&stats);
}
