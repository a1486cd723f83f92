#include "libcommon/table/block_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

#define BLOCK_BYTES 4000

static struct rt_cached_block *
insert(struct rt_block_cache *cache, uint64_t id, uint64_t offset, size_t len,
    bool cold)
{
	uint8_t *data = rt_alloc(len);

	memset(data, (int)(id * 31 + offset), len);
	return rt_block_cache_insert(cache, id, offset, data, len, cold);
}

static bool
is_right(const struct rt_cached_block *block, uint64_t id, uint64_t offset)
{
	uint8_t byte = (uint8_t)(id * 31 + offset);

	return block->data[0] == byte && block->data[block->len - 1] == byte;
}

/* Look, or insert after a miss, and let go. True when it was there. */
static bool
touch(struct rt_block_cache *cache, uint64_t id, uint64_t offset, bool cold)
{
	struct rt_cached_block *block = rt_block_cache_get(cache, id, offset);
	bool hit = block != NULL;

	if (!hit)
		block = insert(cache, id, offset, BLOCK_BYTES, cold);
	rt_assert(is_right(block, id, offset));
	rt_block_cache_release(cache, block);
	return hit;
}

static struct rt_block_cache_stats
stats_of(struct rt_block_cache *cache)
{
	struct rt_block_cache_stats stats;

	rt_block_cache_get_stats(cache, &stats);
	return stats;
}

START_TEST(blocks_are_found_again)
{
	struct rt_block_cache *cache = rt_block_cache_new(1 << 20);

	for (uint64_t i = 0; i < 100; i++)
		ck_assert(!touch(cache, i % 3, i * 4096, false));
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(touch(cache, i % 3, i * 4096, false));
	ck_assert(!touch(cache, 7, 0, false));
	ck_assert_uint_eq(stats_of(cache).hits, 100);
	ck_assert_uint_eq(stats_of(cache).misses, 101);
	rt_block_cache_free(cache);
}
END_TEST

START_TEST(the_budget_is_kept)
{
	static const size_t budgets[] = { 0, 1, 5000, 50000, 1 << 20 };

	for (size_t i = 0; i < RT_COUNTOF(budgets); i++) {
		struct rt_block_cache *cache = rt_block_cache_new(budgets[i]);

		for (uint64_t j = 0; j < 2000; j++) {
			touch(cache, 1, j * j % 1777, j % 5 == 0);
			ck_assert_uint_le(stats_of(cache).bytes, budgets[i]);
		}
		ck_assert(budgets[i] < 50000 ||
		    stats_of(cache).bytes > budgets[i] / 2);
		rt_block_cache_free(cache);
	}
}
END_TEST

START_TEST(a_pinned_block_stays)
{
	struct rt_block_cache *cache = rt_block_cache_new(100000);
	struct rt_cached_block *pinned[30];

	/* More than the budget, all in use. */
	for (uint64_t i = 0; i < RT_COUNTOF(pinned); i++)
		pinned[i] = insert(cache, 1, i, BLOCK_BYTES, false);
	ck_assert_uint_gt(stats_of(cache).bytes, 100000);
	for (uint64_t i = 0; i < 1000; i++)
		touch(cache, 2, i, false);
	rt_block_cache_set_bytes(cache, 0);
	for (uint64_t i = 0; i < RT_COUNTOF(pinned); i++) {
		ck_assert(is_right(pinned[i], 1, i));
		rt_block_cache_release(cache, pinned[i]);
	}
	ck_assert_uint_eq(stats_of(cache).bytes, 0);
	rt_block_cache_free(cache);
}
END_TEST

START_TEST(a_smaller_budget_takes_effect_at_once)
{
	struct rt_block_cache *cache = rt_block_cache_new(1 << 20);

	for (uint64_t i = 0; i < 200; i++)
		touch(cache, 1, i, false);
	ck_assert_uint_gt(stats_of(cache).bytes, 200 * BLOCK_BYTES);
	rt_block_cache_set_bytes(cache, 100000);
	ck_assert_uint_le(stats_of(cache).bytes, 100000);
	ck_assert_uint_eq(stats_of(cache).bytes_max, 100000);
	rt_block_cache_free(cache);
}
END_TEST

START_TEST(the_faster_insert_wins)
{
	struct rt_block_cache *cache = rt_block_cache_new(1 << 20);
	struct rt_cached_block *a = insert(cache, 1, 1, 10, false);
	struct rt_cached_block *b = insert(cache, 1, 1, 10, false);

	ck_assert_ptr_eq(a, b);
	rt_block_cache_release(cache, a);
	ck_assert(is_right(b, 1, 1));
	rt_block_cache_release(cache, b);
	rt_block_cache_free(cache);
}
END_TEST

START_TEST(a_scan_leaves_what_is_in_use)
{
	struct rt_block_cache *cache = rt_block_cache_new(1 << 20);
	unsigned kept = 0;

	for (unsigned round = 0; round < 4; round++)
		for (uint64_t i = 0; i < 150; i++)
			touch(cache, 1, i, false);
	for (uint64_t i = 0; i < 5000; i++)
		touch(cache, 2, i, i % 2 == 0);
	for (uint64_t i = 0; i < 150; i++)
		kept += touch(cache, 1, i, false);
	ck_assert_uint_ge(kept, 130);
	rt_block_cache_free(cache);
}
END_TEST

struct worker {
	struct rt_block_cache *cache;
	uint64_t seed;
};

static void *
work(void *arg)
{
	struct worker *worker = arg;
	struct rtt_random random = { .state = worker->seed };

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t offset = rtt_random_below(&random, 300);

		touch(worker->cache, offset % 3, offset,
		    rtt_random_below(&random, 8) == 0);
		if (i % 4096 == 0)
			rt_block_cache_set_bytes(worker->cache,
			    rtt_random_below(&random, 600000));
	}
	return NULL;
}

START_TEST(threads_share_a_cache)
{
	struct rt_block_cache *cache = rt_block_cache_new(300000);
	struct rtt_random random = rtt_random_new();
	struct worker workers[4];
	pthread_t threads[RT_COUNTOF(workers)];

	for (size_t i = 0; i < RT_COUNTOF(workers); i++) {
		workers[i] = (struct worker){ .cache = cache,
			.seed = random.state + i };
		rt_thread_start(&threads[i], "cache-test", work, &workers[i]);
	}
	for (size_t i = 0; i < RT_COUNTOF(workers); i++)
		rt_thread_join(threads[i]);
	rt_block_cache_set_bytes(cache, 100000);
	ck_assert_uint_le(stats_of(cache).bytes, 100000);
	rt_block_cache_set_bytes(cache, 0);
	ck_assert_uint_eq(stats_of(cache).bytes, 0);
	rt_block_cache_free(cache);
}
END_TEST

START_TEST(what_does_not_fit_is_found_while_it_is_pinned)
{
	struct rt_block_cache *cache = rt_block_cache_new(0);
	struct rt_cached_block *first = insert(cache, 1, 0, BLOCK_BYTES, false);
	struct rt_cached_block *again = rt_block_cache_get(cache, 1, 0);

	ck_assert_ptr_eq(first, again);
	/* A second one of the same gives way to it. */
	ck_assert_ptr_eq(insert(cache, 1, 0, BLOCK_BYTES, false), first);
	rt_block_cache_release(cache, first);
	rt_block_cache_release(cache, first);
	ck_assert(is_right(again, 1, 0));
	rt_block_cache_release(cache, again);
	ck_assert_ptr_null(rt_block_cache_get(cache, 1, 0));
	ck_assert_uint_eq(stats_of(cache).bytes, 0);
	rt_block_cache_free(cache);
}
END_TEST

RTT_MAIN("block_cache", blocks_are_found_again, the_budget_is_kept,
    a_pinned_block_stays, a_smaller_budget_takes_effect_at_once,
    the_faster_insert_wins, a_scan_leaves_what_is_in_use,
    threads_share_a_cache,
    what_does_not_fit_is_found_while_it_is_pinned)
