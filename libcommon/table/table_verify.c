/* Everything a table says twice is compared: checksums, order, separators,
 * buckets and restarts, filter, counts and ranges. */
#include <errno.h>
#include <stdlib.h>

#include "libcommon/base/crc32c.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/block_iter.h"
#include "libcommon/table/key_counts.h"
#include "libcommon/table/read_ahead.h"
#include "libcommon/table/table_blocks.h"
#include "libcommon/table/table_reader_impl.h"
#include "libcommon/table/table_stats.h"

#define PIECE_BYTES ((size_t)256 << 10)

/* Whoever may end it. */
struct patron {
	bool (*go_on)(void *arg);	/* NULL: nobody */
	void *arg;
};

static enum rt_code
ask(const struct patron *patron, struct rt_err *err)
{
	if (patron->go_on == NULL || patron->go_on(patron->arg))
		return RT_OK;
	return rt_err_set(err, RT_ESTOPPED, "asked to stop");
}

/* The file, read once from its start to its end: in pieces that end where a
 * block does. */
struct pass {
	struct rt_table_reader *reader;
	const struct patron *patron;
	uint32_t crc32c;	/* of what was read */
	struct rt_buf piece;
	uint64_t at;		/* where the piece begins */
	struct rt_read_ahead ahead;
};

/* Read the next piece, of so many bytes. */
static enum rt_code
read_piece(struct pass *pass, size_t len, struct rt_err *err)
{
	struct rt_table_reader *reader = pass->reader;
	struct rt_buf *piece = &pass->piece;
	enum rt_code code;

	pass->at += piece->len;
	rt_buf_clear(piece);
	/* One that was large does not keep its memory. */
	if (piece->cap > 2 * PIECE_BYTES)
		rt_buf_fini(piece);
	if (!rt_buf_try_reserve(piece, len))
		return rt_err_set_errno(err, ENOMEM, "%s: %zu bytes of it",
		    reader->name, len);
	rt_read_ahead_at(&pass->ahead, pass->at);
	code = rt_fs_read_exact(reader->fs, reader->fd, piece->data, len,
	    pass->at, err);
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", reader->name);
		return code;
	}
	piece->len = len;
	pass->crc32c = rt_crc32c(pass->crc32c, piece->data, len);
	return ask(pass->patron, err);
}

/* The sections behind the blocks, which were checked when it was opened, but
 * for their part in the checksum of the file. */
static enum rt_code
check_file_crc(struct pass *pass, uint32_t crc32c, struct rt_err *err)
{
	uint64_t size = pass->reader->properties.info.size;
	enum rt_code code = RT_OK;

	while (code == RT_OK && pass->at + pass->piece.len < size) {
		uint64_t left = size - pass->at - pass->piece.len;

		code = read_piece(pass,
		    left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, err);
	}
	if (code != RT_OK || pass->crc32c == crc32c)
		return code;
	return rt_err_set(err, RT_EDAMAGED,
	    "%s: checksum of the file is %08x, not %08x", pass->reader->name,
	    pass->crc32c, crc32c);
}

/* What the entries tell, to be held against the properties. */
struct tally {
	struct rt_table_info info;
	uint64_t hash;		/* of the last key */
	uint64_t keys;
	struct rt_key_counts_builder *counts;
};

/* NULL, or what is wrong with the entry that the walk is at. */
static const char *
check_entry(struct rt_table_reader *reader, const struct rt_block_iter *walk,
    struct rt_block_check *block, struct tally *tally)
{
	const struct rt_entry *entry = &walk->entry;

	if (tally->info.entries == 0)
		rt_buf_append_slice(&tally->info.smallest, entry->key);
	if (!walk->repeats) {
		tally->hash = rt_hash64(entry->key);
		if (reader->filter != NULL &&
		    !rt_bloom_may_contain(&reader->bloom, tally->hash))
			return "a key that the filter denies";
		tally->keys++;
		rt_key_counts_builder_add(tally->counts, entry, tally->hash);
	}
	if (!rt_block_check_entry(block, walk, tally->hash))
		return "wrong restarts or buckets";
	if (!rt_table_stats_add(&tally->info, entry))
		return "a malformed value";
	return NULL;
}

/* Whether the index leads from the entry to the block that has it. Entries are
 * in order, so that it is enough to ask for the first and last of a block. */
static enum rt_code
check_place(struct rt_table_locator *locator,
    const struct rt_table_block *block, const struct rt_entry *entry,
    struct rt_err *err)
{
	struct rt_table_block found = { .size = 0 };
	enum rt_code code =
	    rt_table_locate(locator, entry->key, entry->seq, 0, &found, err);

	if (code == RT_ENOTFOUND ||
	    (code == RT_OK && found.number != block->number))
		code = rt_table_block_damaged(locator->reader, block,
		    "an entry outside the range of its block", err);
	return code;
}

static enum rt_code
check_entries(struct rt_table_locator *locator,
    const struct rt_table_block *block, const struct rt_block *content,
    struct rt_block_iter *entries, struct tally *tally, struct rt_err *err)
{
	struct rt_block_check check = { 0 };
	enum rt_block_result result;
	enum rt_code code = RT_OK;
	const char *what = NULL;
	bool is_first = true;

	rt_block_iter_begin(entries, content, true);
	while (what == NULL && code == RT_OK &&
	    (result = rt_block_iter_next(entries)) == RT_BLOCK_FOUND) {
		what = check_entry(locator->reader, entries, &check, tally);
		if (is_first)
			code =
			    check_place(locator, block, &entries->entry, err);
		is_first = false;
	}
	if (code != RT_OK)
		return code;
	if (what == NULL && result == RT_BLOCK_BAD)
		what = "malformed or out of order";
	if (what == NULL && !rt_block_check_end(&check, entries))
		what = "wrong restarts or buckets";
	if (what != NULL)
		return rt_table_block_damaged(locator->reader, block, what,
		    err);
	/* At the end the iterator still has the last entry's key. */
	return check_place(locator, block, &entries->entry, err);
}

/* Read on, from block `number` to the end of the last one that fits into a
 * piece, or of this one alone when it is larger. */
static enum rt_code
read_blocks(struct pass *pass, struct rt_table_locator *locator, size_t number,
    struct rt_err *err)
{
	size_t count = rt_table_blocks_count(pass->reader), len = 0;
	struct rt_table_block block;

	for (; number < count; number++) {
		size_t stored;
		enum rt_code code = rt_table_locate_number(locator, number, 0,
		    &block, err);

		if (code != RT_OK)
			return code;
		stored = block.size + RT_BLOCK_TRAILER_BYTES;
		if (len != 0 && len + stored > PIECE_BYTES)
			break;
		len += stored;
	}
	return read_piece(pass, len, err);
}

static enum rt_code
check_block(struct pass *pass, struct rt_table_locator *locator, size_t number,
    struct rt_block_iter *entries, struct tally *tally, struct rt_err *err)
{
	struct rt_table_block block;
	struct rt_block content;
	uint8_t *raw = NULL;
	enum rt_code code;

	code = rt_table_locate_number(locator, number, 0, &block, err);
	if (code == RT_OK && block.offset == pass->at + pass->piece.len)
		code = read_blocks(pass, locator, number, err);
	/* Reading on may have left its part of the index. */
	if (code == RT_OK)
		code = rt_table_locate_number(locator, number, 0, &block, err);
	if (code == RT_OK)
		code = rt_table_parse_block(pass->reader, &block,
		    pass->piece.data + (block.offset - pass->at), &content,
		    &raw, err);
	if (code == RT_OK)
		code = check_entries(locator, &block, &content, entries, tally,
		    err);
	free(raw);
	return code;
}

static enum rt_code
check_totals(const struct rt_table_reader *reader, const struct tally *tally,
    struct rt_slice last, struct rt_err *err)
{
	const struct rt_table_info *is = &tally->info;
	const struct rt_table_info *says = &reader->properties.info;
	const char *what = NULL;

	if (!rt_slice_equal(rt_buf_slice(&is->smallest),
		rt_buf_slice(&says->smallest)))
		what = "smallest key";
	else if (!rt_slice_equal(last, rt_buf_slice(&says->largest)))
		what = "largest key";
	else if (is->min_seq != says->min_seq || is->max_seq != says->max_seq)
		what = "range of sequences";
	else if (is->entries != says->entries ||
	    is->tombstones != says->tombstones ||
	    tally->keys != reader->properties.keys)
		what = "number of entries";
	else if (is->expire_min_ms != says->expire_min_ms ||
	    is->expire_max_ms != says->expire_max_ms)
		what = "range of expiries";
	else if (is->payload != says->payload)
		what = "payload";
	if (what == NULL)
		return RT_OK;
	return rt_err_set(err, RT_EDAMAGED,
	    "%s: the properties tell another %s than the entries", reader->name,
	    what);
}

static bool
is_same_count(const struct rt_key_count *a, const struct rt_key_count *b)
{
	return a->keyspace == b->keyspace && a->live == b->live &&
	    a->dead == b->dead && a->expiring == b->expiring &&
	    a->expire_mean_ms == b->expire_mean_ms &&
	    a->expire_max_ms == b->expire_max_ms && a->max_seq == b->max_seq &&
	    rt_slice_equal(a->live_sketch, b->live_sketch) &&
	    rt_slice_equal(a->dead_sketch, b->dead_sketch);
}

/* Field by field: a later program may have written more of them. */
static bool
are_same_counts(struct rt_slice is, struct rt_slice says)
{
	struct rt_cursor is_at = rt_cursor(is), says_at = rt_cursor(says);
	struct rt_key_count a = { 0 }, b = { 0 };

	while (rt_key_counts_next(&is_at, &a))
		if (!rt_key_counts_next(&says_at, &b) || !is_same_count(&a, &b))
			return false;
	return rt_cursor_done(&says_at);
}

static enum rt_code
check_counts(struct rt_table_reader *reader, const struct tally *tally,
    struct rt_err *err)
{
	const struct rt_table_section *section = &reader->properties.counts;
	struct rt_buf should = { 0 };
	uint8_t *bytes = NULL;
	enum rt_code code;

	if (section->size == 0)
		return RT_OK;
	code = rt_table_read_section(reader, "key counts", section,
	    RT_TABLE_COUNTS_BYTES_MAX, &bytes, err);
	if (code == RT_OK) {
		rt_key_counts_builder_finish(tally->counts, &should);
		if (!are_same_counts(rt_buf_slice(&should),
			rt_slice(bytes, (size_t)section->size)))
			code = rt_err_set(err, RT_EDAMAGED,
			    "key counts: not those of the entries");
	}
	if (code != RT_OK)
		rt_err_prefix(err, "%s", reader->name);
	rt_buf_fini(&should);
	free(bytes);
	return code;
}

enum rt_code
rt_table_reader_verify_bytes(struct rt_table_reader *reader, uint32_t crc32c,
    struct rt_err *err)
{
	const struct patron nobody = { NULL, NULL };
	struct pass pass = { .reader = reader, .patron = &nobody };
	enum rt_code code = check_file_crc(&pass, crc32c, err);

	rt_buf_fini(&pass.piece);
	return code;
}

enum rt_code
rt_table_reader_verify(struct rt_table_reader *reader, uint32_t crc32c,
    struct rt_err *err)
{
	return rt_table_reader_verify_while(reader, crc32c, NULL, NULL, err);
}

enum rt_code
rt_table_reader_verify_while(struct rt_table_reader *reader, uint32_t crc32c,
    bool (*go_on)(void *arg), void *arg, struct rt_err *err)
{
	const struct patron patron = { go_on, arg };
	struct pass pass = {
		.reader = reader,
		.patron = &patron,
		.ahead = {
			.fs = reader->fs,
			.fd = reader->fd,
			.end = reader->properties.info.size,
		},
	};
	struct rt_block_iter entries = { .at = NULL };
	struct tally tally = { .counts = rt_key_counts_builder_new() };
	struct rt_table_locator locator;
	enum rt_code code = RT_OK;

	rt_table_locator_init(&locator, reader);
	for (size_t i = 0; code == RT_OK && i < rt_table_blocks_count(reader);
	     i++)
		code = check_block(&pass, &locator, i, &entries, &tally, err);
	if (code == RT_OK && crc32c != 0)
		code = check_file_crc(&pass, crc32c, err);
	if (code == RT_OK)
		code = check_totals(reader, &tally, rt_buf_slice(&entries.key),
		    err);
	if (code == RT_OK)
		code = check_counts(reader, &tally, err);
	if (code == RT_OK && reader->footer.filter.size != 0 &&
	    reader->filter == NULL)
		code = rt_err_set(err, RT_EDAMAGED,
		    "%s: the filter is damaged, reads go without it",
		    reader->name);
	rt_table_locator_fini(&locator);
	rt_block_iter_fini(&entries);
	rt_key_counts_builder_free(tally.counts);
	rt_table_info_fini(&tally.info);
	rt_read_ahead_end(&pass.ahead);
	rt_buf_fini(&pass.piece);
	return code;
}
