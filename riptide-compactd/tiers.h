/* tiers: what is picked where levels below 0 have several runs: all of lazy
 * leveling, and the way back from it. Part of the picker, and pure as it is.
 *
 * T1 With lazy leveling level 0 becomes a run of its own of the base level, in
 *    front of those that it has. A level of as many runs as the multiplier says
 *    becomes one run of the next, whole; the last level has one run always.
 * T2 The level above the last is merged into it when it has that many runs or
 *    is above its target, by pieces: tables of its oldest run, the cheapest
 *    first, what they meet in the last level, and what lies within the piece of
 *    newer runs with all that is older and meets it.
 * T3 With leveled compaction a level of several runs goes down into the next,
 *    deepest level first, by the pieces of T2, before anything else does;
 *    meanwhile level 0 is merged into itself from its trigger on. */
#ifndef RIPTIDE_COMPACTD_TIERS_H
#define RIPTIDE_COMPACTD_TIERS_H

#include "riptide-compactd/picker.h"

/* T1: all runs of a level to a run of the next. False: some are taken, or they
 * are too much for a job. */
bool rtc_tiers_pick_whole(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, const char *reason,
    struct rtc_job *job);

/* T2: the best piece of a level into the next, which has one run at most. Of
 * tables that begin above upto_seq none is the reason for it. */
bool rtc_tiers_pick_piece(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, uint64_t upto_seq,
    const char *reason, struct rtc_job *job);

/* How far a level is above what lazy leveling allows it; more than 1: it is
 * due. target_bytes: of the level; 0: none. */
double rtc_tiers_score(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, uint64_t target_bytes);

#endif
