/* buf: owned, growing bytes. Inert when zeroed. Growth aborts when memory is
 * out, so a length from outside must have met a limit before it comes here, and
 * a large one rt_buf_try_reserve().
 * Thread: one owner at a time. */
#ifndef LIBCOMMON_BASE_BUF_H
#define LIBCOMMON_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/slice.h"

struct rt_buf {
	uint8_t *data;
	size_t len;	/* bytes in use */
	size_t cap;	/* bytes allocated */
};

/* Make room for `extra` more bytes: cap - len >= extra afterwards. */
void rt_buf_grow(struct rt_buf *buf, size_t extra);

/* The same; false: there is no memory for it, and buf is as it was. */
RT_MUST_USE bool rt_buf_try_reserve(struct rt_buf *buf, size_t extra);

/* Free the memory; buf is inert and usable again. */
void rt_buf_fini(struct rt_buf *buf);

/* Forget the bytes, keep the memory. */
static inline void
rt_buf_clear(struct rt_buf *buf)
{
	buf->len = 0;
}

/* Room for extra bytes more, so that len may grow by them. */
static inline void
rt_buf_reserve(struct rt_buf *buf, size_t extra)
{
	if (RT_UNLIKELY(buf->cap - buf->len < extra))
		rt_buf_grow(buf, extra);
}

/* Copy len bytes to the end; data may be NULL when len is 0. */
static inline void
rt_buf_append(struct rt_buf *buf, const void *data, size_t len)
{
	rt_buf_reserve(buf, len);
	if (len != 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

/* The same with a slice. */
static inline void
rt_buf_append_slice(struct rt_buf *buf, struct rt_slice slice)
{
	rt_buf_append(buf, slice.data, slice.len);
}

/* One byte to the end. */
static inline void
rt_buf_append_byte(struct rt_buf *buf, uint8_t byte)
{
	rt_buf_reserve(buf, 1);
	buf->data[buf->len++] = byte;
}

/* printf onto the end, without the closing NUL. */
void rt_buf_printf(struct rt_buf *buf, const char *fmt, ...) RT_PRINTF(2, 3);

/* Drop the first n bytes (n <= len), moving the rest down. */
void rt_buf_consume(struct rt_buf *buf, size_t n);

/* What is in it, borrowed until it changes. */
static inline struct rt_slice
rt_buf_slice(const struct rt_buf *buf)
{
	return rt_slice(buf->data, buf->len);
}

#endif
