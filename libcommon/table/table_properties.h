/* table_properties: what a table says of itself, to and from the protobuf
 * message of its properties section. Thread: any. */
#ifndef LIBCOMMON_TABLE_TABLE_PROPERTIES_H
#define LIBCOMMON_TABLE_TABLE_PROPERTIES_H

#include "libcommon/table/table_format.h"
#include "libcommon/table/table_writer.h"

struct rt_table_properties {
	struct rt_table_info info;	/* size and crc32c are not stored */
	uint8_t database_uuid[RT_UUID_BYTES];
	uint64_t keys;			/* distinct */
	uint64_t blocks;
	uint64_t block_bytes_max;	/* largest content, uncompressed */
	uint64_t raw_bytes;		/* contents of all, uncompressed */
	uint32_t compression;		/* asked for */
	uint64_t block_bytes;		/* the goal */
	uint32_t bloom_bits_per_key;
	struct rt_table_section counts;	/* key_counts.h */
};

/* Frees the keys in it. */
void rt_table_properties_fini(struct rt_table_properties *properties);

/* Append the message. */
void rt_table_properties_encode(const struct rt_table_properties *properties,
    struct rt_buf *out);

/* RT_EDAMAGED: malformed, or the fields contradict each other. */
RT_MUST_USE enum rt_code rt_table_properties_decode(
    struct rt_table_properties *properties, struct rt_slice section,
    struct rt_err *err);

#endif
