/* levels: the shape of a tree as the picker sees it: runs by level, sizes, what
 * overlaps what. Pure. Thread: any. */
#ifndef RIPTIDE_COMPACTD_LEVELS_H
#define RIPTIDE_COMPACTD_LEVELS_H

#include "libcommon/manifest/manifest.h"

/* The newest run of a level; NULL: it has none. */
const struct rt_manifest_run *rtc_level_run(const struct rt_manifest *manifest,
    uint32_t level);

/* The first of the level's runs, which stand together, and their count. */
const struct rt_manifest_run *rtc_level_runs(const struct rt_manifest *manifest,
    uint32_t level, size_t *count);

uint64_t rtc_level_run_bytes(const struct rt_manifest_run *run);

/* The tables of a run (NULL: none) that meet the range, both ends inclusive;
 * returns their bytes. They are neighbours, since a run is in key order. */
uint64_t rtc_level_overlap(const struct rt_manifest_run *run,
    struct rt_slice smallest, struct rt_slice largest, size_t *first,
    size_t *count);

/* Bytes of a level that meet the table's range. */
uint64_t rtc_level_table_overlap(const struct rt_manifest *manifest,
    uint32_t level, const struct rt_manifest_table *table);

/* Whether some table of the level begins at or below the sequence. */
bool rtc_level_begins_by(const struct rt_manifest *manifest, uint32_t level,
    uint64_t seq);

/* Whether a run older than run `index` meets the table's keys. */
bool rtc_level_has_older(const struct rt_manifest *manifest, size_t index,
    const struct rt_manifest_table *table);

#endif
