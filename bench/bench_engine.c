/* bench_engine: the storage engine without the network: fills and reads of a
 * database of its own in a scratch directory, one caller thread. Writes are
 * handed to the log a turn at a time, as the daemon does for a pipeline. */
#include "bench/bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/engine.h"

#define KEY_BYTES 16
#define TURN 64		/* writes a turn */

struct bench {
	const struct rtb_options *options;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
	uint8_t *value;
	uint64_t random;
};

static struct rt_slice
key_of(uint8_t out[KEY_BYTES], uint64_t n)
{
	for (unsigned i = KEY_BYTES; i-- > 0; n /= 10)
		out[i] = (uint8_t)('0' + n % 10);
	return rt_slice(out, KEY_BYTES);
}

/* Half of each value compresses, as in the tables of docs/performance.md. */
static void
next_value(struct bench *bench)
{
	size_t half = bench->options->value_bytes / 2;

	for (size_t i = 0; i < half; i++) {
		bench->random ^= bench->random << 13;
		bench->random ^= bench->random >> 7;
		bench->random ^= bench->random << 17;
		bench->value[i] = (uint8_t)bench->random;
	}
}

static void
open_engine(struct bench *bench, const char *dir)
{
	struct rt_err error = { 0 };
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &bench->config,
	};

	rt_config_init(&bench->config);
	free(bench->config.dir);
	bench->config.dir = rt_strdup(dir);
	bench->config.appendfsync = RT_FSYNC_EVERYSEC;
	if (rtd_engine_open(&bench->engine, &options, &error) != RT_OK)
		errx(rt_code_exit_status(error.code), "%s", error.text);
	bench->reader = rtd_reader_new(bench->engine);
}

static void
close_engine(struct bench *bench)
{
	struct rt_err error = { 0 };

	rtd_reader_free(bench->reader);
	if (rtd_engine_close(bench->engine, &error) != RT_OK)
		errx(rt_code_exit_status(error.code), "%s", error.text);
	rt_config_fini(&bench->config);
}

static double
fill(struct bench *bench)
{
	uint64_t keys = bench->options->keys, began = rtb_now_ns(), seq;
	struct rt_err error = { 0 };
	uint8_t bytes[KEY_BYTES];

	for (uint64_t i = 0; i < keys; i++) {
		while (!rtd_engine_has_room(bench->engine))
			usleep(100);
		next_value(bench);
		rtd_write_batch_clear(&bench->batch);
		rtd_write_batch_put(&bench->batch, 0,
		    key_of(bytes, rtb_permute(i, keys)),
		    rt_slice(bench->value, bench->options->value_bytes), 0);
		if (rtd_engine_write(bench->engine, &bench->batch, &seq,
			&error) != RT_OK)
			errx(rt_code_exit_status(error.code), "%s", error.text);
		if (i % TURN == TURN - 1)
			rtd_engine_end_turn(bench->engine);
	}
	rtd_engine_end_turn(bench->engine);
	return (double)keys * 1e9 / (double)(rtb_now_ns() - began);
}

static double
read_random(struct bench *bench, uint64_t offset)
{
	uint64_t keys = bench->options->keys, began = rtb_now_ns(), found = 0;
	const struct rtd_read read = { .now_ms = 0 };
	struct rt_err error = { 0 };
	uint8_t bytes[KEY_BYTES];

	for (uint64_t i = 0; i < keys; i++) {
		struct rtd_value value = { .seq = 0 };
		enum rt_code code = rtd_reader_get(bench->reader, &read,
		    key_of(bytes, rtb_permute(i * 7 + 3, keys) + offset),
		    &value, &error);

		if (code == RT_OK) {
			found++;
			rtd_value_fini(&value);
		} else if (code != RT_ENOTFOUND) {
			errx(rt_code_exit_status(code), "%s", error.text);
		}
		if (i % TURN == TURN - 1)
			rtd_engine_end_turn(bench->engine);
	}
	rt_assert(found == (offset == 0 ? keys : 0));
	return (double)keys * 1e9 / (double)(rtb_now_ns() - began);
}

static double
read_in_order(struct bench *bench)
{
	uint64_t began = rtb_now_ns(), count = 0;
	struct rt_iter *iter = rtd_reader_iter(bench->reader,
	    &(struct rtd_read){ .now_ms = 0 }, NULL);

	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		count++;
	rt_assert(count == bench->options->keys);
	rt_iter_free(iter);
	return (double)count * 1e9 / (double)(rtb_now_ns() - began);
}

enum { FILL, OVERWRITE, HIT, MISS, ORDER, KINDS };
static const char *const names[KINDS] = { "fillrandom", "overwrite",
	"readrandom", "readmissing", "readseq" };

static void
one_run(struct bench *bench, double figures[KINDS])
{
	char dir[512], command[600];

	snprintf(dir, sizeof(dir), "%s/riptide-bench-XXXXXX",
	    bench->options->dir);
	if (mkdtemp(dir) == NULL)
		err(EX_CANTCREAT, "%s", dir);
	open_engine(bench, dir);
	figures[FILL] = fill(bench);
	figures[OVERWRITE] = fill(bench);
	rtd_engine_flush(bench->engine);
	while (!rtd_engine_flushed(bench->engine))
		usleep(1000);
	rtd_engine_end_turn(bench->engine);
	figures[HIT] = read_random(bench, 0);
	figures[MISS] = read_random(bench, bench->options->keys);
	figures[ORDER] = read_in_order(bench);
	close_engine(bench);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command) != 0)
		warnx("%s was not removed", dir);
}

void
rtb_run_engine(const struct rtb_options *options, struct rtb_results *results)
{
	double figures[KINDS][RTB_RUNS_MAX], run[KINDS];
	struct bench bench = {
		.options = options,
		.value = rt_alloc_zero(1, options->value_bytes + 1),
		.random = 0x9e3779b97f4a7c15u,
	};
	int wanted = 0;

	for (unsigned kind = 0; kind < KINDS; kind++)
		wanted |= rtb_wants(options, names[kind]);
	/* The first run warms memory and page cache and does not count. */
	for (unsigned i = 0; wanted && i <= options->runs; i++) {
		one_run(&bench, run);
		for (unsigned kind = 0; kind < KINDS && i > 0; kind++)
			figures[kind][i - 1] = run[kind];
	}
	for (unsigned kind = 0; wanted && kind < KINDS; kind++)
		if (rtb_wants(options, names[kind]))
			rtb_add(results, names[kind], "ops/s", figures[kind],
			    options->runs);
	rtd_write_batch_fini(&bench.batch);
	free(bench.value);
}
