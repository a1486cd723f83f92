/* Names are resolved by the library at run time, so that a list may name what
 * neither an older library nor this machine knows. Calls whose arguments decide
 * (clone, mmap, prctl, ...) have functions of their own.
 *
 * clone3(2) keeps its flags in memory, where a filter cannot look: it does not
 * exist, for which the C library is prepared by falling back to clone(2). */
#include "libcommon/daemon/syscall_filter.h"

#include "build-config.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* F1, for both. */
static const char *const hostile[] = {
	/* other programs and processes */
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv",
	"process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
	/* other views of the system */
	"mount", "umount", "umount2", "pivot_root", "chroot", "setns",
	"unshare", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig",
	"fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at",
	"mknod", "mknodat", "fanotify_init",
	/* other rights */
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	"setfsuid", "setfsgid", "setgroups", "capset", "keyctl", "add_key",
	"request_key", "personality",
	/* parts of the kernel that were its weak ones, or rule it */
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "modify_ldt", "iopl", "ioperm",
	"kexec_load", "kexec_file_load", "init_module", "finit_module",
	"delete_module", "reboot", "swapon", "swapoff", "acct", "quotactl",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"sethostname", "setdomainname", "syslog", "vhangup", "lookup_dcookie",
	"nfsservctl",
};

/* F1, for the compactor. */
static const char *const network[] = {
	"socket", "socketpair", "connect", "bind", "listen", "accept",
	"accept4", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg",
	"recvmmsg", "shutdown", "socketcall", "kill", "tkill",
};

/* F2. What a merge needs, the C library's ways to say it on several machines,
 * and what the next release of either may want. */
static const char *const allowed[] = {
	"open", "openat", "openat2", "creat", "close", "close_range", "read",
	"write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev",
	"preadv2", "pwritev2", "lseek", "_llseek", "copy_file_range", "fsync",
	"fdatasync", "sync_file_range", "sync_file_range2", "ftruncate",
	"ftruncate64", "fallocate", "fadvise64", "fadvise64_64", "readahead",
	"stat", "stat64", "lstat", "lstat64", "fstat", "fstat64",
	"newfstatat", "fstatat64", "statx", "statfs", "statfs64", "fstatfs",
	"fstatfs64", "link", "linkat", "rename", "renameat", "renameat2",
	"unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "flock", "fcntl",
	"fcntl64", "dup", "dup2", "dup3", "getdents", "getdents64", "access",
	"faccessat", "faccessat2", "readlink", "readlinkat", "umask", "getcwd",
	"fchmod", "pipe2", "eventfd2", "signalfd4", "inotify_init1",
	"inotify_add_watch", "inotify_rm_watch", "timerfd_create",
	"timerfd_settime", "poll", "ppoll", "ppoll_time64", "select",
	"pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"brk", "munmap", "mremap", "madvise", "mincore", "msync", "membarrier",
	"mlock", "munlock", "futex", "futex_time64", "futex_waitv",
	"futex_wait", "futex_wake", "set_robust_list", "get_robust_list",
	"rseq", "restart_syscall", "exit", "exit_group", "sched_yield",
	"gettid", "getpid", "getppid", "getpgrp", "getuid", "geteuid",
	"getgid", "getegid", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
	"clock_gettime", "clock_gettime64", "clock_getres",
	"clock_getres_time64", "clock_nanosleep", "clock_nanosleep_time64",
	"nanosleep", "gettimeofday", "time", "times", "getrandom", "uname",
	"sysinfo", "getrusage", "getrlimit", "ugetrlimit", "getcpu",
	"sched_getaffinity", "sched_setaffinity", "sched_getscheduler",
	"sched_setscheduler", "sched_getparam", "sched_getattr",
	"sched_setattr", "sched_get_priority_max", "sched_get_priority_min",
	"getpriority", "setpriority", "ioprio_get", "ioprio_set",
};

static int
add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names,
    size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < count && failed == 0; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number != __NR_SCMP_ERROR)
			failed = seccomp_rule_add(filter, action, number, 0);
	}
	return failed;
}

/* A thread shares all, and is no process of another namespace. */
#define CLONE_SPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* The flags are the first argument on all machines but s390 and cris. */
static int
add_clone(scmp_filter_ctx filter, bool is_allowed_by_default)
{
	const uint64_t looked_at = (uint64_t)CLONE_THREAD | CLONE_SPACES;
	int failed = 0;

	if (!is_allowed_by_default)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, looked_at,
		    CLONE_THREAD));
	if (failed == 0)
		failed = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS,
		    SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ,
		    CLONE_THREAD, 0));
	if (failed == 0 && is_allowed_by_default)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	return failed;
}

static int
allow_if_equal(scmp_filter_ctx filter, int number, unsigned argument,
    uint64_t value)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
	    SCMP_CMP(argument, SCMP_CMP_EQ, value));
}

/* Memory, but none to run: the code is all there. */
static int
allow_memory(scmp_filter_ctx filter)
{
	int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (failed == 0)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(mmap2), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (failed == 0)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return failed;
}

/* A signal to ourselves, names of threads, limits of ours, the size of a
 * terminal: TIOCSTI, which types into it, is not among them. */
static int
allow_by_argument(scmp_filter_ctx filter)
{
	const struct {
		int number;
		unsigned argument;
		uint64_t value;
	} calls[] = {
		{ SCMP_SYS(tgkill), 0, (uint64_t)getpid() },
		{ SCMP_SYS(prctl), 0, PR_SET_NAME },
		{ SCMP_SYS(prctl), 0, PR_GET_NAME },
		{ SCMP_SYS(prlimit64), 0, 0 },
		{ SCMP_SYS(ioctl), 1, TCGETS },
		{ SCMP_SYS(ioctl), 1, TIOCGWINSZ },
	};
	int failed = 0;

	for (size_t i = 0; i < RT_COUNTOF(calls) && failed == 0; i++)
		failed = allow_if_equal(filter, calls[i].number,
		    calls[i].argument, calls[i].value);
	return failed;
}

static int
add_daemon(scmp_filter_ctx filter)
{
	int failed = add_clone(filter, true);

	if (failed == 0)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(connect), 0);
	return failed;
}

static int
add_compactor(scmp_filter_ctx filter)
{
	int failed = add_names(filter, SCMP_ACT_KILL_PROCESS, network,
	    RT_COUNTOF(network));

	if (failed == 0)
		failed = add_names(filter, SCMP_ACT_ALLOW, allowed,
		    RT_COUNTOF(allowed));
	if (failed == 0)
		failed = add_clone(filter, false);
	if (failed == 0)
		failed = allow_memory(filter);
	if (failed == 0)
		failed = allow_by_argument(filter);
	return failed;
}

/* Calls of another machine's table are an attempt to get past. Speculation is
 * for those who run others' code; a filter that walks all names one by one is
 * for those who have few. */
static int
set_attributes(scmp_filter_ctx filter)
{
	int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);

	if (failed == 0)
		failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (failed == 0)
		failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return failed;
}

enum rt_code
rt_syscall_filter_enter(enum rt_syscall_filter which, struct rt_err *err)
{
	bool is_compactor = which == RT_SYSCALLS_COMPACTOR;
	scmp_filter_ctx filter = seccomp_init(is_compactor
	    ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);
	int failed;

	if (filter == NULL)
		return rt_err_set(err, RT_EIO, "seccomp: no filter to be had");
	failed = set_attributes(filter);
	if (failed == 0)
		failed = add_names(filter, SCMP_ACT_KILL_PROCESS, hostile,
		    RT_COUNTOF(hostile));
	if (failed == 0)
		failed = is_compactor ? add_compactor(filter)
				      : add_daemon(filter);
	if (failed == 0)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	return failed == 0 ? RT_OK
			   : rt_err_set_errno(err, -failed, "seccomp");
}

#else

enum rt_code
rt_syscall_filter_enter(enum rt_syscall_filter which, struct rt_err *err)
{
	return rt_err_set(err, RT_EIO,
	    "seccomp: this build has none (--with-seccomp)");
}

#endif
