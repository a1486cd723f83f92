/* compactor_look: what can be seen of the compactor from outside: whether some
 * process has its role, and what it told of itself last. Thread: any. */
#ifndef RIPTIDED_CMD_COMPACTOR_LOOK_H
#define RIPTIDED_CMD_COMPACTOR_LOOK_H

#include <sys/types.h>

#include "libcommon/manifest/compactor_status.h"

struct rtd_compactor_look {
	/* Zeroed when there is none or it cannot be read. */
	struct rt_compactor_status status;
	bool held;	/* some process has the role */
	pid_t pid;	/* of it; 0: not known */
};

/* dir: the data directory. Two files are opened, and nothing waits. */
void rtd_compactor_look(const char *dir, struct rtd_compactor_look *out);

/* "running", "idle", "absent". */
const char *rtd_compactor_state(const struct rtd_compactor_look *look);

/* Since it last changed the tree; -1: it never has. now_ms: wall clock. */
int64_t rtd_compactor_publish_age_s(const struct rtd_compactor_look *look,
    int64_t now_ms);

#endif
