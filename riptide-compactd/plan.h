/* plan: what would be done, told without doing it (--dry-run). The picker runs
 * over manifests that exist only in memory. Thread: main. */
#ifndef RIPTIDE_COMPACTD_PLAN_H
#define RIPTIDE_COMPACTD_PLAN_H

#include "libcommon/daemon/config.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/fs.h"

/* Print the jobs that are due, one a line, on standard output. full: those
 * that merge everything down. Takes no lock and changes nothing. */
RT_MUST_USE enum rt_code rtc_plan_print(struct rt_fs *fs,
    struct rt_clock *clock, const struct rt_config *config, bool full,
    struct rt_err *err);

#endif
