#include "riptide-compactd/plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "riptide-compactd/database.h"
#include "riptide-compactd/limits.h"
#include "riptide-compactd/rehearsal.h"

/* Jobs that have a line. */
#define LINES_MAX 40
/* No plan that was ever made is near it. */
#define JOBS_MAX 1000000
/* Of a forecast: what takes a minute or so. */
#define FLUSHES_MAX 4000
#define TIB ((double)(UINT64_C(1) << 40))
#define GIB ((double)(UINT64_C(1) << 30))
#define MIB ((double)(UINT64_C(1) << 20))
#define SIZE_TEXT_BYTES 16

struct plan {
	const struct rt_config *config;
	struct rtc_limits limits;
	struct rtc_rehearsal rehearsal;
	uint64_t free_bytes;	/* above the reserve, now; 0: not known */
	uint64_t bytes_now;
	bool waits_for_space;
	bool is_forecast;	/* jobs have no lines */
};

static char *
print_size(char out[SIZE_TEXT_BYTES], uint64_t bytes)
{
	double amount = (double)bytes;

	if (amount >= TIB)
		snprintf(out, SIZE_TEXT_BYTES, "%.1f TiB", amount / TIB);
	else if (amount >= GIB)
		snprintf(out, SIZE_TEXT_BYTES, "%.1f GiB", amount / GIB);
	else
		snprintf(out, SIZE_TEXT_BYTES, "%.1f MiB", amount / MIB);
	return out;
}

static void
print_job(const struct rtc_job *job, uint64_t number, uint64_t written)
{
	char reads[SIZE_TEXT_BYTES], writes[SIZE_TEXT_BYTES];

	if (number == 1)
		printf("%5s  %-7s  %-8s  %6s  %10s  %10s  %s\n", "job", "kind",
		    "levels", "tables", "reads", "writes", "why");
	if (number <= LINES_MAX)
		printf("%5" PRIu64 "  %-7s  L%" PRIu32 " -> L%" PRIu32
		    "  %6zu  %10s  %10s  %s\n", number,
		    rtc_job_kind_name(job->kind), job->source_level,
		    job->target_level, job->inputs_count,
		    print_size(reads, job->kind == RTC_JOB_MERGE
			? job->input_bytes : 0),
		    print_size(writes, written), job->reason);
	else if (number == LINES_MAX + 1)
		printf("%5s  and more\n", "...");
}

/* What a job may read, with the disk as full as it is by then (P10). */
static uint64_t
space_for_job(const struct plan *plan)
{
	uint64_t bytes = rtc_rehearsal_bytes(&plan->rehearsal);
	uint64_t all = plan->free_bytes + plan->bytes_now;

	if (plan->free_bytes == 0)
		return 0;
	return all > bytes ? all - bytes : 1;
}

/* Do what is due until nothing is. */
static enum rt_code
run_jobs(struct plan *plan, struct rt_err *err)
{
	struct rtc_rehearsal *rehearsal = &plan->rehearsal;
	enum rt_code code = RT_OK;
	struct rtc_job job;

	while (code == RT_OK && rehearsal->jobs < JOBS_MAX &&
	    !rtc_limits_forbid_all(plan->config, &plan->limits)) {
		uint64_t written;

		plan->limits.max_job_bytes = space_for_job(plan);
		if (!rtc_picker_pick(rehearsal->manifest, &plan->limits, &job))
			break;
		code = rtc_rehearsal_do(rehearsal, &job, &written, err);
		if (code == RT_OK && !plan->is_forecast)
			print_job(&job, rehearsal->jobs, written);
		rtc_job_fini(&job);
	}
	plan->limits.max_job_bytes = 0;
	if (code == RT_OK && plan->free_bytes != 0 &&
	    !rtc_limits_forbid_all(plan->config, &plan->limits) &&
	    rtc_picker_pick(rehearsal->manifest, &plan->limits, &job)) {
		plan->waits_for_space = true;
		rtc_job_fini(&job);
	}
	return code;
}

static double
ratio(uint64_t above, uint64_t below)
{
	return below == 0 ? 0 : (double)above / (double)below;
}

/* By the clock: with compaction-rate-limit it is what that leaves. */
static double
seconds_of(const struct plan *plan)
{
	uint64_t limit = plan->config->compaction_rate_limit;
	double paced = limit == 0 ? 0
	    : (double)plan->rehearsal.written_bytes / (double)limit;
	double own = plan->rehearsal.seconds /
	    (double)plan->config->compaction_threads;

	return paced > own ? paced : own;
}

/* One line of name=value, to be grepped for; sizes in bytes. from_bytes: what
 * the written bytes are put in relation to. */
static void
print_sums(const struct plan *plan, const char *head, double amplification)
{
	const struct rtc_rehearsal *rehearsal = &plan->rehearsal;

	printf("%s jobs=%" PRIu64 " read_bytes=%" PRIu64
	    " written_bytes=%" PRIu64 " write_amplification=%.2f"
	    " seconds=%.0f speed=assumed disk_now_bytes=%" PRIu64
	    " disk_peak_bytes=%" PRIu64 " disk_after_bytes=%" PRIu64
	    " runs_max=%" PRIu64 " runs_after=%zu\n", head, rehearsal->jobs,
	    rehearsal->read_bytes, rehearsal->written_bytes, amplification,
	    seconds_of(plan), plan->bytes_now, rehearsal->peak_bytes,
	    rtc_rehearsal_bytes(rehearsal), rehearsal->runs_max,
	    rehearsal->manifest->runs_count);
	if (plan->waits_for_space)
		printf("the rest waits for space: %" PRIu64 " bytes are free "
		    "above disk-reserve\n", plan->free_bytes);
}

static enum rt_code
print_due(struct plan *plan, struct rt_err *err)
{
	uint64_t level0 =
	    rt_manifest_level_bytes(plan->rehearsal.manifest, 0);
	enum rt_code code = run_jobs(plan, err);

	if (code != RT_OK)
		return code;
	if (plan->rehearsal.jobs == 0 && !plan->waits_for_space)
		puts("nothing is due");
	else
		print_sums(plan, "plan", ratio(
		    plan->rehearsal.written_bytes, level0));
	return RT_OK;
}

/* Flush after flush, with the merges that each makes due: what a compactor does
 * that keeps up. The log counts as written once. */
static enum rt_code
print_forecast(struct plan *plan, uint64_t bytes, struct rt_err *err)
{
	uint64_t flush = plan->config->memtable_size, left = bytes;
	struct rtc_rehearsal *rehearsal = &plan->rehearsal;
	enum rt_code code = RT_OK;

	if (bytes / flush > FLUSHES_MAX)
		return rt_err_set(err, RT_EUSAGE, "--forecast: %" PRIu64
		    " bytes are %" PRIu64 " flushes of memtable-size, allowed: "
		    "%d", bytes, bytes / flush, FLUSHES_MAX);
	plan->is_forecast = true;
	while (left > 0 && code == RT_OK) {
		uint64_t part = left < flush ? left : flush;

		code = rtc_rehearsal_flush(rehearsal, part, err);
		if (code == RT_OK)
			code = run_jobs(plan, err);
		left -= part;
	}
	if (code == RT_OK)
		print_sums(plan, "forecast", ratio(rehearsal->written_bytes +
			2 * rehearsal->flushed_bytes,
			rehearsal->flushed_bytes));
	return code;
}

static enum rt_code
open_plan(struct plan *plan, struct rt_fs *fs, struct rt_clock *clock,
    const struct rtc_plan_options *options, struct rtc_database *database,
    struct rt_err *err)
{
	const struct rt_config *config = plan->config;
	const struct rt_manifest *manifest = NULL;
	struct rt_expiry_clock expiry;
	int64_t free_bytes;
	enum rt_code code;

	code = rt_manifest_store_load(database->store, &manifest, err);
	if (code != RT_OK)
		return code;
	free_bytes = fs->free_bytes(fs, database->sst);
	if (free_bytes >= 0)
		plan->free_bytes = (uint64_t)free_bytes > config->disk_reserve
		    ? (uint64_t)free_bytes - config->disk_reserve : 1;
	rt_expiry_clock_init(&expiry, clock, &manifest->clock_mark,
	    manifest->expiry_clock_ms);
	plan->limits = rtc_limits_now(config, options->full, clock, &expiry,
	    manifest);
	rt_expiry_clock_fini(&expiry);
	code = rtc_rehearsal_begin(&plan->rehearsal, manifest,
	    config->table_size, options->forecast_data_bytes, err);
	plan->bytes_now = plan->rehearsal.peak_bytes;
	rt_manifest_unref(manifest);
	return code;
}

enum rt_code
rtc_plan_print(struct rt_fs *fs, struct rt_clock *clock,
    const struct rt_config *config, const struct rtc_plan_options *options,
    struct rt_err *err)
{
	struct plan plan = { .config = config };
	struct rtc_database database;
	enum rt_code code;

	code = rtc_database_open(&database, fs, config, err);
	if (code == RT_OK)
		code = open_plan(&plan, fs, clock, options, &database, err);
	if (code == RT_OK && options->forecast_bytes == 0)
		code = print_due(&plan, err);
	else if (code == RT_OK)
		code = print_forecast(&plan, options->forecast_bytes, err);
	rtc_rehearsal_end(&plan.rehearsal);
	rtc_database_close(&database);
	return code;
}
