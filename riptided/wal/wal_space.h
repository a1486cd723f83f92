/* wal_space: files for segments to come: space that is really on the disk, so
 * that a sync of records needs no journal commit of the file system.
 * Path: wal > [wal_space].
 *
 * A spare is either a segment below the floor, under its old name, or a file
 * of zeros. A thread of its own prepares and unlinks, at leisure: a failure
 * there only means that a segment grows as it is written.
 * Thread: any, unless said. */
#ifndef RIPTIDED_WAL_WAL_SPACE_H
#define RIPTIDED_WAL_WAL_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/err.h"
#include "libcommon/os/fs.h"

#define RTD_WAL_SPARES_MAX 2

struct rtd_wal_space;

/* Look through the directory: segments below floor and files of zeros that an
 * earlier process left become spares. dir is the caller's. file_bytes: what a
 * spare prepared here holds. */
RT_MUST_USE enum rt_code rtd_wal_space_open(struct rtd_wal_space **out,
    struct rt_fs *fs, int dir, uint64_t file_bytes, uint64_t floor,
    struct rt_err *err);
/* Unlink the spares. */
void rtd_wal_space_discard(struct rtd_wal_space *space);
/* Stop the thread and forget the spares, whose files stay. NULL is accepted. */
void rtd_wal_space_close(struct rtd_wal_space *space);

/* Turn a spare into the file of segment `number` and open it; without a spare
 * make a new one and write zeros up to fresh_bytes. *recycled: what is in it
 * may be old records. The new name is not yet synced. */
RT_MUST_USE enum rt_code rtd_wal_space_take(struct rtd_wal_space *space,
    uint64_t number, uint64_t fresh_bytes, int *fd, bool *recycled,
    struct rt_err *err);

/* Have one spare prepared in the background if there is none. */
void rtd_wal_space_want(struct rtd_wal_space *space);

/* That segment's file is free. */
void rtd_wal_space_release(struct rtd_wal_space *space, uint64_t number);

#endif
