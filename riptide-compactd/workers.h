/* workers: threads that merge, one or several for each job. The main thread picks
 * and publishes; between the two a worker has the job to itself. Thread: main, except where it
 * says so. */
#ifndef RIPTIDE_COMPACTD_WORKERS_H
#define RIPTIDE_COMPACTD_WORKERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "riptide-compactd/merger.h"

/* compaction-threads is at most this. */
#define RTC_WORKERS_MAX 64

struct rtc_workers;

/* One job, from its begin to its end. */
struct rtc_worker {
	struct rtc_workers *workers;
	struct rtc_merger merger;
	struct rtc_job job;
	struct rtc_result result;
	enum rt_code code;	/* of the merge */
	struct rt_err err;
	uint64_t began_ns;	/* monotonic */
	_Atomic uint64_t entries_read;	/* of the job's inputs, about */
	pthread_t thread;
	bool is_busy;		/* begun and not yet cleared */
	atomic_bool is_over;	/* written by the thread */
};

struct rtc_workers {
	struct rtc_worker *all;
	size_t count;		/* of threads, and so of jobs at most */
	int done_fd;		/* readable when one of them is over */
	int stop_fd;		/* readable once they are to stop */
	atomic_bool stops;
};

/* count: threads at once, over all jobs; 1 or more. */
RT_MUST_USE enum rt_code rtc_workers_open(struct rtc_workers **out,
    size_t count, struct rt_err *err);
/* All must be cleared. */
void rtc_workers_close(struct rtc_workers *workers);

size_t rtc_workers_busy(const struct rtc_workers *workers);
/* The jobs of those; returns how many. Valid until one of them is cleared. */
size_t rtc_workers_jobs(const struct rtc_workers *workers,
    const struct rtc_job *jobs[RTC_WORKERS_MAX]);

/* Bytes of the inputs of those, and how many of them are read, about. */
void rtc_workers_progress(const struct rtc_workers *workers,
    uint64_t *bytes_done, uint64_t *bytes_total);

/* Threads that no job has. */
size_t rtc_workers_free(const struct rtc_workers *workers);

/* Begin a job, while a thread is free; it becomes the worker's. A large one gets
 * several. merger: as for rtc_merger_run; threads, progress_slot and should_stop
 * are set here. */
void rtc_workers_begin(struct rtc_workers *workers,
    const struct rtc_merger *merger, const struct rtc_job *job,
    uint64_t now_ns);

/* One whose merge is over, for the caller to look at and to clear, or NULL. */
struct rtc_worker *rtc_workers_next_over(struct rtc_workers *workers);
/* Let go of the job and the result. */
void rtc_worker_clear(struct rtc_worker *worker);

/* Ask all to stop, now and in future; a merge under way ends with RT_ESTOPPED.
 * Any thread. */
void rtc_workers_stop(struct rtc_workers *workers);

/* Forget that some are over: before a look at them and a wait for more. */
void rtc_workers_drain(struct rtc_workers *workers);

#endif
