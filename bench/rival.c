#include "bench/rival.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bench/load.h"
#include "libcommon/base/invariant.h"

#define ARGS_MAX 40
#define TEXT_BYTES (RTB_PATH_BYTES + 64)
/* How long a server may take to answer, and to end. */
#define PATIENCE_S 60
#define LOOK_NS 20000000

/* -- kinds -- */

static const char *
number_text(unsigned number)
{
	static char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return text;
}

/* Lists of words, so that a kind reads like its command line. */
static void
put(const char *argv[], const char *const words[])
{
	size_t at = 0;

	while (argv[at] != NULL)
		at++;
	for (; *words != NULL; words++)
		argv[at++] = *words;
	rt_assert(at < ARGS_MAX);
	argv[at] = NULL;
}

#define PUT(argv, ...) put(argv, (const char *const[]){ __VA_ARGS__, NULL })

static void
riptided_command(const char *program, const char *dir, unsigned port,
    bool always, const char *argv[])
{
	PUT(argv, program, "--dir", dir, "--port", number_text(port),
	    "--appendfsync", always ? "always" : "everysec", "--compactor",
	    "external", "--loglevel", "warning");
}

static void
redis_command(const char *program, const char *dir, unsigned port, bool always,
    const char *argv[])
{
	PUT(argv, program, "--dir", dir, "--port", number_text(port), "--bind",
	    "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync",
	    always ? "always" : "everysec", "--auto-aof-rewrite-percentage",
	    "0", "--loglevel", "warning");
}

/* It takes a file only. Two workers, and 32 where each waits for its own
 * sync, were its best on two processors. */
static void
kvrocks_command(const char *program, const char *dir, unsigned port,
    bool always, const char *argv[])
{
	static char path[TEXT_BYTES];
	FILE *file;

	snprintf(path, sizeof(path), "%s/kvrocks.conf", dir);
	file = fopen(path, "w");
	if (file == NULL)
		err(EX_CANTCREAT, "%s", path);
	fprintf(file, "bind 127.0.0.1\nport %u\ndir %s\nlog-dir %s\n"
	    "workers %d\nlog-level warning\ndaemonize no\n"
	    "rocksdb.write_options.sync %s\n", port, dir, dir,
	    always ? 32 : 2, always ? "yes" : "no");
	if (fclose(file) != 0)
		err(EX_IOERR, "%s", path);
	PUT(argv, program, "-c", path);
}

static const struct rtb_rival_kind kinds[] = {
	{ "riptided", riptided_command },
	{ "redis", redis_command },
	{ "valkey", redis_command },
	{ "keydb", redis_command },
	{ "kvrocks", kvrocks_command },
};

const struct rtb_rival_kind *
rtb_rival_kind(const char *peer)
{
	size_t len = strcspn(peer, "=");

	for (size_t i = 0; i < RT_COUNTOF(kinds); i++)
		if (strlen(kinds[i].name) == len &&
		    memcmp(kinds[i].name, peer, len) == 0)
			return &kinds[i];
	return NULL;
}

/* -- processes -- */

void
rtb_rival_find(const char *name, char *out, size_t out_bytes)
{
	char self[RTB_PATH_BYTES / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	snprintf(out, out_bytes, "%s", name);
	if (len <= 0)
		return;
	self[len] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	for (unsigned i = 0; i < 3; i++) {
		char path[RTB_PATH_BYTES];

		snprintf(path, sizeof(path), "%s%s%s%s%s", self,
		    i == 1 ? "../sbin/" : i == 2 ? "../" : "",
		    i == 2 ? name : "", i == 2 ? "/" : "", name);
		if (access(path, X_OK) == 0) {
			snprintf(out, out_bytes, "%s", path);
			return;
		}
	}
}

static void
quiet(const char *dir)
{
	char path[TEXT_BYTES];
	int fd;

	snprintf(path, sizeof(path), "%s/output", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		return;
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	close(fd);
}

static pid_t
run(const char *const argv[], const char *cpus, const char *dir)
{
	struct rt_err error = { .code = RT_OK };
	pid_t parent = getpid(), pid = fork();

	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid != 0)
		return pid;
	/* It must not outlive us, whatever ends us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_OSERR);
	if (cpus[0] != '\0' && rtb_pin(cpus, &error) != RT_OK)
		errx(EX_USAGE, "%s", error.text);
	quiet(dir);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	warn("%s", argv[0]);
	_exit(EX_UNAVAILABLE);
}

static void
pause_shortly(void)
{
	struct timespec wait = { .tv_nsec = LOOK_NS };

	nanosleep(&wait, NULL);
}

/* True when it has ended, and is no more. */
static bool
has_ended(pid_t *pid)
{
	int status;

	if (*pid == 0)
		return true;
	if (waitpid(*pid, &status, WNOHANG) == 0)
		return false;
	*pid = 0;
	return true;
}

static void
end(pid_t *pid)
{
	uint64_t until_ns = rtb_now_ns() + PATIENCE_S * UINT64_C(1000000000);

	if (*pid == 0)
		return;
	kill(*pid, SIGCONT);
	kill(*pid, SIGTERM);
	while (!has_ended(pid) && rtb_now_ns() < until_ns)
		pause_shortly();
	if (*pid == 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
}

static unsigned
free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		err(EX_OSERR, "a free port");
	close(fd);
	return ntohs(address.sin_port);
}

/* One GET, so that a server that still loads does not count. */
static bool
answers(unsigned port)
{
	static struct rtb_load_result result;
	struct rtb_load_options options;

	rtb_load_options_default(&options);
	options.port = port;
	options.clients = 1;
	options.requests = 1;
	options.quiet = true;
	options.mix.weights[RTB_OP_GET] = options.mix.total = 1;
	return rtb_load_run(&options, &result, NULL) == RT_OK &&
	    result.counts.errors == 0;
}

static void
tell_output(const char *dir)
{
	char path[TEXT_BYTES], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/output", dir);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		fprintf(stderr, "\t%s", line);
	if (file != NULL)
		fclose(file);
}

bool
rtb_rival_start(struct rtb_rival *server, const char *dir, bool always)
{
	uint64_t until_ns = rtb_now_ns() + PATIENCE_S * UINT64_C(1000000000);
	const char *argv[ARGS_MAX] = { NULL };

	char data[TEXT_BYTES];

	snprintf(server->dir, sizeof(server->dir), "%s", dir);
	snprintf(data, sizeof(data), "%s/data", dir);
	if (mkdir(dir, 0700) < 0 || mkdir(data, 0700) < 0)
		err(EX_CANTCREAT, "%s", data);
	server->port = free_port();
	server->kind->command(server->program, data, server->port, always,
	    argv);
	server->pid = run(argv, server->cpus, dir);
	while (!answers(server->port)) {
		if (has_ended(&server->pid) || rtb_now_ns() > until_ns) {
			warnx("%s does not answer: done without; what it "
			    "said:", server->program);
			tell_output(dir);
			rtb_rival_stop(server);
			rtb_remove_tree(dir);
			return false;
		}
		pause_shortly();
	}
	return true;
}

void
rtb_rival_stop(struct rtb_rival *server)
{
	rtb_rival_compact_end(server);
	if (server->pid == 0)
		return;
	end(&server->pid);
	rtb_remove_tree(server->dir);
}

/* A process that starts the compactor anew whenever it has merged all. */
static void
compact_for_ever(const struct rtb_rival *server)
{
	char data[TEXT_BYTES];
	const char *argv[] = { server->compactor, "--dir", data, "--full",
		"--loglevel", "warning", NULL };

	snprintf(data, sizeof(data), "%s/data", server->dir);
	for (;;) {
		pid_t pid = run(argv, "", server->dir);

		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
}

void
rtb_rival_compact(struct rtb_rival *server, bool flat_out)
{
	char data[TEXT_BYTES];
	const char *argv[] = { server->compactor, "--dir", data, "--loglevel",
		"warning", NULL };
	pid_t parent = getpid();

	if (server->compactor == NULL)
		return;
	snprintf(data, sizeof(data), "%s/data", server->dir);
	if (!flat_out) {
		server->compactor_pid = run(argv, server->cpus, server->dir);
		return;
	}
	server->compactor_pid = fork();
	if (server->compactor_pid == -1)
		err(EX_OSERR, "fork");
	if (server->compactor_pid != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		compact_for_ever(server);
	_exit(EX_OSERR);
}

void
rtb_rival_compact_end(struct rtb_rival *server)
{
	end(&server->compactor_pid);
}
