/* crashpoint: named places where a test may kill or stop the process.
 *
 * The function is in no library: only the programs of tests/crash are linked
 * with crashpoint.c, and everywhere else a point is one comparison with
 * nothing. A point stands beside a system call, where that is not seen.
 *
 * RIPTIDE_CRASHPOINT=name[:n][:kill|:stop] in the environment acts at the n-th
 * passage (1 when not given): kill raises SIGKILL (the default), stop raises
 * SIGSTOP for the whole process. Thread: any. */
#ifndef LIBCOMMON_OS_CRASHPOINT_H
#define LIBCOMMON_OS_CRASHPOINT_H

#include <stddef.h>

/* Ends or stops the process here when the environment says so; only in the
 * programs of tests/crash. */
void rt_crashpoint(const char *name) __attribute__((weak));

#define RT_CRASHPOINT(name)                  \
	do {                                 \
		if (rt_crashpoint != NULL)   \
			rt_crashpoint(name); \
	} while (0)

#endif
