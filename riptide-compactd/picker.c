#include "riptide-compactd/picker.h"

#include <string.h>

/* P5: how many neighbours are merged, and how unlike they may be. */
#define L0_FAN_IN 8
#define L0_LIKE_SIZE 4
/* A tombstone counts as so many bytes of overlap that need not be read. */
#define TOMBSTONE_BYTES 128

static const struct rt_manifest_run *
run_of_level(const struct rt_manifest *manifest, uint32_t level)
{
	for (size_t i = 0; i < manifest->runs_count; i++)
		if (manifest->runs[i].level == level)
			return &manifest->runs[i];
	return NULL;
}

uint32_t
rtc_picker_targets(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint64_t targets[RTC_LEVEL_LAST + 1])
{
	uint64_t target = rt_manifest_level_bytes(manifest, RTC_LEVEL_LAST);
	uint32_t base = RTC_LEVEL_LAST, filled = 1;

	for (uint32_t level = 0; level <= RTC_LEVEL_LAST; level++)
		targets[level] = 0;
	if (target < limits->level_base_bytes)
		target = limits->level_base_bytes;
	targets[base] = target;
	while (base > 1 && targets[base] > limits->level_base_bytes) {
		targets[base - 1] = targets[base] / limits->level_multiplier;
		base--;
	}
	/* A database that shrank may have tables above what is now the base. */
	while (filled < base &&
	    rt_manifest_level_tables(manifest, filled) == 0)
		filled++;
	while (base > filled) {
		targets[base - 1] = targets[base] / limits->level_multiplier;
		base--;
	}
	return base;
}

uint64_t
rtc_picker_debt(const struct rt_manifest *manifest,
    const struct rtc_limits *limits)
{
	uint64_t targets[RTC_LEVEL_LAST + 1], debt = 0;
	uint32_t base = rtc_picker_targets(manifest, limits, targets);

	if (rt_manifest_level0_runs(manifest) >= limits->l0_trigger)
		debt += rt_manifest_level_bytes(manifest, 0);
	for (uint32_t level = base; level < RTC_LEVEL_LAST; level++) {
		uint64_t bytes = rt_manifest_level_bytes(manifest, level);

		if (bytes > targets[level])
			debt += bytes - targets[level];
	}
	return debt;
}

static bool
overlaps(const struct rt_manifest_table *table, struct rt_slice smallest,
    struct rt_slice largest)
{
	return rt_slice_compare(table->largest, smallest) >= 0 &&
	    rt_slice_compare(table->smallest, largest) <= 0;
}

/* Bytes of a level's tables that meet the range. */
static uint64_t
overlap_bytes(const struct rt_manifest *manifest, uint32_t level,
    struct rt_slice smallest, struct rt_slice largest)
{
	const struct rt_manifest_run *run = run_of_level(manifest, level);
	uint64_t bytes = 0;

	for (size_t i = 0; run != NULL && i < run->tables_count; i++)
		if (overlaps(&run->tables[i], smallest, largest))
			bytes += run->tables[i].size;
	return bytes;
}

/* Add the target level's tables that meet the inputs' range. */
static void
add_overlap(struct rtc_job *job)
{
	const struct rt_manifest_run *run =
	    run_of_level(job->manifest, job->target_level);
	struct rt_slice smallest, largest;

	rtc_job_range(job, &smallest, &largest);
	for (size_t i = 0; run != NULL && i < run->tables_count; i++)
		if (overlaps(&run->tables[i], smallest, largest))
			rtc_job_add(job, &run->tables[i]);
}

/* -- P1 -- */

/* Every reader, snapshots included, sees nothing of this table. */
static bool
is_useless(const struct rt_manifest *manifest,
    const struct rt_manifest_table *table, const struct rtc_limits *limits)
{
	uint32_t keyspace;
	uint64_t drop_seq;

	if (table->tombstones == 0 && table->expire_max_ms != 0 &&
	    table->expire_max_ms < limits->expired_before_ms)
		return true;
	keyspace = (uint32_t)table->smallest.data[0] << 24 |
	    (uint32_t)table->smallest.data[1] << 16 |
	    (uint32_t)table->smallest.data[2] << 8 | table->smallest.data[3];
	if (memcmp(table->smallest.data, table->largest.data, 4) != 0)
		return false;
	drop_seq = rt_manifest_drop_seq(manifest, keyspace);
	return table->max_seq < drop_seq && manifest->snapshots_count == 0;
}

/* Whether the expired table hides something older that would show again when
 * it is taken away. A dropped one hides only what is dropped too. */
static bool
hides_older(const struct rt_manifest *manifest, size_t run_index,
    const struct rt_manifest_table *table)
{
	for (size_t i = run_index + 1; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++)
			if (overlaps(&run->tables[j], table->smallest,
				table->largest))
				return true;
	}
	return false;
}

static bool
pick_useless(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, struct rtc_job *job)
{
	for (size_t i = manifest->runs_count; i-- > 0;) {
		const struct rt_manifest_run *run = &manifest->runs[i];
		bool oldest = run->level > 0 || i + 1 == manifest->runs_count ||
		    manifest->runs[i + 1].level > 0;

		/* Of level 0 only the oldest run may leave alone. */
		if (!oldest)
			continue;
		for (size_t j = 0; j < run->tables_count; j++) {
			const struct rt_manifest_table *table = &run->tables[j];

			if (!is_useless(manifest, table, limits) ||
			    hides_older(manifest, i, table))
				continue;
			if (run->level == 0 && run->tables_count > 1)
				continue;
			rtc_job_init(job, manifest, RTC_JOB_DISCARD, run->level,
			    run->level == 0 ? RTC_LEVEL_LAST : run->level,
			    "everything in it is expired or dropped");
			rtc_job_add(job, table);
			return true;
		}
	}
	return false;
}

/* -- P2 and P5 -- */

static void
add_run(struct rtc_job *job, const struct rt_manifest_run *run)
{
	for (size_t i = 0; i < run->tables_count; i++)
		rtc_job_add(job, &run->tables[i]);
}

static uint64_t
run_bytes(const struct rt_manifest_run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->tables_count; i++)
		bytes += run->tables[i].size;
	return bytes;
}

/* P4. On the last level tombstones are rewritten away instead. */
static void
move_if_alone(struct rtc_job *job)
{
	if (job->inputs_count == 1 &&
	    (job->inputs[0]->tombstones == 0 || !job->is_last_level))
		job->kind = RTC_JOB_MOVE;
}

static void
pick_level0(const struct rt_manifest *manifest, uint32_t base,
    const char *reason, struct rtc_job *job)
{
	size_t runs = rt_manifest_level0_runs(manifest);

	rtc_job_init(job, manifest, RTC_JOB_MERGE, 0, base, reason);
	for (size_t i = 0; i < runs; i++)
		add_run(job, &manifest->runs[i]);
	add_overlap(job);
	move_if_alone(job);
}

static bool
pick_level0_to_level0(const struct rt_manifest *manifest, struct rtc_job *job)
{
	size_t runs = rt_manifest_level0_runs(manifest);

	for (size_t first = 0; first + L0_FAN_IN <= runs; first++) {
		uint64_t low = UINT64_MAX, high = 0;

		for (size_t i = first; i < first + L0_FAN_IN; i++) {
			uint64_t bytes = run_bytes(&manifest->runs[i]);

			low = bytes < low ? bytes : low;
			high = bytes > high ? bytes : high;
		}
		if (high / L0_LIKE_SIZE > low)
			continue;
		rtc_job_init(job, manifest, RTC_JOB_MERGE, 0, 0,
		    "level 0 alone may be merged now");
		for (size_t i = first; i < first + L0_FAN_IN; i++)
			add_run(job, &manifest->runs[i]);
		return true;
	}
	return false;
}

/* -- P3 and P4 -- */

/* Bytes of the next level to be read for each byte of the table, in
 * sixteenths; tombstones make a table cheaper than it looks. */
static uint64_t
cost_of(const struct rt_manifest *manifest, uint32_t level,
    const struct rt_manifest_table *table)
{
	uint64_t overlap = overlap_bytes(manifest, level + 1, table->smallest,
	    table->largest);
	uint64_t gain = table->size + table->tombstones * TOMBSTONE_BYTES;

	return overlap * 16 / (gain + 1);
}

static void
pick_from_level(const struct rt_manifest *manifest, uint32_t level,
    struct rtc_job *job)
{
	const struct rt_manifest_run *run = run_of_level(manifest, level);
	const struct rt_manifest_table *best = &run->tables[0];
	uint64_t best_cost = UINT64_MAX;

	for (size_t i = 0; i < run->tables_count; i++) {
		uint64_t cost = cost_of(manifest, level, &run->tables[i]);

		/* Of equals the one whose data is oldest. */
		if (cost < best_cost || (cost == best_cost &&
			run->tables[i].max_seq < best->max_seq)) {
			best = &run->tables[i];
			best_cost = cost;
		}
	}
	rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level + 1,
	    "the level is above its size");
	rtc_job_add(job, best);
	add_overlap(job);
	move_if_alone(job);
}

static bool
pick_overfull(const struct rt_manifest *manifest,
    const uint64_t targets[RTC_LEVEL_LAST + 1], uint32_t base,
    struct rtc_job *job)
{
	uint64_t best_score = 100;	/* hundredths: at the target */
	uint32_t best = 0;

	for (uint32_t level = base; level < RTC_LEVEL_LAST; level++) {
		uint64_t bytes = rt_manifest_level_bytes(manifest, level);
		uint64_t score = bytes / (targets[level] / 100 + 1);

		if (score > best_score) {
			best_score = score;
			best = level;
		}
	}
	if (best == 0)
		return false;
	pick_from_level(manifest, best, job);
	return true;
}

/* Everything down: level 0 first, then each level whole into the next. */
static bool
pick_full(const struct rt_manifest *manifest, uint32_t base,
    struct rtc_job *job)
{
	static const char reason[] = "everything is to be merged down";

	if (rt_manifest_level0_runs(manifest) > 0) {
		pick_level0(manifest, base, reason, job);
		return true;
	}
	for (uint32_t level = 1; level < RTC_LEVEL_LAST; level++) {
		const struct rt_manifest_run *run =
		    run_of_level(manifest, level);

		if (run == NULL)
			continue;
		rtc_job_init(job, manifest, RTC_JOB_MERGE, level, level + 1,
		    reason);
		add_run(job, run);
		add_overlap(job);
		move_if_alone(job);
		return true;
	}
	return false;
}

bool
rtc_picker_pick(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, struct rtc_job *job)
{
	uint64_t targets[RTC_LEVEL_LAST + 1];
	uint32_t base = rtc_picker_targets(manifest, limits, targets);

	if (limits->l0_only)
		return pick_level0_to_level0(manifest, job);
	if (pick_useless(manifest, limits, job))
		return true;
	if (limits->full)
		return pick_full(manifest, base, job);
	if (rt_manifest_level0_runs(manifest) >= limits->l0_trigger) {
		pick_level0(manifest, base, "level 0 has reached its trigger",
		    job);
		return true;
	}
	return pick_overfull(manifest, targets, base, job);
}
