#include "riptided/resp/resp_parser.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/clock.h"
#include "tests/support/runner.h"

static const struct rtd_resp_limits limits_open = {
	.bulk_bytes_max = 1 << 20,
	.args_max = RTD_ARGS_MAX,
};
static const struct rtd_resp_limits limits_closed = {
	.bulk_bytes_max = 1 << 20,
	.args_max = RTD_ARGS_MAX,
	.unauthenticated = true,
};

/* xorshift; a test prints the seed. */
static uint64_t random_state;

static uint64_t
random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

static void
seed_random(void)
{
	const char *given = getenv("RTT_SEED");
	struct rt_clock *clock = rt_clock_system();

	random_state = given != NULL ? strtoull(given, NULL, 0)
				     : rt_clock_monotonic_ns(clock) | 1;
	printf("# RTT_SEED=%llu\n", (unsigned long long)random_state);
}

/* A command as comparable bytes: lengths and words. */
static void
note_command(const struct rtd_resp_parser *parser, struct rt_buf *out)
{
	rt_buf_printf(out, "= %zu", parser->argc);
	for (size_t i = 0; i < parser->argc; i++) {
		rt_buf_printf(out, " %zu:", parser->argv[i].len);
		rt_buf_append_slice(out, parser->argv[i]);
	}
	rt_buf_append_byte(out, '\n');
}

/* Feed input so that at each step `step(arg)` more bytes are there; every
 * step sees a fresh copy, so that a slice into an old one is caught. The
 * results are noted in out. */
static void
feed(struct rt_slice input, const struct rtd_resp_limits *limits,
    size_t (*step)(void), struct rt_buf *out)
{
	struct rtd_resp_parser parser = { 0 };
	size_t start = 0, end = 0, consumed, want;
	enum rtd_resp_status status = RTD_RESP_MORE;

	while (end < input.len && status != RTD_RESP_ERROR) {
		size_t more = step();
		uint8_t *copy;

		end = more < input.len - end ? end + more : input.len;
		copy = rt_alloc(end - start + 1);
		memcpy(copy, input.data + start, end - start);
		for (size_t at = 0;; at += consumed, start += consumed) {
			status = rtd_resp_parse(&parser,
			    rt_slice(copy + at, end - start), limits,
			    &consumed, &want);
			if (status != RTD_RESP_COMMAND)
				break;
			ck_assert_uint_gt(consumed, 0);
			ck_assert_uint_le(consumed, end - start);
			note_command(&parser, out);
		}
		free(copy);
	}
	if (status == RTD_RESP_ERROR)
		rt_buf_printf(out, "! %s\n", parser.error);
	else
		rt_buf_append(out, "~\n", 2);
	rtd_resp_parser_fini(&parser);
}

static size_t
step_whole(void)
{
	return SIZE_MAX;
}

static size_t
step_byte(void)
{
	return 1;
}

static size_t
step_random(void)
{
	return 1 + random_below(random_below(4) == 0 ? 3 : 40);
}

/* -- the table of cases -- */

static int
hex_value(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* One byte written as in the file; *at moves behind it. */
static uint8_t
read_byte(const char **at)
{
	const char *p = *at;
	char c = *p++;

	if (c == '\\') {
		c = *p++;
		if (c == 'r')
			c = '\r';
		else if (c == 'n')
			c = '\n';
		else if (c == 't')
			c = '\t';
		else if (c == 'x') {
			c = (char)(hex_value(p[0]) << 4 | hex_value(p[1]));
			p += 2;
		}
	}
	*at = p;
	return (uint8_t)c;
}

static bool
read_repeat(const char **at, struct rt_buf *out)
{
	char *text;
	unsigned long count;

	if (**at != '{')
		return false;
	count = strtoul(*at + 1, &text, 10);
	ck_assert_int_eq(*text, '*');
	for (unsigned long i = 0; i < count; i++) {
		const char *p = text + 1;

		while (*p != '}')
			rt_buf_append_byte(out, read_byte(&p));
	}
	*at = strchr(text, '}') + 1;
	return true;
}

static void
read_bytes(const char *text, struct rt_buf *out)
{
	while (*text != '\0')
		if (!read_repeat(&text, out))
			rt_buf_append_byte(out, read_byte(&text));
}

/* "= a b" of the file in the form of note_command. */
static void
read_expected_command(const char *text, struct rt_buf *out)
{
	struct rt_buf words = { 0 }, word = { 0 };
	size_t count = 0;

	while (*text != '\0') {
		char stop = ' ';

		while (*text == ' ')
			text++;
		if (*text == '\0')
			break;
		rt_buf_clear(&word);
		if (*text == '"')
			stop = *text++;
		while (*text != '\0' && *text != stop)
			if (!read_repeat(&text, &word))
				rt_buf_append_byte(&word, read_byte(&text));
		if (stop == '"')
			text++;
		rt_buf_printf(&words, " %zu:", word.len);
		rt_buf_append_slice(&words, rt_buf_slice(&word));
		count++;
	}
	rt_buf_printf(out, "= %zu", count);
	rt_buf_append_slice(out, rt_buf_slice(&words));
	rt_buf_append_byte(out, '\n');
	rt_buf_fini(&words);
	rt_buf_fini(&word);
}

struct request_case {
	struct rt_buf input;
	struct rt_buf expected;
	struct rtd_resp_limits limits;
	int line;
};

static void
check_case(struct request_case *one)
{
	static size_t (*const steps[])(void) = { step_whole, step_byte,
		step_random, step_random };
	struct rt_buf got = { 0 };

	for (size_t i = 0; i < RT_COUNTOF(steps); i++) {
		/* Byte by byte copies make long input slow. */
		if (steps[i] != step_whole && one->input.len > 4096)
			continue;
		rt_buf_clear(&got);
		feed(rt_buf_slice(&one->input), &one->limits, steps[i], &got);
		ck_assert_msg(rt_slice_equal(rt_buf_slice(&got),
		    rt_buf_slice(&one->expected)),
		    "requests.txt:%d, step %zu: got\n%.*swanted\n%.*s",
		    one->line, i, (int)got.len, (char *)got.data,
		    (int)one->expected.len, (char *)one->expected.data);
	}
	rt_buf_fini(&got);
	rt_buf_clear(&one->input);
	rt_buf_clear(&one->expected);
	one->limits = limits_open;
}

START_TEST(requests_are_parsed_as_the_table_says)
{
	struct request_case one = { .limits = limits_open };
	char path[4096], line[4096];
	const char *srcdir = getenv("RTT_SRCDIR");
	int number = 0, cases = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/cases/resp/requests.txt",
	    srcdir != NULL ? srcdir : "..");
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s cannot be opened", path);
	random_state = 42;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		number++;
		if ((line[0] == '>' || line[0] == '?') &&
		    one.expected.len != 0) {
			check_case(&one);
			cases++;
		}
		if (line[0] == '?')
			one.limits = limits_closed;
		if (line[0] == '>') {
			one.line = number;
			read_bytes(line + 2, &one.input);
		}
		if (line[0] == '=')
			read_expected_command(line + 1, &one.expected);
		if (line[0] == '!' || line[0] == '~')
			rt_buf_printf(&one.expected, "%s\n", line);
	}
	fclose(file);
	check_case(&one);
	ck_assert_int_gt(cases, 60);
	rt_buf_fini(&one.input);
	rt_buf_fini(&one.expected);
}
END_TEST

/* -- properties -- */

static void
add_random_request(struct rt_buf *out)
{
	size_t count = random_below(6);

	if (random_below(4) == 0) {
		for (size_t i = 0; i < count; i++)
			rt_buf_printf(out, "%s%s",
			    random_below(2) ? "word " : "'a b' ",
			    random_below(3) ? "" : "\"\\x00\\n\" ");
		rt_buf_append(out, "\r\n", random_below(2) ? 2 : 0);
		rt_buf_append_byte(out, '\n');
		return;
	}
	rt_buf_printf(out, "*%zu\r\n", count);
	for (size_t i = 0; i < count; i++) {
		size_t len = random_below(random_below(8) == 0 ? 5000 : 20);

		rt_buf_printf(out, "$%zu\r\n", len);
		for (size_t j = 0; j < len; j++)
			rt_buf_append_byte(out, (uint8_t)random_below(256));
		rt_buf_append(out, "\r\n", 2);
	}
}

/* R1 */
START_TEST(how_bytes_are_cut_changes_nothing)
{
	struct rt_buf input = { 0 }, whole = { 0 }, cut = { 0 };

	seed_random();
	for (int round = 0; round < 300; round++) {
		rt_buf_clear(&input);
		for (int i = 0; i < 8; i++)
			add_random_request(&input);
		/* Two rounds of three are damaged somewhere. */
		for (uint64_t i = random_below(3); i > 0; i--)
			input.data[random_below(input.len)] =
			    (uint8_t)"*$\r\n-09a\""[random_below(9)];
		rt_buf_clear(&whole);
		feed(rt_buf_slice(&input), &limits_open, step_whole, &whole);
		for (int i = 0; i < 3; i++) {
			rt_buf_clear(&cut);
			feed(rt_buf_slice(&input), &limits_open, step_random,
			    &cut);
			ck_assert(rt_slice_equal(rt_buf_slice(&whole),
			    rt_buf_slice(&cut)));
		}
	}
	rt_buf_fini(&input);
	rt_buf_fini(&whole);
	rt_buf_fini(&cut);
}
END_TEST

/* R2 */
START_TEST(a_declared_count_allocates_nothing)
{
	struct rtd_resp_parser parser = { 0 };
	struct rt_slice data = rt_slice_cstr("*1048576\r\n$1\r\na\r\n");
	size_t consumed, want;

	ck_assert_int_eq(rtd_resp_parse(&parser, data, &limits_open, &consumed,
	    &want), RTD_RESP_MORE);
	ck_assert_uint_eq(consumed, 0);
	ck_assert_uint_le(parser.argv_cap, 16);
	rtd_resp_parser_fini(&parser);
}
END_TEST

START_TEST(want_tells_what_a_bulk_still_needs)
{
	struct rtd_resp_parser parser = { 0 };
	struct rt_slice data = rt_slice_cstr("*1\r\n$1000\r\nabc");
	size_t consumed, want;

	ck_assert_int_eq(rtd_resp_parse(&parser, data, &limits_open, &consumed,
	    &want), RTD_RESP_MORE);
	ck_assert_uint_eq(want, 1000 - 3 + 2);
	rtd_resp_parser_fini(&parser);
}
END_TEST

START_TEST(a_command_may_be_offered_again)
{
	struct rtd_resp_parser parser = { 0 };
	struct rt_slice data = rt_slice_cstr("*2\r\n$1\r\na\r\n$1\r\nb\r\n");
	size_t consumed;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rtd_resp_parse(&parser, data, &limits_open,
		    &consumed, NULL), RTD_RESP_COMMAND);
		ck_assert_uint_eq(consumed, data.len);
		ck_assert_uint_eq(parser.argc, 2);
	}
	rtd_resp_parser_fini(&parser);
}
END_TEST

START_TEST(an_error_stays)
{
	struct rtd_resp_parser parser = { 0 };
	size_t consumed;

	ck_assert_int_eq(rtd_resp_parse(&parser, rt_slice_cstr("*x\r\n"),
	    &limits_open, &consumed, NULL), RTD_RESP_ERROR);
	ck_assert_int_eq(rtd_resp_parse(&parser, rt_slice_cstr("PING\r\n"),
	    &limits_open, &consumed, NULL), RTD_RESP_ERROR);
	rtd_resp_parser_fini(&parser);
}
END_TEST

static const struct rtd_resp_limits limits_large = {
	.bulk_bytes_max = 4 << 20,
	.args_max = RTD_ARGS_MAX,
};

/* "*4 SET <large> x <large> y", the large ones given; the bytes move each
 * time. Offered twice. */
START_TEST(large_arguments_are_given_beside_the_data)
{
	struct rtd_resp_parser parser = { 0 };
	struct rt_bulk *bulks[2];
	struct rt_buf in = { 0 };
	size_t consumed, want, at = 0;
	uint8_t *moved;

	rt_buf_printf(&in, "*5\r\n$3\r\nSET\r\n");
	for (size_t i = 0; i < 2; i++) {
		size_t len = RT_BULK_BYTES_MIN + i;

		rt_buf_printf(&in, "$%zu\r\n", len);
		ck_assert_int_eq(rtd_resp_parse(&parser, rt_buf_slice(&in),
		    &limits_large, &consumed, &want), RTD_RESP_MORE);
		ck_assert_uint_eq(want, len + 2);
		ck_assert_uint_eq(rtd_resp_large_argument(&parser, &at), len);
		ck_assert_uint_eq(at, in.len);
		bulks[i] = rt_bulk_new(len);
		memset(bulks[i]->data, 'a' + (int)i, len);
		memcpy(bulks[i]->data + len, "\r\n", 2);
		ck_assert(rtd_resp_give(&parser, bulks[i]));
		rt_bulk_unref(bulks[i]);
		moved = rt_alloc(in.cap);
		memcpy(moved, in.data, in.len);
		memset(in.data, 'z', in.len);
		free(in.data);
		in.data = moved;
		rt_buf_printf(&in, "$1\r\n%c\r\n", 'x' + (int)i);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(rtd_resp_parse(&parser, rt_buf_slice(&in),
		    &limits_large, &consumed, &want), RTD_RESP_COMMAND);
		ck_assert_uint_eq(consumed, in.len);
		ck_assert_uint_eq(parser.argc, 5);
		ck_assert(rt_slice_equal(parser.argv[0],
		    rt_slice_cstr("SET")));
		ck_assert_ptr_eq(parser.argv[1].data, bulks[0]->data);
		ck_assert_uint_eq(parser.argv[1].len, bulks[0]->len);
		ck_assert(rt_slice_equal(parser.argv[2], rt_slice_cstr("x")));
		ck_assert_ptr_eq(parser.argv[3].data, bulks[1]->data);
		ck_assert(rt_slice_equal(parser.argv[4], rt_slice_cstr("y")));
	}
	rtd_resp_let_go(&parser);
	rt_buf_clear(&in);
	rt_buf_printf(&in, "*1\r\n$4\r\nPING\r\n");
	ck_assert_int_eq(rtd_resp_parse(&parser, rt_buf_slice(&in),
	    &limits_large, &consumed, &want), RTD_RESP_COMMAND);
	ck_assert_uint_eq(parser.argc, 1);
	ck_assert_uint_eq(rtd_resp_large_argument(&parser, &at), 0);
	rtd_resp_parser_fini(&parser);
	rt_buf_fini(&in);
}
END_TEST

START_TEST(a_given_argument_ends_with_crlf)
{
	struct rt_slice data = rt_slice_cstr("*2\r\n$3\r\nSET\r\n$262144\r\n");

	for (int i = 0; i < 2; i++) {
		struct rtd_resp_parser parser = { 0 };
		struct rt_bulk *bulk = rt_bulk_new(262144);
		size_t consumed;

		ck_assert_int_eq(rtd_resp_parse(&parser, data, &limits_large,
		    &consumed, NULL), RTD_RESP_MORE);
		bulk->data[bulk->len + (size_t)i] = "\r\n"[i];
		ck_assert(!rtd_resp_give(&parser, bulk));
		rt_bulk_unref(bulk);
		ck_assert_int_eq(rtd_resp_parse(&parser, data, &limits_large,
		    &consumed, NULL), RTD_RESP_ERROR);
		ck_assert_str_eq(parser.error,
		    "ERR Protocol error: bulk not followed by CRLF");
		rtd_resp_parser_fini(&parser);
	}
}
END_TEST

RTT_MAIN("resp_parser", requests_are_parsed_as_the_table_says,
    how_bytes_are_cut_changes_nothing, a_declared_count_allocates_nothing,
    want_tells_what_a_bulk_still_needs, a_command_may_be_offered_again,
    an_error_stays, large_arguments_are_given_beside_the_data,
    a_given_argument_ends_with_crlf)
