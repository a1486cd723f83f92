/* scratch: the directory that a benchmark works in, and its removal, also when
 * a signal ends the program. Thread: the main thread of the first process. */
#ifndef BENCH_SCRATCH_H
#define BENCH_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/err.h"

#define RTB_PATH_BYTES 3072

struct rtb_scratch {
	char path[RTB_PATH_BYTES];
	bool made;		/* by us, so that it goes in the end */
};

/* Take dir, which must be missing or empty; NULL: a fresh directory below
 * $TMPDIR or /var/tmp. RT_EEXIST when it holds anything. */
RT_MUST_USE enum rt_code rtb_scratch_init(struct rtb_scratch *scratch,
    const char *dir, struct rt_err *err);
/* Remove everything in it, and the directory itself if it was made. */
void rtb_scratch_fini(struct rtb_scratch *scratch);

/* Remove a directory with everything in it; a missing one is accepted. */
void rtb_remove_tree(const char *path);

/* Bytes that all files below path occupy. */
uint64_t rtb_tree_bytes(const char *path);

#endif
