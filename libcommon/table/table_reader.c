#include "libcommon/table/table_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/table_reader_impl.h"

/* Larger blocks take too long to check for one who must not wait. */
#define NOWAIT_BYTES_MAX (1u << 20)

static atomic_uint_fast64_t filter_useful;

enum rt_code
rt_table_read_section(struct rt_table_reader *reader, const char *what,
    const struct rt_table_section *section, size_t bytes_max, uint8_t **out,
    struct rt_err *err)
{
	size_t len = (size_t)section->size + RT_BLOCK_TRAILER_BYTES;
	enum rt_code code;
	uint8_t *bytes;

	if (section->size > bytes_max)
		return rt_err_set(err, RT_EDAMAGED,
		    "%s: %llu bytes are too many", what,
		    (unsigned long long)section->size);
	bytes = aligned_alloc(RT_CACHE_LINE_BYTES,
	    (len + RT_CACHE_LINE_BYTES - 1) & ~(RT_CACHE_LINE_BYTES - 1ul));
	rt_assert(bytes != NULL);
	code = rt_fs_read_exact(reader->fs, reader->fd, bytes, len,
	    section->offset, err);
	if (code == RT_OK)
		code = rt_block_codec_check(bytes, (size_t)section->size,
		    reader->footer.unique_id, section->offset, err);
	if (code == RT_OK &&
	    !rt_block_codec_is_raw(bytes, (size_t)section->size))
		code = rt_err_set(err, RT_EDAMAGED, "compressed");
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", what);
		free(bytes);
		return code;
	}
	*out = bytes;
	return RT_OK;
}

static enum rt_code
read_footer(struct rt_table_reader *reader,
    const struct rt_table_expect *expect, struct rt_err *err)
{
	uint8_t bytes[RT_TABLE_FOOTER_BYTES];
	uint64_t size = 0;
	enum rt_code code;

	code = rt_fs_size(reader->fs, reader->fd, &size, err);
	if (code != RT_OK)
		return code;
	if (expect != NULL && size != expect->size)
		return rt_err_set(err, RT_EDAMAGED,
		    "%llu bytes instead of %llu", (unsigned long long)size,
		    (unsigned long long)expect->size);
	if (size < RT_TABLE_FOOTER_BYTES)
		return rt_err_set(err, RT_EDAMAGED, "%llu bytes are no table",
		    (unsigned long long)size);
	code = rt_fs_read_exact(reader->fs, reader->fd, bytes, sizeof(bytes),
	    size - RT_TABLE_FOOTER_BYTES, err);
	if (code == RT_OK)
		code = rt_table_footer_decode(&reader->footer, bytes, size,
		    err);
	if (code != RT_OK)
		return code;
	if (expect != NULL && reader->footer.unique_id != expect->unique_id)
		return rt_err_set(err, RT_EDAMAGED,
		    "another table: its unique id is %016llx, not %016llx",
		    (unsigned long long)reader->footer.unique_id,
		    (unsigned long long)expect->unique_id);
	reader->properties.info.size = size;
	return RT_OK;
}

static enum rt_code
read_properties(struct rt_table_reader *reader,
    const struct rt_table_expect *expect, struct rt_err *err)
{
	const struct rt_table_section *section = &reader->footer.properties;
	uint64_t size = reader->properties.info.size;
	uint8_t *bytes = NULL;
	enum rt_code code;

	code = rt_table_read_section(reader, "properties", section,
	    RT_TABLE_PROPERTIES_BYTES_MAX, &bytes, err);
	if (code == RT_OK)
		code = rt_table_properties_decode(&reader->properties,
		    rt_slice(bytes, (size_t)section->size), err);
	reader->properties.info.size = size;
	free(bytes);
	if (code != RT_OK)
		return code;
	if (reader->properties.info.unique_id != reader->footer.unique_id)
		return rt_err_set(err, RT_EDAMAGED,
		    "properties: not those of this table");
	if (!rt_table_section_is_inside(&reader->properties.counts,
		reader->footer.data_bytes, size - RT_TABLE_FOOTER_BYTES))
		return rt_err_set(err, RT_EDAMAGED,
		    "properties: a section lies outside the file");
	if (expect != NULL && expect->database_uuid != NULL &&
	    memcmp(expect->database_uuid, reader->properties.database_uuid,
		RT_UUID_BYTES) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "a table of another database");
	return RT_OK;
}

static enum rt_code
read_index(struct rt_table_reader *reader, struct rt_err *err)
{
	const struct rt_table_section *section = &reader->footer.index;
	const struct rt_table_info *info = &reader->properties.info;
	uint8_t *bytes = NULL;
	enum rt_code code;

	code = rt_table_read_section(reader, "index", section, RT_TABLE_INDEX_BYTES_MAX,
	    &bytes, err);
	if (code == RT_OK)
		code = rt_table_index_load(&reader->index,
		    rt_slice(bytes, (size_t)section->size),
		    reader->footer.data_bytes, err);
	free(bytes);
	if (code != RT_OK)
		return code;
	if (reader->index.count != reader->properties.blocks ||
	    rt_table_index_compare(&reader->index, reader->index.count - 1,
		rt_buf_slice(&info->largest), 0) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "index: contradicts the properties");
	return RT_OK;
}

/* Reads work without the filter, only slower: damage to it is told, and left
 * aside. */
static enum rt_code
read_filter(struct rt_table_reader *reader, bool *damaged, struct rt_err *err)
{
	const struct rt_table_section *section = &reader->footer.filter;
	enum rt_code code;

	if (section->size == 0)
		return RT_OK;
	code = rt_table_read_section(reader, "filter", section,
	    RT_TABLE_FILTER_BYTES_MAX, &reader->filter, err);
	if (code == RT_OK &&
	    rt_bloom_init(&reader->bloom,
		rt_slice(reader->filter, (size_t)section->size)))
		return RT_OK;
	if (code != RT_OK && code != RT_EDAMAGED)
		return code;
	free(reader->filter);
	reader->filter = NULL;
	*damaged = true;
	rt_err_clear(err);
	return RT_OK;
}

/* A reader that knows footer and properties and nothing else. */
static enum rt_code
open_bare(struct rt_table_reader **out, struct rt_fs *fs, int dir,
    const char *name, const struct rt_table_expect *expect, struct rt_err *err)
{
	struct rt_table_reader *reader;
	enum rt_code code;
	int fd = -1;

	code = rt_fs_open_read(fs, dir, name, &fd, err);
	if (code != RT_OK)
		return code;
	reader = rt_alloc_zero(1, sizeof(*reader));
	reader->fs = fs;
	reader->fd = fd;
	reader->name = rt_strdup(name);
	atomic_init(&reader->refs, 1);
	code = read_footer(reader, expect, err);
	if (code == RT_OK)
		code = read_properties(reader, expect, err);
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", name);
		rt_table_reader_unref(reader);
		return code;
	}
	*out = reader;
	return RT_OK;
}

enum rt_code
rt_table_reader_open(struct rt_table_reader **out, struct rt_fs *fs, int dir,
    const char *name, const struct rt_table_expect *expect,
    struct rt_block_cache *cache, bool *filter_damaged, struct rt_err *err)
{
	struct rt_table_reader *reader;
	bool damaged = false;
	enum rt_code code;

	code = open_bare(&reader, fs, dir, name, expect, err);
	if (code != RT_OK)
		return code;
	reader->cache = cache;
	code = read_index(reader, err);
	if (code == RT_OK)
		code = read_filter(reader, &damaged, err);
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", name);
		rt_table_reader_unref(reader);
		return code;
	}
	if (filter_damaged != NULL)
		*filter_damaged = damaged;
	*out = reader;
	return RT_OK;
}

struct rt_table_reader *
rt_table_reader_ref(struct rt_table_reader *reader)
{
	atomic_fetch_add_explicit(&reader->refs, 1, memory_order_relaxed);
	return reader;
}

void
rt_table_reader_unref(struct rt_table_reader *reader)
{
	if (reader == NULL ||
	    atomic_fetch_sub_explicit(&reader->refs, 1, memory_order_acq_rel) !=
		1)
		return;
	rt_fs_close(reader->fs, &reader->fd, NULL);
	rt_table_index_fini(&reader->index);
	rt_table_properties_fini(&reader->properties);
	free(reader->filter);
	free(reader->name);
	free(reader);
}

enum rt_code
rt_table_read_key_counts(struct rt_fs *fs, int dir, const char *name,
    const struct rt_table_expect *expect, struct rt_buf *out,
    struct rt_err *err)
{
	const struct rt_table_section *section;
	struct rt_table_reader *reader = NULL;
	uint8_t *bytes = NULL;
	enum rt_code code;

	code = open_bare(&reader, fs, dir, name, expect, err);
	if (code != RT_OK)
		return code;
	section = &reader->properties.counts;
	code = section->size == 0 ? RT_ENOTFOUND
	    : rt_table_read_section(reader, "key counts", section,
		  RT_TABLE_COUNTS_BYTES_MAX, &bytes, err);
	if (code == RT_OK)
		rt_buf_append(out, bytes, (size_t)section->size);
	else if (code != RT_ENOTFOUND)
		rt_err_prefix(err, "%s", name);
	free(bytes);
	rt_table_reader_unref(reader);
	return code;
}

enum rt_code
rt_table_block_damaged(const struct rt_table_reader *reader, size_t i,
    const char *what, struct rt_err *err)
{
	return rt_err_set(err, RT_EDAMAGED, "%s: block at %llu: %s",
	    reader->name, (unsigned long long)reader->index.offsets[i], what);
}

enum rt_code
rt_table_parse_block(const struct rt_table_reader *reader, size_t i,
    const uint8_t *stored, struct rt_block *block, uint8_t **owned,
    struct rt_err *err)
{
	uint64_t offset = reader->index.offsets[i];
	size_t size = rt_table_index_block_size(&reader->index, i);
	size_t bytes_max = (size_t)reader->properties.block_bytes_max;
	struct rt_slice content = rt_slice(stored, size);
	uint8_t *raw = NULL;
	size_t raw_len = 0;
	enum rt_code code;

	code = rt_block_codec_check(stored, size, reader->footer.unique_id,
	    offset, err);
	if (code == RT_OK && !rt_block_codec_is_raw(stored, size)) {
		code = rt_block_codec_uncompress(stored, size, offset,
		    bytes_max, &raw, &raw_len, err);
		content = rt_slice(raw, raw_len);
	}
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", reader->name);
		return code;
	}
	if (!rt_block_init(block, content)) {
		free(raw);
		return rt_table_block_damaged(reader, i, "malformed", err);
	}
	*owned = raw;
	return RT_OK;
}

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

static enum rt_code
read_stored(struct rt_table_reader *reader, size_t i, unsigned flags,
    uint8_t **out, struct rt_err *err)
{
	uint64_t offset = reader->index.offsets[i];
	size_t len = rt_table_index_block_size(&reader->index, i) +
	    RT_BLOCK_TRAILER_BYTES;
	uint8_t *stored;
	enum rt_code code;

	if ((flags & RT_TABLE_NOWAIT) != 0 && len > NOWAIT_BYTES_MAX)
		return rt_err_set(err, RT_EAGAIN, "too large to read now");
	stored = rt_alloc(len);
	if ((flags & RT_TABLE_NOWAIT) != 0) {
		code = read_nowait(reader, stored, len, offset, err);
	} else {
		code = rt_fs_read_exact(reader->fs, reader->fd, stored, len,
		    offset, err);
		if (code != RT_OK)
			rt_err_prefix(err, "%s", reader->name);
	}
	if (code != RT_OK) {
		free(stored);
		return code;
	}
	*out = stored;
	return RT_OK;
}

static size_t
content_len(const struct rt_block *block)
{
	return (size_t)(block->restarts - block->data) +
	    block->restarts_count * 4 + RT_BLOCK_TAIL_BYTES;
}

enum rt_code
rt_table_load_block(struct rt_table_reader *reader, size_t i, unsigned flags,
    struct rt_loaded_block *out, struct rt_err *err)
{
	uint64_t unique_id = reader->footer.unique_id;
	uint64_t offset = reader->index.offsets[i];
	uint8_t *stored = NULL, *raw = NULL;
	enum rt_code code;
	size_t len;

	*out = (struct rt_loaded_block){ .cached = NULL };
	if (reader->cache != NULL)
		out->cached =
		    rt_block_cache_get(reader->cache, unique_id, offset);
	if (out->cached != NULL) {
		/* It was checked when it went in. */
		rt_assert(rt_block_init(&out->block,
		    rt_slice(out->cached->data, out->cached->len)));
		return RT_OK;
	}
	code = read_stored(reader, i, flags, &stored, err);
	if (code != RT_OK)
		return code;
	code = rt_table_parse_block(reader, i, stored, &out->block, &raw, err);
	if (code != RT_OK || raw != NULL) {
		free(stored);
		stored = raw;
	}
	if (code != RT_OK)
		return code;
	if (reader->cache == NULL) {
		out->owned = stored;
		return RT_OK;
	}
	len = content_len(&out->block);
	out->cached = rt_block_cache_insert(reader->cache, unique_id, offset,
	    stored, len, (flags & RT_TABLE_COLD) != 0);
	rt_assert(rt_block_init(&out->block,
	    rt_slice(out->cached->data, out->cached->len)));
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

void
rt_table_found_fini(struct rt_table_found *found)
{
	if (found->block != NULL)
		rt_block_cache_release(found->cache, found->block);
	free(found->owned);
	*found = (struct rt_table_found){ .seq = 0 };
}

bool
rt_table_reader_may_contain(struct rt_table_reader *reader, uint64_t key_hash)
{
	if (reader->filter == NULL ||
	    rt_bloom_may_contain(&reader->bloom, key_hash))
		return true;
	atomic_fetch_add_explicit(&filter_useful, 1, memory_order_relaxed);
	return false;
}

uint64_t
rt_table_filter_useful(void)
{
	return atomic_load_explicit(&filter_useful, memory_order_relaxed);
}

/* The index leads to the one block that can hold the answer: a separator tells
 * versions of a key apart where they fill several blocks. */
void
rt_table_reader_prefetch(const struct rt_table_reader *reader,
    uint64_t key_hash)
{
	const struct rt_bloom *bloom = &reader->bloom;

	if (reader->filter != NULL)
		__builtin_prefetch(bloom->lines +
		    rt_bloom_line(key_hash, bloom->lines_count) *
			RT_BLOOM_LINE_BYTES);
}

enum rt_code
rt_table_reader_get(struct rt_table_reader *reader, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_found *found, struct rt_err *err)
{
	struct rt_loaded_block loaded;
	enum rt_block_result result;
	struct rt_entry entry;
	enum rt_code code;
	size_t i;

	*found = (struct rt_table_found){ .seq = 0 };
	if (key.len < RT_KEY_PREFIX_BYTES ||
	    !rt_table_reader_may_contain(reader, key_hash))
		return RT_ENOTFOUND;
	i = rt_table_index_find(&reader->index, key, read_seq);
	if (i == reader->index.count)
		return RT_ENOTFOUND;
	code = rt_table_load_block(reader, i, flags, &loaded, err);
	if (code != RT_OK)
		return code;
	result =
	    rt_block_find(&loaded.block, key, key_hash, read_seq, &entry);
	if (result != RT_BLOCK_FOUND) {
		code = result == RT_BLOCK_END
		    ? RT_ENOTFOUND
		    : rt_table_block_damaged(reader, i, "malformed", err);
		rt_table_drop_block(reader, &loaded);
		return code;
	}
	*found = (struct rt_table_found){
		.seq = entry.seq,
		.type = entry.type,
		.value = entry.value,
		.cache = reader->cache,
		.block = loaded.cached,
		.owned = loaded.owned,
	};
	return RT_OK;
}

const struct rt_table_info *
rt_table_reader_info(const struct rt_table_reader *reader)
{
	return &reader->properties.info;
}

size_t
rt_table_reader_memory(const struct rt_table_reader *reader)
{
	const struct rt_table_info *info = &reader->properties.info;

	return sizeof(*reader) + rt_table_index_memory(&reader->index) +
	    (reader->filter != NULL ? (size_t)reader->footer.filter.size : 0) +
	    info->smallest.cap + info->largest.cap;
}
