/* The iterator over one table: block after block, through the cache or, with
 * read-ahead, in large pieces around it. In a piece, blocks that were stored
 * uncompressed are read where they lie. */
#include <errno.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/block_iter.h"
#include "libcommon/table/read_ahead.h"
#include "libcommon/table/table_blocks.h"
#include "libcommon/table/table_reader_impl.h"

#define TOUCHED_BYTES_MAX (64 << 10)

struct table_iter {
	struct rt_iter base;
	struct rt_table_reader *reader;
	unsigned flags;
	size_t readahead_bytes;
	struct rt_range range;
	bool backward;			/* the way the last block was gone to */
	struct rt_table_locator locator;
	struct rt_table_block block;	/* the one at hand */
	struct rt_loaded_block loaded;	/* without read-ahead */
	uint8_t *raw;			/* with: uncompressed, or NULL */
	struct rt_buf piece;		/* with: bytes of the file */
	uint64_t piece_offset;		/* where they are from */
	struct rt_read_ahead ahead;	/* with both, going forward */
	struct rt_block_iter entries;
};

static void
drop_block(struct table_iter *iter)
{
	rt_table_drop_block(iter->reader, &iter->loaded);
	free(iter->raw);
	iter->raw = NULL;
}

/* See that the stored bytes of the block are in the piece. */
static enum rt_code
read_piece(struct table_iter *iter)
{
	uint64_t from = iter->block.offset;
	uint64_t to = from + iter->block.size + RT_BLOCK_TRAILER_BYTES;
	uint64_t end = iter->reader->footer.data_bytes, more = 0;
	enum rt_code code;

	if (from >= iter->piece_offset &&
	    to <= iter->piece_offset + iter->piece.len)
		return RT_OK;
	if (to - from < iter->readahead_bytes)
		more = iter->readahead_bytes - (to - from);
	if (iter->backward)
		from -= from < more ? from : more;
	else
		to += end - to < more ? end - to : more;
	if ((iter->flags & RT_TABLE_COLD) != 0 && !iter->backward)
		rt_read_ahead_at(&iter->ahead, from);
	/* Of a size that fits, and never the memory of a large block and of
	 * the one before it at once. */
	rt_buf_clear(&iter->piece);
	if (iter->piece.cap < to - from ||
	    iter->piece.cap > 2 * (iter->readahead_bytes + (to - from))) {
		rt_buf_fini(&iter->piece);
		iter->piece.data = rt_try_alloc((size_t)(to - from));
		if (iter->piece.data == NULL)
			return rt_err_set_errno(&iter->base.err, ENOMEM,
			    "%s: blocks of %zu bytes", iter->reader->name,
			    (size_t)(to - from));
		iter->piece.cap = (size_t)(to - from);
	}
	code = rt_fs_read_exact(iter->reader->fs, iter->reader->fd,
	    iter->piece.data, (size_t)(to - from), from, &iter->base.err);
	if (code != RT_OK) {
		rt_err_prefix(&iter->base.err, "%s", iter->reader->name);
		return code;
	}
	iter->piece.len = (size_t)(to - from);
	iter->piece_offset = from;
	return RT_OK;
}

static enum rt_code
load_ahead(struct table_iter *iter)
{
	enum rt_code code = read_piece(iter);

	if (code != RT_OK)
		return code;
	return rt_table_parse_block(iter->reader, &iter->block,
	    iter->piece.data + (iter->block.offset - iter->piece_offset),
	    &iter->loaded.block, &iter->raw, &iter->base.err);
}

/* The block that follows another lies elsewhere in memory. Loads that nothing
 * waits for bring its lines at once; one after the other they would cost a
 * third of a walk from block to block, and prefetches are dropped where the
 * processor does not know the page. A large block is one value. */
static inline void
touch(const struct rt_block *block)
{
	if (block->entries_end - block->data > TOUCHED_BYTES_MAX)
		return;
	for (const uint8_t *at = block->data; at < block->entries_end;
	     at += RT_CACHE_LINE_BYTES)
		(void)*(const volatile uint8_t *)at;
}

/* Go to the start of iter->block, or going backward to its end. continues:
 * coming from the block beside it. */
static enum rt_code
open_block(struct table_iter *iter, bool continues)
{
	enum rt_code code;

	drop_block(iter);
	if (iter->readahead_bytes != 0)
		code = load_ahead(iter);
	else
		code = rt_table_load_block(iter->reader, &iter->block,
		    iter->flags, &iter->loaded, &iter->base.err);
	if (code != RT_OK)
		return code;
	if (iter->backward)
		rt_block_iter_begin_end(&iter->entries, &iter->loaded.block,
		    continues);
	else
		rt_block_iter_begin(&iter->entries, &iter->loaded.block,
		    continues);
	if (continues && iter->readahead_bytes == 0)
		touch(&iter->loaded.block);
	return RT_OK;
}

/* The same for the block of this number. */
static enum rt_code
open_number(struct table_iter *iter, size_t number, bool continues)
{
	enum rt_code code = rt_table_locate_number(&iter->locator, number,
	    iter->flags, &iter->block, &iter->base.err);

	return code == RT_OK ? open_block(iter, continues) : code;
}

static void
fail(struct table_iter *iter, enum rt_code code)
{
	iter->base.valid = false;
	iter->base.code = code;
	drop_block(iter);
}

/* Show what a step in the block has found. At the block's end nothing is. */
static void
show(struct table_iter *iter, enum rt_block_result result)
{
	iter->base.valid = result == RT_BLOCK_FOUND;
	if (RT_LIKELY(iter->base.valid))
		iter->base.entry = iter->entries.entry;
	else if (result == RT_BLOCK_BAD)
		fail(iter, rt_table_block_damaged(iter->reader, &iter->block,
			"malformed or out of order", &iter->base.err));
	else
		drop_block(iter);
}

/* Whether the blocks behind the one at hand are outside of the range. */
static bool
ends_here(const struct table_iter *iter)
{
	return iter->block.number + 1 == rt_table_blocks_count(iter->reader) ||
	    (iter->range.upper.len != 0 &&
		rt_table_block_reaches(&iter->locator, &iter->block,
		    iter->range.upper, RT_SEQ_MAX));
}

/* The same of those before it, once the one before is located. */
static bool
begins_behind(const struct table_iter *iter)
{
	return iter->range.lower.len != 0 &&
	    !rt_table_block_reaches(&iter->locator, &iter->block,
		iter->range.lower, RT_SEQ_MAX);
}

/* As show(), going on to the next block from the end of one. */
static void
show_forward(struct table_iter *iter, enum rt_block_result result)
{
	iter->backward = false;
	while (result == RT_BLOCK_END && !ends_here(iter)) {
		enum rt_code code =
		    open_number(iter, iter->block.number + 1, true);

		if (code != RT_OK) {
			fail(iter, code);
			return;
		}
		result = rt_block_iter_next(&iter->entries);
	}
	show(iter, result);
}

/* As show(), going on to the block before from the start of one. */
static void
show_backward(struct table_iter *iter, enum rt_block_result result)
{
	iter->backward = true;
	while (result == RT_BLOCK_END && iter->block.number != 0) {
		enum rt_code code = rt_table_locate_number(&iter->locator,
		    iter->block.number - 1, iter->flags, &iter->block,
		    &iter->base.err);

		if (code == RT_OK && begins_behind(iter))
			break;
		if (code == RT_OK)
			code = open_block(iter, true);
		if (code != RT_OK) {
			fail(iter, code);
			return;
		}
		result = rt_block_iter_prev(&iter->entries);
	}
	show(iter, result);
}

static void
begin(struct table_iter *iter, bool backward)
{
	iter->base.valid = false;
	iter->base.code = RT_OK;
	iter->backward = backward;
	rt_read_ahead_end(&iter->ahead);
	drop_block(iter);
}

static void
table_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct table_iter *iter = (struct table_iter *)base;
	enum rt_code code;

	begin(iter, false);
	code = rt_table_locate(&iter->locator, key, seq, iter->flags,
	    &iter->block, &iter->base.err);
	if (code == RT_ENOTFOUND)
		return;
	if (code == RT_OK)
		code = open_block(iter, false);
	if (code != RT_OK)
		fail(iter, code);
	else
		show_forward(iter,
		    rt_block_iter_seek(&iter->entries, key, seq));
}

static void
seek_end(struct table_iter *iter)
{
	enum rt_code code = open_number(iter,
	    rt_table_blocks_count(iter->reader) - 1, false);

	if (code != RT_OK)
		fail(iter, code);
	else
		show_backward(iter, rt_block_iter_prev(&iter->entries));
}

static void
table_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct table_iter *iter = (struct table_iter *)base;
	enum rt_code code;

	begin(iter, true);
	code = rt_table_locate(&iter->locator, key, seq, iter->flags,
	    &iter->block, &iter->base.err);
	if (code == RT_ENOTFOUND) {
		seek_end(iter);
		return;
	}
	if (code == RT_OK)
		code = open_block(iter, false);
	if (code != RT_OK)
		fail(iter, code);
	else
		show_backward(iter,
		    rt_block_iter_seek_for_prev(&iter->entries, key, seq));
}

static void
table_seek_first(struct rt_iter *base)
{
	struct table_iter *iter = (struct table_iter *)base;
	enum rt_code code;

	if (iter->range.lower.len != 0) {
		table_seek(base, iter->range.lower, RT_SEQ_MAX);
		return;
	}
	begin(iter, false);
	code = open_number(iter, 0, false);
	if (code != RT_OK)
		fail(iter, code);
	else
		show_forward(iter, rt_block_iter_next(&iter->entries));
}

static void
table_seek_last(struct rt_iter *base)
{
	struct table_iter *iter = (struct table_iter *)base;

	if (iter->range.upper.len != 0) {
		table_seek_for_prev(base, iter->range.upper, RT_SEQ_MAX);
	} else {
		begin(iter, true);
		seek_end(iter);
	}
}

static void
table_next(struct rt_iter *base)
{
	struct table_iter *iter = (struct table_iter *)base;
	enum rt_block_result result = rt_block_iter_next(&iter->entries);

	if (RT_LIKELY(result == RT_BLOCK_FOUND))
		base->entry = iter->entries.entry;
	else
		show_forward(iter, result);
}

static void
table_prev(struct rt_iter *base)
{
	struct table_iter *iter = (struct table_iter *)base;

	show_backward(iter, rt_block_iter_prev(&iter->entries));
}

static void
table_free(struct rt_iter *base)
{
	struct table_iter *iter = (struct table_iter *)base;

	rt_read_ahead_end(&iter->ahead);
	drop_block(iter);
	rt_table_locator_fini(&iter->locator);
	rt_block_iter_fini(&iter->entries);
	rt_buf_fini(&iter->piece);
	rt_table_reader_unref(iter->reader);
	free(iter);
}

struct rt_iter *
rt_table_reader_iter(struct rt_table_reader *reader, unsigned flags,
    size_t readahead_bytes)
{
	static const struct rt_range all;

	return rt_table_reader_iter_range(reader, flags, readahead_bytes, &all);
}

struct rt_iter *
rt_table_reader_iter_range(struct rt_table_reader *reader, unsigned flags,
    size_t readahead_bytes, const struct rt_range *range)
{
	static const struct rt_iter_ops ops = {
		.seek_first = table_seek_first,
		.seek_last = table_seek_last,
		.seek = table_seek,
		.seek_for_prev = table_seek_for_prev,
		.next = table_next,
		.prev = table_prev,
		.free = table_free,
	};
	struct table_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	iter->base.ops = &ops;
	iter->reader = rt_table_reader_ref(reader);
	rt_table_locator_init(&iter->locator, reader);
	iter->flags = flags;
	iter->readahead_bytes = readahead_bytes;
	iter->range = *range;
	iter->ahead = (struct rt_read_ahead){
		.fs = reader->fs,
		.fd = reader->fd,
		.end = reader->footer.data_bytes,
	};
	return &iter->base;
}

enum rt_code
rt_table_reader_key_at(struct rt_table_reader *reader, size_t numerator,
    size_t denominator, unsigned flags, struct rt_buf *key, struct rt_err *err)
{
	size_t number = (size_t)((unsigned __int128)numerator *
	    rt_table_blocks_count(reader) / denominator);
	struct table_iter *iter =
	    (struct table_iter *)rt_table_reader_iter(reader, flags, 0);
	enum rt_code code = open_number(iter, number, false);

	rt_assert(numerator < denominator);
	if (code != RT_OK)
		fail(iter, code);
	else
		show(iter, rt_block_iter_next(&iter->entries));
	code = iter->base.code;
	if (code == RT_OK) {
		rt_buf_clear(key);
		rt_buf_append_slice(key, iter->base.entry.key);
	} else if (err != NULL) {
		*err = iter->base.err;
	}
	rt_iter_free(&iter->base);
	return code;
}
