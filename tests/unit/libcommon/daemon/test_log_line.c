#include "libcommon/daemon/log_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/utf8.h"
#include "tests/support/runner.h"

#define HEAD "ts=1970-01-01T00:00:01.005Z level=notice prog=riptided pid=42 " \
	"area=flush event=\"table published\""
#define JSON_HEAD "{\"ts\":\"1970-01-01T00:00:01.005Z\",\"level\":\"notice\"," \
	"\"prog\":\"riptided\",\"pid\":42,\"area\":\"flush\"," \
	"\"event\":\"table published\""

static struct rt_log_event
event_with(const char *fields)
{
	return (struct rt_log_event){ .wall_ms = 1005,
		.level = RT_LOG_NOTICE, .program = "riptided", .pid = 42,
		.area = "flush", .event = "table published",
		.fields = fields };
}

static const char *
write_line(const char *fields, enum rt_log_format format)
{
	static char out[RT_LOG_LINE_BYTES_MAX + 1];
	struct rt_log_event event = event_with(fields);
	size_t len = rt_log_line_write(&event, format, out);

	ck_assert_uint_le(len, RT_LOG_LINE_BYTES_MAX);
	ck_assert_int_eq(out[len - 1], '\n');
	out[len - 1] = '\0';
	ck_assert_ptr_null(strchr(out, '\n'));
	ck_assert(rt_utf8_valid(rt_slice(out, len)));
	return out;
}

static const struct {
	const char *fields;
	const char *text;
	const char *json;
} rows[] = {
	{ "", "", "" },
	{ "table=d-1.sst bytes=123", " table=d-1.sst bytes=123",
	    ",\"table\":\"d-1.sst\",\"bytes\":123" },
	{ "  a=1   b=2 ", " a=1 b=2", ",\"a\":1,\"b\":2" },
	{ "a=\"1\"", " a=1", ",\"a\":\"1\"" },
	{ "a=\"two words\"", " a=\"two words\"", ",\"a\":\"two words\"" },
	{ "a= b=\"\"", " a=\"\" b=\"\"", ",\"a\":\"\",\"b\":\"\"" },
	{ "a=-1.50 b=007 c=1e5 d=1. e=- f=0 g=0.5",
	    " a=-1.50 b=007 c=1e5 d=1. e=- f=0 g=0.5",
	    ",\"a\":-1.50,\"b\":\"007\",\"c\":\"1e5\",\"d\":\"1.\","
	    "\"e\":\"-\",\"f\":0,\"g\":0.5" },
	/* What printf put between the quotes may contain some. */
	{ "error=\"no \"such\" file\" code=2",
	    " error=\"no \\\"such\\\" file\" code=2",
	    ",\"error\":\"no \\\"such\\\" file\",\"code\":2" },
	{ "a=\"x\\\"y\\\\z\\x41\"", " a=\"x\\\"y\\\\z\\\\x41\"",
	    ",\"a\":\"x\\\"y\\\\z\\\\x41\"" },
	{ "a=\"never ends", " a=\"never ends\"", ",\"a\":\"never ends\"" },
	{ "a=\"one\nlevel=warning\r\t\x01\"",
	    " a=\"one\\nlevel=warning\\r\\t\\u0001\"",
	    ",\"a\":\"one\\nlevel=warning\\r\\t\\u0001\"" },
	{ "a=b\nc", " a=\"b\\nc\"", ",\"a\":\"b\\nc\"" },
	{ "a=\xff" "b", " a=\xef\xbf\xbd" "b", ",\"a\":\"\xef\xbf\xbd" "b\"" },
	{ "a=\xc3\xa9", " a=\xc3\xa9", ",\"a\":\"\xc3\xa9\"" },
	{ "a\"\nb=1", " a__b=1", ",\"a__b\":1" },
	{ "lonely a=1", " lonely=\"\" a=1", ",\"lonely\":\"\",\"a\":1" },
	{ "a=b=c", " a=b=c", ",\"a\":\"b=c\"" },
};

START_TEST(text_lines_are_logfmt)
{
	char expected[512];

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		snprintf(expected, sizeof(expected), HEAD "%s", rows[i].text);
		ck_assert_str_eq(write_line(rows[i].fields, RT_LOG_TEXT),
		    expected);
	}
}
END_TEST

START_TEST(json_lines_are_one_object)
{
	char expected[512];

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		snprintf(expected, sizeof(expected), JSON_HEAD "%s}",
		    rows[i].json);
		ck_assert_str_eq(write_line(rows[i].fields, RT_LOG_JSON),
		    expected);
	}
}
END_TEST

START_TEST(left_out_lines_are_told)
{
	char out[RT_LOG_LINE_BYTES_MAX];
	struct rt_log_event event = event_with("a=1");
	size_t len;

	event.left_out = 7;
	len = rt_log_line_write(&event, RT_LOG_TEXT, out);
	out[len - 1] = '\0';
	ck_assert_str_eq(out, HEAD " left_out=7 a=1");
}
END_TEST

START_TEST(time_is_utc_with_milliseconds)
{
	static const struct {
		int64_t wall_ms;
		const char *ts;
	} times[] = { { 0, "ts=1970-01-01T00:00:00.000Z " },
		{ -1, "ts=1969-12-31T23:59:59.999Z " },
		{ 1795394716123, "ts=2026-11-23T00:45:16.123Z " } };
	char out[RT_LOG_LINE_BYTES_MAX];

	for (size_t i = 0; i < RT_COUNTOF(times); i++) {
		struct rt_log_event event = event_with("");

		event.wall_ms = times[i].wall_ms;
		rt_log_line_write(&event, RT_LOG_TEXT, out);
		ck_assert_int_eq(strncmp(out, times[i].ts,
		    strlen(times[i].ts)), 0);
	}
}
END_TEST

START_TEST(long_lines_are_cut_and_stay_whole)
{
	char fields[6000];

	for (size_t len = 3700; len < 4100; len++) {
		const char *line;

		memset(fields, 'x', sizeof(fields));
		memcpy(fields, "a=\"\x01", 4);
		memcpy(fields + len, "\" b=1", 6);
		line = write_line(fields, RT_LOG_JSON);
		ck_assert(strcmp(line + strlen(line) - 2, "\"}") == 0 ||
		    strcmp(line + strlen(line) - 7, ",\"b\":1}") == 0);
		line = write_line(fields, RT_LOG_TEXT);
		ck_assert(line[strlen(line) - 1] == '"' ||
		    strcmp(line + strlen(line) - 4, " b=1") == 0);
	}
	memset(fields, 'n', sizeof(fields));
	fields[sizeof(fields) - 1] = '\0';
	ck_assert_str_eq(write_line(fields, RT_LOG_JSON), JSON_HEAD "}");
}
END_TEST

/* Quotes in a JSON line pair, and nothing but escapes holds a backslash. */
static void
check_json(const char *line)
{
	bool inside = false;

	for (; *line != '\0'; line++) {
		ck_assert_int_ge((uint8_t)*line, 0x20);
		if (inside && *line == '\\') {
			line++;
			ck_assert_ptr_nonnull(strchr("\"\\nrtu", *line));
		} else if (*line == '"') {
			inside = !inside;
		}
	}
	ck_assert(!inside);
	ck_assert_int_eq(line[-1], '}');
}

START_TEST(random_fields_give_whole_lines)
{
	static const char letters[] = "ab=\"\\ \n\xff\xc3\xa9" "1.";
	unsigned seed = (unsigned)time(NULL);
	char fields[64];

	printf("# seed %u\n", seed);
	for (int round = 0; round < 50000; round++) {
		size_t len = (size_t)rand_r(&seed) % (sizeof(fields) - 1);

		for (size_t i = 0; i < len; i++)
			fields[i] = letters[(size_t)rand_r(&seed) %
			    (sizeof(letters) - 1)];
		fields[len] = '\0';
		check_json(write_line(fields, RT_LOG_JSON));
		write_line(fields, RT_LOG_TEXT);
	}
}
END_TEST

RTT_MAIN("log_line", text_lines_are_logfmt, json_lines_are_one_object,
    left_out_lines_are_told, time_is_utc_with_milliseconds,
    long_lines_are_cut_and_stay_whole, random_fields_give_whole_lines)
