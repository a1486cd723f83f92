#include "libcommon/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"

#define BUF_BYTES_MIN 64

/* The room to take for so much more. */
static size_t
grown(const struct rt_buf *buf, size_t extra)
{
	size_t need, cap;

	rt_assert(!__builtin_add_overflow(buf->len, extra, &need));
	rt_assert(need <= SIZE_MAX / 2);
	cap = buf->cap < BUF_BYTES_MIN ? BUF_BYTES_MIN : buf->cap;
	while (cap < need)
		cap *= 2;
	return cap;
}

void
rt_buf_grow(struct rt_buf *buf, size_t extra)
{
	size_t cap = grown(buf, extra);

	buf->data = rt_realloc(buf->data, cap);
	buf->cap = cap;
}

bool
rt_buf_try_reserve(struct rt_buf *buf, size_t extra)
{
	uint8_t *data;
	size_t cap;

	if (RT_LIKELY(buf->cap - buf->len >= extra))
		return true;
	cap = grown(buf, extra);
	data = rt_try_realloc(buf->data, cap);
	if (data == NULL)
		return false;
	buf->data = data;
	buf->cap = cap;
	return true;
}

void
rt_buf_fini(struct rt_buf *buf)
{
	free(buf->data);
	*buf = (struct rt_buf){ 0 };
}

void
rt_buf_printf(struct rt_buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	rt_assert(len >= 0);
	rt_buf_reserve(buf, (size_t)len + 1);
	vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, again);
	va_end(again);
	buf->len += (size_t)len;
}

void
rt_buf_consume(struct rt_buf *buf, size_t n)
{
	rt_assert(n <= buf->len);
	buf->len -= n;
	if (buf->len != 0 && n != 0)
		memmove(buf->data, buf->data + n, buf->len);
}
