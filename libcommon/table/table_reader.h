/* table_reader: open, get, iterate. It trusts no byte of the file: damage gives
 * RT_EDAMAGED with file and offset, never a wrong value.
 * Thread: any, after open; reads take no lock of the reader. */
#ifndef LIBCOMMON_TABLE_TABLE_READER_H
#define LIBCOMMON_TABLE_TABLE_READER_H

#include "libcommon/os/fs.h"
#include "libcommon/table/block_cache.h"
#include "libcommon/table/block_reader.h"
#include "libcommon/table/iter.h"
#include "libcommon/table/table_writer.h"

struct rt_table_reader;

/* What the manifest says of the file; what differs inside is RT_EDAMAGED. */
struct rt_table_expect {
	uint64_t size;
	uint64_t unique_id;
	const uint8_t *database_uuid; /* RT_UUID_BYTES, or NULL: not checked */
	/* The filter is not read: for who goes through the table in order. */
	bool without_filter;
};

/* Open a table, reading footer, properties, index and filter. cache (may be
 * NULL: every read goes to the file) must outlive the reader. A damaged filter
 * is left aside (*filter_damaged, may be NULL, tells) and reads go on without
 * it. expect may be NULL (tools). The result has one reference. */
RT_MUST_USE enum rt_code rt_table_reader_open(struct rt_table_reader **out,
    struct rt_fs *fs, int dir, const char *name,
    const struct rt_table_expect *expect, struct rt_block_cache *cache,
    bool *filter_damaged, struct rt_err *err);

/* Whether the file is the expected one, by its size, footer and properties;
 * index, filter and blocks are not looked at. The errors of opening it. */
RT_MUST_USE enum rt_code rt_table_check_file(struct rt_fs *fs, int dir,
    const char *name, const struct rt_table_expect *expect,
    struct rt_err *err);

/* Append the section of key counts (key_counts.h) of a table file, which is
 * opened for it alone, without index and filter. RT_ENOTFOUND: the table was
 * written before there were any. */
RT_MUST_USE enum rt_code rt_table_read_key_counts(struct rt_fs *fs, int dir,
    const char *name, const struct rt_table_expect *expect, struct rt_buf *out,
    struct rt_err *err);

/* Counted; the last unref closes the file. NULL is accepted by unref. */
struct rt_table_reader *rt_table_reader_ref(struct rt_table_reader *reader);
void rt_table_reader_unref(struct rt_table_reader *reader);

/* A found version; value holds until rt_table_found_fini(). Zeroed is inert. */
struct rt_table_found {
	uint64_t seq;
	enum rt_entry_type type;
	struct rt_slice value;        /* stored value */
	struct rt_block_cache *cache; /* internal: what value is pinned by */
	struct rt_cached_block *block;
	uint8_t *owned;
	bool was_read;                /* from the file, by this look */
};

/* Unpins or frees what value lies in. */
void rt_table_found_fini(struct rt_table_found *found);

#define RT_TABLE_NOWAIT 0x01 /* RT_EAGAIN instead of waiting for a disk */
#define RT_TABLE_COLD 0x02   /* blocks read are not worth keeping */

/* The newest version of key with a sequence <= read_seq. key_hash is
 * rt_hash64(key), computed once for all tables. RT_ENOTFOUND: none here. */
RT_MUST_USE enum rt_code rt_table_reader_get(struct rt_table_reader *reader,
    struct rt_slice key, uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_found *found, struct rt_err *err);

/* A get in steps, for who has several keys or tables at hand: what a step will
 * touch is asked of the memory by the step before it, and comes while those of
 * the others run.
 *	rt_table_reader_prefetch	asks for the line of the filter
 *	rt_table_reader_locate		filter and index; asks for the cache's slot
 *	rt_table_reader_approach	the slot; asks for the block's end
 *	rt_table_reader_pin		the block, if it is in the cache
 *	rt_table_reader_aim		its end; asks for the key's lines
 *	rt_table_reader_get_at		the lines; all that is left of a get
 * prefetch, approach, pin and aim may be left out. */
void rt_table_reader_prefetch(const struct rt_table_reader *reader,
    uint64_t key_hash);

/* A data block: its number in the table, from 0, and where its stored bytes
 * begin, which are followed by a trailer. */
struct rt_table_block {
	size_t number;
	uint64_t offset;
	size_t size;
};

/* Where a key must be if the table has it. Zeroed is inert. */
struct rt_table_place {
	struct rt_table_reader *reader; /* borrowed */
	struct rt_table_block block;
	struct rt_cached_block *cached; /* internal: pinned */
	bool is_aimed;                  /* internal, as what follows */
	enum rt_block_result aim;
	size_t restart;
};

/* RT_ENOTFOUND: not in this table. Other errors are those of reading a part of
 * the index: with RT_TABLE_NOWAIT also RT_EAGAIN. */
RT_MUST_USE enum rt_code rt_table_reader_locate(struct rt_table_reader *reader,
    struct rt_slice key, uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_place *place, struct rt_err *err);

/* The step before the block is pinned. */
void rt_table_reader_approach(const struct rt_table_place *place);

/* True when the block is in the cache; it is pinned then until
 * rt_table_reader_get_at() or rt_table_place_fini(). */
bool rt_table_reader_pin(struct rt_table_place *place);

/* Of a place that is pinned; nothing happens to others. */
void rt_table_reader_aim(struct rt_table_place *place, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq);

/* As rt_table_reader_get(). place is inert after it. */
RT_MUST_USE enum rt_code rt_table_reader_get_at(struct rt_table_place *place,
    struct rt_slice key, uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_found *found, struct rt_err *err);

/* Give a place up. */
void rt_table_place_fini(struct rt_table_place *place);

/* False when the filter excludes the key; counts as useful when it does. */
bool rt_table_reader_may_contain(struct rt_table_reader *reader,
    uint64_t key_hash);

/* An iterator over all entries; holds a reference. readahead_bytes > 0 reads
 * the file in pieces of that size around the cache (merges, checks). */
struct rt_iter *rt_table_reader_iter(struct rt_table_reader *reader,
    unsigned flags, size_t readahead_bytes);

/* The same for a range, whose keys live as long as the iterator. Blocks outside
 * are not read, and their entries not shown. */
struct rt_iter *rt_table_reader_iter_range(struct rt_table_reader *reader,
    unsigned flags, size_t readahead_bytes, const struct rt_range *range);

/* What the file says of itself (keys, counts); the slices live as long as the
 * reader. */
const struct rt_table_info *rt_table_reader_info(
    const struct rt_table_reader *reader);

/* The database that the file says it belongs to, RT_UUID_BYTES; lives as long as
 * the reader. */
const uint8_t *rt_table_reader_database(const struct rt_table_reader *reader);

/* Make key that which a block begins with, the one behind numerator parts of
 * denominator of the blocks (less than all of them): where to cut a table into
 * parts of equally many blocks. flags: as for a get. */
RT_MUST_USE enum rt_code rt_table_reader_key_at(struct rt_table_reader *reader,
    size_t numerator, size_t denominator, unsigned flags, struct rt_buf *key,
    struct rt_err *err);

/* Bytes of memory held for index, filter and the reader itself. */
size_t rt_table_reader_memory(const struct rt_table_reader *reader);

/* How often a filter said no, over all readers of the process. */
uint64_t rt_table_filter_useful(void);

/* Read the file once and compare the checksum of all its bytes. */
RT_MUST_USE enum rt_code rt_table_reader_verify_bytes(
    struct rt_table_reader *reader, uint32_t crc32c, struct rt_err *err);

/* Read every block, check checksums, order, counts, ranges, filter and the
 * whole-file checksum `crc32c` (skipped when 0). */
RT_MUST_USE enum rt_code rt_table_reader_verify(struct rt_table_reader *reader,
    uint32_t crc32c, struct rt_err *err);

/* The same, asking go_on after each megabyte or so; RT_ESTOPPED when it says
 * false. */
RT_MUST_USE enum rt_code rt_table_reader_verify_while(
    struct rt_table_reader *reader, uint32_t crc32c, bool (*go_on)(void *arg),
    void *arg, struct rt_err *err);

#endif
