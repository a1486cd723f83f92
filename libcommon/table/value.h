/* value: what stands behind a key: a header byte, an absolute expiry (8 bytes,
 * little endian, milliseconds since 1970) when the header says so, then the
 * client's bytes. Thread: any. */
#ifndef LIBCOMMON_TABLE_VALUE_H
#define LIBCOMMON_TABLE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/slice.h"

#define RT_VALUE_PLAIN 0x00
#define RT_VALUE_EXPIRES 0x01
#define RT_VALUE_HEADER_BYTES_MAX 9
#define RT_NO_EXPIRY 0	/* an expiry in ms is > 0 */

/* Write the header; returns its bytes: 1, or 9 with an expiry. */
static inline size_t
rt_value_put_header(uint8_t out[RT_VALUE_HEADER_BYTES_MAX], uint64_t expire_ms)
{
	if (expire_ms == RT_NO_EXPIRY) {
		out[0] = RT_VALUE_PLAIN;
		return 1;
	}
	out[0] = RT_VALUE_EXPIRES;
	rt_put_fixed64(out + 1, expire_ms);
	return RT_VALUE_HEADER_BYTES_MAX;
}

/* Take a stored value apart. False when it is malformed (damage). */
static inline bool
rt_value_decode(struct rt_slice stored, uint64_t *expire_ms,
    struct rt_slice *bytes)
{
	if (RT_LIKELY(stored.len >= 1 && stored.data[0] == RT_VALUE_PLAIN)) {
		*expire_ms = RT_NO_EXPIRY;
		*bytes = rt_slice(stored.data + 1, stored.len - 1);
		return true;
	}
	if (stored.len < RT_VALUE_HEADER_BYTES_MAX ||
	    stored.data[0] != RT_VALUE_EXPIRES)
		return false;
	*expire_ms = rt_get_fixed64(stored.data + 1);
	*bytes = rt_slice(stored.data + RT_VALUE_HEADER_BYTES_MAX,
	    stored.len - RT_VALUE_HEADER_BYTES_MAX);
	return *expire_ms != RT_NO_EXPIRY;
}

#endif
