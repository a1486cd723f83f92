/* resp_peek: a look at a command that has been received but is not run yet, so
 * that what it will read can be fetched. Nothing depends on what it finds: the
 * parser alone decides what the bytes mean. Thread: any. */
#ifndef RIPTIDED_RESP_RESP_PEEK_H
#define RIPTIDED_RESP_RESP_PEEK_H

#include <stdbool.h>

#include "libcommon/base/slice.h"

/* Take one whole command in its plain form (an array of bulk strings) off the
 * front of data. *argc: its words; the first argv_max of them are in argv and
 * borrow data. False: data begins with something else, or with a part of a
 * command, and stays as it is. */
bool rtd_resp_peek(struct rt_slice *data, struct rt_slice *argv,
    size_t argv_max, size_t *argc);

#endif
