/* scratch_dir: a directory of its own for each test, removed afterwards. */
#ifndef TESTS_SUPPORT_SCRATCH_DIR_H
#define TESTS_SUPPORT_SCRATCH_DIR_H

#include "libcommon/os/fs.h"

struct rtt_scratch {
	char path[256];
	int fd;		/* open directory */
};

/* Make a fresh directory below $TMPDIR or /tmp. Fails the test on error. */
void rtt_scratch_init(struct rtt_scratch *scratch);
/* Remove it with everything in it. */
void rtt_scratch_fini(struct rtt_scratch *scratch);

#endif
