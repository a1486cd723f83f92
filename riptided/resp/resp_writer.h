/* resp_writer: values to bytes, in RESP2 or RESP3, appended to a buffer.
 * Thread: loop. */
#ifndef RIPTIDED_RESP_RESP_WRITER_H
#define RIPTIDED_RESP_RESP_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/inlay.h"

struct rtd_resp_writer {
	struct rt_buf *out;
	int protocol;		/* 2 or 3 */
	struct rt_inlays *inlays;	/* of out; NULL: all is copied */
};

/* Replies. Text must hold no CR or LF. */
void rtd_reply_simple(struct rtd_resp_writer *writer, const char *text);
static inline void
rtd_reply_ok(struct rtd_resp_writer *writer)
{
	rt_buf_append(writer->out, "+OK\r\n", 5);
}
/* "ERR something": the first word is the code. Bytes outside 0x20-0x7e in
 * arguments become '.'-free escapes \xNN; the line is cut at 512 bytes. */
void rtd_reply_error(struct rtd_resp_writer *writer, const char *fmt, ...)
    RT_PRINTF(2, 3);
void rtd_reply_integer(struct rtd_resp_writer *writer, int64_t value);
void rtd_reply_bulk(struct rtd_resp_writer *writer, struct rt_slice bytes);
/* The same with bytes that lie in bulk: they are not copied, and a reference is
 * taken. The writer has inlays. */
void rtd_reply_bulk_inlaid(struct rtd_resp_writer *writer,
    struct rt_slice bytes, struct rt_bulk *bulk);
void rtd_reply_bulk_cstr(struct rtd_resp_writer *writer, const char *text);
/* RESP2: $-1 (bulk) or *-1 (array); RESP3: _ for both. */
void rtd_reply_null(struct rtd_resp_writer *writer);
void rtd_reply_null_array(struct rtd_resp_writer *writer);
void rtd_reply_array(struct rtd_resp_writer *writer, size_t count);
/* RESP3: %count and ~count; RESP2: flat arrays of 2*count and count. */
void rtd_reply_map(struct rtd_resp_writer *writer, size_t pairs);
void rtd_reply_set(struct rtd_resp_writer *writer, size_t count);
/* RESP3: >count; RESP2: an array. */
void rtd_reply_push(struct rtd_resp_writer *writer, size_t count);
/* RESP3: #t #f, ",", "=txt:"; RESP2: 1 or 0, a bulk, a bulk. */
void rtd_reply_bool(struct rtd_resp_writer *writer, bool value);
void rtd_reply_double(struct rtd_resp_writer *writer, double value);
void rtd_reply_verbatim(struct rtd_resp_writer *writer, struct rt_slice text);

/* Take back what was written from offset `from` of out up to `to`; behind that
 * nothing but small replies was written. */
void rtd_reply_cut(struct rtd_resp_writer *writer, size_t from, size_t to);

#endif
