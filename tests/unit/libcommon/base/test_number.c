#include "libcommon/base/number.h"

#include "tests/support/runner.h"

START_TEST(integers_are_strict)
{
	static const char *const refused[] = { "", "-", "+1", " 1", "1 ", "01",
		"-0", "0x1", "1e3", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999999" };
	int64_t value = 42;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ck_assert_msg(!rt_parse_i64(rt_slice_cstr(refused[i]), &value),
		    "%s was taken", refused[i]);
		ck_assert_int_eq(value, 42);
	}
}
END_TEST

START_TEST(integers_round_trip)
{
	static const int64_t values[] = { 0, 1, -1, 10, -10, INT64_MAX,
		INT64_MIN, INT64_MIN + 1 };
	char text[RT_I64_DIGITS_MAX];
	int64_t again;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t len = rt_format_i64(text, values[i]);

		ck_assert(rt_parse_i64(rt_slice(text, len), &again));
		ck_assert_int_eq(again, values[i]);
	}
}
END_TEST

START_TEST(bytes_take_redis_units)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = { { "0", 0 }, { "1024", 1024 }, { "1b", 1 }, { "1k", 1000 },
		{ "1kb", 1024 }, { "64MB", 64u << 20 }, { "2gb", 2ull << 30 },
		{ "2g", 2000000000 } };
	static const char *const refused[] = { "", "mb", "1.5mb", "-1", "1tb",
		"1 mb", "18446744073709551615kb" };
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert(rt_parse_bytes(rt_slice_cstr(good[i].text), &bytes));
		ck_assert_uint_eq(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_msg(!rt_parse_bytes(rt_slice_cstr(refused[i]),
		    &bytes), "%s was taken", refused[i]);
}
END_TEST

RTT_MAIN("number", integers_are_strict, integers_round_trip,
    bytes_take_redis_units)
