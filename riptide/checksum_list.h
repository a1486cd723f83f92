/* checksum_list: whether a checkpoint is still what was made. Its tables are
 * read by who checks the manifest against them; here the list is held against
 * the manifest, and against the manifest's file. Thread: any. */
#ifndef RIPTIDE_CHECKSUM_LIST_H
#define RIPTIDE_CHECKSUM_LIST_H

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"
#include "libcommon/os/fs.h"

/* Compare the list in the data directory dir, if there is one, with its newest
 * manifest. *listed: there is one, and it is of this generation; one that is
 * older, because a program has started on the directory since, is not looked
 * into. RT_EDAMAGED: the first difference. */
RT_MUST_USE enum rt_code rtl_checksum_list_compare(struct rt_fs *fs, int dir,
    const struct rt_manifest *manifest, bool *listed, struct rt_err *err);

#endif
