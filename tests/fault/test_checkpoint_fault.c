/* The n-th file operation fails, for every n, while a checkpoint is made.
 * Whatever fails: either it is made, and is whole, or there is an error and
 * nothing of it after the next start; and the database that it was to be made
 * of has lost nothing and can make one then. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/checkpoint.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define KEYS 40

struct database {
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
};

static void
open_database(struct database *db, const char *dir, struct rt_fs *fs, long n)
{
	struct rtd_engine_options options = {
		.fs = fs,
		.clock = rt_clock_system(),
		.config = &db->config,
		/* Without the thread that looks at the directory now and
		 * then, the calls are the checkpoint's and the flusher's. */
		.offline = true,
	};
	struct rt_err err = { 0 };

	rt_config_init(&db->config);
	free(db->config.dir);
	db->config.dir = rt_strdup(dir);
	db->config.disk_reserve = 0;
	ck_assert_msg(rtd_engine_open(&db->engine, &options, &err) == RT_OK,
	    "call %ld: %s: %s", n, dir, err.text);
	db->reader = rtd_reader_new(db->engine);
}

static void
close_database(struct database *db)
{
	rtd_reader_free(db->reader);
	rtd_engine_close(db->engine, NULL);
	rt_config_fini(&db->config);
}

/* Keys from..to-1 get the value. */
static void
put_range(struct database *db, unsigned from, unsigned to, const char *value)
{
	struct rtd_write_batch batch = { 0 };
	uint64_t seq = 0;
	char key[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		rtd_write_batch_put(&batch, 0, rt_slice_cstr(key),
		    rt_slice_cstr(value), 0);
	}
	ck_assert_int_eq(rtd_engine_write(db->engine, &batch, &seq, NULL),
	    RT_OK);
	rtd_engine_end_turn(db->engine);
	while (rtd_engine_acked_seq(db->engine) < seq)
		usleep(100);
	rtd_write_batch_fini(&batch);
}

static void
flush(struct database *db)
{
	rtd_engine_flush(db->engine);
	while (!rtd_engine_flushed(db->engine))
		usleep(100);
}

static void
expect_keys(struct database *db, long n)
{
	for (unsigned i = 0; i < KEYS; i++) {
		const char *wanted = i < KEYS / 4 ? "third"
		    : i < KEYS / 2 ? "second" : "first";
		struct rtd_value value = { .seq = 0 };
		struct rt_err err = { 0 };
		enum rt_code code;
		char key[16];

		snprintf(key, sizeof(key), "key%u", i);
		code = rtd_reader_get(db->reader,
		    &(struct rtd_read){ .keyspace = 0, .now_ms = 1 },
		    rt_slice_cstr(key), &value, &err);
		ck_assert_msg(code == RT_OK, "call %ld: %s: %s", n, key,
		    err.text);
		ck_assert(rt_slice_equal(value.bytes, rt_slice_cstr(wanted)));
		rtd_value_fini(&value);
	}
}

static enum rt_code
make(struct database *db, struct rt_err *err)
{
	struct rtd_checkpoint *checkpoint = NULL;
	enum rt_code code;

	code = rtd_checkpoint_begin(db->engine, rt_slice_cstr("copy"),
	    &checkpoint, err);
	ck_assert_int_eq(code, RT_OK);
	code = rtd_checkpoint_run(checkpoint, err);
	rtd_checkpoint_free(checkpoint);
	return code;
}

static bool
exists(const char *dir, const char *below)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/%s", dir, below);
	return access(path, F_OK) == 0;
}

/* Everything is in the copy, and starting on it takes nothing from ours. */
static void
expect_copy(const char *dir, long n)
{
	struct database copy;
	char path[400];

	snprintf(path, sizeof(path), "%s/checkpoints/copy", dir);
	ck_assert_msg(exists(path, "CHECKSUMS"), "call %ld: no checksums", n);
	open_database(&copy, path, rt_fs_posix(), n);
	expect_keys(&copy, n);
	close_database(&copy);
}

static long
count_descriptors(void)
{
	long count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* How calls fail. */
struct way {
	bool for_ever;
	bool after;		/* their work is done all the same */
	int os_errno;
};

/* True when call n was reached and failed. */
static bool
fail_call(long n, const struct way *way, unsigned *made)
{
	struct rt_err err = { 0 };
	struct rtt_scratch scratch;
	struct rtt_fault_fs fault;
	struct database db;
	long descriptors;
	enum rt_code code;
	char dir[300];
	bool failed;

	rtt_scratch_init(&scratch);
	descriptors = count_descriptors();
	snprintf(dir, sizeof(dir), "%s/data", scratch.path);
	rtt_fault_fs_init(&fault);
	open_database(&db, dir, &fault.fs, n);
	put_range(&db, 0, KEYS, "first");
	flush(&db);
	put_range(&db, 0, KEYS / 2, "second");
	flush(&db);
	put_range(&db, 0, KEYS / 4, "third");
	fault.after = way->after;
	rtt_fault_fs_arm(&fault, n, way->for_ever, way->os_errno);
	code = make(&db, &err);
	failed = atomic_load(&fault.failed) > 0;
	rtt_fault_fs_disarm(&fault);
	expect_keys(&db, n);
	close_database(&db);
	ck_assert_int_eq(count_descriptors(), descriptors);

	if (code == RT_OK)
		(*made)++;
	open_database(&db, dir, rt_fs_posix(), n);
	expect_keys(&db, n);
	ck_assert_msg(!exists(dir, "checkpoints/.tmp-copy"),
	    "call %ld: half of it is left", n);
	if (code != RT_OK && exists(dir, "checkpoints/copy"))
		/* Renamed, and neither synced nor renamed back. */
		ck_assert_msg(way->for_ever && strstr(err.text,
		    "is there, but a power cut") != NULL, "call %ld: %s", n,
		    err.text);
	if (exists(dir, "checkpoints/copy")) {
		expect_copy(dir, n);
	} else {
		ck_assert_int_ne(code, RT_OK);
		ck_assert_int_eq(make(&db, &err), RT_OK);
		expect_copy(dir, n);
	}
	expect_keys(&db, n);
	close_database(&db);
	rtt_scratch_fini(&scratch);
	return failed;
}

static void
fail_every_call(const struct way *way)
{
	unsigned made = 0;
	long n = 0;

	while (fail_call(++n, way, &made))
		;
	printf("# %ld calls, %u checkpoints made all the same\n", n - 1, made);
	ck_assert_int_gt(n, 50);
	ck_assert_uint_ge(made, 1);
	ck_assert_int_lt(made, n / 2);
}

START_TEST(any_call_fails_once)
{
	fail_every_call(&(struct way){ .os_errno = EIO });
}
END_TEST

START_TEST(any_call_fails_when_its_work_is_done)
{
	fail_every_call(&(struct way){ .after = true, .os_errno = EIO });
}
END_TEST

START_TEST(everything_fails_from_any_call_on)
{
	fail_every_call(&(struct way){ .for_ever = true, .os_errno = EROFS });
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { any_call_fails_once,
		any_call_fails_when_its_work_is_done,
		everything_fails_from_any_call_on };
	Suite *suite = suite_create("checkpoint_fault");
	TCase *tcase = tcase_create("checkpoint_fault");

	tcase_set_timeout(tcase, 900);
	for (size_t i = 0; i < RT_COUNTOF(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
