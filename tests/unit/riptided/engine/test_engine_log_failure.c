/* What the engine does when its log fails: tables take over what the log may
 * have lost, the log begins again, and nobody is told more than is true. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/engine.h"
#include "riptided/engine/write_hold.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define WAIT_MS_MAX 30000
#define FILES_MAX 4096

/* -- a disk whose log fails, or all of it -- */

static struct rt_fs fs;
static _Atomic bool is_log[FILES_MAX];	/* by descriptor */
static _Atomic int log_writes_fail, log_syncs_fail;	/* so many more */
static _Atomic int all_writes_fail;	/* errno; 0: they do not */
static _Atomic int log_names_fail;	/* errno when a segment is made */

static bool
takes_one(_Atomic int *left)
{
	int now = atomic_load(left);

	while (now > 0)
		if (atomic_compare_exchange_weak(left, &now, now - 1))
			return true;
	return false;
}

static bool
names_log(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, "spare", 5) == 0 ||
	    (len > 4 && strcmp(name + len - 4, ".wal") == 0);
}

static int
open_file(struct rt_fs *self, int dir, const char *name, int flags,
    mode_t mode)
{
	int failure = atomic_load(&log_names_fail);
	int fd;

	if (failure != 0 && names_log(name) && (flags & O_CREAT) != 0)
		return -failure;
	fd = rt_fs_posix()->openat(self, dir, name, flags, mode);
	if (fd >= 0 && fd < FILES_MAX)
		atomic_store(&is_log[fd], names_log(name));
	return fd;
}

static ssize_t
write_file(struct rt_fs *self, int fd, const void *data, size_t len,
    off_t offset)
{
	if (atomic_load(&all_writes_fail) != 0)
		return -atomic_load(&all_writes_fail);
	if (atomic_load(&is_log[fd]) && takes_one(&log_writes_fail))
		return -ENOSPC;
	return rt_fs_posix()->pwrite(self, fd, data, len, offset);
}

static int
sync_file(struct rt_fs *self, int fd)
{
	if (atomic_load(&is_log[fd]) && takes_one(&log_syncs_fail))
		return -EIO;
	return rt_fs_posix()->fdatasync(self, fd);
}

/* -- the engine on it -- */

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	unsigned keys;			/* put so far: key n has value n */
};

static void
open_engine(struct fixture *f)
{
	struct rtd_engine_options options = {
		.fs = &fs,
		.clock = rt_clock_system(),
		.config = &f->config,
	};
	struct rt_err err = { 0 };

	ck_assert_msg(rtd_engine_open(&f->engine, &options, &err) == RT_OK,
	    "%s", err.text);
	f->reader = rtd_reader_new(f->engine);
}

static void
set_dir(struct fixture *f, const char *name)
{
	free(f->config.dir);
	f->config.dir = rt_alloc(300);
	snprintf(f->config.dir, 300, "%s/%s", f->scratch.path, name);
}

static void
init(struct fixture *f, enum rt_appendfsync policy)
{
	*f = (struct fixture){ .keys = 0 };
	fs = *rt_fs_posix();
	fs.openat = open_file;
	fs.pwrite = write_file;
	fs.fdatasync = sync_file;
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	set_dir(f, "data");
	f->config.memtable_size = 64 << 10;
	f->config.appendfsync = policy;
	f->config.disk_reserve = 0;
	open_engine(f);
}

static void
close_engine(struct fixture *f)
{
	struct rt_err err = { 0 };

	rtd_reader_free(f->reader);
	ck_assert_msg(rtd_engine_close(f->engine, &err) == RT_OK, "%s",
	    err.text);
}

static void
fini(struct fixture *f)
{
	close_engine(f);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

static enum rt_code
put(struct fixture *f, uint64_t *seq)
{
	struct rtd_write_batch batch = { 0 };
	char key[16];
	enum rt_code code;

	snprintf(key, sizeof(key), "%u", f->keys);
	rtd_write_batch_put(&batch, 0, rt_slice_cstr(key), rt_slice_cstr(key),
	    RT_NO_EXPIRY);
	code = rtd_engine_write(f->engine, &batch, seq, NULL);
	if (code == RT_OK)
		f->keys++;
	rtd_write_batch_fini(&batch);
	return code;
}

static enum rt_code
get(struct fixture *f, unsigned n)
{
	const struct rtd_read read = { .now_ms = 1 };
	struct rtd_value value = { .seq = 0 };
	char key[16];
	enum rt_code code;

	snprintf(key, sizeof(key), "%u", n);
	code = rtd_reader_get(f->reader, &read, rt_slice_cstr(key), &value,
	    NULL);
	if (code == RT_OK)
		ck_assert(rt_slice_equal(value.bytes, rt_slice_cstr(key)));
	rtd_value_fini(&value);
	return code;
}

/* Turns of the loop until the condition holds. */
#define TURNS_UNTIL(f, condition) \
	do { \
		unsigned turns_ = 0; \
		while (!(condition)) { \
			ck_assert_uint_lt(turns_++, WAIT_MS_MAX); \
			rtd_engine_end_turn((f)->engine); \
			usleep(1000); \
		} \
	} while (0)

static void
put_and_wait(struct fixture *f)
{
	uint64_t seq = 0;

	TURNS_UNTIL(f, rtd_engine_has_room(f->engine));
	ck_assert_int_eq(put(f, &seq), RT_OK);
	TURNS_UNTIL(f, rtd_engine_acked_seq(f->engine) >= seq);
}

static void
expect_all(struct fixture *f)
{
	for (unsigned n = 0; n < f->keys; n++)
		ck_assert_msg(get(f, n) == RT_OK, "key %u", n);
}

/* A power cut and a crash as the disk sees them at this moment. */
static void
continue_on_a_copy(struct fixture *f)
{
	char command[700];

	snprintf(command, sizeof(command), "cp -a %s/data %s/copy",
	    f->scratch.path, f->scratch.path);
	ck_assert_int_eq(system(command), 0);
	close_engine(f);
	set_dir(f, "copy");
	open_engine(f);
}

static uint64_t
failures(struct fixture *f)
{
	struct rtd_engine_stats stats;

	rtd_engine_get_stats(f->engine, &stats);
	return stats.wal_failures;
}

/* -- the facts -- */

static void
one_failure_costs_nothing(enum rt_appendfsync policy, _Atomic int *fails)
{
	struct fixture f;

	init(&f, policy);
	for (unsigned i = 0; i < 10; i++)
		put_and_wait(&f);
	atomic_store(fails, 1);
	/* In everysec a sync comes when it is due. */
	for (unsigned i = 0; i < 10 || failures(&f) == 0; i++)
		put_and_wait(&f);
	ck_assert_uint_eq(failures(&f), 1);
	TURNS_UNTIL(&f, rtd_engine_has_room(f.engine));
	for (unsigned i = 0; i < 10; i++)
		put_and_wait(&f);
	expect_all(&f);
	continue_on_a_copy(&f);
	expect_all(&f);
	put_and_wait(&f);
	fini(&f);
}

START_TEST(write_that_fails_to_sync_is_acked_from_a_table)
{
	one_failure_costs_nothing(RT_FSYNC_ALWAYS, &log_syncs_fail);
}
END_TEST

START_TEST(write_that_fails_is_acked_from_a_table)
{
	one_failure_costs_nothing(RT_FSYNC_ALWAYS, &log_writes_fail);
}
END_TEST

START_TEST(sync_of_acked_writes_that_fails_loses_none)
{
	one_failure_costs_nothing(RT_FSYNC_EVERYSEC, &log_syncs_fail);
}
END_TEST

START_TEST(log_that_cannot_begin_again_refuses_writes_until_it_can)
{
	struct rt_err err = { 0 };
	struct fixture f;
	uint64_t seq = 0, acked;

	init(&f, RT_FSYNC_ALWAYS);
	for (unsigned i = 0; i < 10; i++)
		put_and_wait(&f);
	acked = rtd_engine_acked_seq(f.engine);
	atomic_store(&log_names_fail, EROFS);
	atomic_store(&log_syncs_fail, 1);
	ck_assert_int_eq(put(&f, &seq), RT_OK);
	TURNS_UNTIL(&f, rtd_engine_log_stuck(f.engine));
	ck_assert_int_eq(rtd_engine_write_state(f.engine, &err), RT_EREADONLY);
	ck_assert_int_eq(rtd_engine_write_hold(f.engine), RTD_HOLD_LOG_STUCK);
	ck_assert_msg(strstr(err.text, "begin wal segment") != NULL, "%s",
	    err.text);
	ck_assert_int_eq(put(&f, &(uint64_t){ 0 }), RT_EREADONLY);
	ck_assert_uint_eq(rtd_engine_acked_seq(f.engine), acked);
	expect_all(&f);
	atomic_store(&log_names_fail, 0);
	TURNS_UNTIL(&f, rtd_engine_has_room(f.engine));
	ck_assert_int_eq(rtd_engine_write_state(f.engine, &err), RT_OK);
	ck_assert_int_eq(rtd_engine_write_hold(f.engine), RTD_HOLD_NONE);
	ck_assert_uint_ge(rtd_engine_acked_seq(f.engine), seq);
	put_and_wait(&f);
	continue_on_a_copy(&f);
	expect_all(&f);
	fini(&f);
}
END_TEST

START_TEST(full_disk_refuses_writes_until_there_is_space)
{
	struct fixture f;
	uint64_t seq = 0;

	init(&f, RT_FSYNC_ALWAYS);
	for (unsigned i = 0; i < 10; i++)
		put_and_wait(&f);
	atomic_store(&all_writes_fail, ENOSPC);
	ck_assert_int_eq(put(&f, &seq), RT_OK);
	TURNS_UNTIL(&f, rtd_engine_log_stuck(f.engine));
	ck_assert_int_eq(rtd_engine_write_state(f.engine, NULL), RT_ENOSPC);
	ck_assert_uint_lt(rtd_engine_acked_seq(f.engine), seq);
	expect_all(&f);
	atomic_store(&all_writes_fail, 0);
	TURNS_UNTIL(&f, rtd_engine_has_room(f.engine));
	ck_assert_uint_ge(rtd_engine_acked_seq(f.engine), seq);
	put_and_wait(&f);
	continue_on_a_copy(&f);
	expect_all(&f);
	fini(&f);
}
END_TEST

START_TEST(any_number_of_failures_loses_nothing)
{
	const char *given = getenv("RTT_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10)
				      : (unsigned)getpid();
	struct fixture f;

	printf("# RTT_SEED=%u\n", seed);
	init(&f, RT_FSYNC_ALWAYS);
	for (unsigned i = 0; i < 200; i++) {
		switch (rand_r(&seed) % 8) {
		case 0:
			atomic_store(&log_syncs_fail, rand_r(&seed) % 3 + 1);
			break;
		case 1:
			atomic_store(&log_writes_fail, rand_r(&seed) % 2 + 1);
			break;
		case 2:
			rtd_engine_flush(f.engine);
			break;
		default:
			break;
		}
		put_and_wait(&f);
	}
	ck_assert_uint_ge(failures(&f), 10);
	expect_all(&f);
	continue_on_a_copy(&f);
	expect_all(&f);
	fini(&f);
}
END_TEST

START_TEST(stop_after_a_failure_loses_nothing)
{
	struct fixture f;
	uint64_t seq = 0;

	init(&f, RT_FSYNC_ALWAYS);
	atomic_store(&log_names_fail, EIO);
	atomic_store(&log_writes_fail, 1);
	ck_assert_int_eq(put(&f, &seq), RT_OK);
	TURNS_UNTIL(&f, rtd_engine_log_stuck(f.engine));
	/* Everything is in tables: there is nothing to complain about. */
	close_engine(&f);
	atomic_store(&log_names_fail, 0);
	open_engine(&f);
	expect_all(&f);
	fini(&f);
}
END_TEST

RTT_MAIN("engine_log_failure", write_that_fails_to_sync_is_acked_from_a_table,
    write_that_fails_is_acked_from_a_table,
    sync_of_acked_writes_that_fails_loses_none,
    log_that_cannot_begin_again_refuses_writes_until_it_can,
    full_disk_refuses_writes_until_there_is_space,
    any_number_of_failures_loses_nothing, stop_after_a_failure_loses_nothing)
