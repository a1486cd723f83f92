#include "bench/load.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/load_worker.h"
#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/os/mutex.h"

#define NS_PER_S 1e9
#define LOOK_NS 20000000
#define PROGRESS_S 1.0

struct load {
	const struct rtb_load_options *options;
	struct rtb_load_shared shared;
	struct rtb_load_worker *workers;
	bool progress;			/* a line on a terminal */
	uint64_t progress_ns, progress_done;
};

uint64_t
rtb_cpu_of(uint64_t pid)
{
	unsigned long long on_cpu, sum = 0;
	const struct dirent *entry;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%llu/task",
	    (unsigned long long)pid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%llu/task/%.200s/schedstat",
		    (unsigned long long)pid, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%llu", &on_cpu) == 1)
			sum += on_cpu;
		fclose(file);
	}
	closedir(dir);
	return sum;
}

/* "3" or "1-3" */
static bool
add_cpus(cpu_set_t *set, const char *part)
{
	struct rt_slice text = rt_slice_cstr(part);
	const char *dash = strchr(part, '-');
	uint64_t from, to;

	if (dash != NULL)
		text.len = (size_t)(dash - part);
	if (!rt_parse_u64(text, &from))
		return false;
	to = from;
	if (dash != NULL && !rt_parse_u64(rt_slice_cstr(dash + 1), &to))
		return false;
	if (to < from || to >= CPU_SETSIZE)
		return false;
	for (; from <= to; from++)
		CPU_SET(from, set);
	return true;
}

enum rt_code
rtb_pin(const char *cpus, struct rt_err *err)
{
	char *parts = rt_strdup(cpus), *rest = parts, *part;
	bool good = true;
	cpu_set_t set;

	CPU_ZERO(&set);
	while (good && (part = strsep(&rest, ",")) != NULL)
		good = add_cpus(&set, part);
	free(parts);
	if (!good || sched_setaffinity(0, sizeof(set), &set) < 0)
		return rt_err_set(err, RT_EUSAGE,
		    "--cpus: %s are not CPUs of this machine", cpus);
	return RT_OK;
}

static void
clear_line(const struct load *load)
{
	if (load->progress)
		fputs("\r\033[K", stderr);
}

static void
show_progress(struct load *load, uint64_t now_ns)
{
	double seconds = (double)(now_ns - load->progress_ns) / NS_PER_S;
	uint64_t done;

	if (!load->progress || seconds < PROGRESS_S)
		return;
	done = atomic_load(&load->shared.done);
	fprintf(stderr, "\r\033[K%s: %.0f operations a second",
	    atomic_load(&load->shared.counting) ? "counting" : "warming up",
	    (double)(done - load->progress_done) / seconds);
	load->progress_done = done;
	load->progress_ns = now_ns;
}

static bool
all_are_over(const struct load *load)
{
	return atomic_load(&load->shared.left) == 0 &&
	    atomic_load(&load->shared.done) >= load->options->requests;
}

/* Some worker has met an error, which ends the load. */
static bool
one_failed(const struct load *load)
{
	return atomic_load(&load->shared.stop);
}

static void
wait_for(struct load *load, uint64_t until_ns)
{
	struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t now_ns;

	while ((now_ns = rtb_now_ns()) < until_ns && !all_are_over(load) &&
	    !one_failed(load)) {
		show_progress(load, now_ns);
		nanosleep(&pause, NULL);
	}
}

static void *
run_worker(void *arg)
{
	struct rtb_load_worker *worker = arg;

	rtb_load_worker_run(worker);
	if (worker->code != RT_OK)
		atomic_store(&worker->shared->stop, true);
	return NULL;
}

/* The warm-up, then what counts. With a number of requests there is none. */
static void
measure(struct load *load, struct rtb_load_result *result)
{
	const struct rtb_load_options *options = load->options;
	uint64_t began_ns, server, own;

	load->progress_ns = rtb_now_ns();
	if (!atomic_load(&load->shared.counting)) {
		wait_for(load, rtb_now_ns() +
			options->warmup * (uint64_t)NS_PER_S);
		atomic_store(&load->shared.counting, true);
	}
	server = rtb_cpu_of(options->server_pid);
	own = rtb_process_ns();
	began_ns = rtb_now_ns();
	wait_for(load, options->requests != 0 ? UINT64_MAX :
		began_ns + options->seconds * (uint64_t)NS_PER_S);
	atomic_store(&load->shared.stop, true);
	result->seconds = (double)(rtb_now_ns() - began_ns) / NS_PER_S;
	result->client_cpu_us = (double)(rtb_process_ns() - own) / 1e3;
	if (options->server_pid != 0)
		result->server_cpu_us =
		    (double)(rtb_cpu_of(options->server_pid) - server) / 1e3;
}

static enum rt_code
gather(const struct load *load, struct rtb_load_result *result,
    struct rt_err *err)
{
	for (unsigned i = 0; i < load->options->threads; i++) {
		const struct rtb_load_worker *worker = &load->workers[i];

		if (worker->code != RT_OK) {
			if (err != NULL)
				*err = worker->err;
			return worker->code;
		}
		rtb_load_counts_merge(&result->counts, &worker->counts);
	}
	for (size_t op = 0; op < RTB_OPS; op++) {
		result->done += result->counts.done[op];
		rtb_histogram_merge(&result->times,
		    &result->counts.times[op]);
	}
	if (result->done != 0) {
		result->rate = (double)result->done / result->seconds;
		result->client_cpu_us /= (double)result->done;
		result->server_cpu_us /= (double)result->done;
	}
	return RT_OK;
}

static enum rt_code
open_workers(struct load *load, struct rt_err *err)
{
	const struct rtb_load_options *options = load->options;
	enum rt_code code = RT_OK;

	for (unsigned i = 0; i < options->threads && code == RT_OK; i++)
		code = rtb_load_worker_open(&load->workers[i], &load->shared,
		    i, options->clients / options->threads +
			(i < options->clients % options->threads), err);
	return code;
}

enum rt_code
rtb_load_run(const struct rtb_load_options *options,
    struct rtb_load_result *result, struct rt_err *err)
{
	struct load load = {
		.options = options,
		.progress = !options->quiet && isatty(STDERR_FILENO),
	};
	enum rt_code code;

	memset(result, 0, sizeof(*result));
	atomic_init(&load.shared.left,
	    options->requests != 0 ? options->requests : UINT64_MAX);
	atomic_init(&load.shared.keys.keys, options->keys);
	atomic_init(&load.shared.counting,
	    options->requests != 0 || options->warmup == 0);
	load.shared.options = options;
	load.workers = rt_alloc_zero(options->threads,
	    sizeof(load.workers[0]));
	for (unsigned i = 0; i < options->threads; i++)
		load.workers[i].epoll_fd = -1;
	code = open_workers(&load, err);
	if (code == RT_OK) {
		for (unsigned i = 0; i < options->threads; i++)
			rt_thread_start(&load.workers[i].thread, "load",
			    run_worker, &load.workers[i]);
		measure(&load, result);
		for (unsigned i = 0; i < options->threads; i++)
			rt_thread_join(load.workers[i].thread);
		clear_line(&load);
		code = gather(&load, result, err);
	}
	for (unsigned i = 0; i < options->threads; i++)
		rtb_load_worker_close(&load.workers[i]);
	free(load.workers);
	return code;
}
