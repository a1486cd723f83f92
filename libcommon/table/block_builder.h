/* block_builder: sorted entries to the content of a data block.
 * Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_BLOCK_BUILDER_H
#define LIBCOMMON_TABLE_BLOCK_BUILDER_H

#include "libcommon/base/buf.h"
#include "libcommon/table/key.h"

/* Zeroed is empty and ready. */
struct rt_block_builder {
	struct rt_buf data;
	uint32_t *restarts;
	size_t restarts_count;
	size_t restarts_cap;
	uint32_t *hashes;	/* of each distinct key, */
	uint32_t *hash_restarts;	/* and where it begins */
	size_t hashes_count;
	size_t hashes_cap;
	size_t entries;
	uint64_t base_seq;
};

/* Frees what it has gathered. */
void rt_block_builder_fini(struct rt_block_builder *builder);

/* Add the next entry. shared: bytes that its key has in common with the key
 * added before it (whatever, for the first). key_hash: of its key.
 * The caller sees to the order. */
void rt_block_builder_add(struct rt_block_builder *builder,
    const struct rt_entry *entry, size_t shared, uint64_t key_hash);

/* The same without copying the value's bytes: they belong behind what
 * builder->data holds now. */
void rt_block_builder_add_head(struct rt_block_builder *builder,
    const struct rt_entry *entry, size_t shared, uint64_t key_hash);

/* Bytes of the content if finished now, about. */
static inline size_t
rt_block_builder_bytes(const struct rt_block_builder *builder)
{
	return builder->data.len + builder->restarts_count * 4 +
	    builder->hashes_count * 2 + 16;
}

/* Complete the content in builder->data, from which the caller takes it. */
void rt_block_builder_finish(struct rt_block_builder *builder);

/* Begin the next block. */
void rt_block_builder_reset(struct rt_block_builder *builder);

#endif
