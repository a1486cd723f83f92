#include "libcommon/table/block_cache.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

#define BLOCK_BYTES 4000

/* A trace for the hit ratio, and a cache for an eighth of its blocks. */
#define TRACE_BLOCKS 16000
#define TRACE_CAPACITY 2000
#define TRACE_PERIOD 5000
#define TRACE_STEPS 200000
#define TRACE_SCANS (TRACE_STEPS / TRACE_PERIOD * 1000)
#define TRACE_CHARGE (BLOCK_BYTES + RT_BLOCK_CACHE_ROOM + 64)

static struct rt_cached_block *
insert(struct rt_block_cache *cache, uint64_t id, uint64_t offset, size_t len,
    bool cold)
{
	uint8_t *data = rt_alloc(len + RT_BLOCK_CACHE_ROOM);

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

/* The same, but what the cache does not want passes by. */
static bool
touch_wanted(struct rt_block_cache *cache, uint64_t id, uint64_t offset)
{
	struct rt_cached_block *block = rt_block_cache_find(cache, id, offset);

	if (block != NULL)
		rt_block_cache_release(cache, block);
	else if (rt_block_cache_wants(cache, id, offset, BLOCK_BYTES))
		touch(cache, id, offset, false);
	return block != NULL;
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

/* The rule to be better than: the block used longest ago goes. */
struct lru {
	uint64_t used[TRACE_BLOCKS + TRACE_SCANS]; /* 0: not there */
	uint32_t ring[2 * TRACE_STEPS]; /* blocks in the order of their uses */
	uint64_t uses[2 * TRACE_STEPS];
	size_t first, last, count, capacity;
};

static bool
lru_touch(struct lru *lru, uint32_t block)
{
	bool hit = lru->used[block] != 0;

	lru->used[block] = lru->last + 1;
	lru->ring[lru->last] = block;
	lru->uses[lru->last] = lru->last + 1;
	lru->last++;
	lru->count += !hit;
	while (lru->count > lru->capacity) {
		uint32_t oldest = lru->ring[lru->first];

		/* Used again since: it has a later place. */
		if (lru->used[oldest] == lru->uses[lru->first]) {
			lru->used[oldest] = 0;
			lru->count--;
		}
		lru->first++;
	}
	return hit;
}

/* Zipf's law with an exponent of one: numbers with the share 1 / (n + 1). */
static void
zipf_init(double *sums)
{
	double sum = 0;

	for (size_t i = 0; i < TRACE_BLOCKS; i++)
		sums[i] = sum += 1.0 / (double)(i + 1);
}

static uint32_t
zipf_next(const double *sums, struct rtt_random *random)
{
	double at = (double)rtt_random_below(random, UINT64_C(1) << 52) /
	    (double)(UINT64_C(1) << 52) * sums[TRACE_BLOCKS - 1];
	uint32_t low = 0, high = TRACE_BLOCKS - 1;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sums[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Hits of a cache and of an LRU list on one trace, in a thousand: look-ups
 * after Zipf, of a working set that moves, with a scan of blocks that nobody
 * asks for again in between. cold: the scan says that it is one. */
struct trace {
	unsigned scan_blocks; /* of every TRACE_PERIOD steps */
	bool cold;
	bool passing; /* what the cache does not want is not inserted */
	unsigned cache_hits, lru_hits;
};

static void
run_trace(struct trace *trace, uint64_t seed)
{
	static double sums[TRACE_BLOCKS];
	struct rt_block_cache *cache =
	    rt_block_cache_new(TRACE_CAPACITY * (size_t)TRACE_CHARGE);
	struct lru *lru = rt_alloc_zero(1, sizeof(*lru));
	struct rtt_random random = { .state = seed };
	uint32_t scanned = TRACE_BLOCKS;

	lru->capacity = TRACE_CAPACITY;
	zipf_init(sums);
	for (unsigned i = 0; i < TRACE_STEPS; i++) {
		uint32_t block = zipf_next(sums, &random);

		block = (block + i / TRACE_PERIOD * 50) % TRACE_BLOCKS;
		trace->cache_hits += trace->passing
		    ? touch_wanted(cache, 1, block)
		    : touch(cache, 1, block, false);
		trace->lru_hits += lru_touch(lru, block);
		if (i % TRACE_PERIOD != 0)
			continue;
		for (unsigned j = 0; j < trace->scan_blocks; j++) {
			touch(cache, 1, scanned, trace->cold);
			lru_touch(lru, scanned++);
		}
	}
	trace->cache_hits = trace->cache_hits * 1000ull / TRACE_STEPS;
	trace->lru_hits = trace->lru_hits * 1000ull / TRACE_STEPS;
	printf("# scans of %u%s%s: %u against %u of 1000\n",
	    trace->scan_blocks, trace->cold ? ", cold" : "",
	    trace->passing ? ", passing" : "", trace->cache_hits,
	    trace->lru_hits);
	free(lru);
	rt_block_cache_free(cache);
}

START_TEST(it_keeps_more_of_use_than_lru)
{
	struct trace none = { 0 }, scans = { .scan_blocks = 1000 },
		     cold = { .scan_blocks = 1000, .cold = true },
		     passing = { .passing = true };

	run_trace(&none, 1);
	run_trace(&scans, 2);
	run_trace(&cold, 3);
	run_trace(&passing, 4);
	ck_assert_uint_ge(none.cache_hits, none.lru_hits + 15);
	ck_assert_uint_ge(scans.cache_hits, scans.lru_hits + 50);
	ck_assert_uint_ge(cold.cache_hits, cold.lru_hits + 50);
	ck_assert_uint_ge(passing.cache_hits, passing.lru_hits + 15);
}
END_TEST

START_TEST(what_a_block_costs_is_counted_whole)
{
	struct rt_block_cache *cache = rt_block_cache_new(64 << 20);
	size_t bytes = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		size_t len = 1 + i * 7;
		struct rt_cached_block *block = insert(cache, 1, i, len, false);

		/* Of the heap, and eight to lead to it. */
		bytes += malloc_usable_size((void *)(uintptr_t)block->data) + 8;
		rt_block_cache_release(cache, block);
	}
	ck_assert_uint_ge(stats_of(cache).bytes, bytes);
	ck_assert_uint_le(stats_of(cache).bytes, bytes + 1000 * 64);
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

START_TEST(a_full_cache_wants_what_is_asked_for_again)
{
	struct rt_block_cache *cache = rt_block_cache_new(100000);

	ck_assert(rt_block_cache_wants(cache, 1, 0, BLOCK_BYTES));
	for (uint64_t i = 0; i < 100; i++)
		touch(cache, 2, i * 4096, false);
	/* It was not full when block 0 was asked for, so nobody knows of it. */
	ck_assert(!rt_block_cache_wants(cache, 1, 0, BLOCK_BYTES));
	ck_assert(rt_block_cache_wants(cache, 1, 0, BLOCK_BYTES));
	ck_assert_uint_eq(stats_of(cache).misses, 100);
	ck_assert_ptr_null(rt_block_cache_find(cache, 1, 0));
	ck_assert_uint_eq(stats_of(cache).misses, 100);
	rt_block_cache_free(cache);
}
END_TEST

START_TEST(threads_share_a_cache)
{
	struct rt_block_cache *cache = rt_block_cache_new(300000);
	struct rtt_random random = rtt_random_new();
	struct worker workers[4];
	pthread_t threads[RT_COUNTOF(workers)];

	for (size_t i = 0; i < RT_COUNTOF(workers); i++) {
		workers[i] =
		    (struct worker){ .cache = cache, .seed = random.state + i };
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
    it_keeps_more_of_use_than_lru, what_a_block_costs_is_counted_whole,
    a_full_cache_wants_what_is_asked_for_again, threads_share_a_cache,
    what_does_not_fit_is_found_while_it_is_pinned)
