/* Workers beside each other, each with a directory of its own and its share of
 * the places. A worker that dies is a problem, told by the trial that it was
 * at; another one takes over behind it. */
#include "tests/damage/damage_loop.h"

#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptide/tool.h"
#include "tests/support/scratch_dir.h"

#define WORKERS 3u
#define TRIAL_S_MAX 60
#define SECTOR_BYTES ((size_t)512)
/* What a start on a small database may take on top of what there is: a length
 * from a damaged file must not become memory. */
#define MEMORY_BYTES_MAX ((rlim_t)1 << 30)
#define FILE_WAYS 4
#define PROBLEMS_MAX 20

struct worker {
	_Atomic long at;	/* the next trial */
	_Atomic bool done;
	struct rtt_damage_result result;
	char story[200];
};

struct job {
	const struct rtt_damage_db *db;
	enum rtt_damage_kind kind;
	size_t stride;
	const struct rtt_dir_image *image;
	struct rtt_history *history;
	struct worker *workers;
};

const char *
rtt_damage_kind_name(enum rtt_damage_kind kind)
{
	static const char *const names[RTT_DAMAGE_KINDS] = { "flip", "zero",
		"ones", "cut", "swap", "file" };

	return names[kind];
}

/* -- the trials -- */

struct trial {
	size_t file;
	size_t place;
	size_t other;		/* sector, or way */
};

static size_t
places(const struct job *job, const struct rtt_image_file *file)
{
	size_t sectors = file->bytes.len / SECTOR_BYTES;
	size_t step = job->stride;

	if (file->directory)
		return 0;
	if (job->db->step != 0 && file->bytes.len > 100000)
		step *= job->db->step;
	switch (job->kind) {
	case RTT_DAMAGE_FILE:
		return FILE_WAYS;
	case RTT_DAMAGE_SWAP:
		/* Each with each; half of them say the same. */
		return (sectors * sectors + step - 1) / step;
	default:
		return (file->bytes.len + step - 1) / step;
	}
}

/* The n-th of all trials of the job. False: there is none. */
static bool
find_trial(const struct job *job, long n, struct trial *trial)
{
	size_t left = (size_t)n;

	for (size_t i = 0; i < job->image->count; i++) {
		const struct rtt_image_file *file = &job->image->files[i];
		size_t count = places(job, file);
		size_t step = job->stride;

		if (left >= count) {
			left -= count;
			continue;
		}
		if (job->db->step != 0 && file->bytes.len > 100000)
			step *= job->db->step;
		if (job->kind == RTT_DAMAGE_FILE)
			step = 1;
		*trial = (struct trial){ .file = i, .place = left * step };
		if (job->kind == RTT_DAMAGE_SWAP) {
			size_t sectors = file->bytes.len / SECTOR_BYTES;

			trial->other = trial->place % sectors;
			trial->place /= sectors;
		}
		return true;
	}
	return false;
}

static void
swap_sectors(struct rt_buf *bytes, size_t a, size_t b)
{
	uint8_t kept[SECTOR_BYTES];

	memcpy(kept, bytes->data + a * SECTOR_BYTES, SECTOR_BYTES);
	memmove(bytes->data + a * SECTOR_BYTES, bytes->data + b * SECTOR_BYTES,
	    SECTOR_BYTES);
	memcpy(bytes->data + b * SECTOR_BYTES, kept, SECTOR_BYTES);
}

/* The next file of the same directory, or the file itself. */
static const struct rt_buf *
neighbour(const struct rtt_dir_image *image, size_t at)
{
	const char *name = image->files[at].name;
	const char *slash = strrchr(name, '/');
	size_t prefix = slash == NULL ? 0 : (size_t)(slash - name) + 1;

	for (size_t i = 1; i < image->count; i++) {
		const struct rtt_image_file *file =
		    &image->files[(at + i) % image->count];

		if (!file->directory &&
		    strncmp(file->name, name, prefix) == 0 &&
		    strchr(file->name + prefix, '/') == NULL)
			return &file->bytes;
	}
	return &image->files[at].bytes;
}

/* Change the copy's file. False: that is no change. */
static bool
damage(const struct job *job, const struct trial *trial, struct rt_buf *bytes,
    bool *remove)
{
	const struct rt_buf *sound = &job->image->files[trial->file].bytes;

	rt_buf_clear(bytes);
	rt_buf_append_slice(bytes, rt_buf_slice(sound));
	*remove = false;
	switch (job->kind) {
	case RTT_DAMAGE_FLIP:
		bytes->data[trial->place] ^= (uint8_t)(1u << trial->place % 8);
		break;
	case RTT_DAMAGE_ZERO:
		bytes->data[trial->place] = 0;
		break;
	case RTT_DAMAGE_ONES:
		bytes->data[trial->place] = 0xff;
		break;
	case RTT_DAMAGE_CUT:
		bytes->len = trial->place;
		return true;
	case RTT_DAMAGE_SWAP:
		if (trial->other <= trial->place)
			return false;
		swap_sectors(bytes, trial->place, trial->other);
		break;
	default:
		if (trial->place == 0)
			*remove = true;
		else if (trial->place == 1)
			bytes->len = 0;
		else if (trial->place == 2 && bytes->len != 0)
			memset(bytes->data, 0, bytes->len);
		if (trial->place < 3)
			break;
		rt_buf_clear(bytes);
		rt_buf_append_slice(bytes,
		    rt_buf_slice(neighbour(job->image, trial->file)));
		break;
	}
	return *remove || bytes->len != sound->len ||
	    (bytes->len != 0 &&
		memcmp(bytes->data, sound->data, bytes->len) != 0);
}

/* -- one trial -- */

/* Contents that the damage may not take. */
static size_t
at_least(const struct job *job, const struct trial *trial)
{
	const struct rtt_history *history = job->history;
	const char *name = job->image->files[trial->file].name;
	size_t last = history->count - 1;

	if (!job->db->killed || strncmp(name, "wal/", 4) != 0)
		return last;
	/* Each record says how far the log was durable. */
	if (job->db->synced && job->kind <= RTT_DAMAGE_ONES)
		return last - 1;
	return history->flushed;
}

/* Whether `riptide check` finds something wrong, which it prints where nobody
 * looks. */
static bool
check_finds_it(const char *dir, struct rt_err *err)
{
	struct rtl_tool tool = { .fs = rt_fs_posix(), .dir = dir };

	return rtl_check(&tool, err) != RT_OK;
}

static void
start_on_it(const struct job *job, const struct trial *trial,
    struct worker *worker, const char *dir)
{
	struct rt_err err = { 0 }, finding = { 0 };
	bool found = check_finds_it(dir, &finding);
	unsigned unreadable = 0;
	struct rtt_play play;
	size_t at;

	rtt_damage_db_play(job->db, &play, dir, job->history);
	play.story = worker->story;
	worker->result.found += found;
	if (rtt_play_open(&play, &err) != RT_OK) {
		if (err.code == RT_OK || err.text[0] == '\0')
			rtt_play_fail(&play, "refused without a reason");
		if (!found)
			rtt_play_fail(&play, "the check finds nothing, and the "
			    "start is refused: %s", err.text);
		worker->result.refused++;
	} else {
		unreadable = rtt_play_look(&play, at_least(job, trial), &at);
		worker->result.unreadable += unreadable != 0;
		worker->result.unharmed += unreadable == 0;
		worker->result.shorter += unreadable == 0 &&
		    at + 1 < job->history->count;
		if (unreadable != 0 && !found)
			rtt_play_fail(&play, "%u reads fail, and the check "
			    "finds nothing", unreadable);
		play.settled = false;
		/* What is damaged may keep it from closing, too. */
		(void)rtt_play_close(&play, NULL);
	}
	rtt_play_fini(&play);
}

static void
try_one(const struct job *job, const struct trial *trial,
    struct worker *worker, const char *dir)
{
	struct rtt_dir_image damaged = *job->image;
	struct rt_buf bytes = { 0 };
	bool remove;

	if (!damage(job, trial, &bytes, &remove)) {
		rt_buf_fini(&bytes);
		return;
	}
	snprintf(worker->story, sizeof(worker->story),
	    "DAMAGE_DB=%s DAMAGE_KIND=%s, %s at %zu with %zu", job->db->name,
	    rtt_damage_kind_name(job->kind),
	    job->image->files[trial->file].name, trial->place, trial->other);
	damaged.files = rt_alloc(damaged.count * sizeof(damaged.files[0]));
	memcpy(damaged.files, job->image->files,
	    damaged.count * sizeof(damaged.files[0]));
	damaged.files[trial->file].bytes = bytes;
	if (remove)
		memmove(&damaged.files[trial->file],
		    &damaged.files[trial->file + 1],
		    (--damaged.count - trial->file) *
			sizeof(damaged.files[0]));
	rtt_dir_image_write(&damaged, dir);
	free(damaged.files);
	rt_buf_fini(&bytes);
	alarm(TRIAL_S_MAX);
	worker->result.trials++;
	start_on_it(job, trial, worker, dir);
	alarm(0);
	rtt_dir_remove(dir);
}

/* -- the workers -- */

static void
limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rlimit limit = { .rlim_cur = MEMORY_BYTES_MAX,
		.rlim_max = MEMORY_BYTES_MAX };

	mallopt(M_ARENA_MAX, 1);
	rt_assert(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
}

static void
work(const struct job *job, struct worker *worker, unsigned number)
{
	struct rtt_scratch scratch;
	struct trial trial;
	char dir[300];

	rt_log_set_level(RT_LOG_WARNING + 1);
	limit_memory();
	/* What the check prints. */
	rt_assert(freopen("/dev/null", "w", stdout) != NULL);
	rtt_scratch_init(&scratch);
	snprintf(dir, sizeof(dir), "%s/data", scratch.path);
	for (;;) {
		long at = atomic_fetch_add(&worker->at, WORKERS);

		if (!find_trial(job, at, &trial))
			break;
		try_one(job, &trial, worker, dir);
	}
	rtt_scratch_fini(&scratch);
	atomic_store(&worker->done, true);
	_exit(0);
}

static pid_t
start(const struct job *job, unsigned number)
{
	pid_t pid = fork();

	rt_assert(pid >= 0);
	if (pid == 0)
		work(job, &job->workers[number], number);
	return pid;
}

static void
run_workers(const struct job *job, struct rtt_damage_result *sum)
{
	pid_t pids[WORKERS];
	unsigned running = WORKERS;

	for (unsigned i = 0; i < WORKERS; i++) {
		atomic_store(&job->workers[i].at, (long)i);
		pids[i] = start(job, i);
	}
	while (running > 0) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, 0);

		rt_assert(pid > 0);
		for (unsigned i = 0; i < WORKERS; i++) {
			if (pids[i] != pid)
				continue;
			if (atomic_load(&job->workers[i].done)) {
				running--;
				continue;
			}
			if (WIFSIGNALED(status))
				fprintf(stderr, "# %s: ended by signal %d\n",
				    job->workers[i].story, WTERMSIG(status));
			if (++sum->problems > PROBLEMS_MAX)
				running--;
			else
				pids[i] = start(job, i);
		}
	}
}

struct rtt_damage_result
rtt_damage_loop(const struct rtt_damage_db *db, enum rtt_damage_kind kind,
    size_t stride)
{
	struct rtt_damage_result sum = { 0 };
	struct rtt_dir_image image = { 0 };
	struct job job = {
		.db = db,
		.kind = kind,
		.stride = stride,
		.image = &image,
		.history = rtt_history_new(),
	};
	size_t bytes = WORKERS * sizeof(job.workers[0]);

	job.workers = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rt_assert(job.workers != MAP_FAILED);
	rtt_damage_db_make(db, job.history, &image);
	run_workers(&job, &sum);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct rtt_damage_result *one = &job.workers[i].result;

		sum.trials += one->trials;
		sum.found += one->found;
		sum.refused += one->refused;
		sum.unreadable += one->unreadable;
		sum.unharmed += one->unharmed;
		sum.shorter += one->shorter;
	}
	munmap(job.workers, bytes);
	munmap(job.history, sizeof(*job.history));
	rtt_dir_image_fini(&image);
	return sum;
}
