/* bench_memtable: nanoseconds an insert, a hit, a miss, and the sort before a
 * flush, on a memtable of its own. Keys are made ahead of the clock, in the
 * order of their use; memory is warmed by a first round that does not count. */
#include "bench/bench.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "riptided/memtable/memtable.h"

#define KEY_BYTES 16

enum { INSERT, HIT, MISS, SORT, KINDS };
static const char *const names[KINDS] = { "memtable-insert", "memtable-hit",
	"memtable-miss", "memtable-sort" };

#define STORE_KEY_BYTES (RT_KEY_PREFIX_BYTES + KEY_BYTES)

/* `count` keys in a row: item i is number step * i + first, modulo count, with
 * `offset` on top. */
static uint8_t *
make_keys(uint64_t count, uint64_t step, uint64_t first, uint64_t offset)
{
	uint8_t *keys = rt_alloc(count * STORE_KEY_BYTES);

	for (uint64_t i = 0; i < count; i++) {
		uint8_t *out = keys + i * STORE_KEY_BYTES;
		uint64_t n = rtb_permute(i * step + first, count) + offset;

		rt_key_put_prefix(out, 0, RT_KEY_KIND_STRING);
		for (unsigned digit = KEY_BYTES; digit-- > 0; n /= 10)
			out[RT_KEY_PREFIX_BYTES + digit] =
			    (uint8_t)('0' + n % 10);
	}
	return keys;
}

static struct rt_slice
key_at(const uint8_t *keys, uint64_t i)
{
	return rt_slice(keys + i * STORE_KEY_BYTES, STORE_KEY_BYTES);
}

static double
per_key(uint64_t began, uint64_t keys)
{
	return (double)(rtb_now_ns() - began) / (double)keys;
}

static uint64_t
read_all(struct rtd_memtable *memtable, const uint8_t *keys, uint64_t count)
{
	uint64_t found = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct rt_slice key = key_at(keys, i);

		found += rtd_memtable_get(memtable, key, rt_hash64(key),
			     RT_SEQ_MAX) != NULL;
	}
	return found;
}

static void
one_round(struct rtd_memtable *memtable, const struct rtb_options *options,
    const uint8_t *value, double figures[KINDS])
{
	uint64_t count = options->keys, began;
	uint8_t *written = make_keys(count, 1, 0, 0);
	uint8_t *hits = make_keys(count, 7, 3, 0);
	uint8_t *misses = make_keys(count, 7, 3, count);
	struct rt_iter *iter;

	began = rtb_now_ns();
	for (uint64_t i = 0; i < count; i++) {
		struct rt_slice key = key_at(written, i);

		rtd_memtable_insert(memtable, key, rt_hash64(key), i + 1,
		    RT_ENTRY_PUT, rt_slice(value, options->value_bytes + 1));
	}
	figures[INSERT] = per_key(began, count);
	began = rtb_now_ns();
	rt_assert(read_all(memtable, hits, count) == count);
	figures[HIT] = per_key(began, count);
	began = rtb_now_ns();
	rt_assert(read_all(memtable, misses, count) == 0);
	figures[MISS] = per_key(began, count);
	began = rtb_now_ns();
	iter = rtd_memtable_iter(memtable);
	rt_iter_seek_first(iter);
	figures[SORT] = per_key(began, count);
	rt_iter_free(iter);
	free(written);
	free(hits);
	free(misses);
}

void
rtb_run_memtable(const struct rtb_options *options, struct rtb_results *results)
{
	size_t entry = sizeof(struct rtd_version) + STORE_KEY_BYTES +
	    options->value_bytes + 8;
	struct rtd_memtable *memtable;
	double figures[KINDS][RTB_RUNS_MAX], round[KINDS];
	uint8_t *value;
	int wanted = 0;

	for (unsigned kind = 0; kind < KINDS; kind++)
		wanted |= rtb_wants(options, names[kind]);
	if (!wanted)
		return;
	memtable = rtd_memtable_new(entry * options->keys);
	value = rt_alloc_zero(1, options->value_bytes + 1);
	for (unsigned run = 0; run <= options->runs; run++) {
		rtd_memtable_reset(memtable);
		one_round(memtable, options, value, round);
		for (unsigned kind = 0; kind < KINDS && run > 0; kind++)
			figures[kind][run - 1] = round[kind];
	}
	for (unsigned kind = 0; kind < KINDS; kind++)
		if (rtb_wants(options, names[kind]))
			rtb_add(results, names[kind], "ns/op", figures[kind],
			    options->runs);
	rtd_memtable_unref(memtable);
	free(value);
}
