/* own_tests: figures of our engine that have no like in a peer. Each test opens
 * what it needs, without a compactor unless it says so. */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/engine_tests.h"
#include "bench/scratch.h"
#include "bench/store_riptide.h"
#include "libcommon/base/invariant.h"
#include "riptided/memtable/memtable.h"

#define FLUSHES 4		/* of which the first does not count */
#define SIX 6
#define MANY_RUNS 200
#define NEARLY_FULL 0.95
/* The byte in front of a value, and alignment. */
#define ENTRY_EXTRA_BYTES 8
/* An entry's share of the memtable beside its key and value, and more. */
#define ENTRY_BYTES_MAX 200
/* Small ones hold more index than entries. */
#define MEMTABLE_MIN (UINT64_C(8) << 20)

static void
set_memtable(struct rt_config *config, uint64_t bytes)
{
	config->memtable_size = bytes;
}

static void
open_with(struct rtb_run *run, bool merging,
    void (*change)(struct rt_config *config, uint64_t arg), uint64_t arg)
{
	run->open.merging = merging;
	run->store = rtb_riptide_open(&run->open, change, arg);
	run->reader = run->ops->reader_new(run->store);
}

static struct rtd_engine_stats
stats_of(struct rtb_run *run)
{
	struct rtd_engine_stats stats;

	rtd_engine_get_stats(rtb_riptide_engine(run->store), &stats);
	return stats;
}

/* The size of memtables: the usual one, less when there are not keys enough to
 * fill it. */
static uint64_t
memtable_bytes(const struct rtb_run *run)
{
	uint64_t bytes = run->options->keys *
	    (RTB_KEY_BYTES + run->options->value_bytes) / 2;

	if (bytes < MEMTABLE_MIN)
		return MEMTABLE_MIN;
	return bytes < RTB_WRITE_BUFFER_BYTES ? bytes : RTB_WRITE_BUFFER_BYTES;
}

/* Room for everything, so that nothing is flushed unless we say so. */
static uint64_t
roomy_memtable(const struct rtb_run *run)
{
	return MEMTABLE_MIN + run->options->keys *
	    (RTB_KEY_BYTES + run->options->value_bytes + ENTRY_BYTES_MAX);
}

/* Random writes until the memtable is as good as full. Its own figure counts
 * memory that it keeps from an earlier life, so that entries are counted. */
static void
fill_memtable(struct rtb_run *run, uint64_t bytes)
{
	size_t entry = sizeof(struct rtd_version) + RT_KEY_PREFIX_BYTES +
	    RTB_KEY_BYTES + run->options->value_bytes + ENTRY_EXTRA_BYTES;
	uint64_t count = (uint64_t)(NEARLY_FULL * (double)bytes) / entry;
	uint8_t key[RTB_KEY_BYTES];

	for (uint64_t i = 0; i < count; i++)
		run->ops->put(run->store,
		    rtb_key(key, rtb_random_below(&run->random,
			run->options->keys), false),
		    rtb_values_next(&run->values));
	run->ops->end_turn(run->store);
}

/* The caller only waits while memtables are flushed. */
static uint64_t
flush_clock(const struct rtb_run *run)
{
	return run->options->cpu_time ? rtb_process_ns() : rtb_now_ns();
}

/* Megabytes of table that one flush after the other makes in a second. */
static double
flush_speed(struct rtb_run *run)
{
	uint64_t size = memtable_bytes(run), nanoseconds = 0, bytes = 0;

	open_with(run, false, set_memtable, size);
	for (unsigned i = 0; i < FLUSHES; i++) {
		uint64_t before, began;

		fill_memtable(run, size);
		before = stats_of(run).flush_bytes;
		began = flush_clock(run);
		run->ops->flush(run->store);
		if (i == 0)
			continue;
		nanoseconds += flush_clock(run) - began;
		bytes += stats_of(run).flush_bytes - before;
	}
	return (double)bytes * 1e3 / (double)nanoseconds;
}

/* Do the work in a process that is killed at its end; it may leave a number. */
static uint64_t
killed_after(struct rtb_run *run, void (*work)(struct rtb_run *run,
    uint64_t *number))
{
	uint64_t *number = mmap(NULL, sizeof(*number), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	if (number == MAP_FAILED)
		err(EX_OSERR, "mmap");
	pid = fork();
	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		work(run, number);
		kill(getpid(), SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		errx(EX_SOFTWARE, "the fill ended before it was killed");
	return *number;
}

/* Seconds until the first answer. */
static double
time_to_answer(struct rtb_run *run)
{
	uint64_t began = rtb_read_clock(run), bytes = 0;
	uint8_t key[RTB_KEY_BYTES];

	open_with(run, false, NULL, 0);
	if (!run->ops->get(run->reader, rtb_key(key, 0, false), &bytes))
		errx(EX_SOFTWARE, "a key is lost");
	return (double)(rtb_read_clock(run) - began) / 1e9;
}

static void
fill_log(struct rtb_run *run, uint64_t *number)
{
	open_with(run, false, set_memtable, roomy_memtable(run));
	rtb_fill(run, run->seed, 0, 1);
	*number = stats_of(run).wal_bytes;
}

static double
recovery(struct rtb_run *run)
{
	uint64_t bytes = killed_after(run, fill_log);

	return time_to_answer(run) * 1e9 / (double)bytes;
}

static void
fill_and_fill_memtable(struct rtb_run *run, uint64_t *number)
{
	uint64_t size = memtable_bytes(run);

	open_with(run, true, set_memtable, size);
	rtb_fill(run, run->seed, 0, 1);
	run->ops->flush(run->store);
	rtb_store_settle(run->store);
	fill_memtable(run, size);
	*number = stats_of(run).wal_bytes;
}

static double
restart(struct rtb_run *run)
{
	killed_after(run, fill_and_fill_memtable);
	return time_to_answer(run);
}

/* As many tables in level 0 as runs are asked for, each over all keys. */
static void
fill_runs(struct rtb_run *run, unsigned runs)
{
	open_with(run, false, set_memtable, roomy_memtable(run));
	for (unsigned i = 0; i < runs; i++) {
		rtb_fill(run, run->seed, i, runs);
		run->ops->flush(run->store);
	}
}

/* Nanoseconds of a GET, of which the memory of all blocks is warm. */
static double
six_runs(struct rtb_run *run)
{
	uint64_t reads = run->options->reads;

	fill_runs(run, SIX);
	rtb_read_random(run, reads, false);
	return rtb_read_random(run, reads, false) * 1e9 / (double)reads;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The median GET in nanoseconds, the clock's own included. */
static double
median_read(struct rtb_run *run)
{
	uint64_t reads = run->options->reads, bytes = 0;
	uint32_t *times = rt_alloc(reads * sizeof(*times));
	uint8_t key[RTB_KEY_BYTES];
	uint32_t median;

	rtb_read_random(run, reads / 2, false);
	for (uint64_t i = 0; i < reads; i++) {
		struct rt_slice slice = rtb_key(key,
		    rtb_random_below(&run->random, run->options->keys), false);
		uint64_t began = rtb_now_ns();

		run->ops->get(run->reader, slice, &bytes);
		times[i] = (uint32_t)(rtb_now_ns() - began);
	}
	qsort(times, reads, sizeof(*times), compare);
	median = times[reads / 2];
	free(times);
	return median;
}

struct many {
	double runs_ns, compacted_ns;
};

static double
runs200_p50(struct rtb_run *run)
{
	struct many *many = rt_alloc_zero(1, sizeof(*many));

	run->state = many;
	fill_runs(run, MANY_RUNS);
	many->runs_ns = median_read(run);
	return many->runs_ns;
}

static double
compacted_p50(struct rtb_run *run)
{
	struct many *many = run->state;

	run->ops->compact(run->store);
	many->compacted_ns = median_read(run);
	return many->compacted_ns;
}

static double
runs200(struct rtb_run *run)
{
	const struct many *many = run->state;

	return many->runs_ns / many->compacted_ns;
}

static void
done_with_many(struct rtb_run *run)
{
	free(run->state);
}

static void
set_memory_limit(struct rt_config *config, uint64_t bytes)
{
	config->memory_limit = bytes;
}

/* Bytes of filters and indexes in memory for each key, when all is merged. */
static double
memory_tables(struct rtb_run *run)
{
	open_with(run, true, set_memory_limit, run->options->memory_limit);
	rtb_fill(run, run->seed, 0, 1);
	rtb_store_settle(run->store);
	run->ops->compact(run->store);
	rtb_read_random(run, run->options->reads, false);
	return (double)stats_of(run).table_memory_bytes /
	    (double)run->options->keys;
}

/* Of this process; the pool of values is in it. */
static double
memory_rss(struct rtb_run *run)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1)
		err(EX_OSERR, "/proc/self/statm");
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

const struct rtb_session rtb_own_sessions[] = {
	{ .alone = true, .opens = true, .asked_only = true, .tests = {
		{ "flush", "MB/s", false, true, flush_speed },
		{ .name = NULL } } },
	{ .alone = true, .opens = true, .asked_only = true, .tests = {
		{ "recovery", "s/GB", true, true, recovery },
		{ .name = NULL } } },
	{ .alone = true, .opens = true, .asked_only = true, .tests = {
		{ "restart", "s", true, true, restart },
		{ .name = NULL } } },
	{ .alone = true, .opens = true, .asked_only = true, .tests = {
		{ "sixruns", "ns", true, true, six_runs },
		{ .name = NULL } } },
	{ .alone = true, .opens = true, .asked_only = true,
		.done = done_with_many, .tests = {
		{ "runs200-p50", "ns", true, true, runs200_p50 },
		{ "compacted-p50", "ns", true, true, compacted_p50 },
		{ "runs200", "x", true, false, runs200 },
		{ .name = NULL } } },
	{ .alone = true, .opens = true, .asked_only = true, .tests = {
		{ "memory-tables", "B/key", true, true, memory_tables },
		{ "memory-rss", "MiB", true, false, memory_rss },
		{ .name = NULL } } },
	{ .tests = { { .name = NULL } } },
};
