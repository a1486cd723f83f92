/* Every allocation whose size comes from outside fails, one after the other: a
 * block's, an index's, a manifest's, a record's, a value's. What it was for
 * fails with an error, which is not called damage; nothing aborts, and what
 * was written can be read when there is memory again.
 *
 * The linker puts the functions here in front of the real ones. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/bulk.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "tests/fault/play.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define TIMEOUT_S 600
/* At least half of it: more than RT_BULK_BYTES_MIN. */
#define LARGE_VALUE_BYTES (600u << 10)

static _Atomic long calls;
static _Atomic long fail_at;	/* 0: never */

void *__real_rt_try_alloc(size_t bytes);
void *__real_rt_try_realloc(void *old, size_t bytes);
struct rt_bulk *__real_rt_bulk_new(size_t len);
void *__wrap_rt_try_alloc(size_t bytes);
void *__wrap_rt_try_realloc(void *old, size_t bytes);
struct rt_bulk *__wrap_rt_bulk_new(size_t len);

static bool
fails(void)
{
	return atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at);
}

void *
__wrap_rt_try_alloc(size_t bytes)
{
	return fails() ? NULL : __real_rt_try_alloc(bytes);
}

void *
__wrap_rt_try_realloc(void *old, size_t bytes)
{
	return fails() ? NULL : __real_rt_try_realloc(old, bytes);
}

struct rt_bulk *
__wrap_rt_bulk_new(size_t len)
{
	return fails() ? NULL : __real_rt_bulk_new(len);
}

static void
arm(long n)
{
	atomic_store(&calls, 0);
	atomic_store(&fail_at, n);
}

/* Returns whether call n was reached. */
static bool
was_reached(void)
{
	long n = atomic_exchange(&fail_at, 0);

	return atomic_load(&calls) >= n;
}

static void
start(struct rtt_play *play)
{
	struct rt_err err = { 0 };

	ck_assert_msg(rtt_play_open(play, &err) == RT_OK, "%s", err.text);
}

static void
stop(struct rtt_play *play)
{
	ck_assert_int_eq(rtt_play_close(play, NULL), RT_OK);
}

struct fixture {
	struct rtt_scratch scratch;
	struct rtt_play play;
};

static void
fixture_init(struct fixture *fixture, size_t value_bytes)
{
	char dir[300];

	rt_log_set_level(RT_LOG_WARNING + 1);
	rtt_scratch_init(&fixture->scratch);
	snprintf(dir, sizeof(dir), "%s/data", fixture->scratch.path);
	rtt_play_init(&fixture->play, rt_fs_posix(), dir, rtt_history_new());
	fixture->play.value_bytes = value_bytes;
	fixture->play.config.compression = RT_COMPRESSION_LZ4;
	fixture->play.config.compression_bottom = RT_COMPRESSION_LZ4;
	fixture->play.config.l0_compaction_trigger = 2;
}

static void
fixture_fini(struct fixture *fixture)
{
	rtt_play_fini(&fixture->play);
	rtt_scratch_fini(&fixture->scratch);
}

static void
fill(struct rtt_play *play)
{
	start(play);
	for (unsigned i = 0; i < RTT_PLAY_KEYS; i++)
		ck_assert(rtt_play_set(play, i % RTT_PLAY_DATABASES, i));
	ck_assert(rtt_play_flush(play));
	for (unsigned i = 0; i < RTT_PLAY_KEYS; i += 2)
		ck_assert(rtt_play_set(play, i % RTT_PLAY_DATABASES, i));
	ck_assert(rtt_play_flush(play));
	stop(play);
}

/* No key is taken for absent: rtt_play_read_all looks. */
static void
reads_lack_memory(size_t value_bytes)
{
	struct fixture fixture;
	unsigned errors = 0;
	long n = 0;

	fixture_init(&fixture, value_bytes);
	fill(&fixture.play);
	rtt_play_compact(&fixture.play, rt_fs_posix(), true);
	start(&fixture.play);
	do {
		arm(++n);
		errors += rtt_play_read_all(&fixture.play);
	} while (was_reached());
	ck_assert_int_gt(n, 5);
	ck_assert_uint_gt(errors, 5);
	ck_assert_uint_eq(rtt_play_read_all(&fixture.play), 0);
	stop(&fixture.play);
	fixture_fini(&fixture);
}

START_TEST(reads_say_that_there_is_no_memory)
{
	reads_lack_memory(100);
}
END_TEST

START_TEST(reads_of_large_values_say_that_there_is_no_memory)
{
	reads_lack_memory(LARGE_VALUE_BYTES);
}
END_TEST

/* A start that lacks memory is refused without talk of damage, and a later one
 * finds everything. */
static void
starts_lack_memory(size_t value_bytes, bool compacted)
{
	struct fixture fixture;
	struct rt_err err = { 0 };
	unsigned refused = 0;
	bool reached;
	long n = 0;

	fixture_init(&fixture, value_bytes);
	fill(&fixture.play);
	if (compacted)
		rtt_play_compact(&fixture.play, rt_fs_posix(), true);
	do {
		arm(++n);
		if (rtt_play_open(&fixture.play, &err) != RT_OK) {
			ck_assert_msg(err.code != RT_EDAMAGED, "%ld: %s", n,
			    err.text);
			refused++;
		}
		reached = was_reached();
		if (fixture.play.engine != NULL) {
			ck_assert_uint_eq(rtt_play_read_all(&fixture.play), 0);
			stop(&fixture.play);
		}
	} while (reached);
	ck_assert_int_gt(n, 3);
	ck_assert_uint_gt(refused, 0);
	fixture_fini(&fixture);
}

START_TEST(starts_say_that_there_is_no_memory)
{
	starts_lack_memory(100, false);
	starts_lack_memory(LARGE_VALUE_BYTES, true);
}
END_TEST

START_TEST(a_compactor_without_memory_leaves_things_as_they_are)
{
	struct fixture fixture;
	long n = 0;

	fixture_init(&fixture, 1000);
	fill(&fixture.play);
	do {
		arm(++n);
		rtt_play_compact(&fixture.play, rt_fs_posix(), false);
	} while (was_reached());
	ck_assert_int_gt(n, 3);
	start(&fixture.play);
	ck_assert_uint_eq(rtt_play_read_all(&fixture.play), 0);
	stop(&fixture.play);
	fixture_fini(&fixture);
}
END_TEST

/* A batch that lacks memory says so, and one for which the log lacks it is
 * refused as a whole. */
START_TEST(a_write_without_memory_changes_nothing)
{
	struct fixture fixture;
	struct rtt_play *play = &fixture.play;
	uint64_t before, seq;
	unsigned refused = 0;
	bool reached;
	long n = 0;

	fixture_init(&fixture, 60000);
	start(play);
	do {
		struct rt_err err = { 0 };

		rtd_write_batch_fini(&play->batch);
		before = rtd_engine_visible_seq(play->engine);
		arm(++n);
		rtt_play_put(play, 0, 1);
		rtt_play_put(play, 1, 2);
		if (play->batch.lacks_memory) {
			refused++;
		} else if (rtd_engine_write(play->engine, &play->batch, &seq,
			&err) == RT_OK) {
			struct rtt_history *history = play->history;

			history->contents[history->count++] = play->after;
		} else {
			ck_assert_int_eq(err.os_errno, ENOMEM);
			refused++;
		}
		reached = was_reached();
		if (reached)
			ck_assert_uint_eq(rtd_engine_visible_seq(play->engine),
			    before);
		rtd_engine_end_turn(play->engine);
		play->after = *rtt_play_latest(play);
	} while (reached);
	ck_assert_uint_gt(refused, 1);
	ck_assert_uint_eq(rtt_play_read_all(play), 0);
	stop(play);
	fixture_fini(&fixture);
}
END_TEST

/* The log's large records, read by a start after the process was killed. */
START_TEST(replay_says_that_there_is_no_memory)
{
	struct fixture fixture;
	struct rtt_play *play = &fixture.play;
	struct rt_err err = { 0 };
	unsigned refused = 0;
	bool reached;
	pid_t pid;
	long n = 0;

	fixture_init(&fixture, LARGE_VALUE_BYTES);
	pid = fork();
	if (pid == 0) {
		rt_assert(rtt_play_open(play, NULL) == RT_OK);
		for (unsigned i = 0; i < 3; i++)
			rt_assert(rtt_play_set(play, 0, i));
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	do {
		arm(++n);
		if (rtt_play_open(play, &err) != RT_OK) {
			ck_assert_msg(err.code != RT_EDAMAGED, "%ld: %s", n,
			    err.text);
			refused++;
		}
		reached = was_reached();
	} while (reached && play->engine == NULL);
	ck_assert_uint_gt(refused, 2);
	ck_assert_ptr_nonnull(play->engine);
	ck_assert_uint_eq(rtt_play_read_all(play), 0);
	stop(play);
	fixture_fini(&fixture);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { reads_say_that_there_is_no_memory,
		reads_of_large_values_say_that_there_is_no_memory,
		starts_say_that_there_is_no_memory,
		a_compactor_without_memory_leaves_things_as_they_are,
		a_write_without_memory_changes_nothing,
		replay_says_that_there_is_no_memory };
	Suite *suite = suite_create("memory_fault");
	TCase *tcase = tcase_create("memory_fault");

	tcase_set_timeout(tcase, TIMEOUT_S);
	for (size_t i = 0; i < RT_COUNTOF(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
