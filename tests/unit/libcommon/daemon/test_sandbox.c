#include "libcommon/daemon/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "build-config.h"
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/mutex.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define KILLED (-1)		/* by SIGSYS */
#define NO_SANDBOX 250		/* exit status of a child; errnos are below */

/* data/ is the compactor's, log/ has its log, etc/ its configuration; out/ is
 * nobody's. */
static struct rtt_scratch scratch;
static struct rt_config config;

static void
put_file(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void
set_up(void)
{
	static const char *const dirs[] = { "data", "data/sst", "log", "etc",
		"out" };

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(fchdir(scratch.fd), 0);
	for (size_t i = 0; i < RT_COUNTOF(dirs); i++)
		ck_assert_int_eq(mkdir(dirs[i], 0700), 0);
	put_file("data/there");
	put_file("log/log");
	put_file("etc/riptide.conf");
	put_file("out/there");
	rt_config_init(&config);
	free(config.dir);
	free(config.logfile);
	config.dir = rt_strdup("data");
	config.logfile = rt_strdup("log/log");
	config.sandbox = RT_SANDBOX_REQUIRED;
	rt_log_set_level(RT_LOG_WARNING);
}

static void
tear_down(void)
{
	rt_config_fini(&config);
	ck_assert_int_eq(chdir("/"), 0);
	rtt_scratch_fini(&scratch);
}

/* A deed in a child, in a sandbox: 0, or the errno it failed with, or KILLED, or
 * NO_SANDBOX. */
static int
result_of(enum rt_syscall_filter which, int (*deed)(void))
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct rt_sandbox_state state;

		if (rt_sandbox_enter(which, &config, "etc/riptide.conf",
			&state, NULL) != RT_OK)
			_exit(NO_SANDBOX);
		_exit(deed());
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
do_nothing(void)
{
	return 0;
}

/* Builds with a sanitizer and old kernels have none, which `required` says. */
static bool
can_be_had(void)
{
	int result = result_of(RT_SYSCALLS_COMPACTOR, do_nothing);

	if (result == NO_SANDBOX)
		fprintf(stderr, "no sandbox here: nothing is tested\n");
	return result == 0;
}

struct deed {
	const char *name;
	int (*deed)(void);
	int wanted;
};

static void
expect_results(enum rt_syscall_filter which, const struct deed *deeds,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = result_of(which, deeds[i].deed);

		ck_assert_msg(result == deeds[i].wanted, "%s: %d, not %d",
		    deeds[i].name, result, deeds[i].wanted);
	}
}

/* -- deeds -- */

static int
outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int
make_socket(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int
make_socketpair(void)
{
	int pair[2];

	return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static int
listen_somewhere(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return errno;
	return outcome(listen(fd, 1));
}

static int
connect_somewhere(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = 9,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? NO_SANDBOX
		      : outcome(connect(fd, (struct sockaddr *)&any,
			    sizeof(any)));
}

static int
run_a_program(void)
{
	char *const words[] = { (char *)(uintptr_t)"true", NULL };

	return outcome(execv("/bin/true", words));
}

static int
make_a_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return outcome(child);
}

static int
make_a_namespace(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int
trace_the_parent(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
mount_a_disk(void)
{
	return outcome(mount("none", "data", "tmpfs", 0, NULL));
}

static int
load_a_program_into_the_kernel(void)
{
	return outcome(syscall(SYS_bpf, 0, NULL, 0));
}

static int
signal_the_parent(void)
{
	return outcome(kill(getppid(), 0));
}

static int
end_itself(void)
{
	signal(SIGUSR1, SIG_IGN);
	return outcome(raise(SIGUSR1));
}

static int
call_what_is_not_there(void)
{
	return outcome(syscall(100000));
}

static int
type_into_the_terminal(void)
{
	return outcome(ioctl(STDERR_FILENO, TIOCSTI, "x"));
}

static int
make_code(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? errno : 0;
}

static int
read_outside(void)
{
	return outcome(open("out/there", O_RDONLY));
}

static int
read_etc(void)
{
	return outcome(open("/etc/passwd", O_RDONLY));
}

static int
write_outside(void)
{
	return outcome(open("out/there", O_WRONLY | O_APPEND));
}

static int
make_outside(void)
{
	return outcome(open("out/new", O_CREAT | O_WRONLY, 0600));
}

static int
remove_outside(void)
{
	return outcome(unlink("out/there"));
}

static int
list_outside(void)
{
	return outcome(open("out", O_RDONLY | O_DIRECTORY));
}

static int
move_outside(void)
{
	/* Two directories without a right in common: EXDEV, or EACCES. */
	return rename("data/there", "out/data") == 0 ? 0 : EACCES;
}

static int
work_inside(void)
{
	int dir = open("data", O_RDONLY | O_DIRECTORY), fd;

	if (dir < 0 || (fd = openat(dir, "sst/a", O_CREAT | O_RDWR, 0600)) < 0)
		return errno;
	if (write(fd, "data", 4) != 4 || ftruncate(fd, 2) != 0 ||
	    fallocate(fd, 0, 0, 4096) != 0 || fdatasync(fd) != 0 ||
	    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) != 0 ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0 ||
	    linkat(dir, "sst/a", dir, "sst/b", 0) != 0 ||
	    renameat(dir, "sst/b", dir, "sst/c") != 0 ||
	    unlinkat(dir, "sst/a", 0) != 0 || fsync(dir) != 0)
		return errno;
	return 0;
}

static int
open_the_log_anew(void)
{
	if (rename("log/log", "log/log.1") == 0)
		return NO_SANDBOX;
	return outcome(open("log/new", O_WRONLY | O_APPEND | O_CREAT, 0600));
}

static int
read_the_log(void)
{
	return outcome(open("log/log", O_RDONLY));
}

static int
read_the_configuration(void)
{
	return outcome(open("etc/riptide.conf", O_RDONLY));
}

static int
write_the_configuration(void)
{
	return outcome(open("etc/riptide.conf", O_WRONLY));
}

static void *
return_name(void *arg)
{
	prctl(PR_GET_NAME, arg);
	return NULL;
}

static int
start_a_thread(void)
{
	char name[16] = "";
	pthread_t thread;

	rt_thread_start(&thread, "merge", return_name, name);
	rt_thread_join(thread);
	return strcmp(name, "merge") == 0 ? 0 : NO_SANDBOX;
}

static int
watch_and_wait(void)
{
	if (inotify_add_watch(inotify_init1(IN_CLOEXEC), "data", IN_CREATE) < 0)
		return errno;
	return outcome(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

static int
be_modest(void)
{
	struct sched_param param = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &param) != 0)
		return errno;
	return outcome(setpriority(PRIO_PROCESS, 0, 19));
}

static int
tell_the_time(void)
{
	time_t now = time(NULL);
	struct tm tm;
	uint8_t random[8];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return errno;
	return localtime_r(&now, &tm) != NULL &&
	    rt_clock_boot_id(rt_clock_system()) != 0 ? 0 : NO_SANDBOX;
}

static int
use_memory(void)
{
	char *bytes = malloc(64 << 20);

	if (bytes == NULL || madvise(bytes, 4096, MADV_NORMAL) == -2)
		return errno;
	memset(bytes, 1, 64 << 20);
	bytes = realloc(bytes, 128 << 20);
	free(bytes);
	return bytes == NULL ? ENOMEM : 0;
}

/* -- tests -- */

START_TEST(the_compactor_has_what_it_needs)
{
	static const struct deed deeds[] = {
		{ "work_inside", work_inside, 0 },
		{ "open_the_log_anew", open_the_log_anew, 0 },
		{ "read_the_configuration", read_the_configuration, 0 },
		{ "start_a_thread", start_a_thread, 0 },
		{ "watch_and_wait", watch_and_wait, 0 },
		{ "be_modest", be_modest, 0 },
		{ "tell_the_time", tell_the_time, 0 },
		{ "use_memory", use_memory, 0 },
		{ "end_itself", end_itself, 0 },
	};

	if (can_be_had())
		expect_results(RT_SYSCALLS_COMPACTOR, deeds,
		    RT_COUNTOF(deeds));
}
END_TEST

START_TEST(the_compactor_has_no_other_files)
{
	static const struct deed deeds[] = {
		{ "read_outside", read_outside, EACCES },
		{ "read_etc", read_etc, EACCES },
		{ "write_outside", write_outside, EACCES },
		{ "make_outside", make_outside, EACCES },
		{ "remove_outside", remove_outside, EACCES },
		{ "list_outside", list_outside, EACCES },
		{ "move_outside", move_outside, EACCES },
		{ "read_the_log", read_the_log, EACCES },
		{ "write_the_configuration", write_the_configuration, EACCES },
	};

	if (can_be_had())
		expect_results(RT_SYSCALLS_COMPACTOR, deeds,
		    RT_COUNTOF(deeds));
}
END_TEST

START_TEST(the_compactor_dies_of_what_only_an_attacker_wants)
{
	static const struct deed deeds[] = {
		{ "make_socket", make_socket, KILLED },
		{ "make_socketpair", make_socketpair, KILLED },
		{ "run_a_program", run_a_program, KILLED },
		{ "make_a_process", make_a_process, KILLED },
		{ "make_a_namespace", make_a_namespace, KILLED },
		{ "trace_the_parent", trace_the_parent, KILLED },
		{ "mount_a_disk", mount_a_disk, KILLED },
		{ "load_a_program_into_the_kernel",
		    load_a_program_into_the_kernel, KILLED },
		{ "signal_the_parent", signal_the_parent, KILLED },
	};

	if (can_be_had())
		expect_results(RT_SYSCALLS_COMPACTOR, deeds,
		    RT_COUNTOF(deeds));
}
END_TEST

START_TEST(what_is_on_no_list_does_not_exist)
{
	static const struct deed deeds[] = {
		{ "call_what_is_not_there", call_what_is_not_there, ENOSYS },
		{ "type_into_the_terminal", type_into_the_terminal, ENOSYS },
		{ "make_code", make_code, ENOSYS },
	};

	if (can_be_had())
		expect_results(RT_SYSCALLS_COMPACTOR, deeds,
		    RT_COUNTOF(deeds));
}
END_TEST

START_TEST(the_daemon_keeps_its_sockets_and_loses_the_rest)
{
	static const struct deed deeds[] = {
		{ "listen_somewhere", listen_somewhere, 0 },
		{ "start_a_thread", start_a_thread, 0 },
		{ "read_outside", read_outside, 0 },
		{ "make_outside", make_outside, 0 },
		{ "signal_the_parent", signal_the_parent, 0 },
		{ "use_memory", use_memory, 0 },
		{ "connect_somewhere", connect_somewhere, EPERM },
		{ "run_a_program", run_a_program, KILLED },
		{ "make_a_process", make_a_process, KILLED },
		{ "make_a_namespace", make_a_namespace, KILLED },
		{ "trace_the_parent", trace_the_parent, KILLED },
		{ "mount_a_disk", mount_a_disk, KILLED },
		{ "load_a_program_into_the_kernel",
		    load_a_program_into_the_kernel, KILLED },
	};

	if (can_be_had())
		expect_results(RT_SYSCALLS_DAEMON, deeds, RT_COUNTOF(deeds));
}
END_TEST

START_TEST(without_a_sandbox_nothing_is_given_up)
{
	config.sandbox = RT_SANDBOX_NO;
	ck_assert_int_eq(result_of(RT_SYSCALLS_COMPACTOR, run_a_program), 0);
	ck_assert_int_eq(result_of(RT_SYSCALLS_COMPACTOR, read_etc), 0);
}
END_TEST

#ifdef HAVE_SECCOMP

/* A machine that does not have it: the call is refused to this child. */
static void
lose_call(int number, int error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL || seccomp_rule_add(filter,
	    SCMP_ACT_ERRNO((uint32_t)error), number, 0) != 0 ||
	    seccomp_load(filter) != 0)
		_exit(NO_SANDBOX);
	seccomp_release(filter);
}

/* In a child without that call: what becomes of the start, and its words. */
static void
start_without(int number, int sandbox, const char *words)
{
	struct rt_sandbox_state state;
	struct rt_err err = { 0 };
	enum rt_code wanted = sandbox == RT_SANDBOX_REQUIRED ? RT_ECONFIG
							     : RT_OK;
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		lose_call(number, ENOSYS);
		config.sandbox = sandbox;
		if (rt_sandbox_enter(RT_SYSCALLS_COMPACTOR, &config, NULL,
			&state, &err) != wanted)
			_exit(1);
		if (strstr(wanted == RT_OK ? state.text : err.text, words) ==
		    NULL)
			_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "%s: status %d", words, status);
}

START_TEST(required_ends_where_a_part_cannot_be_had)
{
	if (!can_be_had())
		return;
	start_without(SCMP_SYS(landlock_create_ruleset), RT_SANDBOX_REQUIRED,
	    "cannot be had: landlock");
	start_without(SCMP_SYS(landlock_restrict_self), RT_SANDBOX_REQUIRED,
	    "cannot be had: landlock");
	start_without(SCMP_SYS(seccomp), RT_SANDBOX_REQUIRED,
	    "cannot be had: seccomp");
}
END_TEST

START_TEST(yes_does_without_what_cannot_be_had)
{
	if (!can_be_had())
		return;
	start_without(SCMP_SYS(landlock_create_ruleset), RT_SANDBOX_YES,
	    "seccomp");
	start_without(SCMP_SYS(seccomp), RT_SANDBOX_YES, "landlock");
}
END_TEST

#else

START_TEST(required_ends_where_a_part_cannot_be_had)
{
	ck_assert_int_eq(result_of(RT_SYSCALLS_COMPACTOR, do_nothing),
	    NO_SANDBOX);
}
END_TEST

START_TEST(yes_does_without_what_cannot_be_had)
{
	config.sandbox = RT_SANDBOX_YES;
	ck_assert_int_eq(result_of(RT_SYSCALLS_DAEMON, run_a_program), 0);
}
END_TEST

#endif

int
main(void)
{
	const TTest *tests[] = { the_compactor_has_what_it_needs,
		the_compactor_has_no_other_files,
		the_compactor_dies_of_what_only_an_attacker_wants,
		what_is_on_no_list_does_not_exist,
		the_daemon_keeps_its_sockets_and_loses_the_rest,
		without_a_sandbox_nothing_is_given_up,
		required_ends_where_a_part_cannot_be_had,
		yes_does_without_what_cannot_be_had };
	Suite *suite = suite_create("sandbox");
	TCase *tcase = tcase_create("sandbox");

	tcase_set_timeout(tcase, RTT_TIMEOUT_S);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < RT_COUNTOF(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
