#include "riptide-compactd/table_chain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/table_reader.h"

#define READAHEAD_BYTES ((size_t)1 << 20)

struct table_chain {
	struct rt_iter base;
	struct rt_fs *fs;
	int sst;
	const struct rt_manifest *manifest;
	const struct rt_manifest_table *const *tables;
	size_t count;
	size_t at;		/* the table under way */
	struct rt_iter *table;	/* NULL: none open */
};

static void
close_table(struct table_chain *chain)
{
	rt_iter_free(chain->table);
	chain->table = NULL;
}

static enum rt_code
open_reader(struct table_chain *chain, struct rt_table_reader **reader)
{
	const struct rt_manifest_table *table = chain->tables[chain->at];
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = chain->manifest->database_uuid,
	};
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	rt_path_table(name, table->id);
	code = rt_table_reader_open(reader, chain->fs, chain->sst, name,
	    &expect, NULL, NULL, &chain->base.err);
	if (code != RT_OK)
		return code;
	if (rt_table_reader_info(*reader)->entries == table->entries)
		return RT_OK;
	code = rt_err_set(&chain->base.err, RT_EDAMAGED,
	    "%s holds %" PRIu64 " entries, the manifest says %" PRIu64, name,
	    rt_table_reader_info(*reader)->entries, table->entries);
	rt_table_reader_unref(*reader);
	return code;
}

/* Open table `at`; false at the end and on error. */
static bool
open_table(struct table_chain *chain, size_t at)
{
	struct rt_table_reader *reader = NULL;

	close_table(chain);
	chain->at = at;
	if (at >= chain->count)
		return false;
	chain->base.code = open_reader(chain, &reader);
	if (chain->base.code != RT_OK)
		return false;
	chain->table = rt_table_reader_iter(reader, RT_TABLE_COLD,
	    READAHEAD_BYTES);
	rt_table_reader_unref(reader);
	return true;
}

/* Show what the table shows, going on to the next one at its end. */
static void
show(struct table_chain *chain)
{
	while (chain->table != NULL && !chain->table->valid &&
	    chain->table->code == RT_OK)
		if (open_table(chain, chain->at + 1))
			rt_iter_seek_first(chain->table);
	chain->base.valid = chain->table != NULL && chain->table->valid;
	if (chain->base.valid) {
		chain->base.entry = chain->table->entry;
	} else if (chain->table != NULL) {
		chain->base.code = chain->table->code;
		chain->base.err = chain->table->err;
	}
}

static void
chain_seek_first(struct rt_iter *base)
{
	struct table_chain *chain = (struct table_chain *)base;

	base->code = RT_OK;
	if (open_table(chain, 0))
		rt_iter_seek_first(chain->table);
	show(chain);
}

static void
chain_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct table_chain *chain = (struct table_chain *)base;
	size_t at = 0;

	base->code = RT_OK;
	while (at < chain->count &&
	    rt_slice_compare(chain->tables[at]->largest, key) < 0)
		at++;
	if (open_table(chain, at))
		rt_iter_seek(chain->table, key, seq);
	show(chain);
}

static void
chain_next(struct rt_iter *base)
{
	struct table_chain *chain = (struct table_chain *)base;

	rt_iter_next(chain->table);
	show(chain);
}

static void
chain_free(struct rt_iter *base)
{
	struct table_chain *chain = (struct table_chain *)base;

	close_table(chain);
	free(chain);
}

static const struct rt_iter_ops chain_ops = {
	.seek_first = chain_seek_first,
	.seek = chain_seek,
	.next = chain_next,
	.free = chain_free,
};

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
    const struct rt_manifest_table *const *tables, size_t count)
{
	struct table_chain *chain = rt_alloc_zero(1, sizeof(*chain));

	chain->base.ops = &chain_ops;
	chain->fs = fs;
	chain->sst = sst;
	chain->manifest = manifest;
	chain->tables = tables;
	chain->count = count;
	return &chain->base;
}
