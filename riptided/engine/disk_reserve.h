/* disk_reserve: the last of the disk is not for new writes. Path: engine >
 * [disk_reserve].
 *
 * Two things hold disk-reserve bytes back. Free space is looked at each second
 * and writes are refused while it is below. Others may fill the disk all the
 * same, and faster, so as many bytes lie in the file BALLAST: when the log, a
 * flush or a manifest finds no space, the ballast goes, and what has been taken
 * into memory can be brought to tables. It is made anew when there is space for
 * it, and not at all where the disk is small against it.
 * Thread: the reloader's, after rtd_disk_reserve_open(). */
#ifndef RIPTIDED_ENGINE_DISK_RESERVE_H
#define RIPTIDED_ENGINE_DISK_RESERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libcommon/os/clock.h"
#include "libcommon/os/fs.h"

struct rtd_disk_reserve {
	struct rt_fs *fs;
	struct rt_clock *clock;
	int dir;			/* the data directory; the engine's */
	uint64_t ballast;		/* bytes in the file; 0: none */
	bool given_up;			/* the ballast, for want of space */
	uint64_t retry_ns;		/* not made before */
	_Atomic bool full;		/* any thread may read it */
	_Atomic uint64_t free_bytes;	/* as last seen; likewise */
	_Atomic uint64_t ballast_bytes;	/* likewise */
};

/* A ballast that an earlier process left goes: starting may need the space. */
void rtd_disk_reserve_open(struct rtd_disk_reserve *reserve, struct rt_fs *fs,
    struct rt_clock *clock, int dir);

/* Look at the disk, with disk-reserve as it is configured now (0: none).
 * no_space: something that must be written found none. True when `full` has
 * changed. */
bool rtd_disk_reserve_look(struct rtd_disk_reserve *reserve,
    uint64_t reserve_bytes, bool no_space);

/* Remove the ballast: a database at rest takes no more than its data. */
void rtd_disk_reserve_close(struct rtd_disk_reserve *reserve);

#endif
