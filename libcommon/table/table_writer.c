/* The file: data blocks, filter, index, properties, footer; bytes in
 * docs/formats/table.md. Blocks are collected and written in large pieces;
 * what is larger than a piece is written from where it is. So is a large value,
 * whose block has one entry and is stored uncompressed: no memory of its size
 * is taken. Nothing of the file is read back. */
#include "libcommon/table/table_writer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>

#include "libcommon/base/crc32c.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/table/block_builder.h"
#include "libcommon/table/block_codec.h"
#include "libcommon/table/bloom.h"
#include "libcommon/table/key_counts.h"
#include "libcommon/table/key_pieces.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_index_builder.h"
#include "libcommon/table/table_properties.h"
#include "libcommon/table/table_stats.h"
#include "libcommon/table/value.h"

#define PIECE_BYTES (256u << 10)
/* From here on a value is not compressed and not copied. */
#define LARGE_VALUE_BYTES ((size_t)4 << 20)
/* Of a large value, written at a time, so that write-back goes along. */
#define STEP_BYTES ((size_t)4 << 20)

struct rt_table_writer {
	struct rt_fs *fs;
	int dir;
	int fd;
	char *name;
	struct rt_table_options options;
	struct rt_block_codec *codec;
	struct rt_block_builder block;
	struct rt_table_index_builder index;
	struct rt_bloom_builder bloom;
	struct rt_key_counts_builder *counts;
	struct rt_table_properties properties;
	struct rt_buf piece;	/* collected, not written yet */
	uint64_t written;	/* bytes of the file */
	uint64_t behind;	/* of those, being written back already */
	uint32_t crc32c;	/* of those */
	struct rt_buf last;	/* key added last */
	uint64_t last_seq;
	uint64_t last_hash;
	uint64_t cut_stored;	/* of a block not in the index yet; 0: none */
	enum rt_code failed;	/* the file cannot be completed */
};

uint64_t
rt_table_unique_id(void)
{
	uint64_t id = 0;

	/* Before the kernel's pool is ready nothing else would run either. */
	while (id == 0)
		rt_assert(getrandom(&id, sizeof(id), 0) == sizeof(id));
	return id;
}

void
rt_table_info_fini(struct rt_table_info *info)
{
	rt_buf_fini(&info->smallest);
	rt_buf_fini(&info->largest);
	*info = (struct rt_table_info){ .size = 0 };
}

enum rt_code
rt_table_writer_open(struct rt_table_writer **out, struct rt_fs *fs, int dir,
    const char *name, const struct rt_table_options *options,
    struct rt_err *err)
{
	struct rt_table_writer *writer;
	enum rt_code code;
	int fd = -1;

	rt_assert(options->block_bytes >= 1024 &&
	    options->block_bytes <= 1 << 20);
	rt_assert(options->bloom_bits_per_key <= RT_BLOOM_BITS_PER_KEY_MAX);
	code = rt_fs_create(fs, dir, name, &fd, err);
	RT_CRASHPOINT("table-created");
	if (code != RT_OK)
		return code;
	writer = rt_alloc_zero(1, sizeof(*writer));
	writer->fs = fs;
	writer->dir = dir;
	writer->fd = fd;
	writer->name = rt_strdup(name);
	writer->options = *options;
	writer->codec = rt_block_codec_new(options->compression);
	writer->counts = rt_key_counts_builder_new();
	rt_buf_reserve(&writer->last, RT_STORE_KEY_BYTES_MAX);
	rt_buf_reserve(&writer->piece, 2 * PIECE_BYTES);
	*out = writer;
	return RT_OK;
}

static void
writer_free(struct rt_table_writer *writer)
{
	rt_block_codec_free(writer->codec);
	rt_block_builder_fini(&writer->block);
	rt_table_index_builder_fini(&writer->index);
	rt_bloom_builder_fini(&writer->bloom);
	rt_key_counts_builder_free(writer->counts);
	rt_table_properties_fini(&writer->properties);
	rt_buf_fini(&writer->piece);
	rt_buf_fini(&writer->last);
	free(writer->name);
	free(writer);
}

void
rt_table_writer_abandon(struct rt_table_writer *writer)
{
	if (writer == NULL)
		return;
	rt_fs_close(writer->fs, &writer->fd, NULL);
	rt_fs_unlink(writer->fs, writer->dir, writer->name, NULL);
	writer_free(writer);
}

static enum rt_code
write_out(struct rt_table_writer *writer, struct rt_slice bytes,
    struct rt_err *err)
{
	uint64_t behind;
	enum rt_code code;

	code = rt_fs_write_exact(writer->fs, writer->fd, bytes.data, bytes.len,
	    writer->written, err);
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", writer->name);
		return writer->failed = code;
	}
	writer->crc32c = rt_crc32c(writer->crc32c, bytes.data, bytes.len);
	writer->written += bytes.len;
	behind = writer->written - writer->behind;
	/* A hint: what goes wrong with the write-back is for the sync to
	 * tell. */
	if (writer->options.write_behind_bytes != 0 &&
	    behind >= writer->options.write_behind_bytes) {
		writer->fs->write_behind(writer->fs, writer->fd,
		    (off_t)writer->behind, (off_t)behind);
		writer->behind = writer->written;
	}
	return RT_OK;
}

static enum rt_code
write_piece(struct rt_table_writer *writer, struct rt_err *err)
{
	enum rt_code code = RT_OK;

	if (writer->piece.len != 0)
		code = write_out(writer, rt_buf_slice(&writer->piece), err);
	rt_buf_clear(&writer->piece);
	return code;
}

static enum rt_code
append(struct rt_table_writer *writer, struct rt_slice bytes,
    struct rt_err *err)
{
	enum rt_code code;

	if (bytes.len >= PIECE_BYTES) {
		code = write_piece(writer, err);
		while (code == RT_OK && bytes.len != 0) {
			size_t len = bytes.len < STEP_BYTES ? bytes.len
							    : STEP_BYTES;

			code = write_out(writer, rt_slice(bytes.data, len),
			    err);
			bytes = rt_slice(bytes.data + len, bytes.len - len);
		}
		return code;
	}
	rt_buf_append_slice(&writer->piece, bytes);
	if (writer->piece.len < PIECE_BYTES)
		return RT_OK;
	return write_piece(writer, err);
}

static uint64_t
file_bytes(const struct rt_table_writer *writer)
{
	return writer->written + writer->piece.len;
}

/* Seal content and append it; *stored: its bytes without the trailer. */
static enum rt_code
append_sealed(struct rt_table_writer *writer, struct rt_block_codec *codec,
    struct rt_buf *content, struct rt_table_section *section,
    struct rt_err *err)
{
	struct rt_slice sealed = rt_block_codec_seal(codec, content,
	    writer->options.unique_id, file_bytes(writer));

	section->offset = file_bytes(writer);
	section->size = sealed.len - RT_BLOCK_TRAILER_BYTES;
	return append(writer, sealed, err);
}

static void
count_block(struct rt_table_writer *writer, size_t content_len)
{
	struct rt_table_properties *properties = &writer->properties;

	properties->blocks++;
	properties->raw_bytes += content_len;
	if (content_len > properties->block_bytes_max)
		properties->block_bytes_max = content_len;
}

static enum rt_code
cut_block(struct rt_table_writer *writer, struct rt_err *err)
{
	struct rt_table_section section;
	enum rt_code code;

	rt_block_builder_finish(&writer->block);
	count_block(writer, writer->block.data.len);
	code = append_sealed(writer, writer->codec, &writer->block.data,
	    &section, err);
	writer->cut_stored = section.size;
	rt_block_builder_reset(&writer->block);
	return code;
}

/* A block of this one entry, its value written from where it lies. */
static enum rt_code
append_large(struct rt_table_writer *writer, const struct rt_entry *entry,
    struct rt_err *err)
{
	const struct rt_buf *data = &writer->block.data;
	uint8_t trailer[RT_BLOCK_TRAILER_BYTES];
	struct rt_slice pieces[4];
	enum rt_code code = RT_OK;
	size_t head;

	rt_block_builder_add_head(&writer->block, entry, 0,
	    writer->last_hash);
	head = data->len;
	rt_block_builder_finish(&writer->block);
	pieces[0] = rt_slice(data->data, head);
	pieces[1] = entry->value;
	pieces[2] = rt_slice(data->data + head, data->len - head);
	pieces[3] = rt_slice(trailer, sizeof(trailer));
	rt_block_codec_trailer(trailer, pieces, 3, writer->options.unique_id,
	    file_bytes(writer));
	writer->cut_stored = data->len + entry->value.len;
	count_block(writer, data->len + entry->value.len);
	for (size_t i = 0; i < RT_COUNTOF(pieces) && code == RT_OK; i++)
		code = append(writer, pieces[i], err);
	rt_block_builder_reset(&writer->block);
	return code;
}

/* Put the block cut last into the index, now that it is known what follows. */
static void
index_cut(struct rt_table_writer *writer, struct rt_slice next,
    uint64_t next_seq)
{
	if (writer->cut_stored == 0)
		return;
	rt_table_index_builder_add(&writer->index, writer->cut_stored,
	    rt_buf_slice(&writer->last), writer->last_seq, next, next_seq);
	writer->cut_stored = 0;
}

/* Whether entry, which has `shared` bytes in common with the key before, is
 * what may come next. */
static bool
is_in_order(const struct rt_table_writer *writer, const struct rt_entry *entry,
    size_t shared)
{
	if (writer->properties.info.entries == 0)
		return true;
	if (shared == writer->last.len)
		return entry->key.len > shared || entry->seq < writer->last_seq;
	return shared < entry->key.len &&
	    entry->key.data[shared] > writer->last.data[shared];
}

static enum rt_code
check_entry(struct rt_table_writer *writer, const struct rt_entry *entry,
    size_t shared, struct rt_err *err)
{
	const char *what = NULL;

	if (entry->key.len < RT_KEY_PREFIX_BYTES ||
	    entry->key.len > RT_STORE_KEY_BYTES_MAX)
		what = "a key of impossible length";
	else if (entry->seq == 0 || entry->seq > RT_SEQ_MAX)
		what = "an impossible sequence";
	else if (entry->value.len >
	    RT_VALUE_BYTES_MAX + RT_VALUE_HEADER_BYTES_MAX)
		what = "a value that is too long";
	else if (!is_in_order(writer, entry, shared))
		what = "an entry out of order";
	else if (!rt_table_stats_add(&writer->properties.info, entry))
		what = "a malformed value";
	if (what == NULL)
		return RT_OK;
	return rt_err_set(err, RT_EINVAL, "%s: %s", writer->name, what);
}

static void
remember_last(struct rt_table_writer *writer, const struct rt_entry *entry,
    size_t shared)
{
	rt_key_pieces_copy(&writer->last, entry->key, shared);
	writer->last_seq = entry->seq;
}

enum rt_code
rt_table_writer_add(struct rt_table_writer *writer,
    const struct rt_entry *entry, struct rt_err *err)
{
	size_t shared = rt_slice_shared_prefix(rt_buf_slice(&writer->last),
	    entry->key);
	bool new_key = writer->properties.info.entries == 0 ||
	    shared != entry->key.len;
	enum rt_code code;

	if (writer->failed != RT_OK)
		return rt_err_set(err, writer->failed,
		    "%s: failed before", writer->name);
	code = check_entry(writer, entry, shared, err);
	if (code != RT_OK)
		return code;
	/* A value larger than the goal finds the block cut before it, and cut
	 * again behind it by the next entry. */
	if (writer->block.entries != 0 &&
	    rt_block_builder_bytes(&writer->block) + entry->key.len - shared +
		    entry->value.len >
		writer->options.block_bytes) {
		code = cut_block(writer, err);
		if (code != RT_OK)
			return code;
	}
	index_cut(writer, entry->key, entry->seq);
	if (new_key) {
		writer->last_hash = rt_hash64(entry->key);
		writer->properties.keys++;
		if (writer->options.bloom_bits_per_key != 0)
			rt_bloom_builder_add(&writer->bloom, writer->last_hash);
		rt_key_counts_builder_add(writer->counts, entry,
		    writer->last_hash);
	}
	if (RT_UNLIKELY(entry->value.len >= LARGE_VALUE_BYTES)) {
		code = append_large(writer, entry, err);
		if (code != RT_OK)
			return code;
	} else {
		rt_block_builder_add(&writer->block, entry, shared,
		    writer->last_hash);
	}
	if (writer->properties.info.entries == 1)
		rt_buf_append_slice(&writer->properties.info.smallest,
		    entry->key);
	remember_last(writer, entry, shared);
	return RT_OK;
}

uint64_t
rt_table_writer_bytes(const struct rt_table_writer *writer)
{
	uint64_t bytes = file_bytes(writer) + RT_TABLE_FOOTER_BYTES +
	    writer->index.entries.len +
	    rt_key_counts_builder_bytes(writer->counts);

	if (writer->block.entries != 0)
		bytes += rt_block_builder_bytes(&writer->block);
	if (writer->options.bloom_bits_per_key != 0)
		bytes += rt_bloom_bytes(writer->bloom.count,
		    writer->options.bloom_bits_per_key);
	return bytes;
}

uint64_t
rt_table_writer_entries(const struct rt_table_writer *writer)
{
	return writer->properties.info.entries;
}

static bool
is_index_large(const struct rt_table_writer *writer)
{
	size_t bytes_max = writer->options.index_bytes_max != 0
	    ? writer->options.index_bytes_max
	    : RT_TABLE_INDEX_ONE_LEVEL_BYTES;

	return writer->index.entries.len > bytes_max ||
	    writer->index.key_bytes > RT_TABLE_INDEX_BYTES_MAX;
}

/* The partitions, and in content the top above them. */
static enum rt_code
append_parts(struct rt_table_writer *writer, struct rt_buf *content,
    struct rt_err *err)
{
	size_t blocks = writer->options.index_part_blocks != 0
	    ? writer->options.index_part_blocks
	    : RT_TABLE_INDEX_PART_BLOCKS;
	struct rt_table_index_splitter splitter;
	uint64_t offset = file_bytes(writer);
	enum rt_code code = RT_OK;

	rt_table_index_splitter_init(&splitter, &writer->index, blocks);
	while (code == RT_OK && rt_table_index_splitter_next(&splitter, content)) {
		struct rt_table_section section;

		code = append_sealed(writer, NULL, content, &section, err);
		rt_table_index_splitter_stored(&splitter, section.size);
		rt_buf_clear(content);
	}
	if (code == RT_OK)
		code = rt_table_index_splitter_finish(&splitter, offset,
		    content, err);
	rt_table_index_splitter_fini(&splitter);
	return code;
}

static enum rt_code
append_index(struct rt_table_writer *writer, struct rt_table_footer *footer,
    struct rt_err *err)
{
	struct rt_buf content = { 0 };
	enum rt_code code;

	if (is_index_large(writer)) {
		footer->incompat |= RT_TABLE_INCOMPAT_INDEX_LEVELS;
		code = append_parts(writer, &content, err);
	} else {
		code = rt_table_index_builder_finish(&writer->index, &content,
		    err);
	}
	if (code == RT_OK)
		code = append_sealed(writer, NULL, &content, &footer->index,
		    err);
	rt_buf_fini(&content);
	return code;
}

static enum rt_code
append_sections(struct rt_table_writer *writer, struct rt_table_footer *footer,
    struct rt_err *err)
{
	struct rt_buf content = { 0 };
	enum rt_code code = RT_OK;

	if (writer->options.bloom_bits_per_key != 0) {
		rt_bloom_build(&writer->bloom,
		    writer->options.bloom_bits_per_key, &content);
		code = append_sealed(writer, NULL, &content, &footer->filter,
		    err);
	}
	if (code != RT_OK)
		goto out;
	code = append_index(writer, footer, err);
	if (code != RT_OK)
		goto out;
	rt_buf_clear(&content);
	rt_key_counts_builder_finish(writer->counts, &content);
	code = append_sealed(writer, NULL, &content,
	    &writer->properties.counts, err);
	if (code != RT_OK)
		goto out;
	rt_buf_clear(&content);
	rt_table_properties_encode(&writer->properties, &content);
	code = append_sealed(writer, NULL, &content, &footer->properties, err);
out:
	rt_buf_fini(&content);
	return code;
}

static void
complete_properties(struct rt_table_writer *writer)
{
	struct rt_table_properties *properties = &writer->properties;
	const struct rt_table_options *options = &writer->options;

	properties->info.unique_id = options->unique_id;
	rt_buf_append_slice(&properties->info.largest,
	    rt_buf_slice(&writer->last));
	memcpy(properties->database_uuid, options->database_uuid,
	    RT_UUID_BYTES);
	properties->compression = (uint32_t)options->compression;
	properties->block_bytes = options->block_bytes;
	properties->bloom_bits_per_key = options->bloom_bits_per_key;
}

static enum rt_code
complete_file(struct rt_table_writer *writer, struct rt_err *err)
{
	struct rt_table_footer footer = {
		.unique_id = writer->options.unique_id,
		.format = RT_TABLE_FORMAT,
	};
	uint8_t bytes[RT_TABLE_FOOTER_BYTES];
	enum rt_code code;

	if (writer->block.entries != 0) {
		code = cut_block(writer, err);
		if (code != RT_OK)
			return code;
	}
	index_cut(writer, rt_slice(NULL, 0), 0);
	footer.data_bytes = file_bytes(writer);
	complete_properties(writer);
	code = append_sections(writer, &footer, err);
	if (code != RT_OK)
		return code;
	rt_table_footer_encode(&footer, bytes);
	code = append(writer, rt_slice(bytes, sizeof(bytes)), err);
	if (code == RT_OK)
		code = write_piece(writer, err);
	return code;
}

static enum rt_code
sync_file(struct rt_table_writer *writer, struct rt_err *err)
{
	enum rt_code code;

	RT_CRASHPOINT("table-before-sync");
	code = rt_fs_sync(writer->fs, writer->fd, err);
	if (code == RT_OK && writer->options.drop_cache)
		writer->fs->fadvise(writer->fs, writer->fd, 0, 0,
		    POSIX_FADV_DONTNEED);
	if (code == RT_OK)
		code = rt_fs_close(writer->fs, &writer->fd, err);
	RT_CRASHPOINT("table-after-sync");
	if (code != RT_OK)
		rt_err_prefix(err, "%s", writer->name);
	return code;
}

enum rt_code
rt_table_writer_finish(struct rt_table_writer *writer,
    struct rt_table_info *info, struct rt_err *err)
{
	enum rt_code code = writer->failed;

	if (code != RT_OK)
		rt_err_set(err, code, "%s: failed before", writer->name);
	else if (writer->properties.info.entries == 0)
		code = rt_err_set(err, RT_EINVAL, "%s: a table without entries",
		    writer->name);
	if (code == RT_OK)
		code = complete_file(writer, err);
	if (code == RT_OK)
		code = sync_file(writer, err);
	if (code != RT_OK) {
		rt_table_writer_abandon(writer);
		return code;
	}
	*info = writer->properties.info;
	info->size = writer->written;
	info->crc32c = writer->crc32c;
	info->older_versions = info->entries - writer->properties.keys;
	writer->properties.info = (struct rt_table_info){ .size = 0 };
	writer_free(writer);
	return RT_OK;
}
