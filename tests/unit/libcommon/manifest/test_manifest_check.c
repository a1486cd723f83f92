#include "libcommon/manifest/manifest_check.h"

#include <stdio.h>

#include "libcommon/manifest/manifest_build.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

/* One that keeps every rule. */
static struct rt_manifest *
draw_good(void)
{
	const struct rt_manifest *drawn = rtt_draw_manifest(
	    "L0 d-4 a..m seq=40-49\n"
	    "L0 d-3 a..z seq=30-39\n"
	    "L1 c1-1 a..c seq=5-29 tombstones=10 expire=5-9\n"
	    "L1 c1-2 d..f seq=1-9\n"
	    "L3 c1-3 a..z seq=1-4\n"
	    "snapshot 7\n"
	    "snapshot 9\n"
	    "drop 0 3\n"
	    "drop 4 60\n");
	struct rt_manifest *m = (struct rt_manifest *)(uintptr_t)drawn;

	memset(m->database_uuid, 7, sizeof(m->database_uuid));
	m->compactor_epoch = 1;
	m->next_daemon_file = 5;
	m->next_run_id = 5;
	m->max_seq = 60;
	m->clean_wal = 3;
	m->clean_wal_bytes = 4096;
	m->compact_asked = m->compact_done = 2;
	m->compact_seq = 3;
	m->keyspaces_count = 2;
	m->keyspaces = rt_manifest_build_alloc(m, 2, sizeof(*m->keyspaces));
	m->keyspaces[0] = (struct rt_manifest_keyspace){ 1, 2 };
	m->keyspaces[1] = (struct rt_manifest_keyspace){ 2, 1 };
	m->obsolete_count = 2;
	m->obsolete = rt_manifest_build_alloc(m, 2, sizeof(*m->obsolete));
	m->obsolete[0] = rtt_file_id("d-2");
	m->obsolete[1] = rtt_file_id("d-1");
	return m;
}

/* Break one rule; the next word is the rule's number. */
#define BREAK(rule, change)                                                   \
	do {                                                                  \
		struct rt_manifest *m = draw_good();                          \
		struct rt_err err = { 0 };                                    \
                                                                              \
		ck_assert_int_eq(rt_manifest_check(m, NULL), RT_OK);          \
		change;                                                       \
		ck_assert_int_eq(rt_manifest_check(m, &err), RT_EDAMAGED);    \
		ck_assert_int_eq(err.code, RT_EDAMAGED);                      \
		ck_assert_msg(strncmp(err.text, rule ": ",                    \
			sizeof(rule ": ") - 1) == 0, "%s after %s",           \
		    err.text, #change);                                       \
		rt_manifest_unref(m);                                         \
	} while (0)

#define TABLE(run, table) (m->runs[run].tables[table])

START_TEST(a_manifest_that_keeps_all_rules_passes)
{
	struct rt_manifest *m = draw_good();
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_check(m, &err) == RT_OK, "%s", err.text);
	rt_manifest_unref(m);
}
END_TEST

START_TEST(identity_and_counts_are_checked)
{
	BREAK("M1", memset(m->database_uuid, 0, sizeof(m->database_uuid)));
	BREAK("M1", m->generation = 0);
	BREAK("M1", m->generation = RT_GENERATION_MAX + 1);
	BREAK("M2", m->runs_count = RT_MANIFEST_RUNS_MAX + 1);
	BREAK("M2", m->obsolete_count = RT_MANIFEST_OBSOLETE_MAX + 1);
	BREAK("M2", m->snapshots_count = RT_MANIFEST_SNAPSHOTS_MAX + 1);
	BREAK("M2", m->drops_count = RT_MANIFEST_KEYSPACES_MAX + 1);
	BREAK("M2", m->keyspaces_count = RT_MANIFEST_KEYSPACES_MAX + 1);
	BREAK("M2", m->runs[0].tables_count = RT_MANIFEST_TABLES_MAX + 1);
}
END_TEST

START_TEST(levels_stand_in_order)
{
	BREAK("M3", m->runs[3].level = RT_LEVELS_MAX);
	BREAK("M3", m->runs[2].level = 9);
	BREAK("M3", m->runs[1].level = 2);
	BREAK("M3", m->runs[3].level = 0);
	BREAK("M3", m->runs[3].tables_count = 0);
}
END_TEST

START_TEST(tables_make_sense)
{
	static const uint8_t long_key[RT_MANIFEST_KEY_BYTES_MAX + 1] = "zzzzzz";

	BREAK("M4", TABLE(0, 0).id.number = 0);
	BREAK("M4", TABLE(0, 0).smallest.len = 4);
	BREAK("M4", TABLE(0, 0).largest = rt_slice(long_key, sizeof(long_key)));
	BREAK("M4", TABLE(2, 0).smallest = TABLE(3, 0).largest);
	BREAK("M4", TABLE(3, 0).min_seq = 0);
	BREAK("M4", TABLE(3, 0).min_seq = 5);
	BREAK("M4", m->flushed_seq = 48);
	BREAK("M4", TABLE(2, 0).tombstones = 11);
	BREAK("M4", TABLE(2, 0).expire_min_ms = 10);
}
END_TEST

START_TEST(tables_of_a_run_share_no_key)
{
	BREAK("M5", TABLE(2, 1).smallest = TABLE(2, 0).largest);
	BREAK("M5", TABLE(2, 1).smallest = TABLE(2, 0).smallest);
}
END_TEST

START_TEST(newer_runs_hold_newer_sequences)
{
	BREAK("M6", TABLE(0, 0).min_seq = 39);
	BREAK("M6", TABLE(1, 0).min_seq = 29);
	BREAK("M6", TABLE(3, 0).max_seq = 30);
}
END_TEST

START_TEST(names_are_given_once)
{
	BREAK("M7", TABLE(0, 0).id = TABLE(1, 0).id);
	BREAK("M7", m->obsolete[0] = TABLE(2, 1).id);
	BREAK("M7", m->obsolete[0] = m->obsolete[1]);
	BREAK("M8", m->next_daemon_file = 4);
	BREAK("M8", m->compactor_epoch = 0);
	BREAK("M8", m->obsolete[1].number = 5);
	BREAK("M9", m->runs[1].id = m->runs[2].id);
	BREAK("M9", m->runs[1].id = 0);
	BREAK("M9", m->next_run_id = 4);
}
END_TEST

START_TEST(lists_ascend)
{
	BREAK("M10", m->snapshots[1] = 7);
	BREAK("M10", m->snapshots[1] = RT_MANIFEST_SEQ_MAX + 1);
	BREAK("M10", m->drops[0].keyspace = 4);
	BREAK("M10", m->drops[0].seq = RT_MANIFEST_SEQ_MAX + 1);
	BREAK("M10", m->keyspaces[0].database = 2);
	BREAK("M10", m->keyspaces[0].id = 1);
	BREAK("M11", m->flushed_seq = 61);
	BREAK("M11", m->max_seq = RT_MANIFEST_SEQ_MAX + 1);
	BREAK("M12", m->clean_wal = 0);
	BREAK("M13", m->compact_done = 3);
	BREAK("M13", m->compact_seq = m->flushed_seq + 1);
	BREAK("M14", m->tolerated_seq = 1);
}
END_TEST

RTT_MAIN("manifest_check", a_manifest_that_keeps_all_rules_passes,
    identity_and_counts_are_checked, levels_stand_in_order, tables_make_sense,
    tables_of_a_run_share_no_key, newer_runs_hold_newer_sequences,
    names_are_given_once, lists_ascend)
