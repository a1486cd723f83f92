/* Snapshots of an engine at work: under overwrites, drops, flushes, merges by a
 * compactor in a thread, and restarts. */
#include "riptided/engine/snapshots.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/table/value.h"
#include "riptide-compactd/compactor.h"
#include "riptided/engine/engine.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define START_MS 1000000
#define ACCOUNTS 64
#define BALANCE 1000
#define ROUNDS 2000
#define READERS 2
#define SLOTS 4

struct turned_clock {
	struct rt_clock base;
	_Atomic int64_t wall_ms;
	_Atomic uint64_t ahead_ns;
};

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct turned_clock clock;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
};

static uint64_t
monotonic_ns(struct rt_clock *clock)
{
	return rt_clock_monotonic_ns(rt_clock_system()) +
	    atomic_load(&((struct turned_clock *)clock)->ahead_ns);
}

static int64_t
wall_ms(struct rt_clock *clock)
{
	return atomic_load(&((struct turned_clock *)clock)->wall_ms);
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
	struct rt_err err = { 0 };
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = &f->clock.base,
		.config = &f->config,
	};

	ck_assert_msg(rtd_engine_open(&f->engine, &options, &err) == RT_OK,
	    "%s", err.text);
	f->reader = rtd_reader_new(f->engine);
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
init(struct fixture *f)
{
	*f = (struct fixture){ .clock = {
		.base = { .monotonic_ns = monotonic_ns, .wall_ms = wall_ms,
			.boot_ns = boot_ns },
		.wall_ms = START_MS } };
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	free(f->config.dir);
	f->config.dir = rt_alloc(300);
	snprintf(f->config.dir, 300, "%s/data", f->scratch.path);
	f->config.memtable_size = 64 << 10;
	f->config.table_size = 64 << 10;
	f->config.appendfsync = RT_FSYNC_NO;
	f->config.disk_reserve = 0;
	f->config.expiry_grace = 0;
	open_engine(f);
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

	while (!rtd_engine_has_room(f->engine))
		usleep(1000);
	ck_assert_msg(rtd_engine_write(f->engine, &f->batch, &seq, &err) ==
	    RT_OK, "%s", err.text);
	rtd_engine_end_turn(f->engine);
	rtd_write_batch_clear(&f->batch);
}

static void
put(struct fixture *f, uint32_t keyspace, const char *key, const char *value,
    uint64_t expire_ms)
{
	rtd_write_batch_put(&f->batch, keyspace, rt_slice_cstr(key),
	    rt_slice_cstr(value), expire_ms);
	commit(f);
}

static struct rtd_snapshot *
snapshot_new(struct fixture *f, uint64_t ttl_s)
{
	struct rtd_snapshot *snapshot = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rtd_snapshot_create(f->engine, ttl_s * 1000, &snapshot,
	    &err) == RT_OK, "%s", err.text);
	return snapshot;
}

static struct rtd_read
read_at(struct fixture *f, uint32_t database,
    const struct rtd_snapshot *snapshot)
{
	if (snapshot != NULL)
		return (struct rtd_read){
			.keyspace =
			    rtd_snapshot_keyspace(snapshot, database),
			.now_ms = snapshot->created_ms,
			.snapshot = snapshot,
		};
	return (struct rtd_read){
		.keyspace = rtd_engine_keyspace(f->engine, database),
		.now_ms = (uint64_t)atomic_load(&f->clock.wall_ms),
	};
}

static void
expect(struct fixture *f, const struct rtd_snapshot *snapshot, const char *key,
    const char *value)
{
	struct rtd_value found = { .seq = 0 };
	struct rtd_read read = read_at(f, 0, snapshot);
	struct rt_err err = { 0 };
	enum rt_code code = rtd_reader_get(f->reader, &read,
	    rt_slice_cstr(key), &found, &err);

	if (value == NULL) {
		ck_assert_msg(code == RT_ENOTFOUND, "%s: %s", key,
		    rt_code_name(code));
		return;
	}
	ck_assert_msg(code == RT_OK, "%s: %s %s", key, rt_code_name(code),
	    err.text);
	ck_assert_msg(rt_slice_equal(found.bytes, rt_slice_cstr(value)),
	    "%s: %.*s, not %s", key, (int)found.bytes.len,
	    (const char *)found.bytes.data, value);
	rtd_value_fini(&found);
}

static size_t
count_keys(struct fixture *f, const struct rtd_snapshot *snapshot)
{
	struct rtd_read read = read_at(f, 0, snapshot);
	struct rt_iter *iter = rtd_reader_iter(f->reader, &read, NULL);
	size_t count = 0;

	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		count++;
	ck_assert_int_eq(iter->code, RT_OK);
	rt_iter_free(iter);
	return count;
}

static void
flush_all(struct fixture *f)
{
	rtd_engine_flush(f->engine);
	while (!rtd_engine_flushed(f->engine))
		usleep(1000);
}

static enum rt_code
compact(struct fixture *f, struct rt_err *err)
{
	struct rtc_options options = {
		.fs = rt_fs_posix(),
		.clock = &f->clock.base,
		.config = &f->config,
		.full = true,
		.signal_fd = -1,
	};
	struct rtc_compactor *compactor = NULL;
	enum rt_code code = rtc_compactor_open(&compactor, &options, err);

	if (code == RT_OK)
		code = rtc_compactor_run(compactor, err);
	rtc_compactor_close(compactor);
	return code;
}

static struct rtd_engine_stats
stats_of(struct fixture *f)
{
	struct rtd_engine_stats stats;

	rtd_engine_get_stats(f->engine, &stats);
	return stats;
}

/* Flush, merge everything, and wait until the engine reads the result. */
static void
merge_all(struct fixture *f)
{
	struct rt_err err = { 0 };
	uint64_t generation;

	flush_all(f);
	ck_assert_msg(compact(f, &err) == RT_OK, "%s", err.text);
	generation = stats_of(f).manifest_generation;
	while (stats_of(f).obsolete_files != 0 || stats_of(f).l0_files != 0) {
		rtd_engine_end_turn(f->engine);
		usleep(1000);
	}
	ck_assert_uint_ge(stats_of(f).manifest_generation, generation);
}

/* Wait until the manifest's list has this many. */
static void
wait_for_listed(struct fixture *f, size_t count)
{
	for (;;) {
		const struct rt_manifest *manifest =
		    rtd_engine_manifest(f->engine);
		size_t listed = manifest->snapshots_count;

		rt_manifest_unref(manifest);
		if (listed == count)
			return;
		usleep(1000);
	}
}

START_TEST(it_shows_what_was_through_flush_and_merge)
{
	struct fixture f;
	struct rtd_snapshot *before, *after;

	init(&f);
	before = snapshot_new(&f, 0);
	put(&f, 0, "a", "1", 0);
	put(&f, 0, "b", "1", 0);
	after = snapshot_new(&f, 0);
	for (unsigned round = 0; round < 3; round++) {
		put(&f, 0, "a", "2", 0);
		rtd_write_batch_delete(&f.batch, 0, rt_slice_cstr("b"));
		commit(&f);
		put(&f, 0, "c", "2", 0);
		for (unsigned look = 0; look < 2; look++) {
			expect(&f, before, "a", NULL);
			expect(&f, after, "a", "1");
			expect(&f, after, "b", "1");
			expect(&f, after, "c", NULL);
			expect(&f, NULL, "a", "2");
			expect(&f, NULL, "b", NULL);
			ck_assert_uint_eq(count_keys(&f, before), 0);
			ck_assert_uint_eq(count_keys(&f, after), 2);
			ck_assert_uint_eq(count_keys(&f, NULL), 2);
			merge_all(&f);
		}
	}
	rtd_snapshot_unref(before);
	rtd_snapshot_unref(after);
	fini(&f);
}
END_TEST

START_TEST(a_drop_does_not_reach_it)
{
	struct fixture f;
	struct rtd_snapshot *snapshot, *empty;

	init(&f);
	put(&f, 0, "a", "1", 0);
	snapshot = snapshot_new(&f, 0);
	rtd_write_batch_drop(&f.batch, 0);
	commit(&f);
	empty = snapshot_new(&f, 0);
	put(&f, 0, "b", "2", 0);
	for (unsigned round = 0; round < 3; round++) {
		expect(&f, snapshot, "a", "1");
		expect(&f, snapshot, "b", NULL);
		ck_assert_uint_eq(count_keys(&f, snapshot), 1);
		ck_assert_uint_eq(count_keys(&f, empty), 0);
		expect(&f, NULL, "a", NULL);
		merge_all(&f);
	}
	rtd_snapshot_unref(snapshot);
	rtd_snapshot_unref(empty);
	fini(&f);
}
END_TEST

START_TEST(expiry_is_judged_as_of_its_creation)
{
	struct fixture f;
	struct rtd_snapshot *snapshot;

	init(&f);
	put(&f, 0, "past", "1", START_MS);
	put(&f, 0, "soon", "1", START_MS + 1000);
	snapshot = snapshot_new(&f, 0);
	wait_for_listed(&f, 1);
	atomic_store(&f.clock.wall_ms, START_MS + 100000);
	put(&f, 0, "later", "1", START_MS + 100001);
	for (unsigned round = 0; round < 3; round++) {
		expect(&f, snapshot, "past", NULL);
		expect(&f, snapshot, "soon", "1");
		expect(&f, snapshot, "later", NULL);
		expect(&f, NULL, "soon", NULL);
		ck_assert_uint_eq(count_keys(&f, snapshot), 1);
		merge_all(&f);
	}
	ck_assert(rtd_snapshot_release(f.engine, snapshot->id));
	rtd_snapshot_unref(snapshot);
	wait_for_listed(&f, 0);
	atomic_store(&f.clock.wall_ms, START_MS + 200000);
	merge_all(&f);
	ck_assert_uint_eq(stats_of(&f).sst_entries, 0);
	fini(&f);
}
END_TEST

START_TEST(space_comes_back_when_it_is_released)
{
	struct fixture f;
	struct rtd_snapshot *snapshot = NULL;
	char key[32];

	init(&f);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 500; i++) {
			snprintf(key, sizeof(key), "key%u", i);
			put(&f, 0, key, "something that takes space", 0);
		}
		if (round == 0)
			snapshot = snapshot_new(&f, 0);
	}
	merge_all(&f);
	ck_assert_uint_eq(stats_of(&f).sst_entries, 1000);
	ck_assert_uint_eq(stats_of(&f).snapshots, 1);
	/* Half of it is the snapshot's, and the estimate says as much within
	 * a factor of three. */
	ck_assert_uint_gt(stats_of(&f).snapshot_bytes_held,
	    stats_of(&f).sst_bytes / 6);
	ck_assert_uint_lt(stats_of(&f).snapshot_bytes_held,
	    stats_of(&f).sst_bytes);
	ck_assert(rtd_snapshot_release(f.engine, snapshot->id));
	ck_assert(rtd_snapshot_is_released(snapshot));
	rtd_snapshot_unref(snapshot);
	/* No flush comes by to carry it: it is published for itself. */
	wait_for_listed(&f, 0);
	ck_assert_uint_eq(stats_of(&f).snapshot_bytes_held, 0);
	put(&f, 0, "key0", "once more", 0);
	merge_all(&f);
	ck_assert_uint_eq(stats_of(&f).sst_entries, 500);
	fini(&f);
}
END_TEST

START_TEST(it_ends_with_its_time_and_with_the_daemon)
{
	struct fixture f;
	struct rtd_snapshot *short_one, *long_one;
	struct rtd_value value = { .seq = 0 };
	struct rtd_read read;
	uint64_t last_id;

	init(&f);
	put(&f, 0, "a", "1", 0);
	short_one = snapshot_new(&f, 10);
	long_one = snapshot_new(&f, 0);
	wait_for_listed(&f, 1);
	atomic_store(&f.clock.ahead_ns, (uint64_t)11 * 1000000000);
	while (!rtd_snapshot_is_released(short_one))
		usleep(1000);
	read = read_at(&f, 0, short_one);
	ck_assert_int_eq(rtd_reader_get(f.reader, &read, rt_slice_cstr("a"),
	    &value, NULL), RT_EINVAL);
	expect(&f, long_one, "a", "1");
	last_id = long_one->id;
	close_engine(&f);
	ck_assert(rtd_snapshot_is_released(long_one));
	open_engine(&f);
	wait_for_listed(&f, 0);
	ck_assert_ptr_null(rtd_snapshot_find(f.engine, last_id));
	rtd_snapshot_unref(short_one);
	rtd_snapshot_unref(long_one);
	long_one = snapshot_new(&f, 0);
	ck_assert_uint_gt(long_one->id, last_id);
	rtd_snapshot_unref(long_one);
	fini(&f);
}
END_TEST

/* -- with threads: money moves between accounts, so that at every sequence the
 * sum of all is the same -- */

struct bank {
	struct fixture f;
	pthread_mutex_t mu;
	struct rtd_snapshot *slots[SLOTS];	/* with a reference each */
	_Atomic bool stop;
	_Atomic unsigned checked, wrong, live_checked;
	struct rt_err err;
};

static void
account_key(char key[16], unsigned account)
{
	snprintf(key, 16, "account%04u", account);
}

static enum rt_code
balance_of(struct rtd_reader *reader, const struct rtd_read *read,
    unsigned account, int64_t *balance)
{
	struct rtd_value value = { .seq = 0 };
	enum rt_code code;
	char key[16];

	account_key(key, account);
	code = rtd_reader_get(reader, read, rt_slice_cstr(key), &value, NULL);
	if (code == RT_OK && !rt_parse_i64(rt_slice(value.bytes.data,
		value.bytes.len - 80), balance))
		code = RT_EDAMAGED;
	if (code == RT_OK)
		rtd_value_fini(&value);
	return code;
}

/* Whether the snapshot shows the sum, or was gone before the end. */
static bool
sum_is_right(struct bank *bank, struct rtd_reader *reader,
    const struct rtd_snapshot *snapshot)
{
	struct rtd_read read = read_at(&bank->f, 0, snapshot);
	int64_t sum = 0, balance = 0;

	for (unsigned i = 0; i < ACCOUNTS; i++) {
		enum rt_code code = balance_of(reader, &read, i, &balance);

		if (code == RT_EINVAL)
			return rtd_snapshot_is_released(snapshot);
		if (code != RT_OK)
			return false;
		sum += balance;
	}
	return sum == ACCOUNTS * BALANCE;
}

static void *
reader_main(void *arg)
{
	struct bank *bank = arg;
	struct rtd_reader *reader = rtd_reader_new(bank->f.engine);

	for (unsigned i = 0; !atomic_load(&bank->stop); i++) {
		struct rtd_snapshot *snapshot = NULL;

		pthread_mutex_lock(&bank->mu);
		if (bank->slots[i % SLOTS] != NULL)
			snapshot = rtd_snapshot_ref(bank->slots[i % SLOTS]);
		pthread_mutex_unlock(&bank->mu);
		if (snapshot == NULL)
			continue;
		if (!sum_is_right(bank, reader, snapshot))
			atomic_fetch_add(&bank->wrong, 1);
		atomic_fetch_add(&bank->checked, 1);
		rtd_snapshot_unref(snapshot);
		/* A thread that is no loop ends its turns like this. */
		rtd_reader_free(reader);
		reader = rtd_reader_new(bank->f.engine);
	}
	rtd_reader_free(reader);
	return NULL;
}

static void *
compactor_main(void *arg)
{
	struct bank *bank = arg;

	while (!atomic_load(&bank->stop))
		if (compact(&bank->f, &bank->err) != RT_OK) {
			atomic_fetch_add(&bank->wrong, 1);
			break;
		}
	return NULL;
}

static void
move_money(struct bank *bank, unsigned *state)
{
	struct rtd_read read = read_at(&bank->f, 0, NULL);
	unsigned accounts[2];
	int64_t balances[2];
	char key[16], value[128];

	for (unsigned i = 0; i < 2; i++) {
		*state = *state * 1103515245 + 12345;
		accounts[i] = (*state >> 16) % ACCOUNTS;
	}
	if (accounts[0] == accounts[1])
		return;
	for (unsigned i = 0; i < 2; i++) {
		/* Every write before is seen: the sum would break else. */
		ck_assert_int_eq(balance_of(bank->f.reader, &read, accounts[i],
		    &balances[i]), RT_OK);
		balances[i] += i == 0 ? -7 : 7;
		account_key(key, accounts[i]);
		snprintf(value, sizeof(value), "%lld%80s",
		    (long long)balances[i], "");
		rtd_write_batch_put(&bank->f.batch, 0, rt_slice_cstr(key),
		    rt_slice_cstr(value), 0);
	}
	commit(&bank->f);
}

static void
open_accounts(struct bank *bank)
{
	char key[16], value[128];

	for (unsigned i = 0; i < ACCOUNTS; i++) {
		account_key(key, i);
		snprintf(value, sizeof(value), "%d%80s", BALANCE, "");
		put(&bank->f, 0, key, value, 0);
	}
}

/* Another snapshot takes the place of the one in the slot. */
static void
replace_snapshot(struct bank *bank, unsigned slot)
{
	struct rtd_snapshot *fresh = snapshot_new(&bank->f, 0), *old;

	pthread_mutex_lock(&bank->mu);
	old = bank->slots[slot];
	bank->slots[slot] = fresh;
	pthread_mutex_unlock(&bank->mu);
	if (old == NULL)
		return;
	ck_assert(rtd_snapshot_release(bank->f.engine, old->id));
	rtd_snapshot_unref(old);
}

START_TEST(sums_hold_under_flush_merge_and_reload)
{
	pthread_t threads[READERS + 1];
	struct bank *bank = rt_alloc_zero(1, sizeof(*bank));
	unsigned state = 1;

	init(&bank->f);
	pthread_mutex_init(&bank->mu, NULL);
	open_accounts(bank);
	for (unsigned i = 0; i < READERS + 1; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
		    i < READERS ? reader_main : compactor_main, bank), 0);
	for (unsigned i = 0; i < ROUNDS || atomic_load(&bank->checked) < 50;
	     i++) {
		move_money(bank, &state);
		if (i % 50 == 0)
			replace_snapshot(bank, i / 50 % SLOTS);
		if (i % 20 != 0)
			continue;
		/* Half of the flushes run beside what comes next. */
		if (i % 40 == 0)
			flush_all(&bank->f);
		else
			rtd_engine_flush(bank->f.engine);
		for (unsigned slot = 0; slot < SLOTS; slot++)
			ck_assert(bank->slots[slot] == NULL ||
			    sum_is_right(bank, bank->f.reader,
				bank->slots[slot]));
	}
	atomic_store(&bank->stop, true);
	for (unsigned i = 0; i < READERS + 1; i++)
		pthread_join(threads[i], NULL);
	ck_assert_msg(atomic_load(&bank->wrong) == 0, "%u wrong: %s",
	    atomic_load(&bank->wrong), bank->err.text);
	for (unsigned i = 0; i < SLOTS; i++)
		rtd_snapshot_unref(bank->slots[i]);
	fini(&bank->f);
	pthread_mutex_destroy(&bank->mu);
	free(bank);
}
END_TEST

RTT_MAIN("engine_snapshots", it_shows_what_was_through_flush_and_merge,
    a_drop_does_not_reach_it, expiry_is_judged_as_of_its_creation,
    space_comes_back_when_it_is_released,
    it_ends_with_its_time_and_with_the_daemon,
    sums_hold_under_flush_merge_and_reload)
