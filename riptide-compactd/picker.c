#include "riptide-compactd/picker.h"

#include "libcommon/table/key.h"
#include "riptide-compactd/aging.h"
#include "riptide-compactd/claims.h"
#include "riptide-compactd/levels.h"
#include "riptide-compactd/tiers.h"

/* P5: neighbours that are merged. */
#define L0_FAN_IN 8u
/* P2: what one job takes of level 0 at most, but one run at least. */
#define L0_RUNS_MAX 128u
#define L0_BASES_MAX 4u
/* P4: tables' worth of bytes of the level after the target. */
#define GRANDPARENTS_MAX 10u
/* One entry in so many is a tombstone: worth a rewrite. */
#define TOMBSTONES_WORTH 4u

enum rt_compression
rtc_picker_compression(const struct rtc_limits *limits, uint32_t level,
    bool bottom)
{
	if (level <= 1)
		return RT_COMPRESSION_NONE;
	return bottom ? limits->compression_bottom : limits->compression;
}

static void
add_tables(struct rtc_job *job, const struct rt_manifest_run *run, size_t first,
    size_t count)
{
	for (size_t i = first; i < first + count; i++)
		rtc_job_add(job, &run->tables[i]);
}

/* Add the target level's tables that meet the inputs' range. */
static void
add_overlap(struct rtc_job *job)
{
	const struct rt_manifest_run *run =
	    rtc_level_run(job->manifest, job->target_level);
	struct rt_slice smallest, largest;
	size_t first, count;

	rtc_job_range(job, &smallest, &largest);
	rtc_level_overlap(run, smallest, largest, &first, &count);
	add_tables(job, run, first, count);
}

/* -- P1 -- */

/* Sequences below it are of no use in the whole table; 0: none. */
static uint64_t
drop_of(const struct rt_manifest *manifest,
    const struct rt_manifest_table *table)
{
	uint32_t keyspace = rt_key_keyspace(table->smallest);
	uint64_t seq = rt_manifest_drop_seq(manifest, keyspace);

	if (keyspace != rt_key_keyspace(table->largest) ||
	    seq > manifest->flushed_seq ||
	    (manifest->snapshots_count > 0 && manifest->snapshots[0] < seq))
		return 0;
	return seq;
}

/* Whether some snapshot may see a version at or behind seq. It judges expiry by
 * the time of its own creation. */
static bool
is_seen(const struct rt_manifest *manifest, uint64_t seq)
{
	return manifest->snapshots_count > 0 &&
	    manifest->snapshots[manifest->snapshots_count - 1] >= seq;
}

static bool
is_expired(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    const struct rt_manifest_table *table)
{
	return !is_seen(manifest, table->min_seq) && table->tombstones == 0 &&
	    table->expire_max_ms != 0 &&
	    table->expire_max_ms < limits->expired_before_ms;
}

/* Every reader sees the same without this table. What an older one holds would
 * show again below an expired entry; below a dropped one it is dropped too. */
static bool
is_useless(const struct rt_manifest *manifest, size_t index,
    const struct rt_manifest_table *table, const struct rtc_limits *limits)
{
	return rtc_claims_free(limits, table) &&
	    (table->max_seq < drop_of(manifest, table) ||
		(is_expired(manifest, limits, table) &&
		    !rtc_level_has_older(manifest, index, table)));
}

static bool
pick_useless(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, struct rtc_job *job)
{
	for (size_t i = manifest->runs_count; i-- > 0;) {
		const struct rt_manifest_run *run = &manifest->runs[i];
		size_t first = 0, count = 0;

		while (first < run->tables_count && !is_useless(manifest, i,
			&run->tables[first], limits))
			first++;
		while (first + count < run->tables_count &&
		    is_useless(manifest, i, &run->tables[first + count],
			limits))
			count++;
		/* A run of level 0 goes whole or not at all. */
		if (count == 0 ||
		    (run->level == 0 && count != run->tables_count))
			continue;
		rtc_job_init(job, manifest, RTC_JOB_DISCARD, run->level,
		    run->level, "everything in it is expired or dropped");
		add_tables(job, run, first, count);
		return true;
	}
	return false;
}

/* -- P4 -- */

static void
move_if_alone(struct rtc_job *job, const struct rtc_limits *limits)
{
	const struct rt_manifest_table *table = job->inputs[0];
	uint64_t below;

	if (job->inputs_count != 1 || job->as_run)
		return;
	if (rtc_picker_compression(limits, job->source_level, false) !=
	    rtc_picker_compression(limits, job->target_level,
		job->is_last_level))
		return;
	if (table->tombstones > 0 && (job->is_last_level ||
	    table->tombstones * TOMBSTONES_WORTH >= table->entries))
		return;
	below = rtc_level_table_overlap(job->manifest, job->target_level + 1, table);
	if (limits->table_bytes != 0 &&
	    below > GRANDPARENTS_MAX * limits->table_bytes)
		return;
	job->kind = RTC_JOB_MOVE;
}

/* -- P2, P5 and P11 -- */

/* Runs of level 0 in front of those that are to go down with everything; 0: all
 * are to. */
static size_t
runs_behind(const struct rt_manifest *manifest, const struct rtc_limits *limits)
{
	size_t runs = rt_manifest_level0_runs(manifest), newer = 0;

	while (newer < runs &&
	    manifest->runs[newer].tables[0].min_seq > limits->full_seq)
		newer++;
	return newer;
}

/* Level 0 from run `from` on and what that meets in the base level, or to a run
 * of its own there (T1). */
static bool
pick_oldest(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    size_t from, uint32_t base, const char *reason, struct rtc_job *job)
{
	size_t runs = rt_manifest_level0_runs(manifest);

	rtc_job_init(job, manifest, RTC_JOB_MERGE, 0, base, reason);
	for (size_t i = from; i < runs; i++)
		add_tables(job, &manifest->runs[i], 0,
		    manifest->runs[i].tables_count);
	if (limits->lazy && base < RTC_LEVEL_LAST)
		rtc_job_as_run(job);
	else
		add_overlap(job);
	if (!rtc_claims_keep(limits, job))
		return false;
	move_if_alone(job, limits);
	return true;
}

/* The oldest runs, none of those before `newest`. */
static bool
pick_level0(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    size_t newest, uint32_t base, const char *reason, struct rtc_job *job)
{
	size_t runs = rt_manifest_level0_runs(manifest), from = runs;
	uint64_t bytes = 0;

	while (from > newest && runs - from < L0_RUNS_MAX && (from == runs ||
	    bytes < L0_BASES_MAX * limits->level_base_bytes) &&
	    rtc_claims_free_run(limits, &manifest->runs[from - 1]))
		bytes += rtc_level_run_bytes(&manifest->runs[--from]);
	/* P10 */
	for (; from < runs; from++)
		if (pick_oldest(manifest, limits, from, base, reason, job))
			return true;
	return false;
}

/* Of the first `runs` the cheapest neighbours of which none is larger than the others together, so
 * that a byte is rewritten once for each time level 0 grows by the fan-in. */
static bool
pick_level0_to_level0(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, size_t runs, const char *reason,
    struct rtc_job *job)
{
	size_t best = runs;
	uint64_t best_bytes = UINT64_MAX;

	for (size_t first = 0; first + L0_FAN_IN <= runs; first++) {
		uint64_t sum = 0, largest = 0;
		bool free = true;

		for (size_t i = first; i < first + L0_FAN_IN; i++) {
			uint64_t bytes = rtc_level_run_bytes(&manifest->runs[i]);

			sum += bytes;
			largest = bytes > largest ? bytes : largest;
			free = free && rtc_claims_free_run(limits, &manifest->runs[i]);
		}
		if (free && largest <= sum - largest && sum < best_bytes &&
		    (limits->max_job_bytes == 0 ||
			sum <= limits->max_job_bytes)) {
			best = first;
			best_bytes = sum;
		}
	}
	if (best == runs)
		return false;
	rtc_job_init(job, manifest, RTC_JOB_MERGE, 0, 0, reason);
	for (size_t i = best; i < best + L0_FAN_IN; i++)
		add_tables(job, &manifest->runs[i], 0,
		    manifest->runs[i].tables_count);
	return true;
}

/* -- P3 -- */

/* Bytes of the next level to be read for each byte that goes down. */
static double
cost_of(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint32_t level, const struct rt_manifest_table *table)
{
	double weight = 1;

	if (table->entries != 0)
		weight += 2.0 * (double)table->tombstones /
		    (double)table->entries;
	if (is_expired(manifest, limits, table))
		weight += 2;
	if (rtc_aging_is_due(manifest, limits, table))
		weight += 2;
	return (double)rtc_level_table_overlap(manifest, level + 1, table) /
	    ((double)(table->size + 1) * weight);
}

/* A table into the one run of the next level. */
static bool
pick_table_down(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level,
    const struct rt_manifest_table *table, const char *reason,
    struct rtc_job *job)
{
	if (!rtc_claims_free_to(limits, rtc_level_run(manifest, level + 1),
		table))
		return false;
	rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level + 1, reason);
	rtc_job_add(job, table);
	add_overlap(job);
	if (!rtc_claims_keep(limits, job))
		return false;
	move_if_alone(job, limits);
	return true;
}

static bool
pick_from_level(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, struct rtc_job *job)
{
	const struct rt_manifest_run *run = rtc_level_run(manifest, level);
	const struct rt_manifest_run *below = rtc_level_run(manifest, level + 1);
	const struct rt_manifest_table *best = NULL;
	double best_cost = 0;

	for (size_t i = 0; i < run->tables_count; i++) {
		const struct rt_manifest_table *table = &run->tables[i];
		double cost = cost_of(manifest, limits, level, table);

		if (best != NULL && (cost > best_cost || (cost >= best_cost &&
			table->max_seq >= best->max_seq)))
			continue;
		if (rtc_claims_free_to(limits, below, table)) {
			best = table;
			best_cost = cost;
		}
	}
	return best != NULL && pick_table_down(manifest, limits, level, best,
	    "the level is above its size", job);
}

/* T2, or a move. */
static bool
pick_piece_of_runs(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, uint64_t upto_seq,
    const char *reason, struct rtc_job *job)
{
	if (!rtc_tiers_pick_piece(manifest, limits, level, upto_seq, reason,
		job))
		return false;
	move_if_alone(job, limits);
	return true;
}

/* What lazy leveling takes of a level that is due. */
static bool
pick_from_runs(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, struct rtc_job *job)
{
	/* P10: where a level is too much for a job, its oldest run makes room
	 * for it by and by. */
	if (level + 1 < RTC_LEVEL_LAST)
		return rtc_tiers_pick_whole(manifest, limits, level,
		    "the level has all its runs", job);
	return pick_piece_of_runs(manifest, limits, level, UINT64_MAX,
	    "the level is to be part of the last one", job);
}

static bool
pick_due(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint32_t base, const uint64_t targets[RTC_LEVEL_LAST + 1],
    struct rtc_job *job)
{
	double scores[RTC_LEVEL_LAST] = { 0 };

	/* Level 0 costs every read, so it waits only for a level that is
	 * larger than it should be by a whole level. */
	scores[0] = (double)rtc_claims_level_runs(limits, manifest, 0) /
	    (double)limits->l0_trigger;
	scores[0] = scores[0] >= 1
	    ? scores[0] * (double)limits->level_multiplier : 0;
	for (uint32_t level = base; level < RTC_LEVEL_LAST; level++)
		scores[level] = limits->lazy
		    ? rtc_tiers_score(manifest, limits, level,
			level + 1 == RTC_LEVEL_LAST ? targets[level] : 0)
		    : (double)rtc_claims_level_bytes(limits, manifest, level) /
			(double)(targets[level] + 1);
	for (;;) {
		uint32_t best = 0;

		for (uint32_t level = 1; level < RTC_LEVEL_LAST; level++)
			if (scores[level] > scores[best] && scores[level] > 1)
				best = level;
		if (scores[best] <= 1)
			return false;
		if (best == 0 ? pick_level0(manifest, limits, 0, base,
				    "level 0 has reached its trigger", job)
		    : limits->lazy
		    ? pick_from_runs(manifest, limits, best, job)
		    : pick_from_level(manifest, limits, best, job))
			return true;
		scores[best] = 0;
	}
}

/* -- P6 -- */

/* Would rewriting the table alone free a good part of it? Where everything is
 * to be merged, any part. What is found here is gone afterwards (P8). */
static const char *
why_rewrite(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    const struct rt_manifest_table *table)
{
	uint64_t lowest = manifest->snapshots_count > 0
	    ? manifest->snapshots[0] : UINT64_MAX;
	uint64_t before_ms = limits->expired_before_ms;
	bool full = table->min_seq <= limits->full_seq;

	if (table->tombstones > 0 && table->max_seq <= lowest &&
	    (full ||
		table->tombstones * TOMBSTONES_WORTH >= table->entries))
		return "tombstones hide nothing any more";
	if (table->older_versions > 0 && table->max_seq <= lowest &&
	    (full ||
		table->older_versions * TOMBSTONES_WORTH >= table->entries))
		return "older versions are seen by nobody any more";
	/* As if they expired evenly: half of them have. */
	if (!is_seen(manifest, table->min_seq) &&
	    table->expire_min_ms != 0 && table->expire_min_ms < before_ms &&
	    (full || (table->expire_max_ms != 0 &&
		table->expire_max_ms - table->expire_min_ms <=
		    2 * (before_ms - table->expire_min_ms))))
		return "values have expired";
	if (full && table->min_seq < drop_of(manifest, table))
		return "versions were dropped";
	return NULL;
}

static bool
pick_in_place(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, struct rtc_job *job)
{
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; run->level > 0 && j < run->tables_count;
		     j++) {
			const struct rt_manifest_table *table = &run->tables[j];
			const char *why = why_rewrite(manifest, limits, table);

			if (why == NULL ||
			    rtc_level_has_older(manifest, i, table))
				continue;
			rtc_job_init(job, manifest, RTC_JOB_MERGE, run->level,
			    run->level, why);
			rtc_job_add(job, table);
			if (rtc_claims_keep(limits, job))
				return true;
		}
	}
	return false;
}

/* -- everything down -- */

/* A good piece of a level into the next, so that the space for all of it twice
 * is never needed at once: tables from `first` on. *end: where the piece
 * ends. */
static bool
pick_piece(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint32_t level, const char *reason, size_t first, size_t *end,
    struct rtc_job *job)
{
	const struct rt_manifest_run *run = rtc_level_run(manifest, level);
	const struct rt_manifest_run *below = rtc_level_run(manifest, level + 1);
	/* P10: where jobs have to be small, a table each. */
	uint64_t bytes = 0, goal = limits->max_job_bytes != 0 ? 0
	    : L0_BASES_MAX * limits->level_base_bytes;

	*end = first;
	while (*end < run->tables_count && (*end == first || bytes < goal) &&
	    run->tables[*end].min_seq <= limits->full_seq &&
	    rtc_claims_free_to(limits, below, &run->tables[*end]))
		bytes += run->tables[(*end)++].size;
	if (*end == first) {
		(*end)++;
		return false;
	}
	rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level + 1, reason);
	add_tables(job, run, first, *end - first);
	add_overlap(job);
	if (!rtc_claims_keep(limits, job))
		return false;
	move_if_alone(job, limits);
	return true;
}

/* A level of one run by pieces, of several runs as tiers.h has it. */
static bool
pick_all_of(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint32_t level, const char *reason, struct rtc_job *job)
{
	const struct rt_manifest_run *run = rtc_level_run(manifest, level);

	if (!rtc_level_begins_by(manifest, level, limits->full_seq))
		return false;
	if (rt_manifest_level_runs(manifest, level + 1) > 1)
		return rtc_tiers_pick_whole(manifest, limits, level, reason,
		    job);
	if (rt_manifest_level_runs(manifest, level) > 1)
		return pick_piece_of_runs(manifest, limits, level,
		    limits->full_seq, reason, job);
	for (size_t at = 0; at < run->tables_count;)
		if (pick_piece(manifest, limits, level, reason, at, &at, job))
			return true;
	return false;
}

/* -- P12 -- */

/* A table of run `at`. Where levels have several runs, what begins before its
 * end goes down as for a full merge up to there. */
static bool
pick_aged_table(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t base, size_t at,
    const struct rt_manifest_table *table, struct rtc_job *job)
{
	static const char reason[] = "tombstones are older than tombstone-max-age";
	uint32_t level = manifest->runs[at].level;
	struct rtc_limits upto = *limits;

	if (level == 0)
		return pick_level0(manifest, limits, at, base, reason, job);
	if (!rtc_level_has_older(manifest, at, table)) {
		rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level,
		    reason);
		rtc_job_add(job, table);
		return rtc_claims_keep(limits, job);
	}
	if (rt_manifest_level_runs(manifest, level) == 1 &&
	    rt_manifest_level_runs(manifest, level + 1) <= 1)
		return pick_table_down(manifest, limits, level, table, reason,
		    job);
	upto.full_seq = table->max_seq;
	return pick_all_of(manifest, &upto, level, reason, job);
}

static bool
pick_aged(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint32_t base, struct rtc_job *job)
{
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++)
			if (rtc_aging_is_due(manifest, limits,
				&run->tables[j]) &&
			    pick_aged_table(manifest, limits, base, i,
				&run->tables[j], job))
				return true;
	}
	return false;
}

/* Level 0 first, then each level into the next. Of what came after, level 0
 * alone is kept in bounds. */
static bool
pick_full(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    uint32_t base, struct rtc_job *job)
{
	static const char reason[] = "everything is to be merged down";
	size_t newer = runs_behind(manifest, limits);

	if (rt_manifest_level0_runs(manifest) > newer &&
	    pick_level0(manifest, limits, newer, base, reason, job))
		return true;
	if (newer >= limits->l0_trigger &&
	    pick_level0_to_level0(manifest, limits, newer,
		"level 0 fills while everything before is merged", job))
		return true;
	for (uint32_t level = 1; level < RTC_LEVEL_LAST; level++)
		if (pick_all_of(manifest, limits, level, reason, job))
			return true;
	return pick_in_place(manifest, limits, job);
}

/* T3 */
static bool
pick_way_back(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, struct rtc_job *job)
{
	size_t runs = rt_manifest_level0_runs(manifest);

	if (runs >= limits->l0_trigger &&
	    pick_level0_to_level0(manifest, limits, runs,
		"level 0 fills while levels become one run each", job))
		return true;
	return pick_piece_of_runs(manifest, limits, level, UINT64_MAX,
	    "levels become one run each", job);
}

static bool
pick(const struct rt_manifest *manifest, const struct rtc_limits *limits,
    struct rtc_job *job)
{
	uint64_t targets[RTC_LEVEL_LAST + 1];
	uint32_t base = rtc_picker_targets(manifest, limits, targets);

	if (limits->l0_only)
		return pick_level0_to_level0(manifest, limits,
		    rt_manifest_level0_runs(manifest),
		    "level 0 alone may be merged now", job);
	if (pick_useless(manifest, limits, job))
		return true;
	if (!limits->lazy && rt_manifest_deepest_runs(manifest) != 0)
		return pick_way_back(manifest, limits,
		    rt_manifest_deepest_runs(manifest), job);
	if (limits->full_seq != 0)
		return pick_full(manifest, limits, base, job);
	return pick_due(manifest, limits, base, targets, job) ||
	    pick_aged(manifest, limits, base, job) ||
	    pick_in_place(manifest, limits, job);
}

bool
rtc_picker_pick(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, struct rtc_job *job)
{
	if (!pick(manifest, limits, job))
		return false;
	job->compression = rtc_picker_compression(limits, job->target_level,
	    job->is_last_level);
	return true;
}
