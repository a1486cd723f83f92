/* foreign: requests in other protocols that reach our port. Thread: any. */
#ifndef RIPTIDED_NET_FOREIGN_H
#define RIPTIDED_NET_FOREIGN_H

#include "libcommon/base/slice.h"

/* Whether the words of an inline request, argc >= 1, are a line of HTTP, the
 * banner of SSH, or the beginning of a TLS handshake. */
bool rtd_is_foreign(const struct rt_slice *argv, size_t argc);

#endif
