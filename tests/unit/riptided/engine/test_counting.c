/* Counting keys in an engine: the estimate against the walk. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/engine.h"
#include "riptided/engine/snapshots.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define NOW_MS 1000000
#define SIGMA 0.008125
#define MANY 200000
#define BATCH 200

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
	uint64_t random;
};

static void
open_engine(struct fixture *f)
{
	struct rt_err err = { 0 };
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f->config,
	};

	ck_assert_msg(rtd_engine_open(&f->engine, &options, &err) == RT_OK,
	    "%s", err.text);
	f->reader = rtd_reader_new(f->engine);
}

static void
init(struct fixture *f)
{
	*f = (struct fixture){ .random = 1 };
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	free(f->config.dir);
	f->config.dir = rt_alloc(300);
	snprintf(f->config.dir, 300, "%s/data", f->scratch.path);
	f->config.memtable_size = 4 << 20;
	f->config.appendfsync = RT_FSYNC_NO;
	f->config.disk_reserve = 0;
	open_engine(f);
}

static void
close_engine(struct fixture *f)
{
	rtd_reader_free(f->reader);
	ck_assert_int_eq(rtd_engine_close(f->engine, NULL), RT_OK);
}

static void
fini(struct fixture *f)
{
	close_engine(f);
	rtd_write_batch_fini(&f->batch);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

static void
commit(struct fixture *f)
{
	struct rt_err err = { 0 };
	uint64_t seq = 0;

	if (f->batch.count == 0)
		return;
	while (!rtd_engine_has_room(f->engine))
		usleep(1000);
	ck_assert_msg(rtd_engine_write(f->engine, &f->batch, &seq, &err) ==
	    RT_OK, "%s", err.text);
	rtd_engine_end_turn(f->engine);
	rtd_write_batch_clear(&f->batch);
}

static struct rt_slice
key_of(char out[24], uint64_t number)
{
	return rt_slice(out, (size_t)snprintf(out, 24, "key:%llu",
	    (unsigned long long)number));
}

static void
put(struct fixture *f, uint32_t keyspace, uint64_t number, uint64_t expire_ms)
{
	char text[24];

	rtd_write_batch_put(&f->batch, keyspace, key_of(text, number),
	    rt_slice_cstr("v"), expire_ms);
	if (f->batch.count == BATCH)
		commit(f);
}

static void
delete(struct fixture *f, uint32_t keyspace, uint64_t number)
{
	char text[24];

	rtd_write_batch_delete(&f->batch, keyspace, key_of(text, number));
	if (f->batch.count == BATCH)
		commit(f);
}

static void
drop(struct fixture *f, uint32_t keyspace)
{
	commit(f);
	rtd_write_batch_drop(&f->batch, keyspace);
	commit(f);
}

static void
flush(struct fixture *f)
{
	commit(f);
	rtd_engine_flush(f->engine);
	while (!rtd_engine_flushed(f->engine))
		usleep(1000);
}

static uint64_t
draw(struct fixture *f, uint64_t below)
{
	f->random = f->random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (f->random >> 33) % below;
}

static struct rtd_count
count_at(struct fixture *f, uint32_t keyspace, uint64_t now_ms, bool exact)
{
	struct rtd_read read = { .keyspace = keyspace, .now_ms = now_ms };
	struct rt_err err = { 0 };
	struct rtd_counting *counting;
	struct rtd_count count;
	uint64_t seq = 0;

	commit(f);
	counting = rtd_reader_counting(f->reader, NULL, &seq);
	ck_assert_uint_eq(seq, rtd_engine_visible_seq(f->engine));
	ck_assert_msg(rtd_counting_run(counting, &read, exact, &count, &err) ==
	    RT_OK, "%s", err.text);
	rtd_counting_free(counting);
	return count;
}

static uint64_t
exact(struct fixture *f, uint32_t keyspace)
{
	struct rtd_count count = count_at(f, keyspace, NOW_MS, true);

	ck_assert(count.exact);
	return count.keys;
}

/* The estimate is one, and not further from the truth than allowed for so many
 * distinct keys. */
static void
expect_about(struct fixture *f, uint32_t keyspace, double distinct)
{
	struct rtd_count count = count_at(f, keyspace, NOW_MS, false);
	double truth = (double)exact(f, keyspace);

	ck_assert(!count.exact);
	ck_assert_msg(fabs((double)count.keys - truth) <= 3 * SIGMA * distinct,
	    "%llu, not %.0f", (unsigned long long)count.keys, truth);
}

static void
expect_exact(struct fixture *f, uint32_t keyspace, uint64_t keys)
{
	struct rtd_count count = count_at(f, keyspace, NOW_MS, false);

	ck_assert(count.exact);
	ck_assert_uint_eq(count.keys, keys);
	ck_assert_uint_eq(exact(f, keyspace), keys);
}

START_TEST(few_keys_are_counted_exactly)
{
	struct fixture f;

	init(&f);
	expect_exact(&f, 0, 0);
	for (uint64_t i = 0; i < 1000; i++)
		put(&f, 0, i, 0);
	flush(&f);
	for (uint64_t i = 0; i < 1000; i += 2)
		delete(&f, 0, i);
	for (uint64_t i = 0; i < 1000; i += 4)
		put(&f, 0, i, NOW_MS + 1000);
	expect_exact(&f, 0, 750);
	expect_exact(&f, 1, 0);
	ck_assert_uint_eq(count_at(&f, 0, NOW_MS, false).expires, 250);
	ck_assert_uint_eq(count_at(&f, 0, NOW_MS, false).expire_mean_ms,
	    NOW_MS + 1000);
	ck_assert_uint_eq(count_at(&f, 0, NOW_MS + 1000, false).keys, 500);
	fini(&f);
}
END_TEST

START_TEST(many_keys_of_several_databases_are_estimated)
{
	struct fixture f;

	init(&f);
	for (uint64_t i = 0; i < MANY; i++) {
		put(&f, 3, i, 0);
		put(&f, 5, draw(&f, MANY), 0);
		if (i % 100 == 0)
			put(&f, 4, i, 0);
	}
	expect_about(&f, 3, MANY);
	expect_about(&f, 5, MANY);
	expect_exact(&f, 4, MANY / 100);
	flush(&f);
	expect_about(&f, 3, MANY);
	expect_about(&f, 5, MANY);
	expect_exact(&f, 4, MANY / 100);
	close_engine(&f);
	open_engine(&f);
	expect_about(&f, 3, MANY);
	expect_exact(&f, 4, MANY / 100);
	fini(&f);
}
END_TEST

START_TEST(deleted_keys_are_not_counted)
{
	struct fixture f;

	init(&f);
	for (uint64_t i = 0; i < 3 * MANY; i++) {
		uint64_t number = draw(&f, MANY);

		if (draw(&f, 10) < 3)
			delete(&f, 0, number);
		else
			put(&f, 0, number, 0);
	}
	expect_about(&f, 0, MANY);
	flush(&f);
	expect_about(&f, 0, MANY);
	/* Over all of it lies a memtable that deletes and puts. */
	for (uint64_t i = 0; i < MANY / 8; i++) {
		put(&f, 0, i, 0);
		delete(&f, 0, i);
	}
	expect_about(&f, 0, MANY);
	fini(&f);
}
END_TEST

START_TEST(dropped_keys_are_not_counted)
{
	struct fixture f;

	init(&f);
	for (uint64_t i = 0; i < MANY; i++) {
		put(&f, 0, i, 0);
		put(&f, 1, i, 0);
	}
	expect_about(&f, 0, MANY);
	drop(&f, 0);
	expect_exact(&f, 0, 0);
	for (uint64_t i = 0; i < 100; i++)
		put(&f, 0, i, 0);
	expect_exact(&f, 0, 100);
	expect_about(&f, 1, MANY);
	flush(&f);
	expect_exact(&f, 0, 100);
	expect_about(&f, 1, MANY);
	close_engine(&f);
	open_engine(&f);
	expect_exact(&f, 0, 100);
	fini(&f);
}
END_TEST

/* Tables all of whose keys have ended bring none, long before a merge. */
START_TEST(tables_that_have_ended_are_not_counted)
{
	struct fixture f;

	init(&f);
	for (uint64_t i = 0; i < MANY; i++)
		put(&f, 0, i, NOW_MS + 1000);
	flush(&f);
	for (uint64_t i = 0; i < MANY; i++)
		put(&f, 0, i + MANY, NOW_MS + 2000);
	flush(&f);
	ck_assert_uint_gt(count_at(&f, 0, NOW_MS, false).keys,
	    2 * MANY - 6 * SIGMA * MANY);
	ck_assert_uint_lt(count_at(&f, 0, NOW_MS + 1000, false).keys,
	    MANY + 6 * SIGMA * MANY);
	ck_assert_uint_eq(count_at(&f, 0, NOW_MS + 1000, true).keys, MANY);
	ck_assert_uint_eq(count_at(&f, 0, NOW_MS + 2000, false).keys, 0);
	fini(&f);
}
END_TEST

START_TEST(a_snapshot_is_counted_as_it_was)
{
	struct rtd_read read = { .now_ms = NOW_MS };
	struct rtd_snapshot *snapshot = NULL;
	struct rtd_counting *counting;
	struct rtd_count count;
	struct fixture f;
	uint64_t seq;

	init(&f);
	for (uint64_t i = 0; i < 500; i++)
		put(&f, 0, i, 0);
	commit(&f);
	ck_assert_int_eq(rtd_snapshot_create(f.engine, 0, &snapshot, NULL),
	    RT_OK);
	drop(&f, 0);
	counting = rtd_reader_counting(f.reader, snapshot, &seq);
	read.snapshot = snapshot;
	ck_assert_int_eq(rtd_counting_run(counting, &read, false, &count,
			     NULL),
	    RT_OK);
	ck_assert_uint_eq(count.keys, 500);
	rtd_counting_free(counting);
	ck_assert(rtd_snapshot_release(f.engine, snapshot->id));
	ck_assert_ptr_null(rtd_reader_counting(f.reader, snapshot, &seq));
	rtd_snapshot_unref(snapshot);
	expect_exact(&f, 0, 0);
	fini(&f);
}
END_TEST

START_TEST(memory_of_counting_is_told)
{
	struct rtd_engine_stats stats;
	struct fixture f;

	init(&f);
	for (uint64_t i = 0; i < MANY; i++)
		put(&f, 0, i, 0);
	flush(&f);
	rtd_engine_get_stats(f.engine, &stats);
	ck_assert_uint_eq(stats.count_memory_bytes, 0);
	expect_about(&f, 0, MANY);
	rtd_engine_get_stats(f.engine, &stats);
	ck_assert_uint_ge(stats.count_memory_bytes, 8192);
	/* A stored sketch for each run, and little else. */
	ck_assert_uint_le(stats.count_memory_bytes,
	    stats.l0_files * 17000 + 40000);
	fini(&f);
}
END_TEST

RTT_MAIN("counting", few_keys_are_counted_exactly,
    many_keys_of_several_databases_are_estimated, deleted_keys_are_not_counted,
    dropped_keys_are_not_counted, tables_that_have_ended_are_not_counted,
    a_snapshot_is_counted_as_it_was, memory_of_counting_is_told)
