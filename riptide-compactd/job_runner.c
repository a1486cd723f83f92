#include "riptide-compactd/job_runner.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "riptide-compactd/publisher.h"

/* A merge needs its inputs' space once more until they are unlinked. Together
 * they must not take what the daemon needs to go on writing. */
uint64_t
rtc_job_runner_space(const struct rtc_job_runner *runner)
{
	struct rt_fs *fs = runner->database->fs;
	int64_t free_bytes = fs->free_bytes(fs, runner->database->sst);
	uint64_t taken = runner->config->disk_reserve;

	if (free_bytes < 0)
		return 0;
	for (size_t i = 0; i < runner->workers->count; i++)
		if (runner->workers->all[i].is_busy)
			taken += runner->workers->all[i].job.input_bytes;
	return (uint64_t)free_bytes > taken ? (uint64_t)free_bytes - taken : 1;
}

static enum rt_code
publish(struct rtc_job_runner *runner, const struct rtc_merger *merger,
    const struct rtc_job *job, struct rtc_result *result, uint64_t began_ns,
    struct rt_err *err)
{
	struct rtc_publisher publisher = {
		.store = runner->database->store,
		.epoch = runner->epoch,
		.clock = runner->expiry,
	};
	bool unknown = false;
	enum rt_code code;

	code = rt_dirlock_check(runner->lock, runner->database->dir,
	    RT_PATH_LOCK_COMPACTOR, err);
	if (code == RT_OK)
		code = rtc_publisher_publish(&publisher, job, result, &unknown,
		    err);
	if (code == RT_OK)
		rtc_job_report_done(runner->report, job, result, began_ns);
	/* Fenced: the next holder of the role sweeps. */
	else if (code != RT_EFENCED && !unknown && merger != NULL)
		rtc_result_unlink(result, merger);
	return code;
}

/* Its inputs changed under it, or are damaged and known to be now: other jobs
 * can be picked. Else the error remains what it was. */
static enum rt_code
forgive(struct rtc_job_runner *runner, const struct rtc_job *job,
    enum rt_code code, const struct rt_err *err, uint64_t began_ns)
{
	enum rt_job_outcome outcome = RT_JOB_GIVEN_UP;

	if (code == RT_OK)
		return RT_OK;
	if (code == RT_ECONFLICT) {
		rt_log(RT_LOG_VERBOSE, "job", "given up", "reason=\"%s\"",
		    err->text);
		code = RT_OK;
	} else if ((code == RT_EDAMAGED || code == RT_ENOTFOUND) &&
	    rtc_quarantine_inspect(&runner->quarantine, runner->database->fs,
		runner->database->sst, job)) {
		runner->report->status.damaged_tables =
		    runner->quarantine.count;
		rtc_job_report_error(runner->report, err);
		code = RT_OK;
	} else {
		outcome = RT_JOB_FAILED;
	}
	rtc_job_report_not_done(runner->report, job, outcome, err, began_ns);
	return code;
}

/* A job of which nothing is read. */
static enum rt_code
do_unread(struct rtc_job_runner *runner, const struct rtc_job *job,
    struct rt_err *err)
{
	uint64_t now_ns = rt_clock_monotonic_ns(runner->clock);
	struct rtc_result nothing = { 0 };

	return forgive(runner, job, publish(runner, NULL, job, &nothing,
		now_ns, err), err, now_ns);
}

enum rt_code
rtc_job_runner_begin(struct rtc_job_runner *runner, struct rtc_job *job,
    uint64_t expired_before_ms, struct rt_err *err)
{
	struct rtc_merger merger = {
		.fs = runner->database->fs,
		.dir = runner->database->sst,
		.config = runner->config,
		.epoch = runner->epoch,
		.next_number = &runner->next_number,
		.expired_before_ms = expired_before_ms,
		.pace = &runner->pace,
		.progress = &runner->progress,
	};
	enum rt_code code = RT_OK;

	rtc_job_report_begin(runner->report, job);
	RT_CRASHPOINT("job-picked");
	if (job->kind == RTC_JOB_MERGE)
		rtc_workers_begin(runner->workers, &merger, job,
		    rt_clock_monotonic_ns(runner->clock));
	else
		code = do_unread(runner, job, err);
	if (rtc_workers_busy(runner->workers) == 0)
		rtc_job_report_end(runner->report);
	if (job->kind != RTC_JOB_MERGE)
		rtc_job_fini(job);
	return code;
}

/* Published or given up: there is nothing to resume. */
static void
end_progress(struct rtc_job_runner *runner, const struct rtc_worker *worker)
{
	/* One that failed early has not left where it waited. */
	if (worker->job.done != NULL)
		rtc_progress_end(&runner->progress, worker->job.done->slot);
	rtc_progress_end(&runner->progress, worker->merger.progress_slot);
}

enum rt_code
rtc_job_runner_finish(struct rtc_job_runner *runner, size_t *finished,
    struct rt_err *err)
{
	struct rtc_worker *worker;
	enum rt_code code = RT_OK;

	*finished = 0;
	rtc_workers_drain(runner->workers);
	while (code == RT_OK && (worker =
		    rtc_workers_next_over(runner->workers)) != NULL) {
		code = worker->code;
		if (code == RT_OK)
			rtc_budget_learn(runner->budget,
			    worker->job.input_bytes,
			    rt_clock_monotonic_ns(runner->clock) -
				worker->began_ns);
		if (code == RT_OK)
			code = publish(runner, &worker->merger, &worker->job,
			    &worker->result, worker->began_ns, &worker->err);
		/* Fenced: the file is the successor's. */
		if (code != RT_EFENCED)
			end_progress(runner, worker);
		code = forgive(runner, &worker->job, code, &worker->err,
		    worker->began_ns);
		if (code != RT_OK && err != NULL)
			*err = worker->err;
		rtc_worker_clear(worker);
		(*finished)++;
		if (rtc_workers_busy(runner->workers) == 0)
			rtc_job_report_end(runner->report);
	}
	return code;
}

/* Its merge is over, at the end of all. */
static void
end_worker(struct rtc_job_runner *runner, struct rtc_worker *worker,
    bool fenced)
{
	if (worker->code == RT_OK && !fenced &&
	    publish(runner, &worker->merger, &worker->job, &worker->result,
		worker->began_ns, &worker->err) == RT_OK)
		return;
	if (worker->code == RT_OK && !fenced)
		rt_log(RT_LOG_WARNING, "job", "not published at the end",
		    "error=\"%s\"", worker->err.text);
	rtc_job_report_not_done(runner->report, &worker->job,
	    worker->code == RT_ESTOPPED ? RT_JOB_STOPPED : RT_JOB_FAILED,
	    &worker->err, worker->began_ns);
}

void
rtc_job_runner_stop(struct rtc_job_runner *runner, bool fenced)
{
	struct pollfd over = {
		.fd = runner->workers->done_fd,
		.events = POLLIN,
	};

	rtc_workers_stop(runner->workers);
	while (rtc_workers_busy(runner->workers) > 0) {
		struct rtc_worker *worker;

		(void)poll(&over, 1, -1);
		rtc_workers_drain(runner->workers);
		while ((worker = rtc_workers_next_over(runner->workers)) !=
		    NULL) {
			end_worker(runner, worker, fenced);
			if (worker->code != RT_ESTOPPED && !fenced)
				end_progress(runner, worker);
			rtc_worker_clear(worker);
		}
	}
	rtc_job_report_end(runner->report);
}
