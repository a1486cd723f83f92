/* table_index: which block of a table may hold a key. One separator per block:
 * at or behind its last entry, before the first one of the next block.
 * Thread: a builder one at a time, an index any. */
#ifndef LIBCOMMON_TABLE_TABLE_INDEX_H
#define LIBCOMMON_TABLE_TABLE_INDEX_H

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/table/key.h"

/* The writing side. Zeroed is empty. */
struct rt_table_index_builder {
	struct rt_buf entries;
	struct rt_buf last;	/* the separator before */
	uint64_t count;
	uint64_t key_bytes;	/* of all separators, whole */
};

void rt_table_index_builder_fini(struct rt_table_index_builder *builder);

/* Add a block of so many stored bytes (trailer excluded), directly behind the
 * one before. (last, last_seq) is its last entry, next the key that begins the
 * block behind it; next_seq > 0 tells that there is one. */
void rt_table_index_builder_add(struct rt_table_index_builder *builder,
    uint64_t stored, struct rt_slice last, uint64_t last_seq,
    struct rt_slice next, uint64_t next_seq);

/* Append the section. RT_ELIMIT: more than a reader would take. */
RT_MUST_USE enum rt_code rt_table_index_builder_finish(
    const struct rt_table_index_builder *builder, struct rt_buf *out,
    struct rt_err *err);

/* The reading side: all in memory. Zeroed is inert. */
struct rt_table_index {
	size_t count;		/* blocks */
	uint64_t *prefixes;	/* first 8 bytes of each key below, as a number */
	uint64_t *offsets;	/* of the blocks, and of the end: count + 1 */
	uint64_t *seqs;		/* NULL: all 0 */
	uint32_t *key_offsets;	/* into keys: count + 1 */
	uint8_t *keys;		/* separators without the common prefix */
	uint8_t *common;
	size_t common_len;
};

/* Read a section. data_bytes: what the blocks fill together. RT_EDAMAGED. */
RT_MUST_USE enum rt_code rt_table_index_load(struct rt_table_index *index,
    struct rt_slice section, uint64_t data_bytes, struct rt_err *err);
void rt_table_index_fini(struct rt_table_index *index);

/* The first block that may hold an entry at or behind (key, seq); count when
 * none does. */
size_t rt_table_index_find(const struct rt_table_index *index,
    struct rt_slice key, uint64_t seq);

/* <0, 0, >0: separator i against (key, seq). */
int rt_table_index_compare(const struct rt_table_index *index, size_t i,
    struct rt_slice key, uint64_t seq);

/* Stored bytes of block i, trailer excluded. */
size_t rt_table_index_block_size(const struct rt_table_index *index, size_t i);

size_t rt_table_index_memory(const struct rt_table_index *index);

#endif
