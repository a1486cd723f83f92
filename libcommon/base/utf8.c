#include "libcommon/base/utf8.h"

#include "libcommon/base/attr.h"

/* What may follow a first byte: RFC 3629, section 4. Only the second byte has
 * a range of its own; the others are 0x80 to 0xbf. */
static const struct {
	uint8_t first_low, first_high;
	uint8_t second_low, second_high;
	uint8_t bytes;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t
rt_utf8_char_bytes(struct rt_slice text)
{
	if (text.len == 0)
		return 0;
	if (text.data[0] < 0x80)
		return 1;
	for (size_t i = 0; i < RT_COUNTOF(forms); i++) {
		if (text.data[0] < forms[i].first_low ||
		    text.data[0] > forms[i].first_high)
			continue;
		if (text.len < forms[i].bytes ||
		    text.data[1] < forms[i].second_low ||
		    text.data[1] > forms[i].second_high)
			return 0;
		for (size_t at = 2; at < forms[i].bytes; at++)
			if ((text.data[at] & 0xc0) != 0x80)
				return 0;
		return forms[i].bytes;
	}
	return 0;
}

bool
rt_utf8_valid(struct rt_slice text)
{
	while (text.len != 0) {
		size_t bytes = rt_utf8_char_bytes(text);

		if (bytes == 0)
			return false;
		text.data += bytes;
		text.len -= bytes;
	}
	return true;
}
