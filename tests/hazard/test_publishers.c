/* H1: two processes publish ten thousand times, and each is stopped again and
 * again between its look at the newest generation and its link. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/manifest/manifest_store.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

enum { EDITS = 5000, STOPS_IN = 100 };

/* Shared by all three processes. */
struct progress {
	atomic_uint published[2];
	atomic_uint stops;
};

static struct progress *progress;

static int
no_sync(struct rt_fs *fs, int fd)
{
	return 0;
}

static int
link_after_sleep(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	if (rand() % STOPS_IN == 0) {
		atomic_fetch_add(&progress->stops, 1);
		raise(SIGSTOP);
	}
	return rt_fs_posix()->linkat(rt_fs_posix(), from_dir, from, to_dir, to);
}

static void
publish(struct rt_manifest_store *store, struct rt_manifest_edit *edit)
{
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_store_publish(store, edit, NULL, NULL,
		&err) == RT_OK, "%s", err.text);
	rt_manifest_edit_free(edit);
}

/* The n-th flush, and what became obsolete is forgotten. */
static struct rt_manifest_edit *
flush_edit(const struct rt_manifest *m, uint64_t n)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, 0);
	struct rt_manifest_table table = {
		.id = { 0, n },
		.size = 100,
		.smallest = rt_slice_cstr("....sa"),
		.largest = rt_slice_cstr("....sz"),
		.min_seq = n,
		.max_seq = n,
	};

	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_flushed(edit, n, n);
	for (size_t i = 0; i < m->obsolete_count; i++)
		rt_manifest_edit_forget_obsolete(edit, m->obsolete[i]);
	return edit;
}

/* Merge the oldest table of level 0 with the one of level 1. */
static struct rt_manifest_edit *
merge_edit(const struct rt_manifest *m, uint64_t n)
{
	size_t runs = rt_manifest_level0_runs(m);
	const struct rt_manifest_table *newer = &m->runs[runs - 1].tables[0];
	const struct rt_manifest_table *older =
	    runs < m->runs_count ? &m->runs[runs].tables[0] : newer;
	struct rt_file_id inputs[2] = { newer->id, older->id };
	struct rt_manifest_table output = *newer;
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 1);

	output.id = (struct rt_file_id){ 1, n };
	output.min_seq = older->min_seq;
	rt_manifest_edit_replace(edit, inputs, older == newer ? 1 : 2, 1,
	    &output, 1);
	return edit;
}

static struct rt_manifest_store *
open_store(int dir, struct rt_fs *fs)
{
	struct rt_manifest_store *store = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_store_open(&store, fs, dir, true, &err) ==
	    RT_OK, "%s", err.text);
	return store;
}

static const struct rt_manifest *
load(struct rt_manifest_store *store)
{
	const struct rt_manifest *m = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_store_load(store, &m, &err) == RT_OK, "%s",
	    err.text);
	return m;
}

static void
run_publisher(int dir, unsigned role, unsigned seed)
{
	struct rt_fs fs = *rt_fs_posix();
	struct rt_manifest_store *store;

	srand(seed + role);
	fs.fsync = no_sync;
	fs.linkat = link_after_sleep;
	store = open_store(dir, &fs);
	for (uint64_t n = 1; n <= EDITS;) {
		const struct rt_manifest *m = load(store);

		if (role == 1 && rt_manifest_level0_runs(m) == 0) {
			sched_yield();
		} else {
			publish(store, role == 0 ? flush_edit(m, n)
						 : merge_edit(m, n));
			n++;
			atomic_fetch_add(&progress->published[role], 1);
		}
		rt_manifest_unref(m);
		if (role == 0 && n % 20 == 0)
			ck_assert_int_eq(rt_manifest_store_collect(store,
			    NULL), RT_OK);
	}
	rt_manifest_store_close(store);
}

/* A stopped process goes on when the other has published twenty times more, or
 * cannot. */
static void
supervise(const pid_t pids[2])
{
	bool stopped[2] = { false }, ended[2] = { false };
	unsigned goal[2] = { 0 };

	while (!ended[0] || !ended[1]) {
		for (unsigned i = 0; i < 2; i++) {
			unsigned other =
			    atomic_load(&progress->published[1 - i]);
			int status;

			if (ended[i])
				continue;
			if (waitpid(pids[i], &status, WNOHANG | WUNTRACED) ==
			    pids[i]) {
				stopped[i] = WIFSTOPPED(status);
				ended[i] = !stopped[i];
				goal[i] = other + 20;
				if (ended[i])
					ck_assert_int_eq(status, 0);
			}
			/* A compactor that has merged all waits for flushes,
			 * so the daemon does not wait for it. */
			if (stopped[i] && (i == 0 || stopped[0] || ended[0] ||
				other >= goal[i])) {
				stopped[i] = false;
				kill(pids[i], SIGCONT);
			}
		}
		sched_yield();
	}
}

START_TEST(ten_thousand_publishes_of_two_stopped_processes_lose_no_edit)
{
	unsigned seed = (unsigned)time(NULL);
	struct rt_manifest_store *store;
	struct rt_manifest_edit *claim =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	const struct rt_manifest *m;
	struct rtt_scratch scratch;
	pid_t pids[2];

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(progress, MAP_FAILED);
	rtt_scratch_init(&scratch);
	store = open_store(scratch.fd, rt_fs_posix());
	ck_assert_int_eq(rt_manifest_store_create(store, NULL), RT_OK);
	rt_manifest_edit_claim(claim, 0);
	publish(store, claim);
	for (unsigned i = 0; i < 2; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			run_publisher(scratch.fd, i, seed);
			_exit(0);
		}
	}
	supervise(pids);
	m = load(store);
	printf("# seed %u, %u stops\n", seed, atomic_load(&progress->stops));
	ck_assert_uint_ge(atomic_load(&progress->stops), 2 * EDITS / 1000);
	ck_assert_uint_eq(m->generation, 2 * EDITS + 2);
	ck_assert_uint_eq(m->runs_count, 1);
	ck_assert_uint_eq(m->runs[0].tables[0].min_seq, 1);
	ck_assert_uint_eq(m->runs[0].tables[0].max_seq, EDITS);
	rt_manifest_unref(m);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
	munmap(progress, sizeof(*progress));
}
END_TEST

RTT_MAIN("publishers",
    ten_thousand_publishes_of_two_stopped_processes_lose_no_edit)
