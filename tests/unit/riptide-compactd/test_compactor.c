/* A compactor in this process, on a database without a daemon. */
#include "riptide-compactd/compactor.h"

#include <stdio.h>
#include <string.h>

#include "libcommon/daemon/log.h"
#include "libcommon/manifest/compactor_status.h"
#include "riptide-compactd/plan.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

static struct rt_err failure;

static void
configure(struct rt_config *config, const char *dir)
{
	rt_config_init(config);
	rt_log_set_level(RT_LOG_WARNING);
	ck_assert_int_eq(rt_config_set(config, rt_slice_cstr("dir"),
	    rt_slice_cstr(dir), false, &failure), RT_OK);
}

static struct rtc_options
options_for(struct rt_config *config)
{
	return (struct rtc_options){
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = config,
		.once = true,
		.signal_fd = -1,
	};
}

static void
run_once(struct rtc_options *options)
{
	struct rtc_compactor *compactor = NULL;

	ck_assert_msg(rtc_compactor_open(&compactor, options, &failure) ==
	    RT_OK, "%s", failure.text);
	ck_assert_msg(rtc_compactor_run(compactor, &failure) == RT_OK, "%s",
	    failure.text);
	rtc_compactor_close(compactor);
}

/* Runs of level 0, each with all keys; the last one deletes "gone". */
static void
fill(struct rtt_db *db, unsigned runs)
{
	for (unsigned i = 0; i < runs; i++) {
		const struct rtt_version versions[] = {
			{ "a", 3 * i + 1, false, 0, 500 },
			{ "gone", 3 * i + 2, i + 1 == runs, 0, 500 },
			{ "z", 3 * i + 3, false, 0, 500 },
		};

		rtt_db_flush(db, versions, 3);
	}
}

static size_t
level0_runs(struct rtt_db *db)
{
	const struct rt_manifest *manifest = rtt_db_load(db);
	size_t runs = rt_manifest_level0_runs(manifest);

	rt_manifest_unref(manifest);
	return runs;
}

START_TEST(once_brings_level_0_under_its_trigger)
{
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	fill(&db, 6);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	run_once(&options);
	ck_assert_uint_eq(level0_runs(&db), 0);
	ck_assert_uint_eq(rtt_db_read(&db, "a", 100, 0), 16);
	ck_assert_uint_eq(rtt_db_read(&db, "z", 100, 0), 18);
	ck_assert_uint_eq(rtt_db_read(&db, "gone", 100, 0), 0);
	ck_assert_uint_eq(rtt_db_count(&db, NULL), 2);
	/* No daemon runs: what is obsolete is unlinked too. */
	ck_assert_uint_eq(rtt_db_files(&db), 1);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(below_the_trigger_nothing_is_done)
{
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	fill(&db, 3);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	run_once(&options);
	ck_assert_uint_eq(level0_runs(&db), 3);
	options.full = true;
	run_once(&options);
	ck_assert_uint_eq(level0_runs(&db), 0);
	ck_assert_uint_eq(rtt_db_count(&db, NULL), 2);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(each_start_is_an_epoch_that_sweeps_the_ones_before)
{
	struct rt_compactor_status status;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	fill(&db, 4);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	run_once(&options);
	rtt_db_make_file(&db, (struct rt_file_id){ 1, 77 });
	run_once(&options);
	ck_assert(!rtt_db_has_file(&db, (struct rt_file_id){ 1, 77 }));
	ck_assert_int_eq(rt_compactor_status_load(db.fs, db.scratch.fd, &status,
	    &failure), RT_OK);
	ck_assert_uint_eq(status.epoch, 2);
	ck_assert(!status.running);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(versions_of_a_released_snapshot_go)
{
	const struct rtt_version versions[] = {
		{ "a", 1, false, 0, 500 },
		{ "a", 2, false, 0, 500 },
		{ "b", 3, false, 0, 500 },
	};
	const uint64_t snapshot = 1;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	rtt_db_set_snapshots(&db, &snapshot, 1);
	rtt_db_flush(&db, versions, 3);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	options.full = true;
	run_once(&options);
	ck_assert_uint_eq(rtt_db_count(&db, "a"), 2);
	ck_assert_uint_eq(rtt_db_read(&db, "a", 1, 0), 1);
	rtt_db_set_snapshots(&db, NULL, 0);
	run_once(&options);
	ck_assert_uint_eq(rtt_db_count(&db, "a"), 1);
	ck_assert_uint_eq(rtt_db_read(&db, "a", 9, 0), 2);
	ck_assert_uint_eq(rtt_db_count(&db, NULL), 2);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(a_second_compactor_is_refused)
{
	struct rtc_compactor *compactor = NULL, *second = NULL;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_OK);
	ck_assert_int_eq(rtc_compactor_open(&second, &options, &failure),
	    RT_ELOCKED);
	rtc_compactor_close(compactor);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(a_compactor_that_was_replaced_ends_and_unlinks_nothing)
{
	struct rtc_compactor *compactor = NULL;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;
	size_t files;

	rtt_db_init(&db);
	fill(&db, 6);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_OK);
	rtt_db_claim(&db);
	files = rtt_db_files(&db);
	ck_assert_int_eq(rtc_compactor_run(compactor, &failure), RT_EFENCED);
	ck_assert_uint_eq(rtt_db_files(&db), files);
	ck_assert_uint_eq(level0_runs(&db), 6);
	rtc_compactor_close(compactor);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(a_removed_lock_file_keeps_it_from_publishing)
{
	struct rtc_compactor *compactor = NULL;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	fill(&db, 6);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_OK);
	ck_assert_int_eq(rt_fs_unlink(db.fs, db.scratch.fd,
	    RT_PATH_LOCK_COMPACTOR, &failure), RT_OK);
	ck_assert_int_eq(rtc_compactor_run(compactor, &failure), RT_EFENCED);
	ck_assert_uint_eq(level0_runs(&db), 6);
	rtc_compactor_close(compactor);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

static void
count_name(void *arg, const char *name)
{
	(*(unsigned *)arg)++;
}

START_TEST(a_directory_that_is_no_database_stays_as_it_is)
{
	struct rtc_compactor *compactor = NULL;
	struct rtc_options options;
	struct rtt_scratch scratch;
	struct rt_config config;
	unsigned entries = 0;

	rtt_scratch_init(&scratch);
	configure(&config, scratch.path);
	options = options_for(&config);
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_ENOTFOUND);
	ck_assert_int_eq(rtc_plan_print(options.fs, options.clock, &config,
		false, &failure), RT_ENOTFOUND);
	ck_assert_int_eq(rt_fs_list(rt_fs_posix(), scratch.fd, count_name,
	    &entries, &failure), RT_OK);
	ck_assert_uint_eq(entries, 0);
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* Overwrite the data of the only table. */
static void
damage_table(struct rtt_db *db)
{
	const struct rt_manifest *manifest = rtt_db_load(db);
	const uint8_t nonsense[64] = { 0 };
	char name[RT_PATH_NAME_BYTES];
	int fd = -1;

	ck_assert_int_eq(rt_fs_open_write(db->fs, db->sst,
	    rt_path_table(name, manifest->runs[0].tables[0].id), &fd,
	    &failure), RT_OK);
	ck_assert_int_eq(rt_fs_write_exact(db->fs, fd, nonsense,
	    sizeof(nonsense), 0, &failure), RT_OK);
	rt_fs_close(db->fs, &fd, NULL);
	rt_manifest_unref(manifest);
}

START_TEST(a_table_of_expired_values_goes_unread)
{
	const struct rtt_version versions[] = {
		{ "a", 1, false, 1000, 500 },
		{ "b", 2, false, 2000, 500 },
	};
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	rtt_db_flush(&db, versions, 2);
	damage_table(&db);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	run_once(&options);
	ck_assert_uint_eq(rtt_db_files(&db), 0);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(expired_values_over_an_older_one_do_not_uncover_it)
{
	const struct rtt_version old = { "a", 1, false, 0, 500 };
	const struct rtt_version expired = { "a", 2, false, 1000, 500 };
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	rtt_db_init(&db);
	rtt_db_flush(&db, &old, 1);
	rtt_db_flush(&db, &expired, 1);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	run_once(&options);
	ck_assert_uint_eq(rtt_db_read(&db, "a", 9, 5000), 0);
	options.full = true;
	run_once(&options);
	ck_assert_uint_eq(rtt_db_read(&db, "a", 9, 5000), 0);
	ck_assert_uint_eq(rtt_db_count(&db, NULL), 0);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(a_damaged_table_keeps_back_what_lies_over_it_alone)
{
	struct rtc_compactor *compactor = NULL;
	struct rt_compactor_status status;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;
	int fd = -1;

	rtt_db_init(&db);
	fill(&db, 6);
	ck_assert_int_eq(rt_fs_open_write(db.fs, db.sst, "d-3.sst", &fd,
	    &failure), RT_OK);
	ck_assert_int_eq(rt_fs_write_exact(db.fs, fd, "xxxx", 4, 100,
	    &failure), RT_OK);
	rt_fs_close(db.fs, &fd, NULL);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_OK);
	ck_assert_int_eq(rtc_compactor_run(compactor, &failure), RT_EDAMAGED);
	rtc_compactor_close(compactor);
	ck_assert_msg(strstr(failure.text, "1 tables are damaged") != NULL,
	    "%s", failure.text);
	/* The two older ones went down. */
	ck_assert_uint_eq(level0_runs(&db), 4);
	ck_assert_uint_eq(rtt_db_files(&db), 5);
	ck_assert(rtt_db_has_file(&db, (struct rt_file_id){ .number = 3 }));
	ck_assert_int_eq(rt_compactor_status_load(db.fs, db.scratch.fd, &status,
	    &failure), RT_OK);
	ck_assert_uint_eq(status.damaged_tables, 1);
	ck_assert_ptr_nonnull(strstr(status.last_error, "d-3"));
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

static int64_t
little_space(struct rt_fs *fs, int dir)
{
	return 1000;
}

START_TEST(a_full_disk_is_not_made_fuller)
{
	struct rt_fs full = *rt_fs_posix();
	struct rtc_compactor *compactor = NULL;
	struct rtc_options options;
	struct rt_config config;
	struct rtt_db db;

	full.free_bytes = little_space;
	rtt_db_init(&db);
	fill(&db, 6);
	configure(&config, db.scratch.path);
	options = options_for(&config);
	options.fs = &full;
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_OK);
	ck_assert_int_eq(rtc_compactor_run(compactor, &failure), RT_ENOSPC);
	rtc_compactor_close(compactor);
	ck_assert_uint_eq(level0_runs(&db), 6);
	ck_assert_uint_eq(rtt_db_files(&db), 6);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

RTT_MAIN("compactor", once_brings_level_0_under_its_trigger,
    below_the_trigger_nothing_is_done,
    each_start_is_an_epoch_that_sweeps_the_ones_before,
    versions_of_a_released_snapshot_go,
    a_table_of_expired_values_goes_unread,
    expired_values_over_an_older_one_do_not_uncover_it, a_second_compactor_is_refused,
    a_compactor_that_was_replaced_ends_and_unlinks_nothing,
    a_removed_lock_file_keeps_it_from_publishing,
    a_directory_that_is_no_database_stays_as_it_is,
    a_damaged_table_keeps_back_what_lies_over_it_alone,
    a_full_disk_is_not_made_fuller)
