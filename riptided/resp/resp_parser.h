/* resp_parser: a client's bytes to commands, piece by piece, bounded. One
 * explicit state machine over a contiguous buffer; nothing is allocated by a
 * length that a client declares. Error words are Redis 7's. Thread: loop.
 *
 * R1 What is answered depends on the bytes alone, never on how they were cut
 *    into pieces.
 * R2 Memory grows with what was received: at most one struct rt_slice for an
 *    argument, which takes six bytes or more, and a copy of an inline request
 *    with quotes. */
#ifndef RIPTIDED_RESP_RESP_PARSER_H
#define RIPTIDED_RESP_RESP_PARSER_H

#include "libcommon/base/inlay.h"
#include "libcommon/base/slice.h"

#define RTD_INLINE_BYTES_MAX 65536u
#define RTD_ARGS_MAX 1048576u
/* Before AUTH, when a password is set. */
#define RTD_UNAUTHENTICATED_ARGS_MAX 10u
#define RTD_UNAUTHENTICATED_BULK_MAX 16384u

struct rtd_resp_limits {
	uint64_t bulk_bytes_max;	/* proto-max-bulk-len */
	uint64_t args_max;		/* RTD_ARGS_MAX or less */
	bool unauthenticated;		/* the two limits above hold as well */
};

enum rtd_resp_status {
	RTD_RESP_COMMAND,	/* argc and argv are set; argc may be 0: skip */
	RTD_RESP_MORE,		/* all bytes used or kept; feed more */
	RTD_RESP_ERROR,		/* error is set; the connection must close */
};

/* Inert when zeroed. argv grows in steps with what was received. */
struct rtd_resp_parser {
	struct rt_slice *argv;	/* borrow the bytes that were fed */
	size_t argc;
	char error[160];	/* without "-": "ERR Protocol error: ..." */
	/* internal */
	size_t argv_cap;
	size_t scan;		/* where the element under way begins */
	size_t looked;		/* bytes of its line that hold no end */
	uintptr_t base;		/* where the data was at the last call */
	uint64_t args_left;
	uint64_t bulk_bytes;	/* of the argument under way */
	unsigned state;
	struct rt_buf unquoted;	/* arguments of an inline request */
	struct rt_inlays inlays;	/* arguments received elsewhere */
	size_t next_inlay;
};

void rtd_resp_parser_fini(struct rtd_resp_parser *parser);

/* Parse one command from data, which begins at the first byte that is not yet
 * consumed: the caller keeps unconsumed bytes contiguous and passes them again
 * with more behind (they may have moved). *consumed: bytes to drop; 0 with
 * RTD_RESP_MORE. *want (may be NULL): how many more bytes at least the
 * command needs when that is known, for growing the buffer; else 0.
 * After RTD_RESP_COMMAND the parser holds nothing of the command but argv: the
 * same bytes may be offered again. After RTD_RESP_ERROR it stays so. */
enum rtd_resp_status rtd_resp_parse(struct rtd_resp_parser *parser,
    struct rt_slice data, const struct rtd_resp_limits *limits,
    size_t *consumed, size_t *want);

/* A large argument need not pass through the data. After RTD_RESP_MORE: the
 * bytes of the argument under way when it has at least RT_BULK_BYTES_MIN and
 * is not all here; *at: where in the data it begins. 0: no such argument. */
size_t rtd_resp_large_argument(const struct rtd_resp_parser *parser,
    size_t *at);

/* Give that argument: bulk holds it and the CRLF behind it, and a reference is
 * taken. The data ends where the argument would begin, and what follows it is
 * put there. False: no CRLF, and the parser has failed. */
bool rtd_resp_give(struct rtd_resp_parser *parser, struct rt_bulk *bulk);

/* The command is done with: let go of the arguments given. Without this the
 * same bytes may be offered again. */
static inline void
rtd_resp_let_go(struct rtd_resp_parser *parser)
{
	if (RT_UNLIKELY(parser->inlays.count != 0))
		rt_inlays_fini(&parser->inlays);
}

#endif
