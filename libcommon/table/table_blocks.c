/* A partition of the index is in the cache as it is in memory, under the
 * offset of its section, which no data block has. */
#include "libcommon/table/table_blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/block_codec.h"
#include "libcommon/table/table_reader_impl.h"

/* Larger blocks take too long to check for one who must not wait. */
#define NOWAIT_BYTES_MAX (1u << 20)
/* Stored blocks up to here are read to the stack when they are to be
 * uncompressed. */
#define STACK_BYTES (8u << 10)
/* Larger blocks always go into the cache, which accounts for their memory. */
#define PASSING_BYTES_MAX (64u << 10)

static enum rt_code
read_nowait(struct rt_table_reader *reader, uint8_t *out, size_t len,
    uint64_t offset, struct rt_err *err)
{
	ssize_t got = reader->fs->pread_nowait(reader->fs, reader->fd, out, len,
	    (off_t)offset);

	if (got >= 0 && (size_t)got == len)
		return RT_OK;
	/* A part was in memory, or none; what ails the file is for a read
	 * that waits to tell. */
	return rt_err_set(err, RT_EAGAIN, "not in memory");
}

/* size bytes and the trailer behind them, to stored. */
static enum rt_code
read_bytes(struct rt_table_reader *reader, uint64_t offset, size_t len,
    unsigned flags, uint8_t *stored, struct rt_err *err)
{
	enum rt_code code;

	if ((flags & RT_TABLE_NOWAIT) != 0)
		return read_nowait(reader, stored, len, offset, err);
	code = rt_fs_read_exact(reader->fs, reader->fd, stored, len, offset,
	    err);
	if (code != RT_OK)
		rt_err_prefix(err, "%s", reader->name);
	return code;
}

/* The same from a malloc with room for the cache. */
static enum rt_code
read_stored(struct rt_table_reader *reader, uint64_t offset, size_t size,
    unsigned flags, uint8_t **out, struct rt_err *err)
{
	size_t len = size + RT_BLOCK_TRAILER_BYTES;
	uint8_t *stored;
	enum rt_code code;

	if ((flags & RT_TABLE_NOWAIT) != 0 && len > NOWAIT_BYTES_MAX)
		return rt_err_set(err, RT_EAGAIN, "too large to read now");
	stored = rt_try_alloc(len + RT_BLOCK_CACHE_ROOM);
	if (stored == NULL)
		return rt_err_set_errno(err, ENOMEM,
		    "%s: a block of %zu bytes", reader->name, len);
	code = read_bytes(reader, offset, len, flags, stored, err);
	if (code != RT_OK) {
		free(stored);
		return code;
	}
	*out = stored;
	return RT_OK;
}

size_t
rt_table_blocks_count(const struct rt_table_reader *reader)
{
	return (size_t)reader->index->blocks;
}

void
rt_table_locator_init(struct rt_table_locator *locator,
    struct rt_table_reader *reader)
{
	*locator = (struct rt_table_locator){ .reader = reader };
	/* One level is all one partition. */
	if (reader->index->part_blocks == 0)
		locator->part = reader->index;
}

void
rt_table_locator_fini(struct rt_table_locator *locator)
{
	if (locator->cached != NULL)
		rt_block_cache_release(locator->reader->cache, locator->cached);
	free(locator->owned);
	*locator = (struct rt_table_locator){ .reader = NULL };
}

static enum rt_code
read_part(struct rt_table_reader *reader, size_t i, unsigned flags,
    struct rt_table_index **out, struct rt_err *err)
{
	uint64_t offset = rt_table_index_offset(reader->index, i);
	size_t size = rt_table_index_size(reader->index, i);
	uint8_t *stored = NULL;
	enum rt_code code;

	if (size > RT_TABLE_INDEX_BYTES_MAX)
		return rt_err_set(err, RT_EDAMAGED,
		    "%s: index: a partition of %zu bytes", reader->name, size);
	code = read_stored(reader, offset, size, flags, &stored, err);
	if (code != RT_OK)
		return code;
	code = rt_block_codec_check(stored, size, reader->footer.unique_id,
	    offset, err);
	if (code == RT_OK && !rt_block_codec_is_raw(stored, size))
		code = rt_err_set(err, RT_EDAMAGED, "index: compressed");
	if (code == RT_OK)
		code = rt_table_index_load_part(out, rt_slice(stored, size),
		    reader->index, i, err);
	if (code != RT_OK)
		rt_err_prefix(err, "%s", reader->name);
	free(stored);
	return code;
}

/* The partition with the room that the cache needs behind it. NULL: there is
 * no memory for it, and the partition is freed. */
static struct rt_table_index *
with_room(struct rt_table_index *part, struct rt_err *err)
{
	struct rt_table_index *larger =
	    rt_try_realloc(part, part->bytes + RT_BLOCK_CACHE_ROOM);

	if (larger == NULL) {
		rt_err_set_errno(err, ENOMEM, "a part of the index");
		free(part);
	}
	return larger;
}

/* See that locator has partition i. */
static enum rt_code
use_part(struct rt_table_locator *locator, size_t i, unsigned flags,
    struct rt_err *err)
{
	struct rt_table_reader *reader = locator->reader;
	uint64_t id = reader->footer.unique_id;
	uint64_t offset = rt_table_index_offset(reader->index, i);
	struct rt_table_index *part = NULL;
	enum rt_code code;

	if (locator->part != NULL && locator->part_number == i)
		return RT_OK;
	rt_table_locator_fini(locator);
	locator->reader = reader;
	if (reader->cache != NULL)
		locator->cached = rt_block_cache_get(reader->cache, id, offset);
	if (locator->cached == NULL) {
		code = read_part(reader, i, flags, &part, err);
		if (code != RT_OK)
			return code;
		rt_assert(part != NULL);
		if (reader->cache != NULL) {
			size_t bytes = part->bytes;

			part = with_room(part, err);
			if (part == NULL)
				return RT_EIO;
			locator->cached = rt_block_cache_insert(reader->cache,
			    id, offset, (uint8_t *)part, bytes,
			    (flags & RT_TABLE_COLD) != 0);
		} else {
			locator->owned = (uint8_t *)part;
		}
	}
	/* It was checked when it went in. */
	locator->part = locator->cached != NULL
	    ? (const void *)locator->cached->data
	    : part;
	locator->part_number = i;
	return RT_OK;
}

static void
take_block(const struct rt_table_locator *locator, size_t i,
    struct rt_table_block *out)
{
	size_t before =
	    locator->part_number * (size_t)locator->reader->index->part_blocks;

	*out = (struct rt_table_block){
		.number = before + i,
		.offset = rt_table_index_offset(locator->part, i),
		.size = rt_table_index_size(locator->part, i),
	};
}

enum rt_code
rt_table_locate(struct rt_table_locator *locator, struct rt_slice key,
    uint64_t seq, unsigned flags, struct rt_table_block *out,
    struct rt_err *err)
{
	const struct rt_table_index *index = locator->reader->index;
	size_t i = rt_table_index_find(index, key, seq);
	enum rt_code code;

	if (i == index->count)
		return RT_ENOTFOUND;
	if (index->part_blocks != 0) {
		code = use_part(locator, i, flags, err);
		if (code != RT_OK)
			return code;
		/* The last separator of a partition is that of the top. */
		i = rt_table_index_find(locator->part, key, seq);
		rt_assert(i < locator->part->count);
	}
	take_block(locator, i, out);
	return RT_OK;
}

enum rt_code
rt_table_locate_number(struct rt_table_locator *locator, size_t number,
    unsigned flags, struct rt_table_block *out, struct rt_err *err)
{
	size_t part_blocks = (size_t)locator->reader->index->part_blocks;

	if (part_blocks != 0) {
		enum rt_code code =
		    use_part(locator, number / part_blocks, flags, err);

		if (code != RT_OK)
			return code;
		number %= part_blocks;
	}
	take_block(locator, number, out);
	return RT_OK;
}

bool
rt_table_block_reaches(const struct rt_table_locator *locator,
    const struct rt_table_block *block, struct rt_slice key, uint64_t seq)
{
	size_t before =
	    locator->part_number * (size_t)locator->reader->index->part_blocks;

	return rt_table_index_compare(locator->part, block->number - before,
		   key, seq) >= 0;
}

enum rt_code
rt_table_block_damaged(const struct rt_table_reader *reader,
    const struct rt_table_block *block, const char *what, struct rt_err *err)
{
	return rt_err_set(err, RT_EDAMAGED, "%s: block at %llu: %s",
	    reader->name, (unsigned long long)block->offset, what);
}

enum rt_code
rt_table_parse_block(const struct rt_table_reader *reader,
    const struct rt_table_block *block, const uint8_t *stored,
    struct rt_block *out, uint8_t **owned, struct rt_err *err)
{
	size_t bytes_max = (size_t)reader->properties.block_bytes_max;
	struct rt_slice content = rt_slice(stored, block->size);
	uint8_t *raw = NULL;
	size_t raw_len = 0;
	enum rt_code code;

	code = rt_block_codec_check(stored, block->size,
	    reader->footer.unique_id, block->offset, err);
	if (code == RT_OK && !rt_block_codec_is_raw(stored, block->size)) {
		code = rt_block_codec_uncompress(stored, block->size,
		    block->offset, bytes_max, RT_BLOCK_CACHE_ROOM, &raw,
		    &raw_len, err);
		content = rt_slice(raw, raw_len);
	}
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", reader->name);
		return code;
	}
	if (!rt_block_init(out, content)) {
		free(raw);
		return rt_table_block_damaged(reader, block, "malformed", err);
	}
	*owned = raw;
	return RT_OK;
}

static size_t
content_len(const struct rt_block *block)
{
	return (size_t)(block->restarts - block->data) +
	    block->restarts_count * 4 + RT_BLOCK_TAIL_BYTES;
}

void
rt_table_use_cached(struct rt_loaded_block *loaded)
{
	/* It was checked when it went in. */
	rt_assert(rt_block_init(&loaded->block,
	    rt_slice(loaded->cached->data, loaded->cached->len)));
}

/* The stored bytes of a block: in *out, as read_stored() has them, or, when they
 * are to be uncompressed, on the stack, and *out is NULL. */
static enum rt_code
read_to_stack(struct rt_table_reader *reader,
    const struct rt_table_block *block, unsigned flags,
    uint8_t stack[STACK_BYTES], uint8_t **out, struct rt_err *err)
{
	size_t len = block->size + RT_BLOCK_TRAILER_BYTES;
	enum rt_code code;

	*out = NULL;
	if (reader->properties.compression == RT_COMPRESSION_NONE ||
	    len > STACK_BYTES)
		return read_stored(reader, block->offset, block->size, flags,
		    out, err);
	code = read_bytes(reader, block->offset, len, flags, stack, err);
	if (code != RT_OK || !rt_block_codec_is_raw(stack, block->size))
		return code;
	*out = rt_alloc(len + RT_BLOCK_CACHE_ROOM);
	memcpy(*out, stack, len);
	return RT_OK;
}

/* *out: the content, from a malloc with room for the cache. */
static enum rt_code
read_content(struct rt_table_reader *reader,
    const struct rt_table_block *block, unsigned flags,
    struct rt_block *parsed, uint8_t **out, struct rt_err *err)
{
	uint8_t stack[STACK_BYTES], *stored, *raw = NULL;
	enum rt_code code =
	    read_to_stack(reader, block, flags, stack, &stored, err);

	if (code == RT_OK)
		code = rt_table_parse_block(reader, block,
		    stored != NULL ? stored : stack, parsed, &raw, err);
	if (code == RT_OK && raw == NULL) {
		*out = stored;
		return RT_OK;
	}
	free(stored);
	*out = raw;
	return code;
}

/* Who must not wait has read a block out of the page cache, where it stays: it
 * need not push another out of ours, unless it is asked for again. */
static bool
is_passing(const struct rt_table_reader *reader,
    const struct rt_table_block *block, size_t len, unsigned flags)
{
	return (flags & RT_TABLE_NOWAIT) != 0 && len <= PASSING_BYTES_MAX &&
	    !rt_block_cache_wants(reader->cache, reader->footer.unique_id,
		block->offset, len);
}

enum rt_code
rt_table_load_block(struct rt_table_reader *reader,
    const struct rt_table_block *block, unsigned flags,
    struct rt_loaded_block *out, struct rt_err *err)
{
	uint64_t unique_id = reader->footer.unique_id;
	uint8_t *content = NULL;
	size_t len;
	enum rt_code code;

	*out = (struct rt_loaded_block){ .cached = NULL };
	if (reader->cache != NULL)
		out->cached =
		    rt_block_cache_get(reader->cache, unique_id, block->offset);
	if (out->cached != NULL) {
		rt_table_use_cached(out);
		return RT_OK;
	}
	code = read_content(reader, block, flags, &out->block, &content, err);
	if (code != RT_OK)
		return code;
	out->was_read = true;
	len = content_len(&out->block);
	if (reader->cache == NULL || is_passing(reader, block, len, flags)) {
		out->owned = content;
		return RT_OK;
	}
	out->cached = rt_block_cache_insert(reader->cache, unique_id,
	    block->offset, content, len, (flags & RT_TABLE_COLD) != 0);
	rt_table_use_cached(out);
	return RT_OK;
}

void
rt_table_drop_block(struct rt_table_reader *reader,
    struct rt_loaded_block *loaded)
{
	if (loaded->cached != NULL)
		rt_block_cache_release(reader->cache, loaded->cached);
	free(loaded->owned);
	*loaded = (struct rt_loaded_block){ .cached = NULL };
}
