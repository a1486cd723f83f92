/* memtable_iter: the sorted runs of a memtable as one iterator. The runs are
 * taken, and what is new is sorted, at the first seek. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/merge_iter.h"
#include "riptided/memtable/memtable.h"

/* One run. */
struct run_iter {
	struct rt_iter base;
	struct rtd_sorted_run *run;
	size_t at;
};

static void
run_show(struct run_iter *iter)
{
	iter->base.valid = iter->at < iter->run->count;
	if (!iter->base.valid)
		return;
	iter->base.entry = rtd_version_entry(iter->run->items[iter->at]);
	if (iter->at + 8 < iter->run->count)
		__builtin_prefetch(iter->run->items[iter->at + 8]);
}

static void
run_seek_first(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	iter->at = 0;
	run_show(iter);
}

static void
run_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct run_iter *iter = (struct run_iter *)base;
	size_t low = 0, high = iter->run->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rtd_version *version = iter->run->items[middle];

		if (rt_key_compare(rtd_version_key(version),
			rtd_version_seq(version), key, seq) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	iter->at = low;
	run_show(iter);
}

static void
run_next(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	iter->at++;
	run_show(iter);
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
		.seek = run_seek,
		.next = run_next,
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
	iter->inner =
	    count == 1 ? inputs[0] : rt_merge_iter_new(inputs, count);
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
		.seek = memtable_seek,
		.next = memtable_next,
		.free = memtable_free,
	};
	struct memtable_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	iter->base.ops = &ops;
	iter->memtable = rtd_memtable_ref(memtable);
	return &iter->base;
}
