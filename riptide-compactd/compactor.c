#include "riptide-compactd/compactor.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/lifecycle.h"
#include "libcommon/daemon/log.h"
#include "libcommon/manifest/manifest_watch.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/dirlock.h"
#include "riptide-compactd/aging.h"
#include "riptide-compactd/budget.h"
#include "riptide-compactd/database.h"
#include "riptide-compactd/job_report.h"
#include "riptide-compactd/job_runner.h"
#include "riptide-compactd/limits.h"
#include "riptide-compactd/progress_bar.h"
#include "riptide-compactd/publisher.h"
#include "riptide-compactd/resume.h"
#include "riptide-compactd/scrub.h"
#include "riptide-compactd/sweeper.h"
#include "riptide-compactd/throttle.h"

#define LOOK_MS 1000
/* Without a new manifest only the clock can make a job due: a window opens,
 * tombstones age, values expire. For these there is no other look. */
#define IDLE_NS (30 * NS_PER_S)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define BACKOFF_MS_MIN 1000
#define BACKOFF_MS_MAX 60000

struct rtc_compactor {
	struct rtc_options options;
	struct rtc_database database;
	struct rt_dirlock lock;
	struct rt_manifest_watch *watch;
	struct rtc_job_runner runner;
	struct rtc_resume resume;
	struct rtc_budget budget;
	struct rtc_throttle throttle;
	struct rtc_scrub scrub;
	struct rtc_job_report report;
	struct rt_expiry_clock expiry;	/* once the role is ours */
	unsigned backoff_ms;	/* 0: the last job went well */
	uint64_t resume_ns;	/* no job begins before; monotonic */
	uint64_t drained;	/* generation whose obsolete tables are gone */
	uint64_t idle;		/* generation with nothing due; 0: none, */
	uint64_t idle_until_ns;	/* until then, */
	bool idle_in_window;	/* and while it is so or is not */
	uint64_t opened_ns;	/* monotonic */
	const char *why;	/* it ended: a word; NULL: nothing was due any more */
	bool is_late;		/* the hour forbids all */
	bool is_drawing;	/* on a terminal */
	bool stopping;
};

/* -- small steps -- */

static uint64_t
now_ns(const struct rtc_compactor *compactor)
{
	return rt_clock_monotonic_ns(compactor->options.clock);
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
			break;
		case SIGUSR1:
			rtc_job_report_log_state(&compactor->report);
			break;
		}
	}
}

/* Sleep until a signal, an event of the watch, a merge that is over, or the
 * time is. */
static void
wait_for_news(struct rtc_compactor *compactor, unsigned timeout_ms)
{
	struct pollfd wait[] = {
		{ .fd = rt_manifest_watch_fd(compactor->watch),
		    .events = POLLIN },
		{ .fd = compactor->options.signal_fd, .events = POLLIN },
		{ .fd = compactor->runner.workers->done_fd, .events = POLLIN },
	};

	if (poll(wait, RT_COUNTOF(wait), (int)timeout_ms) > 0)
		rt_manifest_watch_drain(compactor->watch);
	take_signals(compactor);
}

/* -- the loop -- */

static bool
is_in_window(const struct rtc_compactor *compactor)
{
	return rtc_limits_in_window(
	    compactor->options.config->compaction_window,
	    rt_clock_wall_ms(compactor->options.clock));
}

/* Is the newest generation one that was looked at, a short while ago? Its name
 * tells, and a large manifest need not be read each second. */
static bool
is_idle(struct rtc_compactor *compactor)
{
	uint64_t highest;

	return compactor->idle != 0 &&
	    now_ns(compactor) < compactor->idle_until_ns &&
	    is_in_window(compactor) == compactor->idle_in_window &&
	    rt_manifest_store_highest(compactor->database.store, &highest,
		NULL) == RT_OK &&
	    highest == compactor->idle;
}

static void
note_idle(struct rtc_compactor *compactor, const struct rt_manifest *manifest,
    const struct rtc_limits *limits)
{
	uint64_t aged_s = rtc_aging_next_s(manifest, limits);
	uint64_t wait_ns = aged_s < IDLE_NS / NS_PER_S
	    ? aged_s * NS_PER_S : IDLE_NS;

	compactor->idle = manifest->generation;
	compactor->idle_until_ns = now_ns(compactor) + wait_ns;
	compactor->idle_in_window = is_in_window(compactor);
}

/* Bytes of inputs of the largest job that fits the disk and the budget; 0: any. */
static uint64_t
most_bytes(const struct rtc_compactor *compactor)
{
	uint64_t space = rtc_job_runner_space(&compactor->runner);
	uint64_t budget = rtc_budget_job_bytes(&compactor->budget,
	    now_ns(compactor));

	return space == 0 || (budget != 0 && budget < space) ? budget : space;
}

/* Nothing is left to do of what a client asked for. */
static enum rt_code
answer(struct rtc_compactor *compactor, const struct rt_manifest *manifest,
    struct rt_err *err)
{
	struct rtc_publisher publisher = {
		.store = compactor->database.store,
		.epoch = compactor->runner.epoch,
	};
	enum rt_code code;

	if (!rt_manifest_is_asked(manifest))
		return RT_OK;
	code = rtc_publisher_answer(&publisher, manifest->compact_asked, err);
	if (code != RT_OK)
		return code;
	compactor->idle = 0;
	rt_log(RT_LOG_NOTICE, "main", "everything asked for is merged",
	    "request=%" PRIu64 " seq=%" PRIu64, manifest->compact_asked,
	    manifest->compact_seq);
	return RT_OK;
}

/* Nothing was picked. If that is for want of space it is an error; of time, and
 * the budget counts as spent; beside other jobs, they end first. Else a request
 * is done. */
static enum rt_code
look_why(struct rtc_compactor *compactor, const struct rt_manifest *manifest,
    struct rtc_limits *limits, struct rt_err *err)
{
	uint64_t space = rtc_job_runner_space(&compactor->runner);
	enum rt_code code = RT_OK;
	struct rtc_job job;

	note_idle(compactor, manifest, limits);
	if (limits->running_count > 0)
		return RT_OK;
	limits->max_job_bytes = 0;
	if (!rtc_picker_pick(manifest, limits, &job))
		return answer(compactor, manifest, err);
	if (space != 0 && job.input_bytes > space)
		code = rt_err_set(err, RT_ENOSPC, "a merge of %" PRIu64
		    " bytes waits for space: %" PRIu64 " bytes are free above "
		    "disk-reserve", job.input_bytes, space);
	else
		compactor->budget.ends_ns = now_ns(compactor);
	rtc_job_fini(&job);
	return code;
}

/* Begin a job if one is due beside those under way. */
static enum rt_code
begin_one(struct rtc_compactor *compactor, bool *began, struct rt_err *err)
{
	struct rtc_job_runner *runner = &compactor->runner;
	const struct rtc_job *running[RTC_WORKERS_MAX];
	const struct rt_manifest *manifest = NULL;
	struct rtc_limits limits;
	struct rtc_job job;
	enum rt_code code;

	*began = false;
	if (is_idle(compactor))
		return RT_OK;
	code = rt_manifest_store_load(compactor->database.store, &manifest,
	    err);
	if (code != RT_OK)
		return code;
	if (manifest->compactor_epoch != runner->epoch) {
		code = rt_err_set(err, RT_EFENCED,
		    "another compactor took over: our epoch %" PRIu64
		    ", now %" PRIu64, runner->epoch,
		    manifest->compactor_epoch);
		goto out;
	}
	limits = rtc_limits_now(compactor->options.config,
	    compactor->options.full, compactor->options.clock,
	    &compactor->expiry, manifest);
	limits.avoid = runner->quarantine.ids;
	limits.avoid_count = runner->quarantine.count;
	limits.running_count = rtc_workers_jobs(runner->workers, running);
	limits.running = running;
	limits.max_job_bytes = most_bytes(compactor);
	compactor->report.status.debt_bytes =
	    rtc_picker_debt(manifest, &limits);
	rtc_throttle_see(&compactor->throttle, manifest, &limits);
	compactor->is_late =
	    rtc_limits_forbid_all(compactor->options.config, &limits);
	if (compactor->is_late) {
		note_idle(compactor, manifest, &limits);
		goto out;
	}
	if (!rtc_resume_next(&compactor->resume, manifest, &limits,
		rtc_job_runner_space(runner), &job) &&
	    !rtc_picker_pick(manifest, &limits, &job)) {
		code = look_why(compactor, manifest, &limits, err);
		goto out;
	}
	code = rtc_job_runner_begin(runner, &job, limits.expired_before_ms,
	    err);
	*began = code == RT_OK;
out:
	rt_manifest_unref(manifest);
	return code;
}

/* With all workers at work no manifest is loaded to pick from. What comes in
 * meanwhile is looked at for the sake of their pace. */
static void
watch_load(struct rtc_compactor *compactor)
{
	const struct rt_manifest *manifest = NULL;
	struct rtc_limits limits;
	uint64_t highest;

	if (!rtc_throttle_is_curious(&compactor->throttle, now_ns(compactor)) ||
	    rtc_workers_busy(compactor->runner.workers) == 0)
		return;
	if (rt_manifest_store_highest(compactor->database.store, &highest,
		NULL) != RT_OK || highest == compactor->throttle.generation ||
	    rt_manifest_store_load(compactor->database.store, &manifest,
		NULL) != RT_OK)
		return;
	limits = rtc_limits_now(compactor->options.config,
	    compactor->options.full, compactor->options.clock,
	    &compactor->expiry, manifest);
	rtc_throttle_see(&compactor->throttle, manifest, &limits);
	rt_manifest_unref(manifest);
}

/* As many as there are threads for. *began: some job was, and may be over
 * already. */
static enum rt_code
begin_jobs(struct rtc_compactor *compactor, bool *began, struct rt_err *err)
{
	const struct rtc_workers *workers = compactor->runner.workers;
	enum rt_code code = RT_OK;
	bool more = true;

	*began = false;
	while (more && code == RT_OK && !compactor->stopping &&
	    rtc_workers_free(workers) > 0) {
		code = begin_one(compactor, &more, err);
		*began = *began || more;
		take_signals(compactor);
	}
	return code;
}

static void
drain(struct rtc_compactor *compactor)
{
	struct rt_err err = { .code = RT_OK };
	size_t removed = 0;

	if (rtc_sweeper_drain(compactor->options.fs, compactor->database.dir,
		compactor->database.sst, compactor->database.store,
		&compactor->drained, &removed, &err) != RT_OK)
		rt_log_limited(60000, RT_LOG_WARNING, "sweep",
		    "obsolete tables not removed", "error=\"%s\"", err.text);
	else if (removed > 0)
		rt_log(RT_LOG_VERBOSE, "sweep", "obsolete tables removed",
		    "tables=%zu", removed);
}

static void
note_failure(struct rtc_compactor *compactor, const struct rt_err *err)
{
	rtc_job_report_error(&compactor->report, err);
	rtc_job_report_phase(&compactor->report,
	    err->code == RT_ENOSPC ? "no-space" : "retrying");
	rtc_job_report_save(&compactor->report);
	compactor->backoff_ms = compactor->backoff_ms == 0
	    ? BACKOFF_MS_MIN : compactor->backoff_ms * 2;
	if (compactor->backoff_ms > BACKOFF_MS_MAX)
		compactor->backoff_ms = BACKOFF_MS_MAX;
	compactor->resume_ns = now_ns(compactor) +
	    compactor->backoff_ms * NS_PER_MS;
	rt_log(RT_LOG_WARNING, "job", "failed", "error=\"%s\" retry_ms=%u",
	    err->text, compactor->backoff_ms);
}

static bool
scrub_may_go_on(void *arg)
{
	struct rtc_compactor *compactor = arg;

	take_signals(compactor);
	return !compactor->stopping;
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
		rtc_job_report_save(&compactor->report);
}

/* Nothing is under way and nothing is due. */
static void
rest(struct rtc_compactor *compactor, bool *is_told)
{
	const struct rt_compactor_status *status = &compactor->report.status;

	rtc_job_report_phase(&compactor->report, compactor->is_late
	    ? "outside-window" : status->scrub_position != 0
	    ? "scrubbing" : "idle");
	if (!*is_told) {
		rtc_job_report_save(&compactor->report);
		drain(compactor);
		*is_told = true;
	}
	scrub_one(compactor);
}

/* One turn: publish what is over, begin what is due. *acted: there may be more
 * at once. */
static enum rt_code
turn(struct rtc_compactor *compactor, bool *acted, struct rt_err *err)
{
	size_t finished = 0;
	bool began = false;
	enum rt_code code;

	code = rtc_job_runner_finish(&compactor->runner, &finished, err);
	if (finished > 0) {
		compactor->idle = 0;
		rtc_job_report_save(&compactor->report);
		drain(compactor);
	}
	if (code == RT_OK && now_ns(compactor) >= compactor->resume_ns) {
		code = begin_jobs(compactor, &began, err);
		if (code == RT_OK && (finished > 0 || began))
			compactor->backoff_ms = 0;
	}
	*acted = finished > 0 ||
	    (began && rtc_workers_busy(compactor->runner.workers) == 0);
	return code;
}

/* Tell how far it is, and wait. */
static void
watch(struct rtc_compactor *compactor)
{
	unsigned wait_ms = compactor->is_drawing ? RTC_PROGRESS_BAR_MS : LOOK_MS;

	rtc_job_report_progress(&compactor->report, compactor->runner.workers);
	if (compactor->is_drawing)
		rtc_progress_bar_draw(&compactor->report.status);
	wait_for_news(compactor, rtc_budget_wait_ms(&compactor->budget,
		now_ns(compactor), wait_ms));
}

/* It is to end now, and why is known. */
static bool
is_at_end(struct rtc_compactor *compactor)
{
	take_signals(compactor);
	if (compactor->stopping)
		compactor->why = "stopped";
	else if (rtc_budget_is_over(&compactor->budget, now_ns(compactor)))
		compactor->why = "budget-spent";
	return compactor->why != NULL;
}

static enum rt_code
work(struct rtc_compactor *compactor, struct rt_err *err)
{
	bool ends = compactor->options.once || compactor->options.full;
	bool acted, rest_is_told = false;

	for (;;) {
		struct rt_err own = { .code = RT_OK };
		enum rt_code code;
		bool busy;

		if (is_at_end(compactor))
			return RT_OK;
		code = turn(compactor, &acted, &own);
		watch_load(compactor);
		rtc_throttle_turn(&compactor->throttle, now_ns(compactor));
		busy = rtc_workers_busy(compactor->runner.workers) > 0;
		/* Who upgrades the daemon upgrades us: until then we would only
		 * keep the role from the one that can. */
		if (code == RT_EFENCED || code == RT_EFORMAT ||
		    (code != RT_OK && ends)) {
			if (err != NULL)
				*err = own;
			return code;
		}
		if (code != RT_OK) {
			note_failure(compactor, &own);
		} else if (acted) {
			rest_is_told = false;
			continue;
		} else if (!busy && compactor->backoff_ms == 0) {
			if (ends)
				return RT_OK;
			rest(compactor, &rest_is_told);
		}
		watch(compactor);
	}
}

enum rt_code
rtc_compactor_run(struct rtc_compactor *compactor, struct rt_err *err)
{
	bool ends = compactor->options.once || compactor->options.full;
	const struct rtc_quarantine *damaged = &compactor->runner.quarantine;
	enum rt_code code;

	compactor->is_drawing = ends && rtc_progress_bar_begin();
	code = work(compactor, err);
	if (compactor->is_drawing)
		rtc_progress_bar_end();
	rtc_job_runner_stop(&compactor->runner, code == RT_EFENCED);
	if (code == RT_EFENCED)
		return code;
	rtc_job_report_phase(&compactor->report, "ended");
	rtc_job_report_save(&compactor->report);
	drain(compactor);
	if (code == RT_OK && ends && damaged->count > 0)
		code = rt_err_set(err, RT_EDAMAGED,
		    "%zu tables are damaged and were left out: %s",
		    damaged->count, compactor->report.status.last_error);
	return code;
}

static const char *
why_ended(const struct rtc_compactor *compactor, enum rt_code code)
{
	const struct rt_compactor_status *status = &compactor->report.status;

	if (code == RT_EFENCED)
		return "fenced";
	if (code == RT_EDAMAGED)
		return "damaged";
	if (code != RT_OK)
		return "failed";
	if (compactor->why != NULL)
		return compactor->why;
	return status->jobs_done > 0 ? "done" : "nothing-due";
}

void
rtc_compactor_log_end(const struct rtc_compactor *compactor, enum rt_code code,
    const struct rt_err *err)
{
	const struct rt_compactor_status *status = &compactor->report.status;
	uint64_t ns = now_ns(compactor) - compactor->opened_ns;

	rt_log(code == RT_OK ? RT_LOG_NOTICE : RT_LOG_WARNING, "main", "ended",
	    "result=%s jobs=%" PRIu64 " failed=%" PRIu64 " bytes_in=%" PRIu64
	    " bytes_out=%" PRIu64 " seconds=%.1f debt_bytes=%" PRIu64
	    " write_amplification=%.2f exit=%d error=\"%s\"",
	    why_ended(compactor, code), status->jobs_done, status->jobs_failed,
	    status->bytes_read, status->bytes_written, (double)ns / 1e9,
	    status->debt_bytes, rt_compactor_write_amplification(status),
	    rt_code_exit_status(code), code == RT_OK ? "" : err->text);
}

/* -- opening and closing -- */

static enum rt_code
try_role(struct rtc_compactor *compactor, struct rt_err *err)
{
	return rt_dirlock_take(&compactor->lock, compactor->options.fs,
	    compactor->database.dir, RT_PATH_LOCK_COMPACTOR, err);
}

/* Nobody tells when a lock is let go, so it is tried once a second. */
static enum rt_code
wait_for_role(struct rtc_compactor *compactor, struct rt_err *err)
{
	struct pollfd signals = {
		.fd = compactor->options.signal_fd,
		.events = POLLIN,
	};
	enum rt_code code = RT_ELOCKED;

	rt_log(RT_LOG_NOTICE, "main", "waits for the role", "holder=\"%s\"",
	    err->text);
	while (code == RT_ELOCKED) {
		if (rtc_budget_is_over(&compactor->budget, now_ns(compactor)))
			return rt_err_prefix(err,
			    "the budget was spent on waiting");
		(void)poll(&signals, 1, (int)rtc_budget_wait_ms(
			&compactor->budget, now_ns(compactor), LOOK_MS));
		take_signals(compactor);
		if (compactor->stopping)
			return rt_err_set(err, RT_ESTOPPED,
			    "told to stop while another compactor was at work");
		code = try_role(compactor, err);
	}
	return code;
}

static enum rt_code
take_role(struct rtc_compactor *compactor, struct rt_err *err)
{
	struct rt_err own = { .code = RT_OK };
	enum rt_code code = try_role(compactor, &own);

	if (code == RT_ELOCKED && compactor->options.wait)
		code = wait_for_role(compactor, &own);
	if (code != RT_OK && err != NULL)
		*err = own;
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

	rt_manifest_edit_claim(edit, RTC_FEATURES);
	code = rt_manifest_store_publish(compactor->database.store, edit,
	    &claimed, NULL, err);
	rt_manifest_edit_free(edit);
	if (code != RT_OK)
		return code;
	RT_CRASHPOINT("compactor-claimed");
	compactor->runner.epoch = claimed->compactor_epoch;
	rt_expiry_clock_init(&compactor->expiry, compactor->options.clock,
	    &claimed->clock_mark, claimed->expiry_clock_ms);
	rtc_resume_open(&compactor->resume, compactor->options.fs,
	    compactor->database.dir, compactor->database.sst,
	    &compactor->runner.progress,
	    rt_clock_boot_id(compactor->options.clock), claimed,
	    compactor->runner.epoch, &compactor->runner.next_number);
	code = rtc_sweeper_sweep(compactor->options.fs,
	    compactor->database.sst, claimed, compactor->runner.epoch,
	    &removed, err);
	rt_manifest_unref(claimed);
	if (removed > 0)
		rt_log(RT_LOG_NOTICE, "sweep", "unpublished tables removed",
		    "tables=%zu", removed);
	return code;
}

static void
init_scrub(struct rtc_compactor *compactor)
{
	compactor->scrub = (struct rtc_scrub){
		.fs = compactor->options.fs,
		.clock = compactor->options.clock,
		.store = compactor->database.store,
		.sst = compactor->database.sst,
		.status = &compactor->report.status,
		.quarantine = &compactor->runner.quarantine,
		.go_on = scrub_may_go_on,
		.arg = compactor,
	};
}

static void
init_runner(struct rtc_compactor *compactor)
{
	const struct rtc_options *options = &compactor->options;

	compactor->runner = (struct rtc_job_runner){
		.database = &compactor->database,
		.clock = options->clock,
		.config = options->config,
		.lock = &compactor->lock,
		.expiry = &compactor->expiry,
		.next_number = 1,
		.budget = &compactor->budget,
		.report = &compactor->report,
	};
	rtc_progress_init(&compactor->runner.progress);
	rtc_budget_init(&compactor->budget, options->budget_s,
	    now_ns(compactor));
	rtc_pace_init(&compactor->runner.pace, options->clock,
	    options->config->compaction_rate_limit);
	rtc_throttle_init(&compactor->throttle, &compactor->runner.pace,
	    options->config, options->once || options->full);
}

enum rt_code
rtc_compactor_open(struct rtc_compactor **out,
    const struct rtc_options *options, struct rt_err *err)
{
	struct rtc_compactor *compactor = rt_alloc_zero(1, sizeof(*compactor));
	enum rt_code code;

	compactor->options = *options;
	compactor->opened_ns = now_ns(compactor);
	compactor->database.dir = compactor->database.sst = -1;
	compactor->database.fs = options->fs;
	compactor->lock = (struct rt_dirlock)RT_DIRLOCK_INIT;
	init_runner(compactor);
	code = rtc_database_open(&compactor->database, options->fs,
	    options->config, err);
	if (code == RT_OK)
		code = take_role(compactor, err);
	if (code == RT_OK)
		code = rt_manifest_watch_open(&compactor->watch,
		    options->config->dir, err);
	if (code == RT_OK)
		code = rtc_workers_open(&compactor->runner.workers,
		    (size_t)options->config->compaction_threads, err);
	RT_CRASHPOINT("compactor-locked");
	if (code == RT_OK)
		code = claim_role(compactor, err);
	if (code != RT_OK) {
		rtc_compactor_close(compactor);
		return code;
	}
	compactor->report = (struct rtc_job_report){
		.fs = options->fs,
		.clock = options->clock,
		.dir = compactor->database.dir,
		.status = {
			.epoch = compactor->runner.epoch,
			.pid = (uint32_t)getpid(),
			.started_ms = rt_clock_wall_ms(options->clock),
		},
	};
	snprintf(compactor->report.status.sandbox,
	    sizeof(compactor->report.status.sandbox), "%s",
	    options->sandbox != NULL ? options->sandbox : "off");
	rtc_job_report_load(&compactor->report);
	init_scrub(compactor);
	rtc_job_report_save(&compactor->report);
	*out = compactor;
	return RT_OK;
}

void
rtc_compactor_close(struct rtc_compactor *compactor)
{
	if (compactor == NULL)
		return;
	if (compactor->runner.epoch != 0)
		rt_expiry_clock_fini(&compactor->expiry);
	rt_manifest_watch_close(compactor->watch);
	rt_dirlock_release(&compactor->lock);
	rtc_database_close(&compactor->database);
	rtc_quarantine_fini(&compactor->runner.quarantine);
	rtc_pace_fini(&compactor->runner.pace);
	rtc_resume_close(&compactor->resume);
	rtc_progress_fini(&compactor->runner.progress);
	rtc_workers_close(compactor->runner.workers);
	free(compactor);
}
