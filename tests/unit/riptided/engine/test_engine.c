#include "riptided/engine/engine.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/table/value.h"
#include "riptided/engine/write_hold.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define KEYS 200
#define NOW_MS 1000000

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
};

static void
open_engine(struct fixture *fixture)
{
	struct rt_err err = { 0 };
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &fixture->config,
	};

	ck_assert_msg(rtd_engine_open(&fixture->engine, &options, &err) ==
	    RT_OK, "%s", err.text);
	fixture->reader = rtd_reader_new(fixture->engine);
}

static void
close_engine(struct fixture *fixture)
{
	struct rt_err err = { 0 };

	rtd_reader_free(fixture->reader);
	ck_assert_msg(rtd_engine_close(fixture->engine, &err) == RT_OK, "%s",
	    err.text);
}

static void
init(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	rtt_scratch_init(&fixture->scratch);
	rt_config_init(&fixture->config);
	free(fixture->config.dir);
	fixture->config.dir = rt_alloc(300);
	snprintf(fixture->config.dir, 300, "%s/data", fixture->scratch.path);
	fixture->config.memtable_size = 64 << 10;
	fixture->config.appendfsync = RT_FSYNC_NO;
	fixture->config.disk_reserve = 0;
	open_engine(fixture);
}

static void
fini(struct fixture *fixture)
{
	close_engine(fixture);
	rtd_write_batch_fini(&fixture->batch);
	rt_config_fini(&fixture->config);
	rtt_scratch_fini(&fixture->scratch);
}

static void
reopen(struct fixture *fixture)
{
	close_engine(fixture);
	open_engine(fixture);
}

static uint64_t
commit(struct fixture *fixture)
{
	struct rt_err err = { 0 };
	uint64_t seq = 0;

	while (!rtd_engine_has_room(fixture->engine))
		usleep(1000);
	ck_assert_msg(rtd_engine_write(fixture->engine, &fixture->batch, &seq,
	    &err) == RT_OK, "%s", err.text);
	rtd_engine_end_turn(fixture->engine);
	rtd_write_batch_clear(&fixture->batch);
	return seq;
}

static void
put(struct fixture *fixture, const char *key, const char *value)
{
	rtd_write_batch_put(&fixture->batch, 0, rt_slice_cstr(key),
	    rt_slice_cstr(value), 0);
	commit(fixture);
}

static void
expect(struct fixture *fixture, uint32_t keyspace, const char *key,
    const char *value)
{
	struct rtd_value found = { .seq = 0 };
	struct rt_err err = { 0 };
	enum rt_code code = rtd_reader_get(fixture->reader,
	    &(struct rtd_read){ .keyspace = keyspace, .now_ms = NOW_MS },
	    rt_slice_cstr(key), &found, &err);

	if (value == NULL) {
		ck_assert_msg(code == RT_ENOTFOUND, "%s: %s", key,
		    rt_code_name(code));
		return;
	}
	ck_assert_msg(code == RT_OK, "%s: %s %s", key, rt_code_name(code),
	    err.text);
	ck_assert_msg(rt_slice_equal(found.bytes, rt_slice_cstr(value)),
	    "%s: wrong value", key);
	rtd_value_fini(&found);
}

static void
flush_all(struct fixture *fixture)
{
	rtd_engine_flush(fixture->engine);
	while (!rtd_engine_flushed(fixture->engine))
		usleep(1000);
}

START_TEST(what_was_written_is_read)
{
	struct fixture f;

	init(&f);
	expect(&f, 0, "a", NULL);
	put(&f, "a", "1");
	put(&f, "a", "2");
	put(&f, "", "empty key");
	put(&f, "b", "");
	expect(&f, 0, "a", "2");
	expect(&f, 0, "", "empty key");
	expect(&f, 0, "b", "");
	expect(&f, 1, "a", NULL);
	rtd_write_batch_delete(&f.batch, 0, rt_slice_cstr("a"));
	commit(&f);
	expect(&f, 0, "a", NULL);
	fini(&f);
}
END_TEST

START_TEST(it_survives_flush_and_restart)
{
	struct fixture f;
	char key[32], value[32];

	init(&f);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "key%u", i);
			snprintf(value, sizeof(value), "%u.%u", round, i);
			put(&f, key, value);
		}
		if (round == 1)
			flush_all(&f);
		if (round == 2)
			reopen(&f);
		for (unsigned i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "key%u", i);
			snprintf(value, sizeof(value), "%u.%u", round, i);
			expect(&f, 0, key, value);
		}
	}
	fini(&f);
}
END_TEST

START_TEST(a_tombstone_hides_what_is_in_a_table)
{
	struct fixture f;

	init(&f);
	put(&f, "a", "1");
	flush_all(&f);
	rtd_write_batch_delete(&f.batch, 0, rt_slice_cstr("a"));
	commit(&f);
	expect(&f, 0, "a", NULL);
	flush_all(&f);
	expect(&f, 0, "a", NULL);
	reopen(&f);
	expect(&f, 0, "a", NULL);
	fini(&f);
}
END_TEST

START_TEST(a_drop_empties_one_keyspace_for_good)
{
	struct fixture f;

	init(&f);
	for (unsigned round = 0; round < 3; round++) {
		put(&f, "a", "1");
		rtd_write_batch_put(&f.batch, 1, rt_slice_cstr("a"),
		    rt_slice_cstr("one"), 0);
		commit(&f);
		if (round == 1)
			flush_all(&f);
		rtd_write_batch_drop(&f.batch, 0);
		commit(&f);
		expect(&f, 0, "a", NULL);
		expect(&f, 1, "a", "one");
		put(&f, "b", "after");
		if (round == 2)
			flush_all(&f);
		reopen(&f);
		expect(&f, 0, "a", NULL);
		expect(&f, 0, "b", "after");
		expect(&f, 1, "a", "one");
	}
	fini(&f);
}
END_TEST

static void
swap(struct fixture *fixture, uint32_t first, uint32_t second)
{
	rtd_write_batch_swap(&fixture->batch, first, second);
	commit(fixture);
}

START_TEST(swaps_and_drops_are_replayed_in_order)
{
	struct fixture f;

	init(&f);
	put(&f, "a", "zero");
	swap(&f, 0, 1);
	ck_assert_uint_eq(rtd_engine_keyspace(f.engine, 1), 0);
	swap(&f, 1, 2);
	/* A memtable of nothing but swaps, too. */
	for (unsigned round = 0; round < 3; round++) {
		ck_assert_uint_eq(rtd_engine_keyspace(f.engine, 0), 1);
		ck_assert_uint_eq(rtd_engine_keyspace(f.engine, 1), 2);
		ck_assert_uint_eq(rtd_engine_keyspace(f.engine, 2), 0);
		expect(&f, 0, "a", "zero");
		flush_all(&f);
		swap(&f, 0, 5);
		flush_all(&f);
		swap(&f, 0, 5);
		reopen(&f);
	}
	rtd_write_batch_drop(&f.batch, rtd_engine_keyspace(f.engine, 2));
	commit(&f);
	swap(&f, 2, 0);
	reopen(&f);
	ck_assert_uint_eq(rtd_engine_keyspace(f.engine, 0), 0);
	expect(&f, 0, "a", NULL);
	fini(&f);
}
END_TEST

static void
publish_keyspace(struct rt_manifest_store *store, uint64_t epoch, uint32_t id)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, epoch);
	struct rt_err err = { 0 };

	rt_manifest_edit_set_keyspace(edit, 1, id);
	ck_assert_msg(rt_manifest_store_publish(store, edit, NULL, NULL,
	    &err) == RT_OK, "%s", err.text);
	rt_manifest_edit_free(edit);
}

START_TEST(two_databases_of_one_keyspace_are_refused)
{
	struct rt_manifest_store *store = NULL;
	const struct rt_manifest *manifest;
	struct rtd_engine *second = NULL;
	struct rt_err err = { 0 };
	struct fixture f;
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f.config,
	};
	int dir;

	init(&f);
	manifest = rtd_engine_manifest(f.engine);
	close_engine(&f);
	dir = open(f.config.dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(), dir,
	    false, &err), RT_OK);
	publish_keyspace(store, manifest->daemon_epoch, 0);
	ck_assert_int_eq(rtd_engine_open(&second, &options, &err),
	    RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "database 1 means keyspace 0"));
	/* Refused before the role was claimed. */
	publish_keyspace(store, manifest->daemon_epoch, 1);
	rt_manifest_unref(manifest);
	rt_manifest_store_close(store);
	close(dir);
	open_engine(&f);
	fini(&f);
}
END_TEST

START_TEST(an_expired_value_is_absent)
{
	struct fixture f;

	init(&f);
	rtd_write_batch_put(&f.batch, 0, rt_slice_cstr("a"),
	    rt_slice_cstr("old"), 0);
	commit(&f);
	rtd_write_batch_put(&f.batch, 0, rt_slice_cstr("a"),
	    rt_slice_cstr("past"), NOW_MS);
	rtd_write_batch_put(&f.batch, 0, rt_slice_cstr("b"),
	    rt_slice_cstr("future"), NOW_MS + 1);
	commit(&f);
	for (unsigned round = 0; round < 2; round++) {
		expect(&f, 0, "a", NULL);
		expect(&f, 0, "b", "future");
		flush_all(&f);
	}
	fini(&f);
}
END_TEST

START_TEST(nothing_is_left_of_an_expired_value)
{
	const struct rtd_read read = { .keyspace = 0, .now_ms = NOW_MS };
	struct fixture f;

	init(&f);
	rtd_write_batch_put(&f.batch, 0, rt_slice_cstr("a"),
	    rt_slice_cstr("past"), NOW_MS);
	commit(&f);
	for (unsigned round = 0; round < 2; round++) {
		struct rtd_value value = { .expire_ms = 0 };

		ck_assert_int_eq(rtd_reader_get(f.reader, &read,
			rt_slice_cstr("a"), &value, NULL), RT_ENOTFOUND);
		ck_assert_uint_eq(value.bytes.len, 0);
		ck_assert_uint_eq(value.expire_ms, RT_NO_EXPIRY);
		rtd_value_fini(&value);
		flush_all(&f);
	}
	fini(&f);
}
END_TEST

static unsigned
count_keys(struct fixture *fixture, uint32_t keyspace)
{
	struct rt_iter *iter =
	    rtd_reader_iter(fixture->reader,
		&(struct rtd_read){ .keyspace = keyspace, .now_ms = NOW_MS },
		NULL);
	unsigned count = 0;

	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		count++;
	ck_assert_int_eq(iter->code, RT_OK);
	rt_iter_free(iter);
	return count;
}

START_TEST(iteration_shows_each_live_key_once)
{
	struct fixture f;
	char key[32];

	init(&f);
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key%04u", i);
		put(&f, key, "old");
		if (i % 50 == 0)
			flush_all(&f);
	}
	for (unsigned i = 0; i < KEYS; i += 2) {
		snprintf(key, sizeof(key), "key%04u", i);
		put(&f, key, "new");
	}
	for (unsigned i = 0; i < KEYS; i += 4) {
		snprintf(key, sizeof(key), "key%04u", i);
		rtd_write_batch_delete(&f.batch, 0, rt_slice_cstr(key));
		commit(&f);
	}
	rtd_write_batch_put(&f.batch, 1, rt_slice_cstr("other"),
	    rt_slice_cstr("database"), 0);
	rtd_write_batch_put(&f.batch, 0, rt_slice_cstr("gone"),
	    rt_slice_cstr("v"), 1);
	commit(&f);
	ck_assert_uint_eq(count_keys(&f, 0), KEYS - KEYS / 4);
	ck_assert_uint_eq(count_keys(&f, 1), 1);
	ck_assert_uint_eq(count_keys(&f, 2), 0);
	flush_all(&f);
	ck_assert_uint_eq(count_keys(&f, 0), KEYS - KEYS / 4);
	rtd_write_batch_drop(&f.batch, 0);
	commit(&f);
	ck_assert_uint_eq(count_keys(&f, 0), 0);
	fini(&f);
}
END_TEST

START_TEST(what_was_dropped_goes_unread)
{
	struct rtd_engine_stats before, after;
	struct fixture f;
	char key[32];

	init(&f);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		put(&f, key, "1");
		put(&f, "other", "1");
		flush_all(&f);
	}
	rtd_write_batch_drop(&f.batch, 0);
	commit(&f);
	rtd_engine_get_stats(f.engine, &before);
	expect(&f, 0, "key0", NULL);
	expect(&f, 0, "other", NULL);
	ck_assert_uint_eq(count_keys(&f, 0), 0);
	rtd_engine_get_stats(f.engine, &after);
	ck_assert_uint_eq(before.cache.hits + before.cache.misses,
	    after.cache.hits + after.cache.misses);
	put(&f, "key0", "2");
	flush_all(&f);
	expect(&f, 0, "key0", "2");
	fini(&f);
}
END_TEST

START_TEST(an_iterator_sees_its_moment)
{
	struct fixture f;
	struct rt_iter *iter;
	unsigned count = 0;

	init(&f);
	put(&f, "a", "1");
	put(&f, "b", "1");
	iter = rtd_reader_iter(f.reader,
	    &(struct rtd_read){ .now_ms = NOW_MS }, NULL);
	put(&f, "c", "later");
	rtd_write_batch_drop(&f.batch, 0);
	commit(&f);
	flush_all(&f);
	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		count++;
	ck_assert_uint_eq(count, 2);
	rt_iter_free(iter);
	fini(&f);
}
END_TEST

START_TEST(a_second_engine_is_refused)
{
	struct rt_err err = { 0 };
	struct rtd_engine *second = NULL;
	struct fixture f;
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f.config,
	};

	init(&f);
	ck_assert_int_eq(rtd_engine_open(&second, &options, &err), RT_ELOCKED);
	ck_assert_ptr_nonnull(strstr(err.text, "is in use"));
	fini(&f);
}
END_TEST

START_TEST(a_foreign_directory_is_refused)
{
	struct rt_err err = { 0 };
	struct rtd_engine *second = NULL;
	struct fixture f;
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f.config,
	};

	init(&f);
	close_engine(&f);
	/* The scratch directory holds our data directory, and so is not
	 * empty. */
	snprintf(f.config.dir, 300, "%s", f.scratch.path);
	ck_assert_int_eq(rtd_engine_open(&second, &options, &err), RT_EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, "not a database"));
	snprintf(f.config.dir, 300, "%s/data", f.scratch.path);
	open_engine(&f);
	fini(&f);
}
END_TEST

START_TEST(a_database_without_its_manifest_is_refused)
{
	struct rt_err err = { 0 };
	struct rtd_engine *second = NULL;
	struct fixture f;
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f.config,
	};
	char command[700];

	init(&f);
	put(&f, "a", "1");
	close_engine(&f);
	snprintf(command, sizeof(command),
	    "mv '%s/manifest' '%s/aside'", f.config.dir, f.scratch.path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(rtd_engine_open(&second, &options, &err),
	    RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "without its manifest"));
	snprintf(command, sizeof(command),
	    "rm -rf '%s/manifest' && mv '%s/aside' '%s/manifest'",
	    f.config.dir, f.scratch.path, f.config.dir);
	ck_assert_int_eq(system(command), 0);
	open_engine(&f);
	expect(&f, 0, "a", "1");
	fini(&f);
}
END_TEST

START_TEST(always_acks_only_what_is_durable)
{
	struct fixture f;
	uint64_t seq;

	init(&f);
	f.config.appendfsync = RT_FSYNC_ALWAYS;
	rtd_engine_config_changed(f.engine);
	rtd_write_batch_put(&f.batch, 0, rt_slice_cstr("a"),
	    rt_slice_cstr("1"), 0);
	seq = commit(&f);
	while (rtd_engine_acked_seq(f.engine) < seq)
		usleep(100);
	fini(&f);
}
END_TEST

START_TEST(a_flush_asked_for_while_memtables_wait_is_done_later)
{
	struct fixture f;
	char key[16];

	init(&f);
	f.config.memtable_max_count = 2;
	/* A flush takes syncs, so that the last one finds others waiting. */
	for (unsigned i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		put(&f, key, "1");
		rtd_engine_flush(f.engine);
	}
	while (!rtd_engine_flushed(f.engine)) {
		usleep(100);
		rtd_engine_end_turn(f.engine);
	}
	expect(&f, 0, "key0", "1");
	expect(&f, 0, "key19", "1");
	fini(&f);
}
END_TEST

START_TEST(writes_that_wait_for_a_flush_wait_for_memtables)
{
	struct fixture f;
	bool seen = false;

	init(&f);
	/* The flusher may be quick, but not each time. */
	for (unsigned i = 0; i < 1000000 && !seen; i++) {
		enum rtd_write_hold hold;

		put(&f, "key", "a value of some length, so that it fills");
		hold = rtd_engine_write_hold(f.engine);
		ck_assert(hold == RTD_HOLD_NONE || hold == RTD_HOLD_MEMTABLES);
		seen = hold == RTD_HOLD_MEMTABLES;
	}
	ck_assert(seen);
	while (!rtd_engine_has_room(f.engine))
		usleep(1000);
	ck_assert_int_eq(rtd_engine_write_hold(f.engine), RTD_HOLD_NONE);
	fini(&f);
}
END_TEST

START_TEST(each_write_sync_and_flush_has_its_time)
{
	struct rtd_engine_durations times;
	struct rtd_engine_stats stats;
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	for (unsigned i = 0; i < 20; i++)
		put(&f, "key", "value");
	ck_assert_int_eq(rtd_engine_sync(f.engine,
	    rtd_engine_visible_seq(f.engine), UINT64_MAX, &err), RT_OK);
	rtd_engine_flush(f.engine);
	/* The reloader may see the table before the flusher has counted it. */
	do {
		usleep(1000);
		rtd_engine_get_durations(f.engine, &times);
		rtd_engine_get_stats(f.engine, &stats);
	} while (!rtd_engine_flushed(f.engine) || stats.flushes == 0);
	rtd_engine_get_durations(f.engine, &times);
	ck_assert_uint_ge(rt_durations_count(&times.wal_writes), 20);
	ck_assert_uint_ge(rt_durations_count(&times.wal_syncs), 1);
	ck_assert_uint_ge(rt_durations_count(&times.wal_syncs),
	    stats.wal_syncs);
	ck_assert_uint_eq(rt_durations_count(&times.flushes), 1);
	ck_assert_uint_gt(times.flushes.sum, 0);
	fini(&f);
}
END_TEST

RTT_MAIN("engine", each_write_sync_and_flush_has_its_time,
    writes_that_wait_for_a_flush_wait_for_memtables, what_was_written_is_read, it_survives_flush_and_restart,
    a_tombstone_hides_what_is_in_a_table,
    a_drop_empties_one_keyspace_for_good, what_was_dropped_goes_unread,
    swaps_and_drops_are_replayed_in_order,
    two_databases_of_one_keyspace_are_refused, an_expired_value_is_absent,
    nothing_is_left_of_an_expired_value,
    iteration_shows_each_live_key_once, an_iterator_sees_its_moment,
    a_second_engine_is_refused, a_foreign_directory_is_refused,
    a_database_without_its_manifest_is_refused,
    always_acks_only_what_is_durable,
    a_flush_asked_for_while_memtables_wait_is_done_later)
