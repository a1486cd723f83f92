/* manifest_check: what is true of every manifest. Run before a publish, so
 * that no mistake of ours is written, and after a load, so that nothing that
 * a disk or another program got wrong is believed.
 *
 * M1  The database has a uuid; the generation is 1 to RT_GENERATION_MAX.
 * M2  Counts stay within the limits below.
 * M3  Runs stand newest to oldest: all level-0 runs, then those of each level
 *     1, 2, ..., RT_LEVELS_MAX - 1. No run is empty.
 * M4  A table has a number, a key range whose ends are store keys in order,
 *     1 <= min_seq <= max_seq <= flushed_seq, tombstones <= entries, and an
 *     expiry range in order where both ends are given.
 * M5  The tables of a run stand in key order and share no key.
 * M6  Every level-0 run holds later sequences only than the next one, and the
 *     last of them later ones than every deeper table.
 * M7  No file id occurs twice, live or obsolete.
 * M8  File numbers of the daemon are below next_daemon_file, and no compactor
 *     epoch in a file id is above compactor_epoch.
 * M9  Run ids are different from each other and from 0, and below next_run_id.
 * M10 Snapshots ascend; drops ascend by keyspace; keyspaces ascend by database
 *     and no two databases share an id.
 * M11 flushed_seq <= max_seq <= RT_MANIFEST_SEQ_MAX, which bounds snapshots
 *     and drops too.
 * M12 A clean stop's length comes with its segment.
 * M13 A request to merge everything down reaches to the flushed sequence at
 *     most, and none is done that was not made.
 * M14 Damage of the log was left out at a time.
 * Thread: any. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_CHECK_H
#define LIBCOMMON_MANIFEST_MANIFEST_CHECK_H

#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"

#define RT_GENERATION_MAX (UINT64_C(1) << 62)
#define RT_MANIFEST_SEQ_MAX ((UINT64_C(1) << 56) - 1)
#define RT_MANIFEST_RUNS_MAX 65536u
#define RT_MANIFEST_TABLES_MAX (1u << 20)
#define RT_MANIFEST_OBSOLETE_MAX (1u << 20)
#define RT_MANIFEST_SNAPSHOTS_MAX 65536u
#define RT_MANIFEST_KEYSPACES_MAX 65536u	/* and drops */
/* The keyspace prefix alone, and with the longest user key. */
#define RT_MANIFEST_KEY_BYTES_MIN 5u
#define RT_MANIFEST_KEY_BYTES_MAX 65541u

/* RT_EDAMAGED with the first broken rule's number in front of the text. */
RT_MUST_USE enum rt_code rt_manifest_check(const struct rt_manifest *manifest,
    struct rt_err *err);

#endif
