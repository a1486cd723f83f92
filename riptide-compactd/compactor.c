#include "riptide-compactd/compactor.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/lifecycle.h"
#include "libcommon/daemon/log.h"
#include "libcommon/manifest/manifest_watch.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/dirlock.h"
#include "riptide-compactd/database.h"
#include "riptide-compactd/job_report.h"
#include "riptide-compactd/limits.h"
#include "riptide-compactd/publisher.h"
#include "riptide-compactd/quarantine.h"
#include "riptide-compactd/scrub.h"
#include "riptide-compactd/sweeper.h"

#define LOOK_MS 1000
/* Without a new manifest only the clock can make a job due: values expire, a
 * window opens. */
#define IDLE_NS (30 * UINT64_C(1000000000))
#define BACKOFF_MS_MIN 1000
#define BACKOFF_MS_MAX 60000

struct rtc_compactor {
	struct rtc_options options;
	struct rtc_database database;
	struct rt_dirlock lock;
	struct rt_manifest_watch *watch;
	uint64_t epoch;
	uint64_t next_number;
	struct rtc_pace pace;
	struct rtc_quarantine quarantine;
	struct rtc_scrub scrub;
	struct rtc_job_report report;
	struct rt_expiry_clock expiry;	/* once the role is ours */
	unsigned backoff_ms;	/* 0: the last job went well */
	uint64_t drained;	/* generation whose obsolete tables are gone */
	uint64_t idle;		/* generation with nothing due; 0: none, */
	uint64_t idle_until_ns;	/* until then */
	bool stopping;
};

/* -- small steps -- */

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
			rtc_job_report_log_state(&compactor->report);
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

static enum rt_code
publish_result(struct rtc_compactor *compactor, const struct rtc_merger *merger,
    const struct rtc_job *job, struct rtc_result *result, struct rt_err *err)
{
	struct rtc_publisher publisher = {
		.store = compactor->database.store,
		.epoch = compactor->epoch,
		.clock = &compactor->expiry,
	};
	bool unknown = false;
	enum rt_code code;

	code = rt_dirlock_check(&compactor->lock, compactor->database.dir,
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
	int64_t free_bytes = fs->free_bytes(fs, compactor->database.sst);
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
		.dir = compactor->database.sst,
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
	rtc_job_report_begin(&compactor->report, job);
	RT_CRASHPOINT("job-picked");
	if (job->kind == RTC_JOB_MERGE)
		code = rtc_merger_run(&merger, job, &result, err);
	if (code == RT_OK)
		code = publish_result(compactor, &merger, job, &result, err);
	if (code == RT_OK)
		rtc_job_report_done(&compactor->report, job, &result, began_ns);
	rtc_result_fini(&result);
	rtc_job_report_end(&compactor->report);
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
	    rt_manifest_store_highest(compactor->database.store, &highest, NULL) ==
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
	if (!rtc_quarantine_inspect(&compactor->quarantine,
		compactor->options.fs, compactor->database.sst, job))
		return code;
	compactor->report.status.damaged_tables = compactor->quarantine.count;
	rtc_job_report_error(&compactor->report, err);
	rtc_job_report_save(&compactor->report);
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
	code = rt_manifest_store_load(compactor->database.store, &manifest, err);
	if (code != RT_OK)
		return code;
	if (manifest->compactor_epoch != compactor->epoch) {
		code = rt_err_set(err, RT_EFENCED,
		    "another compactor took over: our epoch %" PRIu64
		    ", now %" PRIu64, compactor->epoch,
		    manifest->compactor_epoch);
		goto out;
	}
	limits = rtc_limits_now(compactor->options.config,
	    compactor->options.full, compactor->options.clock,
	    &compactor->expiry, manifest);
	limits.avoid = compactor->quarantine.ids;
	limits.avoid_count = compactor->quarantine.count;
	compactor->report.status.debt_bytes =
	    rtc_picker_debt(manifest, &limits);
	if (rtc_limits_forbid_all(compactor->options.config, &limits) ||
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
		rtc_job_report_save(&compactor->report);
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
			rtc_job_report_save(&compactor->report);
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
			rtc_job_report_save(&compactor->report);
			drain(compactor);
			idle_told = true;
		}
		scrub_one(compactor);
		wait_for_news(compactor, LOOK_MS);
	}
	rtc_job_report_save(&compactor->report);
	drain(compactor);
	if (ends && compactor->quarantine.count > 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "%zu tables are damaged and were left out: %s",
		    compactor->quarantine.count,
		    compactor->report.status.last_error);
	return RT_OK;
}

/* -- opening and closing -- */

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
	compactor->epoch = claimed->compactor_epoch;
	rt_expiry_clock_init(&compactor->expiry, compactor->options.clock,
	    &claimed->clock_mark, claimed->expiry_clock_ms);
	code = rtc_sweeper_sweep(compactor->options.fs,
	    compactor->database.sst, claimed, compactor->epoch, &removed, err);
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
	struct rt_compactor_status *status = &compactor->report.status;
	struct rt_compactor_status before = { 0 };

	if (rt_compactor_status_load(compactor->options.fs,
		compactor->database.dir, &before, NULL) == RT_OK) {
		status->scrub_position = before.scrub_position;
		status->scrub_tables = before.scrub_tables;
		status->scrub_began_ms = before.scrub_began_ms;
		status->scrub_finished_ms = before.scrub_finished_ms;
	}
	compactor->scrub = (struct rtc_scrub){
		.fs = compactor->options.fs,
		.clock = compactor->options.clock,
		.store = compactor->database.store,
		.sst = compactor->database.sst,
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
	compactor->database.dir = compactor->database.sst = -1;
	compactor->database.fs = options->fs;
	compactor->lock = (struct rt_dirlock)RT_DIRLOCK_INIT;
	compactor->next_number = 1;
	rtc_pace_init(&compactor->pace, options->clock,
	    options->config->compaction_rate_limit);
	code = rtc_database_open(&compactor->database, options->fs,
	    options->config, err);
	if (code == RT_OK)
		code = rt_dirlock_take(&compactor->lock, options->fs,
		    compactor->database.dir, RT_PATH_LOCK_COMPACTOR, err);
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
	compactor->report = (struct rtc_job_report){
		.fs = options->fs,
		.clock = options->clock,
		.dir = compactor->database.dir,
		.status = {
			.epoch = compactor->epoch,
			.pid = (uint32_t)getpid(),
			.started_ms = rt_clock_wall_ms(options->clock),
		},
	};
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
	if (compactor->epoch != 0)
		rt_expiry_clock_fini(&compactor->expiry);
	rt_manifest_watch_close(compactor->watch);
	rt_dirlock_release(&compactor->lock);
	rtc_database_close(&compactor->database);
	rtc_quarantine_fini(&compactor->quarantine);
	free(compactor);
}
