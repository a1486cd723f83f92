#include "riptided/resp/resp_peek.h"

#include <stdlib.h>

#include "libcommon/base/attr.h"
#include "tests/support/runner.h"

#define WORDS 3

static struct rt_slice argv[WORDS];
static size_t argc;

static bool
peek(struct rt_slice *data)
{
	argc = 0;
	return rtd_resp_peek(data, argv, WORDS, &argc);
}

START_TEST(whole_commands_are_taken_one_by_one)
{
	struct rt_slice data = rt_slice_cstr("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"
	    "*4\r\n$4\r\nMGET\r\n$1\r\na\r\n$2\r\nbb\r\n$1\r\nc\r\n*1\r\n");

	ck_assert(peek(&data));
	ck_assert_uint_eq(argc, 2);
	ck_assert(rt_slice_equal(argv[0], rt_slice_cstr("GET")));
	ck_assert_uint_eq(argv[1].len, 0);
	ck_assert(peek(&data));
	ck_assert_uint_eq(argc, 4);
	ck_assert(rt_slice_equal(argv[2], rt_slice_cstr("bb")));
	ck_assert_uint_eq(data.len, 4);
	ck_assert(!peek(&data));
	ck_assert_uint_eq(data.len, 4);
}
END_TEST

START_TEST(a_part_of_a_command_is_none)
{
	const char *whole = "*2\r\n$3\r\nGET\r\n$12\r\nabcdefghijkl\r\n";

	for (size_t len = 0; len < strlen(whole); len++) {
		/* A copy of its own, so that reading beyond it is seen. */
		uint8_t *bytes = malloc(len + 1);
		struct rt_slice data = rt_slice(bytes, len);

		memcpy(bytes, whole, len);
		bytes = realloc(bytes, len != 0 ? len : 1);
		data.data = bytes;
		ck_assert(!peek(&data));
		free(bytes);
	}
}
END_TEST

START_TEST(what_is_not_plain_is_none)
{
	static const char *const texts[] = { "GET a\r\n", "*0\r\n", "*-1\r\n",
		"*1\r\n$-1\r\n", "*1\r\n:1\r\n", "*1\r\n$99999999999\r\na\r\n",
		"*1\n$1\na\n", "*\r\n", "\r\n", "*1\r\n$1\r\n" };

	for (size_t i = 0; i < RT_COUNTOF(texts); i++) {
		struct rt_slice data = rt_slice_cstr(texts[i]);

		ck_assert_msg(!peek(&data), "%s", texts[i]);
	}
}
END_TEST

RTT_MAIN("resp_peek", whole_commands_are_taken_one_by_one,
    a_part_of_a_command_is_none, what_is_not_plain_is_none)
