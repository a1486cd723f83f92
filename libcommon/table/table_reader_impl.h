/* table_reader_impl: what the files that implement table_reader.h share. */
#ifndef LIBCOMMON_TABLE_TABLE_READER_IMPL_H
#define LIBCOMMON_TABLE_TABLE_READER_IMPL_H

#include <stdatomic.h>

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
	struct rt_table_index *index;	/* the top when it has two levels */
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

#endif
