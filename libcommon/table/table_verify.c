/* Everything a table says twice is compared: checksums, order, separators,
 * buckets and restarts, filter, counts and ranges. */
#include <errno.h>
#include <stdlib.h>

#include "libcommon/base/crc32c.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/block_iter.h"
#include "libcommon/table/key_counts.h"
#include "libcommon/table/table_blocks.h"
#include "libcommon/table/table_reader_impl.h"
#include "libcommon/table/table_stats.h"

#define PIECE_BYTES (1u << 20)
#define ASK_BLOCKS 256u

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

static enum rt_code
check_file_crc(struct rt_table_reader *reader, uint32_t crc32c,
    const struct patron *patron, struct rt_err *err)
{
	uint64_t size = reader->properties.info.size, at = 0;
	uint8_t *piece = rt_alloc(PIECE_BYTES);
	enum rt_code code = RT_OK;
	uint32_t crc = 0;

	while (code == RT_OK && at < size) {
		size_t len =
		    size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;

		code = rt_fs_read_exact(reader->fs, reader->fd, piece, len, at,
		    err);
		crc = code == RT_OK ? rt_crc32c(crc, piece, len) : crc;
		at += len;
		if (code == RT_OK)
			code = ask(patron, err);
	}
	free(piece);
	if (code == RT_OK && crc != crc32c)
		code = rt_err_set(err, RT_EDAMAGED,
		    "checksum of the file is %08x, not %08x", crc, crc32c);
	if (code != RT_OK)
		rt_err_prefix(err, "%s", reader->name);
	return code;
}

/* What the entries tell, to be held against the properties. */
struct tally {
	struct rt_table_info info;
	struct rt_buf last;
	uint64_t keys;
	struct rt_key_counts_builder *counts;
};

/* NULL, or what is wrong with the entry. */
static const char *
check_entry(struct rt_table_reader *reader, const struct rt_entry *entry,
    struct tally *tally)
{
	uint64_t hash;

	if (tally->info.entries == 0)
		rt_buf_append_slice(&tally->info.smallest, entry->key);
	if (tally->info.entries == 0 ||
	    !rt_slice_equal(rt_buf_slice(&tally->last), entry->key)) {
		hash = rt_hash64(entry->key);
		if (reader->filter != NULL &&
		    !rt_bloom_may_contain(&reader->bloom, hash))
			return "a key that the filter denies";
		tally->keys++;
		rt_key_counts_builder_add(tally->counts, entry, hash);
	}
	if (!rt_table_stats_add(&tally->info, entry))
		return "a malformed value";
	rt_buf_clear(&tally->last);
	rt_buf_append_slice(&tally->last, entry->key);
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
	enum rt_block_result result;
	enum rt_code code = RT_OK;
	const char *what = NULL;
	bool is_first = true;

	rt_block_iter_begin(entries, content, true);
	while ((result = rt_block_iter_next(entries)) == RT_BLOCK_FOUND &&
	    what == NULL && code == RT_OK) {
		what = check_entry(locator->reader, &entries->entry, tally);
		if (is_first)
			code =
			    check_place(locator, block, &entries->entry, err);
		is_first = false;
	}
	if (code != RT_OK)
		return code;
	if (what == NULL && result == RT_BLOCK_BAD)
		what = "malformed or out of order";
	if (what == NULL && !rt_block_verify(content))
		what = "wrong restarts or buckets";
	if (what != NULL)
		return rt_table_block_damaged(locator->reader, block, what,
		    err);
	/* At the end the iterator still has the last entry's key. */
	return check_place(locator, block, &entries->entry, err);
}

static enum rt_code
check_block(struct rt_table_locator *locator, size_t i,
    struct rt_block_iter *entries, struct tally *tally, struct rt_err *err)
{
	struct rt_table_reader *reader = locator->reader;
	uint8_t *stored = NULL, *raw = NULL;
	struct rt_table_block block;
	struct rt_block content;
	enum rt_code code;

	code = rt_table_locate_number(locator, i, 0, &block, err);
	if (code != RT_OK)
		return code;
	stored = rt_try_alloc(block.size + RT_BLOCK_TRAILER_BYTES);
	if (stored == NULL)
		return rt_err_set_errno(err, ENOMEM, "%s: a block of %zu bytes",
		    reader->name, (size_t)block.size);
	code = rt_fs_read_exact(reader->fs, reader->fd, stored,
	    block.size + RT_BLOCK_TRAILER_BYTES, block.offset, err);
	if (code != RT_OK)
		rt_err_prefix(err, "%s", reader->name);
	else
		code = rt_table_parse_block(reader, &block, stored, &content,
		    &raw, err);
	if (code == RT_OK)
		code = check_entries(locator, &block, &content, entries, tally,
		    err);
	free(stored);
	free(raw);
	return code;
}

static enum rt_code
check_totals(const struct rt_table_reader *reader, const struct tally *tally,
    struct rt_err *err)
{
	const struct rt_table_info *is = &tally->info;
	const struct rt_table_info *says = &reader->properties.info;
	const char *what = NULL;

	if (!rt_slice_equal(rt_buf_slice(&is->smallest),
		rt_buf_slice(&says->smallest)))
		what = "smallest key";
	else if (!rt_slice_equal(rt_buf_slice(&tally->last),
		     rt_buf_slice(&says->largest)))
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
	struct rt_block_iter entries = { .at = NULL };
	struct tally tally = { .counts = rt_key_counts_builder_new() };
	struct rt_table_locator locator;
	enum rt_code code = RT_OK;

	rt_table_locator_init(&locator, reader);
	if (crc32c != 0)
		code = check_file_crc(reader, crc32c, &patron, err);
	for (size_t i = 0; code == RT_OK && i < rt_table_blocks_count(reader);
	     i++) {
		code = check_block(&locator, i, &entries, &tally, err);
		if (code == RT_OK && i % ASK_BLOCKS == 0)
			code = ask(&patron, err);
	}
	if (code == RT_OK)
		code = check_totals(reader, &tally, err);
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
	rt_buf_fini(&tally.last);
	return code;
}
