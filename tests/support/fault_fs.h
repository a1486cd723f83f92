/* fault_fs: a file system that fails when told to, in front of the real one.
 * Calls that can fail are counted; the n-th one fails, once or for ever, before
 * or after it did its work, or moves fewer bytes than were asked for. A call
 * can also be held back, as by a slow disk.
 *
 * Thread: any, but for arm, disarm and the plain members, which are set while
 * nobody calls. */
#ifndef TESTS_SUPPORT_FAULT_FS_H
#define TESTS_SUPPORT_FAULT_FS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "libcommon/os/fs.h"

struct rtt_call_sites;

/* The members of struct rt_fs. */
enum rtt_fault_op {
	RTT_OPENAT, RTT_CLOSE, RTT_PREAD, RTT_PREAD_NOWAIT, RTT_PWRITE,
	RTT_FDATASYNC, RTT_FSYNC, RTT_FTRUNCATE, RTT_FALLOCATE, RTT_FSTAT,
	RTT_FSTATAT, RTT_LINKAT, RTT_RENAMEAT, RTT_UNLINKAT, RTT_MKDIRAT,
	RTT_LIST, RTT_FLOCK, RTT_FREE_BYTES, RTT_FADVISE, RTT_WRITE_BEHIND,
	RTT_FAULT_OPS
};

struct rtt_fault_fs {
	struct rt_fs fs;		/* hand this out */
	_Atomic long calls;		/* counted so far */
	_Atomic long fail_at;		/* 1: the first; 0: never */
	bool for_ever;			/* and all later calls too */
	int os_errno;			/* what a failing call says, > 0 */
	_Atomic long failed;		/* how many did */
	/* Instead of failing, the chosen pread or pwrite moves one byte; for
	 * ever, half of its bytes. */
	bool short_transfer;
	/* Count, and fail, reads and writes alone. */
	bool transfers_only;
	/* A failing call does its work first: the outcome is unknown. */
	bool after;
	/* Count, and fail, also what no caller could do anything about: close
	 * (which closes all the same), advice, and looking at free space. */
	bool everything;
	/* A second call that fails, counted on behind the first; 0: none. For
	 * the error within the handling of an error. */
	long again_after;
	/* May be NULL: where calls come from. */
	struct rtt_call_sites *sites;
	/* Calls of this operation wait while it is set. RTT_FAULT_OPS: none. */
	_Atomic int held_op;
	_Atomic long held;		/* how many wait at this moment */
};

/* Nothing fails until fail_at is set. */
void rtt_fault_fs_init(struct rtt_fault_fs *fault);

/* Count from 0 again and fail call n with os_errno. */
void rtt_fault_fs_arm(struct rtt_fault_fs *fault, long n, bool for_ever,
    int os_errno);
/* Calls go through again. */
void rtt_fault_fs_disarm(struct rtt_fault_fs *fault);

#endif
