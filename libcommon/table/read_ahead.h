/* read_ahead: a file that is read once, from front to back: the disk is asked
 * for what comes next while one works on what is there, and what the reading
 * brought into memory leaves it again. What was in memory before stays: others
 * may need it, as a daemon does the tables of a merge. Thread: one at a time.
 *
 * RD1 Nothing depends on it: what is asked is advice, and whether something is
 *     in memory is judged by the ends of a window. */
#ifndef LIBCOMMON_TABLE_READ_AHEAD_H
#define LIBCOMMON_TABLE_READ_AHEAD_H

#include "libcommon/os/fs.h"

#define RT_READ_AHEAD_BYTES ((uint64_t)1 << 20)

struct rt_read_window {
	uint64_t from, to;
	bool brought;		/* by us */
};

/* Zeroed but for the first three, which are borrowed. */
struct rt_read_ahead {
	struct rt_fs *fs;
	int fd;
	uint64_t end;			/* nothing behind it is read */
	struct rt_read_window now;	/* what is read from */
	struct rt_read_window next;
};

/* Before a read from `offset` on, which is not before that of the last time. */
void rt_read_ahead_at(struct rt_read_ahead *ahead, uint64_t offset);

/* No more is read; rt_read_ahead_at() would begin anew. */
void rt_read_ahead_end(struct rt_read_ahead *ahead);

#endif
