#include "bench/reply_reader.h"

#include <stdio.h>
#include <string.h>

/* No line of a reply is longer, but for simple strings and errors. */
#define PARTS_MAX (UINT64_C(1) << 32)

/* The number of a header line; false: it has none. -1 is 0 and *nil. */
static bool
read_length(struct rt_slice line, uint64_t *length, bool *nil)
{
	*length = 0;
	*nil = false;
	if (line.len == 2 && memcmp(line.data, "-1", 2) == 0) {
		*nil = true;
		return true;
	}
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] < '0' || line.data[i] > '9' ||
		    *length > PARTS_MAX)
			return false;
		*length = *length * 10 + (uint64_t)(line.data[i] - '0');
	}
	return line.len != 0;
}

/* One line without its CRLF. False: not the protocol. */
static bool
take_line(struct rtb_reply_reader *reader, struct rt_slice line, bool is_first)
{
	enum rtb_reply kind = RTB_REPLY_VALUE;
	uint64_t length = 0, more = 0;
	bool nil = false, good = true;
	struct rt_slice rest = rt_slice(line.data + 1, line.len - 1);

	switch (line.data[0]) {
	case '+': case ':': case ',': case '#': case '(':
		break;
	case '_':
		nil = true;
		break;
	case '-':
		kind = RTB_REPLY_ERROR;
		snprintf(reader->error, sizeof(reader->error), "%.*s",
		    (int)(rest.len < 120 ? rest.len : 120),
		    (const char *)rest.data);
		break;
	case '$': case '=': case '!':
		good = read_length(rest, &length, &nil);
		reader->skip = good && !nil ? length + 2 : 0;
		break;
	case '*': case '~': case '>':
		good = read_length(rest, &more, &nil);
		break;
	case '%':
		good = read_length(rest, &more, &nil);
		more *= 2;
		break;
	default:
		good = false;
	}
	reader->parts += more;
	if (is_first)
		reader->kind = nil ? RTB_REPLY_NIL : kind;
	return good;
}

enum rtb_reply
rtb_reply_next(struct rtb_reply_reader *reader, struct rt_slice *data)
{
	bool is_first = reader->parts == 0 && reader->skip == 0;

	if (is_first)
		reader->parts = 1;
	for (;;) {
		const uint8_t *end;
		size_t gone = reader->skip < data->len ? (size_t)reader->skip
						       : data->len;

		*data = rt_slice(data->data + gone, data->len - gone);
		reader->skip -= gone;
		if (reader->skip != 0)
			return RTB_REPLY_MORE;
		if (reader->parts == 0)
			return reader->kind;
		end = data->len == 0 ? NULL :
				       memchr(data->data, '\n', data->len);
		if (end == NULL) {
			/* Nothing of it was taken: it is the first again. */
			if (is_first)
				reader->parts = 0;
			return RTB_REPLY_MORE;
		}
		if (end - data->data < 2 || end[-1] != '\r' ||
		    !take_line(reader, rt_slice(data->data,
			(size_t)(end - 1 - data->data)), is_first))
			return RTB_REPLY_BAD;
		is_first = false;
		reader->parts--;
		*data = rt_slice(end + 1,
		    data->len - (size_t)(end + 1 - data->data));
	}
}
