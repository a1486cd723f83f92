/* log_line: the shape of a line.
 *
 * text: logfmt, that is name=value pairs parted by blanks:
 *	ts=2026-11-23T00:31:09.123Z level=notice prog=riptided pid=42
 *	area=flush event="table published" table=d-1.sst bytes=123
 * json: one object with the same names. ts is in UTC.
 *
 * A value with a blank, quote, backslash or control character, and an empty
 * one, stands in double quotes, with JSON's escapes. Bytes that are not UTF-8
 * become U+FFFD. Pairs that find no room are cut or left away.
 *
 * The fields come from printf, so a quoted value may hold quotes of its own.
 * It ends at the first quote that no backslash precedes and that the text's
 * end or another pair follows. */
#include "libcommon/daemon/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/slice.h"
#include "libcommon/base/utf8.h"

/* Room kept for what ends a cut value and the line: ..."}\n */
#define TAIL_BYTES 16
/* No escape of one character is longer: \u0000. */
#define ESCAPE_BYTES_MAX 6

struct line {
	char *out;
	size_t len;
	bool json;
	bool full;	/* something was cut: add no more pairs */
};

static void
add(struct line *line, const char *bytes, size_t len)
{
	memcpy(line->out + line->len, bytes, len);
	line->len += len;
}

static size_t
room(const struct line *line)
{
	return RT_LOG_LINE_BYTES_MAX - TAIL_BYTES - line->len;
}

static bool
is_name_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
	    byte == '.';
}

/* The next character of value, escaped; returns how many bytes it took. */
static size_t
add_char(struct line *line, struct rt_slice value)
{
	static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
	size_t bytes = rt_utf8_char_bytes(value);
	uint8_t first = value.data[0];
	const char *at = first != '\0' ? strchr(plain, first) : NULL;
	char escape[ESCAPE_BYTES_MAX + 1];

	if (bytes == 0) {
		add(line, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (at != NULL) {
		escape[0] = '\\';
		escape[1] = letters[at - plain];
		add(line, escape, 2);
	} else if (first < 0x20 || first == 0x7f) {
		snprintf(escape, sizeof(escape), "\\u%04x", first);
		add(line, escape, 6);
	} else {
		add(line, (const char *)value.data, bytes);
	}
	return bytes;
}

static void
add_chars(struct line *line, struct rt_slice value)
{
	while (value.len != 0) {
		size_t bytes;

		if (room(line) < ESCAPE_BYTES_MAX) {
			add(line, "...", 3);
			line->full = true;
			return;
		}
		bytes = add_char(line, value);
		value = rt_slice(value.data + bytes, value.len - bytes);
	}
}

/* A number as JSON writes it, without exponent: 12e4567 is a name. */
static bool
is_number(struct rt_slice value)
{
	const uint8_t *p = value.data, *end = value.data + value.len;
	const uint8_t *digits;

	p += p < end && *p == '-';
	digits = p;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (p == digits || (*digits == '0' && p - digits > 1))
		return false;
	if (p == end || *p != '.')
		return p == end;
	digits = ++p;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p == end && p > digits;
}

static bool
needs_quotes(struct rt_slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] <= ' ' || value.data[i] == 0x7f ||
		    value.data[i] == '"' || value.data[i] == '\\')
			return true;
	return value.len == 0;
}

static void
add_pair(struct line *line, struct rt_slice name, struct rt_slice value,
    bool text)
{
	bool quotes = line->json ? text || !is_number(value)
				 : needs_quotes(value);

	/* Blank, quotes, colon, and a first piece of the value. */
	if (line->full || room(line) < name.len + 8 + ESCAPE_BYTES_MAX) {
		line->full = true;
		return;
	}
	if (line->json)
		add(line, line->len == 1 ? "\"" : ",\"",
		    line->len == 1 ? 1 : 2);
	else if (line->len != 0)
		add(line, " ", 1);
	for (size_t i = 0; i < name.len; i++)
		line->out[line->len++] = is_name_byte(name.data[i])
		    ? (char)name.data[i] : '_';
	if (line->json)
		add(line, "\":", 2);
	else
		add(line, "=", 1);
	if (quotes)
		add(line, "\"", 1);
	add_chars(line, value);
	if (quotes)
		add(line, "\"", 1);
}

static void
add_text_pair(struct line *line, const char *name, const char *value)
{
	add_pair(line, rt_slice_cstr(name), rt_slice_cstr(value), true);
}

/* Is this the end of the fields, or does another pair begin behind blanks? */
static bool
ends_value(const char *at)
{
	const char *name;

	if (*at == '\0')
		return true;
	if (*at != ' ')
		return false;
	at += strspn(at, " ");
	name = at;
	while (is_name_byte((uint8_t)*at))
		at++;
	return *at == '\0' ? name == at : *at == '=' && at > name;
}

/* Take a value that begins behind a quote; without its end it reaches to the
 * end of the text. Backslashes before quotes and backslashes go. */
static const char *
take_quoted(const char *at, char *value, size_t *len)
{
	*len = 0;
	while (*at != '\0') {
		if (*at == '"' && ends_value(at + 1))
			return at + 1;
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		value[(*len)++] = *at++;
	}
	return at;
}

bool
rt_log_field_next(const char **fields, struct rt_log_field *out)
{
	const char *at = *fields + strspn(*fields, " ");
	size_t len = strcspn(at, "= ");

	if (*at == '\0')
		return false;
	out->name = rt_slice(at, len);
	out->value = rt_slice(NULL, 0);
	out->is_text = true;
	at += len;
	if (*at == '=' && at[1] == '"') {
		at = take_quoted(at + 2, out->room, &len);
		out->value = rt_slice(out->room, len);
	} else if (*at == '=') {
		len = strcspn(++at, " ");
		out->value = rt_slice(at, len);
		out->is_text = false;
		at += len;
	}
	*fields = at;
	return true;
}

static void
add_fields(struct line *line, const char *at)
{
	struct rt_log_field field;

	while (!line->full && rt_log_field_next(&at, &field))
		add_pair(line, field.name, field.value, field.is_text);
}

static void
print_time(int64_t wall_ms, char *out, size_t bytes)
{
	int64_t ms = wall_ms % 1000;
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[32];

	/* A clock before 1970 rounds towards the past as well. */
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(date, sizeof(date), "?");
	snprintf(out, bytes, "%s.%03" PRId64 "Z", date, ms);
}

static const char *
level_name(enum rt_loglevel level)
{
	static const char *const names[] = { "debug", "verbose", "notice",
		"warning" };

	return (size_t)level < RT_COUNTOF(names) ? names[level] : "?";
}

size_t
rt_log_line_write(const struct rt_log_event *event, enum rt_log_format format,
    char *out)
{
	struct line line = { .out = out, .json = format == RT_LOG_JSON };
	char number[24], ts[40];

	if (line.json)
		add(&line, "{", 1);
	print_time(event->wall_ms, ts, sizeof(ts));
	add_text_pair(&line, "ts", ts);
	add_text_pair(&line, "level", level_name(event->level));
	add_text_pair(&line, "prog", event->program);
	snprintf(number, sizeof(number), "%d", event->pid);
	add_pair(&line, rt_slice_cstr("pid"), rt_slice_cstr(number), false);
	add_text_pair(&line, "area", event->area);
	add_text_pair(&line, "event", event->event);
	if (event->left_out != 0) {
		snprintf(number, sizeof(number), "%llu", event->left_out);
		add_pair(&line, rt_slice_cstr("left_out"),
		    rt_slice_cstr(number), false);
	}
	add_fields(&line, event->fields);
	add(&line, line.json ? "}\n" : "\n", line.json ? 2 : 1);
	return line.len;
}
