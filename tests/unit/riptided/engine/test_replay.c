/* Replay of a log that is larger than memory allows, and its end half-way. */
#include "riptided/engine/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "tests/support/dir_image.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define KEYS 3000
#define ROUNDS 4
#define NOW_MS 1000000
#define LARGE ((uint64_t)16 << 20)
#define SMALL ((uint64_t)64 << 10)

/* A daemon that was killed: its directory, and how to start on it. */
struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	char live[300], dead[300];
	struct rtd_engine *engine;
	struct rtd_loading loading;
	atomic_uint notices;
	unsigned stop_after;	/* so many notices; 0: do not */
};

static void
note(void *arg)
{
	struct fixture *f = arg;
	unsigned count = atomic_fetch_add(&f->notices, 1) + 1;

	if (f->stop_after != 0 && count >= f->stop_after)
		atomic_store(&f->loading.stop, true);
}

static struct rtd_engine_options
options_of(struct fixture *f)
{
	return (struct rtd_engine_options){
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f->config,
		.notify = note,
		.notify_arg = f,
		.loading = &f->loading,
	};
}

static enum rt_code
open_at(struct fixture *f, const char *path, uint64_t memtable_size,
    struct rt_err *err)
{
	struct rtd_engine_options options = options_of(f);

	free(f->config.dir);
	f->config.dir = rt_strdup(path);
	f->config.memtable_size = memtable_size;
	f->config.memtable_max_count = 2;
	return rtd_engine_open(&f->engine, &options, err);
}

static void
must_open(struct fixture *f, const char *path, uint64_t memtable_size)
{
	struct rt_err err = { 0 };

	ck_assert_msg(open_at(f, path, memtable_size, &err) == RT_OK, "%s",
	    err.text);
}

static void
value_of(char out[64], int key, int round)
{
	snprintf(out, 64, "value %d of round %d, long enough to fill", key,
	    round);
}

static void
wait_for_acks(struct rtd_engine *engine)
{
	while (rtd_engine_acked_seq(engine) < rtd_engine_visible_seq(engine)) {
		rtd_engine_end_turn(engine);
		usleep(1000);
	}
}

/* Every third key is deleted in the last round; before that the keyspace is
 * emptied once, so that a drop is replayed in its place. Each round is durable
 * before the next, whose records say so. */
static void
write_rounds(struct rtd_engine *engine)
{
	struct rtd_write_batch batch = { 0 };
	struct rt_err err = { 0 };
	char key[32], value[64];
	uint64_t seq;

	for (int round = 0; round < ROUNDS; round++) {
		if (round == ROUNDS - 1)
			rtd_write_batch_drop(&batch, 0);
		for (int i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "key%d", i);
			value_of(value, i, round);
			rtd_write_batch_put(&batch, 0, rt_slice_cstr(key),
			    rt_slice_cstr(value), 0);
			if (round == ROUNDS - 1 && i % 3 == 0)
				rtd_write_batch_delete(&batch, 0,
				    rt_slice_cstr(key));
			if (i % 7 != 0 && i != KEYS - 1)
				continue;
			ck_assert_msg(rtd_engine_write(engine, &batch, &seq,
			    &err) == RT_OK, "%s", err.text);
			rtd_engine_end_turn(engine);
			rtd_write_batch_clear(&batch);
		}
		wait_for_acks(engine);
	}
	rtd_write_batch_fini(&batch);
}

static void
init(struct fixture *f)
{
	struct rtt_dir_image image = { 0 };

	*f = (struct fixture){ .engine = NULL };
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	f->config.appendfsync = RT_FSYNC_ALWAYS;
	f->config.disk_reserve = 0;
	snprintf(f->live, sizeof(f->live), "%s/live", f->scratch.path);
	snprintf(f->dead, sizeof(f->dead), "%s/dead", f->scratch.path);
	must_open(f, f->live, LARGE);
	write_rounds(f->engine);
	rtt_dir_image_load(&image, f->live);
	rtt_dir_image_write(&image, f->dead);
	rtt_dir_image_fini(&image);
	ck_assert_int_eq(rtd_engine_close(f->engine, NULL), RT_OK);
	f->engine = NULL;
	f->loading = (struct rtd_loading){ .total_bytes = 0 };
	atomic_store(&f->notices, 0);
}

static void
fini(struct fixture *f)
{
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

static void
expect_all(struct rtd_engine *engine)
{
	struct rtd_reader *reader = rtd_reader_new(engine);
	const struct rtd_read read = { .now_ms = NOW_MS };

	for (int i = 0; i < KEYS; i++) {
		struct rtd_value found = { .seq = 0 };
		char key[32], value[64];
		enum rt_code code;

		snprintf(key, sizeof(key), "key%d", i);
		value_of(value, i, ROUNDS - 1);
		code = rtd_reader_get(reader, &read, rt_slice_cstr(key),
		    &found, NULL);
		ck_assert_int_eq(code, i % 3 == 0 ? RT_ENOTFOUND : RT_OK);
		if (code == RT_OK)
			ck_assert(rt_slice_equal(found.bytes,
			    rt_slice_cstr(value)));
		rtd_value_fini(&found);
	}
	rtd_reader_free(reader);
}

static void
close_it(struct fixture *f)
{
	struct rt_err err = { 0 };

	ck_assert_msg(rtd_engine_close(f->engine, &err) == RT_OK, "%s",
	    err.text);
	f->engine = NULL;
}

/* The same files with the same bytes, but for the lock. */
static void
expect_untouched(const struct rtt_dir_image *image, const char *path)
{
	struct rtt_dir_image now = { 0 };

	rtt_dir_image_load(&now, path);
	for (size_t i = 0; i < now.count; i++) {
		const struct rtt_image_file *file = &now.files[i];
		const struct rtt_image_file *was = NULL;

		if (strcmp(file->name, RT_PATH_LOCK_DAEMON) == 0)
			continue;
		for (size_t j = 0; j < image->count; j++)
			if (strcmp(image->files[j].name, file->name) == 0)
				was = &image->files[j];
		ck_assert_msg(was != NULL, "%s is new", file->name);
		ck_assert_msg(rt_slice_equal(rt_buf_slice(&was->bytes),
		    rt_buf_slice(&file->bytes)), "%s changed", file->name);
	}
	ck_assert_uint_eq(now.count, image->count);
	rtt_dir_image_fini(&now);
}

START_TEST(a_log_larger_than_memory_is_flushed_on_the_way)
{
	struct rtd_engine_stats stats;
	struct fixture f;

	init(&f);
	must_open(&f, f.dead, SMALL);
	rtd_engine_get_stats(f.engine, &stats);
	ck_assert_uint_ge(stats.flushes, 5);
	/* One rotation after it, and a batch more than fits. */
	ck_assert_uint_le(stats.memtable_bytes, 3 * SMALL);
	expect_all(f.engine);
	close_it(&f);
	must_open(&f, f.dead, LARGE);
	expect_all(f.engine);
	close_it(&f);
	fini(&f);
}
END_TEST

START_TEST(a_log_that_fits_is_read_once)
{
	struct rtd_engine_stats stats;
	struct fixture f;

	init(&f);
	must_open(&f, f.dead, LARGE);
	rtd_engine_get_stats(f.engine, &stats);
	ck_assert_uint_le(stats.flushes, 1);
	expect_all(f.engine);
	close_it(&f);
	fini(&f);
}
END_TEST

START_TEST(progress_goes_from_nothing_to_all)
{
	struct fixture f;

	init(&f);
	must_open(&f, f.dead, SMALL);
	ck_assert_uint_gt(atomic_load(&f.loading.total_bytes), 0);
	ck_assert_uint_eq(atomic_load(&f.loading.loaded_bytes),
	    atomic_load(&f.loading.total_bytes));
	close_it(&f);
	fini(&f);
}
END_TEST

/* What is wrong far behind the memory's end is known before anything is
 * flushed. */
START_TEST(damage_behind_what_fits_changes_nothing)
{
	struct rtt_dir_image image = { 0 };
	struct rt_err err = { 0 };
	struct rt_buf *log = NULL;
	struct fixture f;
	size_t end;

	init(&f);
	rtt_dir_image_load(&image, f.dead);
	for (size_t i = 0; i < image.count; i++)
		if (strstr(image.files[i].name, ".wal") != NULL &&
		    !image.files[i].directory && (log == NULL ||
			image.files[i].bytes.len > log->len))
			log = &image.files[i].bytes;
	ck_assert_ptr_nonnull(log);
	for (end = log->len; log->data[end - 1] == 0; end--)
		;
	log->data[end / 2] ^= 1;
	rtt_dir_remove(f.dead);
	rtt_dir_image_write(&image, f.dead);
	ck_assert_int_eq(open_at(&f, f.dead, SMALL, &err), RT_EDAMAGED);
	ck_assert_msg(strstr(err.text, "offset") != NULL, "%s", err.text);
	expect_untouched(&image, f.dead);
	rtt_dir_image_fini(&image);
	fini(&f);
}
END_TEST

START_TEST(a_stop_before_all_is_checked_changes_nothing)
{
	struct rtt_dir_image image = { 0 };
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	rtt_dir_image_load(&image, f.dead);
	atomic_store(&f.loading.stop, true);
	ck_assert_int_eq(open_at(&f, f.dead, SMALL, &err), RT_ESTOPPED);
	expect_untouched(&image, f.dead);
	atomic_store(&f.loading.stop, false);
	must_open(&f, f.dead, SMALL);
	expect_all(f.engine);
	close_it(&f);
	rtt_dir_image_fini(&image);
	fini(&f);
}
END_TEST

/* Each flush on the way tells; stopping at the first, second ... of them, one
 * start after the other, comes to an end with all there. */
START_TEST(stops_between_flushes_lose_nothing)
{
	enum rt_code code = RT_ESTOPPED;
	struct rt_err err = { 0 };
	struct fixture f;
	int stops = 0;

	init(&f);
	while (code == RT_ESTOPPED) {
		ck_assert_int_lt(stops, 1000);
		f.stop_after = 2;
		atomic_store(&f.notices, 0);
		atomic_store(&f.loading.stop, false);
		code = open_at(&f, f.dead, SMALL, &err);
		stops += code == RT_ESTOPPED;
	}
	ck_assert_msg(code == RT_OK, "%s", err.text);
	ck_assert_int_ge(stops, 2);
	expect_all(f.engine);
	close_it(&f);
	fini(&f);
}
END_TEST

START_TEST(what_was_prepared_can_be_let_go)
{
	struct rtd_engine_options options;
	struct rtt_dir_image image = { 0 };
	struct rtd_engine *engine = NULL;
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	rtt_dir_image_load(&image, f.dead);
	free(f.config.dir);
	f.config.dir = rt_strdup(f.dead);
	options = options_of(&f);
	ck_assert_msg(rtd_engine_prepare(&engine, &options, &err) == RT_OK,
	    "%s", err.text);
	rtd_engine_abandon(engine);
	expect_untouched(&image, f.dead);
	rtt_dir_image_fini(&image);
	fini(&f);
}
END_TEST

RTT_MAIN("replay", a_log_larger_than_memory_is_flushed_on_the_way,
    a_log_that_fits_is_read_once, progress_goes_from_nothing_to_all,
    damage_behind_what_fits_changes_nothing,
    a_stop_before_all_is_checked_changes_nothing,
    stops_between_flushes_lose_nothing, what_was_prepared_can_be_let_go)
