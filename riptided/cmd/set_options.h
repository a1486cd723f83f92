/* set_options: what may follow SET k v and GETEX k. Thread: any. */
#ifndef RIPTIDED_CMD_SET_OPTIONS_H
#define RIPTIDED_CMD_SET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "libcommon/base/slice.h"

#define RTD_SET_NX 0x001
#define RTD_SET_XX 0x002
#define RTD_SET_GET 0x004
#define RTD_SET_KEEPTTL 0x008
#define RTD_SET_PERSIST 0x010
#define RTD_SET_EX 0x020
#define RTD_SET_PX 0x040
#define RTD_SET_EXAT 0x080
#define RTD_SET_PXAT 0x100
#define RTD_SET_TIMES \
	(RTD_SET_EX | RTD_SET_PX | RTD_SET_EXAT | RTD_SET_PXAT)
/* Which of them the command takes. */
#define RTD_SET_FOR_SET \
	(RTD_SET_NX | RTD_SET_XX | RTD_SET_GET | RTD_SET_KEEPTTL | \
	    RTD_SET_TIMES)
#define RTD_SET_FOR_GETEX (RTD_SET_PERSIST | RTD_SET_TIMES)

struct rtd_set_options {
	unsigned flags;		/* RTD_SET_* */
	struct rt_slice time;	/* of the EX, PX, EXAT or PXAT given */
};

/* Read argv, options only, in any case and order. False: syntax error: an
 * unknown word, one without its value, or two that exclude each other. */
bool rtd_set_options_parse(struct rtd_set_options *options,
    const struct rt_slice *argv, size_t argc, unsigned allowed);

#endif
