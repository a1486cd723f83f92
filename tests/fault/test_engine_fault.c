/* The n-th file operation fails, for every n, while the engine is opened,
 * written to, its databases swapped and emptied, flushed, closed and opened
 * again. Whatever fails: what was acked is there afterwards, what was deleted
 * stays deleted, nothing is served that was never written, and the next start
 * with a sound disk works. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/engine.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define KEYS 5
#define DATABASES 2
#define ROUNDS 4
#define WAIT_MS_MAX 20000

/* What all keys may be: as acked, or, since the engine takes nothing after a
 * change of unknown outcome, as after that one as well. State 0 of a key is
 * absence, state n a value "n". */
struct contents {
	unsigned keys[DATABASES][KEYS];
};

struct oracle {
	struct contents acked;
	struct contents latest;
};

struct script {
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct oracle oracle;
	unsigned state;
};

static enum rt_code
open_engine(struct script *script, struct rt_fs *fs, struct rt_err *err)
{
	struct rtd_engine_options options = {
		.fs = fs,
		.clock = rt_clock_system(),
		.config = &script->config,
	};
	enum rt_code code = rtd_engine_open(&script->engine, &options, err);

	if (code == RT_OK)
		script->reader = rtd_reader_new(script->engine);
	return code;
}

static enum rt_code
close_engine(struct script *script)
{
	rtd_reader_free(script->reader);
	script->reader = NULL;
	return rtd_engine_close(script->engine, NULL);
}

/* Write the batch; false when the engine refuses or will never ack it. `after`:
 * what all keys are then. */
static bool
write_batch(struct script *script, struct rtd_write_batch *batch,
    const struct contents *after)
{
	uint64_t seq = 0;
	bool acked = false;

	if (rtd_engine_write(script->engine, batch, &seq, NULL) == RT_OK) {
		script->oracle.latest = *after;
		rtd_engine_end_turn(script->engine);
		for (unsigned ms = 0; !acked && ms < WAIT_MS_MAX; ms++) {
			acked = rtd_engine_acked_seq(script->engine) >= seq;
			if (!acked && rtd_engine_write_state(script->engine,
				NULL) != RT_OK)
				break;
			if (!acked)
				usleep(200);
			rtd_engine_end_turn(script->engine);
		}
		if (acked)
			script->oracle.acked = *after;
	}
	rtd_write_batch_fini(batch);
	return acked;
}

/* Key n in the database that its number and the state choose. */
static bool
write_key(struct script *script, unsigned n, unsigned state)
{
	unsigned database = (n + state) % DATABASES;
	uint32_t keyspace = rtd_engine_keyspace(script->engine, database);
	struct contents after = script->oracle.latest;
	struct rtd_write_batch batch = { 0 };
	char key[16], value[16];

	snprintf(key, sizeof(key), "key%u", n);
	snprintf(value, sizeof(value), "%u", state);
	if (state == 0)
		rtd_write_batch_delete(&batch, keyspace, rt_slice_cstr(key));
	else
		rtd_write_batch_put(&batch, keyspace, rt_slice_cstr(key),
		    rt_slice_cstr(value), 0);
	after.keys[database][n] = state;
	return write_batch(script, &batch, &after);
}

static void
swap_databases(struct script *script)
{
	const struct contents *before = &script->oracle.latest;
	struct rtd_write_batch batch = { 0 };
	struct contents after;

	memcpy(after.keys[0], before->keys[1], sizeof(after.keys[0]));
	memcpy(after.keys[1], before->keys[0], sizeof(after.keys[0]));
	rtd_write_batch_swap(&batch, 0, 1);
	write_batch(script, &batch, &after);
}

static bool
drop_database(struct script *script, unsigned database)
{
	struct contents after = script->oracle.latest;
	struct rtd_write_batch batch = { 0 };

	memset(after.keys[database], 0, sizeof(after.keys[0]));
	rtd_write_batch_drop(&batch,
	    rtd_engine_keyspace(script->engine, database));
	return write_batch(script, &batch, &after);
}

static void
flush_engine(struct script *script)
{
	struct rtd_engine_stats stats;
	unsigned ms = 0;

	rtd_engine_flush(script->engine);
	do {
		rtd_engine_get_stats(script->engine, &stats);
		usleep(200);
	} while (!rtd_engine_flushed(script->engine) &&
	    stats.flush_error[0] == '\0' && ms++ < WAIT_MS_MAX);
}

/* Two lives of the engine on a file system that may fail. */
static void
run_script(struct script *script, struct rt_fs *fs)
{
	for (unsigned life = 0; life < 2; life++) {
		if (open_engine(script, fs, NULL) != RT_OK)
			return;
		for (unsigned round = 0; round < ROUNDS; round++) {
			bool going = true;

			for (unsigned n = 0; going && n < KEYS; n++)
				going = write_key(script, n,
				    (round + n) % 3 == 2 ? 0
							 : ++script->state);
			if (going && round == 2)
				going = drop_database(script, life);
			if (going && round != 1)
				swap_databases(script);
			if (round == 1)
				flush_engine(script);
		}
		close_engine(script);
	}
}

static unsigned
state_of(struct script *script, unsigned database, unsigned n, long call)
{
	const struct rtd_read read = {
		.keyspace = rtd_engine_keyspace(script->engine, database),
		.now_ms = 1,
	};
	struct rtd_value value = { .seq = 0 };
	struct rt_err err = { 0 };
	char key[16], text[16] = { 0 };
	enum rt_code code;

	snprintf(key, sizeof(key), "key%u", n);
	code = rtd_reader_get(script->reader, &read, rt_slice_cstr(key),
	    &value, &err);
	ck_assert_msg(code == RT_OK || code == RT_ENOTFOUND,
	    "call %ld: %s: %s", call, key, err.text);
	if (code != RT_OK)
		return 0;
	ck_assert_uint_lt(value.bytes.len, sizeof(text));
	memcpy(text, value.bytes.data, value.bytes.len);
	rtd_value_fini(&value);
	return (unsigned)strtoul(text, NULL, 10);
}

static void
check_oracle(struct script *script, long call)
{
	struct contents found;

	for (unsigned i = 0; i < DATABASES; i++)
		for (unsigned n = 0; n < KEYS; n++)
			found.keys[i][n] = state_of(script, i, n, call);
	if (memcmp(&found, &script->oracle.acked, sizeof(found)) == 0 ||
	    memcmp(&found, &script->oracle.latest, sizeof(found)) == 0) {
		script->oracle.acked = script->oracle.latest = found;
		return;
	}
	for (unsigned i = 0; i < DATABASES; i++)
		for (unsigned n = 0; n < KEYS; n++)
			printf("# database %u key%u: %u, acked %u, latest %u\n",
			    i, n, found.keys[i][n],
			    script->oracle.acked.keys[i][n],
			    script->oracle.latest.keys[i][n]);
	ck_abort_msg("call %ld: neither what was acked nor what may be", call);
}

/* True when call n was reached and failed. */
static bool
fail_call(long n, bool for_ever, int os_errno)
{
	struct script script = { .state = 0 };
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	bool failed;

	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	rt_config_init(&script.config);
	free(script.config.dir);
	script.config.dir = rt_alloc(300);
	snprintf(script.config.dir, 300, "%s/data", scratch.path);
	script.config.memtable_size = 64 << 10;
	script.config.disk_reserve = 0;
	rtt_fault_fs_arm(&fault, n, for_ever, os_errno);
	run_script(&script, &fault.fs);
	failed = atomic_load(&fault.failed) > 0;
	rtt_fault_fs_disarm(&fault);

	ck_assert_msg(open_engine(&script, rt_fs_posix(), &err) == RT_OK,
	    "call %ld: the next start failed: %s", n, err.text);
	check_oracle(&script, n);
	ck_assert_msg(write_key(&script, 0, ++script.state),
	    "call %ld: the next write failed", n);
	check_oracle(&script, n);
	ck_assert_int_eq(close_engine(&script), RT_OK);
	rt_config_fini(&script.config);
	rtt_scratch_fini(&scratch);
	return failed;
}

static void
fail_every_call(bool for_ever, int os_errno)
{
	long n = 0;

	while (fail_call(++n, for_ever, os_errno))
		;
	/* A script this long makes far more calls than a handful. */
	ck_assert_int_gt(n, 50);
}

START_TEST(any_call_fails_once_with_eio)
{
	fail_every_call(false, EIO);
}
END_TEST

START_TEST(any_call_fails_once_with_enospc)
{
	fail_every_call(false, ENOSPC);
}
END_TEST

START_TEST(everything_fails_from_any_call_on)
{
	fail_every_call(true, EIO);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { any_call_fails_once_with_eio,
		any_call_fails_once_with_enospc,
		everything_fails_from_any_call_on };
	Suite *suite = suite_create("engine_fault");
	TCase *tcase = tcase_create("engine_fault");

	tcase_set_timeout(tcase, 900);
	for (size_t i = 0; i < RT_COUNTOF(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
