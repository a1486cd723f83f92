#include "libcommon/base/crc32c.h"

#include <limits.h>

#include <isa-l/crc.h>

uint32_t
rt_crc32c(uint32_t crc, const void *data, size_t len)
{
	/* isa-l takes an int and a pointer that it does not write through. */
	union {
		const void *in;
		unsigned char *out;
	} at = { .in = data };
	uint32_t state = ~crc;

	while (len > INT_MAX) {
		state = crc32_iscsi(at.out, INT_MAX, state);
		at.out += INT_MAX;
		len -= INT_MAX;
	}
	return ~crc32_iscsi(at.out, (int)len, state);
}
