/* One turn: a process in a group of its own, with the compactor and whatever
 * else it starts, tells its figures through a pipe. A signal that ends us ends
 * the group first; we are the reaper of all of it, so that nothing is left that
 * could write into the directory while it is removed. */
#include "bench/turns.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/compactor_child.h"
#include "bench/rival.h"
#include "bench/scratch.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"

#define GROUPS 3
/* Of the payload: page cache and memory of the heaviest turn. */
#define WARM_TIMES 6
#define WARM_BASE_BYTES (UINT64_C(32) << 20)

static const struct rtb_session *const groups[GROUPS] = {
	rtb_engine_sessions, rtb_own_sessions, rtb_memtable_sessions,
};

struct figure {
	size_t test;
	double figure;
};

struct turns {
	const struct rtb_options *options;
	struct rtb_report *report;
	const struct rtb_store_ops *stores[RTB_STORES_MAX];
	size_t stores_count;
	char dir[RTB_PATH_BYTES + 16];	/* of the turn */
	char compactor[RTB_PATH_BYTES];
	sigset_t unblocked;	/* the mask to wait and to work with */
	int signal;		/* that ended us, or 0 */
};

static volatile sig_atomic_t signal_seen;

static void
note_signal(int number)
{
	signal_seen = number;
}

static bool
wants(const struct rtb_options *options, const struct rtb_session *session,
    const struct rtb_test *test)
{
	const char *group = session->asked_only ? "own" : "compared";

	return rtb_list_has(options->tests, test->name) ||
	    rtb_list_has(options->tests, group) ||
	    rtb_list_has(options->tests, "all");
}

static bool
exists(const char *name)
{
	if (rtb_list_has("compared,own,all", name))
		return true;
	for (size_t group = 0; group < GROUPS; group++)
		for (const struct rtb_session *session = groups[group];
		     session->tests[0].name != NULL; session++)
			for (const struct rtb_test *test = session->tests;
			     test->name != NULL; test++)
				if (strcmp(test->name, name) == 0)
					return true;
	return false;
}

enum rt_code
rtb_turns_check(const struct rtb_options *options, struct rt_err *err)
{
	char *names = rt_strdup(options->tests), *rest = names, *name;
	enum rt_code code = RT_OK;

	while (code == RT_OK && (name = strsep(&rest, ",")) != NULL)
		if (!exists(name))
			code = rt_err_set(err, RT_EUSAGE,
			    "--tests: there is no test \"%s\"", name);
	free(names);
	return code;
}

void
rtb_turns_print_names(void)
{
	for (size_t group = 0; group < GROUPS; group++)
		for (const struct rtb_session *session = groups[group];
		     session->tests[0].name != NULL; session++) {
			printf(" ");
			for (const struct rtb_test *test = session->tests;
			     test->name != NULL; test++)
				printf(" %s", test->name);
			printf("\n");
		}
}

/* -- in the process of a turn -- */

static void
open_store(struct rtb_run *run)
{
	run->store = run->ops->open(&run->open);
	run->reader = run->ops->reader_new(run->store);
}

static void
close_store(struct rtb_run *run)
{
	if (run->store == NULL)
		return;
	run->ops->reader_free(run->reader);
	run->ops->close(run->store);
}

static void
take_turn(const struct turns *turns, const struct rtb_session *session,
    size_t store, unsigned number, int out)
{
	const struct rtb_options *options = turns->options;
	struct rtb_run run = {
		.options = options,
		.ops = turns->stores[store],
		.seed = number + 1,
		.random = { number + 1 },
		.open = {
			.dir = turns->dir,
			.compression = options->compression,
			.compaction_threads = options->compaction_threads,
			.cache_bytes = options->cache_bytes,
			.compactor = turns->compactor[0] != '\0' ?
			    turns->compactor : NULL,
			.turn = session->turn != 0 ? session->turn :
			    store == 0 ? options->turn : options->peer_batch,
			.durable = session->durable,
			.merging = true,
		},
	};
	size_t last = 0;

	for (size_t i = 0; session->tests[i].name != NULL; i++)
		if (wants(options, session, &session->tests[i]))
			last = i;
	rt_log_set_level(RT_LOG_WARNING);
	rtb_values_init(&run.values, options->value_bytes, run.seed);
	if (!session->opens)
		open_store(&run);
	for (size_t i = 0; i <= last; i++) {
		const struct rtb_test *test = &session->tests[i];
		struct figure figure = { .test = i };
		bool wanted = wants(options, session, test);

		if (!wanted && !test->changes)
			continue;
		figure.figure = test->run(&run);
		if (wanted &&
		    write(out, &figure, sizeof(figure)) != sizeof(figure))
			err(EX_OSERR, "pipe");
	}
	if (session->done != NULL)
		session->done(&run);
	close_store(&run);
	rtb_values_fini(&run.values);
}

/* -- in ours -- */

static pid_t
start(struct turns *turns, void (*work)(struct turns *turns, void *arg),
    void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid != 0) {
		setpgid(pid, pid);
		return pid;
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		signal((int[]){ SIGINT, SIGTERM, SIGHUP }[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &turns->unblocked, NULL);
	work(turns, arg);
	exit(EX_OK);
}

/* Whether the first process of the group ended well; all have ended then. */
static bool
finish(struct turns *turns, pid_t pid)
{
	bool good = false;
	int status;

	if (turns->signal != 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	kill(-pid, SIGKILL);
	while (waitpid(-pid, NULL, 0) > 0 || errno == EINTR)
		;
	return good;
}

/* Wait for bytes or the end of the pipe; false when a signal came. */
static bool
wait_for(struct turns *turns, int fd)
{
	struct pollfd poll = { .fd = fd, .events = POLLIN };

	while (signal_seen == 0) {
		if (ppoll(&poll, 1, NULL, &turns->unblocked) > 0)
			return true;
		if (errno != EINTR)
			err(EX_OSERR, "poll");
	}
	turns->signal = signal_seen;
	return false;
}

struct turn {
	const struct rtb_session *session;
	size_t store;
	unsigned number;
	int out, in;		/* the pipe */
};

static void
work_turn(struct turns *turns, void *arg)
{
	const struct turn *turn = arg;

	close(turn->in);
	take_turn(turns, turn->session, turn->store, turn->number, turn->out);
}

static void
note_figure(struct turns *turns, const struct turn *turn, size_t rows[],
    const struct figure *figure)
{
	const struct rtb_test *test = &turn->session->tests[figure->test];
	struct rtb_row *row = &turns->report->rows[rows[figure->test]];
	char text[16];

	rtb_series_add(&row->stores[turn->store], figure->figure);
	fprintf(stderr, "%-22s %-8s run %u: %s %s\n", test->name,
	    turns->stores[turn->store]->name, turn->number + 1,
	    rtb_figure(text, figure->figure), test->unit);
}

static enum rt_code
one_turn(struct turns *turns, struct turn *turn, size_t rows[],
    struct rt_err *err)
{
	struct figure figure;
	int ends[2];
	pid_t pid;
	bool good;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return rt_err_set_errno(err, errno, "pipe");
	turn->in = ends[0];
	turn->out = ends[1];
	pid = start(turns, work_turn, turn);
	close(ends[1]);
	while (wait_for(turns, ends[0]) &&
	    read(ends[0], &figure, sizeof(figure)) == sizeof(figure))
		note_figure(turns, turn, rows, &figure);
	close(ends[0]);
	good = finish(turns, pid);
	rtb_remove_tree(turns->dir);
	if (turns->signal != 0)
		return rt_err_set(err, RT_ESTOPPED, "stopped by signal %d",
		    turns->signal);
	if (!good)
		return rt_err_set(err, RT_EIO, "the turn of %s failed",
		    turns->stores[turn->store]->name);
	return RT_OK;
}

static enum rt_code
one_session(struct turns *turns, const struct rtb_session *session,
    struct rt_err *err)
{
	size_t rows[RTB_SESSION_TESTS_MAX], stores = turns->stores_count;
	enum rt_code code = RT_OK;
	bool wanted = false;

	for (size_t i = 0; session->tests[i].name != NULL; i++) {
		const struct rtb_test *test = &session->tests[i];

		if (!wants(turns->options, session, test))
			continue;
		wanted = true;
		rows[i] = turns->report->rows_count;
		rtb_report_row(turns->report, test->name, test->unit,
		    test->less_is_better);
	}
	if (session->alone)
		stores = 1;
	for (unsigned run = 0; wanted && run < turns->options->runs; run++)
		for (size_t store = 0; store < stores && code == RT_OK;
		     store++) {
			struct turn turn = {
				.session = session,
				.store = store,
				.number = run,
			};

			code = one_turn(turns, &turn, rows, err);
		}
	return code;
}

/* The host lends memory lazily and takes microseconds for the first touch of
 * each page, whoever has it afterwards: touch what the runs will use. */
static void
warm_memory(struct turns *turns, void *arg)
{
	uint64_t keys = turns->options->keys;
	uint64_t bytes = WARM_BASE_BYTES + WARM_TIMES * keys *
	    (RTB_KEY_BYTES + turns->options->value_bytes);
	uint64_t most = (uint64_t)sysconf(_SC_AVPHYS_PAGES) *
	    (uint64_t)sysconf(_SC_PAGESIZE) / 2;
	uint8_t *memory;

	if (bytes > most)
		bytes = most;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(EX_OSERR, "warming %llu bytes", (unsigned long long)bytes);
	for (uint64_t at = 0; at < bytes; at += 4096)
		memory[at] = 1;
}

static void
choose_stores(struct turns *turns)
{
	const struct rtb_options *options = turns->options;

	turns->stores[turns->stores_count++] = &rtb_store_riptide;
	for (size_t i = 0; rtb_peers[i] != NULL; i++)
		if (options->peers == NULL ||
		    rtb_list_has(options->peers, rtb_peers[i]->name))
			turns->stores[turns->stores_count++] = rtb_peers[i];
	turns->report->stores_count = turns->stores_count;
	for (size_t i = 0; i < turns->stores_count; i++)
		turns->report->stores[i] = turns->stores[i]->name;
	if (options->compactor == NULL)
		rtb_rival_find("riptide-compactd", turns->compactor,
		    sizeof(turns->compactor));
	else if (strcmp(options->compactor, "none") != 0)
		snprintf(turns->compactor, sizeof(turns->compactor), "%s",
		    options->compactor);
}

static void
catch_signals(struct turns *turns)
{
	const struct sigaction action = { .sa_handler = note_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (int i = 0; i < 3; i++) {
		int number = (int[]){ SIGINT, SIGTERM, SIGHUP }[i];

		sigaddset(&blocked, number);
		sigaction(number, &action, NULL);
	}
	/* They come only while we wait. */
	sigprocmask(SIG_BLOCK, &blocked, &turns->unblocked);
}

enum rt_code
rtb_turns_run(const struct rtb_options *options, const char *dir,
    struct rtb_report *report, int *signal, struct rt_err *err)
{
	struct turns turns = { .options = options, .report = report };
	enum rt_code code = RT_OK;
	pid_t pid;

	snprintf(turns.dir, sizeof(turns.dir), "%s/store", dir);
	choose_stores(&turns);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	catch_signals(&turns);
	pid = start(&turns, warm_memory, NULL);
	finish(&turns, pid);
	for (size_t group = 0; group < GROUPS; group++)
		for (const struct rtb_session *session = groups[group];
		     code == RT_OK && session->tests[0].name != NULL;
		     session++)
			code = one_session(&turns, session, err);
	*signal = turns.signal;
	return code;
}
