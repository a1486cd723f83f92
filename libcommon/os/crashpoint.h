/* crashpoint: named places where a test may kill or stop the process. Built
 * only with --enable-crashpoints; otherwise the macro is nothing.
 *
 * RIPTIDE_CRASHPOINT=name[:n][:kill|:stop] in the environment acts at the n-th
 * passage (1 when not given): kill raises SIGKILL (the default), stop raises
 * SIGSTOP. Thread: any. */
#ifndef LIBCOMMON_OS_CRASHPOINT_H
#define LIBCOMMON_OS_CRASHPOINT_H

#include "build-config.h"

#ifdef RT_CRASHPOINTS
void rt_crashpoint(const char *name);
#define RT_CRASHPOINT(name) rt_crashpoint(name)
#else
#define RT_CRASHPOINT(name) ((void)0)
#endif

#endif
