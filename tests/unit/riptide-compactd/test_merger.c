#include "riptide-compactd/merger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/coding.h"
#include "libcommon/table/table_reader.h"
#include "riptide-compactd/publisher.h"
#include "riptide-compactd/ranges.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

#define KEYS 8
#define GRACE_OVER_MS 500
#define CALLS_MAX 2000
#define END_SEQ 1000

static struct rt_err failure;

/* A database, its compactor's merger, and what a job needs. */
struct bench {
	struct rtt_db db;
	struct rt_config config;
	struct rtc_merger merger;
	struct rtc_pace pace;
	struct rtc_job job;
	struct rtc_result result;
	_Atomic uint64_t next_number;
};

static void
bench_init(struct bench *bench)
{
	*bench = (struct bench){ .next_number = 1 };
	rtt_db_init(&bench->db);
	rt_config_init(&bench->config);
	bench->merger = rtt_db_merger(&bench->db, &bench->config,
	    rtt_db_claim(&bench->db), &bench->next_number, &bench->pace);
	bench->merger.expired_before_ms = GRACE_OVER_MS;
}

static void
bench_fini(struct bench *bench)
{
	rtc_result_fini(&bench->result);
	rtc_job_fini(&bench->job);
	rt_config_fini(&bench->config);
	rtt_db_fini(&bench->db);
}

static void
merge(struct bench *bench)
{
	enum rt_code code;

	rtt_db_job(&bench->db, &bench->job);
	code = rtc_merger_run(&bench->merger, &bench->job, &bench->result,
	    &failure);
	ck_assert_msg(code == RT_OK, "%s", failure.text);
}

static void
publish(struct bench *bench)
{
	struct rtc_publisher publisher = {
		.store = bench->db.store,
		.epoch = bench->merger.epoch,
	};
	bool unknown;

	ck_assert_int_eq(rtc_publisher_publish(&publisher, &bench->job,
	    &bench->result, &unknown, &failure), RT_OK);
}

START_TEST(outputs_are_cut_between_keys_only)
{
	struct rtt_version versions[400];
	uint64_t snapshots[20];
	static char keys[20][8];
	struct bench bench;

	bench_init(&bench);
	bench.config.table_size = 4000;
	bench.config.block_size = 1024;
	/* Twenty versions of twenty keys; snapshots keep all of them. */
	for (unsigned i = 0; i < 400; i++) {
		snprintf(keys[i % 20], sizeof(keys[0]), "k%02u", i % 20);
		versions[i] = (struct rtt_version){ .key = keys[i % 20],
			.seq = i + 1, .value_bytes = 100 };
	}
	for (unsigned i = 0; i < 20; i++)
		snapshots[i] = (i + 1) * 20;
	rtt_db_flush(&bench.db, versions, 400);
	rtt_db_set_snapshots(&bench.db, snapshots, 20);
	merge(&bench);
	ck_assert_uint_gt(bench.result.outputs_count, 3);
	ck_assert_uint_eq(bench.result.entries_out, 400);
	for (size_t i = 1; i < bench.result.outputs_count; i++)
		ck_assert_int_lt(rt_slice_compare(
		    rt_buf_slice(&bench.result.outputs[i - 1].info.largest),
		    rt_buf_slice(&bench.result.outputs[i].info.smallest)), 0);
	publish(&bench);
	for (unsigned i = 0; i < 400; i++)
		ck_assert_uint_eq(rtt_db_read(&bench.db, versions[i].key,
		    versions[i].seq, 0), versions[i].seq);
	bench_fini(&bench);
}
END_TEST

START_TEST(overwritten_and_deleted_keys_leave_nothing)
{
	static const struct rtt_version first[] = { { "a", 1, false, 0, 0 },
		{ "b", 2, false, 0, 0 }, { "c", 3, false, 100, 0 } };
	static const struct rtt_version second[] = { { "a", 4, false, 0, 0 },
		{ "b", 5, true, 0, 0 } };
	struct bench bench;

	bench_init(&bench);
	rtt_db_flush(&bench.db, first, 3);
	rtt_db_flush(&bench.db, second, 2);
	merge(&bench);
	publish(&bench);
	ck_assert_uint_eq(rtt_db_count(&bench.db, "a"), 1);
	ck_assert_uint_eq(rtt_db_count(&bench.db, "b"), 0);
	ck_assert_uint_eq(rtt_db_count(&bench.db, "c"), 0);
	ck_assert_uint_eq(rtt_db_read(&bench.db, "a", END_SEQ, 0), 4);
	ck_assert_uint_eq(bench.result.verdicts[RTC_GO_SHADOWED], 2);
	ck_assert_uint_eq(bench.result.verdicts[RTC_GO_TOMBSTONE], 1);
	ck_assert_uint_eq(bench.result.verdicts[RTC_GO_EXPIRED], 1);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_merge_of_which_nothing_stays_has_no_output)
{
	static const struct rtt_version first[] = { { "a", 1, false, 0, 0 } };
	static const struct rtt_version second[] = { { "a", 2, true, 0, 0 } };
	const struct rt_manifest *manifest;
	struct bench bench;

	bench_init(&bench);
	rtt_db_flush(&bench.db, first, 1);
	rtt_db_flush(&bench.db, second, 1);
	merge(&bench);
	ck_assert_uint_eq(bench.result.outputs_count, 0);
	publish(&bench);
	manifest = rtt_db_load(&bench.db);
	ck_assert_uint_eq(manifest->runs_count, 0);
	ck_assert_uint_eq(manifest->obsolete_count, 2);
	rt_manifest_unref(manifest);
	bench_fini(&bench);
}
END_TEST

START_TEST(outputs_end_where_tables_below_do)
{
	/* The level below the target has tables a..b and c..d. */
	static const struct rtt_version low[] = { { "a", 1, false, 0, 2000 },
		{ "b", 2, false, 0, 2000 }, { "c", 3, false, 0, 2000 },
		{ "d", 4, false, 0, 2000 } };
	static const struct rtt_version high[] = { { "a", 5, false, 0, 1900 },
		{ "b", 6, false, 0, 1900 }, { "c", 7, false, 0, 300 },
		{ "d", 8, false, 0, 300 } };
	struct bench bench;

	bench_init(&bench);
	bench.config.table_size = 4000;
	bench.config.block_size = 1024;
	rtt_db_flush(&bench.db, low, 4);
	merge(&bench);
	ck_assert_uint_eq(bench.result.outputs_count, 2);
	publish(&bench);
	rtc_result_fini(&bench.result);
	rtc_job_fini(&bench.job);
	rtt_db_flush(&bench.db, high, 4);
	rtt_db_job(&bench.db, &bench.job);
	/* As if level 5 were the base: the last inputs stay below. */
	bench.job.inputs_count = 1;
	bench.job.target_level = 5;
	bench.job.is_last_level = false;
	bench.config.table_size = 4800;
	ck_assert_int_eq(rtc_merger_run(&bench.merger, &bench.job,
	    &bench.result, &failure), RT_OK);
	ck_assert_uint_eq(bench.result.outputs_count, 2);
	ck_assert_uint_eq(bench.result.outputs[0].info.largest.data[5], 'b');
	ck_assert_uint_eq(bench.result.outputs[1].info.smallest.data[5], 'c');
	bench_fini(&bench);
}
END_TEST

static unsigned
below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

/* Three runs of random versions, flushed as a daemon does; what every reader
 * sees before and after. */
static void
one_round(unsigned seed)
{
	static const char *const names[KEYS] = { "a", "aa", "b", "c", "cc",
		"d", "e", "f" };
	uint64_t snapshots[4], seq = 1, before[5][KEYS];
	struct bench bench;

	srand(seed);
	bench_init(&bench);
	for (unsigned run = 0; run < 3; run++) {
		struct rtt_version versions[30];

		for (unsigned i = 0; i < 30; i++)
			versions[i] = (struct rtt_version){
				.key = names[below(KEYS)],
				.seq = seq++,
				.deletes = below(4) == 0,
				.expire_ms = below(4) == 0 ? 1 + below(999) : 0,
				.value_bytes = below(300),
			};
		rtt_db_flush(&bench.db, versions, 30);
	}
	for (unsigned i = 0; i < 4; i++)
		snapshots[i] = (i > 0 ? snapshots[i - 1] : 0) + 1 + below(22);
	rtt_db_set_snapshots(&bench.db, snapshots, below(5));
	for (unsigned i = 0; i < 5; i++)
		for (unsigned key = 0; key < KEYS; key++)
			before[i][key] = rtt_db_read(&bench.db, names[key],
			    i < 4 ? snapshots[i] : END_SEQ, GRACE_OVER_MS);
	bench.config.table_size = 1000;
	bench.config.block_size = 1024;
	merge(&bench);
	publish(&bench);
	for (unsigned i = 0; i < 5; i++) {
		const struct rt_manifest *manifest = bench.job.manifest;

		/* Only snapshots that the manifest lists are promised. */
		if (i < 4 && i >= manifest->snapshots_count)
			continue;
		for (unsigned key = 0; key < KEYS; key++)
			ck_assert_msg(rtt_db_read(&bench.db, names[key],
			    i < 4 ? snapshots[i] : END_SEQ, GRACE_OVER_MS) ==
			    before[i][key], "seed %u: key %s, reader %u", seed,
			    names[key], i);
	}
	if (bench.job.manifest->snapshots_count == 0)
		ck_assert_uint_le(rtt_db_count(&bench.db, NULL), KEYS);
	bench_fini(&bench);
}

START_TEST(every_reader_sees_the_same_after_a_merge)
{
	const char *given = getenv("RTT_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0)
				      : (unsigned)time(NULL);

	printf("# RTT_SEED=%u\n", seed);
	fflush(stdout);
	for (unsigned i = 0; i < 25; i++)
		one_round(seed + i);
}
END_TEST

/* What the outputs of a result hold, in their order. */
static struct rt_buf
contents(struct bench *bench)
{
	struct rt_buf all = { 0 };

	for (size_t i = 0; i < bench->result.outputs_count; i++) {
		struct rt_table_reader *reader = NULL;
		char name[RT_PATH_NAME_BYTES];
		struct rt_iter *iter;

		ck_assert_int_eq(rt_table_reader_open(&reader, bench->db.fs,
		    bench->db.sst,
		    rt_path_table(name, bench->result.outputs[i].id), NULL,
		    NULL, NULL, &failure), RT_OK);
		iter = rt_table_reader_iter(reader, 0, 0);
		for (rt_iter_seek_first(iter); iter->valid;
		     rt_iter_next(iter)) {
			rt_buf_put_bytes(&all, iter->entry.key);
			rt_buf_put_varint(&all, iter->entry.seq);
			rt_buf_put_bytes(&all, iter->entry.value);
		}
		ck_assert_int_eq(iter->code, RT_OK);
		rt_iter_free(iter);
		rt_table_reader_unref(reader);
	}
	return all;
}

static void
fill_at_random(struct bench *bench, unsigned names_count)
{
	static char names[200][8];
	uint64_t seq = 1, snapshots[4];

	for (unsigned i = 0; i < names_count; i++)
		snprintf(names[i], sizeof(names[0]), "k%u", i);
	for (unsigned run = 0; run < 4; run++) {
		struct rtt_version versions[80];

		for (unsigned i = 0; i < 80; i++)
			versions[i] = (struct rtt_version){
				.key = names[below(names_count)],
				.seq = seq++,
				.deletes = below(4) == 0,
				.expire_ms = below(4) == 0 ? 1 + below(999) : 0,
				.value_bytes = below(300),
			};
		rtt_db_flush(&bench->db, versions, 80);
	}
	for (unsigned i = 0; i < 4; i++)
		snapshots[i] = (i > 0 ? snapshots[i - 1] : 0) + 1 + below(80);
	rtt_db_set_snapshots(&bench->db, snapshots, below(5));
}

START_TEST(threads_change_no_entry)
{
	unsigned seed = (unsigned)time(NULL);
	size_t most = 0;

	printf("# seed %u\n", seed);
	fflush(stdout);
	for (unsigned round = 0; round < 20; round++) {
		struct rt_buf one = { 0 };
		struct bench bench;

		srand(seed + round);
		bench_init(&bench);
		bench.config.table_size = 1000 + below(4000);
		bench.config.block_size = 1024;
		fill_at_random(&bench, round % 2 == 0 ? KEYS : 200);
		rtt_db_job(&bench.db, &bench.job);
		for (unsigned threads = 1; threads <= 16; threads *= 2) {
			struct rtc_result *result = &bench.result;
			struct rt_buf many;

			bench.merger.threads = threads;
			ck_assert_int_eq(rtc_merger_run(&bench.merger,
			    &bench.job, result, &failure), RT_OK);
			ck_assert_uint_ge(result->threads, 1);
			ck_assert_uint_le(result->threads, threads);
			ck_assert_uint_gt(result->cpu_ns, 0);
			many = contents(&bench);
			if (threads == 1)
				one = many;
			else
				ck_assert_msg(rt_slice_equal(
				    rt_buf_slice(&one), rt_buf_slice(&many)),
				    "seed %u, %u threads", seed + round,
				    threads);
			if (threads == 16)
				publish(&bench);
			else
				rtc_result_unlink(result, &bench.merger);
			if (result->outputs_count > most)
				most = result->outputs_count;
			rtc_result_fini(result);
			if (threads != 1)
				rt_buf_fini(&many);
		}
		rt_buf_fini(&one);
		bench_fini(&bench);
	}
	ck_assert_uint_gt(most, 8);
}
END_TEST

/* Four runs of twenty keys each, which several threads share. */
static void
fill_for_threads(struct bench *bench)
{
	static char names[20][8];
	uint64_t seq = 1;

	bench->config.table_size = 16000;
	bench->config.block_size = 1024;
	bench->merger.threads = 4;
	for (unsigned run = 0; run < 4; run++) {
		struct rtt_version versions[20];

		for (unsigned i = 0; i < 20; i++) {
			snprintf(names[i], sizeof(names[0]), "k%02u", i);
			versions[i] = (struct rtt_version){ .key = names[i],
				.seq = seq++, .value_bytes = 4000 };
		}
		rtt_db_flush(&bench->db, versions, 20);
	}
	rtt_db_job(&bench->db, &bench->job);
}

START_TEST(ranges_are_about_equal)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct rtc_ranges ranges;
	struct bench bench;

	bench_init(&bench);
	fill_for_threads(&bench);
	ck_assert_int_eq(rtc_ranges_plan(&ranges, &bench.merger, &bench.job,
	    &failure), RT_OK);
	ck_assert_uint_eq(ranges.count, 4);
	for (size_t i = 0; i < ranges.count; i++) {
		struct rt_range range = ranges.all[i].keys;
		unsigned from = 0, to = 20;

		ck_assert_int_eq(range.lower.len == 0, i == 0);
		ck_assert_int_eq(range.upper.len == 0, i == 3);
		if (i > 0)
			from = (unsigned)(range.lower.data[6] - '0') * 10 +
			    range.lower.data[7] - '0';
		if (i < 3)
			to = (unsigned)(range.upper.data[6] - '0') * 10 +
			    range.upper.data[7] - '0';
		ck_assert_uint_lt(from, to);
		least = to - from < least ? to - from : least;
		most = to - from > most ? to - from : most;
	}
	ck_assert_uint_ge(least, 4);
	ck_assert_uint_le(most, 6);
	rtc_ranges_fini(&ranges);
	bench.merger.threads = 1;
	ck_assert_int_eq(rtc_ranges_plan(&ranges, &bench.merger, &bench.job,
	    &failure), RT_OK);
	ck_assert_uint_eq(ranges.count, 1);
	rtc_ranges_fini(&ranges);
	bench_fini(&bench);
}
END_TEST

/* One input of 600 keys, which three threads share. */
START_TEST(few_inputs_tell_as_well_where_to_cut)
{
	static char names[600][8];
	struct rtt_version versions[600];
	struct rtc_ranges ranges;
	struct bench bench;
	unsigned from = 0;

	bench_init(&bench);
	bench.config.table_size = 16000;
	for (unsigned i = 0; i < 600; i++) {
		snprintf(names[i], sizeof(names[0]), "k%03u", i);
		versions[i] = (struct rtt_version){ .key = names[i],
			.seq = i + 1, .value_bytes = 4000 };
	}
	rtt_db_flush(&bench.db, versions, 600);
	rtt_db_job(&bench.db, &bench.job);
	bench.merger.threads = 3;
	ck_assert_int_eq(rtc_ranges_plan(&ranges, &bench.merger, &bench.job,
	    &failure), RT_OK);
	ck_assert_uint_eq(ranges.count, 3);
	for (size_t i = 0; i < 3; i++) {
		struct rt_slice upper = ranges.all[i].keys.upper;
		unsigned to = upper.len == 0 ? 600
		    : (unsigned)(upper.data[6] - '0') * 100 +
			(unsigned)(upper.data[7] - '0') * 10 + upper.data[8] -
			'0';

		ck_assert_uint_ge(to - from, 190);
		ck_assert_uint_le(to - from, 210);
		from = to;
	}
	rtc_ranges_fini(&ranges);
	bench_fini(&bench);
}
END_TEST

static const struct rtt_version some[] = { { "a", 1, false, 0, 900 },
	{ "b", 2, false, 0, 900 }, { "c", 3, false, 0, 900 } };
static const struct rtt_version more[] = { { "a", 4, false, 0, 900 },
	{ "b", 5, false, 0, 900 }, { "d", 6, false, 0, 900 } };

/* Each call fails once, and nothing but the inputs is there then. */
static void
fail_each_call(struct bench *bench, size_t inputs)
{
	struct rtt_fault_fs fault;
	long n = 1;

	rtt_fault_fs_init(&fault);
	bench->merger.fs = &fault.fs;
	for (;; n++) {
		enum rt_code code;

		ck_assert_int_lt(n, CALLS_MAX);
		rtt_fault_fs_arm(&fault, n, false, EIO);
		code = rtc_merger_run(&bench->merger, &bench->job, &bench->result,
		    &failure);
		rtt_fault_fs_disarm(&fault);
		if (fault.failed == 0) {
			ck_assert_int_eq(code, RT_OK);
			break;
		}
		/* Some calls are hints, whose failure is nobody's concern. */
		if (code == RT_OK) {
			ck_assert_uint_gt(bench->result.outputs_count, 1);
			rtc_result_unlink(&bench->result, &bench->merger);
		}
		rtc_result_fini(&bench->result);
		ck_assert_msg(rtt_db_files(&bench->db) == inputs, "call %ld", n);
	}
	ck_assert_int_gt(n, 20);
}

START_TEST(a_failing_disk_leaves_no_output)
{
	struct bench bench;

	bench_init(&bench);
	bench.config.table_size = 1000;
	bench.config.block_size = 1024;
	rtt_db_flush(&bench.db, some, 3);
	rtt_db_flush(&bench.db, more, 3);
	rtt_db_job(&bench.db, &bench.job);
	fail_each_call(&bench, 2);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_failing_disk_ends_all_threads)
{
	struct bench bench;

	bench_init(&bench);
	fill_for_threads(&bench);
	fail_each_call(&bench, 4);
	bench_fini(&bench);
}
END_TEST


static void
flip_byte(struct rtt_db *db, struct rt_file_id id, uint64_t offset)
{
	char name[RT_PATH_NAME_BYTES];
	uint8_t byte;
	int fd = -1;

	ck_assert_int_eq(rt_fs_open_write(db->fs, db->sst,
	    rt_path_table(name, id), &fd, &failure), RT_OK);
	ck_assert_int_eq(rt_fs_read_exact(db->fs, fd, &byte, 1, offset,
	    &failure), RT_OK);
	byte ^= 0x10;
	ck_assert_int_eq(rt_fs_write_exact(db->fs, fd, &byte, 1, offset,
	    &failure), RT_OK);
	rt_fs_close(db->fs, &fd, NULL);
}

START_TEST(a_damaged_input_is_an_error_that_names_it)
{
	struct bench bench;

	bench_init(&bench);
	rtt_db_flush(&bench.db, some, 3);
	rtt_db_flush(&bench.db, more, 3);
	flip_byte(&bench.db, (struct rt_file_id){ 0, 1 }, 200);
	rtt_db_job(&bench.db, &bench.job);
	ck_assert_int_eq(rtc_merger_run(&bench.merger, &bench.job,
	    &bench.result, &failure), RT_EDAMAGED);
	ck_assert_msg(strstr(failure.text, "d-1.sst") != NULL, "%s",
	    failure.text);
	ck_assert_uint_eq(rtt_db_files(&bench.db), 2);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_range_that_fails_tells_why)
{
	struct bench bench;

	bench_init(&bench);
	fill_for_threads(&bench);
	/* Late in the table, and so in the last range. */
	flip_byte(&bench.db, bench.job.inputs[3]->id, 76000);
	ck_assert_int_eq(rtc_merger_run(&bench.merger, &bench.job,
	    &bench.result, &failure), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(failure.text, "d-1.sst"));
	ck_assert_uint_eq(rtt_db_files(&bench.db), 4);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_missing_input_is_an_error_that_names_it)
{
	char name[RT_PATH_NAME_BYTES];
	struct bench bench;

	bench_init(&bench);
	rtt_db_flush(&bench.db, some, 3);
	rtt_db_job(&bench.db, &bench.job);
	rt_fs_unlink(bench.db.fs, bench.db.sst,
	    rt_path_table(name, (struct rt_file_id){ 0, 1 }), NULL);
	ck_assert_int_ne(rtc_merger_run(&bench.merger, &bench.job,
	    &bench.result, &failure), RT_OK);
	ck_assert_ptr_nonnull(strstr(failure.text, "d-1.sst"));
	ck_assert_uint_eq(rtt_db_files(&bench.db), 0);
	bench_fini(&bench);
}
END_TEST

static bool
stop_now(void *arg, unsigned wait_ms)
{
	(*(unsigned *)arg)++;
	return true;
}

START_TEST(a_stopped_merge_leaves_no_file)
{
	struct rtt_version versions[40];
	static char keys[40][8];
	struct bench bench;
	unsigned asked = 0;

	bench_init(&bench);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(keys[i], sizeof(keys[0]), "k%02u", i);
		versions[i] = (struct rtt_version){ .key = keys[i],
			.seq = i + 1, .value_bytes = 20000 };
	}
	rtt_db_flush(&bench.db, versions, 40);
	rtt_db_job(&bench.db, &bench.job);
	bench.merger.should_stop = stop_now;
	bench.merger.should_stop_arg = &asked;
	ck_assert_int_eq(rtc_merger_run(&bench.merger, &bench.job,
	    &bench.result, &failure), RT_ESTOPPED);
	ck_assert_uint_eq(asked, 1);
	ck_assert_uint_eq(rtt_db_files(&bench.db), 1);
	bench_fini(&bench);
}
END_TEST

RTT_MAIN("merger", outputs_are_cut_between_keys_only,
    overwritten_and_deleted_keys_leave_nothing,
    a_merge_of_which_nothing_stays_has_no_output,
    outputs_end_where_tables_below_do,
    every_reader_sees_the_same_after_a_merge, threads_change_no_entry,
    ranges_are_about_equal,
    few_inputs_tell_as_well_where_to_cut, a_failing_disk_leaves_no_output,
    a_failing_disk_ends_all_threads, a_range_that_fails_tells_why,
    a_damaged_input_is_an_error_that_names_it,
    a_missing_input_is_an_error_that_names_it, a_stopped_merge_leaves_no_file)
