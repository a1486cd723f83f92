/* table_index: which block of a table may hold a key. One separator per block:
 * at or behind its last entry, before the first one of the next block. Above a
 * size an index has two levels: partitions of so many blocks each, and a top
 * whose separators are the last ones of the partitions.
 * Thread: any; an index does not change. */
#ifndef LIBCOMMON_TABLE_TABLE_INDEX_H
#define LIBCOMMON_TABLE_TABLE_INDEX_H

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/table/key.h"

/* One level of an index, or a partition, in memory: this and what it tells the
 * places of are one allocation without pointers. What its separators stand for,
 * blocks or partitions, are its things. */
struct rt_table_index {
	size_t count;         /* things, at least 1 */
	size_t bytes;         /* of this allocation */
	uint64_t from, to;    /* the things in the file, trailers included */
	uint64_t blocks;      /* that the things hold together */
	uint64_t part_blocks; /* of each thing; 0: the things are blocks */
	size_t common_len;    /* what all separators begin with */
	size_t common;        /* its place, from the start of this */
	/* Arrays, one element a thing. */
	size_t prefixes;  /* u64: first 8 bytes behind the common ones */
	size_t seqs;      /* u64; 0: all are 0 */
	size_t ends;      /* u32 or, when wide, u64: counted from `from` */
	size_t data_ends; /* u64: of the blocks in the things; or 0 */
	size_t tail_ends; /* u32: counted from tails */
	size_t tails;     /* bytes behind the prefix */
	bool wide;
};

/* Read a section: of one level, or a partition, whose blocks fill from to to.
 * RT_EDAMAGED. Freed with free(). */
RT_MUST_USE enum rt_code rt_table_index_load(struct rt_table_index **out,
    struct rt_slice section, uint64_t from, uint64_t to, struct rt_err *err);

/* Read the section of a top: blocks fill the file up to data_bytes, partitions
 * lie between them and sections_end. RT_EDAMAGED. Freed with free(). */
RT_MUST_USE enum rt_code rt_table_index_load_top(struct rt_table_index **out,
    struct rt_slice section, uint64_t data_bytes, uint64_t sections_end,
    struct rt_err *err);

/* Read the section of partition i of top. RT_EDAMAGED, also when it is not the
 * one that top tells of. Freed with free(). */
RT_MUST_USE enum rt_code rt_table_index_load_part(struct rt_table_index **out,
    struct rt_slice section, const struct rt_table_index *top, size_t i,
    struct rt_err *err);

/* The first thing that may hold an entry at or behind (key, seq); count when
 * none does. */
size_t rt_table_index_find(const struct rt_table_index *index,
    struct rt_slice key, uint64_t seq);

/* <0, 0, >0: separator i against (key, seq). */
int rt_table_index_compare(const struct rt_table_index *index, size_t i,
    struct rt_slice key, uint64_t seq);

/* Where thing i begins, and its stored bytes, trailer excluded. */
uint64_t rt_table_index_offset(const struct rt_table_index *index, size_t i);
size_t rt_table_index_size(const struct rt_table_index *index, size_t i);

#endif
