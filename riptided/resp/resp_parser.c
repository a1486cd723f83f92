/* A request is either
 *	* count CRLF, then count times: $ length CRLF bytes CRLF
 * or an inline request: words in a line that ends with LF or CRLF, where words
 * may be in double quotes (\n \r \t \b \a \xHH and \ before any byte) or in
 * single quotes (\' only), and a closing quote ends its word.
 *
 * Stations: BEGIN > BULK_LENGTH > BULK_BYTES > BULK_LENGTH ... > BEGIN. Each
 * element (a line or the bytes of an argument) is taken when it is there as a
 * whole; `scan` is where the first element that is not begins, so that nothing
 * is looked at twice but the line under way, and of that one only what lies
 * behind `looked`. */
#include "riptided/resp/resp_parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"

enum state { BEGIN, BULK_LENGTH, BULK_BYTES, FAILED };

/* What a look at a line "number CRLF" found. */
enum line { LINE_NUMBER, LINE_MORE, LINE_BAD, LINE_LONG };

#define ARGV_FIRST 16u
/* An argv larger than this is given back after its command. */
#define ARGV_KEPT_MAX 1024u
/* Digits that cannot overflow: longer numbers go the slow way. */
#define FAST_DIGITS_MAX 9

void
rtd_resp_parser_fini(struct rtd_resp_parser *parser)
{
	free(parser->argv);
	rt_buf_fini(&parser->unquoted);
	rt_inlays_fini(&parser->inlays);
	*parser = (struct rtd_resp_parser){ 0 };
}

static enum rtd_resp_status RT_PRINTF(2, 3)
fail(struct rtd_resp_parser *parser, const char *fmt, ...)
{
	static const char prefix[] = "ERR Protocol error: ";
	va_list ap;

	memcpy(parser->error, prefix, sizeof(prefix));
	va_start(ap, fmt);
	vsnprintf(parser->error + sizeof(prefix) - 1,
	    sizeof(parser->error) - sizeof(prefix) + 1, fmt, ap);
	va_end(ap);
	parser->state = FAILED;
	parser->argc = 0;
	return RTD_RESP_ERROR;
}

static void
argv_grow(struct rtd_resp_parser *parser)
{
	parser->argv_cap = parser->argv_cap != 0 ? parser->argv_cap * 2
						 : ARGV_FIRST;
	parser->argv = rt_realloc(parser->argv,
	    parser->argv_cap * sizeof(*parser->argv));
}

static inline void
argv_push(struct rtd_resp_parser *parser, const uint8_t *data, size_t len)
{
	if (RT_UNLIKELY(parser->argc == parser->argv_cap))
		argv_grow(parser);
	parser->argv[parser->argc++] = rt_slice(data, len);
}

static void
forget_command(struct rtd_resp_parser *parser)
{
	parser->argc = 0;
	parser->next_inlay = 0;
	if (RT_UNLIKELY(parser->argv_cap > ARGV_KEPT_MAX)) {
		free(parser->argv);
		parser->argv = NULL;
		parser->argv_cap = 0;
	}
	if (RT_UNLIKELY(parser->unquoted.cap > ARGV_KEPT_MAX))
		rt_buf_fini(&parser->unquoted);
}

/* The bytes have moved since the last call: so do the arguments, but for those
 * that were given and never lay in front of `scan`. */
static void
follow_data(struct rtd_resp_parser *parser, uintptr_t base)
{
	for (size_t i = 0; i < parser->argc; i++) {
		uintptr_t at = (uintptr_t)parser->argv[i].data;

		if (at - parser->base <= parser->scan)
			parser->argv[i].data =
			    (const uint8_t *)(at - parser->base + base);
	}
	parser->base = base;
}

/* A number line that is unusual: incomplete, signed, long or wrong. What can
 * no longer become right is refused at once; more digits are waited for. */
static enum line
read_number_slowly(struct rtd_resp_parser *parser, const uint8_t *line,
    const uint8_t *end, int64_t *value, const uint8_t **next)
{
	const uint8_t *at = line + parser->looked;

	while (at < end && ((*at >= '0' && *at <= '9') || *at == '-'))
		at++;
	if (at - line > RTD_INLINE_BYTES_MAX)
		return LINE_LONG;
	parser->looked = (size_t)(at - line);
	if (at == end)
		return LINE_MORE;
	if (*at != '\r' || (at + 1 < end && at[1] != '\n'))
		return LINE_BAD;
	if (!rt_parse_i64(rt_slice(line, (size_t)(at - line)), value))
		return LINE_BAD;
	if (at + 1 == end)
		return LINE_MORE;
	parser->looked = 0;
	*next = at + 2;
	return LINE_NUMBER;
}

static inline enum line
read_number(struct rtd_resp_parser *parser, const uint8_t *line,
    const uint8_t *end, int64_t *value, const uint8_t **next)
{
	const uint8_t *stop = end - line > FAST_DIGITS_MAX
	    ? line + FAST_DIGITS_MAX : end;
	const uint8_t *at = line;
	uint32_t number = 0;

	while (at < stop && (uint8_t)(*at - '0') <= 9)
		number = number * 10 + (uint8_t)(*at++ - '0');
	if (RT_LIKELY(at != line && end - at >= 2 && at[0] == '\r' &&
		at[1] == '\n' && (*line != '0' || at - line == 1))) {
		parser->looked = 0;
		*value = number;
		*next = at + 2;
		return LINE_NUMBER;
	}
	return read_number_slowly(parser, line, end, value, next);
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Vertical tabs and form feeds part words only where no word is under way. */
static bool
ends_word(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static int
hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The byte that a backslash in double quotes stands for; *at is behind the
 * backslash and moves over what was used. */
static uint8_t
unescape(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *p = *at;
	uint8_t byte = *p++;

	switch (byte) {
	case 'n':
		byte = '\n';
		break;
	case 'r':
		byte = '\r';
		break;
	case 't':
		byte = '\t';
		break;
	case 'b':
		byte = '\b';
		break;
	case 'a':
		byte = '\a';
		break;
	case 'x':
		if (end - p >= 2 && hex_digit(p[0]) >= 0 &&
		    hex_digit(p[1]) >= 0) {
			byte = (uint8_t)(hex_digit(p[0]) << 4 |
			    hex_digit(p[1]));
			p += 2;
		}
		break;
	default:
		break;
	}
	*at = p;
	return byte;
}

/* The rest of a word behind an opening quote, into out. False: no closing
 * quote, or one that something other than a blank follows. */
static bool
read_quoted(uint8_t quote, const uint8_t **at, const uint8_t *end,
    struct rt_buf *out)
{
	const uint8_t *p = *at;

	for (;;) {
		uint8_t byte;

		if (p == end)
			return false;
		byte = *p++;
		if (byte == quote)
			break;
		if (byte == '\\' && p < end) {
			if (quote == '"')
				byte = unescape(&p, end);
			else if (*p == '\'')
				byte = *p++;
		}
		rt_buf_append_byte(out, byte);
	}
	*at = p;
	return p == end || is_blank(*p);
}

/* One word; *at stands on its first byte. */
static bool
read_word(struct rtd_resp_parser *parser, const uint8_t **at,
    const uint8_t *end)
{
	struct rt_buf *out = &parser->unquoted;
	const uint8_t *p = *at;
	size_t begin;

	while (p < end && !ends_word(*p) && *p != '"' && *p != '\'')
		p++;
	if (p == end || ends_word(*p)) {
		argv_push(parser, *at, (size_t)(p - *at));
		*at = p;
		return true;
	}
	begin = out->len;
	rt_buf_append(out, *at, (size_t)(p - *at));
	while (p < end && !ends_word(*p)) {
		uint8_t byte = *p++;

		if (byte != '"' && byte != '\'') {
			rt_buf_append_byte(out, byte);
			continue;
		}
		if (!read_quoted(byte, &p, end, out))
			return false;
		break;
	}
	argv_push(parser, out->data + begin, out->len - begin);
	*at = p;
	return true;
}

static bool
split_words(struct rtd_resp_parser *parser, struct rt_slice line)
{
	const uint8_t *at = line.data, *end = line.data + line.len;

	rt_buf_clear(&parser->unquoted);
	/* Words never take more than the line, so the copy does not move. */
	if (memchr(line.data, '"', line.len) != NULL ||
	    memchr(line.data, '\'', line.len) != NULL)
		rt_buf_reserve(&parser->unquoted, line.len);
	for (;;) {
		while (at < end && is_blank(*at))
			at++;
		if (at == end)
			return true;
		if (!read_word(parser, &at, end))
			return false;
	}
}

/* Where an inline request ends: at its LF, or at a NUL, which no such request
 * may hold. NULL: not here yet. */
static const uint8_t *
inline_end(const struct rtd_resp_parser *parser, struct rt_slice data)
{
	const uint8_t *from = data.data + parser->looked;
	size_t len = data.len - parser->looked;
	const uint8_t *newline = memchr(from, '\n', len);
	const uint8_t *nul;

	if (newline != NULL)
		len = (size_t)(newline - from);
	nul = memchr(from, '\0', len);
	return nul != NULL ? nul : newline;
}

static enum rtd_resp_status
parse_inline(struct rtd_resp_parser *parser, struct rt_slice data,
    const struct rtd_resp_limits *limits, size_t *consumed)
{
	const uint8_t *end = inline_end(parser, data);
	size_t len = end != NULL ? (size_t)(end - data.data) : data.len;

	if (len > RTD_INLINE_BYTES_MAX)
		return fail(parser, "too big inline request");
	if (end == NULL) {
		parser->looked = data.len;
		return RTD_RESP_MORE;
	}
	if (*end == '\0')
		return fail(parser, "NUL in inline request");
	parser->looked = 0;
	*consumed = len + 1;
	if (!split_words(parser, rt_slice(data.data, len)))
		return fail(parser, "unbalanced quotes in request");
	if (limits->unauthenticated &&
	    parser->argc > RTD_UNAUTHENTICATED_ARGS_MAX)
		return fail(parser, "unauthenticated multibulk length");
	return RTD_RESP_COMMAND;
}

/* "*count CRLF" at the start of data. */
static enum rtd_resp_status
parse_count(struct rtd_resp_parser *parser, struct rt_slice data,
    const struct rtd_resp_limits *limits, size_t *consumed)
{
	const uint8_t *next;
	int64_t count;

	switch (read_number(parser, data.data + 1, data.data + data.len,
	    &count, &next)) {
	case LINE_NUMBER:
		break;
	case LINE_MORE:
		return RTD_RESP_MORE;
	case LINE_LONG:
		return fail(parser, "too big mbulk count string");
	case LINE_BAD:
	default:
		return fail(parser, "invalid multibulk length");
	}
	if (count > (int64_t)limits->args_max)
		return fail(parser, "invalid multibulk length");
	if (limits->unauthenticated &&
	    count > (int64_t)RTD_UNAUTHENTICATED_ARGS_MAX)
		return fail(parser, "unauthenticated multibulk length");
	parser->scan = (size_t)(next - data.data);
	if (count <= 0) {
		*consumed = parser->scan;
		parser->scan = 0;
		return RTD_RESP_COMMAND;
	}
	parser->args_left = (uint64_t)count;
	parser->state = BULK_LENGTH;
	return RTD_RESP_MORE;
}

static enum rtd_resp_status
fail_expected_dollar(struct rtd_resp_parser *parser, uint8_t got)
{
	if (got >= 0x20 && got <= 0x7e)
		return fail(parser, "expected '$', got '%c'", got);
	return fail(parser, "expected '$', got '\\x%02x'", got);
}

static enum rtd_resp_status
fail_length(struct rtd_resp_parser *parser, enum line line)
{
	if (line == LINE_MORE)
		return RTD_RESP_MORE;
	return fail(parser, line == LINE_LONG ? "too big bulk count string"
					      : "invalid bulk length");
}

static enum rtd_resp_status
fail_end(struct rtd_resp_parser *parser)
{
	return fail(parser, "bulk not followed by CRLF");
}

/* The bytes of an argument are not all here. */
static enum rtd_resp_status
wait_for_bulk(struct rtd_resp_parser *parser, size_t left, size_t *want)
{
	if (want != NULL)
		*want = (size_t)parser->bulk_bytes + 2 - left;
	return RTD_RESP_MORE;
}

/* Whether the argument that begins at `at` was given; it is pushed then. */
static bool
take_given(struct rtd_resp_parser *parser, size_t at)
{
	const struct rt_inlay *inlay;

	if (RT_LIKELY(parser->next_inlay == parser->inlays.count))
		return false;
	inlay = &parser->inlays.items[parser->next_inlay];
	if (inlay->at != at)
		return false;
	parser->next_inlay++;
	argv_push(parser, inlay->bytes.data, inlay->bytes.len);
	return true;
}

static enum rtd_resp_status
parse_bulks(struct rtd_resp_parser *parser, struct rt_slice data,
    const struct rtd_resp_limits *limits, size_t *consumed, size_t *want)
{
	const uint8_t *at = data.data + parser->scan;
	const uint8_t *end = data.data + data.len;

	for (;;) {
		size_t len;

		if (parser->state == BULK_LENGTH) {
			enum line line;
			int64_t value;

			if (at == end)
				return RTD_RESP_MORE;
			if (RT_UNLIKELY(*at != '$'))
				return fail_expected_dollar(parser, *at);
			line = read_number(parser, at + 1, end, &value, &at);
			if (RT_UNLIKELY(line != LINE_NUMBER))
				return fail_length(parser, line);
			if (RT_UNLIKELY(value < 0 ||
				(uint64_t)value > limits->bulk_bytes_max))
				return fail(parser, "invalid bulk length");
			if (RT_UNLIKELY(limits->unauthenticated &&
				value > (int64_t)RTD_UNAUTHENTICATED_BULK_MAX))
				return fail(parser,
				    "unauthenticated bulk length");
			parser->bulk_bytes = (uint64_t)value;
			parser->scan = (size_t)(at - data.data);
			parser->state = BULK_BYTES;
		}
		len = (size_t)parser->bulk_bytes;
		if (RT_LIKELY(!take_given(parser, parser->scan))) {
			size_t here = (size_t)(end - at);

			/* A byte in the place of CR is refused before LF is
			 * here. */
			if (here > len && at[len] != '\r')
				return fail_end(parser);
			if (here < len + 2)
				return wait_for_bulk(parser, here, want);
			if (RT_UNLIKELY(at[len + 1] != '\n'))
				return fail_end(parser);
			argv_push(parser, at, len);
			at += len + 2;
		}
		parser->state = BULK_LENGTH;
		parser->scan = (size_t)(at - data.data);
		if (--parser->args_left == 0)
			break;
	}
	*consumed = parser->scan;
	parser->scan = 0;
	parser->state = BEGIN;
	return RTD_RESP_COMMAND;
}

enum rtd_resp_status
rtd_resp_parse(struct rtd_resp_parser *parser, struct rt_slice data,
    const struct rtd_resp_limits *limits, size_t *consumed, size_t *want)
{
	enum rtd_resp_status status;

	*consumed = 0;
	if (want != NULL)
		*want = 0;
	if (RT_UNLIKELY(parser->state == FAILED))
		return RTD_RESP_ERROR;
	if (parser->state == BEGIN) {
		forget_command(parser);
		if (data.len == 0)
			return RTD_RESP_MORE;
		if (data.data[0] != '*')
			return parse_inline(parser, data, limits, consumed);
		status = parse_count(parser, data, limits, consumed);
		if (parser->state != BULK_LENGTH)
			return status;
		parser->base = (uintptr_t)data.data;
	} else if (parser->base != (uintptr_t)data.data) {
		follow_data(parser, (uintptr_t)data.data);
	}
	return parse_bulks(parser, data, limits, consumed, want);
}

size_t
rtd_resp_large_argument(const struct rtd_resp_parser *parser, size_t *at)
{
	if (parser->state != BULK_BYTES ||
	    parser->bulk_bytes < RT_BULK_BYTES_MIN)
		return 0;
	*at = parser->scan;
	return (size_t)parser->bulk_bytes;
}

bool
rtd_resp_give(struct rtd_resp_parser *parser, struct rt_bulk *bulk)
{
	const uint8_t *end = bulk->data + bulk->len;

	rt_assert(parser->state == BULK_BYTES &&
	    parser->bulk_bytes == bulk->len);
	if (end[0] != '\r' || end[1] != '\n') {
		fail_end(parser);
		return false;
	}
	rt_inlays_add(&parser->inlays, parser->scan,
	    rt_slice(bulk->data, bulk->len), bulk);
	return true;
}
