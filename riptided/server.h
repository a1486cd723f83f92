/* server: owner of everything that lives as long as the daemon; starts it in
 * order and ends it in the mirror image of that order. Thread: main. */
#ifndef RIPTIDED_SERVER_H
#define RIPTIDED_SERVER_H

#include "libcommon/daemon/config.h"

/* What the options alone do not tell: whether the files that they name can be
 * used. Passwords of files are in config then. RT_ECONFIG. */
RT_MUST_USE enum rt_code rtd_server_check(struct rt_config *config,
    struct rt_err *err);

/* Serve until a signal or SHUTDOWN. config must outlive the call; argc, argv
 * and config_file (may be NULL) are needed again at SIGHUP. Errors: RT_OK after
 * an ordered stop; else err is for people and its code says how to exit. */
RT_MUST_USE enum rt_code rtd_server_run(struct rt_config *config,
    const char *config_file, int argc, char *const argv[], struct rt_err *err);

#endif
