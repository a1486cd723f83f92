#include "riptided/http/json.h"

#include "tests/support/runner.h"

static void
becomes(struct rt_slice text, const char *wanted)
{
	struct rt_buf out = { 0 };

	rtd_json_text(&out, text);
	ck_assert(rt_slice_equal(rt_buf_slice(&out), rt_slice_cstr(wanted)));
	rt_buf_fini(&out);
}

START_TEST(any_bytes_are_a_string)
{
	becomes(rt_slice_cstr(""), "\"\"");
	becomes(rt_slice_cstr("plain text ~"), "\"plain text ~\"");
	becomes(rt_slice_cstr("a\"b\\c"), "\"a\\u0022b\\u005cc\"");
	becomes(rt_slice_cstr("\r\n\x7f"), "\"\\u000d\\u000a\\u007f\"");
	becomes(rt_slice_cstr("</script>"), "\"\\u003c/script>\"");
	becomes(rt_slice("\0\xff", 2), "\"\\u0000\\u00ff\"");
}
END_TEST

RTT_MAIN("json", any_bytes_are_a_string)
