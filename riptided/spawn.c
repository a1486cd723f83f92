/* The child is made by the spawner and looked after by polling: its end with
 * waitpid(2), the role lock with a probe. A child that ends is started again
 * after a pause that doubles from one second to a minute, and is one second
 * again once a child has lived for a minute. A compactor that somebody else
 * started is left in peace: while it holds the lock none is started. */
#include "riptided/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/daemon/option.h"
#include "libcommon/os/dirlock.h"
#include "riptided/spawner.h"

#define PROGRAM "riptide-compactd"
#define SECOND_US UINT64_C(1000000)
#define PAUSE_MIN_US SECOND_US
#define PAUSE_MAX_US (60 * SECOND_US)
#define STOP_TRIES 100
#define STOP_TRY_MS 50
#define ANSWER_MS 1000
#define PATH_BYTES 4096

struct rtd_spawn {
	struct rtd_spawn_info info;
	struct rt_fs *fs;
	const struct rt_config *config;
	struct rtd_spawner spawner;
	char **argv;			/* [0] is the program's path */
	char program[PATH_BYTES];
	uint64_t started_us;
	uint64_t next_us;		/* no look before */
	uint64_t pause_us;
};

/* Beside our own program, where both are installed; in the room beside ours,
 * where both were built; else wherever PATH finds it. */
static void
find_program(char *out, size_t out_bytes)
{
	static const char *const places[] = { PROGRAM,
		"../" PROGRAM "/" PROGRAM };
	char self[PATH_BYTES / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	snprintf(out, out_bytes, "%s", PROGRAM);
	if (len <= 0)
		return;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return;
	slash[1] = '\0';
	for (size_t i = 0; i < RT_COUNTOF(places); i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%s%s", self, places[i]);
		if (access(path, X_OK) == 0) {
			snprintf(out, out_bytes, "%s", path);
			return;
		}
	}
}

/* Copy from our command line the options that the compactor reads: a name and
 * the words up to the next name. */
static void
copy_options(struct rtd_spawn *spawn, size_t count, int argc,
    char *const argv[])
{
	bool wanted = false;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0) {
			const char *name = argv[i] + 2;
			const struct rt_option *option = rt_option_find(
			    rt_slice(name, strcspn(name, "=")));

			wanted = option != NULL && strcmp(name, "dir") != 0 &&
			    (option->who & RT_FOR_COMPACTOR) != 0;
		}
		if (wanted)
			spawn->argv[count++] = argv[i];
	}
	spawn->argv[count] = NULL;
}

enum rt_code
rtd_spawn_new(struct rtd_spawn **out, struct rt_fs *fs,
    const struct rt_config *config, const char *config_file, int argc,
    char *const argv[], struct rt_err *err)
{
	struct rtd_spawn *spawn = rt_alloc_zero(1, sizeof(*spawn));
	size_t count = 0;
	enum rt_code code;

	spawn->fs = fs;
	spawn->config = config;
	spawn->pause_us = PAUSE_MIN_US;
	spawn->spawner = (struct rtd_spawner)RTD_SPAWNER_INIT;
	find_program(spawn->program, sizeof(spawn->program));
	spawn->argv = rt_alloc_zero((size_t)argc + 8, sizeof(*spawn->argv));
	spawn->argv[count++] = spawn->program;
	if (config_file != NULL)
		spawn->argv[count++] = (char *)(uintptr_t)config_file;
	spawn->argv[count++] = (char *)(uintptr_t)"--dir";
	spawn->argv[count++] = spawn->config->dir;
	copy_options(spawn, count, argc, argv);
	code = rtd_spawner_open(&spawn->spawner, spawn->argv, err);
	if (code == RT_OK) {
		*out = spawn;
		return RT_OK;
	}
	rtd_spawn_free(spawn);
	return code;
}

static bool
role_is_held(struct rtd_spawn *spawn)
{
	bool held = false;
	int dir = -1;
	pid_t pid;

	if (rt_fs_open_dir(spawn->fs, spawn->config->dir, &dir, NULL) != RT_OK)
		return true;
	if (rt_dirlock_probe(spawn->fs, dir, "COMPACTOR.LOCK", &held, &pid,
		NULL) != RT_OK)
		held = false;
	rt_fs_close(spawn->fs, &dir, NULL);
	return held;
}

static void
note_not_started(struct rtd_spawn *spawn, const struct rt_err *err)
{
	snprintf(spawn->info.reason, sizeof(spawn->info.reason), "%.127s",
	    err->text);
	rt_log_limited(60000, RT_LOG_WARNING, "spawn", "compactor not started",
	    "reason=\"%s\"", spawn->info.reason);
}

static void
start(struct rtd_spawn *spawn, uint64_t now_us)
{
	struct rt_err err = { 0 };

	spawn->next_us = now_us + spawn->pause_us;
	if (rtd_spawner_ask(&spawn->spawner, &err) != RT_OK)
		note_not_started(spawn, &err);
}

/* The spawner was asked: is there a child by now? */
static void
take_answer(struct rtd_spawn *spawn, int wait_ms, uint64_t now_us)
{
	struct rt_err err = { 0 };
	enum rt_code code = rtd_spawner_answer(&spawn->spawner, wait_ms,
	    &spawn->info.pid, &err);

	if (code == RT_EAGAIN)
		return;
	if (code != RT_OK) {
		note_not_started(spawn, &err);
		return;
	}
	spawn->started_us = now_us;
	rt_log(RT_LOG_NOTICE, "spawn", "compactor started", "pid=%d",
	    (int)spawn->info.pid);
}

static void
note_end(struct rtd_spawn *spawn, int status, uint64_t now_us)
{
	struct rtd_spawn_info *info = &spawn->info;

	if (now_us - spawn->started_us >= PAUSE_MAX_US)
		spawn->pause_us = PAUSE_MIN_US;
	if (WIFSIGNALED(status))
		snprintf(info->reason, sizeof(info->reason), "signal %d",
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) == RTD_SPAWNER_NO_PROGRAM)
		snprintf(info->reason, sizeof(info->reason), "%s was not found",
		    PROGRAM);
	else
		snprintf(info->reason, sizeof(info->reason), "exit status %d",
		    WEXITSTATUS(status));
	rt_log(RT_LOG_WARNING, "spawn", "compactor ended",
	    "pid=%d reason=\"%s\" again_in_s=%u", (int)info->pid, info->reason,
	    (unsigned)(spawn->pause_us / SECOND_US));
	info->pid = 0;
	info->restarts++;
	spawn->next_us = now_us + spawn->pause_us;
	spawn->pause_us *= 2;
	if (spawn->pause_us > PAUSE_MAX_US)
		spawn->pause_us = PAUSE_MAX_US;
}

void
rtd_spawn_tick(struct rtd_spawn *spawn, uint64_t now_us)
{
	int status;

	if (spawn->spawner.is_asked)
		take_answer(spawn, 0, now_us);
	if (spawn->info.pid != 0) {
		if (waitpid(spawn->info.pid, &status, WNOHANG) ==
		    spawn->info.pid)
			note_end(spawn, status, now_us);
		return;
	}
	if (spawn->spawner.is_asked || now_us < spawn->next_us)
		return;
	spawn->next_us = now_us + SECOND_US;
	if (!role_is_held(spawn))
		start(spawn, now_us);
}

const struct rtd_spawn_info *
rtd_spawn_info(const struct rtd_spawn *spawn)
{
	return &spawn->info;
}

void
rtd_spawn_free(struct rtd_spawn *spawn)
{
	struct timespec pause = { .tv_nsec = STOP_TRY_MS * 1000000L };
	int status;

	if (spawn == NULL)
		return;
	if (spawn->spawner.is_asked)
		take_answer(spawn, ANSWER_MS, spawn->next_us);
	rtd_spawner_close(&spawn->spawner);
	if (spawn->info.pid != 0)
		kill(spawn->info.pid, SIGTERM);
	for (int i = 0; spawn->info.pid != 0 && i < STOP_TRIES; i++) {
		if (waitpid(spawn->info.pid, &status, WNOHANG) != 0)
			spawn->info.pid = 0;
		else
			nanosleep(&pause, NULL);
	}
	if (spawn->info.pid != 0)
		rt_log(RT_LOG_WARNING, "spawn", "compactor is still ending",
		    "pid=%d", (int)spawn->info.pid);
	free(spawn->argv);
	free(spawn);
}
