/* table_cache: the open readers of the newest manifest's tables, each opened
 * once. Views hold references of their own, so that a table which left the
 * manifest stays readable until the last view lets go. Thread: any. */
#ifndef RIPTIDED_VIEW_TABLE_CACHE_H
#define RIPTIDED_VIEW_TABLE_CACHE_H

#include "libcommon/manifest/manifest.h"
#include "libcommon/table/table_reader.h"

struct rtd_table_cache;

/* dir: the open sst/ directory; blocks: the block cache. Both outlive it. */
struct rtd_table_cache *rtd_table_cache_new(struct rt_fs *fs, int dir,
    struct rt_block_cache *blocks, const uint8_t *database_uuid);
void rtd_table_cache_free(struct rtd_table_cache *cache);

/* The reader of a table, opened and checked against the manifest when it is
 * not open yet; a reference for the caller. */
RT_MUST_USE enum rt_code rtd_table_cache_get(struct rtd_table_cache *cache,
    const struct rt_manifest_table *table, struct rt_table_reader **out,
    struct rt_err *err);

/* Let go of the readers of tables that the manifest does not name. */
void rtd_table_cache_keep(struct rtd_table_cache *cache,
    const struct rt_manifest *manifest);

/* Bytes held by open readers; how many filters were found damaged. */
uint64_t rtd_table_cache_memory(struct rtd_table_cache *cache);
uint64_t rtd_table_cache_filters_damaged(struct rtd_table_cache *cache);

#endif
