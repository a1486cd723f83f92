/* turns: who measures what when.
 *
 * A session is a row of tests on one directory: a test finds there what those
 * before it left. For each session and run the stores take turns, ours first,
 * each in a process and a directory of its own, so that memory, written bytes
 * and damage stay apart. Thread: the main thread. */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include "bench/bench_options.h"
#include "bench/report.h"
#include "bench/store.h"
#include "bench/workload.h"

/* What a test function works with, in the process of its turn. */
struct rtb_run {
	const struct rtb_options *options;
	struct rtb_store_options open;	/* as the session asks for */
	const struct rtb_store_ops *ops;
	/* NULL where the session's tests open their own. */
	struct rtb_store *store;
	struct rtb_reader *reader;	/* of this thread */
	uint64_t seed;		/* the same for all stores of a run */
	struct rtb_random random;
	struct rtb_values values;
	void *state;		/* the session's own */
};

struct rtb_test {
	const char *name;
	const char *unit;
	bool less_is_better;
	/* Later tests of the session need what it does: it runs, untold, even
	 * when only they were asked for. */
	bool changes;
	double (*run)(struct rtb_run *run);
};

#define RTB_SESSION_TESTS_MAX 16

struct rtb_session {
	bool alone;		/* of ours; no peer has the like */
	bool opens;		/* its tests open what they need */
	bool asked_only;	/* not among "compared" */
	bool durable;
	unsigned turn;		/* 0: as the options say */
	void (*done)(struct rtb_run *run);	/* free run->state, or NULL */
	struct rtb_test tests[RTB_SESSION_TESTS_MAX];	/* ends with no name */
};

/* All of them; the last one has no tests. */
extern const struct rtb_session rtb_engine_sessions[];
extern const struct rtb_session rtb_own_sessions[];
extern const struct rtb_session rtb_memtable_sessions[];

/* RT_EUSAGE when a test that was asked for does not exist. */
RT_MUST_USE enum rt_code rtb_turns_check(const struct rtb_options *options,
    struct rt_err *err);
/* The names of all tests, a line for each session. */
void rtb_turns_print_names(void);

/* Run everything asked for, below dir. RT_ESTOPPED: a signal came, *signal is
 * which; RT_EIO: a turn's process failed and has said why. */
RT_MUST_USE enum rt_code rtb_turns_run(const struct rtb_options *options,
    const char *dir, struct rtb_report *report, int *signal,
    struct rt_err *err);

#endif
