/* table_open: footer, properties, index and filter of a table into memory. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/block_codec.h"
#include "libcommon/table/table_reader_impl.h"

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
		code =
		    rt_table_footer_decode(&reader->footer, bytes, size, err);
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
	const struct rt_table_footer *footer = &reader->footer;
	const struct rt_table_section *section = &footer->index;
	const struct rt_table_info *info = &reader->properties.info;
	struct rt_slice content;
	uint8_t *bytes = NULL;
	enum rt_code code;

	code = rt_table_read_section(reader, "index", section,
	    RT_TABLE_INDEX_BYTES_MAX, &bytes, err);
	if (code != RT_OK)
		return code;
	content = rt_slice(bytes, (size_t)section->size);
	if ((footer->incompat & RT_TABLE_INCOMPAT_INDEX_LEVELS) != 0)
		code = rt_table_index_load_top(&reader->index, content,
		    footer->data_bytes, info->size - RT_TABLE_FOOTER_BYTES,
		    err);
	else
		code = rt_table_index_load(&reader->index, content, 0,
		    footer->data_bytes, err);
	free(bytes);
	if (code != RT_OK)
		return code;
	if (reader->index->blocks != reader->properties.blocks ||
	    rt_table_index_compare(reader->index, reader->index->count - 1,
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
	if (code == RT_OK && (expect == NULL || !expect->without_filter))
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
	free(reader->index);
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
	code = section->size == 0
	    ? RT_ENOTFOUND
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
rt_table_check_file(struct rt_fs *fs, int dir, const char *name,
    const struct rt_table_expect *expect, struct rt_err *err)
{
	struct rt_table_reader *reader = NULL;
	enum rt_code code = open_bare(&reader, fs, dir, name, expect, err);

	if (code == RT_OK)
		rt_table_reader_unref(reader);
	return code;
}
