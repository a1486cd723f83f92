#include "riptided/resp/resp_writer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/number.h"

#define ERROR_BYTES_MAX 512
/* A type byte, digits, CRLF. */
#define HEADER_BYTES_MAX (1 + RT_I64_DIGITS_MAX + 2)

/* A line "<kind><value>CRLF", with room for `extra` bytes behind it. */
static inline void
put_header(struct rt_buf *out, char kind, int64_t value, size_t extra)
{
	uint8_t *at;

	rt_buf_reserve(out, HEADER_BYTES_MAX + extra);
	at = out->data + out->len;
	*at++ = (uint8_t)kind;
	if (RT_LIKELY((uint64_t)value < 10))
		*at++ = (uint8_t)('0' + value);
	else
		at += rt_format_i64((char *)at, value);
	*at++ = '\r';
	*at++ = '\n';
	out->len = (size_t)(at - out->data);
}

static void
put_text(struct rt_buf *out, const char *text)
{
	rt_buf_append(out, text, strlen(text));
}

void
rtd_reply_simple(struct rtd_resp_writer *writer, const char *text)
{
	rt_buf_append_byte(writer->out, '+');
	put_text(writer->out, text);
	rt_buf_append(writer->out, "\r\n", 2);
}

void
rtd_reply_error(struct rtd_resp_writer *writer, const char *fmt, ...)
{
	static const char hex[] = "0123456789abcdef";
	char text[ERROR_BYTES_MAX];
	size_t used = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rt_buf_append_byte(writer->out, '-');
	for (const char *at = text; *at != '\0'; at++) {
		uint8_t byte = (uint8_t)*at;
		bool plain = byte >= 0x20 && byte <= 0x7e;
		char escape[4] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };

		used += plain ? 1 : sizeof(escape);
		if (used > ERROR_BYTES_MAX)
			break;
		if (plain)
			rt_buf_append_byte(writer->out, byte);
		else
			rt_buf_append(writer->out, escape, sizeof(escape));
	}
	rt_buf_append(writer->out, "\r\n", 2);
}

void
rtd_reply_integer(struct rtd_resp_writer *writer, int64_t value)
{
	put_header(writer->out, ':', value, 0);
}

static void
put_bulk(struct rt_buf *out, const void *data, size_t len)
{
	put_header(out, '$', (int64_t)len, len + 2);
	if (len != 0)
		memcpy(out->data + out->len, data, len);
	memcpy(out->data + out->len + len, "\r\n", 2);
	out->len += len + 2;
}

void
rtd_reply_bulk(struct rtd_resp_writer *writer, struct rt_slice bytes)
{
	put_bulk(writer->out, bytes.data, bytes.len);
}

void
rtd_reply_bulk_inlaid(struct rtd_resp_writer *writer, struct rt_slice bytes,
    struct rt_bulk *bulk)
{
	put_header(writer->out, '$', (int64_t)bytes.len, 2);
	rt_inlays_add(writer->inlays, writer->out->len, bytes, bulk);
	rt_buf_append(writer->out, "\r\n", 2);
}

void
rtd_reply_bulk_cstr(struct rtd_resp_writer *writer, const char *text)
{
	put_bulk(writer->out, text, strlen(text));
}

void
rtd_reply_null(struct rtd_resp_writer *writer)
{
	put_text(writer->out, writer->protocol >= 3 ? "_\r\n" : "$-1\r\n");
}

void
rtd_reply_null_array(struct rtd_resp_writer *writer)
{
	put_text(writer->out, writer->protocol >= 3 ? "_\r\n" : "*-1\r\n");
}

void
rtd_reply_array(struct rtd_resp_writer *writer, size_t count)
{
	put_header(writer->out, '*', (int64_t)count, 0);
}

void
rtd_reply_map(struct rtd_resp_writer *writer, size_t pairs)
{
	if (writer->protocol >= 3)
		put_header(writer->out, '%', (int64_t)pairs, 0);
	else
		put_header(writer->out, '*', (int64_t)pairs * 2, 0);
}

void
rtd_reply_set(struct rtd_resp_writer *writer, size_t count)
{
	put_header(writer->out, writer->protocol >= 3 ? '~' : '*',
	    (int64_t)count, 0);
}

void
rtd_reply_push(struct rtd_resp_writer *writer, size_t count)
{
	put_header(writer->out, writer->protocol >= 3 ? '>' : '*',
	    (int64_t)count, 0);
}

void
rtd_reply_bool(struct rtd_resp_writer *writer, bool value)
{
	if (writer->protocol >= 3)
		put_text(writer->out, value ? "#t\r\n" : "#f\r\n");
	else
		put_header(writer->out, ':', value ? 1 : 0, 0);
}

/* The shortest decimal that reads back as the same number. */
static void
format_double(double value, char *out, size_t out_bytes)
{
	if (isnan(value)) {
		snprintf(out, out_bytes, "nan");
		return;
	}
	if (isinf(value)) {
		snprintf(out, out_bytes, value > 0 ? "inf" : "-inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, out_bytes, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			return;
	}
}

void
rtd_reply_double(struct rtd_resp_writer *writer, double value)
{
	char text[40];

	format_double(value, text, sizeof(text));
	if (writer->protocol < 3) {
		rtd_reply_bulk_cstr(writer, text);
		return;
	}
	rt_buf_append_byte(writer->out, ',');
	put_text(writer->out, text);
	rt_buf_append(writer->out, "\r\n", 2);
}

void
rtd_reply_verbatim(struct rtd_resp_writer *writer, struct rt_slice text)
{
	struct rt_buf *out = writer->out;

	if (writer->protocol < 3) {
		rtd_reply_bulk(writer, text);
		return;
	}
	put_header(out, '=', (int64_t)text.len + 4, text.len + 6);
	rt_buf_append(out, "txt:", 4);
	rt_buf_append_slice(out, text);
	rt_buf_append(out, "\r\n", 2);
}

void
rtd_reply_cut(struct rtd_resp_writer *writer, size_t from, size_t to)
{
	struct rt_inlays *inlays = writer->inlays;
	struct rt_buf *out = writer->out;
	size_t kept = inlays != NULL ? inlays->count : 0;

	if (from == to)
		return;
	memmove(out->data + from, out->data + to, out->len - to);
	out->len -= to - from;
	/* A header stands in front of each inlay: those of earlier replies
	 * are before `from`. */
	while (kept != 0 && inlays->items[kept - 1].at >= from)
		kept--;
	if (inlays != NULL)
		rt_inlays_drop_last(inlays, kept);
}
