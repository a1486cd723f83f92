#include "libcommon/daemon/lifecycle.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/runner.h"

/* Wait until the descriptor has a signal, then take it. */
static int
wait_signal(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&poll_fd, 1, 60000), 1);
	return rt_lifecycle_next_signal(fd);
}

/* Run body in a child, as it changes the process; what it ended with. */
static int
status_of_child(void (*body)(void))
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static int
open_signals(void)
{
	struct rt_err err;
	int fd;

	if (rt_lifecycle_open(&fd, &err) != RT_OK)
		_exit(99);
	return fd;
}

static void
take_each(void)
{
	static const int numbers[] = { SIGHUP, SIGUSR1, SIGHUP, SIGTERM };
	int fd = open_signals();

	if (rt_lifecycle_next_signal(fd) != 0)
		_exit(1);
	for (size_t i = 0; i < RT_COUNTOF(numbers); i++) {
		kill(getpid(), numbers[i]);
		if (wait_signal(fd) != numbers[i])
			_exit(2);
	}
	if (rt_lifecycle_next_signal(fd) != 0)
		_exit(3);
}

START_TEST(signals_come_through_the_descriptor)
{
	ck_assert_int_eq(status_of_child(take_each), 0);
}
END_TEST

static void
stop_twice(void)
{
	int fd = open_signals();

	kill(getpid(), SIGTERM);
	if (wait_signal(fd) != SIGTERM)
		_exit(1);
	kill(getpid(), SIGINT);
}

static void
stop_twice_unread(void)
{
	int fd = open_signals();

	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	wait_signal(fd);
}

START_TEST(a_second_stop_ends_at_once)
{
	int status = status_of_child(stop_twice);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 128 + SIGINT);
	/* Which of two waiting ones comes first is the kernel's choice. */
	status = status_of_child(stop_twice_unread);
	ck_assert(WIFEXITED(status));
	ck_assert_int_gt(WEXITSTATUS(status), 128);
}
END_TEST

static void
write_to_closed_pipe(void)
{
	int ends[2];

	open_signals();
	if (pipe(ends) != 0)
		_exit(1);
	close(ends[0]);
	if (write(ends[1], "x", 1) != -1)
		_exit(2);
}

START_TEST(a_closed_pipe_does_not_kill)
{
	ck_assert_int_eq(status_of_child(write_to_closed_pipe), 0);
}
END_TEST

static void
raise_in_child(void)
{
	open_signals();
	rt_lifecycle_child();
	raise(SIGTERM);
}

START_TEST(a_child_has_default_signals)
{
	int status = status_of_child(raise_in_child);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(1);
	limit.rlim_cur = 20;
	limit.rlim_max = limit.rlim_max < 200 ? limit.rlim_max : 200;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(2);
	if (rt_lifecycle_open_files(10) != 20)
		_exit(3);
	if (rt_lifecycle_open_files(50) != 50)
		_exit(4);
	if (rt_lifecycle_open_files(100000) != limit.rlim_max)
		_exit(5);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur != limit.rlim_max)
		_exit(6);
}

START_TEST(open_files_rise_to_the_hard_limit)
{
	ck_assert_int_eq(status_of_child(raise_limit), 0);
}
END_TEST

RTT_MAIN("lifecycle", signals_come_through_the_descriptor,
    a_second_stop_ends_at_once, a_closed_pipe_does_not_kill,
    a_child_has_default_signals, open_files_rise_to_the_hard_limit)
