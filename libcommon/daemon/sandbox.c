/* Landlock goes first, since the filter of system calls forbids its calls.
 *
 * A build with a sanitizer or with gcov stays outside: it makes system calls and
 * files at its end that no list of ours should have. */
#include "libcommon/daemon/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "build-config.h"
#include "libcommon/daemon/landlock.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/clock.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    defined(RT_WITH_COVERAGE)
#define IS_INSTRUMENTED true
#else
#define IS_INSTRUMENTED false
#endif

/* Data, log, configuration and its target, and the time zone, twice. */
#define PLACES 6
#define PATH_BYTES PATH_MAX

struct places {
	struct rt_landlock_place all[PLACES];
	size_t count;
	char log[PATH_BYTES], config[PATH_BYTES], target[PATH_BYTES];
};

static void
put_place(struct places *places, const char *path,
    enum rt_landlock_right right)
{
	places->all[places->count++] = (struct rt_landlock_place){
		.path = path, .right = right };
}

/* The directory of a file: after logrotate or an editor another file has its
 * name. */
static const char *
directory_of(const char *path, char out[PATH_BYTES])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strcpy(out, ".");
	snprintf(out, PATH_BYTES, "%.*s", (int)(slash - path + 1), path);
	return out;
}

static void
put_log(struct places *places, const char *logfile)
{
	struct stat status;

	/* One of /dev is opened anew as itself. */
	if (stat(logfile, &status) == 0 && !S_ISREG(status.st_mode))
		put_place(places, logfile, RT_LANDLOCK_APPEND);
	else
		put_place(places, directory_of(logfile, places->log),
		    RT_LANDLOCK_APPEND);
}

static void
put_config(struct places *places, const char *path)
{
	char *target = realpath(path, NULL);

	put_place(places, directory_of(path, places->config),
	    RT_LANDLOCK_READ);
	if (target != NULL)
		put_place(places, directory_of(target, places->target),
		    RT_LANDLOCK_READ);
	free(target);
}

static enum rt_code
keep_files(const struct rt_config *config, const char *config_file,
    struct rt_err *err)
{
	struct places places = { .count = 0 };

	put_place(&places, config->dir, RT_LANDLOCK_ALL);
	if (config->logfile[0] != '\0')
		put_log(&places, config->logfile);
	if (config_file != NULL)
		put_config(&places, config_file);
	/* compaction-window is in local time. */
	put_place(&places, "/etc/localtime", RT_LANDLOCK_READ);
	put_place(&places, "/usr/share/zoneinfo", RT_LANDLOCK_READ);
	return rt_landlock_enter(places.all, places.count, err);
}

/* What cannot be had: an error, or something to tell. */
static enum rt_code
miss(const struct rt_config *config, struct rt_sandbox_state *state,
    struct rt_err *reason, struct rt_err *err)
{
	size_t len = strlen(state->missing);

	if (config->sandbox == RT_SANDBOX_REQUIRED)
		return rt_err_set(err, RT_ECONFIG,
		    "sandbox: required, but cannot be had: %.300s",
		    reason->text);
	snprintf(state->missing + len, sizeof(state->missing) - len, "%s%.100s",
	    len > 0 ? "; " : "", reason->text);
	rt_err_clear(reason);
	return RT_OK;
}

static enum rt_code
refuse_privileges(struct rt_err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return rt_err_set_errno(err, errno, "no new privileges");
	/* Values of clients and their password are in our memory. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return rt_err_set_errno(err, errno, "no core dumps");
	return RT_OK;
}

static enum rt_code
enter_all(enum rt_syscall_filter which, const struct rt_config *config,
    const char *config_file, struct rt_sandbox_state *state,
    struct rt_err *err)
{
	struct rt_err reason = { 0 };
	/* The filter does not let us ask afterwards. */
	int abi = rt_landlock_abi();
	bool filtered, confined = false;
	enum rt_code code = RT_OK;

	/* What is read but once, from files that will be out of reach. */
	tzset();
	(void)rt_clock_boot_id(rt_clock_system());
	if (refuse_privileges(&reason) != RT_OK)
		code = miss(config, state, &reason, err);
	if (code == RT_OK && which == RT_SYSCALLS_COMPACTOR) {
		confined = keep_files(config, config_file, &reason) == RT_OK;
		if (!confined)
			code = miss(config, state, &reason, err);
	}
	if (code != RT_OK)
		return code;
	filtered = rt_syscall_filter_enter(which, &reason) == RT_OK;
	if (!filtered)
		code = miss(config, state, &reason, err);
	if (confined)
		snprintf(state->text, sizeof(state->text), "%slandlock %d",
		    filtered ? "seccomp, " : "", abi);
	else if (filtered)
		snprintf(state->text, sizeof(state->text), "seccomp");
	return code;
}

enum rt_code
rt_sandbox_enter(enum rt_syscall_filter which, const struct rt_config *config,
    const char *config_file, struct rt_sandbox_state *state,
    struct rt_err *err)
{
	*state = (struct rt_sandbox_state){ .text = "off" };
	if (config->sandbox == RT_SANDBOX_NO)
		return RT_OK;
	if (!IS_INSTRUMENTED)
		return enter_all(which, config, config_file, state, err);
	if (config->sandbox != RT_SANDBOX_REQUIRED)
		return RT_OK;
	return rt_err_set(err, RT_ECONFIG, "sandbox: required, but this build "
	    "looks into itself (sanitizer or gcov)");
}

void
rt_sandbox_log(const struct rt_sandbox_state *state)
{
	if (state->missing[0] != '\0')
		rt_log(RT_LOG_WARNING, "sandbox", "a part cannot be had",
		    "reason=\"%s\"", state->missing);
	rt_log(RT_LOG_NOTICE, "sandbox", "entered", "parts=\"%s\"",
	    state->text);
}
