#include "libcommon/base/utf8.h"

#include "tests/support/runner.h"

START_TEST(text_is_taken)
{
	static const char *const good[] = { "", "abc", "\x7f", "\xc3\xa9",
		"\xe2\x82\xac", "\xed\x9f\xbf", "\xef\xbf\xbf",
		"\xf0\x9f\x8c\x8a", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(rt_utf8_valid(rt_slice_cstr(good[i])),
		    "row %zu refused", i);
	ck_assert(rt_utf8_valid(rt_slice("\0", 1)));
}
END_TEST

START_TEST(other_bytes_are_refused)
{
	static const char *const bad[] = { "\x80", "\xc0\xaf", "\xc1\xbf",
		"\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
		"\xe2\x82(", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "abc\xff" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!rt_utf8_valid(rt_slice_cstr(bad[i])),
		    "row %zu taken", i);
}
END_TEST

START_TEST(characters_are_counted_in_bytes)
{
	ck_assert_uint_eq(rt_utf8_char_bytes(rt_slice_cstr("a\xc3")), 1);
	ck_assert_uint_eq(rt_utf8_char_bytes(rt_slice_cstr("\xc3\xa9z")), 2);
	ck_assert_uint_eq(rt_utf8_char_bytes(rt_slice_cstr("\xe2\x82\xac")), 3);
	ck_assert_uint_eq(
	    rt_utf8_char_bytes(rt_slice_cstr("\xf0\x9f\x8c\x8a")), 4);
	ck_assert_uint_eq(rt_utf8_char_bytes(rt_slice(NULL, 0)), 0);
}
END_TEST

RTT_MAIN("utf8", text_is_taken, other_bytes_are_refused,
    characters_are_counted_in_bytes)
