/* lifecycle: signals as a descriptor, readiness, core manners of a process.
 * Thread: main. */
#ifndef LIBCOMMON_DAEMON_LIFECYCLE_H
#define LIBCOMMON_DAEMON_LIFECYCLE_H

#include "libcommon/base/err.h"

/* Block TERM, INT, HUP and USR1 in this thread and those it starts, ignore
 * PIPE, and give a non-blocking descriptor that turns readable when one of the
 * four comes (signalfd). Call before any thread is started. */
RT_MUST_USE enum rt_code rt_lifecycle_open(int *signal_fd, struct rt_err *err);

/* The next signal's number, or 0 when none waits. A second TERM or INT ends
 * the process at once, with 128 + its number. */
int rt_lifecycle_next_signal(int signal_fd);

/* In a forked child before exec: default signals, nothing blocked. */
void rt_lifecycle_child(void);

/* Say so in the log if this process is root's, which it need not be. */
void rt_lifecycle_warn_of_root(void);

/* Raise the soft limit of open files towards wanted, as far as the hard limit
 * lets; returns what is in force. */
unsigned rt_lifecycle_open_files(unsigned wanted);

#endif
