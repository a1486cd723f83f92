/* plan: what would be done and what it would cost, told without doing it
 * (--dry-run). The picker runs over manifests that exist only in memory.
 * Thread: main. */
#ifndef RIPTIDE_COMPACTD_PLAN_H
#define RIPTIDE_COMPACTD_PLAN_H

#include "libcommon/daemon/config.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/fs.h"

struct rtc_plan_options {
	bool full;		/* what merges everything down */
	/* Writes to come, and the data over which they are spread (0: all are
	 * of new keys), for a forecast; 0: none. */
	uint64_t forecast_bytes, forecast_data_bytes;
};

/* Print the jobs that are due on standard output, one a line, and a line of
 * sums, with the settings of `config` whatever the database was made with. Takes
 * no lock and changes nothing. */
RT_MUST_USE enum rt_code rtc_plan_print(struct rt_fs *fs,
    struct rt_clock *clock, const struct rt_config *config,
    const struct rtc_plan_options *options, struct rt_err *err);

#endif
