/* A key at random: every live one has the same chance, and only those. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/engine.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define NOW_MS 1000000
#define BATCH 200

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
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
	*f = (struct fixture){ 0 };
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

#define LIVE 100
#define DRAWS 20000

/* The number of a key drawn; -1: there is none. */
static int
draw(struct fixture *f, uint32_t keyspace, uint64_t seed)
{
	struct rtd_read read = { .keyspace = keyspace, .now_ms = NOW_MS };
	struct rt_buf key = { 0 };
	struct rt_err err = { 0 };
	uint64_t seq = 0;
	int number = -1;
	bool found;

	ck_assert_msg(rtd_reader_random_key(f->reader, &read, seed, &key,
	    &found, &seq, &err) == RT_OK, "%s", err.text);
	rtd_engine_end_turn(f->engine);
	if (found) {
		rt_buf_append_byte(&key, 0);
		ck_assert_int_eq(sscanf((char *)key.data, "key:%d", &number),
		    1);
		ck_assert_uint_gt(seq, 0);
	}
	rt_buf_fini(&key);
	return number;
}

/* Keys 0 to 99 live; what is above was deleted or has ended. Some were written
 * once and some often, in tables and in the memtable. */
static void
fill(struct fixture *f)
{
	for (int round = 0; round < 4; round++) {
		for (uint64_t i = 0; i < 3 * LIVE; i++) {
			if (i % 10 <= (uint64_t)round * 3)
				put(f, 0, i, i < 2 * LIVE ? RT_NO_EXPIRY :
				    NOW_MS);
			put(f, 1, i, RT_NO_EXPIRY);
		}
		if (round < 3)
			flush(f);
	}
	for (uint64_t i = LIVE; i < 2 * LIVE; i++)
		delete(f, 0, i);
	commit(f);
	drop(f, 1);
}

START_TEST(every_live_key_has_the_same_chance)
{
	struct fixture f;
	unsigned counts[LIVE] = { 0 };
	int number;

	init(&f);
	fill(&f);
	for (uint64_t i = 0; i < DRAWS; i++) {
		number = draw(&f, 0, i * 7919);
		ck_assert_int_ge(number, 0);
		ck_assert_int_lt(number, LIVE);
		counts[number]++;
	}
	/* 200 each; blocks are not equally large, and chance is chance. */
	for (size_t i = 0; i < LIVE; i++)
		ck_assert_msg(counts[i] > 60 && counts[i] < 600,
		    "key %zu: %u of %d", i, counts[i], DRAWS);
	fini(&f);
}
END_TEST

START_TEST(where_nothing_lives_there_is_no_key)
{
	struct fixture f;

	init(&f);
	ck_assert_int_eq(draw(&f, 0, 1), -1);
	fill(&f);
	for (uint64_t i = 0; i < 20; i++)
		ck_assert_int_eq(draw(&f, 1, i), -1);
	ck_assert_int_eq(draw(&f, 2, 1), -1);
	fini(&f);
}
END_TEST

START_TEST(the_only_live_key_among_many_dead_ones_is_found)
{
	struct fixture f;

	init(&f);
	for (uint64_t i = 0; i < 20000; i++)
		put(&f, 3, i, i == 12345 ? RT_NO_EXPIRY : NOW_MS);
	flush(&f);
	for (uint64_t i = 0; i < 5; i++)
		ck_assert_int_eq(draw(&f, 3, i), 12345);
	fini(&f);
}
END_TEST

RTT_MAIN("random_key", every_live_key_has_the_same_chance,
    where_nothing_lives_there_is_no_key,
    the_only_live_key_among_many_dead_ones_is_found)
