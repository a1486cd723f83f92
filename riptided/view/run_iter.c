#include "riptided/view/run_iter.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"

struct run_iter {
	struct rt_iter base;
	const struct rtd_view_run *run;
	unsigned flags;
	size_t at;		/* the table under way */
	struct rt_iter *table;	/* NULL: none open */
};

/* A table that cannot be opened is the iterator's error. */
static void
open_table(struct run_iter *iter, size_t at)
{
	struct rt_table_reader *reader;

	rt_iter_free(iter->table);
	iter->table = NULL;
	iter->at = at;
	iter->base.code = RT_OK;
	if (at >= iter->run->run->tables_count)
		return;
	iter->base.code = rtd_table_ref(iter->run->tables[at], iter->flags,
	    &reader, &iter->base.err);
	if (iter->base.code != RT_OK)
		return;
	iter->table = rt_table_reader_iter(reader, iter->flags, 0);
	rt_table_reader_unref(reader);
}

/* Show what the table shows, going on to the next one at its end. */
static void
show(struct run_iter *iter)
{
	while (iter->table != NULL && !iter->table->valid &&
	    iter->table->code == RT_OK) {
		open_table(iter, iter->at + 1);
		if (iter->table != NULL)
			rt_iter_seek_first(iter->table);
	}
	iter->base.valid = iter->table != NULL && iter->table->valid;
	if (iter->table != NULL)
		iter->base.code = iter->table->code;
	if (iter->base.valid)
		iter->base.entry = iter->table->entry;
	else if (iter->table != NULL && iter->base.code != RT_OK)
		iter->base.err = iter->table->err;
}

static void
run_seek_first(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	open_table(iter, 0);
	if (iter->table != NULL)
		rt_iter_seek_first(iter->table);
	show(iter);
}

static void
run_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct run_iter *iter = (struct run_iter *)base;
	const struct rt_manifest_run *run = iter->run->run;
	size_t low = 0, high = run->tables_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rt_slice_compare(run->tables[middle].largest, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (iter->table == NULL || iter->at != low)
		open_table(iter, low);
	if (iter->table != NULL)
		rt_iter_seek(iter->table, key, seq);
	show(iter);
}

static void
run_next(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	rt_iter_next(iter->table);
	show(iter);
}

static void
run_free(struct rt_iter *base)
{
	struct run_iter *iter = (struct run_iter *)base;

	rt_iter_free(iter->table);
	free(iter);
}

struct rt_iter *
rtd_run_iter_new(const struct rtd_view_run *run, unsigned flags)
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
	iter->flags = flags;
	return &iter->base;
}
