/* table_chain: tables whose key ranges follow each other, read end to end with
 * one of them open at a time. Path: merger > [table_chain] > table.
 * Thread: one at a time. */
#ifndef RIPTIDE_COMPACTD_TABLE_CHAIN_H
#define RIPTIDE_COMPACTD_TABLE_CHAIN_H

#include "libcommon/manifest/manifest.h"
#include "libcommon/os/fs.h"
#include "libcommon/table/iter.h"
#include "libcommon/table/table_reader.h"

/* How many of the tables, from the first on, have ranges that follow each
 * other: 1 at least, count at most. */
size_t rtc_table_chain_length(const struct rt_manifest_table *const *tables,
    size_t count);

/* Open one table of the manifest, which must be the one that it means. */
RT_MUST_USE enum rt_code rtc_table_chain_open(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest, const struct rt_manifest_table *table,
    struct rt_table_reader **reader, struct rt_err *err);

/* An iterator over what of a chain lies in the range. sst, the manifest, the
 * array, whose tables are the manifest's, and the range's keys must outlive it. A table that does not open, or is not the
 * one that the manifest means, ends it with that error. */
struct rt_iter *rtc_table_chain_new(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest,
    const struct rt_manifest_table *const *tables, size_t count,
    const struct rt_range *range);

#endif
