#include "libcommon/base/coding.h"

#include "libcommon/base/crc32c.h"
#include "tests/support/runner.h"

static const uint64_t edges[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX,
	UINT64_MAX - 1, UINT64_MAX };

START_TEST(varint_round_trips)
{
	for (size_t i = 0; i < RT_COUNTOF(edges); i++) {
		struct rt_buf buf = { 0 };
		struct rt_cursor cursor;

		rt_buf_put_varint(&buf, edges[i]);
		ck_assert_uint_eq(buf.len, rt_varint_bytes(edges[i]));
		cursor = rt_cursor(rt_buf_slice(&buf));
		ck_assert_uint_eq(rt_cursor_varint(&cursor), edges[i]);
		ck_assert(rt_cursor_done(&cursor));
		rt_buf_fini(&buf);
	}
}
END_TEST

START_TEST(truncated_varint_is_bad)
{
	for (size_t i = 0; i < RT_COUNTOF(edges); i++) {
		struct rt_buf buf = { 0 };

		rt_buf_put_varint(&buf, edges[i]);
		for (size_t len = 0; len < buf.len; len++) {
			struct rt_cursor cursor =
			    rt_cursor(rt_slice(buf.data, len));

			ck_assert_uint_eq(rt_cursor_varint(&cursor), 0);
			ck_assert(cursor.bad);
		}
		rt_buf_fini(&buf);
	}
}
END_TEST

START_TEST(overlong_varint_is_bad)
{
	static const uint8_t eleven[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x80, 0x80, 0x01 };
	static const uint8_t too_big[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0x02 };
	struct rt_cursor cursor = rt_cursor(rt_slice(eleven, sizeof(eleven)));

	rt_cursor_varint(&cursor);
	ck_assert(cursor.bad);
	cursor = rt_cursor(rt_slice(too_big, sizeof(too_big)));
	rt_cursor_varint(&cursor);
	ck_assert(cursor.bad);
}
END_TEST

START_TEST(cursor_remembers_its_first_error)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct rt_cursor cursor = rt_cursor(rt_slice(bytes, sizeof(bytes)));

	ck_assert_uint_eq(rt_cursor_byte(&cursor), 1);
	ck_assert_uint_eq(rt_cursor_fixed32(&cursor), 0);
	ck_assert(cursor.bad);
	ck_assert_uint_eq(rt_cursor_byte(&cursor), 0);
	ck_assert(!rt_cursor_done(&cursor));
}
END_TEST

START_TEST(length_beyond_the_input_is_bad)
{
	struct rt_buf buf = { 0 };
	struct rt_cursor cursor;

	rt_buf_put_varint(&buf, UINT64_MAX);
	rt_buf_append(&buf, "abc", 3);
	cursor = rt_cursor(rt_buf_slice(&buf));
	ck_assert_uint_eq(rt_cursor_bytes(&cursor).len, 0);
	ck_assert(cursor.bad);
	rt_buf_fini(&buf);
}
END_TEST

START_TEST(crc32c_matches_rfc_3720)
{
	uint8_t zeros[32] = { 0 };

	ck_assert_uint_eq(rt_crc32c(0, zeros, sizeof(zeros)), 0x8a9136aaU);
	ck_assert_uint_eq(rt_crc32c(0, "123456789", 9), 0xe3069283U);
	ck_assert_uint_eq(rt_crc32c(rt_crc32c(0, "1234", 4), "56789", 5),
	    0xe3069283U);
}
END_TEST

RTT_MAIN("coding", varint_round_trips, truncated_varint_is_bad,
    overlong_varint_is_bad, cursor_remembers_its_first_error,
    length_beyond_the_input_is_bad, crc32c_matches_rfc_3720)
