/* reply_reader: where one RESP2 or RESP3 reply ends and the next begins, and
 * what kind it is; contents are skipped. Thread: one at a time. */
#ifndef BENCH_REPLY_READER_H
#define BENCH_REPLY_READER_H

#include <stdbool.h>

#include "libcommon/base/slice.h"

enum rtb_reply {
	RTB_REPLY_MORE,		/* it is not whole yet */
	RTB_REPLY_VALUE,
	RTB_REPLY_NIL,
	RTB_REPLY_ERROR,
	RTB_REPLY_BAD,		/* not the protocol */
};

/* Inert when zeroed. */
struct rtb_reply_reader {
	uint64_t skip;		/* bytes of a string still to come */
	uint64_t parts;		/* of the reply under way, still to come */
	enum rtb_reply kind;	/* of the reply under way */
	char error[128];	/* text of the last error */
};

/* Take bytes off the front of data up to the end of a reply. RTB_REPLY_MORE:
 * what is left of data is part of a line, and is offered again with more. */
enum rtb_reply rtb_reply_next(struct rtb_reply_reader *reader,
    struct rt_slice *data);

#endif
