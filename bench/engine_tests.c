#include "bench/engine_tests.h"

#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "bench/scratch.h"
#include "libcommon/os/mutex.h"

/* What a seek looks at, itself and what follows. */
#define SCAN_ENTRIES 11
/* A synced write takes a disk's time: fewer of them will do. */
#define SYNCED_PART 200
#define SYNCED_MAX 5000
/* The writes beside which readwhilewriting reads, for every store alike. */
#define BESIDE_PER_SECOND 50000
#define BESIDE_TICK_NS 1000000

static double
seconds_since(uint64_t began)
{
	return (double)(rtb_now_ns() - began) / 1e9;
}

uint64_t
rtb_read_clock(const struct rtb_run *run)
{
	return run->options->cpu_time ? rtb_cpu_ns() : rtb_now_ns();
}

static double
read_seconds_since(const struct rtb_run *run, uint64_t began)
{
	return (double)(rtb_read_clock(run) - began) / 1e9;
}

static void
check_count(const struct rtb_run *run, const char *what, uint64_t got,
    uint64_t wanted)
{
	if (got != wanted)
		errx(EX_SOFTWARE, "%s: %s found %llu keys, not %llu",
		    run->ops->name, what, (unsigned long long)got,
		    (unsigned long long)wanted);
}

double
rtb_fill(struct rtb_run *run, uint64_t seed, uint64_t first, uint64_t step)
{
	uint64_t keys = run->options->keys, began;
	uint8_t key[RTB_KEY_BYTES];
	struct rtb_order order;

	rtb_order_init(&order, keys, seed);
	began = rtb_now_ns();
	for (uint64_t i = first; i < keys; i += step)
		run->ops->put(run->store,
		    rtb_key(key, rtb_order_at(&order, i), false),
		    rtb_values_next(&run->values));
	run->ops->end_turn(run->store);
	return seconds_since(began);
}

double
rtb_read_random(struct rtb_run *run, uint64_t count, bool missing)
{
	uint64_t found = 0, bytes = 0, began = rtb_read_clock(run);
	uint8_t key[RTB_KEY_BYTES];
	double seconds;

	for (uint64_t i = 0; i < count; i++)
		found += run->ops->get(run->reader,
		    rtb_key(key, rtb_random_below(&run->random,
			run->options->keys), missing), &bytes);
	seconds = read_seconds_since(run, began);
	check_count(run, "reads", found, missing ? 0 : count);
	check_count(run, "bytes", bytes,
	    found * run->options->value_bytes);
	return seconds;
}

static double
fillseq(struct rtb_run *run)
{
	uint64_t keys = run->options->keys, began = rtb_now_ns();
	uint8_t key[RTB_KEY_BYTES];

	for (uint64_t i = 0; i < keys; i++)
		run->ops->put(run->store, rtb_key(key, i, false),
		    rtb_values_next(&run->values));
	run->ops->end_turn(run->store);
	return (double)keys / seconds_since(began);
}

/* What follows begins when the merging that the writes left is done. */
static double
fillrandom(struct rtb_run *run)
{
	double seconds = rtb_fill(run, run->seed, 0, 1);

	rtb_store_settle(run->store);
	return (double)run->options->keys / seconds;
}

static double
overwrite(struct rtb_run *run)
{
	double seconds = rtb_fill(run, run->seed + 1000, 0, 1);

	rtb_store_settle(run->store);
	return (double)run->options->keys / seconds;
}

static double
put_random(struct rtb_run *run, uint64_t count)
{
	uint64_t began = rtb_now_ns();
	uint8_t key[RTB_KEY_BYTES];

	for (uint64_t i = 0; i < count; i++)
		run->ops->put(run->store,
		    rtb_key(key, rtb_random_below(&run->random,
			run->options->keys), false),
		    rtb_values_next(&run->values));
	return seconds_since(began);
}

/* The first ones find files that are still to be laid out. */
static double
fillsync(struct rtb_run *run)
{
	uint64_t count = run->options->keys / SYNCED_PART + 1;

	if (count > SYNCED_MAX)
		count = SYNCED_MAX;
	put_random(run, count / 4);
	return (double)count / put_random(run, count);
}

/* Reads come twice, of which the first time, half as long, brings blocks into
 * the cache and does not count. */
static double
readrandom(struct rtb_run *run)
{
	uint64_t reads = run->options->reads;

	rtb_read_random(run, reads / 2, false);
	return (double)reads / rtb_read_random(run, reads, false);
}

static double
readmissing(struct rtb_run *run)
{
	uint64_t reads = run->options->reads;

	rtb_read_random(run, reads / 2, true);
	return (double)reads / rtb_read_random(run, reads, true);
}

static double
seek_random(struct rtb_run *run, uint64_t count)
{
	uint64_t bytes = 0, seen = 0, wanted = 0, began = rtb_read_clock(run);
	uint64_t keys = run->options->keys;
	uint8_t key[RTB_KEY_BYTES];
	double seconds;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t n = rtb_random_below(&run->random, keys);

		wanted += keys - n < SCAN_ENTRIES ? keys - n : SCAN_ENTRIES;
		seen += run->ops->scan(run->reader, rtb_key(key, n, false),
		    SCAN_ENTRIES, &bytes);
	}
	seconds = read_seconds_since(run, began);
	check_count(run, "seeks", seen, wanted);
	return seconds;
}

static double
seekrandom(struct rtb_run *run)
{
	uint64_t seeks = run->options->reads / 4 + 1;

	seek_random(run, seeks / 2);
	return (double)seeks / seek_random(run, seeks);
}

static double
read_all(struct rtb_run *run)
{
	uint64_t keys = run->options->keys, bytes = 0;
	uint64_t began = rtb_read_clock(run);
	uint64_t seen = run->ops->scan(run->reader, rt_slice(NULL, 0),
	    UINT64_MAX, &bytes);
	double seconds = read_seconds_since(run, began);

	check_count(run, "the scan", seen, keys);
	return seconds;
}

static double
readseq(struct rtb_run *run)
{
	read_all(run);
	return (double)run->options->keys / read_all(run);
}

/* A full merge alone: memory is flushed, and what the flush leads to is merged,
 * before the clock starts. */
static double
compact(struct rtb_run *run)
{
	bool is_cpu = run->options->cpu_time;
	uint64_t began, ns;

	run->ops->flush(run->store);
	rtb_store_settle(run->store);
	began = is_cpu ? rtb_process_ns() : rtb_now_ns();
	run->ops->compact(run->store);
	if (is_cpu)
		ns = rtb_process_ns() - began + run->ops->helper_ns(run->store);
	else
		ns = rtb_now_ns() - began;
	rtb_store_settle(run->store);
	return (double)ns / 1e9;
}

struct beside {
	struct rtb_run *run;
	double rate;
	atomic_bool done;
};

static void *
read_beside(void *arg)
{
	struct beside *beside = arg;
	struct rtb_run run = *beside->run;

	run.reader = run.ops->reader_new(run.store);
	beside->rate = (double)run.options->reads /
	    rtb_read_random(&run, run.options->reads, false);
	run.ops->reader_free(run.reader);
	atomic_store(&beside->done, true);
	return NULL;
}

/* Another thread reads while this one overwrites at a steady pace. */
static double
readwhilewriting(struct rtb_run *run)
{
	struct beside beside = { .run = run };
	struct rtb_random random = { run->seed + 7 };
	uint64_t next = rtb_now_ns();
	uint8_t key[RTB_KEY_BYTES];
	pthread_t thread;

	rt_thread_start(&thread, "reader", read_beside, &beside);
	while (!atomic_load(&beside.done)) {
		uint64_t now;

		for (int i = 0; i < BESIDE_PER_SECOND / 1000; i++)
			run->ops->put(run->store,
			    rtb_key(key, rtb_random_below(&random,
				run->options->keys), false),
			    rtb_values_next(&run->values));
		run->ops->end_turn(run->store);
		next += BESIDE_TICK_NS;
		now = rtb_now_ns();
		if (now < next)
			nanosleep(&(struct timespec){
			    .tv_nsec = (long)(next - now) }, NULL);
		else
			next = now;
	}
	rt_thread_join(thread);
	return beside.rate;
}

static double
deleterandom(struct rtb_run *run)
{
	uint64_t keys = run->options->keys, began;
	uint8_t key[RTB_KEY_BYTES];
	struct rtb_order order;

	rtb_order_init(&order, keys, run->seed + 2000);
	began = rtb_now_ns();
	for (uint64_t i = 0; i < keys; i++)
		run->ops->remove(run->store,
		    rtb_key(key, rtb_order_at(&order, i), false));
	run->ops->end_turn(run->store);
	return (double)keys / seconds_since(began);
}

static double
payload(const struct rtb_run *run)
{
	return (double)run->options->keys *
	    (double)(RTB_KEY_BYTES + run->options->value_bytes);
}

/* All that was written to files for a random fill, its log and the merging it
 * leads to included, for each byte of payload. */
static double
writeamp(struct rtb_run *run)
{
	uint64_t before = rtb_store_written(run->store);

	fillrandom(run);
	return (double)(rtb_store_written(run->store) - before) / payload(run);
}

/* What the directory takes after everything was merged, for each byte; a log
 * whose files are kept for their next use is apart, since it does not grow. */
static double
space(struct rtb_run *run)
{
	const char *log_dir = run->ops->log_dir;
	char path[RTB_PATH_BYTES];
	uint64_t bytes;

	compact(run);
	run->ops->reader_free(run->reader);
	run->ops->close(run->store);
	run->store = NULL;
	bytes = rtb_tree_bytes(run->open.dir);
	if (log_dir != NULL) {
		snprintf(path, sizeof(path), "%s/%s", run->open.dir, log_dir);
		bytes -= rtb_tree_bytes(path);
	}
	return (double)bytes / payload(run);
}

static double
space_with_log(struct rtb_run *run)
{
	return (double)rtb_tree_bytes(run->open.dir) / payload(run);
}

const struct rtb_session rtb_engine_sessions[] = {
	{ .tests = {
		{ "fillseq", "ops/s", false, true, fillseq },
		{ .name = NULL } } },
	{ .tests = {
		{ "fillrandom", "ops/s", false, true, fillrandom },
		{ "overwrite", "ops/s", false, true, overwrite },
		{ "readrandom", "ops/s", false, false, readrandom },
		{ "readmissing", "ops/s", false, false, readmissing },
		{ "seekrandom", "ops/s", false, false, seekrandom },
		{ "readseq", "ops/s", false, false, readseq },
		{ "compact", "s", true, true, compact },
		{ "readrandom-compacted", "ops/s", false, false, readrandom },
		{ "readmissing-compacted", "ops/s", false, false,
			readmissing },
		{ "seekrandom-compacted", "ops/s", false, false, seekrandom },
		{ "readseq-compacted", "ops/s", false, false, readseq },
		{ "readwhilewriting", "ops/s", false, true, readwhilewriting },
		{ "deleterandom", "ops/s", false, true, deleterandom },
		{ .name = NULL } } },
	{ .turn = 1, .tests = {
		{ "fillrandom-turn1", "ops/s", false, true, fillrandom },
		{ "overwrite-turn1", "ops/s", false, true, overwrite },
		{ .name = NULL } } },
	{ .durable = true, .turn = 1, .tests = {
		{ "fillsync", "ops/s", false, true, fillsync },
		{ .name = NULL } } },
	{ .asked_only = true, .tests = {
		{ "writeamp", "x", true, true, writeamp },
		{ "space", "x", true, true, space },
		{ "space-with-log", "x", true, false, space_with_log },
		{ .name = NULL } } },
	{ .tests = { { .name = NULL } } },
};
