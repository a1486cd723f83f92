/* job_report: what the compactor tells while it works: a log line for each job,
 * its counters, and the file COMPACTOR. Thread: main. */
#ifndef RIPTIDE_COMPACTD_JOB_REPORT_H
#define RIPTIDE_COMPACTD_JOB_REPORT_H

#include "libcommon/manifest/compactor_status.h"
#include "libcommon/os/clock.h"
#include "riptide-compactd/merger.h"
#include "riptide-compactd/workers.h"

/* Inert when zeroed. */
struct rtc_job_report {
	struct rt_fs *fs;
	struct rt_clock *clock;
	int dir;			/* the database's; borrowed */
	struct rt_compactor_status status;
	uint64_t saved_ns;		/* monotonic */
	uint64_t paced_ns;		/* of the last look at the pace, */
	uint64_t paced_bytes;		/* and what was read by then */
};

/* Go on with what the file has of the process before: jobs that are over, the
 * sums of ever, and the pass that looks for damage. */
void rtc_job_report_load(struct rtc_job_report *report);

/* Write the file COMPACTOR. A failure is logged now and then and nothing
 * else: nothing depends on it. */
void rtc_job_report_save(struct rtc_job_report *report);

/* A job begins, or is over in whatever way. */
void rtc_job_report_begin(struct rtc_job_report *report,
    const struct rtc_job *job);
void rtc_job_report_end(struct rtc_job_report *report);

/* A job was published: count it, and write its line into the log. began_ns:
 * monotonic. */
void rtc_job_report_done(struct rtc_job_report *report,
    const struct rtc_job *job, const struct rtc_result *result, uint64_t began_ns);

/* A job is over without having been published. */
void rtc_job_report_not_done(struct rtc_job_report *report,
    const struct rtc_job *job, enum rt_job_outcome outcome,
    const struct rt_err *err, uint64_t began_ns);

/* What the compactor is at, a word: "merging", "idle". The file is written if
 * it was another. */
void rtc_job_report_phase(struct rtc_job_report *report, const char *word);

/* How far the jobs under way are, and how fast; the file is written once in a
 * second. */
void rtc_job_report_progress(struct rtc_job_report *report,
    const struct rtc_workers *workers);

/* Remember an error for people, until a job goes well. */
void rtc_job_report_error(struct rtc_job_report *report,
    const struct rt_err *err);

/* Everything into the log (SIGUSR1). */
void rtc_job_report_log_state(const struct rtc_job_report *report);

#endif
