#include "riptide-compactd/table_chain.h"

#include <inttypes.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/chain_iter.h"
#include "libcommon/table/table_reader.h"

#define READAHEAD_BYTES ((size_t)256 << 10)

struct table_chain {
	struct rt_chain_iter chain;
	struct rt_fs *fs;
	int sst;
	const struct rt_manifest *manifest;
	const struct rt_manifest_table *const *tables;
};

static const struct rt_manifest_table *
table_of(const struct rt_chain_iter *chain, size_t i)
{
	const struct table_chain *tables = (const struct table_chain *)chain;

	return tables->tables[i];
}

enum rt_code
rtc_table_chain_open(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest, const struct rt_manifest_table *table,
    struct rt_table_reader **reader, struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = manifest->database_uuid,
		.without_filter = true,
	};
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	rt_path_table(name, table->id);
	code = rt_table_reader_open(reader, fs, sst, name, &expect, NULL, NULL,
	    err);
	if (code != RT_OK)
		return code;
	if (rt_table_reader_info(*reader)->entries == table->entries)
		return RT_OK;
	code = rt_err_set(err, RT_EDAMAGED,
	    "%s holds %" PRIu64 " entries, the manifest says %" PRIu64, name,
	    rt_table_reader_info(*reader)->entries, table->entries);
	rt_table_reader_unref(*reader);
	*reader = NULL;
	return code;
}

static enum rt_code
open_table(struct rt_chain_iter *base, size_t i, struct rt_iter **out,
    struct rt_err *err)
{
	const struct table_chain *chain = (const struct table_chain *)base;
	struct rt_table_reader *reader = NULL;
	enum rt_code code = rtc_table_chain_open(chain->fs, chain->sst,
	    chain->manifest, table_of(base, i), &reader, err);

	if (code != RT_OK)
		return code;
	*out = rt_table_reader_iter_range(reader, RT_TABLE_COLD,
	    READAHEAD_BYTES, &base->range);
	rt_table_reader_unref(reader);
	return RT_OK;
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
	(void)chain, (void)i;
	return false;
}

size_t
rtc_table_chain_length(const struct rt_manifest_table *const *tables,
    size_t count)
{
	size_t length = 1;

	while (length < count && rt_slice_compare(tables[length - 1]->largest,
		tables[length]->smallest) < 0)
		length++;
	return length;
}

struct rt_iter *
rtc_table_chain_new(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest,
    const struct rt_manifest_table *const *tables, size_t count,
    const struct rt_range *range)
{
	static const struct rt_chain_ops ops = {
		.open = open_table,
		.smallest = smallest,
		.largest = largest,
		.is_skipped = is_skipped,
	};
	struct table_chain *chain = rt_alloc_zero(1, sizeof(*chain));

	rt_chain_iter_init(&chain->chain, &ops, count, range);
	chain->fs = fs;
	chain->sst = sst;
	chain->manifest = manifest;
	chain->tables = tables;
	return &chain->chain.base;
}
