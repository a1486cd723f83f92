/* More tables than may be open, and tables that cannot be opened. */
#include "riptided/engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/table/value.h"
#include "riptided/engine/memory.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define TABLES 120
#define NOW_MS 1000000

struct fixture {
	struct rtt_scratch scratch;
	struct rtt_fault_fs fault;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
};

static enum rt_code
try_open(struct fixture *f, struct rt_err *err)
{
	struct rtd_engine_options options = {
		.fs = &f->fault.fs,
		.clock = rt_clock_system(),
		.config = &f->config,
	};

	return rtd_engine_open(&f->engine, &options, err);
}

static void
open_engine(struct fixture *f)
{
	struct rt_err err = { 0 };

	ck_assert_msg(try_open(f, &err) == RT_OK, "%s", err.text);
	f->reader = rtd_reader_new(f->engine);
}

static void
close_engine(struct fixture *f)
{
	rtd_reader_free(f->reader);
	ck_assert_int_eq(rtd_engine_close(f->engine, NULL), RT_OK);
}

static void
init(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	rtt_scratch_init(&f->scratch);
	rtt_fault_fs_init(&f->fault);
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
	close_engine(f);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

static void
flush(struct fixture *f)
{
	rtd_engine_flush(f->engine);
	while (!rtd_engine_flushed(f->engine))
		usleep(500);
	rtd_engine_end_turn(f->engine);
}

/* Key i, and a flush behind it. */
static void
put_table(struct fixture *f, unsigned i)
{
	struct rtd_write_batch batch = { 0 };
	char text[16];
	uint64_t seq;

	snprintf(text, sizeof(text), "%06u", i);
	rtd_write_batch_put(&batch, 0, rt_slice_cstr(text),
	    rt_slice_cstr(text), 0);
	ck_assert_int_eq(rtd_engine_write(f->engine, &batch, &seq, NULL),
	    RT_OK);
	rtd_engine_end_turn(f->engine);
	rtd_write_batch_fini(&batch);
	flush(f);
}

static enum rt_code
get(struct fixture *f, unsigned i, unsigned flags, struct rt_err *err)
{
	struct rtd_read read = { .now_ms = NOW_MS, .flags = flags };
	struct rtd_value value = { .seq = 0 };
	char text[16];
	enum rt_code code;

	snprintf(text, sizeof(text), "%06u", i);
	code = rtd_reader_get(f->reader, &read, rt_slice_cstr(text), &value,
	    err);
	if (code == RT_OK) {
		ck_assert(rt_slice_equal(value.bytes, rt_slice_cstr(text)));
		rtd_value_fini(&value);
	}
	return code;
}

static uint64_t
open_tables(struct fixture *f)
{
	struct rtd_engine_stats stats;

	rtd_engine_get_stats(f->engine, &stats);
	ck_assert_uint_eq(stats.open_tables_max, RTD_OPEN_TABLES_MIN);
	return stats.open_tables;
}

static size_t
walk_all(struct fixture *f)
{
	struct rt_iter *iter = rtd_reader_iter(f->reader,
	    &(struct rtd_read){ .now_ms = NOW_MS }, NULL);
	size_t count = 0;

	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		count++;
	ck_assert_msg(iter->code == RT_OK, "%s", iter->err.text);
	rt_iter_free(iter);
	return count;
}

START_TEST(many_tables_are_read_with_few_open)
{
	struct fixture f;
	struct rlimit before, limit;

	init(&f);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	/* Room for a walk, which holds all tables of level 0 at once. */
	limit.rlim_cur = TABLES + 120;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close_engine(&f);
	open_engine(&f);
	for (unsigned i = 0; i < TABLES; i++)
		put_table(&f, i);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < TABLES; i++) {
			ck_assert_int_eq(get(&f, i * 37 % TABLES, 0, NULL),
			    RT_OK);
			ck_assert_uint_le(open_tables(&f),
			    RTD_OPEN_TABLES_MIN);
			rtd_engine_end_turn(f.engine);
		}
		ck_assert_int_eq(get(&f, TABLES, 0, NULL), RT_ENOTFOUND);
		ck_assert_uint_eq(walk_all(&f), TABLES);
		close_engine(&f);
		open_engine(&f);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	fini(&f);
}
END_TEST

START_TEST(closed_table_would_block)
{
	struct fixture f;
	struct rlimit before, limit;
	unsigned blocked = 0;

	init(&f);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 160;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close_engine(&f);
	open_engine(&f);
	for (unsigned i = 0; i < 2 * RTD_OPEN_TABLES_MIN; i++)
		put_table(&f, i);
	for (unsigned i = 0; i < 2 * RTD_OPEN_TABLES_MIN; i++) {
		enum rt_code code = get(&f, i, RTD_READ_NOWAIT, NULL);

		if (code == RT_OK)
			continue;
		ck_assert_int_eq(code, RT_EAGAIN);
		ck_assert_int_eq(get(&f, i, 0, NULL), RT_OK);
		blocked++;
	}
	ck_assert_uint_gt(blocked, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	fini(&f);
}
END_TEST

static void
each_table(const struct fixture *f, void (*act)(int dir, const char *name))
{
	char path[320];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sst", f->config.dir);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *at = readdir(dir); at != NULL; at = readdir(dir))
		if (at->d_name[0] != '.')
			act(dirfd(dir), at->d_name);
	closedir(dir);
}

static void
cut(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY);

	ck_assert_int_eq(ftruncate(fd, 50), 0);
	close(fd);
}

static void
unlink_it(int dir, const char *name)
{
	ck_assert_int_eq(unlinkat(dir, name, 0), 0);
}

START_TEST(start_refuses_a_missing_or_cut_table)
{
	void (*const acts[])(int, const char *) = { cut, unlink_it };

	for (size_t i = 0; i < RT_COUNTOF(acts); i++) {
		struct rt_err err = { 0 };
		struct fixture f;

		init(&f);
		put_table(&f, 1);
		close_engine(&f);
		each_table(&f, acts[i]);
		ck_assert_int_eq(try_open(&f, &err), RT_EDAMAGED);
		ck_assert_ptr_nonnull(strstr(err.text, "d-"));
		rt_config_fini(&f.config);
		rtt_scratch_fini(&f.scratch);
	}
}
END_TEST

/* Flush with the n-th call of the engine failing. False: so many there are
 * not. What the log loses is its own matter. */
static bool
flush_with_fault(struct fixture *f, long n)
{
	struct rtd_write_batch batch = { 0 };
	uint64_t seq;
	bool failed;

	rtd_write_batch_put(&batch, 0, rt_slice_cstr("000001"),
	    rt_slice_cstr("000001"), 0);
	ck_assert_int_eq(rtd_engine_write(f->engine, &batch, &seq, NULL),
	    RT_OK);
	rtd_write_batch_fini(&batch);
	rtd_engine_end_turn(f->engine);
	rtt_fault_fs_arm(&f->fault, n, false, EMFILE);
	rtd_engine_flush(f->engine);
	while (!rtd_engine_flushed(f->engine) &&
	    !rtd_engine_log_stuck(f->engine)) {
		struct rtd_engine_stats stats;

		rtd_engine_get_stats(f->engine, &stats);
		ck_assert_msg(strstr(stats.flush_error, "flushed") == NULL,
		    "%s", stats.flush_error);
		rtd_engine_end_turn(f->engine);
		usleep(1000);
	}
	failed = atomic_load(&f->fault.failed) != 0;
	rtt_fault_fs_disarm(&f->fault);
	return failed;
}

/* Whichever call fails while a table is written, published and opened: the
 * memtable is flushed once, and no manifest contradicts itself. */
START_TEST(published_table_that_does_not_open_is_taken_over)
{
	long n = 1;

	for (bool more = true; more; n++) {
		struct fixture f;

		init(&f);
		more = flush_with_fault(&f, n);
		ck_assert_int_eq(get(&f, 1, 0, NULL), RT_OK);
		if (rtd_engine_log_stuck(f.engine)) {
			rtd_reader_free(f.reader);
			rtd_engine_close(f.engine, NULL);
			open_engine(&f);
			ck_assert_int_eq(get(&f, 1, 0, NULL), RT_OK);
		}
		fini(&f);
	}
	ck_assert_int_gt(n, 10);
}
END_TEST

RTT_MAIN("engine_tables", many_tables_are_read_with_few_open,
    closed_table_would_block, start_refuses_a_missing_or_cut_table,
    published_table_that_does_not_open_is_taken_over)
