#include "libcommon/manifest/compactor_status.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/os/path.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

START_TEST(a_status_comes_back)
{
	struct rt_compactor_status status = {
		.epoch = 3,
		.pid = 42,
		.running = true,
		.started_ms = 1000,
		.jobs_done = 7,
		.last_error = "disk full",
		.job = "L0 to L1",
	};
	struct rt_compactor_status got = { 0 };
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_compactor_status_load(rt_fs_posix(), scratch.fd,
	    &got, &err), RT_ENOTFOUND);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(rt_compactor_status_save(rt_fs_posix(),
		    scratch.fd, &status, &err), RT_OK);
	ck_assert_int_eq(rt_compactor_status_load(rt_fs_posix(), scratch.fd,
	    &got, &err), RT_OK);
	ck_assert_uint_eq(got.epoch, 3);
	ck_assert_uint_eq(got.pid, 42);
	ck_assert(got.running);
	ck_assert_int_eq(got.started_ms, 1000);
	ck_assert_uint_eq(got.jobs_done, 7);
	ck_assert_str_eq(got.last_error, "disk full");
	ck_assert_str_eq(got.job, "L0 to L1");
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_damaged_status_is_refused)
{
	struct rt_compactor_status got = { 0 };
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	int fd;

	rtt_scratch_init(&scratch);
	fd = openat(scratch.fd, "COMPACTOR", O_CREAT | O_WRONLY | O_CLOEXEC,
	    0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "\377\377\377\377", 4), 4);
	close(fd);
	ck_assert_int_eq(rt_compactor_status_load(rt_fs_posix(), scratch.fd,
	    &got, &err), RT_EDAMAGED);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("compactor_status", a_status_comes_back, a_damaged_status_is_refused)
