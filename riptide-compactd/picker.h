/* picker: manifest + limits to one job or none. Pure: it reads no clock and no
 * file, so that its cases can be drawn as text (tests/cases/picker). The rules
 * are explained in docs/compaction.md.
 *
 * Leveled, with dynamic level sizes: the last level, RTC_LEVEL_LAST, holds most
 * of the data and sets the targets of those above it, each smaller by the
 * multiplier, down to one that is at most the base size. That one is the base
 * level, into which level 0 goes; levels between 0 and it stay empty.
 *
 * Lazy leveling, as a second policy, and levels of several runs that it leaves
 * behind: tiers.h.
 *
 * P1 Whole tables in which everything has expired, or was dropped, go first:
 *    they cost nothing.
 * P2 Then the level most above its target, level 0 counting for a whole level
 *    more. Level 0 is due with the trigger's number of runs, and gives its
 *    oldest ones, with what they overlap in the base level.
 * P3 A deeper level gives the table that overlaps least of the next level for
 *    its size, with tombstones and expired values counting in its favour; of
 *    equals the one with the oldest data, which goes round.
 * P4 A table that overlaps nothing below is moved, not rewritten, unless
 *    rewriting would compress it otherwise or free it of tombstones, or it
 *    would lie over too much of the level after.
 * P5 When only level 0 may be merged, its runs become fewer and larger ones of
 *    level 0, eight neighbours at a time.
 * P6 When nothing else is due, a table with nothing older below it is
 *    rewritten in its place when a good part of it is tombstones or expired.
 * P7 A table to be avoided is in no job, and what cannot be done without it is
 *    left; everything else goes on.
 * P8 Every job makes progress: a manifest with its result is not picked from
 *    in the same way again.
 * P9 A job that is picked beside others that run takes nothing of theirs, nor
 *    writes where they will write, and what they take away from a level counts
 *    as gone from it. All of them may be published in any order (claims.h).
 * P10 Where a job may only have so many bytes, level 0 gives fewer of its oldest
 *    runs, and other levels the best of the tables that are small enough.
 * P11 While everything up to a sequence is merged down, runs of level 0 that came
 *    after it are merged among each other when there are too many: what one
 *    waits for does not grow, nor do reads wait for it.
 * P12 When nothing is due by P2, a table whose tombstones are too old is merged a
 *    level down, or rewritten where nothing older lies below; a run of level 0
 *    with all that are older. So what was deleted leaves the disk in a bounded
 *    time. Not while a snapshot is older than something in it (aging.h): then
 *    its tombstones would stay, and it would be picked again. P3 favours such a
 *    table. */
#ifndef RIPTIDE_COMPACTD_PICKER_H
#define RIPTIDE_COMPACTD_PICKER_H

#include "libcommon/table/table_writer.h"
#include "riptide-compactd/job.h"

#define RTC_LEVEL_LAST 6

struct rtc_limits {
	uint64_t l0_trigger;		/* runs */
	uint64_t level_base_bytes;
	uint64_t level_multiplier;
	uint64_t table_bytes;		/* goal; 0: P4 looks at no sizes */
	uint64_t expired_before_ms;	/* what expires before may go */
	uint64_t tombstones_before_s;	/* P12: those from then are due; 0: none */
	enum rt_compression compression;	/* of levels 2 and deeper, */
	enum rt_compression compression_bottom;	/* and of the last */
	/* Merge everything down that begins at or below; 0: what is due. */
	uint64_t full_seq;
	bool l0_only;			/* outside the window */
	bool lazy;			/* T1 and T2 of tiers.h */
	/* Tables that are known to be damaged. Borrowed. */
	const struct rt_file_id *avoid;
	size_t avoid_count;
	/* Jobs under way, of this manifest or of older ones. Borrowed. */
	const struct rtc_job *const *running;
	size_t running_count;
	uint64_t max_job_bytes;		/* of inputs; 0: any */
};

/* False: nothing is due. The job is the caller's to fini. */
bool rtc_picker_pick(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, struct rtc_job *job);

/* The level that level 0 goes into, and each level's target in bytes (0 where
 * a level has none). */
uint32_t rtc_picker_targets(const struct rt_manifest *manifest,
    const struct rtc_limits *limits,
    uint64_t targets[RTC_LEVEL_LAST + 1]);

/* Bytes that lie above what the limits allow: the work that is due. */
uint64_t rtc_picker_debt(const struct rt_manifest *manifest,
    const struct rtc_limits *limits);

/* What blocks of a level are compressed with. bottom: nothing lies below. */
enum rt_compression rtc_picker_compression(const struct rtc_limits *limits,
    uint32_t level, bool bottom);

#endif
