/* manifest_wire: manifest files written by hand, as another program would. */
#ifndef TESTS_UNIT_MANIFEST_WIRE_H
#define TESTS_UNIT_MANIFEST_WIRE_H

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/manifest/manifest_codec.h"

#define WIRE_FORMAT_AT 8
#define WIRE_INCOMPAT_AT 16
#define WIRE_RO_COMPAT_AT 24
#define WIRE_COMPAT_AT 32
#define WIRE_GENERATION_AT 40
#define WIRE_LENGTH_AT 48
#define WIRE_CRC_AT 56

static inline void
wire_varint(struct rt_buf *out, uint32_t field, uint64_t value)
{
	rt_buf_put_varint(out, field << 3);
	rt_buf_put_varint(out, value);
}

static inline void
wire_fixed64(struct rt_buf *out, uint32_t field, uint64_t value)
{
	rt_buf_put_varint(out, field << 3 | 1);
	rt_buf_put_fixed64(out, value);
}

/* A string of bytes, or a message, which is emptied. */
static inline void
wire_bytes(struct rt_buf *out, uint32_t field, struct rt_slice bytes)
{
	rt_buf_put_varint(out, field << 3 | 2);
	rt_buf_put_bytes(out, bytes);
}

static inline void
wire_message(struct rt_buf *out, uint32_t field, struct rt_buf *message)
{
	wire_bytes(out, field, rt_buf_slice(message));
	rt_buf_fini(message);
}

/* Put the checksum of a whole file right. */
static inline void
wire_reseal(struct rt_buf *file)
{
	uint32_t crc = rt_crc32c(0, file->data, WIRE_CRC_AT);

	crc = rt_crc32c(crc, file->data + WIRE_CRC_AT + 4,
	    file->len - WIRE_CRC_AT - 4);
	rt_put_fixed32(file->data + WIRE_CRC_AT, crc);
}

/* A file of format 1 around the message; bits and format may be changed
 * afterwards, before wire_reseal(). */
static inline void
wire_file(struct rt_buf *file, uint64_t generation, struct rt_slice message)
{
	rt_buf_clear(file);
	rt_buf_append(file, "RTIDEMAN", 8);
	rt_buf_put_fixed32(file, 1);
	rt_buf_put_fixed32(file, RT_MANIFEST_ENVELOPE_BYTES);
	for (int i = 0; i < 3; i++)
		rt_buf_put_fixed64(file, 0);
	rt_buf_put_fixed64(file, generation);
	rt_buf_put_fixed64(file, message.len);
	rt_buf_put_fixed64(file, 0);
	rt_buf_append_slice(file, message);
	wire_reseal(file);
}

#endif
