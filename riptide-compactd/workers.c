#include "riptide-compactd/workers.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"
#include "riptide-compactd/ranges.h"

enum rt_code
rtc_workers_open(struct rtc_workers **out, size_t count, struct rt_err *err)
{
	struct rtc_workers *workers = rt_alloc_zero(1, sizeof(*workers));

	rt_assert(count >= 1 && count <= RTC_WORKERS_MAX);
	workers->all = rt_alloc_zero(count, sizeof(workers->all[0]));
	workers->count = count;
	workers->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	workers->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (workers->done_fd < 0 || workers->stop_fd < 0) {
		enum rt_code code = rt_err_set_errno(err, errno, "eventfd");

		rtc_workers_close(workers);
		return code;
	}
	*out = workers;
	return RT_OK;
}

void
rtc_workers_close(struct rtc_workers *workers)
{
	if (workers == NULL)
		return;
	rt_assert(rtc_workers_busy(workers) == 0);
	if (workers->done_fd >= 0)
		close(workers->done_fd);
	if (workers->stop_fd >= 0)
		close(workers->stop_fd);
	free(workers->all);
	free(workers);
}

size_t
rtc_workers_busy(const struct rtc_workers *workers)
{
	size_t busy = 0;

	for (size_t i = 0; i < workers->count; i++)
		busy += workers->all[i].is_busy;
	return busy;
}

size_t
rtc_workers_free(const struct rtc_workers *workers)
{
	size_t taken = 0;

	for (size_t i = 0; i < workers->count; i++)
		if (workers->all[i].is_busy)
			taken += workers->all[i].merger.threads;
	return workers->count - taken;
}

/* How many of the free threads a job takes. Level 0 is what reads wait for; so a
 * deeper job leaves it one. */
static unsigned
threads_for(const struct rtc_workers *workers, const struct rtc_job *job)
{
	size_t count = rtc_workers_free(workers);

	rt_assert(count >= 1);
	if (job->source_level > 0 && count > 1)
		count--;
	return (unsigned)count;
}

size_t
rtc_workers_jobs(const struct rtc_workers *workers,
    const struct rtc_job *jobs[RTC_WORKERS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < workers->count; i++)
		if (workers->all[i].is_busy)
			jobs[count++] = &workers->all[i].job;
	return count;
}

/* Tables tell their entries and their bytes; bytes are taken to be spread evenly
 * over a job's entries. */
static uint64_t
bytes_read(const struct rtc_worker *worker)
{
	const struct rtc_job *job = &worker->job;
	uint64_t read = atomic_load_explicit(&worker->entries_read,
	    memory_order_relaxed);
	uint64_t entries = 0;

	for (size_t i = 0; i < job->inputs_count; i++)
		entries += job->inputs[i]->entries;
	if (read >= entries)
		return job->input_bytes;
	return (uint64_t)((double)job->input_bytes * (double)read /
	    (double)entries);
}

void
rtc_workers_progress(const struct rtc_workers *workers, uint64_t *bytes_done,
    uint64_t *bytes_total)
{
	*bytes_done = *bytes_total = 0;
	for (size_t i = 0; i < workers->count; i++) {
		const struct rtc_worker *worker = &workers->all[i];

		if (!worker->is_busy)
			continue;
		*bytes_done += bytes_read(worker);
		*bytes_total += worker->job.input_bytes;
	}
}

/* The counter of an eventfd is far from full. */
static void
signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

/* Asked by the merger, in the worker's thread. */
static bool
should_stop(void *arg, unsigned wait_ms)
{
	struct rtc_workers *workers = arg;
	struct pollfd wait = { .fd = workers->stop_fd, .events = POLLIN };

	if (wait_ms > 0)
		(void)poll(&wait, 1, (int)wait_ms);
	return atomic_load_explicit(&workers->stops, memory_order_relaxed);
}

static void *
work(void *arg)
{
	struct rtc_worker *worker = arg;

	worker->code = rtc_merger_run(&worker->merger, &worker->job,
	    &worker->result, &worker->err);
	atomic_store_explicit(&worker->is_over, true, memory_order_release);
	signal_fd(worker->workers->done_fd);
	return NULL;
}

void
rtc_workers_begin(struct rtc_workers *workers, const struct rtc_merger *merger,
    const struct rtc_job *job, uint64_t now_ns)
{
	struct rtc_worker *worker = workers->all;
	unsigned threads = threads_for(workers, job);

	while (worker < workers->all + workers->count && worker->is_busy)
		worker++;
	rt_assert(worker < workers->all + workers->count);
	*worker = (struct rtc_worker){
		.workers = workers,
		.merger = *merger,
		.job = *job,
		.began_ns = now_ns,
		.is_busy = true,
	};
	worker->merger.threads = rtc_ranges_most(merger->config, job,
	    threads);
	worker->merger.progress_slot = (size_t)(worker - workers->all);
	worker->merger.should_stop = should_stop;
	worker->merger.should_stop_arg = workers;
	worker->merger.entries_read = &worker->entries_read;
	rt_thread_start(&worker->thread, "merge", work, worker);
}

struct rtc_worker *
rtc_workers_next_over(struct rtc_workers *workers)
{
	for (size_t i = 0; i < workers->count; i++) {
		struct rtc_worker *worker = &workers->all[i];

		if (worker->is_busy && atomic_load_explicit(&worker->is_over,
		    memory_order_acquire))
			return worker;
	}
	return NULL;
}

void
rtc_worker_clear(struct rtc_worker *worker)
{
	rt_assert(worker->is_busy);
	rt_thread_join(worker->thread);
	rtc_result_fini(&worker->result);
	rtc_job_fini(&worker->job);
	worker->is_busy = false;
	atomic_store_explicit(&worker->is_over, false, memory_order_relaxed);
}

void
rtc_workers_stop(struct rtc_workers *workers)
{
	atomic_store_explicit(&workers->stops, true, memory_order_relaxed);
	signal_fd(workers->stop_fd);
}

void
rtc_workers_drain(struct rtc_workers *workers)
{
	uint64_t count;

	while (read(workers->done_fd, &count, sizeof(count)) < 0 &&
	    errno == EINTR)
		;
}
