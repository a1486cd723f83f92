/* fuzz_table_reader: any bytes as a table. The first byte chooses what the
 * others are: a file as it is; a file whose checksums are put right first, so
 * that what lies behind them is reached; the content of a block; an index.
 * Reading ends with an error or an answer, and a get never contradicts what
 * an iteration without error has shown. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/block_iter.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_index.h"
#include "libcommon/table/table_reader.h"
#include "tests/fuzz/memory_files.h"

#define FILE_BYTES_MAX (1u << 20)
#define ENTRIES_MAX 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What an iterator has shown, as checksums: borrowed keys are short-lived. */
struct shown {
	uint64_t *entries;
	size_t count, cap;
	bool whole;		/* it came to the end, without an error */
};

static void
note(struct shown *shown, const struct rt_entry *entry)
{
	if (shown->count == shown->cap) {
		shown->cap = shown->cap != 0 ? shown->cap * 2 : 64;
		shown->entries = rt_realloc(shown->entries,
		    shown->cap * sizeof(shown->entries[0]));
	}
	shown->entries[shown->count++] = rt_hash64(entry->key) ^
	    rt_hash64(entry->value) * 3 ^ entry->seq * 5 ^
	    (uint64_t)entry->type << 60;
}

static void
get_again(struct rt_table_reader *reader, const struct rt_entry *entry)
{
	struct rt_table_found found = { .seq = 0 };

	/* A forged filter or bucket may hide an entry. */
	if (rt_table_reader_get(reader, entry->key, rt_hash64(entry->key),
		entry->seq, 0, &found, NULL) != RT_OK)
		return;
	rt_assert(found.seq <= entry->seq);
	rt_assert(found.seq != entry->seq ||
	    rt_slice_equal(found.value, entry->value));
	rt_table_found_fini(&found);
}

static struct shown
walk_forward(struct rt_table_reader *reader)
{
	struct rt_iter *iter = rt_table_reader_iter(reader, 0, 4096);
	struct shown shown = { .count = 0 };

	for (rt_iter_seek_first(iter); iter->valid &&
	     shown.count < ENTRIES_MAX; rt_iter_next(iter)) {
		note(&shown, &iter->entry);
		get_again(reader, &iter->entry);
	}
	shown.whole = !iter->valid && iter->code == RT_OK;
	rt_iter_seek(iter, rt_slice("\0\0\0\1sk", 6), 100);
	rt_iter_seek(iter, rt_slice("\xff", 1), 0);
	rt_iter_free(iter);
	return shown;
}

static struct shown
walk_backward(struct rt_table_reader *reader)
{
	struct rt_iter *iter = rt_table_reader_iter(reader, 0, 0);
	struct shown shown = { .count = 0 };

	for (rt_iter_seek_last(iter); iter->valid &&
	     shown.count < ENTRIES_MAX; rt_iter_prev(iter))
		note(&shown, &iter->entry);
	shown.whole = !iter->valid && iter->code == RT_OK;
	rt_iter_seek_for_prev(iter, rt_slice("\0\0\0\1sk", 6), 100);
	rt_iter_seek_for_prev(iter, rt_slice("\xff", 1), 0);
	rt_iter_free(iter);
	return shown;
}

/* Between two keys that the table names: its ends, both or one of them, or a
 * key that nothing promises to be there. */
static size_t
walk_range(struct rt_table_reader *reader, struct rt_slice lower,
    struct rt_slice upper)
{
	struct rt_range range = { .lower = lower, .upper = upper };
	struct rt_iter *iter =
	    rt_table_reader_iter_range(reader, 0, 0, &range);
	size_t count = 0, inside = 0;

	for (rt_iter_seek(iter, lower, RT_SEQ_MAX); iter->valid &&
	     count < ENTRIES_MAX; rt_iter_next(iter)) {
		inside += upper.len == 0 ||
		    rt_slice_compare(iter->entry.key, upper) < 0;
		count++;
	}
	for (rt_iter_seek_last(iter); iter->valid && count > 0;
	     rt_iter_prev(iter))
		count--;
	rt_iter_free(iter);
	return inside;
}

/* A table that passes every check of its own is the same in both directions
 * and in ranges. One that does not is only to be survived. */
static void
walk_all(struct rt_table_reader *reader, bool sound)
{
	const struct rt_table_info *info = rt_table_reader_info(reader);
	struct rt_slice smallest = rt_buf_slice(&info->smallest);
	struct rt_slice largest = rt_buf_slice(&info->largest);
	struct rt_slice none = rt_slice(NULL, 0);
	struct shown forward = walk_forward(reader);
	struct shown backward = walk_backward(reader);
	size_t all, below;

	all = walk_range(reader, smallest, none);
	below = walk_range(reader, none, largest);
	walk_range(reader, smallest, largest);
	if (sound && forward.whole) {
		rt_assert(backward.whole && forward.count == backward.count);
		for (size_t i = 0; i < forward.count; i++)
			rt_assert(forward.entries[i] ==
			    backward.entries[forward.count - 1 - i]);
		rt_assert(all == forward.count && below < forward.count);
	}
	free(forward.entries);
	free(backward.entries);
}

static void
read_file(const uint8_t *data, size_t size)
{
	struct rtt_memory_files files;
	struct rt_block_cache *cache = rt_block_cache_new(10000);
	struct rt_table_reader *reader = NULL;
	struct rt_err err = { .code = RT_OK };
	struct rt_buf counts = { 0 };
	enum rt_code code;

	rtt_memory_files_init(&files);
	rt_buf_append(rtt_memory_files_add(&files, "fuzz"), data, size);
	code = rt_table_reader_open(&reader, &files.fs, 0, "fuzz", NULL, cache,
	    NULL, &err);
	if (code == RT_OK) {
		code = rt_table_reader_verify(reader, 0, &err);
		walk_all(reader, code == RT_OK);
		rt_table_reader_unref(reader);
	}
	if (code != RT_OK) {
		rt_assert(code == RT_EDAMAGED || code == RT_EFORMAT);
		rt_assert(strstr(err.text, "fuzz") != NULL);
	}
	code = rt_table_read_key_counts(&files.fs, 0, "fuzz", NULL, &counts,
	    NULL);
	rt_assert(code == RT_OK || code == RT_ENOTFOUND ||
	    code == RT_EDAMAGED || code == RT_EFORMAT);
	rt_buf_fini(&counts);
	rt_block_cache_free(cache);
	rtt_memory_files_fini(&files);
}

/* Put the checksum of the stored bytes at offset right. */
static void
seal(uint8_t *file, uint64_t unique_id, uint64_t offset, uint64_t size)
{
	uint8_t place[16];
	uint32_t crc;

	rt_put_fixed64(place, unique_id);
	rt_put_fixed64(place + 8, offset);
	crc = rt_crc32c(0, place, sizeof(place));
	crc = rt_crc32c(crc, file + offset, (size_t)size + 1);
	rt_put_fixed32(file + offset + size + 1, crc);
}

static void
seal_things(uint8_t *file, uint64_t unique_id,
    const struct rt_table_index *index)
{
	for (size_t i = 0; i < index->count; i++)
		seal(file, unique_id, rt_table_index_offset(index, i),
		    rt_table_index_size(index, i));
}

/* The partitions of an index, and the blocks of those that can be read. */
static void
repair_levels(uint8_t *file, const struct rt_table_footer *footer,
    struct rt_slice section, size_t size)
{
	struct rt_table_index *top = NULL;

	if (rt_table_index_load_top(&top, section, footer->data_bytes,
		size - RT_TABLE_FOOTER_BYTES, NULL) != RT_OK)
		return;
	for (size_t i = 0; i < top->count; i++) {
		struct rt_table_index *part = NULL;

		if (rt_table_index_load_part(&part,
			rt_slice(file + rt_table_index_offset(top, i),
			    rt_table_index_size(top, i)),
			top, i, NULL) == RT_OK)
			seal_things(file, footer->unique_id, part);
		free(part);
	}
	seal_things(file, footer->unique_id, top);
	free(top);
}

static void
repair(uint8_t *file, size_t size)
{
	uint8_t *end = file + size - RT_TABLE_FOOTER_BYTES;
	struct rt_table_index *index = NULL;
	struct rt_table_footer footer;
	struct rt_slice section;

	memcpy(end + 88, RT_TABLE_MAGIC, RT_TABLE_MAGIC_BYTES);
	rt_put_fixed32(end + 84, rt_crc32c(0, end, 84));
	if (rt_table_footer_decode(&footer, end, size, NULL) != RT_OK)
		return;
	section =
	    rt_slice(file + footer.index.offset, (size_t)footer.index.size);
	if ((footer.incompat & RT_TABLE_INCOMPAT_INDEX_LEVELS) != 0)
		repair_levels(file, &footer, section, size);
	else if (rt_table_index_load(&index, section, 0, footer.data_bytes,
		     NULL) == RT_OK)
		seal_things(file, footer.unique_id, index);
	free(index);
	if (footer.filter.size != 0)
		seal(file, footer.unique_id, footer.filter.offset,
		    footer.filter.size);
	seal(file, footer.unique_id, footer.index.offset, footer.index.size);
	seal(file, footer.unique_id, footer.properties.offset,
	    footer.properties.size);
}

static void
read_repaired(const uint8_t *data, size_t size)
{
	uint8_t *file;

	if (size < RT_TABLE_FOOTER_BYTES || size > FILE_BYTES_MAX)
		return;
	file = rt_alloc(size);
	memcpy(file, data, size);
	repair(file, size);
	read_file(file, size);
	free(file);
}

static void
read_block(const uint8_t *data, size_t size)
{
	struct rt_block_iter iter = { .at = NULL }, again = { .at = NULL };
	struct rt_block block;
	struct rt_entry found;

	if (!rt_block_init(&block, rt_slice(data, size)))
		return;
	rt_block_iter_begin(&iter, &block, false);
	while (rt_block_iter_next(&iter) == RT_BLOCK_FOUND) {
		struct rt_slice key = iter.entry.key;

		if (rt_block_find(&block, key, rt_hash64(key), iter.entry.seq,
			&found) == RT_BLOCK_FOUND)
			rt_assert(found.seq <= iter.entry.seq);
		rt_block_iter_begin(&again, &block, false);
		rt_block_iter_seek(&again, key, iter.entry.seq);
	}
	rt_block_verify(&block);
	rt_block_iter_fini(&iter);
	rt_block_iter_fini(&again);
}

static void
search_index(const struct rt_table_index *index, const uint8_t *data,
    size_t size)
{
	for (size_t i = 0; i < size; i++) {
		struct rt_slice key = rt_slice(data + i, size - i);
		size_t found = rt_table_index_find(index, key, i);

		rt_assert(found <= index->count);
		rt_assert(found == index->count ||
		    rt_table_index_compare(index, found, key, i) >= 0);
		rt_assert(found == 0 ||
		    rt_table_index_compare(index, found - 1, key, i) < 0);
	}
}

/* Eight bytes of lengths, then a section of one level, and the same bytes as
 * those of a top. */
static void
read_index(const uint8_t *data, size_t size)
{
	struct rt_table_index *index = NULL, *top = NULL, *part = NULL;
	struct rt_slice section;
	uint64_t data_bytes;

	if (size < 8)
		return;
	section = rt_slice(data + 8, size - 8);
	data_bytes = rt_get_fixed64(data);
	if (rt_table_index_load(&index, section, 0, data_bytes, NULL) == RT_OK)
		search_index(index, data, size);
	free(index);
	if (rt_table_index_load_top(&top, section, data_bytes, UINT64_MAX,
		NULL) != RT_OK)
		return;
	search_index(top, data, size);
	for (size_t i = 0; i < size; i++)
		if (rt_table_index_load_part(&part,
			rt_slice(data + i, size - i), top, i % top->count,
			NULL) == RT_OK) {
			search_index(part, data, size);
			free(part);
		}
	free(top);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const uint8_t *data,
	    size_t size) = { read_file, read_repaired, read_block, read_index };

	if (size == 0)
		return 0;
	readers[data[0] % RT_COUNTOF(readers)](data + 1, size - 1);
	return 0;
}
