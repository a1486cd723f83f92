/* An index section is a count and as many entries, all numbers varints:
 *	shared, unshared * 2 + has_seq, separator from `shared` on,
 *	sequence (when has_seq), stored bytes of the block
 * shared is the longest common prefix with the separator before. Blocks lie
 * one behind the other, each with its trailer. A separator without a sequence
 * is behind all versions of its key; one with it stands between two versions
 * of a key whose versions fill more than a block.
 *
 * Of two levels, each partition is such a section, and the top is
 *	blocks, blocks of a partition, offset of the first partition
 * before such a section whose entries stand for partitions: with the last
 * separator of each, its stored bytes, and then the bytes of its blocks. */
#include "libcommon/table/table_index_builder.h"

#include "libcommon/base/invariant.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_index_entry.h"

void
rt_table_index_builder_fini(struct rt_table_index_builder *builder)
{
	rt_buf_fini(&builder->entries);
	rt_buf_fini(&builder->last);
	*builder = (struct rt_table_index_builder){ .count = 0 };
}

static void
builder_clear(struct rt_table_index_builder *builder)
{
	rt_buf_clear(&builder->entries);
	rt_buf_clear(&builder->last);
	builder->count = 0;
	builder->key_bytes = 0;
}

/* Bytes of b or a that make a short key s with a <= s < b, given a < b: those
 * of b up to where it differs when b goes on behind, or a with that byte one
 * higher when there is room, else all of a. */
static void
put_separator(struct rt_buf *out, struct rt_slice a, struct rt_slice b)
{
	size_t same = rt_slice_shared_prefix(a, b);

	rt_buf_clear(out);
	if (same == a.len) {
		rt_buf_append_slice(out, a);
	} else if (b.len > same + 1) {
		rt_buf_append(out, b.data, same + 1);
	} else if (b.data[same] - a.data[same] > 1) {
		rt_buf_append(out, a.data, same + 1);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		out->data[same]++;
	} else {
		rt_buf_append_slice(out, a);
	}
}

/* An entry with the separator (key, seq), seq 0 being none. */
static void
put_entry(struct rt_table_index_builder *builder, struct rt_slice key,
    uint64_t seq, uint64_t stored)
{
	size_t shared =
	    rt_slice_shared_prefix(rt_buf_slice(&builder->last), key);

	rt_buf_put_varint(&builder->entries, shared);
	rt_buf_put_varint(&builder->entries,
	    (uint64_t)(key.len - shared) << 1 | (seq != 0));
	rt_buf_append(&builder->entries, key.data + shared, key.len - shared);
	if (seq != 0)
		rt_buf_put_varint(&builder->entries, seq);
	rt_buf_put_varint(&builder->entries, stored);
	builder->count++;
	builder->key_bytes += key.len;
	rt_buf_clear(&builder->last);
	rt_buf_append_slice(&builder->last, key);
}

void
rt_table_index_builder_add(struct rt_table_index_builder *builder,
    uint64_t stored, struct rt_slice last, uint64_t last_seq,
    struct rt_slice next, uint64_t next_seq)
{
	bool has_seq = next_seq != 0 && rt_slice_equal(last, next);
	struct rt_buf separator = { 0 };

	if (next_seq == 0 || has_seq)
		rt_buf_append_slice(&separator, last);
	else
		put_separator(&separator, last, next);
	put_entry(builder, rt_buf_slice(&separator), has_seq ? last_seq : 0,
	    stored);
	rt_buf_fini(&separator);
}

enum rt_code
rt_table_index_builder_finish(const struct rt_table_index_builder *builder,
    struct rt_buf *out, struct rt_err *err)
{
	if (builder->key_bytes > RT_TABLE_INDEX_BYTES_MAX ||
	    builder->entries.len + 4 * RT_VARINT_BYTES_MAX >
		RT_TABLE_INDEX_BYTES_MAX)
		return rt_err_set(err, RT_ELIMIT,
		    "index of %llu blocks: too large",
		    (unsigned long long)builder->count);
	rt_buf_put_varint(out, builder->count);
	rt_buf_append_slice(out, rt_buf_slice(&builder->entries));
	return RT_OK;
}

void
rt_table_index_splitter_init(struct rt_table_index_splitter *splitter,
    const struct rt_table_index_builder *from, uint64_t blocks)
{
	*splitter = (struct rt_table_index_splitter){
		.from = from,
		.blocks = blocks,
		.rest = rt_cursor(rt_buf_slice(&from->entries)),
	};
}

void
rt_table_index_splitter_fini(struct rt_table_index_splitter *splitter)
{
	rt_buf_fini(&splitter->key);
	rt_table_index_builder_fini(&splitter->part);
	rt_table_index_builder_fini(&splitter->top);
}

bool
rt_table_index_splitter_next(struct rt_table_index_splitter *splitter,
    struct rt_buf *out)
{
	struct rt_table_index_builder *part = &splitter->part;

	builder_clear(part);
	splitter->data_bytes = 0;
	while (rt_cursor_left(&splitter->rest) != 0 &&
	    part->count < splitter->blocks) {
		struct rt_table_index_entry entry;

		rt_table_index_entry_read(&splitter->rest, false, &entry);
		rt_assert(!splitter->rest.bad);
		splitter->key.len = entry.shared;
		rt_buf_append_slice(&splitter->key, entry.suffix);
		splitter->seq = entry.seq;
		splitter->data_bytes += entry.stored + RT_BLOCK_TRAILER_BYTES;
		put_entry(part, rt_buf_slice(&splitter->key), entry.seq,
		    entry.stored);
	}
	if (part->count == 0)
		return false;
	rt_buf_put_varint(out, part->count);
	rt_buf_append_slice(out, rt_buf_slice(&part->entries));
	return true;
}

void
rt_table_index_splitter_stored(struct rt_table_index_splitter *splitter,
    uint64_t stored)
{
	put_entry(&splitter->top, rt_buf_slice(&splitter->key), splitter->seq,
	    stored);
	rt_buf_put_varint(&splitter->top.entries, splitter->data_bytes);
}

enum rt_code
rt_table_index_splitter_finish(const struct rt_table_index_splitter *splitter,
    uint64_t offset, struct rt_buf *out, struct rt_err *err)
{
	rt_buf_put_varint(out, splitter->from->count);
	rt_buf_put_varint(out, splitter->blocks);
	rt_buf_put_varint(out, offset);
	return rt_table_index_builder_finish(&splitter->top, out, err);
}
