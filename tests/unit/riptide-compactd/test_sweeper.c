#include "riptide-compactd/sweeper.h"

#include "libcommon/os/dirlock.h"
#include "riptide-compactd/publisher.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

static struct rt_err failure;

static const struct rtt_version some[] = { { "a", 1, false, 0, 0 },
	{ "b", 2, false, 0, 0 } };
static const struct rtt_version more[] = { { "a", 3, false, 0, 0 } };

/* Merge all of level 0 as a new epoch, and publish. */
static void
compact(struct rtt_db *db)
{
	struct rt_config config;
	struct rtc_merger merger;
	struct rtc_pace pace;
	struct rtc_result result;
	struct rtc_job job;
	_Atomic uint64_t next_number;
	bool unknown;

	rt_config_init(&config);
	merger = rtt_db_merger(db, &config, rtt_db_claim(db), &next_number,
	    &pace);
	rtt_db_job(db, &job);
	ck_assert_int_eq(rtc_merger_run(&merger, &job, &result, &failure),
	    RT_OK);
	ck_assert_int_eq(rtc_publisher_publish(
	    &(struct rtc_publisher){ .store = db->store,
		.epoch = merger.epoch }, &job, &result, &unknown, &failure),
	    RT_OK);
	rtc_result_fini(&result);
	rtc_job_fini(&job);
	rt_config_fini(&config);
}

START_TEST(only_unpublished_files_of_dead_epochs_go)
{
	struct rt_file_id dead = { 1, 90 }, dead2 = { 2, 1000 }, own = { 3, 1 };
	struct rt_file_id later = { 4, 1 }, daemons = { 0, 90 };
	const struct rt_manifest *manifest;
	struct rtt_db db;
	size_t removed = 0, before;

	rtt_db_init(&db);
	rtt_db_flush(&db, some, 2);
	compact(&db);		/* c1-1 is live */
	rtt_db_flush(&db, more, 1);
	compact(&db);		/* c2-1 is live, c1-1 and d-2 obsolete */
	ck_assert_uint_eq(rtt_db_claim(&db), 3);
	rtt_db_make_file(&db, dead);
	rtt_db_make_file(&db, dead2);
	rtt_db_make_file(&db, own);
	rtt_db_make_file(&db, later);
	rtt_db_make_file(&db, daemons);
	before = rtt_db_files(&db);
	manifest = rtt_db_load(&db);
	ck_assert_int_eq(rtc_sweeper_sweep(db.fs, db.sst, manifest, 3, &removed,
	    &failure), RT_OK);
	rt_manifest_unref(manifest);
	ck_assert_uint_eq(removed, 2);
	ck_assert_uint_eq(rtt_db_files(&db), before - 2);
	ck_assert(!rtt_db_has_file(&db, dead));
	ck_assert(!rtt_db_has_file(&db, dead2));
	ck_assert(rtt_db_has_file(&db, own));
	ck_assert(rtt_db_has_file(&db, later));
	ck_assert(rtt_db_has_file(&db, daemons));
	ck_assert(rtt_db_has_file(&db, (struct rt_file_id){ 1, 1 }));
	ck_assert(rtt_db_has_file(&db, (struct rt_file_id){ 2, 1 }));
	rtt_db_fini(&db);
}
END_TEST

START_TEST(names_that_are_not_exactly_ours_stay)
{
	static const char *const names[] = { "c1-1.sst~", "c1-1", "notes",
		"c01-1.sst", "C1-1.sst" };
	const struct rt_manifest *manifest;
	size_t removed = 0, before;
	struct rtt_db db;

	rtt_db_init(&db);
	rtt_db_claim(&db);
	rtt_db_claim(&db);
	for (size_t i = 0; i < RT_COUNTOF(names); i++)
		ck_assert_int_eq(rt_fs_write_file(db.fs, db.sst, names[i],
		    rt_slice(NULL, 0), &failure), RT_OK);
	before = rtt_db_files(&db);
	manifest = rtt_db_load(&db);
	ck_assert_int_eq(rtc_sweeper_sweep(db.fs, db.sst, manifest, 2, &removed,
	    &failure), RT_OK);
	rt_manifest_unref(manifest);
	ck_assert_uint_eq(rtt_db_files(&db), before);
	rtt_db_fini(&db);
}
END_TEST

static size_t
drain(struct rtt_db *db, uint64_t *drained)
{
	size_t removed = 0;

	ck_assert_int_eq(rtc_sweeper_drain(db->fs, db->scratch.fd, db->sst,
	    db->store, drained, &removed, &failure), RT_OK);
	return removed;
}

START_TEST(obsolete_tables_wait_for_a_daemon_that_lives)
{
	struct rt_dirlock lock = RT_DIRLOCK_INIT;
	uint64_t drained = 0;
	struct rtt_db db;

	rtt_db_init(&db);
	rtt_db_flush(&db, some, 2);
	compact(&db);
	ck_assert_int_eq(rt_dirlock_take(&lock, db.fs, db.scratch.fd,
	    RT_PATH_LOCK_DAEMON, &failure), RT_OK);
	ck_assert_uint_eq(drain(&db, &drained), 0);
	ck_assert(rtt_db_has_file(&db, (struct rt_file_id){ 0, 1 }));
	rt_dirlock_release(&lock);
	ck_assert_uint_eq(drain(&db, &drained), 1);
	ck_assert(!rtt_db_has_file(&db, (struct rt_file_id){ 0, 1 }));
	ck_assert(rtt_db_has_file(&db, (struct rt_file_id){ 1, 1 }));
	/* The lock is free again, and the list is still the daemon's. */
	ck_assert_int_eq(rt_dirlock_take(&lock, db.fs, db.scratch.fd,
	    RT_PATH_LOCK_DAEMON, &failure), RT_OK);
	rt_dirlock_release(&lock);
	rtt_db_fini(&db);
}
END_TEST

START_TEST(with_nothing_obsolete_the_daemons_lock_is_not_touched)
{
	uint64_t drained = 0;
	struct rtt_db db;
	bool exists;

	rtt_db_init(&db);
	rtt_db_flush(&db, some, 2);
	ck_assert_uint_eq(drain(&db, &drained), 0);
	ck_assert_int_eq(rt_fs_exists(db.fs, db.scratch.fd, RT_PATH_LOCK_DAEMON,
	    &exists, &failure), RT_OK);
	ck_assert(!exists);
	rtt_db_fini(&db);
}
END_TEST

RTT_MAIN("sweeper", only_unpublished_files_of_dead_epochs_go,
    names_that_are_not_exactly_ours_stay,
    obsolete_tables_wait_for_a_daemon_that_lives,
    with_nothing_obsolete_the_daemons_lock_is_not_touched)
