#include "riptide-compactd/compactor.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/lifecycle.h"
#include "libcommon/daemon/log.h"
#include "libcommon/daemon/option_text.h"
#include "libcommon/daemon/stats.h"
#include "libcommon/manifest/compactor_status.h"
#include "libcommon/manifest/manifest_watch.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/dirlock.h"
#include "libcommon/os/network_fs.h"
#include "riptide-compactd/picker.h"
#include "riptide-compactd/publisher.h"
#include "riptide-compactd/quarantine.h"
#include "riptide-compactd/scrub.h"
#include "riptide-compactd/sweeper.h"

#define COMPACTOR_FEATURES 0
#define LOOK_MS 1000
/* Without a new manifest only the clock can make a job due: values expire, a
 * window opens. */
#define IDLE_NS (30 * UINT64_C(1000000000))
#define BACKOFF_MS_MIN 1000
#define BACKOFF_MS_MAX 60000
#define MS_PER_S 1000
/* Numbers that no file will ever have. */
#define PRETENDED_FROM (UINT64_C(1) << 60)

struct rtc_compactor {
	struct rtc_options options;
	int dir, sst;
	struct rt_dirlock lock;
	struct rt_manifest_store *store;
	struct rt_manifest_watch *watch;
	uint64_t epoch;
	uint64_t next_number;
	struct rtc_pace pace;
	struct rtc_quarantine quarantine;
	struct rtc_scrub scrub;
	struct rt_compactor_status status;
	struct rt_expiry_clock expiry;	/* once the role is ours */
	unsigned backoff_ms;	/* 0: the last job went well */
	uint64_t drained;	/* generation whose obsolete tables are gone */
	uint64_t idle;		/* generation with nothing due; 0: none, */
	uint64_t idle_until_ns;	/* until then */
	bool stopping;
};

/* -- small steps -- */

/* What ends before has had its grace, by the line that a wrong wall clock does
 * not move (X3). */
static uint64_t
expired_before_ms(const struct rt_config *config,
    struct rt_expiry_clock *expiry, const struct rt_manifest *manifest)
{
	uint64_t grace_ms = (uint64_t)config->expiry_grace * MS_PER_S;
	struct rt_expiry_reading reading;

	rt_expiry_clock_raise(expiry, manifest->expiry_clock_ms);
	rt_expiry_clock_read(expiry, &reading);
	if (reading.step_ms != 0)
		rt_log(RT_LOG_WARNING, "clock", "the wall clock stepped: values "
		    "leave the disk by the time before until it has stood for "
		    "an hour", "step_ms=%" PRId64, reading.step_ms);
	return reading.line_ms > grace_ms ? reading.line_ms - grace_ms : 0;
}

static bool
in_window(const struct rt_config *config, int64_t now_ms)
{
	struct rt_option_window window;
	time_t now = (time_t)(now_ms / MS_PER_S);
	unsigned minute;
	struct tm local;

	if (config->compaction_window[0] == '\0' ||
	    !rt_option_text_window(config->compaction_window, &window) ||
	    window.from_min == window.to_min ||
	    localtime_r(&now, &local) == NULL)
		return true;
	minute = (unsigned)(local.tm_hour * 60 + local.tm_min);
	if (window.from_min < window.to_min)
		return minute >= window.from_min && minute < window.to_min;
	return minute >= window.from_min || minute < window.to_min;
}

static struct rtc_limits
limits_now(const struct rtc_options *options, struct rt_expiry_clock *expiry,
    const struct rt_manifest *manifest)
{
	const struct rt_config *config = options->config;
	int64_t now_ms = rt_clock_wall_ms(options->clock);

	return (struct rtc_limits){
		.l0_trigger = (uint64_t)config->l0_compaction_trigger,
		.level_base_bytes = config->level_base_size,
		.level_multiplier = (uint64_t)config->level_size_multiplier,
		.expired_before_ms =
		    expired_before_ms(config, expiry, manifest),
		.table_bytes = config->table_size,
		.compression = (enum rt_compression)config->compression,
		.compression_bottom =
		    (enum rt_compression)config->compression_bottom,
		.full = options->full,
		.l0_only = !options->full && !in_window(config, now_ms),
	};
}

static void
save_status(struct rtc_compactor *compactor)
{
	struct rt_err err = { .code = RT_OK };

	if (rt_compactor_status_save(compactor->options.fs, compactor->dir,
		&compactor->status, &err) != RT_OK)
		rt_log_limited(60000, RT_LOG_VERBOSE, "status",
		    "status not written", "error=\"%s\"", err.text);
}

static void
log_state(const struct rtc_compactor *compactor)
{
	const struct rt_compactor_status *status = &compactor->status;
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

static void
take_signals(struct rtc_compactor *compactor)
{
	int sig;

	if (compactor->options.signal_fd < 0)
		return;
	while ((sig = rt_lifecycle_next_signal(
		    compactor->options.signal_fd)) != 0) {
		switch (sig) {
		case SIGTERM:
		case SIGINT:
			compactor->stopping = true;
			break;
		case SIGHUP:
			rt_log_reopen();
			if (compactor->options.reload != NULL)
				compactor->options.reload(
				    compactor->options.reload_arg);
			compactor->idle = 0;
			rtc_pace_init(&compactor->pace,
			    compactor->options.clock, compactor->options
				.config->compaction_rate_limit);
			break;
		case SIGUSR1:
			log_state(compactor);
			break;
		}
	}
}

/* Sleep until a signal, an event of the watch, or the time is over. */
static void
wait_for_news(struct rtc_compactor *compactor, unsigned timeout_ms)
{
	struct pollfd wait[2] = {
		{ .fd = rt_manifest_watch_fd(compactor->watch),
		    .events = POLLIN },
		{ .fd = compactor->options.signal_fd, .events = POLLIN },
	};

	if (poll(wait, RT_COUNTOF(wait), (int)timeout_ms) > 0)
		rt_manifest_watch_drain(compactor->watch);
	take_signals(compactor);
}

/* The merger asks. The pace's waits end early for a signal. */
static bool
should_stop(void *arg, unsigned wait_ms)
{
	struct rtc_compactor *compactor = arg;
	struct pollfd wait = {
		.fd = compactor->options.signal_fd,
		.events = POLLIN,
	};

	if (wait_ms > 0)
		(void)poll(&wait, 1, (int)wait_ms);
	take_signals(compactor);
	return compactor->stopping;
}

/* -- one job -- */

static void
log_job(const struct rtc_compactor *compactor, const struct rtc_job *job,
    const struct rtc_result *result, uint64_t began_ns)
{
	uint64_t ns = rt_clock_monotonic_ns(compactor->options.clock) -
	    began_ns;
	double seconds = (double)ns / 1e9;

	rt_log(RT_LOG_NOTICE, "job", "done",
	    "job=\"%s\" inputs=%zu outputs=%zu "
	    "bytes_in=%" PRIu64 " bytes_out=%" PRIu64 " mb_per_s=%.1f ms=%"
	    PRIu64 " shadowed=%" PRIu64 " dropped=%" PRIu64 " tombstones=%"
	    PRIu64 " expired=%" PRIu64,
	    compactor->status.job, job->inputs_count, result->outputs_count,
	    result->bytes_in, result->bytes_out,
	    seconds > 0 ? (double)result->bytes_in / 1e6 / seconds : 0.0,
	    ns / 1000000, result->verdicts[RTC_GO_SHADOWED],
	    result->verdicts[RTC_GO_DROPPED],
	    result->verdicts[RTC_GO_TOMBSTONE],
	    result->verdicts[RTC_GO_EXPIRED] +
		result->verdicts[RTC_KEEP_AS_TOMBSTONE]);
}

static void
count_job(struct rtc_compactor *compactor, const struct rtc_result *result)
{
	struct rt_compactor_status *status = &compactor->status;

	status->jobs_done++;
	status->bytes_read += result->bytes_in;
	status->bytes_written += result->bytes_out;
	status->versions_dropped += result->verdicts[RTC_GO_SHADOWED] +
	    result->verdicts[RTC_GO_DROPPED];
	status->tombstones_dropped += result->verdicts[RTC_GO_TOMBSTONE];
	status->expired_dropped += result->verdicts[RTC_GO_EXPIRED];
	status->last_publish_ms =
	    rt_clock_wall_ms(compactor->options.clock);
	if (compactor->quarantine.count == 0)
		status->last_error[0] = '\0';
}

static enum rt_code
publish_result(struct rtc_compactor *compactor, const struct rtc_merger *merger,
    const struct rtc_job *job, struct rtc_result *result, struct rt_err *err)
{
	struct rtc_publisher publisher = {
		.store = compactor->store,
		.epoch = compactor->epoch,
		.clock = &compactor->expiry,
	};
	bool unknown = false;
	enum rt_code code;

	code = rt_dirlock_check(&compactor->lock, compactor->dir,
	    RT_PATH_LOCK_COMPACTOR, err);
	if (code == RT_OK)
		code = rtc_publisher_publish(&publisher, job, result, &unknown,
		    err);
	/* Fenced: the next holder of the role sweeps. */
	if (code != RT_OK && code != RT_EFENCED && !unknown)
		rtc_result_unlink(result, merger);
	return code;
}

/* A merge needs its inputs' space once more until they are unlinked. It must
 * not take what the daemon needs to go on writing. */
static enum rt_code
check_space(const struct rtc_compactor *compactor, const struct rtc_job *job,
    struct rt_err *err)
{
	struct rt_fs *fs = compactor->options.fs;
	int64_t free_bytes = fs->free_bytes(fs, compactor->sst);
	uint64_t needed = job->input_bytes +
	    compactor->options.config->disk_reserve;

	if (job->kind != RTC_JOB_MERGE || free_bytes < 0 ||
	    (uint64_t)free_bytes >= needed)
		return RT_OK;
	return rt_err_set(err, RT_ENOSPC,
	    "a merge of %" PRIu64 " bytes waits: %" PRId64 " bytes are free, %"
	    PRIu64 " are needed with disk-reserve", job->input_bytes,
	    free_bytes, needed);
}

static enum rt_code
run_job(struct rtc_compactor *compactor, const struct rtc_job *job,
    uint64_t expired_before, struct rt_err *err)
{
	struct rtc_merger merger = {
		.fs = compactor->options.fs,
		.dir = compactor->sst,
		.config = compactor->options.config,
		.epoch = compactor->epoch,
		.next_number = &compactor->next_number,
		.expired_before_ms = expired_before,
		.pace = &compactor->pace,
		.should_stop = should_stop,
		.should_stop_arg = compactor,
	};
	uint64_t began_ns =
	    rt_clock_monotonic_ns(compactor->options.clock);
	struct rtc_result result = { 0 };
	enum rt_code code = check_space(compactor, job, err);

	if (code != RT_OK)
		return code;
	rtc_job_print(job, compactor->status.job,
	    sizeof(compactor->status.job));
	compactor->status.running = true;
	save_status(compactor);
	RT_CRASHPOINT("job-picked");
	if (job->kind == RTC_JOB_MERGE)
		code = rtc_merger_run(&merger, job, &result, err);
	if (code == RT_OK)
		code = publish_result(compactor, &merger, job, &result, err);
	if (code == RT_OK) {
		count_job(compactor, &result);
		log_job(compactor, job, &result, began_ns);
	}
	rtc_result_fini(&result);
	compactor->status.running = false;
	compactor->status.job[0] = '\0';
	return code;
}

/* -- the loop -- */

/* Is the newest generation one that was looked at, a short while ago? Its name
 * tells, and a large manifest need not be read each second. */
static bool
is_idle(struct rtc_compactor *compactor)
{
	uint64_t highest;

	return compactor->idle != 0 &&
	    rt_clock_monotonic_ns(compactor->options.clock) <
		compactor->idle_until_ns &&
	    rt_manifest_store_highest(compactor->store, &highest, NULL) ==
		RT_OK &&
	    highest == compactor->idle;
}

static void
note_idle(struct rtc_compactor *compactor, const struct rt_manifest *manifest)
{
	compactor->idle = manifest->generation;
	compactor->idle_until_ns =
	    rt_clock_monotonic_ns(compactor->options.clock) + IDLE_NS;
}

/* A job met damage. RT_OK: its damaged inputs are known now, and other jobs can
 * be done; else the error remains what it was. */
static enum rt_code
go_on_without(struct rtc_compactor *compactor, const struct rtc_job *job,
    enum rt_code code, const struct rt_err *err)
{
	struct rt_compactor_status *status = &compactor->status;

	if (!rtc_quarantine_inspect(&compactor->quarantine,
		compactor->options.fs, compactor->sst, job))
		return code;
	status->damaged_tables = compactor->quarantine.count;
	snprintf(status->last_error, sizeof(status->last_error), "%.255s",
	    err->text);
	save_status(compactor);
	return RT_OK;
}

/* Do one job if one is due. */
static enum rt_code
step(struct rtc_compactor *compactor, bool *worked, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	struct rtc_limits limits;
	struct rtc_job job;
	enum rt_code code;

	*worked = false;
	if (is_idle(compactor))
		return RT_OK;
	code = rt_manifest_store_load(compactor->store, &manifest, err);
	if (code != RT_OK)
		return code;
	if (manifest->compactor_epoch != compactor->epoch) {
		code = rt_err_set(err, RT_EFENCED,
		    "another compactor took over: our epoch %" PRIu64
		    ", now %" PRIu64, compactor->epoch,
		    manifest->compactor_epoch);
		goto out;
	}
	limits = limits_now(&compactor->options, &compactor->expiry,
	    manifest);
	limits.avoid = compactor->quarantine.ids;
	limits.avoid_count = compactor->quarantine.count;
	compactor->status.debt_bytes = rtc_picker_debt(manifest, &limits);
	if ((limits.l0_only && compactor->options.config
		    ->compaction_outside_window == RT_OUTSIDE_NONE) ||
	    !rtc_picker_pick(manifest, &limits, &job)) {
		note_idle(compactor, manifest);
		goto out;
	}
	code = run_job(compactor, &job, limits.expired_before_ms, err);
	if (code == RT_EDAMAGED || code == RT_ENOTFOUND)
		code = go_on_without(compactor, &job, code, err);
	rtc_job_fini(&job);
	*worked = code == RT_OK;
	/* The inputs changed under us: pick again. */
	if (code == RT_ECONFLICT) {
		rt_log(RT_LOG_VERBOSE, "job", "given up", "reason=\"%s\"",
		    err->text);
		*worked = true;
		code = RT_OK;
	}
out:
	rt_manifest_unref(manifest);
	return code;
}

static void
drain(struct rtc_compactor *compactor)
{
	struct rt_err err = { .code = RT_OK };
	size_t removed = 0;

	if (rtc_sweeper_drain(compactor->options.fs, compactor->dir,
		compactor->sst, compactor->store, &compactor->drained, &removed,
		&err) != RT_OK)
		rt_log_limited(60000, RT_LOG_WARNING, "sweep",
		    "obsolete tables not removed", "error=\"%s\"", err.text);
	else if (removed > 0)
		rt_log(RT_LOG_VERBOSE, "sweep", "obsolete tables removed",
		    "tables=%zu", removed);
}

static void
note_failure(struct rtc_compactor *compactor, const struct rt_err *err)
{
	snprintf(compactor->status.last_error,
	    sizeof(compactor->status.last_error), "%.255s", err->text);
	compactor->backoff_ms = compactor->backoff_ms == 0
	    ? BACKOFF_MS_MIN : compactor->backoff_ms * 2;
	if (compactor->backoff_ms > BACKOFF_MS_MAX)
		compactor->backoff_ms = BACKOFF_MS_MAX;
	rt_log(RT_LOG_WARNING, "job", "failed", "error=\"%s\" retry_ms=%u",
	    err->text, compactor->backoff_ms);
}

static bool
scrub_may_go_on(void *arg)
{
	return !should_stop(arg, 0);
}

/* Nothing is due: one table is looked at for damage, if it is time. */
static void
scrub_one(struct rtc_compactor *compactor)
{
	struct rt_err err = { .code = RT_OK };
	bool worked = false;

	if (rtc_scrub_step(&compactor->scrub,
		(uint64_t)compactor->options.config->scrub_interval, &worked,
		&err) != RT_OK && err.code != RT_ESTOPPED)
		rt_log_limited(60000, RT_LOG_WARNING, "scrub",
		    "manifest not read", "error=\"%s\"", err.text);
	if (worked)
		save_status(compactor);
}

enum rt_code
rtc_compactor_run(struct rtc_compactor *compactor, struct rt_err *err)
{
	bool ends = compactor->options.once || compactor->options.full;
	bool worked = false, idle_told = false;

	while (!compactor->stopping) {
		struct rt_err own = { .code = RT_OK };
		enum rt_code code;

		take_signals(compactor);
		if (compactor->stopping)
			break;
		code = step(compactor, &worked, &own);
		if (code == RT_ESTOPPED)
			break;
		if (code == RT_EFENCED || (code != RT_OK && ends)) {
			if (err != NULL)
				*err = own;
			return code;
		}
		if (code != RT_OK) {
			note_failure(compactor, &own);
			save_status(compactor);
			/* News of a flush would not make it any better. */
			(void)should_stop(compactor, compactor->backoff_ms);
			continue;
		}
		compactor->backoff_ms = 0;
		if (worked) {
			idle_told = false;
			drain(compactor);
			continue;
		}
		if (ends)
			break;
		if (!idle_told) {
			save_status(compactor);
			drain(compactor);
			idle_told = true;
		}
		scrub_one(compactor);
		wait_for_news(compactor, LOOK_MS);
	}
	save_status(compactor);
	drain(compactor);
	if (ends && compactor->quarantine.count > 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "%zu tables are damaged and were left out: %s",
		    compactor->quarantine.count, compactor->status.last_error);
	return RT_OK;
}

/* -- opening and closing -- */

static enum rt_code
open_database(const struct rtc_options *options, int *dir, int *sst,
    struct rt_manifest_store **store, struct rt_err *err)
{
	const char *path = options->config->dir;
	uint64_t highest = 0;
	enum rt_code code;

	code = rt_fs_open_dir(options->fs, path, dir, err);
	if (code == RT_OK)
		code = rt_network_fs_refuse(options->fs, *dir, path,
		    options->config->unsafe_filesystem, err);
	if (code == RT_OK)
		code = rt_manifest_store_open(store, options->fs, *dir, false,
		    err);
	if (code == RT_OK)
		code = rt_manifest_store_highest(*store, &highest, err);
	if (code == RT_OK && highest == 0)
		code = rt_err_set(err, RT_ENOTFOUND, "no manifest");
	if (code == RT_OK)
		code = rt_fs_open_subdir(options->fs, *dir, RT_PATH_DIR_SST,
		    false, sst, err);
	if (code == RT_ENOTFOUND)
		rt_err_prefix(err, "%s is not a database", path);
	return code;
}

/* The epoch is ours only when it is durable; what dead epochs left behind is
 * judged by a manifest that came after. */
static enum rt_code
claim_role(struct rtc_compactor *compactor, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	const struct rt_manifest *claimed = NULL;
	size_t removed = 0;
	enum rt_code code;

	rt_manifest_edit_claim(edit, COMPACTOR_FEATURES);
	code = rt_manifest_store_publish(compactor->store, edit, &claimed, NULL,
	    err);
	rt_manifest_edit_free(edit);
	if (code != RT_OK)
		return code;
	RT_CRASHPOINT("compactor-claimed");
	compactor->epoch = claimed->compactor_epoch;
	rt_expiry_clock_init(&compactor->expiry, compactor->options.clock,
	    &claimed->clock_mark, claimed->expiry_clock_ms);
	code = rtc_sweeper_sweep(compactor->options.fs, compactor->sst, claimed,
	    compactor->epoch, &removed, err);
	rt_manifest_unref(claimed);
	if (removed > 0)
		rt_log(RT_LOG_NOTICE, "sweep", "unpublished tables removed",
		    "tables=%zu", removed);
	return code;
}

/* A pass goes on where the process before left it. */
static void
init_scrub(struct rtc_compactor *compactor)
{
	struct rt_compactor_status *status = &compactor->status;
	struct rt_compactor_status before = { 0 };

	if (rt_compactor_status_load(compactor->options.fs, compactor->dir,
		&before, NULL) == RT_OK) {
		status->scrub_position = before.scrub_position;
		status->scrub_tables = before.scrub_tables;
		status->scrub_began_ms = before.scrub_began_ms;
		status->scrub_finished_ms = before.scrub_finished_ms;
	}
	compactor->scrub = (struct rtc_scrub){
		.fs = compactor->options.fs,
		.clock = compactor->options.clock,
		.store = compactor->store,
		.sst = compactor->sst,
		.status = status,
		.quarantine = &compactor->quarantine,
		.go_on = scrub_may_go_on,
		.arg = compactor,
	};
}

enum rt_code
rtc_compactor_open(struct rtc_compactor **out,
    const struct rtc_options *options, struct rt_err *err)
{
	struct rtc_compactor *compactor = rt_alloc_zero(1, sizeof(*compactor));
	enum rt_code code;

	compactor->options = *options;
	compactor->dir = compactor->sst = -1;
	compactor->lock = (struct rt_dirlock)RT_DIRLOCK_INIT;
	compactor->next_number = 1;
	rtc_pace_init(&compactor->pace, options->clock,
	    options->config->compaction_rate_limit);
	code = open_database(options, &compactor->dir, &compactor->sst,
	    &compactor->store, err);
	if (code == RT_OK)
		code = rt_dirlock_take(&compactor->lock, options->fs,
		    compactor->dir, RT_PATH_LOCK_COMPACTOR, err);
	if (code == RT_OK)
		code = rt_manifest_watch_open(&compactor->watch,
		    options->config->dir, err);
	RT_CRASHPOINT("compactor-locked");
	if (code == RT_OK)
		code = claim_role(compactor, err);
	if (code != RT_OK) {
		rtc_compactor_close(compactor);
		return code;
	}
	compactor->status.epoch = compactor->epoch;
	compactor->status.pid = (uint32_t)getpid();
	compactor->status.started_ms = rt_clock_wall_ms(options->clock);
	init_scrub(compactor);
	save_status(compactor);
	*out = compactor;
	return RT_OK;
}

void
rtc_compactor_close(struct rtc_compactor *compactor)
{
	if (compactor == NULL)
		return;
	if (compactor->epoch != 0)
		rt_expiry_clock_fini(&compactor->expiry);
	rt_manifest_watch_close(compactor->watch);
	rt_manifest_store_close(compactor->store);
	rt_fs_close(compactor->options.fs, &compactor->sst, NULL);
	rt_dirlock_release(&compactor->lock);
	rt_fs_close(compactor->options.fs, &compactor->dir, NULL);
	rtc_quarantine_fini(&compactor->quarantine);
	free(compactor);
}

/* *manifest becomes the one after the edit, in memory only. */
static enum rt_code
pretend_edit(const struct rt_manifest_edit *edit,
    const struct rt_manifest **manifest, struct rt_err *err)
{
	const struct rt_manifest *next = NULL;
	enum rt_code code = rt_manifest_edit_apply(edit, *manifest, &next, err);

	if (code != RT_OK)
		return code;
	rt_manifest_unref(*manifest);
	*manifest = next;
	return RT_OK;
}

static enum rt_code
pretend_claim(const struct rt_manifest **manifest, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	enum rt_code code;

	rt_manifest_edit_claim(edit, COMPACTOR_FEATURES);
	code = pretend_edit(edit, manifest, err);
	rt_manifest_edit_free(edit);
	return code;
}

/* The manifest as it will be when the job is done, as far as can be told: what
 * it writes stands there as one table of a name that no file has. */
static enum rt_code
pretend(const struct rtc_job *job, uint64_t number,
    const struct rt_manifest **manifest, struct rt_err *err)
{
	const struct rt_manifest *before = *manifest;
	struct rt_manifest_edit *edit = rt_manifest_edit_new(
	    RT_ROLE_COMPACTOR, before->compactor_epoch);
	struct rt_manifest_table output = *job->inputs[0];
	enum rt_code code;

	output.id = (struct rt_file_id){ before->compactor_epoch, number };
	output.size = job->input_bytes;
	output.tombstones = output.older_versions = 0;
	output.expire_min_ms = output.expire_max_ms = 0;
	rtc_job_range(job, &output.smallest, &output.largest);
	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];

		if (input->min_seq < output.min_seq)
			output.min_seq = input->min_seq;
		if (input->max_seq > output.max_seq)
			output.max_seq = input->max_seq;
	}
	if (job->kind == RTC_JOB_MOVE) {
		rt_manifest_edit_move(edit, job->inputs[0]->id,
		    job->target_level);
	} else {
		struct rt_file_id *ids = rtc_job_ids(job);

		rt_manifest_edit_replace(edit, ids, job->inputs_count,
		    job->target_level, &output,
		    job->kind == RTC_JOB_DISCARD ? 0 : 1);
		free(ids);
	}
	code = pretend_edit(edit, manifest, err);
	rt_manifest_edit_free(edit);
	return code;
}

static bool
takes_pretended(const struct rtc_job *job)
{
	for (size_t i = 0; i < job->inputs_count; i++)
		if (job->inputs[i]->id.number >= PRETENDED_FROM)
			return true;
	return false;
}

/* Print the jobs one after the other, as long as they take only tables that
 * are there now: what comes after depends on what is written. */
static enum rt_code
print_jobs(const struct rtc_options *options, const struct rt_manifest **at,
    struct rt_err *err)
{
	struct rt_expiry_clock expiry;
	struct rtc_limits limits;
	uint64_t number = PRETENDED_FROM;
	enum rt_code code = pretend_claim(at, err);
	bool nothing_allowed;
	struct rtc_job job;
	char line[256];

	rt_expiry_clock_init(&expiry, options->clock, &(*at)->clock_mark,
	    (*at)->expiry_clock_ms);
	limits = limits_now(options, &expiry, *at);
	rt_expiry_clock_fini(&expiry);
	nothing_allowed = limits.l0_only &&
	    options->config->compaction_outside_window == RT_OUTSIDE_NONE;
	while (code == RT_OK && !nothing_allowed &&
	    rtc_picker_pick(*at, &limits, &job)) {
		bool pretended = takes_pretended(&job);

		if (!pretended) {
			puts(rtc_job_print(&job, line, sizeof(line)));
			code = pretend(&job, number++, at, err);
		}
		rtc_job_fini(&job);
		if (pretended)
			break;
	}
	if (code == RT_OK && number == PRETENDED_FROM)
		puts("nothing is due");
	return code;
}

enum rt_code
rtc_compactor_dry_run(const struct rtc_options *options, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_manifest_store *store = NULL;
	int dir = -1, sst = -1;
	enum rt_code code;

	code = open_database(options, &dir, &sst, &store, err);
	if (code == RT_OK)
		code = rt_manifest_store_load(store, &manifest, err);
	if (code == RT_OK)
		code = print_jobs(options, &manifest, err);
	rt_manifest_unref(manifest);
	rt_manifest_store_close(store);
	rt_fs_close(options->fs, &sst, NULL);
	rt_fs_close(options->fs, &dir, NULL);
	return code;
}
