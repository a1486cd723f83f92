#include "libcommon/manifest/compactor_status.h"

#include <string.h>

#include "libcommon/os/path.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static const struct rt_compactor_status status = {
	.epoch = 3,
	.pid = 4321,
	.running = true,
	.started_ms = 1700000000000,
	.last_publish_ms = 1700000000500,
	.jobs_done = 5,
	.bytes_read = 6,
	.bytes_written = 7,
	.debt_bytes = 8,
	.tombstones_dropped = 9,
	.versions_dropped = 10,
	.damaged_tables = 11,
	.scrub_position = 12,
	.scrub_tables = 13,
	.scrub_began_ms = 14,
	.scrub_finished_ms = 15,
	.expired_dropped = 11,
	.last_error = "no space",
	.job = "L0 -> L1",
};

static void
put_file(int dir, const void *data, size_t len)
{
	struct rt_fs *fs = rt_fs_posix();

	rt_fs_unlink(fs, dir, RT_PATH_COMPACTOR_STATUS, NULL);
	ck_assert_int_eq(rt_fs_write_file(fs, dir, RT_PATH_COMPACTOR_STATUS,
	    rt_slice(data, len), NULL), RT_OK);
}

START_TEST(what_is_saved_is_loaded)
{
	struct rt_compactor_status idle = { .epoch = 4 }, back;
	struct rt_fs *fs = rt_fs_posix();
	struct rtt_scratch scratch;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_ENOTFOUND);
	ck_assert_int_eq(rt_compactor_status_save(fs, scratch.fd, &status,
	    NULL), RT_OK);
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_OK);
	ck_assert_uint_eq(back.epoch, 3);
	ck_assert_uint_eq(back.pid, 4321);
	ck_assert(back.running);
	ck_assert_int_eq(back.started_ms, 1700000000000);
	ck_assert_int_eq(back.last_publish_ms, 1700000000500);
	ck_assert_uint_eq(back.jobs_done, 5);
	ck_assert_uint_eq(back.bytes_read, 6);
	ck_assert_uint_eq(back.bytes_written, 7);
	ck_assert_uint_eq(back.debt_bytes, 8);
	ck_assert_uint_eq(back.tombstones_dropped, 9);
	ck_assert_uint_eq(back.versions_dropped, 10);
	ck_assert_uint_eq(back.damaged_tables, 11);
	ck_assert_uint_eq(back.scrub_position, 12);
	ck_assert_uint_eq(back.scrub_tables, 13);
	ck_assert_int_eq(back.scrub_began_ms, 14);
	ck_assert_int_eq(back.scrub_finished_ms, 15);
	ck_assert_uint_eq(back.expired_dropped, 11);
	ck_assert_str_eq(back.last_error, "no space");
	ck_assert_str_eq(back.job, "L0 -> L1");
	ck_assert_int_eq(rt_compactor_status_save(fs, scratch.fd, &idle, NULL),
	    RT_OK);
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_OK);
	ck_assert(!back.running);
	ck_assert_str_eq(back.job, "");
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(what_is_not_a_status_is_refused_or_bounded)
{
	static uint8_t large[100000];
	/* A job of 1,000 bytes: field 14, cut to what there is room for. */
	uint8_t job[1003] = { 0x72, 0xe8, 0x07 };
	struct rt_compactor_status back;
	struct rt_fs *fs = rt_fs_posix();
	struct rtt_scratch scratch;

	rtt_scratch_init(&scratch);
	put_file(scratch.fd, large, sizeof(large));
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_EDAMAGED);
	put_file(scratch.fd, "\377\377\377", 3);
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_EDAMAGED);
	put_file(scratch.fd, "", 0);
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_OK);
	memset(job + 3, 'x', sizeof(job) - 3);
	put_file(scratch.fd, job, sizeof(job));
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_OK);
	ck_assert_uint_eq(strlen(back.job), sizeof(back.job) - 1);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("compactor_status", what_is_saved_is_loaded,
    what_is_not_a_status_is_refused_or_bounded)
