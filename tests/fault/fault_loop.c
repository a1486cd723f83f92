/* Three processes for each point. The runner forks a watcher, which makes the
 * directory and forks the player; the player plays the script on the failing
 * disk and looks at what it can read. Then it is killed, or has the disk
 * repaired, expects everything to work again, and closes. A third process
 * starts the engine on what is left, with a sound disk, and compares with the
 * oracle. */
#include "tests/fault/fault_loop.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "tests/support/fault_fs.h"
#include "tests/support/scratch_dir.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define LEAKS() __lsan_do_recoverable_leak_check()
#else
#define LEAKS() 0
#endif

/* Most of a run is waiting for the engine to try again. */
#define BESIDE 8u
#define PLAYER_S_MAX 120
#define RECOVERY_TRIES 2000
#define RECOVERY_POLL_US 10000
/* Threads make the number of calls vary: so many runs in a row without a
 * fault are the end. */
#define WITHOUT_FAULT 6
#define POINTS_MAX 100000
/* A start makes about so many calls. */
#define START_CALLS 90

const struct rtt_fault_kind rtt_fault_kinds[] = {
	{ .name = "EIO", .os_errno = EIO },
	{ .name = "ENOSPC", .os_errno = ENOSPC },
	{ .name = "EDQUOT", .os_errno = EDQUOT },
	{ .name = "EROFS", .os_errno = EROFS },
	{ .name = "EMFILE", .os_errno = EMFILE },
	{ .name = "EINTR", .os_errno = EINTR, .once_only = true },
	{ .name = "short", .os_errno = EIO, .short_transfer = true },
	{ .name = "EIO_after", .os_errno = EIO, .after = true },
};
const size_t rtt_fault_kinds_count = RT_COUNTOF(rtt_fault_kinds);

/* What the processes of one run share. */
struct run {
	struct rtt_history history;
	struct rtt_fault_fs fault;
	_Atomic long failed;
};

struct slot {
	pid_t pid;		/* of the watcher; 0: free */
	long n;
	struct run *run;
};

const struct rtt_fault_kind *
rtt_fault_kind_find(const char *name)
{
	for (size_t i = 0; i < rtt_fault_kinds_count; i++)
		if (strcmp(rtt_fault_kinds[i].name, name) == 0)
			return &rtt_fault_kinds[i];
	return NULL;
}

static void *
shared_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	rt_assert(memory != MAP_FAILED);
	return memory;
}

static size_t
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	rt_assert(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void
play_init(struct rtt_play *play, const struct rtt_fault_plan *plan,
    struct rt_fs *fs, const char *dir, struct rtt_history *history,
    const char *story)
{
	rtt_play_init(play, fs, dir, history);
	play->story = story;
	if (plan->script->configure != NULL)
		plan->script->configure(play);
}

static void
arm(struct rtt_fault_fs *fault, const struct rtt_fault_plan *plan, long n,
    bool for_ever)
{
	rtt_fault_fs_disarm(fault);
	fault->short_transfer = plan->kind->short_transfer;
	fault->transfers_only = plan->kind->short_transfer;
	fault->after = plan->kind->after;
	fault->everything = true;
	fault->sites = plan->sites;
	rtt_fault_fs_arm(fault, n, for_ever, plan->kind->os_errno);
}

/* -- the player -- */

/* The disk works again: so must the engine, without being told. */
static void
expect_recovery(struct rtt_play *play)
{
	unsigned tries = 0;

	if (rtt_play_read_all(play) != 0)
		rtt_play_fail(play, "not everything can be read when the disk "
		    "works again");
	while (!rtt_play_set(play, 0, 0)) {
		if (++tries == RECOVERY_TRIES)
			rtt_play_fail(play, "writes are not taken again");
		usleep(RECOVERY_POLL_US);
		rtd_engine_end_turn(play->engine);
	}
	for (tries = 0; !rtt_play_flush(play); usleep(RECOVERY_POLL_US))
		if (++tries == RECOVERY_TRIES)
			rtt_play_fail(play, "flushes do not work again");
	rtt_play_set(play, 1, 1);
	if (rtt_play_read_all(play) != 0)
		rtt_play_fail(play, "not everything can be read after the "
		    "writes resumed");
}

static void
play_script(const struct rtt_fault_plan *plan, struct run *run, long n,
    const char *dir, const char *story)
{
	size_t descriptors = open_descriptors();
	struct rt_err err = { 0 };
	struct rtt_play play;

	play_init(&play, plan, &run->fault.fs, dir, &run->history, story);
	arm(&run->fault, plan, n, plan->for_ever);
	if (plan->compound)
		run->fault.again_after = 1 + n * 7 % 23;
	plan->script->run(&play);
	run->failed = atomic_load(&run->fault.failed);
	if (plan->killed)
		_exit(0);
	rtt_fault_fs_disarm(&run->fault);
	if (play.engine != NULL)
		expect_recovery(&play);
	if (rtt_play_close(&play, &err) != RT_OK)
		rtt_play_fail(&play, "close: %s", err.text);
	rtt_play_fini(&play);
	if (open_descriptors() != descriptors)
		rtt_play_fail(&play, "%zu descriptors before, %zu after",
		    descriptors, open_descriptors());
	if (LEAKS() != 0)
		rtt_play_fail(&play, "memory is lost");
	_exit(0);
}

/* A start that meets faults of its own, in what a faulty life left. */
static void
play_recovery(const struct rtt_fault_plan *plan, struct run *run, long n,
    const char *dir, const char *story)
{
	bool may_last = !plan->kind->once_only;
	struct rtt_play play;

	play_init(&play, plan, &run->fault.fs, dir, &run->history, story);
	arm(&run->fault, plan, 1 + n * 13 % START_CALLS,
	    may_last && n % 2 == 0);
	if (rtt_play_open(&play, NULL) == RT_OK) {
		/* Replay says which of the possible contents it is. */
		rtt_fault_fs_disarm(&run->fault);
		rtt_play_settle(&play, run->history.acked);
		arm(&run->fault, plan, 1 + n * 5 % 29,
		    may_last && n % 3 == 0);
		rtt_play_set(&play, 0, 2);
		rtt_play_flush(&play);
		rtt_play_read_all(&play);
		rtt_play_set(&play, 1, 3);
	}
	if (n % 2 == 0)
		_exit(0);
	(void)rtt_play_close(&play, NULL);
	_exit(0);
}

/* -- the watcher -- */

/* Wait for a process that must end well. */
static bool
ended_well(pid_t pid, const char *what, const char *story)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		rt_assert(errno == EINTR);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status))
		fprintf(stderr, "# %s: %s ended by signal %d (%s)\n", story,
		    what, WTERMSIG(status), WTERMSIG(status) == SIGALRM
		    ? "it hung" : strsignal(WTERMSIG(status)));
	return false;
}

static bool
in_child(void (*play)(const struct rtt_fault_plan *plan, struct run *run,
    long n, const char *dir, const char *story),
    const struct rtt_fault_plan *plan, struct run *run, long n,
    const char *dir, const char *story, const char *what)
{
	pid_t pid = fork();

	rt_assert(pid >= 0);
	if (pid == 0) {
		alarm(PLAYER_S_MAX);
		play(plan, run, n, dir, story);
		_exit(0);
	}
	return ended_well(pid, what, story);
}

static void
look_at_rest(const struct rtt_fault_plan *plan, struct run *run, long n,
    const char *dir, const char *story)
{
	struct rt_err err = { 0 };
	struct rtt_play play;

	play_init(&play, plan, rt_fs_posix(), dir, &run->history, story);
	if (rtt_play_open(&play, &err) != RT_OK)
		rtt_play_fail(&play, "the next start: %s", err.text);
	rtt_play_settle(&play, run->history.acked);
	if (!rtt_play_set(&play, 0, 5) || !rtt_play_flush(&play) ||
	    rtt_play_read_all(&play) != 0)
		rtt_play_fail(&play, "the next start does not work");
	if (rtt_play_close(&play, &err) != RT_OK)
		rtt_play_fail(&play, "the next close: %s", err.text);
	rtt_play_fini(&play);
	if (LEAKS() != 0)
		rtt_play_fail(&play, "memory is lost by the next start");
}

static bool
watch(const struct rtt_fault_plan *plan, const struct rtt_dir_image *image,
    struct run *run, long n)
{
	struct rtt_scratch scratch;
	char dir[300], story[200];
	bool well;

	snprintf(story, sizeof(story), "FAULT_SCRIPT=%s FAULT_KIND=%s "
	    "FAULT_FOR_EVER=%d FAULT_KILLED=%d FAULT_COMPOUND=%d FAULT_N=%ld",
	    plan->script->name, plan->kind->name, plan->for_ever,
	    plan->killed, plan->compound, n);
	rtt_scratch_init(&scratch);
	snprintf(dir, sizeof(dir), "%s/data", scratch.path);
	if (image != NULL)
		rtt_dir_image_write(image, dir);
	well = in_child(play_script, plan, run, n, dir, story, "the player");
	if (well && plan->compound)
		well = in_child(play_recovery, plan, run, n, dir, story,
		    "the second player");
	if (well)
		well = in_child(look_at_rest, plan, run, n, dir, story,
		    "the next start");
	rtt_scratch_fini(&scratch);
	return well;
}

/* -- the runner -- */

/* Play what is there before, in a child that is killed at the end. */
static void
prepare(const struct rtt_fault_plan *plan, struct rtt_history *history,
    struct rtt_dir_image *image)
{
	struct rtt_scratch scratch;
	struct rtt_play play;
	char dir[300];
	pid_t pid;

	rtt_scratch_init(&scratch);
	snprintf(dir, sizeof(dir), "%s/data", scratch.path);
	pid = fork();
	rt_assert(pid >= 0);
	if (pid == 0) {
		play_init(&play, plan, rt_fs_posix(), dir, history, "prepare");
		plan->script->prepare(&play);
		_exit(0);
	}
	rt_assert(ended_well(pid, "prepare", plan->script->name));
	rtt_dir_image_load(image, dir);
	if (plan->script->spoil != NULL)
		plan->script->spoil(image);
	history->acked -= plan->script->spoiled_max;
	rtt_scratch_fini(&scratch);
}

static void
start(struct slot *slot, const struct rtt_fault_plan *plan,
    const struct rtt_dir_image *image, const struct rtt_history *history,
    long n)
{
	slot->n = n;
	slot->run = shared_memory(sizeof(*slot->run));
	slot->run->history.count = history->count;
	slot->run->history.acked = history->acked;
	slot->run->history.state = history->state;
	memcpy(slot->run->history.contents, history->contents,
	    history->count * sizeof(history->contents[0]));
	rtt_fault_fs_init(&slot->run->fault);
	slot->pid = fork();
	rt_assert(slot->pid >= 0);
	if (slot->pid == 0) {
		rt_log_set_level(RT_LOG_WARNING + 1);
		_exit(watch(plan, plan->script->prepare != NULL ? image : NULL,
			slot->run, n) ? 0 : 1);
	}
}

/* Wait for one of the watchers and count it. *without: of the calls in a row
 * that came to no fault. */
static void
finish_one(struct slot *slots, struct rtt_fault_result *result, long *without)
{
	struct slot *slot = NULL;
	int status = 0;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, 0);
	} while (pid < 0 && errno == EINTR);
	rt_assert(pid > 0);
	for (unsigned i = 0; i < BESIDE; i++)
		if (slots[i].pid == pid)
			slot = &slots[i];
	if (slot == NULL)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		result->problems++;
	if (slot->run->failed > 0) {
		result->points++;
		*without = 0;
	} else {
		++*without;
	}
	munmap(slot->run, sizeof(*slot->run));
	*slot = (struct slot){ 0 };
}

struct rtt_fault_result
rtt_fault_loop(const struct rtt_fault_plan *plan)
{
	struct rtt_fault_result result = { 0 };
	struct rtt_history *history = rtt_history_new();
	struct rtt_dir_image image = { 0 };
	struct slot slots[BESIDE] = { 0 };
	long n = plan->only != 0 ? plan->only : 1, without = 0;
	long last = plan->only != 0 ? plan->only : POINTS_MAX;
	unsigned running = 0;

	if (plan->script->prepare != NULL)
		prepare(plan, history, &image);
	while ((n <= last && without < WITHOUT_FAULT + (long)BESIDE) ||
	    running > 0) {
		struct slot *slot = slots;

		if (n > last || without >= WITHOUT_FAULT + (long)BESIDE ||
		    running == BESIDE) {
			finish_one(slots, &result, &without);
			running--;
			continue;
		}
		while (slot->pid != 0)
			slot++;
		start(slot, plan, &image, history, n++);
		running++;
	}
	rtt_dir_image_fini(&image);
	munmap(history, sizeof(*history));
	return result;
}
