/* fault_fs: a file system that fails when told to, in front of the real one.
 * Calls that can fail are counted; the n-th one fails, once or for ever. */
#ifndef TESTS_SUPPORT_FAULT_FS_H
#define TESTS_SUPPORT_FAULT_FS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "libcommon/os/fs.h"

struct rtt_fault_fs {
	struct rt_fs fs;		/* hand this out */
	_Atomic long calls;		/* counted so far */
	_Atomic long fail_at;		/* 1: the first; 0: never */
	bool for_ever;			/* and all later calls too */
	int os_errno;			/* what a failing call says, > 0 */
	_Atomic long failed;		/* how many did */
	/* Instead of failing, the chosen pread or pwrite moves one byte. */
	bool short_transfer;
};

/* Nothing fails until fail_at is set. */
void rtt_fault_fs_init(struct rtt_fault_fs *fault);

/* Count from 0 again and fail call n with os_errno. */
void rtt_fault_fs_arm(struct rtt_fault_fs *fault, long n, bool for_ever,
    int os_errno);
/* Calls go through again. */
void rtt_fault_fs_disarm(struct rtt_fault_fs *fault);

#endif
