/* network_fs: a data directory on a file system of another machine is refused.
 * There a lock may not be seen by everybody, a link or rename may have happened
 * although it failed, and a sync may mean less than it says. Thread: any. */
#ifndef LIBCOMMON_OS_NETWORK_FS_H
#define LIBCOMMON_OS_NETWORK_FS_H

#include "libcommon/os/fs.h"

/* RT_ECONFIG, naming the file system and what to do, when dir (whose path is
 * for the message) lies on a network file system or on FUSE, behind which there
 * may be one. What the system does not tell is accepted, and so is everything
 * when `accepted` is true. */
RT_MUST_USE enum rt_code rt_network_fs_refuse(struct rt_fs *fs, int dir,
    const char *path, bool accepted, struct rt_err *err);

#endif
