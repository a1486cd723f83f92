/* option_reader: --name value pairs of a command line into a structure, by a
 * table. Thread: any. */
#ifndef BENCH_OPTION_READER_H
#define BENCH_OPTION_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/err.h"

enum rtb_option_kind {
	RTB_NUMBER,	/* decimal */
	RTB_BYTES,	/* with kb, mb, gb */
	RTB_TEXT,	/* const char *, borrowed from argv */
	RTB_TEXTS,	/* an array of those; may be given again, and the
			 * last one stays NULL */
	RTB_FLAG,	/* bool; takes no value */
};

/* An option writes one member, whose type follows from its kind and size:
 * numbers are unsigned or uint64_t. */
struct rtb_option {
	const char *name;
	enum rtb_option_kind kind;
	size_t offset, size;
	uint64_t min, max;
};

#define RTB_MEMBER(type, member)                                              \
	offsetof(type, member), sizeof(((type *)NULL)->member)

/* argv[0] is not looked at; target holds the defaults. RT_EUSAGE with one
 * sentence. */
RT_MUST_USE enum rt_code rtb_options_parse(void *target,
    const struct rtb_option *known, size_t count, int argc,
    char *const argv[], struct rt_err *err);

#endif
