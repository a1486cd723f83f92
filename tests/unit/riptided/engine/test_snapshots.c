#include "riptided/engine/snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/key.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

/* -- what they hold: snapshots on the stack, tables without files -- */

static uint64_t drop_seq;	/* of keyspace 0; 0: none */

static void
held(const uint64_t *seqs, size_t count, struct rt_manifest_table *tables,
    size_t tables_count, uint64_t *bytes)
{
	struct rt_manifest_run run = { .tables = tables,
		.tables_count = tables_count };
	struct rt_manifest_drop drop = { 0, drop_seq };
	struct rt_manifest manifest = { .runs = &run, .runs_count = 1,
		.drops = &drop, .drops_count = drop_seq != 0 };
	struct rtd_snapshot snapshots[4] = { { .seq = 0 } };
	struct rtd_snapshot *list[4];

	for (size_t i = 0; i < tables_count; i++)
		if (tables[i].smallest.len == 0)
			tables[i].smallest = tables[i].largest =
			    rt_slice("\0\0\0\0\1", RT_KEY_PREFIX_BYTES);
	for (size_t i = 0; i < count; i++) {
		snapshots[i].seq = seqs[i];
		list[i] = &snapshots[i];
	}
	rtd_snapshots_bytes_held(&manifest, list, count, bytes);
}

START_TEST(bytes_held_are_what_later_versions_may_hide)
{
	static const uint64_t seqs[] = { 100, 200, 200 };
	struct rt_manifest_table tables[] = {
		{ .min_seq = 1, .max_seq = 100, .entries = 100, .size = 1000 },
		{ .min_seq = 101, .max_seq = 200, .entries = 50,
			.size = 800 },
	};
	uint64_t bytes[3];

	held(seqs, 1, tables, 1, bytes);
	ck_assert_uint_eq(bytes[0], 0);
	/* 50 later versions hide 50 of 100 at the most. */
	held(seqs, 1, tables, 2, bytes);
	ck_assert_uint_eq(bytes[0], 500);
	tables[1].entries = 400;
	held(seqs, 1, tables, 2, bytes);
	ck_assert_uint_eq(bytes[0], 1000);
	/* A second one, and a third at the same place, hold nothing yet. */
	held(seqs, 3, tables, 2, bytes);
	ck_assert_uint_eq(bytes[0], 1000);
	ck_assert_uint_eq(bytes[1], 0);
	ck_assert_uint_eq(bytes[2], 0);
}
END_TEST

START_TEST(a_table_across_snapshots_counts_by_parts)
{
	static const uint64_t seqs[] = { 20, 50 };
	struct rt_manifest_table table = {
		.min_seq = 1, .max_seq = 100, .entries = 100, .size = 1000,
	};
	uint64_t bytes[2];

	held(seqs, 2, &table, 1, bytes);
	ck_assert_uint_eq(bytes[0], 200);
	ck_assert_uint_eq(bytes[1], 300);
	/* All of it is older, or younger, than every snapshot. */
	table.min_seq = 51;
	held(seqs, 2, &table, 1, bytes);
	ck_assert_uint_eq(bytes[0] + bytes[1], 0);
	table.min_seq = 1;
	table.max_seq = 20;
	held(seqs, 2, &table, 1, bytes);
	ck_assert_uint_eq(bytes[0] + bytes[1], 0);
}
END_TEST

START_TEST(a_drop_since_then_hides_all)
{
	static const uint64_t seqs[] = { 50, 100 };
	struct rt_manifest_table tables[] = {
		{ .min_seq = 1, .max_seq = 100, .entries = 100, .size = 1000 },
		{ .min_seq = 1, .max_seq = 100, .entries = 100, .size = 1000,
			.smallest = rt_slice("\0\0\0\0\1", 5),
			.largest = rt_slice("\0\0\0\2\1", 5) },
	};
	uint64_t bytes[2];

	drop_seq = 101;
	held(seqs, 2, tables, 1, bytes);
	ck_assert_uint_eq(bytes[0], 500);
	ck_assert_uint_eq(bytes[1], 500);
	/* Between the two it is the first one's alone. */
	drop_seq = 80;
	held(seqs, 2, tables, 1, bytes);
	ck_assert_uint_eq(bytes[0], 500);
	ck_assert_uint_eq(bytes[1], 0);
	/* A table of several keyspaces is not known to be dropped. */
	drop_seq = 101;
	held(seqs, 2, &tables[1], 1, bytes);
	ck_assert_uint_eq(bytes[1], 0);
	drop_seq = 0;
}
END_TEST

/* -- the list, in an engine -- */

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine;
};

static void
init(struct fixture *f)
{
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &f->config,
	};
	struct rt_err err = { 0 };

	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	free(f->config.dir);
	f->config.dir = rt_alloc(300);
	snprintf(f->config.dir, 300, "%s/data", f->scratch.path);
	f->config.disk_reserve = 0;
	ck_assert_msg(rtd_engine_open(&f->engine, &options, &err) == RT_OK,
	    "%s", err.text);
}

static void
fini(struct fixture *f)
{
	ck_assert_int_eq(rtd_engine_close(f->engine, NULL), RT_OK);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

static void
write_key(struct fixture *f)
{
	struct rtd_write_batch batch = { 0 };
	uint64_t seq;

	rtd_write_batch_put(&batch, 0, rt_slice_cstr("a"), rt_slice_cstr("1"),
	    0);
	ck_assert_int_eq(rtd_engine_write(f->engine, &batch, &seq, NULL),
	    RT_OK);
	rtd_engine_end_turn(f->engine);
	rtd_write_batch_fini(&batch);
}

static struct rtd_snapshot *
create(struct fixture *f)
{
	struct rtd_snapshot *snapshot = NULL;

	ck_assert_int_eq(rtd_snapshot_create(f->engine, 0, &snapshot, NULL),
	    RT_OK);
	return snapshot;
}

static size_t
captured(struct fixture *f, uint64_t seqs[4])
{
	uint64_t *list = NULL;
	size_t count = rtd_snapshots_capture(f->engine, &list);

	ck_assert_uint_le(count, 4);
	memcpy(seqs, list, count * sizeof(list[0]));
	free(list);
	return count;
}

START_TEST(what_is_captured_ascends_and_stands_once)
{
	struct rtd_snapshot *snapshots[3];
	struct fixture f;
	uint64_t seqs[4];

	init(&f);
	ck_assert_uint_eq(captured(&f, seqs), 0);
	write_key(&f);
	snapshots[0] = create(&f);
	snapshots[1] = create(&f);
	write_key(&f);
	snapshots[2] = create(&f);
	ck_assert_uint_lt(snapshots[0]->id, snapshots[1]->id);
	ck_assert_uint_eq(captured(&f, seqs), 2);
	ck_assert_uint_eq(seqs[0], snapshots[0]->seq);
	ck_assert_uint_eq(seqs[1], snapshots[2]->seq);
	/* One of two at the same sequence goes, the sequence stays. */
	ck_assert(rtd_snapshot_release(f.engine, snapshots[0]->id));
	ck_assert(!rtd_snapshot_release(f.engine, snapshots[0]->id));
	ck_assert_uint_eq(captured(&f, seqs), 2);
	ck_assert(rtd_snapshot_release(f.engine, snapshots[1]->id));
	ck_assert_uint_eq(captured(&f, seqs), 1);
	ck_assert_uint_eq(seqs[0], snapshots[2]->seq);
	for (unsigned i = 0; i < 3; i++)
		rtd_snapshot_unref(snapshots[i]);
	fini(&f);
}
END_TEST

START_TEST(one_that_is_found_is_held)
{
	struct rtd_snapshot *snapshot, *found;
	struct fixture f;

	init(&f);
	snapshot = create(&f);
	found = rtd_snapshot_find(f.engine, snapshot->id);
	ck_assert_ptr_eq(found, snapshot);
	ck_assert_ptr_null(rtd_snapshot_find(f.engine, snapshot->id + 1));
	rtd_snapshot_unref(snapshot);
	ck_assert(rtd_snapshot_release(f.engine, found->id));
	ck_assert(rtd_snapshot_is_released(found));
	ck_assert_ptr_null(rtd_snapshot_find(f.engine, found->id));
	rtd_snapshot_unref(found);
	fini(&f);
}
END_TEST

START_TEST(there_are_only_so_many)
{
	struct rtd_snapshot *snapshot = NULL;
	struct rt_err err = { 0 };
	struct fixture f;
	uint64_t last_id = 0;

	init(&f);
	for (unsigned i = 0; i < RTD_SNAPSHOTS_MAX; i++) {
		snapshot = create(&f);
		last_id = snapshot->id;
		rtd_snapshot_unref(snapshot);
	}
	ck_assert_int_eq(rtd_snapshot_create(f.engine, 0, &snapshot, &err),
	    RT_ELIMIT);
	ck_assert_ptr_nonnull(strstr(err.text, "1000 snapshots already"));
	ck_assert(rtd_snapshot_release(f.engine, last_id));
	rtd_snapshot_unref(create(&f));
	fini(&f);
}
END_TEST

static size_t
listed(struct fixture *f)
{
	const struct rt_manifest *manifest = rtd_engine_manifest(f->engine);
	size_t count = manifest->snapshots_count;

	rt_manifest_unref(manifest);
	return count;
}

/* However creation, release and publishes meet, the manifest is right in the
 * end, and without a flush. */
START_TEST(the_manifest_follows)
{
	struct fixture f;

	init(&f);
	for (unsigned round = 0; round < 200; round++) {
		struct rtd_snapshot *snapshot = create(&f);

		if (round % 3 != 0)
			usleep(round * 37 % 3000);
		ck_assert(rtd_snapshot_release(f.engine, snapshot->id));
		rtd_snapshot_unref(snapshot);
		write_key(&f);
	}
	rtd_snapshot_unref(create(&f));
	while (listed(&f) != 1)
		usleep(1000);
	fini(&f);
}
END_TEST

RTT_MAIN("snapshots", bytes_held_are_what_later_versions_may_hide,
    a_table_across_snapshots_counts_by_parts, a_drop_since_then_hides_all,
    what_is_captured_ascends_and_stands_once, one_that_is_found_is_held,
    there_are_only_so_many, the_manifest_follows)
