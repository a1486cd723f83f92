/* stats: named values in sections, as INFO prints them; the log prints the
 * same ones at SIGUSR1. A struct rt_stats is a text under construction.
 * Thread: one owner at a time. */
#ifndef LIBCOMMON_DAEMON_STATS_H
#define LIBCOMMON_DAEMON_STATS_H

#include <stdint.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/buf.h"

/* Inert when zeroed. */
struct rt_stats {
	struct rt_buf text;	/* "# Title\r\nname:value\r\n...": no NUL */
};

void rt_stats_fini(struct rt_stats *stats);

/* Begin a section; an empty line parts it from the one before. */
void rt_stats_section(struct rt_stats *stats, const char *title);
void rt_stats_u64(struct rt_stats *stats, const char *name, uint64_t value);
void rt_stats_i64(struct rt_stats *stats, const char *name, int64_t value);
void rt_stats_f(struct rt_stats *stats, const char *name, double value,
    int decimals);
void rt_stats_text(struct rt_stats *stats, const char *name, const char *fmt,
    ...) RT_PRINTF(3, 4);

/* Log every value, a line a section, at level notice. */
void rt_stats_log(const struct rt_stats *stats);

#endif
