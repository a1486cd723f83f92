/* The segment header, RTD_WAL_SEGMENT_HEADER_BYTES, twice:
 *	magic 8, format 4, flags 4, database uuid 16, number 8, salt 8,
 *	predecessor's number 8, its final length 8, its last sequence 8,
 *	manifest generation 8, zeros 12, crc32c of all before 4 */
#include "riptided/wal/wal_format.h"

#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"

#define MAGIC "RIPTWAL\n"
#define MAGIC_BYTES 8
#define CRC_AT (RTD_WAL_SEGMENT_HEADER_BYTES - 4)
/* "RWL" in the three bytes above the type. */
#define TAG 0x4c575200u
#define TAG_MASK 0xffffff00u

static void
encode_copy(uint8_t *out, const struct rtd_wal_segment_header *header)
{
	memcpy(out, MAGIC, MAGIC_BYTES);
	rt_put_fixed32(out + 8, RTD_WAL_FORMAT);
	rt_put_fixed32(out + 12, header->flags);
	memcpy(out + 16, header->database_uuid, RTD_WAL_UUID_BYTES);
	rt_put_fixed64(out + 32, header->number);
	rt_put_fixed64(out + 40, header->salt);
	rt_put_fixed64(out + 48, header->prev_number);
	rt_put_fixed64(out + 56, header->prev_bytes);
	rt_put_fixed64(out + 64, header->prev_last_seq);
	rt_put_fixed64(out + 72, header->manifest_generation);
	rt_put_fixed32(out + CRC_AT, rt_crc32c(0, out, CRC_AT));
}

void
rtd_wal_segment_header_encode(uint8_t out[RTD_WAL_RECORDS_AT],
    const struct rtd_wal_segment_header *header)
{
	memset(out, 0, RTD_WAL_RECORDS_AT);
	encode_copy(out, header);
	encode_copy(out + RTD_WAL_SECOND_HEADER_AT, header);
}

static bool
copy_is_whole(const uint8_t *in)
{
	return memcmp(in, MAGIC, MAGIC_BYTES) == 0 &&
	    rt_get_fixed32(in + CRC_AT) == rt_crc32c(0, in, CRC_AT);
}

static const uint8_t *
find_copy(const uint8_t *bytes, size_t len)
{
	static const size_t places[] = { 0, RTD_WAL_SECOND_HEADER_AT };

	for (size_t i = 0; i < RT_COUNTOF(places); i++) {
		if (len >= places[i] + RTD_WAL_SEGMENT_HEADER_BYTES &&
		    copy_is_whole(bytes + places[i]))
			return bytes + places[i];
	}
	return NULL;
}

enum rt_code
rtd_wal_segment_header_decode(const uint8_t *bytes, size_t len,
    struct rtd_wal_segment_header *out, struct rt_err *err)
{
	const uint8_t *in = find_copy(bytes, len);
	uint32_t format;

	if (in == NULL)
		return rt_err_set(err, RT_ENOTFOUND,
		    "no whole segment header");
	format = rt_get_fixed32(in + 8);
	if (format != RTD_WAL_FORMAT)
		return rt_err_set(err, RT_EFORMAT,
		    "written in WAL format %u, this program reads format %u",
		    format, RTD_WAL_FORMAT);
	out->flags = rt_get_fixed32(in + 12);
	memcpy(out->database_uuid, in + 16, RTD_WAL_UUID_BYTES);
	out->number = rt_get_fixed64(in + 32);
	out->salt = rt_get_fixed64(in + 40);
	out->prev_number = rt_get_fixed64(in + 48);
	out->prev_bytes = rt_get_fixed64(in + 56);
	out->prev_last_seq = rt_get_fixed64(in + 64);
	out->manifest_generation = rt_get_fixed64(in + 72);
	return RT_OK;
}

uint32_t
rtd_wal_seed(uint64_t salt)
{
	uint8_t bytes[8];

	rt_put_fixed64(bytes, salt);
	return rt_crc32c(0, bytes, sizeof(bytes));
}

void
rtd_wal_record_encode(uint8_t *out, uint32_t seed,
    const struct rtd_wal_record_header *header, struct rt_slice bytes,
    const struct rt_inlays *inlays)
{
	uint8_t *payload = out + RTD_WAL_RECORD_HEADER_BYTES;
	struct rt_inlay_walk walk = { .inlays = inlays };
	struct rt_slice piece;
	uint32_t crc;

	rt_put_fixed32(out + 4, header->length);
	rt_put_fixed32(out + 8, TAG | header->type);
	rt_put_fixed32(out + 12, header->count);
	rt_put_fixed64(out + 16, header->first_seq);
	rt_put_fixed64(out + 24, header->synced_upto);
	if (bytes.len != 0)
		memcpy(payload, bytes.data, bytes.len);
	if (RT_LIKELY(inlays == NULL || inlays->count == 0)) {
		rt_put_fixed32(out, rt_crc32c(seed, out + 4,
		    RTD_WAL_RECORD_HEADER_BYTES - 4 + bytes.len));
		return;
	}
	crc = rtd_wal_record_header_crc(seed, out);
	walk.buffer = rt_slice(payload, bytes.len);
	while (rt_inlay_walk_next(&walk, &piece))
		crc = rt_crc32c(crc, piece.data, piece.len);
	rt_put_fixed32(out, crc);
}

bool
rtd_wal_record_header_decode(const uint8_t bytes[RTD_WAL_RECORD_HEADER_BYTES],
    struct rtd_wal_record_header *out)
{
	uint32_t kind = rt_get_fixed32(bytes + 8);

	if ((kind & TAG_MASK) != TAG)
		return false;
	out->crc32c = rt_get_fixed32(bytes);
	out->length = rt_get_fixed32(bytes + 4);
	out->type = (uint8_t)kind;
	out->count = rt_get_fixed32(bytes + 12);
	out->first_seq = rt_get_fixed64(bytes + 16);
	out->synced_upto = rt_get_fixed64(bytes + 24);
	if (out->type == RTD_WAL_DATA)
		return out->count != 0;
	return (out->type == RTD_WAL_SYNC_MARKER ||
	    out->type == RTD_WAL_CLEAN_END) && out->count == 0 &&
	    out->length == 0;
}

uint32_t
rtd_wal_record_header_crc(uint32_t seed,
    const uint8_t bytes[RTD_WAL_RECORD_HEADER_BYTES])
{
	return rt_crc32c(seed, bytes + 4, RTD_WAL_RECORD_HEADER_BYTES - 4);
}
