#include "riptide-compactd/table_chain.h"

#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

static const struct rt_range all;

START_TEST(a_chain_ends_where_ranges_meet)
{
	const struct rt_manifest *manifest =
	    rtt_draw_manifest("L1 c1-1 a..b\nL1 c1-2 c..d\nL1 c1-3 e..g\n"
			      "L2 c1-4 g..z\n");
	const struct rt_manifest_table *tables[] = {
		&manifest->runs[0].tables[0], &manifest->runs[0].tables[1],
		&manifest->runs[0].tables[2], &manifest->runs[1].tables[0],
	};

	ck_assert_uint_eq(rtc_table_chain_length(tables, 4), 3);
	ck_assert_uint_eq(rtc_table_chain_length(tables, 2), 2);
	ck_assert_uint_eq(rtc_table_chain_length(tables + 2, 2), 1);
	ck_assert_uint_eq(rtc_table_chain_length(tables + 3, 1), 1);
	rt_manifest_unref(manifest);
}
END_TEST

/* Two tables that follow each other: a, b in the older, c, d in the newer. */
static const struct rt_manifest *
two_tables(struct rtt_db *db, const struct rt_manifest_table *tables[2])
{
	static const struct rtt_version low[] = { { "a", 1, false, 0, 0 },
		{ "b", 2, false, 0, 0 } };
	static const struct rtt_version high[] = { { "c", 3, false, 0, 0 },
		{ "d", 4, false, 0, 0 } };
	const struct rt_manifest *manifest;

	rtt_db_init(db);
	rtt_db_flush(db, low, 2);
	rtt_db_flush(db, high, 2);
	manifest = rtt_db_load(db);
	tables[0] = &manifest->runs[1].tables[0];
	tables[1] = &manifest->runs[0].tables[0];
	return manifest;
}

START_TEST(tables_are_read_end_to_end)
{
	const struct rt_manifest_table *tables[2];
	const struct rt_manifest *manifest;
	struct rt_iter *iter;
	uint64_t seq = 1;
	struct rtt_db db;

	manifest = two_tables(&db, tables);
	iter = rtc_table_chain_new(db.fs, db.sst, manifest, tables, 2,
	    &all);
	ck_assert(!iter->valid);
	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		ck_assert_uint_eq(iter->entry.seq, seq++);
	ck_assert_int_eq(iter->code, RT_OK);
	ck_assert_uint_eq(seq, 5);
	for (seq = 1; seq <= 4; seq++) {
		const char *keys = "abcd";
		uint8_t key[RT_KEY_PREFIX_BYTES + 1];

		rt_key_put_prefix(key, 0, RT_KEY_KIND_STRING);
		key[RT_KEY_PREFIX_BYTES] = (uint8_t)keys[seq - 1];
		rt_iter_seek(iter, rt_slice(key, sizeof(key)), RT_SEQ_MAX);
		ck_assert(iter->valid);
		ck_assert_uint_eq(iter->entry.seq, seq);
	}
	rt_iter_seek(iter, rt_slice("\0\0\0\0sz", 6), RT_SEQ_MAX);
	ck_assert(!iter->valid);
	ck_assert_int_eq(iter->code, RT_OK);
	rt_iter_free(iter);
	rt_manifest_unref(manifest);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(a_missing_second_table_is_an_error_not_an_end)
{
	const struct rt_manifest_table *tables[2];
	const struct rt_manifest *manifest;
	struct rt_iter *iter;
	struct rtt_db db;

	manifest = two_tables(&db, tables);
	rt_fs_unlink(db.fs, db.sst, "d-2.sst", NULL);
	iter = rtc_table_chain_new(db.fs, db.sst, manifest, tables, 2,
	    &all);
	rt_iter_seek_first(iter);
	ck_assert(iter->valid);
	rt_iter_next(iter);
	ck_assert(iter->valid);
	rt_iter_next(iter);
	ck_assert(!iter->valid);
	ck_assert_int_ne(iter->code, RT_OK);
	ck_assert_ptr_nonnull(strstr(iter->err.text, "d-2.sst"));
	rt_iter_free(iter);
	rt_manifest_unref(manifest);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(a_table_of_another_name_is_refused)
{
	const struct rt_manifest_table *tables[2];
	const struct rt_manifest *manifest;
	struct rt_iter *iter;
	struct rtt_db db;

	manifest = two_tables(&db, tables);
	/* As a person would who mixes two databases, or two backups. */
	ck_assert_int_eq(rt_fs_rename(db.fs, db.sst, "d-2.sst", "d-1.sst",
	    NULL), RT_OK);
	iter = rtc_table_chain_new(db.fs, db.sst, manifest, tables, 2,
	    &all);
	rt_iter_seek_first(iter);
	ck_assert(!iter->valid);
	ck_assert_int_eq(iter->code, RT_EDAMAGED);
	rt_iter_free(iter);
	rt_manifest_unref(manifest);
	rtt_db_fini(&db);
}
END_TEST

RTT_MAIN("table_chain", a_chain_ends_where_ranges_meet,
    tables_are_read_end_to_end, a_missing_second_table_is_an_error_not_an_end,
    a_table_of_another_name_is_refused)
