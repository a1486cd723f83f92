/* job_runner: from a job that was picked to its result in the manifest: a
 * worker, publish, counters; and what is left out when a job fails.
 * Thread: main. */
#ifndef RIPTIDE_COMPACTD_JOB_RUNNER_H
#define RIPTIDE_COMPACTD_JOB_RUNNER_H

#include "libcommon/os/dirlock.h"
#include "libcommon/os/expiry_clock.h"
#include "riptide-compactd/budget.h"
#include "riptide-compactd/database.h"
#include "riptide-compactd/job_report.h"
#include "riptide-compactd/pace.h"
#include "riptide-compactd/progress.h"
#include "riptide-compactd/quarantine.h"
#include "riptide-compactd/workers.h"

/* All pointers are borrowed. */
struct rtc_job_runner {
	struct rtc_database *database;
	struct rt_clock *clock;
	const struct rt_config *config;
	struct rt_dirlock *lock;	/* the compactor's role */
	struct rt_expiry_clock *expiry;
	uint64_t epoch;
	_Atomic uint64_t next_number;	/* names of tables */
	struct rtc_pace pace;
	struct rtc_progress progress;
	struct rtc_budget *budget;	/* learns how fast merges are */
	struct rtc_quarantine quarantine;
	struct rtc_job_report *report;
	struct rtc_workers *workers;
};

/* Bytes of inputs that one more job may have, so that the disk keeps its reserve
 * with all of them at their end; 1 when there is no space for any, 0 when the
 * file system does not tell. */
uint64_t rtc_job_runner_space(const struct rtc_job_runner *runner);

/* Begin a job that was picked beside those under way; it becomes ours, error or
 * not. One that needs no reading is done at once. RT_EFENCED: see publisher.h.
 * expired_before_ms: as picked with. */
RT_MUST_USE enum rt_code rtc_job_runner_begin(struct rtc_job_runner *runner,
    struct rtc_job *job, uint64_t expired_before_ms, struct rt_err *err);

/* Publish the jobs whose merges are over; *finished: how many. A job whose
 * inputs are damaged or have changed is given up, which is no error. On error
 * the others remain for the next call. */
RT_MUST_USE enum rt_code rtc_job_runner_finish(struct rtc_job_runner *runner,
    size_t *finished, struct rt_err *err);

/* Stop what is under way and wait for it; what was just over is published,
 * unless `fenced`, and what it had finished of others stays for a successor. For
 * good. */
void rtc_job_runner_stop(struct rtc_job_runner *runner, bool fenced);

#endif
