/* Tables opened on demand and closed by the budget, under errors and under
 * threads that look at them. */
#include "riptided/view/table_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/path.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/libcommon/table/table_model.h"

#define TABLES 24
#define TABLES_MANY 200
#define CACHE_BYTES ((size_t)4 << 20)
#define THREADS 4
#define ROUNDS 4000

struct fixture {
	struct rtt_scratch scratch;
	struct rtt_fault_fs fault;
	struct rt_block_cache *blocks;
	struct rtd_table_cache *cache;
	struct rt_manifest_table *manifest;
	struct rtd_table **tables;
	size_t count;
};

/* Table i has one key: its number. */
static struct rt_slice
key_of(size_t i, uint8_t out[RT_KEY_PREFIX_BYTES + 8])
{
	char text[9];

	snprintf(text, sizeof(text), "%08zu", i);
	rt_key_put_prefix(out, 1, RT_KEY_KIND_STRING);
	memcpy(out + RT_KEY_PREFIX_BYTES, text, 8);
	return rt_slice(out, RT_KEY_PREFIX_BYTES + 8);
}

static void
write_table(struct fixture *fixture, size_t i)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rtt_model model = { 0 };
	struct rt_table_info info;
	char name[RT_PATH_NAME_BYTES];
	char text[9];

	snprintf(text, sizeof(text), "%08zu", i);
	rtt_model_add(&model, rt_slice(text, 8), i + 1, 100, 0);
	fixture->manifest[i].id = (struct rt_file_id){ .number = i + 1 };
	options.unique_id = i + 1;
	rtt_model_write(&model, fixture->scratch.fd,
	    rt_path_table(name, fixture->manifest[i].id), &options, &info);
	fixture->manifest[i].size = info.size;
	fixture->manifest[i].unique_id = info.unique_id;
	rt_table_info_fini(&info);
	rtt_model_fini(&model);
}

static void
init(struct fixture *fixture, size_t count)
{
	*fixture = (struct fixture){ .count = count };
	rtt_scratch_init(&fixture->scratch);
	rtt_fault_fs_init(&fixture->fault);
	fixture->blocks = rt_block_cache_new(CACHE_BYTES);
	fixture->cache = rtd_table_cache_new(&fixture->fault.fs,
	    fixture->scratch.fd, fixture->blocks, NULL);
	fixture->manifest = rt_alloc_zero(count, sizeof(fixture->manifest[0]));
	fixture->tables = rt_alloc_zero(count, sizeof(struct rtd_table *));
	for (size_t i = 0; i < count; i++) {
		write_table(fixture, i);
		fixture->tables[i] = rtd_table_cache_acquire(fixture->cache,
		    &fixture->manifest[i], 1);
	}
}

static void
fini(struct fixture *fixture)
{
	rtd_table_cache_release(fixture->cache, fixture->tables,
	    fixture->count);
	rtd_table_cache_free(fixture->cache);
	rt_block_cache_free(fixture->blocks);
	free(fixture->tables);
	free(fixture->manifest);
	rtt_scratch_fini(&fixture->scratch);
}

static struct rtd_table_cache_stats
stats_of(const struct fixture *fixture)
{
	struct rtd_table_cache_stats stats;

	rtd_table_cache_get_stats(fixture->cache, &stats);
	return stats;
}

static void
set_budget(struct fixture *fixture, uint64_t open, uint64_t bytes)
{
	struct rtd_table_budget budget = { .open = open, .bytes = bytes,
		.blocks = CACHE_BYTES, .both = UINT64_MAX };

	rtd_table_cache_set_budget(fixture->cache, &budget);
}

/* The reader says what it should say. */
static void
assert_right(struct rt_table_reader *reader, size_t i)
{
	uint8_t bytes[RT_KEY_PREFIX_BYTES + 8];
	struct rt_slice key = key_of(i, bytes);
	struct rt_table_found found;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_table_reader_get(reader, key, rt_hash64(key),
	    RT_SEQ_MAX, 0, &found, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_eq(found.seq, i + 1);
	rt_table_found_fini(&found);
}

static void
look_at(struct fixture *fixture, struct rtd_epoch_slot *slot, size_t i)
{
	struct rt_table_reader *reader = NULL;
	struct rt_err err = { 0 };

	rtd_epoch_enter(rtd_table_cache_epochs(fixture->cache), slot);
	ck_assert_msg(rtd_table_open(fixture->tables[i], 0, &reader, &err) ==
	    RT_OK, "%s", err.text);
	assert_right(reader, i);
}

START_TEST(tables_are_opened_when_a_read_wants_them)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };
	struct rt_table_reader *reader;

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	ck_assert_uint_eq(stats_of(&fixture).open, 0);
	ck_assert_uint_eq(stats_of(&fixture).tables, TABLES);
	ck_assert_int_eq(rtd_table_open(fixture.tables[3], RT_TABLE_NOWAIT,
	    &reader, NULL), RT_EAGAIN);
	look_at(&fixture, &slot, 3);
	ck_assert_uint_eq(stats_of(&fixture).open, 1);
	ck_assert_int_eq(rtd_table_open(fixture.tables[3], RT_TABLE_NOWAIT,
	    &reader, NULL), RT_OK);
	ck_assert_ptr_eq(reader, rtd_table_peek(fixture.tables[3]));
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

START_TEST(no_more_tables_are_open_than_the_budget_allows)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	set_budget(&fixture, 5, UINT64_MAX);
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < TABLES; i++) {
			look_at(&fixture, &slot, i);
			ck_assert_uint_le(stats_of(&fixture).open, 5);
			ck_assert_uint_le(stats_of(&fixture).retired, 2);
		}
	ck_assert_uint_ge(stats_of(&fixture).closed, 2 * TABLES);
	set_budget(&fixture, 2, UINT64_MAX);
	ck_assert_uint_eq(stats_of(&fixture).open, 2);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	rtd_table_cache_reclaim(fixture.cache);
	ck_assert_uint_eq(stats_of(&fixture).retired, 0);
	fini(&fixture);
}
END_TEST

START_TEST(bytes_of_tables_stay_within_the_budget)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };
	uint64_t one;

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	look_at(&fixture, &slot, 0);
	one = stats_of(&fixture).bytes;
	ck_assert_uint_gt(one, 0);
	set_budget(&fixture, UINT64_MAX, 4 * one);
	for (size_t i = 0; i < TABLES; i++) {
		look_at(&fixture, &slot, i);
		/* What was closed last is still looked at by us. */
		ck_assert_uint_le(stats_of(&fixture).bytes, 6 * one);
	}
	/* One may be open, however small the budget. */
	set_budget(&fixture, UINT64_MAX, 1);
	ck_assert_uint_eq(stats_of(&fixture).open, 1);
	look_at(&fixture, &slot, 0);
	ck_assert_uint_eq(stats_of(&fixture).open, 1);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

START_TEST(tables_that_are_looked_at_stay_open)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };
	size_t reopened = 0;

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	set_budget(&fixture, 6, UINT64_MAX);
	look_at(&fixture, &slot, 0);
	for (size_t i = 1; i < TABLES; i++) {
		look_at(&fixture, &slot, i);
		reopened += rtd_table_peek(fixture.tables[0]) == NULL;
		look_at(&fixture, &slot, 0);
	}
	ck_assert_uint_le(reopened, 1);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

START_TEST(block_cache_gets_what_tables_leave)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };
	struct rtd_table_budget budget = { .open = UINT64_MAX,
		.bytes = UINT64_MAX, .blocks = 100000, .both = 100000 };
	struct rt_block_cache_stats blocks;

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	rtd_table_cache_set_budget(fixture.cache, &budget);
	for (size_t i = 0; i < TABLES; i++) {
		look_at(&fixture, &slot, i);
		rt_block_cache_get_stats(fixture.blocks, &blocks);
		ck_assert_uint_eq(blocks.bytes_max,
		    100000 - stats_of(&fixture).bytes);
	}
	set_budget(&fixture, UINT64_MAX, UINT64_MAX);
	rt_block_cache_get_stats(fixture.blocks, &blocks);
	ck_assert_uint_eq(blocks.bytes_max, CACHE_BYTES);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

START_TEST(closed_reader_lives_while_somebody_looks)
{
	struct fixture fixture;
	struct rtd_epoch_slot slow = { 0 }, slot = { 0 };
	struct rt_table_reader *seen, *held;

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slow);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	look_at(&fixture, &slow, 0);
	seen = rtd_table_peek(fixture.tables[0]);
	ck_assert_int_eq(rtd_table_ref(fixture.tables[1], 0, &held, NULL),
	    RT_OK);
	set_budget(&fixture, 1, UINT64_MAX);
	for (size_t i = 2; i < TABLES; i++)
		look_at(&fixture, &slot, i);
	rtd_epoch_exit(&slot);
	ck_assert_ptr_null(rtd_table_peek(fixture.tables[0]));
	ck_assert_uint_gt(stats_of(&fixture).retired, 0);
	assert_right(seen, 0);
	rtd_epoch_exit(&slow);
	rtd_table_cache_reclaim(fixture.cache);
	ck_assert_uint_eq(stats_of(&fixture).retired, 0);
	/* A reference outlasts everything. */
	assert_right(held, 1);
	rt_table_reader_unref(held);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slow);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

START_TEST(table_is_there_while_any_view_has_it)
{
	struct fixture fixture;
	struct rtd_table *again;

	init(&fixture, 2);
	again = rtd_table_cache_acquire(fixture.cache, &fixture.manifest[0], 2);
	ck_assert_ptr_eq(again, fixture.tables[0]);
	rtd_table_cache_release(fixture.cache, fixture.tables, 2);
	ck_assert(rtd_table_cache_has(fixture.cache, fixture.manifest[0].id));
	ck_assert(!rtd_table_cache_has(fixture.cache, fixture.manifest[1].id));
	rtd_table_cache_release(fixture.cache, &again, 1);
	ck_assert(!rtd_table_cache_has(fixture.cache, fixture.manifest[0].id));
	fixture.count = 0;
	fini(&fixture);
}
END_TEST

START_TEST(failing_disk_is_an_error_and_the_next_read_succeeds)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };
	struct rt_table_reader *reader;
	struct rt_err err = { 0 };
	long calls = 1;

	init(&fixture, TABLES);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	rtd_epoch_enter(rtd_table_cache_epochs(fixture.cache), &slot);
	for (;; calls++) {
		enum rt_code code;

		rtt_fault_fs_arm(&fixture.fault, calls, false, EIO);
		code = rtd_table_open(fixture.tables[0], 0, &reader, &err);
		if (code == RT_OK)
			break;
		ck_assert_int_eq(code, RT_EIO);
		ck_assert_ptr_null(reader);
		ck_assert_ptr_null(rtd_table_peek(fixture.tables[0]));
	}
	rtt_fault_fs_disarm(&fixture.fault);
	ck_assert_int_gt(calls, 3);
	assert_right(reader, 0);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

START_TEST(missing_or_cut_table_is_damage)
{
	struct fixture fixture;
	struct rt_table_reader *reader;
	char name[RT_PATH_NAME_BYTES];
	struct rt_err err = { 0 };
	int fd;

	init(&fixture, 2);
	ck_assert_int_eq(rtd_table_check(fixture.tables[0], &err), RT_OK);
	ck_assert_int_eq(unlinkat(fixture.scratch.fd,
	    rt_path_table(name, fixture.manifest[0].id), 0), 0);
	fd = openat(fixture.scratch.fd,
	    rt_path_table(name, fixture.manifest[1].id), O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, 100), 0);
	close(fd);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(rtd_table_check(fixture.tables[i], &err),
		    RT_EDAMAGED);
		ck_assert_int_eq(rtd_table_ref(fixture.tables[i], 0, &reader,
		    &err), RT_EDAMAGED);
		ck_assert_ptr_nonnull(strstr(err.text, "d-"));
	}
	fini(&fixture);
}
END_TEST

START_TEST(descriptors_that_ran_out_are_taken_from_other_tables)
{
	struct fixture fixture;
	struct rtd_epoch_slot slot = { 0 };
	struct rlimit before, limit;
	int probe;

	init(&fixture, TABLES_MANY);
	rtd_epochs_join(rtd_table_cache_epochs(fixture.cache), &slot);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	probe = open("/dev/null", O_RDONLY);
	limit = before;
	limit.rlim_cur = (rlim_t)probe + 8;
	close(probe);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < TABLES_MANY; i++) {
		struct rtd_epochs *epochs = rtd_table_cache_epochs(fixture.cache);
		struct rt_table_reader *reader;

		rtd_epoch_enter(epochs, &slot);
		if (rtd_table_open(fixture.tables[i], 0, &reader, NULL) ==
		    RT_OK)
			continue;
		/* Others were closed, which we may have been looking at. */
		rtd_epoch_exit(&slot);
		ck_assert(rtd_table_cache_reclaim(fixture.cache));
		look_at(&fixture, &slot, i);
	}
	ck_assert_uint_le(stats_of(&fixture).open, 8);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	rtd_epochs_leave(rtd_table_cache_epochs(fixture.cache), &slot);
	fini(&fixture);
}
END_TEST

/* -- threads -- */

struct looker {
	pthread_t thread;
	struct fixture *fixture;
	uint64_t seed;
	size_t wrong;
};

static bool
says_right(struct rt_table_reader *reader, size_t i)
{
	uint8_t bytes[RT_KEY_PREFIX_BYTES + 8];
	struct rt_slice key = key_of(i, bytes);
	struct rt_table_found found;
	bool right = rt_table_reader_get(reader, key, rt_hash64(key),
			 RT_SEQ_MAX, 0, &found, NULL) == RT_OK;

	right = right && found.seq == i + 1;
	if (right)
		rt_table_found_fini(&found);
	return right;
}

static void *
look_about(void *arg)
{
	struct looker *looker = arg;
	struct fixture *fixture = looker->fixture;
	struct rtd_epochs *epochs = rtd_table_cache_epochs(fixture->cache);
	struct rtd_epoch_slot slot = { 0 };
	struct rtt_random random = { looker->seed };

	rtd_epochs_join(epochs, &slot);
	for (size_t round = 0; round < ROUNDS; round++) {
		size_t i = (size_t)rtt_random_below(&random, TABLES);
		struct rt_table_reader *reader = NULL;

		if (round % 8 == 0) {
			looker->wrong += rtd_table_ref(fixture->tables[i], 0,
			    &reader, NULL) != RT_OK;
			looker->wrong += !says_right(reader, i);
			rt_table_reader_unref(reader);
			continue;
		}
		rtd_epoch_enter(epochs, &slot);
		looker->wrong += rtd_table_open(fixture->tables[i], 0, &reader,
		    NULL) != RT_OK;
		looker->wrong += !says_right(reader, i);
		if (round % 16 == 1) {
			rtd_epoch_exit(&slot);
			rtd_table_cache_reclaim(fixture->cache);
		}
	}
	rtd_epochs_leave(epochs, &slot);
	return NULL;
}

START_TEST(tables_are_closed_while_threads_look_at_them)
{
	struct fixture fixture;
	struct looker lookers[THREADS];

	init(&fixture, TABLES);
	set_budget(&fixture, 4, UINT64_MAX);
	for (size_t i = 0; i < THREADS; i++) {
		lookers[i] = (struct looker){ .fixture = &fixture,
			.seed = i + 1 };
		ck_assert_int_eq(pthread_create(&lookers[i].thread, NULL,
		    look_about, &lookers[i]), 0);
	}
	for (uint64_t i = 0; i < 200; i++)
		set_budget(&fixture, 1 + i % 6, UINT64_MAX);
	set_budget(&fixture, 3, UINT64_MAX);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(lookers[i].thread, NULL);
		ck_assert_uint_eq(lookers[i].wrong, 0);
	}
	rtd_table_cache_reclaim(fixture.cache);
	ck_assert_uint_eq(stats_of(&fixture).retired, 0);
	ck_assert_uint_le(stats_of(&fixture).open, 3);
	ck_assert_uint_gt(stats_of(&fixture).closed, 100);
	fini(&fixture);
}
END_TEST

RTT_MAIN("table_cache", tables_are_opened_when_a_read_wants_them,
    no_more_tables_are_open_than_the_budget_allows,
    bytes_of_tables_stay_within_the_budget,
    tables_that_are_looked_at_stay_open, block_cache_gets_what_tables_leave,
    closed_reader_lives_while_somebody_looks,
    table_is_there_while_any_view_has_it,
    failing_disk_is_an_error_and_the_next_read_succeeds,
    missing_or_cut_table_is_damage,
    descriptors_that_ran_out_are_taken_from_other_tables,
    tables_are_closed_while_threads_look_at_them)
