#include "bench/group.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* What the group started becomes ours when its parent is gone, so that we can
 * wait for all of it. */
static void
kill_all(pid_t group)
{
	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue;
}

static int
status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int
rtb_group_run(int (*work)(void *arg), void *arg, int *signal)
{
	int number = 0, status = 0;
	sigset_t set, before;
	pid_t pid;

	*signal = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &before);
	pid = fork();
	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, &before, NULL);
		status = work(arg);
		exit(fflush(stdout) == 0 ? status : EX_IOERR);
	}
	setpgid(pid, pid);
	for (;;) {
		number = sigwaitinfo(&set, NULL);
		if (number == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (number > 0 && number != SIGCHLD) {
			*signal = number;
			break;
		}
	}
	kill_all(pid);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return *signal != 0 ? EX_SOFTWARE : status_of(status);
}

void
rtb_group_end_by(int number)
{
	sigset_t none;

	signal(number, SIG_DFL);
	sigemptyset(&none);
	raise(number);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
