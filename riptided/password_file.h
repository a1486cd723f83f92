/* password_file: passwords that the configuration keeps in files of their own.
 * Thread: main, the loop's. */
#ifndef RIPTIDED_PASSWORD_FILE_H
#define RIPTIDED_PASSWORD_FILE_H

#include "libcommon/daemon/config.h"
#include "libcommon/os/fs.h"

/* Put what requirepass-file and requirepass-readonly-file hold into requirepass
 * and requirepass-readonly, and check that they go together. RT_ECONFIG: a file
 * that others can read or that is not there, both ways at once, a readonly user
 * where everybody may write. */
RT_MUST_USE enum rt_code rtd_password_files_load(struct rt_fs *fs,
    struct rt_config *config, struct rt_err *err);

#endif
