#include "riptided/view/run_iter.h"

#include "libcommon/base/invariant.h"
#include "libcommon/table/chain_iter.h"

struct run_iter {
	struct rt_chain_iter chain;
	const struct rtd_view_run *run;
	uint64_t read_seq;
	uint64_t drop_seq;
	unsigned flags;
};

static enum rt_code
open_table(struct rt_chain_iter *chain, size_t i, struct rt_iter **out,
    struct rt_err *err)
{
	const struct run_iter *iter = (const struct run_iter *)chain;
	struct rt_table_reader *reader;
	enum rt_code code =
	    rtd_table_ref(iter->run->tables[i], iter->flags, &reader, err);

	if (code != RT_OK)
		return code;
	*out = rt_table_reader_iter_range(reader, iter->flags, 0,
	    &chain->range);
	rt_table_reader_unref(reader);
	return RT_OK;
}

static const struct rt_manifest_table *
table_of(const struct rt_chain_iter *chain, size_t i)
{
	const struct run_iter *iter = (const struct run_iter *)chain;

	return &iter->run->run->tables[i];
}

static struct rt_slice
smallest(const struct rt_chain_iter *chain, size_t i)
{
	return table_of(chain, i)->smallest;
}

static struct rt_slice
largest(const struct rt_chain_iter *chain, size_t i)
{
	return table_of(chain, i)->largest;
}

static bool
is_skipped(const struct rt_chain_iter *chain, size_t i)
{
	const struct run_iter *iter = (const struct run_iter *)chain;
	const struct rt_manifest_table *table = table_of(chain, i);

	return table->max_seq <= iter->drop_seq ||
	    table->min_seq > iter->read_seq;
}

struct rt_iter *
rtd_run_iter_new(const struct rtd_view_run *run,
    const struct rtd_run_want *want)
{
	static const struct rt_chain_ops ops = {
		.open = open_table,
		.smallest = smallest,
		.largest = largest,
		.is_skipped = is_skipped,
	};
	struct run_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	rt_chain_iter_init(&iter->chain, &ops, run->run->tables_count,
	    &want->range);
	iter->run = run;
	iter->read_seq = want->read_seq;
	iter->drop_seq = want->drop_seq;
	iter->flags = want->flags;
	return &iter->chain.base;
}
