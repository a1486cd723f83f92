/* reply_check: is this one reply, and nothing but a reply? Written against the
 * protocol's text, not against our writer. Thread: any. */
#ifndef TESTS_SUPPORT_REPLY_CHECK_H
#define TESTS_SUPPORT_REPLY_CHECK_H

#include "libcommon/base/slice.h"

/* Bytes of the reply that data begins with, in RESP2 or RESP3 (protocol 2 or
 * 3); 0: it begins with something else, with a part of a reply, or with a kind
 * that this protocol does not know. */
size_t rtt_reply_check(struct rt_slice data, int protocol);

#endif
