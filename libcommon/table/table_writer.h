/* table_writer: sorted entries to a finished, synced file. The format is in
 * docs/formats/table.md. Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_TABLE_WRITER_H
#define LIBCOMMON_TABLE_TABLE_WRITER_H

#include <stdint.h>

#include "libcommon/os/fs.h"
#include "libcommon/table/key.h"

enum rt_compression {
	RT_COMPRESSION_NONE = 0,
	RT_COMPRESSION_SNAPPY = 1,
	RT_COMPRESSION_LZ4 = 2,
	RT_COMPRESSION_ZSTD = 3,
};

#define RT_UUID_BYTES 16

struct rt_table_options {
	size_t block_bytes;		/* goal, uncompressed: 1 KiB to 1 MiB */
	unsigned bloom_bits_per_key;	/* 0: no filter; at most 32 */
	enum rt_compression compression;
	uint8_t database_uuid[RT_UUID_BYTES];
	uint64_t unique_id;		/* random, not 0 */
	size_t write_behind_bytes;	/* start write-back every so many; 0: no */
	bool drop_cache;		/* spare the page cache when done */
	/* An index of more bytes than this, as stored, gets two levels, with
	 * partitions of so many blocks. 0: the values below. */
	size_t index_bytes_max;
	size_t index_part_blocks;
};

/* A table of the usual size has one level, which is held in memory; this is for
 * those several times as large. */
#define RT_TABLE_INDEX_ONE_LEVEL_BYTES (1u << 20)
/* Some kilobytes in memory, as a data block has. */
#define RT_TABLE_INDEX_PART_BLOCKS 256u

/* What is known of a finished table; goes into the manifest. */
struct rt_table_info {
	uint64_t size;		/* bytes of the file */
	uint64_t unique_id;
	struct rt_buf smallest;	/* store keys, inclusive; owned */
	struct rt_buf largest;
	uint64_t min_seq;
	uint64_t max_seq;
	uint64_t entries;	/* tombstones included */
	uint64_t tombstones;
	uint64_t expire_min_ms;	/* 0: nothing expires */
	uint64_t expire_max_ms;	/* 0: something never expires */
	uint32_t crc32c;	/* of the whole file */
	uint64_t payload;	/* bytes of user keys and values */
	/* Versions behind a newer one of their key; 0 when the info comes from
	 * a file. */
	uint64_t older_versions;
};

/* Frees the keys in it. */
void rt_table_info_fini(struct rt_table_info *info);

/* A new value for rt_table_options.unique_id: random, not 0. */
uint64_t rt_table_unique_id(void);

struct rt_table_writer;

/* Create `name` below dir. RT_EEXIST when taken. dir stays the caller's and
 * open for the writer's life. */
RT_MUST_USE enum rt_code rt_table_writer_open(struct rt_table_writer **out,
    struct rt_fs *fs, int dir, const char *name,
    const struct rt_table_options *options, struct rt_err *err);

/* Add the next entry: later in order than all before. RT_EIO or RT_ENOSPC:
 * the writer takes no more and must be abandoned. RT_EINVAL: out of order or a
 * malformed value. */
RT_MUST_USE enum rt_code rt_table_writer_add(struct rt_table_writer *writer,
    const struct rt_entry *entry, struct rt_err *err);

/* Bytes the file would have if finished now, about. */
uint64_t rt_table_writer_bytes(const struct rt_table_writer *writer);
uint64_t rt_table_writer_entries(const struct rt_table_writer *writer);

/* Write filter, index, properties and footer, sync and close the file, fill
 * info, free the writer (on failure too, unlinking the file). At least one
 * entry is needed. The directory is the caller's to sync. */
RT_MUST_USE enum rt_code rt_table_writer_finish(struct rt_table_writer *writer,
    struct rt_table_info *info, struct rt_err *err);

/* Give up: close, unlink and free. NULL is accepted. */
void rt_table_writer_abandon(struct rt_table_writer *writer);

#endif
