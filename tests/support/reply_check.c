/* A reply is a line of a kind, a value and CRLF. Of some kinds (bulks) bytes and
 * another CRLF follow, of others (arrays) as many replies as the line says;
 * these are counted in `owed` until none is. */
#include "tests/support/reply_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 4096
#define LENGTH_MAX (INT64_C(1) << 40)

struct reading {
	struct rt_slice left;
	int protocol;
	uint64_t owed;
};

/* The line at the front, without its CRLF, as text. */
static bool
take_line(struct reading *reading, char line[LINE_BYTES_MAX])
{
	const uint8_t *data = reading->left.data;
	const uint8_t *end = memchr(data, '\r', reading->left.len);
	size_t len = end != NULL ? (size_t)(end - data) : 0;

	if (end == NULL || len >= LINE_BYTES_MAX ||
	    reading->left.len < len + 2 || end[1] != '\n')
		return false;
	for (size_t i = 0; i < len; i++)
		if (data[i] < 0x20 || data[i] > 0x7e)
			return false;
	memcpy(line, data, len);
	line[len] = '\0';
	reading->left = rt_slice(end + 2, reading->left.len - len - 2);
	return true;
}

static bool
read_number(const char *text, int64_t *out)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	char *end;

	if (digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

/* The bytes of a bulk, of which -1 is null in RESP2. */
static bool
take_bulk(struct reading *reading, const char *text, size_t least)
{
	int64_t len;
	size_t size;

	if (!read_number(text, &len) || len > LENGTH_MAX)
		return false;
	if (len < 0)
		return len == -1 && reading->protocol == 2 && least == 0;
	size = (size_t)len;
	if (size < least || reading->left.len < 2 ||
	    reading->left.len - 2 < size ||
	    memcmp(reading->left.data + size, "\r\n", 2) != 0)
		return false;
	/* "txt:" in front of a verbatim text. */
	if (least == 4 && reading->left.data[3] != ':')
		return false;
	reading->left = rt_slice(reading->left.data + size + 2,
	    reading->left.len - size - 2);
	return true;
}

static bool
owe(struct reading *reading, const char *text, uint64_t each)
{
	int64_t count;

	if (!read_number(text, &count) || count > LENGTH_MAX)
		return false;
	if (count < 0)
		return count == -1 && each == 1 && reading->protocol == 2;
	reading->owed += (uint64_t)count * each;
	return true;
}

static bool
is_double(const char *text)
{
	char *end;

	if (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0 ||
	    strcmp(text, "nan") == 0)
		return true;
	strtod(text, &end);
	return text[0] != '\0' && *end == '\0' &&
	    strspn(text, "0123456789.e+-") == strlen(text);
}

static bool
take_one(struct reading *reading)
{
	char line[LINE_BYTES_MAX];
	int64_t number;

	if (!take_line(reading, line))
		return false;
	switch (line[0]) {
	case '+':
		return true;
	case '-':
		/* The code is a word in capitals. */
		return line[1] >= 'A' && line[1] <= 'Z';
	case ':':
		return read_number(line + 1, &number);
	case '$':
		return take_bulk(reading, line + 1, 0);
	case '*':
		return owe(reading, line + 1, 1);
	default:
		break;
	}
	if (reading->protocol < 3)
		return false;
	switch (line[0]) {
	case '_':
		return line[1] == '\0';
	case '#':
		return strcmp(line, "#t") == 0 || strcmp(line, "#f") == 0;
	case ',':
		return is_double(line + 1);
	case '=':
		return take_bulk(reading, line + 1, 4);
	case '%':
		return owe(reading, line + 1, 2);
	case '~':
	case '>':
		return owe(reading, line + 1, 1);
	default:
		return false;
	}
}

size_t
rtt_reply_check(struct rt_slice data, int protocol)
{
	struct reading reading = { .left = data, .protocol = protocol,
		.owed = 1 };

	while (reading.owed != 0) {
		reading.owed--;
		if (reading.left.len == 0 || !take_one(&reading))
			return 0;
	}
	return data.len - reading.left.len;
}
