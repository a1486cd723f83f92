#include "bench/reply_reader.h"

#include <stdlib.h>

#include "libcommon/base/attr.h"
#include "tests/support/runner.h"

static const struct {
	const char *text;
	enum rtb_reply kind;
} replies[] = {
	{ "+OK\r\n", RTB_REPLY_VALUE },
	{ ":12\r\n", RTB_REPLY_VALUE },
	{ "-ERR no\r\n", RTB_REPLY_ERROR },
	{ "$-1\r\n", RTB_REPLY_NIL },
	{ "*-1\r\n", RTB_REPLY_NIL },
	{ "_\r\n", RTB_REPLY_NIL },
	{ "$0\r\n\r\n", RTB_REPLY_VALUE },
	{ "$5\r\n-1\r\n+\r\n", RTB_REPLY_VALUE },
	{ "*0\r\n", RTB_REPLY_VALUE },
	{ "*2\r\n$1\r\na\r\n$-1\r\n", RTB_REPLY_VALUE },
	{ "*3\r\n*1\r\n:1\r\n-ERR in it\r\n*0\r\n", RTB_REPLY_VALUE },
	{ "%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n", RTB_REPLY_VALUE },
	{ "~1\r\n#t\r\n", RTB_REPLY_VALUE },
	{ ",1.5\r\n", RTB_REPLY_VALUE },
	{ "=7\r\ntxt:a\r\n\r\n", RTB_REPLY_VALUE },
	{ "!3\r\nbad\r\n", RTB_REPLY_VALUE },
	{ "(123456789012345678901234567890\r\n", RTB_REPLY_VALUE },
};

/* All of them behind each other, offered `piece` bytes at a time. */
static void
read_all(size_t piece)
{
	struct rtb_reply_reader reader = { 0 };
	char stream[1024] = "", held[1024];
	size_t len, at = 0, kept = 0, found = 0;

	for (size_t i = 0; i < RT_COUNTOF(replies); i++)
		strcat(stream, replies[i].text);
	len = strlen(stream);
	while (at < len) {
		size_t more = len - at < piece ? len - at : piece;
		struct rt_slice data;
		enum rtb_reply kind;

		memcpy(held + kept, stream + at, more);
		at += more;
		data = rt_slice(held, kept + more);
		while ((kind = rtb_reply_next(&reader, &data)) !=
		    RTB_REPLY_MORE) {
			ck_assert_uint_lt(found, RT_COUNTOF(replies));
			ck_assert_int_eq(kind, replies[found].kind);
			found++;
		}
		memmove(held, data.data, data.len);
		kept = data.len;
	}
	ck_assert_uint_eq(found, RT_COUNTOF(replies));
	ck_assert_uint_eq(kept, 0);
}

START_TEST(replies_end_where_they_end_however_they_come)
{
	for (size_t piece = 1; piece < 200; piece++)
		read_all(piece);
}
END_TEST

START_TEST(the_words_of_an_error_are_kept)
{
	struct rtb_reply_reader reader = { 0 };
	struct rt_slice data = rt_slice_cstr("-MISCONF it is full\r\n");

	ck_assert_int_eq(rtb_reply_next(&reader, &data), RTB_REPLY_ERROR);
	ck_assert_str_eq(reader.error, "MISCONF it is full");
}
END_TEST

START_TEST(what_is_not_resp_is_told)
{
	static const char *const wrong[] = { "HTTP/1.1 400\r\n", "$x\r\n",
		"*1x\r\n", "\r\n", "+a\n", "$\r\n",
		"*99999999999999999999\r\n", "$-2\r\n" };

	for (size_t i = 0; i < RT_COUNTOF(wrong); i++) {
		struct rtb_reply_reader reader = { 0 };
		struct rt_slice data = rt_slice_cstr(wrong[i]);

		ck_assert_int_eq(rtb_reply_next(&reader, &data),
		    RTB_REPLY_BAD);
	}
}
END_TEST

RTT_MAIN("reply_reader", replies_end_where_they_end_however_they_come,
    the_words_of_an_error_are_kept, what_is_not_resp_is_told)
