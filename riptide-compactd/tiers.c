#include "riptide-compactd/tiers.h"

#include "riptide-compactd/claims.h"
#include "riptide-compactd/levels.h"

/* T2: a piece has so many bytes, with what it meets in the level below. Larger
 * ones take more of the newer runs with them. */
#define PIECE_BASES 16

bool
rtc_tiers_pick_whole(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, const char *reason,
    struct rtc_job *job)
{
	size_t count;
	const struct rt_manifest_run *runs =
	    rtc_level_runs(manifest, level, &count);

	if (count == 0)
		return false;
	rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level + 1, reason);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < runs[i].tables_count; j++)
			rtc_job_add(job, &runs[i].tables[j]);
	rtc_job_as_run(job);
	return rtc_claims_keep(limits, job);
}

/* -- T2 -- */

struct piece {
	const struct rt_manifest *manifest;
	const struct rtc_limits *limits;
	const struct rt_manifest_run *runs;	/* of the level, newest first */
	size_t runs_count;
	const struct rt_manifest_run *below;	/* or NULL */
	struct rt_slice smallest, largest;	/* of all that is in it */
};

static double
cost_of(const struct piece *piece, const struct rt_manifest_table *table)
{
	double weight = 1;
	size_t first, count;

	if (table->entries != 0)
		weight += 2.0 * (double)table->tombstones /
		    (double)table->entries;
	return (double)rtc_level_overlap(piece->below, table->smallest,
		   table->largest, &first, &count) /
	    ((double)(table->size + 1) * weight);
}

/* The cheapest table of the oldest run that is free; NULL: there is none. */
static const struct rt_manifest_table *
best_table(const struct piece *piece, uint64_t upto_seq)
{
	const struct rt_manifest_run *oldest =
	    &piece->runs[piece->runs_count - 1];
	const struct rt_manifest_table *best = NULL;
	double best_cost = 0;

	for (size_t i = 0; i < oldest->tables_count; i++) {
		const struct rt_manifest_table *table = &oldest->tables[i];
		double cost = cost_of(piece, table);

		if (table->min_seq > upto_seq ||
		    (best != NULL && cost >= best_cost) ||
		    !rtc_claims_free_to(piece->limits, piece->below, table))
			continue;
		best = table;
		best_cost = cost;
	}
	return best;
}

/* Neighbours of the oldest run from the best table on, until they and what they
 * meet below are enough; their range becomes the piece's. */
static size_t
count_neighbours(struct piece *piece, const struct rt_manifest_table *best)
{
	const struct rt_manifest_run *oldest =
	    &piece->runs[piece->runs_count - 1];
	size_t at = (size_t)(best - oldest->tables), first, count, taken = 0;
	/* P10: where jobs have to be small, one. */
	uint64_t goal = piece->limits->max_job_bytes != 0 ? 0
	    : PIECE_BASES * piece->limits->level_base_bytes;
	uint64_t bytes = 0;

	for (; at + taken < oldest->tables_count; taken++) {
		const struct rt_manifest_table *table = &best[taken];

		if (taken > 0 && (bytes >= goal ||
			!rtc_claims_free_to(piece->limits, piece->below,
			    table)))
			break;
		bytes += table->size + rtc_level_overlap(piece->below,
		    table->smallest, table->largest, &first, &count);
	}
	piece->smallest = best->smallest;
	piece->largest = best[taken - 1].largest;
	return taken;
}

/* Whether all that is older than run `at` and meets the table goes along. */
static bool
older_go_along(const struct piece *piece, const struct rtc_job *job, size_t at,
    const struct rt_manifest_table *table)
{
	for (size_t i = at + 1; i < piece->runs_count; i++) {
		size_t first, count;

		rtc_level_overlap(&piece->runs[i], table->smallest,
		    table->largest, &first, &count);
		for (size_t j = first; j < first + count; j++)
			if (!rtc_job_has(job, &piece->runs[i].tables[j]))
				return false;
	}
	return true;
}

/* Tables of run `at` that lie within the piece. */
static void
add_newer(const struct piece *piece, size_t at, struct rtc_job *job)
{
	const struct rt_manifest_run *run = &piece->runs[at];
	uint64_t most = piece->limits->max_job_bytes;
	size_t first, count;

	rtc_level_overlap(run, piece->smallest, piece->largest, &first,
	    &count);
	for (size_t i = first; i < first + count; i++) {
		const struct rt_manifest_table *table = &run->tables[i];

		if (rt_slice_compare(table->smallest, piece->smallest) >= 0 &&
		    rt_slice_compare(table->largest, piece->largest) <= 0 &&
		    rtc_claims_free(piece->limits, table) &&
		    (most == 0 || job->input_bytes + table->size <= most) &&
		    older_go_along(piece, job, at, table))
			rtc_job_add(job, table);
	}
}

/* Inputs stand newest run first, whatever the order in which they were found. */
static void
put_in_order(const struct piece *piece, struct rtc_job *job)
{
	struct rtc_job found = *job;

	rtc_job_init(job, piece->manifest, found.kind, found.source_level,
	    found.target_level, found.reason);
	for (size_t i = 0; i < piece->manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &piece->manifest->runs[i];

		for (size_t j = 0; j < run->tables_count &&
		     run->level >= found.source_level &&
		     run->level <= found.target_level; j++)
			if (rtc_job_has(&found, &run->tables[j]))
				rtc_job_add(job, &run->tables[j]);
	}
	rtc_job_fini(&found);
}

bool
rtc_tiers_pick_piece(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, uint64_t upto_seq,
    const char *reason, struct rtc_job *job)
{
	struct piece piece = {
		.manifest = manifest,
		.limits = limits,
		.below = rtc_level_run(manifest, level + 1),
	};
	const struct rt_manifest_table *best = NULL;
	size_t neighbours, first, count;

	piece.runs = rtc_level_runs(manifest, level, &piece.runs_count);
	if (piece.runs_count > 0)
		best = best_table(&piece, upto_seq);
	/* What is wanted may be in newer runs alone: older ones make way. */
	if (best == NULL && piece.runs_count > 1 &&
	    rtc_level_begins_by(manifest, level, upto_seq))
		best = best_table(&piece, UINT64_MAX);
	if (best == NULL)
		return false;
	neighbours = count_neighbours(&piece, best);
	rtc_level_overlap(piece.below, piece.smallest, piece.largest, &first,
	    &count);
	rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level + 1, reason);
	for (size_t i = 0; i < neighbours; i++)
		rtc_job_add(job, &best[i]);
	for (size_t i = first; i < first + count; i++)
		rtc_job_add(job, &piece.below->tables[i]);
	rtc_job_range(job, &piece.smallest, &piece.largest);
	for (size_t at = piece.runs_count - 1; at-- > 0;)
		add_newer(&piece, at, job);
	put_in_order(&piece, job);
	return rtc_claims_keep(limits, job);
}

double
rtc_tiers_score(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint32_t level, uint64_t target_bytes)
{
	double runs = (double)rtc_claims_level_runs(limits, manifest, level) /
	    ((double)limits->level_multiplier - 0.5);
	double bytes = target_bytes == 0 ? 0
	    : (double)rtc_claims_level_bytes(limits, manifest, level) /
		(double)(target_bytes + 1);

	return runs > bytes ? runs : bytes;
}
