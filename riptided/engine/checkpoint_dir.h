/* checkpoint_dir: the directory of a checkpoint, below checkpoints/: made,
 * taken away again, and what a crash left of one.
 *
 * It is made under another name (rt_path_checkpoint_part) and renamed when it
 * is whole and durable, so a name that a user gave is a whole checkpoint or
 * nothing. Thread: any, one at a time for a data directory. */
#ifndef RIPTIDED_ENGINE_CHECKPOINT_DIR_H
#define RIPTIDED_ENGINE_CHECKPOINT_DIR_H

#include <stdatomic.h>

#include "libcommon/manifest/manifest.h"
#include "libcommon/os/fs.h"

struct rtd_checkpoint_dir {
	struct rt_fs *fs;
	int dir;		/* the data directory */
	int sst_dir;
	const char *name;	/* rt_path_is_checkpoint */
	/* What the checkpoint's own manifest says. Its tables stay in sst_dir
	 * until it is made: a view has them. */
	const struct rt_manifest *manifest;
	const atomic_bool *stop;	/* give up: RT_ESTOPPED */
};

/* Make checkpoints/<name>/, durable. RT_EEXIST: there is one. An error: it is
 * not there; or, when the very last sync failed and the rename could not be
 * undone, err says that it is. */
RT_MUST_USE enum rt_code rtd_checkpoint_dir_make(
    const struct rtd_checkpoint_dir *make, struct rt_err *err);

/* Remove what a crash left of checkpoints under way. Nobody may be making
 * one. What cannot be removed is logged. dir: the data directory. */
void rtd_checkpoint_dir_sweep(struct rt_fs *fs, int dir);

#endif
