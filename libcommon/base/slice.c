#include "libcommon/base/slice.h"

#include <stdio.h>
#include <strings.h>

size_t
rt_slice_shared_prefix(struct rt_slice a, struct rt_slice b)
{
	size_t max = a.len < b.len ? a.len : b.len;
	size_t i = 0;

	while (i + 8 <= max) {
		uint64_t x, y;

		memcpy(&x, a.data + i, 8);
		memcpy(&y, b.data + i, 8);
		if (x != y)
			return i + (size_t)__builtin_ctzll(x ^ y) / 8;
		i += 8;
	}
	while (i < max && a.data[i] == b.data[i])
		i++;
	return i;
}

bool
rt_slice_equal_nocase(struct rt_slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len == len &&
	    (len == 0 ||
		strncasecmp((const char *)slice.data, text, len) == 0);
}

char *
rt_slice_print(struct rt_slice slice, char *out, size_t out_bytes)
{
	size_t used = 0;

	if (out_bytes == 0)
		return out;
	for (size_t i = 0; i < slice.len; i++) {
		uint8_t byte = slice.data[i];
		bool plain = byte >= 0x20 && byte <= 0x7e && byte != '\\' &&
		    byte != '"' && byte != '\'';

		if (used + (plain ? 1 : 4) + 4 > out_bytes) {
			if (out_bytes >= 4 && used + 4 <= out_bytes) {
				memcpy(out + used, "...", 3);
				used += 3;
			}
			break;
		}
		if (plain)
			out[used++] = (char)byte;
		else
			used += (size_t)snprintf(out + used, out_bytes - used,
			    "\\x%02x", byte);
	}
	out[used] = '\0';
	return out;
}
