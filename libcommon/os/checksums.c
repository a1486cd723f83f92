#include "libcommon/os/checksums.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD "CRC32C ("
#define MIDDLE ") = "
#define DIGITS 8

void
rt_checksums_put(struct rt_buf *list, const char *dir, const char *name,
    uint32_t crc32c)
{
	rt_buf_printf(list, HEAD "%s/%s" MIDDLE "%08" PRIx32 "\n", dir, name,
	    crc32c);
}

static bool
parse_hex(const uint8_t *digits, uint32_t *out)
{
	uint32_t value = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		uint8_t c = digits[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

/* line: without its newline. */
static bool
parse_line(struct rt_slice line, struct rt_checksum *out)
{
	size_t head = strlen(HEAD), tail = strlen(MIDDLE) + DIGITS;
	size_t path;

	if (line.len <= head + tail ||
	    !rt_slice_starts_with(line, rt_slice_cstr(HEAD)))
		return false;
	path = line.len - head - tail;
	if (path >= sizeof(out->path) ||
	    memchr(line.data + head, '\0', path) != NULL ||
	    memcmp(line.data + head + path, MIDDLE, strlen(MIDDLE)) != 0 ||
	    !parse_hex(line.data + line.len - DIGITS, &out->crc32c))
		return false;
	memcpy(out->path, line.data + head, path);
	out->path[path] = '\0';
	return true;
}

enum rt_code
rt_checksums_take(struct rt_slice *rest, struct rt_checksum *out,
    struct rt_err *err)
{
	const uint8_t *end;
	size_t len;

	if (rest->len == 0)
		return RT_ENOTFOUND;
	end = memchr(rest->data, '\n', rest->len);
	if (end == NULL)
		return rt_err_set(err, RT_EDAMAGED,
		    "the last line has no end");
	len = (size_t)(end - rest->data);
	if (!parse_line(rt_slice(rest->data, len), out))
		return rt_err_set(err, RT_EDAMAGED,
		    "a line is no checksum of ours");
	*rest = rt_slice(end + 1, rest->len - len - 1);
	return RT_OK;
}
