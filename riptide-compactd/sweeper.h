/* sweeper: files that nobody needs. Thread: main.
 *
 * W1 Unpublished tables of a compactor epoch below our own belong to its
 *    successor, which we are: those that a manifest read after our claim
 *    neither has in a run nor on the obsolete list are unlinked.
 * W2 Obsolete tables are the daemon's to unlink. When none runs, we do: load
 *    the manifest, sync its directory, see that nobody holds the daemon's
 *    lock, unlink what that manifest calls obsolete. A daemon that ran before
 *    that look has ended, and its views with it; one that comes after loads
 *    this generation or a newer one, which do not have the tables. The lock is
 *    only looked at, not kept: a compactor that is stopped in the middle keeps
 *    no daemon from starting. The tables stay on the list, which is the
 *    daemon's field; a missing file counts as unlinked there. */
#ifndef RIPTIDE_COMPACTD_SWEEPER_H
#define RIPTIDE_COMPACTD_SWEEPER_H

#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/fs.h"

/* W1. manifest: loaded after the claim of `epoch`. sst: the tables' directory.
 * *removed: how many. */
RT_MUST_USE enum rt_code rtc_sweeper_sweep(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest, uint64_t epoch, size_t *removed,
    struct rt_err *err);

/* W2. dir: the data directory. Does nothing while a daemon runs, or when the
 * newest generation is *drained, which is set to the one that was drained (0 at
 * first). */
RT_MUST_USE enum rt_code rtc_sweeper_drain(struct rt_fs *fs, int dir, int sst,
    struct rt_manifest_store *store, uint64_t *drained, size_t *removed,
    struct rt_err *err);

#endif
