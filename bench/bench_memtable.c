/* bench_memtable: nanoseconds an insert, a hit, a miss, and the sort before a
 * flush, on a memtable of its own. Memory is warmed by a first round that does
 * not count. */
#include "bench/bench.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "riptided/memtable/memtable.h"

#define KEY_BYTES 16

enum { INSERT, HIT, MISS, SORT, KINDS };
static const char *const names[KINDS] = { "memtable-insert", "memtable-hit",
	"memtable-miss", "memtable-sort" };

static struct rt_slice
key_of(uint8_t out[RT_KEY_PREFIX_BYTES + KEY_BYTES + 1], uint64_t n)
{
	rt_key_put_prefix(out, 0, RT_KEY_KIND_STRING);
	for (unsigned i = KEY_BYTES; i-- > 0; n /= 10)
		out[RT_KEY_PREFIX_BYTES + i] = (uint8_t)('0' + n % 10);
	return rt_slice(out, RT_KEY_PREFIX_BYTES + KEY_BYTES);
}

static double
per_key(uint64_t began, uint64_t keys)
{
	return (double)(rtb_now_ns() - began) / (double)keys;
}

static void
one_round(struct rtd_memtable *memtable, const struct rtb_options *options,
    const uint8_t *value, double figures[KINDS])
{
	uint8_t bytes[RT_KEY_PREFIX_BYTES + KEY_BYTES + 1];
	uint64_t keys = options->keys, found = 0, began;
	struct rt_iter *iter;

	began = rtb_now_ns();
	for (uint64_t i = 0; i < keys; i++) {
		struct rt_slice key = key_of(bytes, rtb_permute(i, keys));

		rtd_memtable_insert(memtable, key, rt_hash64(key), i + 1,
		    RT_ENTRY_PUT, rt_slice(value, options->value_bytes + 1));
	}
	figures[INSERT] = per_key(began, keys);
	for (unsigned kind = HIT; kind <= MISS; kind++) {
		began = rtb_now_ns();
		for (uint64_t i = 0; i < keys; i++) {
			struct rt_slice key = key_of(bytes,
			    rtb_permute(i * 7 + 3, keys) +
				(kind == MISS ? keys : 0));

			found += rtd_memtable_get(memtable, key, rt_hash64(key),
				     RT_SEQ_MAX) != NULL;
		}
		figures[kind] = per_key(began, keys);
	}
	rt_assert(found == keys);
	began = rtb_now_ns();
	iter = rtd_memtable_iter(memtable);
	rt_iter_seek_first(iter);
	figures[SORT] = per_key(began, keys);
	rt_iter_free(iter);
}

void
rtb_run_memtable(const struct rtb_options *options, struct rtb_results *results)
{
	size_t entry = sizeof(struct rtd_version) + RT_KEY_PREFIX_BYTES +
	    KEY_BYTES + options->value_bytes + 8;
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
