#include "bench/compactor_child.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "libcommon/base/attr.h"

/* The unit of ru_oublock. */
#define BLOCK_BYTES 512

static pid_t
start(const struct rtb_compactor *compactor, bool full)
{
	const char *compression = compactor->compression;
	pid_t parent = getpid(), pid = fork();
	char threads[16];

	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid != 0)
		return pid;
	/* It must not outlive us, whatever ends us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_OSERR);
	snprintf(threads, sizeof(threads), "%u", compactor->threads);
	execlp(compactor->program, compactor->program, "--dir", compactor->dir,
	    "--compression", compression, "--compression-bottom", compression,
	    "--compaction-threads", threads, "--loglevel", "warning", full ? "--full" : NULL, (char *)NULL);
	warn("%s", compactor->program);
	_exit(EX_UNAVAILABLE);
}

static uint64_t
ns_of(struct timeval time)
{
	return ((uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec) *
	    1000;
}

static void
reap(struct rtb_compactor *compactor)
{
	struct rusage usage;
	int status;

	while (wait4(compactor->pid, &status, 0, &usage) == -1)
		if (errno != EINTR)
			err(EX_OSERR, "%s", compactor->program);
	compactor->pid = 0;
	compactor->ended_bytes += (uint64_t)usage.ru_oublock * BLOCK_BYTES;
	compactor->last_ns = ns_of(usage.ru_utime) + ns_of(usage.ru_stime);
	/* It may be stopped before it has learnt how to end well. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(EX_SOFTWARE, "%s ended with %d", compactor->program,
		    WIFEXITED(status) ? WEXITSTATUS(status) :
					128 + WTERMSIG(status));
}

void
rtb_compactor_start(struct rtb_compactor *compactor)
{
	compactor->pid = start(compactor, false);
}

void
rtb_compactor_stop(struct rtb_compactor *compactor)
{
	if (compactor->pid == 0)
		return;
	/* One that has ended already tells why when it is reaped. */
	kill(compactor->pid, SIGTERM);
	reap(compactor);
}

void
rtb_compactor_full(struct rtb_compactor *compactor)
{
	compactor->pid = start(compactor, true);
	reap(compactor);
}

uint64_t
rtb_compactor_bytes(const struct rtb_compactor *compactor)
{
	return compactor->ended_bytes +
	    (compactor->pid != 0 ? rtb_written_by(compactor->pid) : 0);
}

uint64_t
rtb_written_by(pid_t pid)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "write_bytes: %llu", &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}
