/* picker: manifest + limits to one job or none. Pure: it reads no clock and no
 * file, so that its cases can be drawn as text (tests/cases/picker).
 *
 * Leveled, with dynamic level sizes: the last level, RTC_LEVEL_LAST, holds most
 * of the data and sets the targets of those above it, each smaller by the
 * multiplier, down to one that is at most the base size. That one is the base
 * level, into which level 0 goes; levels between 0 and it stay empty.
 *
 * P1 Whole tables in which everything has expired, or was dropped, go first:
 *    they cost nothing.
 * P2 Then level 0, when it has the trigger's number of runs: all its runs, the
 *    oldest included, with what they overlap in the base level.
 * P3 Then the level most above its target: of its tables the one that
 *    overlaps least of the next level for its size, with tombstones counting
 *    in its favour.
 * P4 A table that overlaps nothing below is moved, not rewritten.
 * P5 When only level 0 may be merged, its runs become fewer and larger ones of
 *    level 0, eight neighbours of like size at a time. */
#ifndef RIPTIDE_COMPACTD_PICKER_H
#define RIPTIDE_COMPACTD_PICKER_H

#include "riptide-compactd/job.h"

#define RTC_LEVEL_LAST 6

struct rtc_limits {
	uint64_t l0_trigger;		/* runs */
	uint64_t level_base_bytes;
	uint64_t level_multiplier;
	uint64_t expired_before_ms;	/* what expires before has had its grace */
	bool full;			/* merge everything down */
	bool l0_only;			/* outside the window */
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

#endif
