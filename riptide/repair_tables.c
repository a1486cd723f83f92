#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/block_codec.h"
#include "libcommon/table/block_iter.h"
#include "libcommon/table/bloom.h"
#include "libcommon/table/table_blocks.h"
#include "libcommon/table/table_reader.h"
#include "riptide/repair.h"

#define PIECE_BYTES ((size_t)1 << 20)
#define WRITE_BEHIND_BYTES ((size_t)1 << 20)

struct rtl_repair_table *
rtl_repair_tables_add(struct rtl_repair_tables *tables)
{
	if (tables->count == tables->cap) {
		tables->cap = tables->cap * 2 + 16;
		tables->all = rt_realloc(tables->all,
		    tables->cap * sizeof(tables->all[0]));
	}
	tables->all[tables->count] = (struct rtl_repair_table){ .id = { 0 } };
	return &tables->all[tables->count++];
}

void
rtl_repair_tables_fini(struct rtl_repair_tables *tables)
{
	while (tables->count > 0)
		rt_table_info_fini(&tables->all[--tables->count].info);
	free(tables->all);
	*tables = (struct rtl_repair_tables){ .count = 0 };
}

struct rt_table_options
rtl_repair_options(const struct rtl_repair *repair, bool is_level0,
    bool is_last_level)
{
	struct rt_table_options options = {
		.block_bytes = repair->config.block_size,
		.bloom_bits_per_key = rt_bloom_bits_of_level(
		    (unsigned)repair->config.bloom_bits_per_key, is_level0,
		    is_last_level),
		.compression = is_level0 ? RT_COMPRESSION_NONE
		    : (enum rt_compression)repair->config.compression,
		.unique_id = rt_table_unique_id(),
		.write_behind_bytes = WRITE_BEHIND_BYTES,
	};

	memcpy(options.database_uuid, repair->database_uuid,
	    sizeof(options.database_uuid));
	return options;
}

static enum rt_code
open_table(struct rtl_repair *repair, struct rt_file_id id,
    const struct rt_manifest_table *says, struct rt_table_reader **out,
    struct rt_err *err)
{
	struct rt_table_expect expect = { .size = 0 };
	char name[RT_PATH_NAME_BYTES];

	if (says != NULL)
		expect = (struct rt_table_expect){
			.size = says->size,
			.unique_id = says->unique_id,
			.database_uuid = repair->database_uuid,
		};
	return rt_table_reader_open(out, repair->fs, repair->sst,
	    rt_path_table(name, id), says != NULL ? &expect : NULL, NULL, NULL,
	    err);
}

enum rt_code
rtl_repair_verify(struct rtl_repair *repair, struct rt_file_id id,
    const struct rt_manifest_table *says, struct rt_err *err)
{
	struct rt_table_reader *reader = NULL;
	enum rt_code code = open_table(repair, id, says, &reader, err);

	if (code == RT_OK && says != NULL &&
	    rt_table_reader_info(reader)->entries != says->entries)
		code = rt_err_set(err, RT_EDAMAGED,
		    "it has another number of entries than its manifest says");
	if (code == RT_OK)
		code = rt_table_reader_verify(reader,
		    says != NULL ? says->crc32c : 0, err);
	rt_table_reader_unref(reader);
	return code;
}

static enum rt_code
copy_bytes(struct rt_fs *fs, int from, int to, struct rt_err *err)
{
	uint8_t *piece = rt_alloc(PIECE_BYTES);
	enum rt_code code = RT_OK;
	uint64_t at = 0;
	size_t got = PIECE_BYTES;

	while (code == RT_OK && got == PIECE_BYTES) {
		code = rt_fs_read(fs, from, piece, PIECE_BYTES, at, &got, err);
		if (code == RT_OK && got > 0)
			code = rt_fs_write_exact(fs, to, piece, got, at, err);
		at += got;
	}
	free(piece);
	if (code == RT_OK)
		code = rt_fs_sync(fs, to, err);
	return code;
}

enum rt_code
rtl_repair_copy(struct rtl_repair *repair, struct rt_file_id id,
    struct rt_err *err)
{
	struct rt_fs *fs = repair->fs;
	char name[RT_PATH_NAME_BYTES];
	int from = -1, to = -1;
	enum rt_code code;

	rt_path_table(name, id);
	code = rt_fs_open_read(fs, repair->sst, name, &from, err);
	if (code == RT_OK)
		code = rt_fs_create(fs, repair->out_sst, name, &to, err);
	if (code == RT_OK)
		code = copy_bytes(fs, from, to, err);
	rt_fs_close(fs, &from, NULL);
	if (rt_fs_close(fs, &to, code == RT_OK ? err : NULL) != RT_OK &&
	    code == RT_OK)
		code = err != NULL ? err->code : RT_EIO;
	if (code != RT_OK)
		rt_err_prefix(err, "copy %s", name);
	return code;
}

/* -- salvage: a table whose index is whole, block by block -- */

struct salvage {
	struct rtl_repair *repair;
	const char *name;
	struct rt_table_reader *reader;
	struct rt_table_writer *writer;	/* NULL: nothing was found yet */
	const char *as;
	bool is_level0;
	size_t blocks;
	size_t bad_from, bad_count;	/* the stretch under way */
	struct rt_buf last_key;		/* the last one that was read */
	uint64_t entries;
};

/* Tell of the stretch of damaged blocks that ends before next_key (empty: with
 * the table). */
static void
end_stretch(struct salvage *salvage, struct rt_slice next_key)
{
	const struct rt_table_info *info =
	    rt_table_reader_info(salvage->reader);
	struct rt_buf line = { 0 };

	if (salvage->bad_count == 0)
		return;
	rt_buf_printf(&line, "sst/%s: %zu of %zu blocks from block %zu on are "
	    "damaged; keys ", salvage->name, salvage->bad_count,
	    salvage->blocks, salvage->bad_from);
	if (salvage->last_key.len > 0) {
		rt_buf_printf(&line, "behind ");
		rtl_put_key(&line, rt_buf_slice(&salvage->last_key));
	} else {
		rt_buf_printf(&line, "from ");
		rtl_put_key(&line, rt_buf_slice(&info->smallest));
	}
	if (next_key.len > 0) {
		rt_buf_printf(&line, " and before ");
		rtl_put_key(&line, next_key);
	} else {
		rt_buf_printf(&line, " up to ");
		rtl_put_key(&line, rt_buf_slice(&info->largest));
	}
	rt_buf_printf(&line, " are as older tables have them: absent, of an "
	    "older value, or no longer deleted");
	rtl_repair_loss(salvage->repair, "%.*s", (int)line.len,
	    (const char *)line.data);
	rt_buf_fini(&line);
	salvage->bad_count = 0;
}

static void
bad_block(struct salvage *salvage, size_t number)
{
	if (salvage->bad_count++ == 0)
		salvage->bad_from = number;
}

static enum rt_code
keep_entry(struct salvage *salvage, const struct rt_entry *entry,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	end_stretch(salvage, entry->key);
	if (salvage->writer == NULL) {
		struct rt_table_options options = rtl_repair_options(
		    salvage->repair, salvage->is_level0, false);

		code = rt_table_writer_open(&salvage->writer,
		    salvage->repair->fs, salvage->repair->out_sst, salvage->as,
		    &options, err);
	}
	if (code == RT_OK)
		code = rt_table_writer_add(salvage->writer, entry, err);
	rt_buf_clear(&salvage->last_key);
	rt_buf_append_slice(&salvage->last_key, entry->key);
	salvage->entries++;
	return code;
}

/* A block's bytes, checked: RT_EDAMAGED, RT_EIO. *stored and *raw are freed by
 * the caller. */
static enum rt_code
read_block(struct salvage *salvage, struct rt_table_locator *locator,
    size_t number, struct rt_block *content, uint8_t **stored, uint8_t **raw)
{
	struct rt_table_block block;
	enum rt_code code;
	size_t got = 0;
	int fd = -1;

	code = rt_table_locate_number(locator, number, 0, &block, NULL);
	if (code != RT_OK)
		return code;
	*stored = rt_try_alloc(block.size + RT_BLOCK_TRAILER_BYTES);
	if (*stored == NULL)
		return RT_EDAMAGED;
	code = rt_fs_open_read(salvage->repair->fs, salvage->repair->sst,
	    salvage->name, &fd, NULL);
	if (code == RT_OK)
		code = rt_fs_read(salvage->repair->fs, fd, *stored,
		    block.size + RT_BLOCK_TRAILER_BYTES, block.offset, &got,
		    NULL);
	rt_fs_close(salvage->repair->fs, &fd, NULL);
	if (code == RT_OK && got != block.size + RT_BLOCK_TRAILER_BYTES)
		code = RT_EDAMAGED;
	if (code == RT_OK)
		code = rt_table_parse_block(salvage->reader, &block, *stored,
		    content, raw, NULL);
	return code;
}

static enum rt_code
salvage_block(struct salvage *salvage, struct rt_table_locator *locator,
    struct rt_block_iter *entries, size_t number, struct rt_err *err)
{
	enum rt_block_result result = RT_BLOCK_FOUND;
	uint8_t *stored = NULL, *raw = NULL;
	enum rt_code code = RT_OK;
	struct rt_block content;

	if (read_block(salvage, locator, number, &content, &stored, &raw) !=
	    RT_OK) {
		bad_block(salvage, number);
	} else {
		rt_block_iter_begin(entries, &content, false);
		while (code == RT_OK && (result = rt_block_iter_next(
			entries)) == RT_BLOCK_FOUND)
			code = keep_entry(salvage, &entries->entry, err);
		if (code == RT_OK && result == RT_BLOCK_BAD)
			bad_block(salvage, number);
	}
	free(stored);
	free(raw);
	return code;
}

static enum rt_code
salvage_blocks(struct salvage *salvage, struct rt_err *err)
{
	struct rt_block_iter entries = { 0 };
	struct rt_table_locator locator;
	enum rt_code code = RT_OK;

	rt_table_locator_init(&locator, salvage->reader);
	for (size_t i = 0; i < salvage->blocks && code == RT_OK; i++)
		code = salvage_block(salvage, &locator, &entries, i, err);
	rt_table_locator_fini(&locator);
	rt_block_iter_fini(&entries);
	end_stretch(salvage, rt_slice(NULL, 0));
	return code;
}

enum rt_code
rtl_repair_salvage(struct rtl_repair *repair, struct rt_file_id id,
    struct rt_file_id as, bool is_level0, bool *any,
    struct rt_table_info *info, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES], as_name[RT_PATH_NAME_BYTES];
	struct rt_err why = { .code = RT_OK };
	struct salvage salvage = {
		.repair = repair,
		.name = rt_path_table(name, id),
		.as = rt_path_table(as_name, as),
		.is_level0 = is_level0,
	};
	uint64_t had;
	enum rt_code code;

	*any = false;
	if (open_table(repair, id, NULL, &salvage.reader, &why) != RT_OK) {
		rtl_repair_loss(repair, "sst/%s cannot be read at all (%s): its "
		    "keys are as older tables have them", name, why.text);
		return RT_OK;
	}
	had = rt_table_reader_info(salvage.reader)->entries;
	salvage.blocks = rt_table_blocks_count(salvage.reader);
	code = salvage_blocks(&salvage, err);
	rt_table_reader_unref(salvage.reader);
	rt_buf_fini(&salvage.last_key);
	if (code == RT_OK && salvage.writer != NULL) {
		*any = true;
		code = rt_table_writer_finish(salvage.writer, info, err);
	} else {
		rt_table_writer_abandon(salvage.writer);
	}
	if (code == RT_OK)
		rtl_repair_note(repair, "sst/%s: %llu of %llu entries are in "
		    "sst/%s", name, (unsigned long long)salvage.entries,
		    (unsigned long long)had, *any ? as_name : "no table");
	return code;
}
