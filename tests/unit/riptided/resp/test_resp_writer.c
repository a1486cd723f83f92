#include "riptided/resp/resp_writer.h"

#include <math.h>
#include <string.h>

#include "tests/support/runner.h"

static void
expect(struct rt_buf *out, const char *text)
{
	ck_assert_msg(rt_slice_equal(rt_buf_slice(out), rt_slice_cstr(text)),
	    "got %.*s, wanted %s", (int)out->len, (char *)out->data, text);
	rt_buf_clear(out);
}

START_TEST(plain_replies_are_alike_in_both_protocols)
{
	struct rt_buf out = { 0 };

	for (int protocol = 2; protocol <= 3; protocol++) {
		struct rtd_resp_writer writer = { .out = &out,
			.protocol = protocol };

		rtd_reply_ok(&writer);
		expect(&out, "+OK\r\n");
		rtd_reply_simple(&writer, "PONG");
		expect(&out, "+PONG\r\n");
		rtd_reply_integer(&writer, INT64_MIN);
		expect(&out, ":-9223372036854775808\r\n");
		rtd_reply_integer(&writer, 0);
		expect(&out, ":0\r\n");
		rtd_reply_integer(&writer, 12345);
		expect(&out, ":12345\r\n");
		rtd_reply_bulk(&writer, rt_slice(NULL, 0));
		expect(&out, "$0\r\n\r\n");
		rtd_reply_bulk_cstr(&writer, "twelve bytes");
		expect(&out, "$12\r\ntwelve bytes\r\n");
		rtd_reply_array(&writer, 10);
		expect(&out, "*10\r\n");
	}
	rt_buf_fini(&out);
}
END_TEST

START_TEST(typed_replies_fall_back_in_resp2)
{
	struct rt_buf out = { 0 };
	struct rtd_resp_writer two = { .out = &out,
		.protocol = 2 };

	rtd_reply_null(&two);
	rtd_reply_null_array(&two);
	expect(&out, "$-1\r\n*-1\r\n");
	rtd_reply_map(&two, 2);
	rtd_reply_set(&two, 2);
	rtd_reply_push(&two, 3);
	expect(&out, "*4\r\n*2\r\n*3\r\n");
	rtd_reply_bool(&two, true);
	rtd_reply_bool(&two, false);
	expect(&out, ":1\r\n:0\r\n");
	rtd_reply_double(&two, 0.1);
	expect(&out, "$3\r\n0.1\r\n");
	rtd_reply_verbatim(&two, rt_slice_cstr("a"));
	expect(&out, "$1\r\na\r\n");
	rt_buf_fini(&out);
}
END_TEST

START_TEST(typed_replies_have_their_types_in_resp3)
{
	struct rt_buf out = { 0 };
	struct rtd_resp_writer three = { .out = &out,
		.protocol = 3 };

	rtd_reply_null(&three);
	rtd_reply_null_array(&three);
	expect(&out, "_\r\n_\r\n");
	rtd_reply_map(&three, 2);
	rtd_reply_set(&three, 2);
	rtd_reply_push(&three, 3);
	expect(&out, "%2\r\n~2\r\n>3\r\n");
	rtd_reply_bool(&three, true);
	rtd_reply_bool(&three, false);
	expect(&out, "#t\r\n#f\r\n");
	rtd_reply_double(&three, 1.5);
	rtd_reply_double(&three, -INFINITY);
	rtd_reply_double(&three, (double)NAN);
	rtd_reply_double(&three, 1.0 / 3);
	expect(&out, ",1.5\r\n,-inf\r\n,nan\r\n,0.3333333333333333\r\n");
	rtd_reply_verbatim(&three, rt_slice_cstr("a"));
	expect(&out, "=5\r\ntxt:a\r\n");
	rt_buf_fini(&out);
}
END_TEST

START_TEST(an_error_cannot_inject_a_reply)
{
	struct rt_buf out = { 0 };
	struct rtd_resp_writer writer = { .out = &out,
		.protocol = 2 };

	rtd_reply_error(&writer, "ERR unknown command '%s'",
	    "a\r\n+OK\r\n\x80");
	expect(&out,
	    "-ERR unknown command 'a\\x0d\\x0a+OK\\x0d\\x0a\\x80'\r\n");
	rt_buf_fini(&out);
}
END_TEST

START_TEST(a_long_error_is_cut)
{
	struct rt_buf out = { 0 };
	struct rtd_resp_writer writer = { .out = &out,
		.protocol = 2 };
	char text[4096];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rtd_reply_error(&writer, "ERR %s", text);
	ck_assert_uint_le(out.len, 1 + 512 + 2);
	ck_assert_int_eq(memcmp(out.data + out.len - 2, "\r\n", 2), 0);
	rt_buf_clear(&out);
	memset(text, '\n', sizeof(text) - 1);
	rtd_reply_error(&writer, "ERR %s", text);
	ck_assert_uint_le(out.len, 1 + 512 + 2);
	ck_assert_ptr_null(memchr(out.data, '\n', out.len - 2));
	rt_buf_fini(&out);
}
END_TEST

START_TEST(a_cut_takes_its_inlays_along)
{
	struct rt_buf out = { 0 };
	struct rt_inlays inlays = { 0 };
	struct rtd_resp_writer writer = { .out = &out, .protocol = 2,
		.inlays = &inlays };
	struct rt_bulk *bulk = rt_bulk_new(10);
	struct rt_slice bytes = rt_slice(bulk->data, 10);
	size_t from, to;

	rtd_reply_bulk_inlaid(&writer, bytes, bulk);
	from = out.len;
	rtd_reply_array(&writer, 2);
	rtd_reply_bulk_inlaid(&writer, bytes, bulk);
	rtd_reply_bulk_inlaid(&writer, bytes, bulk);
	to = out.len;
	rtd_reply_ok(&writer);
	ck_assert_uint_eq(bulk->refs, 4);
	rtd_reply_cut(&writer, from, to);
	ck_assert(rt_slice_equal(rt_buf_slice(&out),
	    rt_slice_cstr("$10\r\n\r\n+OK\r\n")));
	ck_assert_uint_eq(inlays.count, 1);
	ck_assert_uint_eq(inlays.items[0].at, 5);
	ck_assert_uint_eq(bulk->refs, 2);
	rt_inlays_fini(&inlays);
	rt_bulk_unref(bulk);
	rt_buf_fini(&out);
}
END_TEST

RTT_MAIN("resp_writer", plain_replies_are_alike_in_both_protocols,
    typed_replies_fall_back_in_resp2, typed_replies_have_their_types_in_resp3,
    an_error_cannot_inject_a_reply, a_long_error_is_cut,
    a_cut_takes_its_inlays_along)
