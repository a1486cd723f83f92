/* memtable_iter: the sorted runs of a memtable as one iterator. The runs are
 * taken, and what is new is sorted, at the first seek. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/merge_iter.h"
#include "riptided/memtable/memtable.h"

#define PREFETCH_ENTRIES 8
#define GROUP 8
#define TOUCHED_BYTES_MAX 512

/* One run. */
struct run_iter {
	struct rt_iter base;
	struct rtd_sorted_run *run;
	size_t at;
};

static inline size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Entries of a run lie anywhere in the arena, and the processor drops most
 * prefetches that miss its table of pages. Loads that nothing waits for go out
 * together, so that a group's misses are served at once: the headers of a
 * group, and a group later, when they tell the lengths, what follows them. */
static inline void
touch(const struct rtd_sorted_run *run, size_t at)
{
	size_t headers_end = least(at + 3 * GROUP, run->count);
	size_t bodies_end = least(at + 2 * GROUP, run->count);

	for (size_t i = at + 2 * GROUP; i < headers_end; i++)
		(void)*(const volatile uint32_t *)&run->items[i]->key_len;
	for (size_t i = at + GROUP; i < bodies_end; i++) {
		const uint8_t *bytes = (const uint8_t *)run->items[i];
		size_t len = least(rtd_version_bytes(run->items[i]),
		    TOUCHED_BYTES_MAX);

		for (size_t line = RT_CACHE_LINE_BYTES; line < len;
		     line += RT_CACHE_LINE_BYTES)
			(void)*(const volatile uint8_t *)(bytes + line);
	}
}

/* ahead: where the next entries will be. Below 0 the place wraps round, and is
 * above the count like one behind the end. */
static inline void
run_show(struct run_iter *iter, size_t ahead)
{
	iter->base.valid = iter->at < iter->run->count;
	if (!iter->base.valid)
		return;
	iter->base.entry = rtd_version_entry(iter->run->items[iter->at]);
	if (ahead < iter->run->count)
		__builtin_prefetch(iter->run->items[ahead]);
}

static void
run_seek_first(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	iter->at = 0;
	run_show(iter, PREFETCH_ENTRIES);
}

static void
run_seek_last(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	iter->at = iter->run->count - 1;
	run_show(iter, iter->at - PREFETCH_ENTRIES);
}

/* The first version at or behind (key, seq). */
static size_t
run_find(const struct rtd_sorted_run *run, struct rt_slice key, uint64_t seq)
{
	size_t low = 0, high = run->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rtd_version *version = run->items[middle];

		if (rt_key_compare(rtd_version_key(version),
			rtd_version_seq(version), key, seq) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
run_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct run_iter *iter = (struct run_iter *)base;

	iter->at = run_find(iter->run, key, seq);
	run_show(iter, iter->at + PREFETCH_ENTRIES);
}

static void
run_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct run_iter *iter = (struct run_iter *)base;
	const struct rtd_sorted_run *run = iter->run;
	size_t at = run_find(run, key, seq);

	/* One version has this place, if any: a sequence is given once. */
	if (at == run->count || rtd_version_seq(run->items[at]) != seq ||
	    !rt_slice_equal(rtd_version_key(run->items[at]), key))
		at--;
	iter->at = at;
	run_show(iter, iter->at - PREFETCH_ENTRIES);
}

static void
run_next(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	if (++iter->at % GROUP == 0)
		touch(iter->run, iter->at);
	run_show(iter, iter->at + PREFETCH_ENTRIES);
}

static void
run_prev(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	iter->at--;
	run_show(iter, iter->at - PREFETCH_ENTRIES);
}

static void
run_free(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	rtd_sorted_run_unref(iter->run);
	free(iter);
}

static struct rt_iter *
run_iter_new(struct rtd_sorted_run *run)
{
	static const struct rt_iter_ops ops = {
		.seek_first = run_seek_first,
		.seek_last = run_seek_last,
		.seek = run_seek,
		.seek_for_prev = run_seek_for_prev,
		.next = run_next,
		.prev = run_prev,
		.free = run_free,
	};
	struct run_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	iter->base.ops = &ops;
	iter->run = run;
	return &iter->base;
}

/* All runs. */
struct memtable_iter {
	struct rt_iter base;
	struct rtd_memtable *memtable;
	struct rt_iter *inner;	/* NULL before the first seek */
};

static void
take_runs(struct memtable_iter *iter)
{
	struct rtd_sorted_run *runs[RTD_SORTED_RUNS_MAX];
	struct rt_iter *inputs[RTD_SORTED_RUNS_MAX];
	size_t count;

	if (iter->inner != NULL)
		return;
	count = rtd_sorted_view_take(&iter->memtable->sorted,
	    &iter->memtable->arena, runs);
	for (size_t i = 0; i < count; i++)
		inputs[i] = run_iter_new(runs[i]);
	iter->inner = rt_merge_iter_new(inputs, count);
}

static void
show(struct memtable_iter *iter)
{
	iter->base.valid = iter->inner->valid;
	iter->base.entry = iter->inner->entry;
}

static void
memtable_seek_first(struct rt_iter *base)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	take_runs(iter);
	rt_iter_seek_first(iter->inner);
	show(iter);
}

static void
memtable_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	take_runs(iter);
	rt_iter_seek(iter->inner, key, seq);
	show(iter);
}

static void
memtable_seek_last(struct rt_iter *base)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	take_runs(iter);
	rt_iter_seek_last(iter->inner);
	show(iter);
}

static void
memtable_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	take_runs(iter);
	rt_iter_seek_for_prev(iter->inner, key, seq);
	show(iter);
}

static void
memtable_prev(struct rt_iter *base)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	rt_iter_prev(iter->inner);
	show(iter);
}

static void
memtable_next(struct rt_iter *base)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	rt_iter_next(iter->inner);
	show(iter);
}

static void
memtable_free(struct rt_iter *base)
{
	struct memtable_iter *iter = (struct memtable_iter *)base;

	rt_iter_free(iter->inner);
	rtd_memtable_unref(iter->memtable);
	free(iter);
}

struct rt_iter *
rtd_memtable_iter(struct rtd_memtable *memtable)
{
	static const struct rt_iter_ops ops = {
		.seek_first = memtable_seek_first,
		.seek_last = memtable_seek_last,
		.seek = memtable_seek,
		.seek_for_prev = memtable_seek_for_prev,
		.next = memtable_next,
		.prev = memtable_prev,
		.free = memtable_free,
	};
	struct memtable_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	iter->base.ops = &ops;
	iter->memtable = rtd_memtable_ref(memtable);
	return &iter->base;
}
