/* What the manifest tells of the time of a flushed table's tombstones. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_store.h"
#include "riptided/engine/engine.h"
#include "tests/support/dir_image.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

struct set_clock {
	struct rt_clock base;
	_Atomic int64_t wall_s;
};

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct set_clock clock;
	struct rtd_engine *engine;
};

static struct rt_err failure;

static uint64_t
monotonic_ns(struct rt_clock *clock)
{
	(void)clock;
	return rt_clock_monotonic_ns(rt_clock_system());
}

static int64_t
wall_ms(struct rt_clock *clock)
{
	return atomic_load(&((struct set_clock *)clock)->wall_s) * 1000;
}

/* Time passes; the wall clock does not step. */
static uint64_t
boot_ns(struct rt_clock *clock)
{
	return (uint64_t)wall_ms(clock) * 1000000;
}

static void
open_engine(struct fixture *f)
{
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = &f->clock.base,
		.config = &f->config,
	};

	ck_assert_msg(rtd_engine_open(&f->engine, &options, &failure) == RT_OK,
	    "%s", failure.text);
}

static void
init(struct fixture *f)
{
	*f = (struct fixture){ .clock = {
		.base = { .monotonic_ns = monotonic_ns, .wall_ms = wall_ms,
			.boot_ns = boot_ns },
		.wall_s = 1000 } };
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	free(f->config.dir);
	f->config.dir = rt_alloc(300);
	snprintf(f->config.dir, 300, "%s/data", f->scratch.path);
	f->config.memtable_size = 64 << 10;
	f->config.appendfsync = RT_FSYNC_NO;
	f->config.disk_reserve = 0;
	open_engine(f);
}

static void
fini(struct fixture *f)
{
	ck_assert_int_eq(rtd_engine_close(f->engine, &failure), RT_OK);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

/* Put or delete at that second. */
static void
write_at(struct fixture *f, int64_t second, const char *key, bool deletes)
{
	struct rtd_write_batch batch = { 0 };
	uint64_t seq;

	atomic_store(&f->clock.wall_s, second);
	if (deletes)
		rtd_write_batch_delete(&batch, 0, rt_slice_cstr(key));
	else
		rtd_write_batch_put(&batch, 0, rt_slice_cstr(key),
		    rt_slice_cstr("value"), 0);
	ck_assert_int_eq(rtd_engine_write(f->engine, &batch, &seq, &failure),
	    RT_OK);
	rtd_engine_end_turn(f->engine);
	rtd_write_batch_fini(&batch);
}

/* The time of the table that a flush at that second makes. */
static uint64_t
flush_at(struct fixture *f, int64_t second)
{
	struct rt_manifest_store *store = NULL;
	const struct rt_manifest *manifest = NULL;
	uint64_t since_s;
	int fd;

	atomic_store(&f->clock.wall_s, second);
	rtd_engine_flush(f->engine);
	while (!rtd_engine_flushed(f->engine))
		usleep(500);
	rtd_engine_end_turn(f->engine);
	ck_assert_int_eq(rt_fs_open_dir(rt_fs_posix(), f->config.dir, &fd,
	    &failure), RT_OK);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(), fd,
	    false, &failure), RT_OK);
	ck_assert_int_eq(rt_manifest_store_load(store, &manifest, &failure),
	    RT_OK);
	ck_assert_uint_gt(manifest->runs_count, 0);
	since_s = manifest->runs[0].tables[0].tombstones_since_s;
	rt_manifest_unref(manifest);
	rt_manifest_store_close(store);
	close(fd);
	return since_s;
}

START_TEST(it_is_that_of_the_first_one_in_the_memtable)
{
	struct fixture f;

	init(&f);
	write_at(&f, 2000, "a", false);
	write_at(&f, 3000, "b", true);
	write_at(&f, 4000, "c", true);
	ck_assert_uint_eq(flush_at(&f, 5000), 3000);
	fini(&f);
}
END_TEST

START_TEST(without_tombstones_there_is_none)
{
	struct fixture f;

	init(&f);
	write_at(&f, 2000, "a", false);
	ck_assert_uint_eq(flush_at(&f, 5000), 0);
	fini(&f);
}
END_TEST

/* One that was written over in the memtable is not in the table. */
START_TEST(a_tombstone_that_is_not_flushed_has_none)
{
	struct fixture f;

	init(&f);
	write_at(&f, 2000, "a", true);
	write_at(&f, 3000, "a", false);
	ck_assert_uint_eq(flush_at(&f, 5000), 0);
	fini(&f);
}
END_TEST

START_TEST(each_memtable_has_its_own)
{
	struct fixture f;

	init(&f);
	for (int64_t i = 2; i < 10; i++) {
		write_at(&f, i * 1000, "a", true);
		ck_assert_int_eq((int64_t)flush_at(&f, i * 1000 + 500),
		    i * 1000);
	}
	fini(&f);
}
END_TEST

START_TEST(what_is_replayed_counts_from_its_flush)
{
	struct rtt_dir_image image = { 0 };
	struct fixture f;

	init(&f);
	write_at(&f, 2000, "a", true);
	/* What a kill leaves: a clean end flushes. */
	rtt_dir_image_load(&image, f.config.dir);
	ck_assert_int_eq(rtd_engine_close(f.engine, &failure), RT_OK);
	rtt_dir_remove(f.config.dir);
	rtt_dir_image_write(&image, f.config.dir);
	rtt_dir_image_fini(&image);
	atomic_store(&f.clock.wall_s, 3000);
	open_engine(&f);
	ck_assert_uint_eq(flush_at(&f, 4000), 4000);
	fini(&f);
}
END_TEST

RTT_MAIN("tombstone_times", it_is_that_of_the_first_one_in_the_memtable,
    without_tombstones_there_is_none, a_tombstone_that_is_not_flushed_has_none,
    each_memtable_has_its_own, what_is_replayed_counts_from_its_flush)
