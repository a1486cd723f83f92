/* flush: a frozen memtable to a level-0 table.
 * Path: engine > [flush] > memtable, table. Thread: the flush thread. */
#ifndef RIPTIDED_FLUSH_FLUSH_H
#define RIPTIDED_FLUSH_FLUSH_H

#include "libcommon/table/table_writer.h"
#include "riptided/memtable/memtable.h"

struct rtd_flush {
	struct rt_fs *fs;
	int dir;			/* sst/ */
	const char *name;
	struct rt_table_options options;
	struct rtd_memtable *memtable;	/* frozen */
	const uint64_t *snapshots;	/* alive at the freeze, ascending */
	size_t snapshots_count;
};

/* Write the table: of each key the newest version in every stripe between
 * snapshots, tombstones included; versions that a drop in the same memtable
 * hides are left out while no snapshot is alive. The file is synced, read again
 * whole, and the directory is synced. *empty: nothing was left to write and
 * there is no file. RT_EDAMAGED: what was read is not what was written; as
 * after any error there is no file. info: to be finished by the caller unless
 * empty. */
RT_MUST_USE enum rt_code rtd_flush_run(const struct rtd_flush *flush,
    bool *empty, struct rt_table_info *info, struct rt_err *err);

#endif
