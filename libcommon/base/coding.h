/* coding: fixed and varint integers, and a cursor that remembers its first
 * error, so that decoders read straight and ask once at the end.
 * Fixed integers are little endian; varints are LEB128, at most 10 bytes.
 * Thread: any. */
#ifndef LIBCOMMON_BASE_CODING_H
#define LIBCOMMON_BASE_CODING_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/slice.h"

#define RT_VARINT_BYTES_MAX 10

/* Write 4 bytes, little endian, to any address. */
static inline void
rt_put_fixed32(uint8_t *out, uint32_t value)
{
	value = htole32(value);
	memcpy(out, &value, 4);
}

/* Write 8 bytes, little endian, to any address. */
static inline void
rt_put_fixed64(uint8_t *out, uint64_t value)
{
	value = htole64(value);
	memcpy(out, &value, 8);
}

/* Read 4 bytes, little endian, from any address. */
static inline uint32_t
rt_get_fixed32(const uint8_t *in)
{
	uint32_t value;

	memcpy(&value, in, 4);
	return le32toh(value);
}

/* Read 8 bytes, little endian, from any address. */
static inline uint64_t
rt_get_fixed64(const uint8_t *in)
{
	uint64_t value;

	memcpy(&value, in, 8);
	return le64toh(value);
}

/* Write a varint; out has RT_VARINT_BYTES_MAX bytes. Returns its end. */
static inline uint8_t *
rt_put_varint(uint8_t *out, uint64_t value)
{
	while (value >= 0x80) {
		*out++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8_t)value;
	return out;
}

/* Bytes that rt_put_varint writes for value: 1 to 10. */
static inline size_t
rt_varint_bytes(uint64_t value)
{
	return ((size_t)(63 - __builtin_clzll(value | 1)) * 9 + 73) / 64;
}

/* Append in the forms above. */
void rt_buf_put_fixed32(struct rt_buf *buf, uint32_t value);
void rt_buf_put_fixed64(struct rt_buf *buf, uint64_t value);
void rt_buf_put_varint(struct rt_buf *buf, uint64_t value);
/* Varint length, then the bytes. */
void rt_buf_put_bytes(struct rt_buf *buf, struct rt_slice bytes);

/* A reader of untrusted bytes. After the first read past the end or malformed
 * varint, bad is set, every later read gives 0 or an empty slice, and the
 * position no longer moves. */
struct rt_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline struct rt_cursor
rt_cursor(struct rt_slice bytes)
{
	/* C has no sum of NULL and 0. */
	return (struct rt_cursor){ .at = bytes.data,
		.end = bytes.len != 0 ? bytes.data + bytes.len : bytes.data };
}

/* Bytes that are not read yet. */
static inline size_t
rt_cursor_left(const struct rt_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* What rt_cursor_varint() does with more than one byte. */
uint64_t rt_cursor_varint_slow(struct rt_cursor *cursor);

/* The next varint; 0 after an error, which the cursor keeps: none is there, or
 * it has more than 64 bits. */
static inline uint64_t
rt_cursor_varint(struct rt_cursor *cursor)
{
	if (RT_LIKELY(cursor->at < cursor->end && *cursor->at < 0x80 &&
		!cursor->bad))
		return *cursor->at++;
	return rt_cursor_varint_slow(cursor);
}

/* The next integer in these forms; 0 after an error, which the cursor keeps. */
uint8_t rt_cursor_byte(struct rt_cursor *cursor);
uint32_t rt_cursor_fixed32(struct rt_cursor *cursor);
uint64_t rt_cursor_fixed64(struct rt_cursor *cursor);
/* The next len bytes, borrowed from the input. */
struct rt_slice rt_cursor_take(struct rt_cursor *cursor, uint64_t len);
/* A varint length, then that many bytes. */
struct rt_slice rt_cursor_bytes(struct rt_cursor *cursor);

/* True when everything was read and nothing was bad. */
static inline bool
rt_cursor_done(const struct rt_cursor *cursor)
{
	return !cursor->bad && cursor->at == cursor->end;
}

#endif
