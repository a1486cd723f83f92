#include "riptide-compactd/publisher.h"

#include <errno.h>

#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

#define CALLS_MAX 200

static struct rt_err failure;

struct bench {
	struct rtt_db db;
	struct rt_config config;
	struct rtc_merger merger;
	struct rtc_pace pace;
	struct rtc_job job;
	struct rtc_result result;
	_Atomic uint64_t next_number;
};

static const struct rtt_version some[] = { { "a", 1, false, 0, 0 },
	{ "b", 2, false, 0, 0 } };
static const struct rtt_version more[] = { { "a", 3, false, 0, 0 },
	{ "c", 4, false, 0, 0 } };

/* A merge of the two runs, done and not yet published. */
static void
bench_init(struct bench *bench)
{
	*bench = (struct bench){ .next_number = 1 };
	rtt_db_init(&bench->db);
	rt_config_init(&bench->config);
	bench->merger = rtt_db_merger(&bench->db, &bench->config,
	    rtt_db_claim(&bench->db), &bench->next_number, &bench->pace);
	rtt_db_flush(&bench->db, some, 2);
	rtt_db_flush(&bench->db, more, 2);
	rtt_db_job(&bench->db, &bench->job);
	ck_assert_int_eq(rtc_merger_run(&bench->merger, &bench->job,
	    &bench->result, &failure), RT_OK);
}

static void
bench_fini(struct bench *bench)
{
	rtc_result_fini(&bench->result);
	rtc_job_fini(&bench->job);
	rt_config_fini(&bench->config);
	rtt_db_fini(&bench->db);
}

static enum rt_code
publish(struct bench *bench, struct rt_manifest_store *store, bool *unknown)
{
	struct rtc_publisher publisher = {
		.store = store,
		.epoch = bench->merger.epoch,
	};

	return rtc_publisher_publish(&publisher, &bench->job, &bench->result,
	    unknown, &failure);
}

START_TEST(a_flush_that_came_meanwhile_is_carried_along)
{
	static const struct rtt_version late[] = { { "a", 9, false, 0, 0 } };
	const struct rt_manifest *manifest;
	struct bench bench;
	bool unknown;

	bench_init(&bench);
	rtt_db_flush(&bench.db, late, 1);
	ck_assert_int_eq(publish(&bench, bench.db.store, &unknown), RT_OK);
	manifest = rtt_db_load(&bench.db);
	ck_assert_uint_eq(manifest->runs_count, 2);
	ck_assert_uint_eq(manifest->runs[0].level, 0);
	ck_assert_uint_eq(manifest->runs[0].tables[0].id.number, 3);
	ck_assert_uint_eq(manifest->runs[1].level, RTC_LEVEL_LAST);
	ck_assert_uint_eq(manifest->flushed_seq, 9);
	ck_assert_uint_eq(manifest->obsolete_count, 2);
	rt_manifest_unref(manifest);
	ck_assert_uint_eq(rtt_db_read(&bench.db, "a", 100, 0), 9);
	ck_assert_uint_eq(rtt_db_read(&bench.db, "c", 100, 0), 4);
	bench_fini(&bench);
}
END_TEST

START_TEST(of_two_results_from_the_same_inputs_one_is_published)
{
	struct rt_manifest_store *other = NULL;
	const struct rt_manifest *manifest;
	struct rtc_result second;
	struct bench bench;
	bool unknown;

	bench_init(&bench);
	ck_assert_int_eq(rt_manifest_store_open(&other, bench.db.fs,
	    bench.db.scratch.fd, false, &failure), RT_OK);
	ck_assert_int_eq(rtc_merger_run(&bench.merger, &bench.job, &second,
	    &failure), RT_OK);
	ck_assert_int_eq(publish(&bench, bench.db.store, &unknown), RT_OK);
	rtc_result_fini(&bench.result);
	bench.result = second;
	ck_assert_int_eq(publish(&bench, other, &unknown), RT_ECONFLICT);
	ck_assert(!unknown);
	manifest = rtt_db_load(&bench.db);
	ck_assert_uint_eq(manifest->runs[0].tables[0].id.number, 1);
	rt_manifest_unref(manifest);
	rt_manifest_store_close(other);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_former_holder_of_the_role_is_fenced)
{
	struct bench bench;
	uint64_t before;
	bool unknown;

	bench_init(&bench);
	rtt_db_claim(&bench.db);
	ck_assert_int_eq(rt_manifest_store_highest(bench.db.store, &before,
	    &failure), RT_OK);
	ck_assert_int_eq(publish(&bench, bench.db.store, &unknown), RT_EFENCED);
	ck_assert(!unknown);
	bench_fini(&bench);
}
END_TEST

/* Whatever call fails: told "published" means that it is, told "not" means
 * that it is not, and only "unknown" leaves it open. */
START_TEST(a_failing_disk_gives_no_wrong_answer)
{
	unsigned published = 0, refused = 0;

	for (long n = 1;; n++) {
		struct rt_manifest_store *store = NULL;
		const struct rt_manifest *manifest;
		struct rtt_fault_fs fault;
		struct bench bench;
		enum rt_code code;
		bool unknown, done;
		long failed;

		ck_assert_int_lt(n, CALLS_MAX);
		bench_init(&bench);
		rtt_fault_fs_init(&fault);
		ck_assert_int_eq(rt_manifest_store_open(&store, &fault.fs,
		    bench.db.scratch.fd, false, &failure), RT_OK);
		rtt_fault_fs_arm(&fault, n, n % 2 == 0, EIO);
		code = publish(&bench, store, &unknown);
		rtt_fault_fs_disarm(&fault);
		failed = fault.failed;
		manifest = rtt_db_load(&bench.db);
		done = manifest->obsolete_count > 0;
		rt_manifest_unref(manifest);
		if (code == RT_OK)
			ck_assert_msg(done, "call %ld", n);
		else if (!unknown)
			ck_assert_msg(!done, "call %ld", n);
		published += done;
		refused += !done;
		rt_manifest_store_close(store);
		bench_fini(&bench);
		if (failed == 0)
			break;
	}
	ck_assert_uint_gt(published, 0);
	ck_assert_uint_gt(refused, 0);
}
END_TEST

/* -- since when tombstones are there -- */

/* A clock that stands at 5000 s. */
static int64_t
wall_ms(struct rt_clock *clock)
{
	(void)clock;
	return 5000 * 1000;
}

static uint64_t
boot_ns(struct rt_clock *clock)
{
	(void)clock;
	return UINT64_C(5000) * 1000000000;
}

static const struct rtt_version low[] = { { "a", 1, true, 0, 0 },
	{ "b", 2, false, 0, 40000 }, { "c", 3, false, 0, 40000 } };
static const struct rtt_version high[] = { { "x", 4, false, 0, 40000 },
	{ "y", 5, false, 0, 40000 }, { "z", 6, true, 0, 0 } };
static const struct rtt_version all[] = { { "a", 1, true, 0, 0 },
	{ "z", 2, true, 0, 0 } };

/* Two runs, of different times, become the last level, in its first and in its
 * last table: since[0] and since[1]. A snapshot from before all keeps
 * tombstones. */
static void
merge_times(const struct rtt_version *newer, size_t newer_count,
    uint64_t newer_s, const struct rtt_version *older, size_t older_count,
    uint64_t older_s, bool keeps, bool has_clock, uint64_t since[2])
{
	static const uint64_t before_all = 0;
	struct rt_clock clock = { .wall_ms = wall_ms, .boot_ns = boot_ns };
	struct bench bench = { .next_number = 1 };
	const struct rt_clock_mark no_mark = { 0 };
	const struct rt_manifest *manifest;
	const struct rt_manifest_run *run;
	struct rt_expiry_clock expiry;
	struct rtc_publisher publisher;
	bool unknown;

	rtt_db_init(&bench.db);
	rt_config_init(&bench.config);
	bench.config.table_size = 64 << 10;
	bench.merger = rtt_db_merger(&bench.db, &bench.config,
	    rtt_db_claim(&bench.db), &bench.next_number, &bench.pace);
	bench.db.tombstones_since_s = older_s;
	rtt_db_flush(&bench.db, older, older_count);
	bench.db.tombstones_since_s = newer_s;
	rtt_db_flush(&bench.db, newer, newer_count);
	if (keeps)
		rtt_db_set_snapshots(&bench.db, &before_all, 1);
	rtt_db_job(&bench.db, &bench.job);
	ck_assert_int_eq(rtc_merger_run(&bench.merger, &bench.job,
	    &bench.result, &failure), RT_OK);
	rt_expiry_clock_init(&expiry, &clock, &no_mark, 0);
	publisher = (struct rtc_publisher){
		.store = bench.db.store,
		.epoch = bench.merger.epoch,
		.clock = has_clock ? &expiry : NULL,
	};
	ck_assert_int_eq(rtc_publisher_publish(&publisher, &bench.job,
	    &bench.result, &unknown, &failure), RT_OK);
	manifest = rtt_db_load(&bench.db);
	run = &manifest->runs[0];
	ck_assert_uint_eq(run->level, RTC_LEVEL_LAST);
	since[0] = run->tables[0].tombstones_since_s;
	since[1] = run->tables[run->tables_count - 1].tombstones_since_s;
	rt_manifest_unref(manifest);
	rt_expiry_clock_fini(&expiry);
	bench_fini(&bench);
}

START_TEST(tombstones_that_stay_have_the_earliest_time)
{
	uint64_t since[2];

	merge_times(high, 3, 900, all, 2, 700, true, true, since);
	ck_assert_uint_eq(since[0], 700);
	ck_assert_uint_eq(since[1], 700);
	merge_times(high, 3, 700, all, 2, 900, true, true, since);
	ck_assert_uint_eq(since[1], 700);
}
END_TEST

START_TEST(an_input_that_a_table_does_not_meet_says_nothing_about_it)
{
	uint64_t since[2];

	merge_times(high, 3, 900, low, 3, 700, true, true, since);
	ck_assert_uint_eq(since[0], 700);
	ck_assert_uint_eq(since[1], 900);
}
END_TEST

START_TEST(tombstones_that_go_leave_no_time)
{
	uint64_t since[2];

	merge_times(high, 3, 900, low, 3, 700, false, true, since);
	ck_assert_uint_eq(since[0], 0);
	ck_assert_uint_eq(since[1], 0);
}
END_TEST

START_TEST(tombstones_without_a_time_age_from_now_on)
{
	uint64_t since[2];

	merge_times(high, 3, 0, all, 2, 0, true, true, since);
	ck_assert_uint_eq(since[0], 5000);
	ck_assert_uint_eq(since[1], 5000);
	merge_times(high, 3, 0, low, 3, 700, true, true, since);
	ck_assert_uint_eq(since[0], 700);
	ck_assert_uint_eq(since[1], 5000);
	merge_times(high, 3, 0, all, 2, 0, true, false, since);
	ck_assert_uint_eq(since[0], 0);
}
END_TEST

RTT_MAIN("publisher", tombstones_that_stay_have_the_earliest_time,
    an_input_that_a_table_does_not_meet_says_nothing_about_it,
    tombstones_that_go_leave_no_time,
    tombstones_without_a_time_age_from_now_on, a_flush_that_came_meanwhile_is_carried_along,
    of_two_results_from_the_same_inputs_one_is_published,
    a_former_holder_of_the_role_is_fenced, a_failing_disk_gives_no_wrong_answer)
