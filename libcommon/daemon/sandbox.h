/* sandbox: what a program gives up for good when it starts (docs/sandbox.md):
 * new privileges, core dumps and debuggers of its own user, system calls that it
 * has no use for, and, for the compactor, all files but its own.
 * Thread: main, before others start. */
#ifndef LIBCOMMON_DAEMON_SANDBOX_H
#define LIBCOMMON_DAEMON_SANDBOX_H

#include "libcommon/daemon/config.h"
#include "libcommon/daemon/syscall_filter.h"

struct rt_sandbox_state {
	char text[64];		/* for people: "off", "seccomp, landlock 6" */
	char missing[256];	/* what was asked for and cannot be had; "" */
};

/* Enter as config->sandbox says. For the compactor, files stay open to it below
 * config->dir, and where the log and config_file (NULL: none), which are opened
 * anew at SIGHUP, lie. With `yes`, what cannot be had is done without; with
 * `required` it is RT_ECONFIG. Nothing is logged. */
RT_MUST_USE enum rt_code rt_sandbox_enter(enum rt_syscall_filter which,
    const struct rt_config *config, const char *config_file,
    struct rt_sandbox_state *state, struct rt_err *err);

/* Log the state, once the program has started. */
void rt_sandbox_log(const struct rt_sandbox_state *state);

#endif
