#include "riptided/flush/flush.h"

#include "libcommon/base/invariant.h"
#include "libcommon/table/table_reader.h"

/* The stripe of a sequence: how many snapshots lie below it. Versions of one
 * key in the same stripe are seen by the same readers, so that the newest of
 * them is all they need. */
static size_t
stripe_of(const struct rtd_flush *flush, uint64_t seq)
{
	size_t low = 0, high = flush->snapshots_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (flush->snapshots[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_dropped(const struct rtd_flush *flush, const struct rt_entry *entry)
{
	return flush->snapshots_count == 0 &&
	    entry->seq <= rtd_memtable_drop_seq(flush->memtable,
		rt_key_keyspace(entry->key));
}

static enum rt_code
add_all(const struct rtd_flush *flush, struct rt_iter *iter,
    struct rt_table_writer *writer, struct rt_err *err)
{
	struct rt_slice last = { .data = NULL };
	size_t last_stripe = 0;

	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter)) {
		const struct rt_entry *entry = &iter->entry;
		size_t stripe = stripe_of(flush, entry->seq);
		enum rt_code code;

		/* Keys stay where they are in the memtable's arena, so the
		 * one before may be borrowed. */
		if (last.data != NULL && stripe == last_stripe &&
		    rt_slice_equal(last, entry->key))
			continue;
		last = entry->key;
		last_stripe = stripe;
		if (is_dropped(flush, entry))
			continue;
		code = rt_table_writer_add(writer, entry, err);
		if (code != RT_OK)
			return code;
	}
	if (iter->code != RT_OK && err != NULL)
		*err = iter->err;
	return iter->code;
}

/* The log and the memtable go once the table is part of the truth, so what was
 * written is read again before. The order of entries and their counts are not
 * looked at another time: the writer saw to them, and it would cost much of what
 * the flush does. */
static enum rt_code
read_back(const struct rtd_flush *flush, const struct rt_table_info *info,
    struct rt_err *err)
{
	const struct rt_table_expect expect = {
		.size = info->size,
		.unique_id = info->unique_id,
		.database_uuid = flush->options.database_uuid,
	};
	struct rt_table_reader *reader = NULL;
	enum rt_code code;

	code = rt_table_reader_open(&reader, flush->fs, flush->dir, flush->name,
	    &expect, NULL, NULL, err);
	if (code == RT_OK)
		code = rt_table_reader_verify_bytes(reader, info->crc32c,
		    err);
	rt_table_reader_unref(reader);
	if (code != RT_OK)
		rt_err_prefix(err, "read back");
	return code;
}

enum rt_code
rtd_flush_run(const struct rtd_flush *flush, bool *empty,
    struct rt_table_info *info, struct rt_err *err)
{
	struct rt_table_writer *writer = NULL;
	struct rt_iter *iter;
	enum rt_code code;

	*empty = false;
	code = rt_table_writer_open(&writer, flush->fs, flush->dir, flush->name,
	    &flush->options, err);
	if (code != RT_OK)
		return rt_err_prefix(err, "flush");
	iter = rtd_memtable_iter(flush->memtable);
	code = add_all(flush, iter, writer, err);
	rt_iter_free(iter);
	if (code == RT_OK && rt_table_writer_entries(writer) == 0) {
		rt_table_writer_abandon(writer);
		*empty = true;
		return RT_OK;
	}
	if (code != RT_OK) {
		rt_table_writer_abandon(writer);
		rt_err_prefix(err, "flush");
		return code;
	}
	code = rt_table_writer_finish(writer, info, err);
	if (code == RT_OK) {
		code = read_back(flush, info, err);
		if (code == RT_OK)
			code = rt_fs_sync_dir(flush->fs, flush->dir, err);
		if (code != RT_OK) {
			rt_table_info_fini(info);
			rt_fs_unlink(flush->fs, flush->dir, flush->name, NULL);
		}
	}
	if (code != RT_OK)
		rt_err_prefix(err, "flush");
	return code;
}
