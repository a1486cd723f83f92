/* table_index_builder: separators of blocks to the index of a table, of one
 * level or, when it is large, of two. Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_TABLE_INDEX_BUILDER_H
#define LIBCOMMON_TABLE_TABLE_INDEX_BUILDER_H

#include "libcommon/base/buf.h"
#include "libcommon/base/coding.h"
#include "libcommon/base/err.h"
#include "libcommon/table/key.h"

/* Zeroed is empty. */
struct rt_table_index_builder {
	struct rt_buf entries;
	struct rt_buf last; /* the separator before */
	uint64_t count;
	uint64_t key_bytes; /* of all separators, whole */
};

/* Frees what it has gathered. */
void rt_table_index_builder_fini(struct rt_table_index_builder *builder);

/* Add a block of so many stored bytes (trailer excluded), directly behind the
 * one before. (last, last_seq) is its last entry, next the key that begins the
 * block behind it; next_seq > 0 tells that there is one. */
void rt_table_index_builder_add(struct rt_table_index_builder *builder,
    uint64_t stored, struct rt_slice last, uint64_t last_seq,
    struct rt_slice next, uint64_t next_seq);

/* Append the section of one level. RT_ELIMIT: more than a reader would
 * take. */
RT_MUST_USE enum rt_code rt_table_index_builder_finish(
    const struct rt_table_index_builder *builder, struct rt_buf *out,
    struct rt_err *err);

/* Cuts what a builder has into partitions of `blocks` each, the last one
 * perhaps smaller, and collects the level above them. Borrows the builder. */
struct rt_table_index_splitter {
	const struct rt_table_index_builder *from;
	uint64_t blocks;
	struct rt_cursor rest; /* entries of from not cut yet */
	struct rt_buf key;     /* the separator read last */
	uint64_t seq;
	uint64_t data_bytes; /* of the partition cut last */
	struct rt_table_index_builder part;
	struct rt_table_index_builder top;
};

/* Cuts the index that builder has into its parts, one after the other. */
void rt_table_index_splitter_init(struct rt_table_index_splitter *splitter,
    const struct rt_table_index_builder *from, uint64_t blocks);

/* Frees its memory, not the builder. */
void rt_table_index_splitter_fini(struct rt_table_index_splitter *splitter);

/* Append the section of the next partition, then tell what it takes in the
 * file (trailer excluded), directly behind the one before. False: no more. */
bool rt_table_index_splitter_next(struct rt_table_index_splitter *splitter,
    struct rt_buf *out);
void rt_table_index_splitter_stored(struct rt_table_index_splitter *splitter,
    uint64_t stored);

/* Append the section of the top. offset: of the first partition. RT_ELIMIT. */
RT_MUST_USE enum rt_code rt_table_index_splitter_finish(
    const struct rt_table_index_splitter *splitter, uint64_t offset,
    struct rt_buf *out, struct rt_err *err);

#endif
