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
	.jobs_running = 16,
	.job_bytes_done = 17,
	.job_bytes_total = 18,
	.bytes_per_s = 19,
	.jobs_failed = 20,
	.level0_bytes = 21,
	.merged_bytes = 22,
	.jobs_ever = 23,
	.levels = { { 1, 2, 3, 4 }, { 0 }, [15] = { 5, 6, 7, 8 } },
	.last_error = "no space",
	.job = "L0 -> L1",
	.phase = "merging",
	.sandbox = "seccomp",
	.history = { {
		.number = 22,
		.outcome = RT_JOB_GIVEN_UP,
		.source_level = 1,
		.target_level = 2,
		.began_ms = 1700000000100,
		.took_ms = 3,
		.inputs = 4,
		.outputs = 5,
		.bytes_in = 6,
		.bytes_out = 7,
		.versions_dropped = 8,
		.tombstones_dropped = 9,
		.expired_dropped = 10,
		.deed = "merge",
		.reason = "level 0 is full",
	}, { .number = 23 } },
	.history_count = 2,
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
	ck_assert_uint_eq(back.jobs_running, 16);
	ck_assert_uint_eq(back.job_bytes_done, 17);
	ck_assert_uint_eq(back.job_bytes_total, 18);
	ck_assert_uint_eq(back.bytes_per_s, 19);
	ck_assert_uint_eq(back.jobs_failed, 20);
	ck_assert_uint_eq(back.level0_bytes, 21);
	ck_assert_uint_eq(back.merged_bytes, 22);
	ck_assert_uint_eq(back.jobs_ever, 23);
	ck_assert_mem_eq(back.levels, status.levels, sizeof(back.levels));
	ck_assert_str_eq(back.phase, "merging");
	ck_assert_str_eq(back.sandbox, "seccomp");
	ck_assert_uint_eq(back.history_count, 2);
	ck_assert_mem_eq(&back.history[0], &status.history[0],
	    sizeof(back.history[0]));
	ck_assert_uint_eq(back.history[1].number, 23);
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

START_TEST(the_last_hundred_jobs_are_remembered)
{
	struct rt_compactor_status many = { .epoch = 1 }, back;
	struct rt_fs *fs = rt_fs_posix();
	struct rtt_scratch scratch;
	struct stat file;

	rtt_scratch_init(&scratch);
	for (uint64_t i = 1; i <= RT_COMPACTOR_JOBS_MAX + 50; i++)
		rt_compactor_status_add(&many, &(struct rt_compactor_job){
		    .number = i, .bytes_in = UINT64_MAX, .deed = "discard",
		    .reason = "a reason of the length that a reason may have, "
			"at the most, yes" });
	ck_assert_uint_eq(many.history_count, RT_COMPACTOR_JOBS_MAX);
	/* Levels count all that were done, and no others. */
	rt_compactor_status_add(&many, &(struct rt_compactor_job){
	    .number = 150, .outcome = RT_JOB_FAILED, .target_level = 3 });
	rt_compactor_status_add(&many, &(struct rt_compactor_job){
	    .number = 150, .target_level = 3, .bytes_out = 7 });
	ck_assert_uint_eq(many.levels[0].jobs, RT_COMPACTOR_JOBS_MAX + 50);
	ck_assert_uint_eq(many.levels[3].jobs, 1);
	ck_assert_uint_eq(many.levels[3].bytes_out, 7);
	ck_assert_int_eq(rt_compactor_status_save(fs, scratch.fd, &many, NULL),
	    RT_OK);
	ck_assert_int_eq(fs->fstatat(fs, scratch.fd, RT_PATH_COMPACTOR_STATUS,
	    &file), 0);
	ck_assert_int_lt(file.st_size, 32768);
	ck_assert_int_eq(rt_compactor_status_load(fs, scratch.fd, &back, NULL),
	    RT_OK);
	ck_assert_uint_eq(back.history_count, RT_COMPACTOR_JOBS_MAX);
	ck_assert_uint_eq(back.history[0].number, 53);
	ck_assert_uint_eq(back.history[RT_COMPACTOR_JOBS_MAX - 1].number, 150);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(more_jobs_than_that_in_a_file_are_cut)
{
	/* Field 50, twelve times a hundred jobs without fields. */
	static uint8_t bytes[3 * 12 * RT_COMPACTOR_JOBS_MAX];
	struct rt_compactor_status back;
	struct rtt_scratch scratch;

	for (size_t i = 0; i < sizeof(bytes); i += 3) {
		bytes[i] = ((50 << 3 | 2) & 0x7f) | 0x80;
		bytes[i + 1] = 50 >> 4;
	}
	rtt_scratch_init(&scratch);
	put_file(scratch.fd, bytes, sizeof(bytes));
	ck_assert_int_eq(rt_compactor_status_load(rt_fs_posix(), scratch.fd,
	    &back, NULL), RT_OK);
	ck_assert_uint_eq(back.history_count, RT_COMPACTOR_JOBS_MAX);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(write_amplification_counts_the_flush)
{
	struct rt_compactor_status none = { 0 };
	struct rt_compactor_status some = { .level0_bytes = 100,
		.merged_bytes = 250 };

	ck_assert_double_eq(rt_compactor_write_amplification(&none), 0);
	ck_assert_double_eq(rt_compactor_write_amplification(&some), 3.5);
}
END_TEST

START_TEST(the_time_that_is_left_is_told_when_it_is_known)
{
	struct rt_compactor_status some = { 0 };

	ck_assert_int_eq(rt_compactor_eta_s(&some), 0);
	some.debt_bytes = 1000;
	ck_assert_int_eq(rt_compactor_eta_s(&some), -1);
	some.bytes_per_s = 10;
	ck_assert_int_eq(rt_compactor_eta_s(&some), 100);
	some.job_bytes_total = 2000;
	some.job_bytes_done = 500;
	ck_assert_int_eq(rt_compactor_eta_s(&some), 150);
	some.job_bytes_done = 2001;
	ck_assert_int_eq(rt_compactor_eta_s(&some), 0);
	some = (struct rt_compactor_status){ .debt_bytes = UINT64_MAX,
		.bytes_per_s = 1 };
	ck_assert_int_eq(rt_compactor_eta_s(&some), INT64_MAX);
}
END_TEST

RTT_MAIN("compactor_status", what_is_saved_is_loaded,
    what_is_not_a_status_is_refused_or_bounded,
    the_last_hundred_jobs_are_remembered,
    more_jobs_than_that_in_a_file_are_cut,
    write_amplification_counts_the_flush,
    the_time_that_is_left_is_told_when_it_is_known)
