/* resume: jobs that a compactor before left in the middle, with what it had
 * finished of them; the reasons are K1 to K6 of progress.h.
 * Path: compactor > [resume] > job_runner. Thread: main. */
#ifndef RIPTIDE_COMPACTD_RESUME_H
#define RIPTIDE_COMPACTD_RESUME_H

#include <stdatomic.h>

#include "riptide-compactd/picker.h"
#include "riptide-compactd/progress.h"

struct rtc_resume {
	struct rt_fs *fs;
	int sst;
	struct rtc_progress *progress;	/* borrowed */
	struct rtc_job jobs[RTC_PROGRESS_JOBS_MAX / 2];	/* that wait */
	size_t count;
};

/* K5: after the claim of `epoch`, whose manifest this is, and before the sweep.
 * Opens progress. dir: the data directory. boot_id: the machine's, 0 when it
 * does not tell. *next_number: names of outputs. A record that is of no use is
 * removed, which is no error. */
void rtc_resume_open(struct rtc_resume *resume, struct rt_fs *fs, int dir,
    int sst, struct rtc_progress *progress, uint64_t boot_id,
    const struct rt_manifest *manifest, uint64_t epoch,
    _Atomic uint64_t *next_number);
/* What waits still stays in the record. */
void rtc_resume_close(struct rtc_resume *resume);

/* Take a job that may begin now, as one picked from this manifest. What can no
 * longer be of use, or does not fit the space (bytes; 0: not known), is given up
 * and unlinked. False: there is none. The job is the caller's. */
bool rtc_resume_next(struct rtc_resume *resume,
    const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint64_t space, struct rtc_job *job);

#endif
