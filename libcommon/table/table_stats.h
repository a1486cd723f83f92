/* table_stats: what the entries of a table add up to; counted while writing
 * and again while verifying. Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_TABLE_STATS_H
#define LIBCOMMON_TABLE_TABLE_STATS_H

#include "libcommon/table/table_writer.h"

/* Count one entry into info, whose counts and ranges of sequences and expiries
 * are those of the entries before it (zeroed: none). False, and nothing
 * counted, when the value is malformed.
 *
 * expire_max_ms stays 0 from the first entry on that never expires; a
 * tombstone is one of them, for it hides something as long as it is there. */
bool rt_table_stats_add(struct rt_table_info *info,
    const struct rt_entry *entry);

#endif
