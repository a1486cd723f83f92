/* table_blocks: the data blocks of an open table: where they lie, and their
 * bytes, from the cache or the file. Thread: any; a locator one at a time. */
#ifndef LIBCOMMON_TABLE_TABLE_BLOCKS_H
#define LIBCOMMON_TABLE_TABLE_BLOCKS_H

#include "libcommon/table/block_reader.h"
#include "libcommon/table/table_reader.h"

/* How many blocks the table has, numbered from 0 in the order of keys. */
size_t rt_table_blocks_count(const struct rt_table_reader *reader);

/* Finds blocks through the index, and keeps the partition of it that was used
 * last, so that who goes from block to block asks for each once. Borrows the
 * reader. */
struct rt_table_locator {
	struct rt_table_reader *reader;
	const struct rt_table_index *part; /* NULL: none yet */
	size_t part_number;
	struct rt_cached_block *cached; /* what part is pinned by */
	uint8_t *owned;                 /* or freed with */
};

/* Borrows reader. Nothing is read yet. */
void rt_table_locator_init(struct rt_table_locator *locator,
    struct rt_table_reader *reader);

/* Lets the part of the index go that it holds. */
void rt_table_locator_fini(struct rt_table_locator *locator);

/* The first block that may hold an entry at or behind (key, seq).
 * RT_ENOTFOUND: none does. flags: those of rt_table_reader_get(). Other errors
 * are those of reading a partition. */
RT_MUST_USE enum rt_code rt_table_locate(struct rt_table_locator *locator,
    struct rt_slice key, uint64_t seq, unsigned flags,
    struct rt_table_block *out, struct rt_err *err);

/* Block `number`, which is below rt_table_blocks_count(). */
RT_MUST_USE enum rt_code rt_table_locate_number(
    struct rt_table_locator *locator, size_t number, unsigned flags,
    struct rt_table_block *out, struct rt_err *err);

/* Whether all blocks behind this one, which was located last, begin behind
 * (key, seq). */
bool rt_table_block_reaches(const struct rt_table_locator *locator,
    const struct rt_table_block *block, struct rt_slice key, uint64_t seq);

/* A block in memory. Zeroed is inert. */
struct rt_loaded_block {
	struct rt_block block;
	struct rt_cached_block *cached; /* pinned, or NULL */
	uint8_t *owned;                 /* or freed with it, or NULL */
	bool was_read;                  /* from the file */
};

/* A block from the cache, else from the file and then into the cache. */
RT_MUST_USE enum rt_code rt_table_load_block(struct rt_table_reader *reader,
    const struct rt_table_block *block, unsigned flags,
    struct rt_loaded_block *out, struct rt_err *err);
/* Make the block that loaded->cached pins readable. */
void rt_table_use_cached(struct rt_loaded_block *loaded);
void rt_table_drop_block(struct rt_table_reader *reader,
    struct rt_loaded_block *loaded);

/* Check a block whose stored bytes with their trailer are in memory, and make
 * it readable: *owned is set to new memory when it had to be uncompressed,
 * else the block borrows from stored. */
RT_MUST_USE enum rt_code rt_table_parse_block(
    const struct rt_table_reader *reader, const struct rt_table_block *block,
    const uint8_t *stored, struct rt_block *out, uint8_t **owned,
    struct rt_err *err);

/* RT_EDAMAGED, naming file and offset of the block. */
enum rt_code rt_table_block_damaged(const struct rt_table_reader *reader,
    const struct rt_table_block *block, const char *what, struct rt_err *err);

#endif
