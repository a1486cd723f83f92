#include "libcommon/manifest/manifest_edit.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/attr.h"
#include "libcommon/manifest/manifest_build.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

/* Three flushes over two levels; every rule can be met and broken here. */
#define TREE                                                                  \
	"L0 d-6 c..k seq=60-69\n"                                             \
	"L0 d-5 a..m seq=50-59\n"                                             \
	"L0 d-4 d..p seq=40-49\n"                                             \
	"L1 c1-1 a..f seq=20-29\n"                                            \
	"L1 c1-2 g..m seq=20-29\n"                                            \
	"L1 c1-3 t..v seq=20-29\n"                                            \
	"L2 c1-4 a..e seq=1-9\n"                                              \
	"L2 c1-5 h..z seq=1-9\n"

static const struct rt_manifest *
draw(const char *text)
{
	struct rt_manifest *manifest = rt_manifest_build_new();
	const struct rt_manifest *drawn = rtt_draw_manifest(text);

	*manifest = *drawn;
	manifest->unknown = NULL;
	manifest->runs = rt_manifest_build_alloc(manifest,
	    drawn->runs_count, sizeof(*drawn->runs));
	for (size_t i = 0; i < drawn->runs_count; i++) {
		struct rt_manifest_run *run = &manifest->runs[i];

		*run = drawn->runs[i];
		run->tables = rt_manifest_build_alloc(manifest,
		    run->tables_count, sizeof(*run->tables));
		for (size_t j = 0; j < run->tables_count; j++)
			rt_manifest_build_table(manifest, &run->tables[j],
			    &drawn->runs[i].tables[j]);
	}
	manifest->snapshots = NULL;
	manifest->snapshots_count = 0;
	manifest->drops = NULL;
	manifest->drops_count = 0;
	manifest->database_uuid[0] = 1;
	manifest->daemon_epoch = 3;
	manifest->compactor_epoch = 2;
	manifest->next_daemon_file = 7;
	manifest->next_run_id = 100;
	manifest->max_seq = manifest->flushed_seq;
	rt_manifest_unref(drawn);
	return manifest;
}

/* Apply, free the edit, and compare the answer. */
static const struct rt_manifest *
apply(struct rt_manifest_edit *edit, const struct rt_manifest *base,
    enum rt_code expected)
{
	const struct rt_manifest *next = NULL;
	struct rt_err err = { 0 };
	enum rt_code code = rt_manifest_edit_apply(edit, base, &next, &err);

	ck_assert_msg(code == expected, "code %d for %d: %s", (int)code,
	    (int)expected, err.text);
	ck_assert((next != NULL) == (code == RT_OK));
	if (code == RT_OK) {
		ck_assert_uint_eq(next->generation, base->generation + 1);
		rt_manifest_unref(base);
	}
	rt_manifest_edit_free(edit);
	return next != NULL ? next : base;
}

static struct rt_manifest_edit *
by_daemon(void)
{
	return rt_manifest_edit_new(RT_ROLE_DAEMON, 3);
}

static struct rt_manifest_edit *
by_compactor(void)
{
	return rt_manifest_edit_new(RT_ROLE_COMPACTOR, 2);
}

/* inputs: names with spaces between; outputs: lines of level `target`. */
static struct rt_manifest_edit *
job(const char *inputs, uint32_t target, const char *outputs)
{
	struct rt_manifest_edit *edit = by_compactor();
	const struct rt_manifest *drawn = rtt_draw_manifest(outputs);
	struct rt_file_id ids[16];
	char *copy = strdup(inputs), *rest = copy, *word;
	size_t count = 0;

	while ((word = strsep(&rest, " ")) != NULL)
		ids[count++] = rtt_file_id(word);
	rt_manifest_edit_replace(edit, ids, count, target,
	    drawn->runs_count != 0 ? drawn->runs[0].tables : NULL,
	    drawn->runs_count != 0 ? drawn->runs[0].tables_count : 0);
	rt_manifest_unref(drawn);
	free(copy);
	return edit;
}

/* What a job on TREE is answered with. */
static void
try(const char *inputs, uint32_t target, const char *outputs,
    enum rt_code expected)
{
	const struct rt_manifest *manifest =
	    apply(job(inputs, target, outputs), draw(TREE), expected);

	rt_manifest_unref(manifest);
}

static bool
has(const struct rt_manifest *manifest, const char *name)
{
	return rt_manifest_find(manifest, rtt_file_id(name), NULL) != NULL;
}

static struct rt_manifest_edit *
flush(const char *line, uint64_t flushed)
{
	struct rt_manifest_edit *edit = by_daemon();
	const struct rt_manifest *drawn = rtt_draw_manifest(line);

	rt_manifest_edit_add_run(edit, drawn->runs[0].tables);
	rt_manifest_edit_set_next_file(edit,
	    drawn->runs[0].tables[0].id.number + 1);
	rt_manifest_edit_set_flushed(edit, flushed, 1);
	rt_manifest_unref(drawn);
	return edit;
}

START_TEST(a_flush_adds_the_newest_run)
{
	const struct rt_manifest *m = apply(flush("L0 d-7 a..z seq=70-75", 75),
	    draw(TREE), RT_OK);

	ck_assert_uint_eq(m->runs_count, 6);
	ck_assert_uint_eq(m->runs[0].tables[0].id.number, 7);
	ck_assert_uint_eq(m->runs[0].id, 100);
	ck_assert_uint_eq(m->next_run_id, 101);
	ck_assert_uint_eq(m->flushed_seq, 75);
	ck_assert_uint_eq(m->next_daemon_file, 8);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(a_run_of_flushed_sequences_is_refused)
{
	rt_manifest_unref(apply(flush("L0 d-7 a..z seq=69-75", 75), draw(TREE),
	    RT_ECONFLICT));
}
END_TEST

START_TEST(flushed_never_falls)
{
	struct rt_manifest_edit *edit = by_daemon();

	rt_manifest_edit_set_flushed(edit, 68, 1);
	rt_manifest_unref(apply(edit, draw(TREE), RT_ECONFLICT));
}
END_TEST

START_TEST(all_of_level_0_goes_down)
{
	const struct rt_manifest *m = apply(job("d-6 d-5 d-4 c1-1 c1-2", 1,
	    "L1 c2-1 a..p seq=20-69"), draw(TREE), RT_OK);

	ck_assert_uint_eq(m->runs_count, 2);
	ck_assert_uint_eq(m->runs[0].level, 1);
	ck_assert_uint_eq(m->runs[0].tables_count, 2);
	ck_assert_uint_eq(m->runs[0].id, 4);	/* the target's run stays */
	ck_assert_uint_eq(m->obsolete_count, 5);
	ck_assert(has(m, "c2-1"));
	ck_assert(!has(m, "d-4"));
	ck_assert(has(m, "c1-3"));
	rt_manifest_unref(m);
}
END_TEST

START_TEST(the_oldest_runs_of_level_0_may_go_alone)
{
	try("d-5 d-4 c1-1 c1-2", 1, "L1 c2-1 a..p seq=20-59", RT_OK);
}
END_TEST

START_TEST(an_older_run_may_not_be_left_behind)
{
	try("d-6 d-5 c1-1 c1-2", 1, "L1 c2-1 a..m seq=20-69", RT_ECONFLICT);
}
END_TEST

START_TEST(runs_with_a_gap_are_refused)
{
	try("d-6 d-4", 0, "L0 c2-1 c..p seq=40-69", RT_ECONFLICT);
}
END_TEST

START_TEST(level_0_is_merged_in_place)
{
	const struct rt_manifest *m = apply(job("d-6 d-5", 0,
	    "L0 c2-1 a..m seq=50-69"), draw(TREE), RT_OK);

	ck_assert_uint_eq(m->runs_count, 4);
	ck_assert_uint_eq(m->runs[0].tables[0].id.maker_epoch, 2);
	ck_assert_uint_eq(m->runs[1].tables[0].id.number, 4);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(an_output_may_not_overlap_what_stays)
{
	try("d-6 d-5 d-4 c1-1", 1, "L1 c2-1 a..p seq=20-69", RT_ECONFLICT);
}
END_TEST

START_TEST(an_output_stays_within_its_inputs)
{
	try("c1-3 c1-5", 2, "L2 c2-1 g..z seq=1-29", RT_EINVAL);
	try("c1-3 c1-5", 2, "L2 c2-1 h..z seq=1-30", RT_EINVAL);
	try("c1-3 c1-5", 2, "L2 c2-1 h..z seq=1-29", RT_OK);
}
END_TEST

START_TEST(a_sinking_table_may_not_pass_one_that_it_overlaps)
{
	try("d-4 c1-4", 2, "L2 c2-1 a..e seq=1-9", RT_ECONFLICT);
}
END_TEST

START_TEST(inputs_that_are_gone_are_a_conflict)
{
	try("c1-9", 2, "L2 c2-1 t..v seq=20-29", RT_ECONFLICT);
	try("d-1 c1-3", 2, "", RT_ECONFLICT);
}
END_TEST

START_TEST(outputs_bear_the_name_of_their_epoch)
{
	try("c1-3 c1-5", 2, "L2 c1-8 h..z seq=1-29", RT_EINVAL);
}
END_TEST

START_TEST(inputs_may_vanish_without_outputs)
{
	const struct rt_manifest *m =
	    apply(job("c1-4 c1-5", 2, ""), draw(TREE), RT_OK);

	ck_assert_uint_eq(m->runs_count, 4);
	ck_assert_uint_eq(m->obsolete_count, 2);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(a_move_keeps_the_table)
{
	static const char tree[] = "L1 c1-3 b..c seq=20-29\n"
				   "L2 c1-4 d..e seq=1-9\n";
	struct rt_manifest_edit *edit = by_compactor();
	const struct rt_manifest_run *run = NULL;
	const struct rt_manifest *m;

	rt_manifest_edit_move(edit, rtt_file_id("c1-3"), 2);
	m = apply(edit, draw(tree), RT_OK);
	ck_assert_ptr_nonnull(rt_manifest_find(m, rtt_file_id("c1-3"), &run));
	ck_assert_uint_eq(run->level, 2);
	ck_assert_uint_eq(run->tables_count, 2);
	ck_assert_uint_eq(m->runs_count, 1);
	ck_assert_uint_eq(m->obsolete_count, 0);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(a_move_onto_an_overlapping_table_is_refused)
{
	struct rt_manifest_edit *edit = by_compactor();

	rt_manifest_edit_move(edit, rtt_file_id("c1-3"), 2);
	rt_manifest_unref(apply(edit, draw(TREE), RT_ECONFLICT));
}
END_TEST

START_TEST(an_unlinked_file_is_forgotten)
{
	struct rt_manifest_edit *edit = by_daemon();
	const struct rt_manifest *m =
	    apply(job("c1-4 c1-5", 2, ""), draw(TREE), RT_OK);

	rt_manifest_edit_forget_obsolete(edit, rtt_file_id("c1-4"));
	rt_manifest_edit_forget_obsolete(edit, rtt_file_id("c1-77"));
	m = apply(edit, m, RT_OK);
	ck_assert_uint_eq(m->obsolete_count, 1);
	ck_assert_uint_eq(m->obsolete[0].number, 5);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(a_fenced_role_changes_nothing)
{
	struct rt_manifest_edit *daemon =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, 2);
	struct rt_manifest_edit *compactor =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 1);

	rt_manifest_edit_set_clean_wal(daemon, 5, 6);
	rt_manifest_edit_set_expiry_clock(compactor, 9);
	rt_manifest_unref(apply(daemon, draw(TREE), RT_EFENCED));
	rt_manifest_unref(apply(compactor, draw(TREE), RT_EFENCED));
}
END_TEST

START_TEST(a_claim_bumps_the_epoch_of_its_role_alone)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	const struct rt_manifest *m;

	rt_manifest_edit_claim(edit, 5);
	m = apply(edit, draw(TREE), RT_OK);
	ck_assert_uint_eq(m->compactor_epoch, 3);
	ck_assert_uint_eq(m->compactor_features, 5);
	ck_assert_uint_eq(m->daemon_epoch, 3);
	ck_assert_uint_eq(m->daemon_features, 0);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(drops_and_the_clock_only_rise)
{
	struct rt_manifest_edit *edit = by_daemon();
	const struct rt_manifest *m;

	rt_manifest_edit_set_drop(edit, 4, 50);
	rt_manifest_edit_set_drop(edit, 2, 40);
	rt_manifest_edit_set_expiry_clock(edit, 1000);
	m = apply(edit, draw(TREE), RT_OK);
	edit = by_daemon();
	rt_manifest_edit_set_drop(edit, 4, 45);
	rt_manifest_edit_set_drop(edit, 2, 41);
	rt_manifest_edit_set_expiry_clock(edit, 999);
	m = apply(edit, m, RT_OK);
	ck_assert_uint_eq(m->drops_count, 2);
	ck_assert_uint_eq(rt_manifest_drop_seq(m, 4), 50);
	ck_assert_uint_eq(rt_manifest_drop_seq(m, 2), 41);
	ck_assert_uint_eq(rt_manifest_drop_seq(m, 3), 0);
	ck_assert_uint_eq(m->expiry_clock_ms, 1000);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(snapshots_keyspaces_and_the_clean_stop_are_set)
{
	static const uint64_t snapshots[] = { 10, 20 };
	struct rt_manifest_edit *edit = by_daemon();
	const struct rt_manifest *m;

	rt_manifest_edit_set_snapshots(edit, snapshots, 2);
	rt_manifest_edit_set_keyspace(edit, 1, 17);
	rt_manifest_edit_set_clean_wal(edit, 8, 4096);
	m = apply(edit, draw(TREE), RT_OK);
	ck_assert_uint_eq(m->snapshots_count, 2);
	ck_assert_uint_eq(m->snapshots[1], 20);
	ck_assert_uint_eq(rt_manifest_keyspace(m, 1), 17);
	ck_assert_uint_eq(rt_manifest_keyspace(m, 2), 2);
	ck_assert_uint_eq(m->clean_wal, 8);
	ck_assert_uint_eq(m->clean_wal_bytes, 4096);
	edit = by_daemon();
	rt_manifest_edit_set_clean_wal(edit, 0, 0);
	rt_manifest_edit_set_snapshots(edit, NULL, 0);
	m = apply(edit, m, RT_OK);
	ck_assert_uint_eq(m->clean_wal, 0);
	ck_assert_uint_eq(m->snapshots_count, 0);
	ck_assert_uint_eq(rt_manifest_keyspace(m, 1), 17);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(unsorted_snapshots_are_refused)
{
	static const uint64_t snapshots[] = { 20, 10 };
	struct rt_manifest_edit *edit = by_daemon();

	rt_manifest_edit_set_snapshots(edit, snapshots, 2);
	rt_manifest_unref(apply(edit, draw(TREE), RT_EINVAL));
}
END_TEST

RTT_MAIN("manifest_edit", a_flush_adds_the_newest_run,
    a_run_of_flushed_sequences_is_refused, flushed_never_falls,
    all_of_level_0_goes_down, the_oldest_runs_of_level_0_may_go_alone,
    an_older_run_may_not_be_left_behind, runs_with_a_gap_are_refused,
    level_0_is_merged_in_place, an_output_may_not_overlap_what_stays,
    an_output_stays_within_its_inputs,
    a_sinking_table_may_not_pass_one_that_it_overlaps,
    inputs_that_are_gone_are_a_conflict, outputs_bear_the_name_of_their_epoch,
    inputs_may_vanish_without_outputs, a_move_keeps_the_table,
    a_move_onto_an_overlapping_table_is_refused, an_unlinked_file_is_forgotten,
    a_fenced_role_changes_nothing,
    a_claim_bumps_the_epoch_of_its_role_alone, drops_and_the_clock_only_rise,
    snapshots_keyspaces_and_the_clean_stop_are_set,
    unsorted_snapshots_are_refused)
