#include "libcommon/os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

START_TEST(a_written_file_is_read_back)
{
	struct rtt_scratch scratch;
	struct rt_buf buf = { 0 };
	struct rt_err err = { 0 };
	bool exists;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "a",
	    rt_slice_cstr("hello"), &err), RT_OK);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "a",
	    rt_slice_cstr("again"), &err), RT_EEXIST);
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), scratch.fd, "a", 100,
	    &buf, &err), RT_OK);
	ck_assert(rt_slice_equal(rt_buf_slice(&buf), rt_slice_cstr("hello")));
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), scratch.fd, "a", 4,
	    &buf, &err), RT_ELIMIT);
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), scratch.fd, "b", 100,
	    &buf, &err), RT_ENOTFOUND);
	ck_assert_int_eq(rt_fs_exists(rt_fs_posix(), scratch.fd, "a", &exists,
	    &err), RT_OK);
	ck_assert(exists);
	ck_assert_int_eq(rt_fs_unlink(rt_fs_posix(), scratch.fd, "a", &err),
	    RT_OK);
	ck_assert_int_eq(rt_fs_unlink(rt_fs_posix(), scratch.fd, "a", &err),
	    RT_ENOTFOUND);
	rt_buf_fini(&buf);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_file_that_ends_early_is_damage)
{
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	char out[8];
	int fd = -1;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "a",
	    rt_slice_cstr("hello"), &err), RT_OK);
	ck_assert_int_eq(rt_fs_open_read(rt_fs_posix(), scratch.fd, "a", &fd,
	    &err), RT_OK);
	ck_assert_int_eq(rt_fs_read_exact(rt_fs_posix(), fd, out, 5, 0, &err),
	    RT_OK);
	ck_assert_int_eq(rt_fs_read_exact(rt_fs_posix(), fd, out, 5, 1, &err),
	    RT_EDAMAGED);
	rt_fs_close(rt_fs_posix(), &fd, NULL);
	ck_assert_int_eq(fd, -1);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	int fd = -1;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(symlinkat("/etc/passwd", scratch.fd, "link"), 0);
	ck_assert_int_ne(rt_fs_open_read(rt_fs_posix(), scratch.fd, "link",
	    &fd, &err), RT_OK);
	ck_assert_int_ne(rt_fs_open_write(rt_fs_posix(), scratch.fd, "link",
	    &fd, &err), RT_OK);
	ck_assert_int_eq(fd, -1);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* Whichever call fails, the file is whole afterwards or not there. */
START_TEST(a_failed_write_leaves_no_file)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EROFS };
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	struct rt_err err;

	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	for (size_t i = 0; i < RT_COUNTOF(errors); i++) {
		long n = 0;
		enum rt_code code;

		do {
			bool exists = true;

			rt_err_clear(&err);
			rtt_fault_fs_arm(&fault, ++n, false, errors[i]);
			code = rt_fs_write_file(&fault.fs, scratch.fd, "a",
			    rt_slice_cstr("hello"), &err);
			rtt_fault_fs_disarm(&fault);
			ck_assert_int_eq(rt_fs_exists(rt_fs_posix(),
			    scratch.fd, "a", &exists, &err), RT_OK);
			ck_assert_int_eq(exists, code == RT_OK);
			ck_assert(code == RT_OK || err.os_errno == errors[i]);
		} while (code != RT_OK);
		ck_assert_int_gt(n, 3);
		ck_assert_int_eq(rt_fs_unlink(rt_fs_posix(), scratch.fd, "a",
		    &err), RT_OK);
	}
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(short_transfers_and_interruptions_are_gone_on_with)
{
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	struct rt_buf buf = { 0 };
	struct rt_err err = { 0 };

	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	rtt_fault_fs_arm(&fault, 2, false, EINTR);
	ck_assert_int_eq(rt_fs_write_file(&fault.fs, scratch.fd, "a",
	    rt_slice_cstr("hello"), &err), RT_OK);
	ck_assert_int_eq(fault.failed, 1);
	fault.short_transfer = true;
	rtt_fault_fs_arm(&fault, 3, false, EIO);
	ck_assert_int_eq(rt_fs_read_file(&fault.fs, scratch.fd, "a", 100, &buf,
	    &err), RT_OK);
	ck_assert_int_eq(fault.failed, 1);
	ck_assert(rt_slice_equal(rt_buf_slice(&buf), rt_slice_cstr("hello")));
	rt_buf_fini(&buf);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(link_is_a_compare_and_swap)
{
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "a",
	    rt_slice_cstr("1"), &err), RT_OK);
	ck_assert_int_eq(rt_fs_link(rt_fs_posix(), scratch.fd, "a", "b", &err),
	    RT_OK);
	ck_assert_int_eq(rt_fs_link(rt_fs_posix(), scratch.fd, "a", "b", &err),
	    RT_EEXIST);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("fs", a_written_file_is_read_back, a_file_that_ends_early_is_damage,
    a_symbolic_link_is_not_followed, a_failed_write_leaves_no_file,
    short_transfers_and_interruptions_are_gone_on_with,
    link_is_a_compare_and_swap)
