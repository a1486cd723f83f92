/* wal_format: the bytes of a WAL segment (docs/formats/wal.md).
 *
 * A segment begins with two copies of its header, each in a sector of its own,
 * so that one damaged sector cannot hide the records behind it. Records follow
 * from RTD_WAL_RECORDS_AT on, without gaps or padding:
 *
 *	crc32c		4	of salt (8 bytes), rest of the header, payload
 *	length		4	of the payload
 *	type		1	enum rtd_wal_type
 *	tag		3	"RWL", so that a search for records is quick
 *	count		4	sequences in it; 0 unless data
 *	first_seq	8	its first sequence; unless data, the one to come
 *	synced_upto	8	offset in this segment known to be on the disk
 *	payload
 *
 * The salt is random for each segment, so that what an earlier segment left in
 * a recycled file is never valid. Integers are little endian.
 * Thread: any. */
#ifndef RIPTIDED_WAL_WAL_FORMAT_H
#define RIPTIDED_WAL_WAL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/err.h"
#include "libcommon/base/inlay.h"
#include "libcommon/base/slice.h"

#define RTD_WAL_FORMAT 1u
#define RTD_WAL_UUID_BYTES 16
#define RTD_WAL_SEGMENT_HEADER_BYTES 96
#define RTD_WAL_SECOND_HEADER_AT 2048u
#define RTD_WAL_RECORDS_AT 4096u
#define RTD_WAL_RECORD_HEADER_BYTES 32

/* The file had been in use: what follows the last record may be old bytes. */
#define RTD_WAL_FLAG_RECYCLED 0x1u

enum rtd_wal_type {
	RTD_WAL_DATA = 1,
	RTD_WAL_SYNC_MARKER = 2,	/* only carries synced_upto */
	RTD_WAL_CLEAN_END = 3,		/* nothing follows */
};

struct rtd_wal_segment_header {
	uint8_t database_uuid[RTD_WAL_UUID_BYTES];
	uint64_t number;
	uint64_t salt;
	uint64_t prev_number;		/* 0: none */
	uint64_t prev_bytes;		/* its final length */
	uint64_t prev_last_seq;		/* sequence before the first here */
	uint64_t manifest_generation;	/* durable when this segment began */
	uint32_t flags;
};

struct rtd_wal_record_header {
	uint32_t crc32c;
	uint32_t length;
	uint8_t type;
	uint32_t count;
	uint64_t first_seq;
	uint64_t synced_upto;
};

/* Both copies and the zeros around them. */
void rtd_wal_segment_header_encode(uint8_t out[RTD_WAL_RECORDS_AT],
    const struct rtd_wal_segment_header *header);

/* The first whole copy in the first `len` bytes of a file. RT_ENOTFOUND: none
 * is whole. RT_EFORMAT: it is of a newer format. */
enum rt_code rtd_wal_segment_header_decode(const uint8_t *bytes, size_t len,
    struct rtd_wal_segment_header *out, struct rt_err *err);

/* What the checksums of a segment's records start from. */
uint32_t rtd_wal_seed(uint64_t salt);

/* Write header and payload, which is `bytes` with the inlays in between; out
 * has room for header and bytes, and the inlays belong at their places behind
 * the header. inlays may be NULL. */
void rtd_wal_record_encode(uint8_t *out, uint32_t seed,
    const struct rtd_wal_record_header *header, struct rt_slice bytes,
    const struct rt_inlays *inlays);

/* Read the header. False when no record can begin with these bytes. The
 * checksum is not looked at. */
bool rtd_wal_record_header_decode(
    const uint8_t bytes[RTD_WAL_RECORD_HEADER_BYTES],
    struct rtd_wal_record_header *out);

/* Checksum of a header (its own crc32c left out); continue with the payload. */
uint32_t rtd_wal_record_header_crc(uint32_t seed,
    const uint8_t bytes[RTD_WAL_RECORD_HEADER_BYTES]);

#endif
