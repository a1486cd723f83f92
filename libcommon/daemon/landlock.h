/* landlock: this process may touch files below some paths and no others, makes
 * no TCP connection, and reaches no process outside by signals or abstract
 * sockets, each as far as the kernel has it. For good, and for all threads that
 * are started afterwards. Descriptors that are open stay what they are.
 * Thread: main, before others start. */
#ifndef LIBCOMMON_DAEMON_LANDLOCK_H
#define LIBCOMMON_DAEMON_LANDLOCK_H

#include <stddef.h>

#include "libcommon/base/err.h"

enum rt_landlock_right {
	RT_LANDLOCK_READ,	/* read files */
	RT_LANDLOCK_APPEND,	/* make files and write into them */
	RT_LANDLOCK_ALL,	/* list, read, write, make and remove files */
};

struct rt_landlock_place {
	const char *path;	/* a directory, or one file; "": none */
	enum rt_landlock_right right;
};

/* The version of the interface that the kernel has; 0: it has none. */
int rt_landlock_abi(void);

/* Paths that do not exist are passed over. The process must have given up new
 * privileges (PR_SET_NO_NEW_PRIVS), or be root. RT_EIO. */
RT_MUST_USE enum rt_code rt_landlock_enter(
    const struct rt_landlock_place *places, size_t count, struct rt_err *err);

#endif
