#include "libcommon/base/coding.h"

void
rt_buf_put_fixed32(struct rt_buf *buf, uint32_t value)
{
	rt_buf_reserve(buf, 4);
	rt_put_fixed32(buf->data + buf->len, value);
	buf->len += 4;
}

void
rt_buf_put_fixed64(struct rt_buf *buf, uint64_t value)
{
	rt_buf_reserve(buf, 8);
	rt_put_fixed64(buf->data + buf->len, value);
	buf->len += 8;
}

void
rt_buf_put_varint(struct rt_buf *buf, uint64_t value)
{
	uint8_t *start;

	rt_buf_reserve(buf, RT_VARINT_BYTES_MAX);
	start = buf->data + buf->len;
	buf->len += (size_t)(rt_put_varint(start, value) - start);
}

void
rt_buf_put_bytes(struct rt_buf *buf, struct rt_slice bytes)
{
	rt_buf_put_varint(buf, bytes.len);
	rt_buf_append_slice(buf, bytes);
}

uint64_t
rt_cursor_varint_slow(struct rt_cursor *cursor)
{
	const uint8_t *at = cursor->at;
	uint64_t value = 0;

	for (unsigned shift = 0; !cursor->bad && at < cursor->end; shift += 7) {
		uint64_t byte = *at++;

		if (shift == 63 && byte > 1)
			break;
		value |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			cursor->at = at;
			return value;
		}
	}
	cursor->bad = true;
	return 0;
}

uint8_t
rt_cursor_byte(struct rt_cursor *cursor)
{
	struct rt_slice byte = rt_cursor_take(cursor, 1);

	return byte.len == 1 ? byte.data[0] : 0;
}

uint32_t
rt_cursor_fixed32(struct rt_cursor *cursor)
{
	struct rt_slice bytes = rt_cursor_take(cursor, 4);

	return bytes.len == 4 ? rt_get_fixed32(bytes.data) : 0;
}

uint64_t
rt_cursor_fixed64(struct rt_cursor *cursor)
{
	struct rt_slice bytes = rt_cursor_take(cursor, 8);

	return bytes.len == 8 ? rt_get_fixed64(bytes.data) : 0;
}

struct rt_slice
rt_cursor_take(struct rt_cursor *cursor, uint64_t len)
{
	struct rt_slice bytes;

	if (cursor->bad || len > rt_cursor_left(cursor)) {
		cursor->bad = true;
		return rt_slice(NULL, 0);
	}
	bytes = rt_slice(cursor->at, (size_t)len);
	cursor->at += len;
	return bytes;
}

struct rt_slice
rt_cursor_bytes(struct rt_cursor *cursor)
{
	uint64_t len = rt_cursor_varint(cursor);

	return rt_cursor_take(cursor, len);
}
