/* claims: what the picker may not take: damaged tables (P7), what running jobs
 * work on (P9), and more than a job may have (P10). Pure. Thread: any.
 *
 * Why two jobs that were picked so may run and publish in any order. Let R be
 * the one that runs and J the one that is picked.
 * - They share no input. Two that write to one run have ranges that do not meet
 *   and take everything of that run that lies in them, so that each edit is
 *   good with or without the other's. (Were it not so, the second one would be
 *   refused by E3 of manifest_edit.h, and be done again.)
 * - Of level 0 J takes the oldest runs or neighbours. While R holds an older
 *   one, nothing of a newer goes past it: the oldest must be free.
 * - A job takes all tables of its target level that its inputs meet. So where
 *   R comes from above or goes below J's tables, they either do not meet or
 *   would be shared; a key's versions keep their order of levels.
 * - Where a level has several runs (tiers.h), a job that takes all of them puts
 *   its outputs in front of older runs, and one that takes from the oldest run
 *   takes a table of a newer one only with all older ones that it meets. So no
 *   table of R's lies between J's inputs and J's target, and a run that R makes
 *   is newer than what J takes, or older than where J's outputs go.
 * - J leaves a tombstone out when no older run of J's manifest meets its key.
 *   R's inputs stand there still, and what R writes has no other keys than
 *   those, at their place in that order or deeper. */
#ifndef RIPTIDE_COMPACTD_CLAIMS_H
#define RIPTIDE_COMPACTD_CLAIMS_H

#include "riptide-compactd/picker.h"

/* Neither damaged nor an input of a running job. */
bool rtc_claims_free(const struct rtc_limits *limits,
    const struct rt_manifest_table *table);
bool rtc_claims_free_run(const struct rtc_limits *limits,
    const struct rt_manifest_run *run);

/* Whether a table may go down into `run` (NULL: none) with what it meets there,
 * P10 included. */
bool rtc_claims_free_to(const struct rtc_limits *limits,
    const struct rt_manifest_run *run, const struct rt_manifest_table *table);

/* The same of a whole job. False: it was given up, and is fini. */
bool rtc_claims_keep(const struct rtc_limits *limits, struct rtc_job *job);

/* Bytes of a level that no running job takes away from it. */
uint64_t rtc_claims_level_bytes(const struct rtc_limits *limits,
    const struct rt_manifest *manifest, uint32_t level);
/* Runs of a level of which no running job has the first table. */
uint64_t rtc_claims_level_runs(const struct rtc_limits *limits,
    const struct rt_manifest *manifest, uint32_t level);

#endif
