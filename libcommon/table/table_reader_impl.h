/* table_reader_impl: what the files that implement table_reader.h share. */
#ifndef LIBCOMMON_TABLE_TABLE_READER_IMPL_H
#define LIBCOMMON_TABLE_TABLE_READER_IMPL_H

#include <stdatomic.h>

#include "libcommon/table/block_codec.h"
#include "libcommon/table/block_reader.h"
#include "libcommon/table/bloom.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_index.h"
#include "libcommon/table/table_properties.h"
#include "libcommon/table/table_reader.h"

struct rt_table_reader {
	struct rt_fs *fs;
	int fd;
	char *name;
	struct rt_block_cache *cache;	/* may be NULL */
	struct rt_table_footer footer;
	struct rt_table_index index;
	struct rt_table_properties properties;
	uint8_t *filter;		/* NULL: none, or left aside */
	struct rt_bloom bloom;
	atomic_uint refs;
};

/* A section that is never compressed: its bytes, checked, in memory aligned to
 * a cache line for the filter's sake, freed with free(). what: for the error. */
RT_MUST_USE enum rt_code rt_table_read_section(struct rt_table_reader *reader,
    const char *what, const struct rt_table_section *section, size_t bytes_max,
    uint8_t **out, struct rt_err *err);

/* A block in memory. Zeroed is inert. */
struct rt_loaded_block {
	struct rt_block block;
	struct rt_cached_block *cached;	/* pinned, or NULL */
	uint8_t *owned;			/* or freed with it, or NULL */
};

/* Block i from the cache, else from the file and then into the cache. flags:
 * those of rt_table_reader_get(). */
RT_MUST_USE enum rt_code rt_table_load_block(struct rt_table_reader *reader,
    size_t i, unsigned flags, struct rt_loaded_block *out, struct rt_err *err);
void rt_table_drop_block(struct rt_table_reader *reader,
    struct rt_loaded_block *loaded);

/* Check block i, whose stored bytes with their trailer are in memory, and make
 * it readable: *owned is set to new memory when it had to be uncompressed,
 * else the block borrows from stored. */
RT_MUST_USE enum rt_code rt_table_parse_block(
    const struct rt_table_reader *reader, size_t i, const uint8_t *stored,
    struct rt_block *block, uint8_t **owned, struct rt_err *err);

/* RT_EDAMAGED, naming file and offset of block i. */
enum rt_code rt_table_block_damaged(const struct rt_table_reader *reader,
    size_t i, const char *what, struct rt_err *err);

#endif
