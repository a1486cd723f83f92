/* fuzz_resp_writer: replies made of any bytes. The first byte chooses the
 * protocol and what may stand in an error, then follow replies: a kind, and
 * what it is made of. However they are mixed, a reader that knows nothing of
 * the writer finds just so many replies. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"
#include "riptided/resp/resp_writer.h"
#include "tests/support/reply_check.h"

#define ERROR_LINE_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rt_slice
take_bytes(struct rt_cursor *cursor)
{
	size_t len = rt_cursor_byte(cursor);

	if (len > rt_cursor_left(cursor))
		len = rt_cursor_left(cursor);
	return rt_cursor_take(cursor, len);
}

static void
put_error(struct rtd_resp_writer *writer, struct rt_slice bytes)
{
	size_t from = writer->out->len;
	char *long_text;

	if (bytes.len % 2 == 0) {
		rtd_reply_error(writer, "ERR about '%.*s'", (int)bytes.len,
		    (const char *)bytes.data);
	} else {
		/* Long enough to be cut. */
		long_text = rt_alloc(8 * bytes.len + 1);
		for (size_t i = 0; i < 8 * bytes.len; i++)
			long_text[i] = (char)bytes.data[i % bytes.len];
		long_text[8 * bytes.len] = '\0';
		rtd_reply_error(writer, "ERR %s", long_text);
		free(long_text);
	}
	rt_assert(writer->out->len - from <= 1 + ERROR_LINE_MAX + 2);
}

static void
put_double(struct rtd_resp_writer *writer, uint64_t bits)
{
	size_t from = writer->out->len;
	double value;
	char *text;

	memcpy(&value, &bits, sizeof(value));
	rtd_reply_double(writer, value);
	if (writer->protocol < 3 || !isfinite(value))
		return;
	rt_buf_append_byte(writer->out, '\0');
	text = (char *)writer->out->data + from + 1;
	rt_assert(strtod(text, NULL) == value);
	writer->out->len--;
}

/* One reply, or the head of one of more parts. */
static uint64_t
put(struct rtd_resp_writer *writer, uint8_t kind, struct rt_cursor *cursor)
{
	size_t count = kind >> 4;

	switch (kind % 14) {
	case 0:
		rtd_reply_ok(writer);
		return 0;
	case 1:
		put_error(writer, take_bytes(cursor));
		return 0;
	case 2:
		rtd_reply_integer(writer,
		    (int64_t)rt_cursor_fixed64(cursor));
		return 0;
	case 3:
		rtd_reply_bulk(writer, take_bytes(cursor));
		return 0;
	case 4:
		rtd_reply_null(writer);
		return 0;
	case 5:
		rtd_reply_null_array(writer);
		return 0;
	case 6:
		rtd_reply_array(writer, count);
		return count;
	case 7:
		rtd_reply_map(writer, count);
		return 2 * count;
	case 8:
		rtd_reply_set(writer, count);
		return count;
	case 9:
		rtd_reply_push(writer, count);
		return count;
	case 10:
		rtd_reply_bool(writer, count % 2 == 0);
		return 0;
	case 11:
		put_double(writer, rt_cursor_fixed64(cursor));
		return 0;
	case 12:
		rtd_reply_verbatim(writer, take_bytes(cursor));
		return 0;
	default:
		rtd_reply_bulk_cstr(writer, "text");
		return 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_cursor cursor = rt_cursor(rt_slice(data, size));
	struct rt_buf out = { 0 };
	struct rtd_resp_writer writer = { .out = &out,
		.protocol = 2 + rt_cursor_byte(&cursor) % 2 };
	size_t replies = 0, at = 0;

	while (!cursor.bad && rt_cursor_left(&cursor) != 0) {
		uint64_t owed = 1;

		while (owed != 0)
			owed += put(&writer, rt_cursor_byte(&cursor),
			    &cursor) - 1;
		replies++;
	}
	for (; replies != 0; replies--) {
		size_t len = rtt_reply_check(rt_slice(out.data + at,
			out.len - at), writer.protocol);

		rt_assert(len != 0);
		at += len;
	}
	rt_assert(at == out.len);
	rt_buf_fini(&out);
	return 0;
}
