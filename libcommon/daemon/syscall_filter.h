/* syscall_filter: the system calls that a program has no use for are refused by
 * the kernel (seccomp), for good, to this thread and to those that it starts.
 *
 * F1 What only an attacker wants (a program run, a process made, a look into
 *    another's memory, a mount, a kernel's interface of power; for the compactor
 *    a socket, too) kills the process: SIGSYS.
 * F2 The compactor has a list of what it may do; whatever is on neither list
 *    does not exist (ENOSYS), so that a C library that tries a new call first
 *    falls back to the old one.
 * F3 The daemon may do all but F1, and connects to nobody (EPERM).
 * Thread: main, before others start. */
#ifndef LIBCOMMON_DAEMON_SYSCALL_FILTER_H
#define LIBCOMMON_DAEMON_SYSCALL_FILTER_H

#include "libcommon/base/err.h"

enum rt_syscall_filter { RT_SYSCALLS_DAEMON, RT_SYSCALLS_COMPACTOR };

/* RT_EIO: the kernel refuses, or this build has none. */
RT_MUST_USE enum rt_code rt_syscall_filter_enter(enum rt_syscall_filter which,
    struct rt_err *err);

#endif
