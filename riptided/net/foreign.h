/* foreign: requests in other protocols that reach our port. Thread: any. */
#ifndef RIPTIDED_NET_FOREIGN_H
#define RIPTIDED_NET_FOREIGN_H

#include "libcommon/base/slice.h"

/* Whether the words of an inline request, argc >= 1, are a line of HTTP or the
 * banner of SSH. */
bool rtd_is_foreign(const struct rt_slice *argv, size_t argc);

/* Whether the bytes begin a TLS handshake, which may have no line's end. */
static inline bool
rtd_is_tls_hello(struct rt_slice data)
{
	return data.len >= 2 && data.data[0] == 0x16 && data.data[1] == 0x03;
}

#endif
