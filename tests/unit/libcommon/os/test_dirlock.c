#include "libcommon/os/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

START_TEST(a_second_holder_is_refused_and_told_the_first)
{
	struct rt_dirlock first = RT_DIRLOCK_INIT, second = RT_DIRLOCK_INIT;
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	char expected[64];
	bool held;
	pid_t pid;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_dirlock_probe(rt_fs_posix(), scratch.fd, "LOCK",
	    &held, &pid, &err), RT_OK);
	ck_assert(!held);
	ck_assert_int_eq(rt_dirlock_take(&first, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_OK);
	ck_assert_int_eq(rt_dirlock_take(&second, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_ELOCKED);
	snprintf(expected, sizeof(expected), "process %ld", (long)getpid());
	ck_assert_ptr_nonnull(strstr(err.text, expected));
	ck_assert_int_eq(second.fd, -1);
	/* By the time of the file. */
	ck_assert_int_eq(futimens(first.fd, (const struct timespec[]){
	    { .tv_sec = 86400 }, { .tv_sec = 1709210096 } }), 0);
	ck_assert_int_eq(rt_dirlock_take(&second, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_ELOCKED);
	snprintf(expected, sizeof(expected),
	    "process %ld since 2024-02-29T12:34:56Z", (long)getpid());
	ck_assert_ptr_nonnull(strstr(err.text, expected));
	ck_assert_int_eq(rt_dirlock_probe(rt_fs_posix(), scratch.fd, "LOCK",
	    &held, &pid, &err), RT_OK);
	ck_assert(held);
	ck_assert_int_eq(pid, getpid());
	rt_dirlock_release(&first);
	ck_assert_int_eq(rt_dirlock_take(&second, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_OK);
	rt_dirlock_release(&second);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* A lock of the kind that POSIX fcntl gives would be lost here. */
START_TEST(closing_another_descriptor_keeps_the_lock)
{
	struct rt_dirlock lock = RT_DIRLOCK_INIT, other = RT_DIRLOCK_INIT;
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	int fd;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_dirlock_take(&lock, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_OK);
	fd = openat(scratch.fd, "LOCK", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(rt_dirlock_take(&other, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_ELOCKED);
	rt_dirlock_release(&lock);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(death_lets_go)
{
	struct rt_dirlock lock = RT_DIRLOCK_INIT;
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	int status, ready[2];
	char byte;
	pid_t child;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (rt_dirlock_take(&lock, rt_fs_posix(), scratch.fd, "LOCK",
			&err) == RT_OK && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(rt_dirlock_take(&lock, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_ELOCKED);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(rt_dirlock_take(&lock, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_OK);
	rt_dirlock_release(&lock);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_removed_lock_file_is_noticed)
{
	struct rt_dirlock lock = RT_DIRLOCK_INIT;
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_dirlock_take(&lock, rt_fs_posix(), scratch.fd,
	    "LOCK", &err), RT_OK);
	ck_assert_int_eq(rt_dirlock_check(&lock, scratch.fd, "LOCK", &err),
	    RT_OK);
	ck_assert_int_eq(unlinkat(scratch.fd, "LOCK", 0), 0);
	ck_assert_int_eq(rt_dirlock_check(&lock, scratch.fd, "LOCK", &err),
	    RT_EFENCED);
	rt_dirlock_release(&lock);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* An error of the disk is no one's claim. */
START_TEST(a_lock_file_that_cannot_be_looked_at_is_not_lost)
{
	struct rt_dirlock lock = RT_DIRLOCK_INIT;
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };

	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	ck_assert_int_eq(rt_dirlock_take(&lock, &fault.fs, scratch.fd, "LOCK",
	    &err), RT_OK);
	for (long n = 1; n <= 2; n++) {
		rtt_fault_fs_arm(&fault, n, false, EIO);
		ck_assert_int_eq(rt_dirlock_check(&lock, scratch.fd, "LOCK",
		    &err), RT_EIO);
	}
	rtt_fault_fs_disarm(&fault);
	ck_assert_int_eq(rt_dirlock_check(&lock, scratch.fd, "LOCK", &err),
	    RT_OK);
	rt_dirlock_release(&lock);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* Nobody can remove it, and a directory of the same name has another. */
START_TEST(the_directory_itself_is_locked)
{
	struct rtt_scratch scratch;
	struct rt_err err = { 0 };
	int mine, theirs;
	bool held;
	pid_t pid;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_fs_open_dir(rt_fs_posix(), scratch.path, &mine,
	    &err), RT_OK);
	ck_assert_int_eq(rt_fs_open_dir(rt_fs_posix(), scratch.path, &theirs,
	    &err), RT_OK);
	ck_assert_int_eq(rt_dirlock_take_dir(rt_fs_posix(), mine, &err),
	    RT_OK);
	ck_assert_int_eq(rt_dirlock_take_dir(rt_fs_posix(), theirs, &err),
	    RT_ELOCKED);
	ck_assert_int_eq(rt_dirlock_probe(rt_fs_posix(), scratch.fd, ".",
	    &held, &pid, &err), RT_OK);
	ck_assert(held);
	rt_fs_close(rt_fs_posix(), &mine, NULL);
	ck_assert_int_eq(rt_dirlock_probe(rt_fs_posix(), scratch.fd, ".",
	    &held, &pid, &err), RT_OK);
	ck_assert(!held);
	ck_assert_int_eq(rt_dirlock_take_dir(rt_fs_posix(), theirs, &err),
	    RT_OK);
	rt_fs_close(rt_fs_posix(), &theirs, NULL);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("dirlock", a_lock_file_that_cannot_be_looked_at_is_not_lost,
	 a_second_holder_is_refused_and_told_the_first,
    closing_another_descriptor_keeps_the_lock, death_lets_go,
    a_removed_lock_file_is_noticed,
    the_directory_itself_is_locked)
