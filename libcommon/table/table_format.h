/* table_format: the fixed parts of a table file: footer, features, block
 * trailer, limits. docs/formats/table.md has every byte.
 * Thread: any. */
#ifndef LIBCOMMON_TABLE_TABLE_FORMAT_H
#define LIBCOMMON_TABLE_TABLE_FORMAT_H

#include <stdint.h>

#include "libcommon/base/err.h"
#include "libcommon/table/key.h"

#define RT_TABLE_MAGIC "RTsst\r\n\x1a"
#define RT_TABLE_MAGIC_BYTES 8
#define RT_TABLE_FORMAT 1
#define RT_TABLE_FOOTER_BYTES 96

/* Incompatible features: a reader that does not know a set bit refuses the
 * file. Read-only-compatible ones forbid rewriting, compatible ones nothing. */
#define RT_TABLE_INCOMPAT_INDEX_LEVELS 0x1u	/* the index has two */
#define RT_TABLE_INCOMPAT_KNOWN RT_TABLE_INCOMPAT_INDEX_LEVELS

/* Behind each block and section: compression (1), crc32c (4). */
#define RT_BLOCK_TRAILER_BYTES 5
/* In front of compressed bytes: their length uncompressed. */
#define RT_BLOCK_RAW_LEN_BYTES 4

/* What a reader accepts. A block holds one entry of any legal size, or several
 * that together stay below its goal. */
#define RT_BLOCK_BYTES_MAX (RT_VALUE_BYTES_MAX + (4u << 20))
#define RT_TABLE_PROPERTIES_BYTES_MAX (1u << 20)
#define RT_TABLE_INDEX_BYTES_MAX (1u << 30)
#define RT_TABLE_FILTER_BYTES_MAX (1u << 30)
#define RT_TABLE_COUNTS_BYTES_MAX (64u << 20)
#define RT_TABLE_INDEX_PART_BLOCKS_MAX (1u << 16)

/* A section: where its bytes begin and how many there are, trailer excluded. */
struct rt_table_section {
	uint64_t offset;
	uint64_t size;		/* 0: the file has none */
};

struct rt_table_footer {
	uint64_t data_bytes;	/* data blocks with trailers, from offset 0 */
	struct rt_table_section filter;
	struct rt_table_section index;
	struct rt_table_section properties;
	uint64_t unique_id;
	uint32_t incompat;
	uint32_t ro_compat;
	uint32_t compat;
	uint32_t format;
};

/* The last bytes of a table, checksum included. */
void rt_table_footer_encode(const struct rt_table_footer *footer,
    uint8_t out[RT_TABLE_FOOTER_BYTES]);

/* Whether section and its trailer lie between from and to. */
bool rt_table_section_is_inside(const struct rt_table_section *section,
    uint64_t from, uint64_t to);

/* file_bytes: size of the whole file, which all sections must lie in.
 * RT_EDAMAGED, or RT_EFORMAT when it is whole but of a newer kind. */
RT_MUST_USE enum rt_code rt_table_footer_decode(struct rt_table_footer *footer,
    const uint8_t in[RT_TABLE_FOOTER_BYTES], uint64_t file_bytes,
    struct rt_err *err);

#endif
