/* memtable_tests: nanoseconds an insert, a hit, a miss, and the sort before a
 * flush, on a memtable of its own. Keys are made ahead of the clock, in the
 * order of their use; memory is warmed by a first round that does not count. */
#include <stdlib.h>

#include "bench/engine_tests.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "riptided/memtable/memtable.h"

#define STORE_KEY_BYTES (RT_KEY_PREFIX_BYTES + RTB_KEY_BYTES)

/* All store keys, in a random order. */
static uint8_t *
make_keys(uint64_t count, uint64_t seed, bool missing)
{
	uint8_t *keys = rt_alloc(count * STORE_KEY_BYTES);
	struct rtb_order order;

	rtb_order_init(&order, count, seed);
	for (uint64_t i = 0; i < count; i++) {
		uint8_t *out = keys + i * STORE_KEY_BYTES;

		rt_key_put_prefix(out, 0, RT_KEY_KIND_STRING);
		rtb_key(out + RT_KEY_PREFIX_BYTES, rtb_order_at(&order, i),
		    missing);
	}
	return keys;
}

static struct rt_slice
key_at(const uint8_t *keys, uint64_t i)
{
	return rt_slice(keys + i * STORE_KEY_BYTES, STORE_KEY_BYTES);
}

static double
per_key(const struct rtb_run *run, uint64_t began)
{
	return (double)(rtb_read_clock(run) - began) /
	    (double)run->options->keys;
}

static double
insert_all(struct rtd_memtable *memtable, const struct rtb_run *run)
{
	uint64_t count = run->options->keys, began;
	uint8_t *keys = make_keys(count, run->seed, false);
	/* A stored value has a byte in front. */
	uint8_t *value = rt_alloc_zero(1, run->options->value_bytes + 1);
	double figure;

	began = rtb_read_clock(run);
	for (uint64_t i = 0; i < count; i++) {
		struct rt_slice key = key_at(keys, i);

		rtd_memtable_insert(memtable, key, rt_hash64(key), i + 1,
		    RT_ENTRY_PUT,
		    rt_slice(value, run->options->value_bytes + 1));
	}
	figure = per_key(run, began);
	free(keys);
	free(value);
	return figure;
}

static double
insert(struct rtb_run *run)
{
	size_t entry = sizeof(struct rtd_version) + STORE_KEY_BYTES +
	    run->options->value_bytes + 8;
	struct rtd_memtable *memtable =
	    rtd_memtable_new(entry * run->options->keys);

	run->state = memtable;
	insert_all(memtable, run);
	rtd_memtable_reset(memtable);
	return insert_all(memtable, run);
}

static double
read_all(struct rtb_run *run, bool missing)
{
	uint64_t count = run->options->keys, found = 0, began;
	uint8_t *keys = make_keys(count, run->seed + 1000, missing);
	double figure;

	began = rtb_read_clock(run);
	for (uint64_t i = 0; i < count; i++) {
		struct rt_slice key = key_at(keys, i);

		found += rtd_memtable_get(run->state, key, rt_hash64(key),
			     RT_SEQ_MAX) != NULL;
	}
	figure = per_key(run, began);
	rt_assert(found == (missing ? 0 : count));
	free(keys);
	return figure;
}

static double
hit(struct rtb_run *run)
{
	return read_all(run, false);
}

static double
miss(struct rtb_run *run)
{
	return read_all(run, true);
}

static double
sort(struct rtb_run *run)
{
	struct rt_iter *iter = rtd_memtable_iter(run->state);
	uint64_t began = rtb_read_clock(run);
	double figure;

	rt_iter_seek_first(iter);
	figure = per_key(run, began);
	rt_iter_free(iter);
	return figure;
}

static void
done(struct rtb_run *run)
{
	rtd_memtable_unref(run->state);
}

const struct rtb_session rtb_memtable_sessions[] = {
	{ .alone = true, .opens = true, .asked_only = true, .done = done,
		.tests = {
		{ "memtable-insert", "ns", true, true, insert },
		{ "memtable-hit", "ns", true, false, hit },
		{ "memtable-miss", "ns", true, false, miss },
		{ "memtable-sort", "ns", true, false, sort },
		{ .name = NULL } } },
	{ .tests = { { .name = NULL } } },
};
