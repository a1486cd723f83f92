/* spawner: a small process that makes the compactor's processes for the daemon.
 * It is forked before the daemon has threads, sockets, files or memory to speak
 * of, and before the daemon gives up the right to make processes (sandbox.h). It
 * runs one command line, the one it was made with, and takes no other word from
 * the daemon than "again". What it makes are children of the daemon.
 * Path: spawn > [spawner]. Thread: main. */
#ifndef RIPTIDED_SPAWNER_H
#define RIPTIDED_SPAWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "libcommon/base/err.h"

struct rtd_spawner {
	int fd;			/* to the process; -1: there is none */
	pid_t pid;
	bool is_asked;		/* and has not answered */
};

#define RTD_SPAWNER_INIT { .fd = -1 }

/* Fork it. argv, argv[0] being the program's path or name, is its own from now
 * on. RT_EIO. */
RT_MUST_USE enum rt_code rtd_spawner_open(struct rtd_spawner *spawner,
    char *const argv[], struct rt_err *err);

/* Ask for a process. Once more is for after the answer. */
RT_MUST_USE enum rt_code rtd_spawner_ask(struct rtd_spawner *spawner,
    struct rt_err *err);

/* The answer, waited for up to wait_ms. RT_OK: *pid is our new child, which
 * ends with RTD_SPAWNER_NO_PROGRAM if the program cannot be run. RT_EAGAIN:
 * there is none yet. Else none was made, and with RT_EIO there will be none. */
RT_MUST_USE enum rt_code rtd_spawner_answer(struct rtd_spawner *spawner,
    int wait_ms, pid_t *pid, struct rt_err *err);

#define RTD_SPAWNER_NO_PROGRAM 127

/* It ends; what it made goes on. */
void rtd_spawner_close(struct rtd_spawner *spawner);

#endif
