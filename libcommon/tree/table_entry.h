/* table_entry: what a manifest says of a table, from what the table's maker
 * says. The one thing that tables and manifests have in common, kept here so
 * that neither room looks at the other. Thread: any. */
#ifndef LIBCOMMON_TREE_TABLE_ENTRY_H
#define LIBCOMMON_TREE_TABLE_ENTRY_H

#include "libcommon/manifest/manifest.h"
#include "libcommon/table/table_writer.h"

/* Keys are borrowed from info. */
static inline struct rt_manifest_table
rt_table_entry(struct rt_file_id id, const struct rt_table_info *info)
{
	return (struct rt_manifest_table){
		.id = id,
		.unique_id = info->unique_id,
		.size = info->size,
		.smallest = rt_buf_slice(&info->smallest),
		.largest = rt_buf_slice(&info->largest),
		.min_seq = info->min_seq,
		.max_seq = info->max_seq,
		.entries = info->entries,
		.tombstones = info->tombstones,
		.expire_min_ms = info->expire_min_ms,
		.expire_max_ms = info->expire_max_ms,
		.crc32c = info->crc32c,
		.payload = info->payload,
		.older_versions = info->older_versions,
	};
}

#endif
