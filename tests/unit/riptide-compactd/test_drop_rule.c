/* The drop rule, R1 to R4 of retention.h, seen in the files: what is left of each
 * key after a merge in which a rule fires, and after one in which it must not. */
#include "riptide-compactd/retention.h"

#include <stdio.h>
#include <string.h>

#include "libcommon/manifest/manifest_edit.h"
#include "riptide-compactd/publisher.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

#define GRACE_OVER_MS 500
#define EXPIRED_MS 499
#define VERSIONS_MAX 4
#define END_SEQ 100

static struct rt_err failure;

struct drop_case {
	const char *name;
	/* In the last level, and not in the job. */
	struct rtt_version older[VERSIONS_MAX];
	/* Two runs of level 0, the job's inputs, the older one first. */
	struct rtt_version inputs[2][VERSIONS_MAX];
	uint64_t snapshot;	/* 0: none */
	uint64_t drop_seq;	/* 0: none */
	/* Afterwards, in all tables. */
	struct {
		const char *key;
		uint64_t entries;
	} left[3];
	uint64_t tombstones;
};

static const struct drop_case cases[] = {
	{ .name = "R1: what is written over goes",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2 } } },
		.left = { { "a", 1 } } },
	{ .name = "R1: a snapshot keeps what it sees",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2 } } },
		.snapshot = 1,
		.left = { { "a", 2 } } },
	{ .name = "R1: and nothing behind that",
		.inputs = { { { .key = "a", .seq = 1 },
			{ .key = "a", .seq = 2 } },
			{ { .key = "a", .seq = 3 } } },
		.snapshot = 2,
		.left = { { "a", 2 } } },
	{ .name = "R2: what was dropped goes",
		.inputs = { { { .key = "a", .seq = 1 },
			{ .key = "b", .seq = 2 }, { .key = "c", .seq = 4 } },
			{ { .key = "b", .seq = 5 } } },
		.drop_seq = 3,
		.left = { { "a", 0 }, { "b", 1 }, { "c", 1 } } },
	{ .name = "R2: a snapshot from before the drop keeps it",
		.inputs = { { { .key = "a", .seq = 1 },
			{ .key = "b", .seq = 2 } },
			{ { .key = "c", .seq = 4 } } },
		.snapshot = 2,
		.drop_seq = 3,
		.left = { { "a", 1 }, { "b", 1 }, { "c", 1 } } },
	{ .name = "R2: one from after it does not",
		.inputs = { { { .key = "a", .seq = 1 },
			{ .key = "c", .seq = 4 } },
			{ { .key = "d", .seq = 5 } } },
		.snapshot = 3,
		.drop_seq = 3,
		.left = { { "a", 0 }, { "c", 1 } } },
	{ .name = "R2: a drop that is not flushed takes nothing",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "c", .seq = 4 } } },
		.drop_seq = 5,
		.left = { { "a", 1 }, { "c", 1 } } },
	{ .name = "R3: a tombstone goes with what it hides",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2, .deletes = true } } },
		.left = { { "a", 0 } } },
	{ .name = "R3: also above older tables of other keys",
		.older = { { .key = "a", .seq = 1 }, { .key = "b", .seq = 2 } },
		.inputs = { { { .key = "m", .seq = 3, .deletes = true } },
			{ { .key = "n", .seq = 4 } } },
		.left = { { "m", 0 }, { "n", 1 } } },
	{ .name = "R3: not where an older table may hold its key",
		.older = { { .key = "a", .seq = 1 }, { .key = "z", .seq = 2 } },
		.inputs = { { { .key = "m", .seq = 3, .deletes = true } },
			{ { .key = "n", .seq = 4 } } },
		.left = { { "m", 1 }, { "n", 1 } },
		.tombstones = 1 },
	{ .name = "R3: nor where a snapshot sees what it hides",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2, .deletes = true } } },
		.snapshot = 1,
		.left = { { "a", 2 } },
		.tombstones = 1 },
	{ .name = "R4: an expired value goes",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2, .expire_ms = EXPIRED_MS } } },
		.left = { { "a", 0 } } },
	{ .name = "R4: not before its grace is over",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2,
				.expire_ms = GRACE_OVER_MS } } },
		.left = { { "a", 1 } } },
	{ .name = "R4: above an older version it becomes a tombstone",
		.older = { { .key = "a", .seq = 1 }, { .key = "b", .seq = 2 } },
		.inputs = { { { .key = "a", .seq = 3,
			.expire_ms = EXPIRED_MS } },
			{ { .key = "b", .seq = 4 } } },
		.left = { { "a", 2 }, { "b", 2 } },
		.tombstones = 1 },
	{ .name = "R4: where a snapshot sees it, it stays a value",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2, .expire_ms = EXPIRED_MS } } },
		.snapshot = 2,
		.left = { { "a", 1 } } },
	{ .name = "R4: an older snapshot gets its version and the tombstone",
		.inputs = { { { .key = "a", .seq = 1 } },
			{ { .key = "a", .seq = 2, .expire_ms = EXPIRED_MS } } },
		.snapshot = 1,
		.left = { { "a", 2 } },
		.tombstones = 1 },
};

struct bench {
	struct rtt_db db;
	struct rt_config config;
	struct rtc_merger merger;
	struct rtc_pace pace;
	_Atomic uint64_t next_number;
};

static void
flush(struct bench *bench, const struct rtt_version versions[VERSIONS_MAX])
{
	size_t count = 0;

	while (count < VERSIONS_MAX && versions[count].key != NULL)
		count++;
	if (count > 0)
		rtt_db_flush(&bench->db, versions, count);
}

static void
merge(struct bench *bench, struct rtc_job *job)
{
	struct rtc_publisher publisher = {
		.store = bench->db.store,
		.epoch = bench->merger.epoch,
	};
	struct rtc_result result;
	bool unknown;

	ck_assert_msg(rtc_merger_run(&bench->merger, job, &result,
	    &failure) == RT_OK, "%s", failure.text);
	ck_assert_msg(rtc_publisher_publish(&publisher, job, &result, &unknown,
	    &failure) == RT_OK, "%s", failure.text);
	rtc_result_fini(&result);
	rtc_job_fini(job);
}

/* All of level 0 into the last level, or to level 5 where that has tables,
 * which stay outside. */
static void
merge_inputs(struct bench *bench)
{
	struct rtc_job job;

	rtt_db_job(&bench->db, &job);
	if (rt_manifest_level_tables(job.manifest, RTC_LEVEL_LAST) > 0) {
		size_t inputs = rt_manifest_level0_runs(job.manifest);

		job.inputs_count = inputs;
		job.target_level = RTC_LEVEL_LAST - 1;
		job.is_last_level = false;
	}
	merge(bench, &job);
}

static void
set_drop(struct bench *bench, uint64_t seq)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_DAEMON,
	    bench->db.daemon_epoch);

	rt_manifest_edit_set_drop(edit, 0, seq);
	ck_assert_msg(rt_manifest_store_publish(bench->db.store, edit, NULL,
	    NULL, &failure) == RT_OK, "%s", failure.text);
	rt_manifest_edit_free(edit);
}

static uint64_t
tombstones(struct bench *bench)
{
	const struct rt_manifest *manifest = rtt_db_load(&bench->db);
	uint64_t count = 0;

	for (size_t i = 0; i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++)
			count += manifest->runs[i].tables[j].tombstones;
	rt_manifest_unref(manifest);
	return count;
}

static void
expect_left(struct bench *bench, const struct drop_case *wanted)
{
	for (size_t i = 0; i < RT_COUNTOF(wanted->left); i++) {
		const char *key = wanted->left[i].key;
		uint64_t entries;

		if (key == NULL)
			continue;
		entries = rtt_db_count(&bench->db, key);
		ck_assert_msg(entries == wanted->left[i].entries,
		    "%s: %llu entries of %s", wanted->name,
		    (unsigned long long)entries, key);
	}
	ck_assert_msg(tombstones(bench) == wanted->tombstones,
	    "%s: %llu tombstones", wanted->name,
	    (unsigned long long)tombstones(bench));
}

/* What a reader sees of the first key, who knows nothing of drops. */
static void
read_all(struct bench *bench, const struct drop_case *from, uint64_t seen[2])
{
	const char *key = from->left[0].key;

	seen[0] = rtt_db_read(&bench->db, key, END_SEQ, GRACE_OVER_MS);
	seen[1] = from->snapshot == 0 ? 0 :
	    rtt_db_read(&bench->db, key, from->snapshot, 0);
}

static void
try(const struct drop_case *wanted)
{
	struct bench bench = { .next_number = 1 };
	uint64_t before[2], after[2];

	rtt_db_init(&bench.db);
	rt_config_init(&bench.config);
	bench.merger = rtt_db_merger(&bench.db, &bench.config,
	    rtt_db_claim(&bench.db), &bench.next_number, &bench.pace);
	bench.merger.expired_before_ms = GRACE_OVER_MS;
	flush(&bench, wanted->older);
	if (wanted->older[0].key != NULL)
		merge_inputs(&bench);
	flush(&bench, wanted->inputs[0]);
	flush(&bench, wanted->inputs[1]);
	if (wanted->snapshot != 0)
		rtt_db_set_snapshots(&bench.db, &wanted->snapshot, 1);
	if (wanted->drop_seq != 0)
		set_drop(&bench, wanted->drop_seq);
	read_all(&bench, wanted, before);
	merge_inputs(&bench);
	expect_left(&bench, wanted);
	read_all(&bench, wanted, after);
	if (wanted->drop_seq == 0)
		ck_assert_msg(memcmp(before, after, sizeof(before)) == 0,
		    "%s: a reader sees another version", wanted->name);
	rt_config_fini(&bench.config);
	rtt_db_fini(&bench.db);
}

START_TEST(files_have_what_each_rule_leaves)
{
	for (size_t i = 0; i < RT_COUNTOF(cases); i++)
		try(&cases[i]);
}
END_TEST

RTT_MAIN("drop_rule", files_have_what_each_rule_leaves)
