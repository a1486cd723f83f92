/* A byte asks, an int answers: the new process, or minus the errno. The process
 * is made by clone(2) with CLONE_PARENT, by which it is the daemon's child and
 * not ours: the daemon waits for it, and it hears when the daemon ends. Only the
 * raw call does that; it is safe here, where there is one thread. */
#include "riptided/spawner.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/daemon/lifecycle.h"
#include "libcommon/os/crashpoint.h"

/* In the new process. */
static void
run_program(char *const argv[], pid_t daemon)
{
	RT_CRASHPOINT("spawn-forked");
	rt_lifecycle_child();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* The daemon may have ended before the line above. */
	if (getppid() != daemon)
		_exit(0);
	execvp(argv[0], argv);
	_exit(RTD_SPAWNER_NO_PROGRAM);
}

static int
make_process(char *const argv[], pid_t daemon)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		run_program(argv, daemon);
	return pid < 0 ? -errno : (int)pid;
}

/* Until the daemon closes its end, in whatever way it ends. Signals that the
 * daemon has blocked stay blocked: an interrupt from a terminal is its matter. */
static void
serve(int fd, char *const argv[], pid_t daemon)
{
	ssize_t got;
	char byte;
	int pid;

	prctl(PR_SET_NAME, "rt-spawner");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != daemon)
		return;
	while (
	    (got = recv(fd, &byte, 1, 0)) == 1 || (got < 0 && errno == EINTR)) {
		if (got < 0)
			continue;
		pid = make_process(argv, daemon);
		if (send(fd, &pid, sizeof(pid), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(pid))
			return;
	}
}

enum rt_code
rtd_spawner_open(struct rtd_spawner *spawner, char *const argv[],
    struct rt_err *err)
{
	pid_t daemon = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return rt_err_set_errno(err, errno, "spawner: socketpair");
	spawner->pid = fork();
	if (spawner->pid == 0) {
		close(ends[0]);
		serve(ends[1], argv, daemon);
		_exit(0);
	}
	close(ends[1]);
	if (spawner->pid < 0) {
		close(ends[0]);
		return rt_err_set_errno(err, errno, "spawner: fork");
	}
	spawner->fd = ends[0];
	return RT_OK;
}

enum rt_code
rtd_spawner_ask(struct rtd_spawner *spawner, struct rt_err *err)
{
	if (send(spawner->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return rt_err_set_errno(err, errno, "spawner");
	spawner->is_asked = true;
	return RT_OK;
}

enum rt_code
rtd_spawner_answer(struct rtd_spawner *spawner, int wait_ms, pid_t *pid,
    struct rt_err *err)
{
	struct pollfd wait = { .fd = spawner->fd, .events = POLLIN };
	ssize_t got;
	int answer;

	if (poll(&wait, 1, wait_ms) <= 0)
		return RT_EAGAIN;
	got = recv(spawner->fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return RT_EAGAIN;
	spawner->is_asked = false;
	if (got != (ssize_t)sizeof(answer))
		return rt_err_set(err, RT_EIO, "the spawner has ended");
	if (answer < 0)
		return rt_err_set_errno(err, -answer, "clone");
	*pid = answer;
	return RT_OK;
}

void
rtd_spawner_close(struct rtd_spawner *spawner)
{
	if (spawner->fd < 0)
		return;
	close(spawner->fd);
	spawner->fd = -1;
	/* It is at its end, or it is stopped and ends when it can. */
	kill(spawner->pid, SIGKILL);
	while (waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
