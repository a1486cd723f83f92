#include "riptide-compactd/job_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libcommon/daemon/log.h"
#include "libcommon/daemon/stats.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
/* The share of the last second in the pace that is told. */
#define PACE_SHARE 0.3

void
rtc_job_report_load(struct rtc_job_report *report)
{
	struct rt_compactor_status *status = &report->status;
	struct rt_compactor_status before = { 0 };

	if (rt_compactor_status_load(report->fs, report->dir, &before, NULL) !=
	    RT_OK)
		return;
	status->scrub_position = before.scrub_position;
	status->scrub_tables = before.scrub_tables;
	status->scrub_began_ms = before.scrub_began_ms;
	status->scrub_finished_ms = before.scrub_finished_ms;
	status->level0_bytes = before.level0_bytes;
	status->merged_bytes = before.merged_bytes;
	status->jobs_ever = before.jobs_ever;
	memcpy(status->levels, before.levels, sizeof(status->levels));
	memcpy(status->history, before.history, sizeof(status->history));
	status->history_count = before.history_count;
}

void
rtc_job_report_save(struct rtc_job_report *report)
{
	struct rt_err err = { .code = RT_OK };

	report->saved_ns = rt_clock_monotonic_ns(report->clock);
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
	report->status.jobs_running++;
	report->status.job_bytes_total += job->input_bytes;
	rtc_job_report_phase(report, "merging");
	rtc_job_report_save(report);
}

void
rtc_job_report_end(struct rtc_job_report *report)
{
	report->status.running = false;
	report->status.job[0] = '\0';
	report->status.jobs_running = 0;
	report->status.job_bytes_done = report->status.job_bytes_total = 0;
}

void
rtc_job_report_phase(struct rtc_job_report *report, const char *word)
{
	char *phase = report->status.phase;

	if (strcmp(phase, word) == 0)
		return;
	snprintf(phase, sizeof(report->status.phase), "%s", word);
	rtc_job_report_save(report);
}

static void
measure_pace(struct rtc_job_report *report, uint64_t now_ns)
{
	struct rt_compactor_status *status = &report->status;
	uint64_t bytes = status->bytes_read + status->job_bytes_done;
	double lately;

	if (report->paced_ns != 0 && bytes > report->paced_bytes) {
		lately = (double)(bytes - report->paced_bytes) * NS_PER_S /
		    (double)(now_ns - report->paced_ns);
		if (status->bytes_per_s != 0)
			lately = PACE_SHARE * lately + (1 - PACE_SHARE) *
			    (double)status->bytes_per_s;
		status->bytes_per_s = (uint64_t)lately;
	}
	report->paced_ns = now_ns;
	report->paced_bytes = bytes;
}

void
rtc_job_report_progress(struct rtc_job_report *report,
    const struct rtc_workers *workers)
{
	uint64_t now_ns = rt_clock_monotonic_ns(report->clock);
	struct rt_compactor_status *status = &report->status;

	status->jobs_running = rtc_workers_busy(workers);
	rtc_workers_progress(workers, &status->job_bytes_done,
	    &status->job_bytes_total);
	if (now_ns - report->paced_ns >= NS_PER_S)
		measure_pace(report, now_ns);
	if (status->jobs_running > 0 && now_ns - report->saved_ns >= NS_PER_S)
		rtc_job_report_save(report);
}

/* -- jobs that are over -- */

/* What it takes away from level 0 for good. */
static uint64_t
level0_bytes(const struct rtc_job *job)
{
	const struct rt_manifest *manifest = job->manifest;
	uint64_t bytes = 0;

	if (job->kind != RTC_JOB_DISCARD && job->target_level == 0)
		return 0;
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; run->level == 0 && j < run->tables_count;
		     j++)
			if (rtc_job_has(job, &run->tables[j]))
				bytes += run->tables[j].size;
	}
	return bytes;
}

static struct rt_compactor_job
past_job(struct rtc_job_report *report, const struct rtc_job *job,
    enum rt_job_outcome outcome, const char *reason, uint64_t began_ns)
{
	struct rt_compactor_status *status = &report->status;
	uint64_t took_ms = (rt_clock_monotonic_ns(report->clock) - began_ns) /
	    NS_PER_MS;
	struct rt_compactor_job past = {
		.number = ++status->jobs_ever,
		.outcome = outcome,
		.source_level = job->source_level,
		.target_level = job->target_level,
		.began_ms = rt_clock_wall_ms(report->clock) - (int64_t)took_ms,
		.took_ms = took_ms,
		.inputs = job->inputs_count,
	};

	snprintf(past.deed, sizeof(past.deed), "%s",
	    rtc_job_kind_name(job->kind));
	snprintf(past.reason, sizeof(past.reason), "%.63s", reason);
	return past;
}

void
rtc_job_report_not_done(struct rtc_job_report *report,
    const struct rtc_job *job, enum rt_job_outcome outcome,
    const struct rt_err *err, uint64_t began_ns)
{
	struct rt_compactor_job past = past_job(report, job, outcome,
	    err->text, began_ns);

	rt_compactor_status_add(&report->status, &past);
	if (outcome == RT_JOB_FAILED)
		report->status.jobs_failed++;
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
	    PRIu64 " expired=%" PRIu64 " write_amplification=%.2f"
	    " threads=%u cpu_ms=%" PRIu64 " cpu_alone_ms=%" PRIu64
	    " tail_ms=%" PRIu64,
	    rtc_job_print(job, text, sizeof(text)), job->inputs_count,
	    result->outputs_count, result->bytes_in, result->bytes_out,
	    seconds > 0 ? (double)result->bytes_in / 1e6 / seconds : 0.0,
	    ns / 1000000, result->verdicts[RTC_GO_SHADOWED],
	    result->verdicts[RTC_GO_DROPPED],
	    result->verdicts[RTC_GO_TOMBSTONE],
	    result->verdicts[RTC_GO_EXPIRED] +
		result->verdicts[RTC_KEEP_AS_TOMBSTONE],
	    rt_compactor_write_amplification(&report->status),
	    result->threads, result->cpu_ns / NS_PER_MS,
	    result->cpu_alone_ns / NS_PER_MS, result->tail_ns / NS_PER_MS);
}

void
rtc_job_report_done(struct rtc_job_report *report, const struct rtc_job *job,
    const struct rtc_result *result, uint64_t began_ns)
{
	struct rt_compactor_status *status = &report->status;
	struct rt_compactor_job past = past_job(report, job, RT_JOB_DONE,
	    job->reason, began_ns);

	past.outputs = result->outputs_count;
	past.bytes_in = result->bytes_in;
	past.bytes_out = result->bytes_out;
	past.versions_dropped = result->verdicts[RTC_GO_SHADOWED] +
	    result->verdicts[RTC_GO_DROPPED];
	past.tombstones_dropped = result->verdicts[RTC_GO_TOMBSTONE];
	past.expired_dropped = result->verdicts[RTC_GO_EXPIRED];
	rt_compactor_status_add(status, &past);
	status->level0_bytes += level0_bytes(job);
	status->merged_bytes += result->bytes_out;
	status->jobs_done++;
	status->bytes_read += result->bytes_in;
	status->bytes_written += result->bytes_out;
	status->versions_dropped += past.versions_dropped;
	status->tombstones_dropped += past.tombstones_dropped;
	status->expired_dropped += past.expired_dropped;
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
	rt_stats_text(&stats, "compactor_phase", "%s", status->phase);
	rt_stats_u64(&stats, "compactor_jobs_running", status->jobs_running);
	rt_stats_u64(&stats, "compactor_progress_bytes",
	    status->job_bytes_done);
	rt_stats_u64(&stats, "compactor_progress_total_bytes",
	    status->job_bytes_total);
	rt_stats_i64(&stats, "compactor_eta_seconds",
	    rt_compactor_eta_s(status));
	rt_stats_u64(&stats, "compactor_jobs_done", status->jobs_done);
	rt_stats_u64(&stats, "compactor_jobs_failed", status->jobs_failed);
	rt_stats_u64(&stats, "compactor_bytes_read", status->bytes_read);
	rt_stats_u64(&stats, "compactor_bytes_written", status->bytes_written);
	rt_stats_u64(&stats, "compaction_debt_bytes", status->debt_bytes);
	rt_stats_log(&stats);
	rt_stats_fini(&stats);
}
