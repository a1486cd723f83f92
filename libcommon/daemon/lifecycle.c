#include "libcommon/daemon/lifecycle.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libcommon/daemon/log.h"

static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

static void
fill_caught(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < RT_COUNTOF(caught); i++)
		sigaddset(set, caught[i]);
}

enum rt_code
rt_lifecycle_open(int *signal_fd, struct rt_err *err)
{
	sigset_t set;
	int failed, fd;

	fill_caught(&set);
	failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (failed != 0)
		return rt_err_set_errno(err, failed, "block signals");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return rt_err_set_errno(err, errno, "ignore SIGPIPE");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return rt_err_set_errno(err, errno, "signalfd");
	*signal_fd = fd;
	return RT_OK;
}

static void
end_at_once(int number)
{
	_exit(128 + number);
}

/* From now on TERM and INT need no reader of the descriptor: whoever sends the
 * second one does so because the main thread is too busy to read. */
static void
arm_second_stop(void)
{
	struct sigaction action = { .sa_handler = end_at_once };
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int
rt_lifecycle_next_signal(int signal_fd)
{
	struct signalfd_siginfo info;
	ssize_t got;

	do
		got = read(signal_fd, &info, sizeof(info));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		arm_second_stop();
	return (int)info.ssi_signo;
}

void
rt_lifecycle_child(void)
{
	sigset_t none;

	for (size_t i = 0; i < RT_COUNTOF(caught); i++)
		signal(caught[i], SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

void
rt_lifecycle_warn_of_root(void)
{
	if (geteuid() == 0)
		rt_log(RT_LOG_WARNING, "main",
		    "runs as root: a user of its own would do", "");
}

unsigned
rt_lifecycle_open_files(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_cur < wanted) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max
							 : wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	return limit.rlim_cur > UINT_MAX ? UINT_MAX : (unsigned)limit.rlim_cur;
}
