/* The n-th file call fails, for every n, while engine and compactor go through
 * scripts. Whatever fails: what was acked is there afterwards, in order, what
 * was deleted stays deleted, an error is never taken for an absent key, and
 * the next start with a sound disk works.
 *
 * The short form takes every point of a few scripts, and of three with each
 * error. FAULT_LONG=1 (make fault-long) takes all scripts with all errors, or
 * those that FAULT_SCRIPT and FAULT_KIND name; FAULT_SITES is a file for where
 * the calls came from. Without it FAULT_SCRIPT, FAULT_KIND, FAULT_FOR_EVER,
 * FAULT_KILLED, FAULT_COMPOUND and FAULT_N, as a failure prints them, play that
 * point again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/fault_loop.h"
#include "tests/support/runner.h"

#define TIMEOUT_S (6 * 3600)

static struct rtt_call_sites *sites;

/* Of the short form: the log; tables and manifests; a start. Under a sanitizer
 * the others take minutes, and have their points above. */
static const char *const each_error_scripts[] = { "write_always",
#ifndef __SANITIZE_ADDRESS__
	"flush_and_publish", "recover_torn_tail",
#endif
};

static long
number_of(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtol(text, NULL, 10);
}

static struct rtt_fault_result
loop(const char *script, const char *kind, bool for_ever, bool killed,
    bool compound)
{
	struct rtt_fault_plan plan = {
		.script = rtt_fault_script_find(script),
		.kind = rtt_fault_kind_find(kind),
		.for_ever = for_ever,
		.killed = killed,
		.compound = compound,
		.only = number_of("FAULT_N"),
		.sites = sites,
	};
	struct rtt_fault_result result;
	time_t began = time(NULL);

	ck_assert_ptr_nonnull(plan.script);
	ck_assert_ptr_nonnull(plan.kind);
	result = rtt_fault_loop(&plan);
	printf("# %s %s %s%s%s: %ld points, %ld problems, %lld s\n", script,
	    kind, for_ever ? "for ever" : "once", killed ? ", killed" : "",
	    compound ? ", compound" : "", result.points, result.problems,
	    (long long)(time(NULL) - began));
	fflush(stdout);
	return result;
}

static void
expect_no_problem(const char *script, const char *kind, bool for_ever,
    bool killed, bool compound)
{
	struct rtt_fault_result result = loop(script, kind, for_ever, killed,
	    compound);

	ck_assert_int_eq(result.problems, 0);
	ck_assert_int_gt(result.points, kind[0] == 's' ? 5 : 30);
}

START_TEST(any_call_of_writing_fails_once)
{
	expect_no_problem("write_always", "EIO", false, false, false);
}
END_TEST

START_TEST(any_call_of_writing_fails_for_ever)
{
	expect_no_problem("write_everysec", "ENOSPC", true, true, false);
}
END_TEST

START_TEST(any_call_of_compacting_fails_once)
{
	expect_no_problem("compact", "EIO", false, false, false);
}
END_TEST

START_TEST(any_call_of_recovering_fails_once)
{
	expect_no_problem("recover_log", "EMFILE", false, true, false);
}
END_TEST

/* Once and then killed; until the disk is repaired. */
START_TEST(any_call_fails_with_each_error)
{
	const char *script = each_error_scripts[_i];

	for (size_t k = 0; k < rtt_fault_kinds_count; k++) {
		const struct rtt_fault_kind *kind = &rtt_fault_kinds[k];

		expect_no_problem(script, kind->name, false, true, false);
		if (!kind->once_only)
			expect_no_problem(script, kind->name, true, false,
			    false);
	}
}
END_TEST

/* Without a fault: so many calls there are not. */
START_TEST(a_log_of_large_values_that_exceeds_memory_is_replayed)
{
	const struct rtt_fault_plan plan = {
		.script = rtt_fault_script_find("recover_large_values"),
		.kind = rtt_fault_kind_find("EIO"),
		.only = 1000 * 1000,
	};

	ck_assert_int_eq(rtt_fault_loop(&plan).problems, 0);
}
END_TEST

START_TEST(any_transfer_of_databases_is_short)
{
	expect_no_problem("databases", "short", false, false, false);
}
END_TEST

START_TEST(any_call_is_interrupted)
{
	expect_no_problem("databases", "EINTR", false, false, false);
}
END_TEST

START_TEST(faults_while_recovering_from_faults)
{
	expect_no_problem("flush_and_publish", "EIO", false, true, true);
}
END_TEST

START_TEST(any_call_does_its_work_and_says_it_failed)
{
	expect_no_problem("clean_restart", "EIO_after", false, false, false);
}
END_TEST

static bool
is_chosen(const char *variable, const char *name)
{
	const char *only = getenv(variable);

	return only == NULL || strcmp(only, name) == 0;
}

static void
print_sites(void)
{
	const char *name = getenv("FAULT_SITES");
	FILE *out;

	if (name == NULL)
		return;
	out = fopen(name, "w");
	ck_assert_ptr_nonnull(out);
	rtt_call_sites_print(sites, out);
	fclose(out);
}

/* A script with an error: once, for ever, repaired and killed, and two faults
 * in one life and in the next. */
static void
in_every_way(const char *script, const struct rtt_fault_kind *kind,
    struct rtt_fault_result *sum)
{
	for (unsigned way = 0; way < 5; way++) {
		struct rtt_fault_result result;

		if ((way & 1) != 0 && kind->once_only)
			continue;
		result = loop(script, kind->name, (way & 1) != 0,
		    (way & 2) != 0, way == 4);
		sum->points += result.points;
		sum->problems += result.problems;
	}
}

START_TEST(every_call_of_every_script_with_every_error)
{
	struct rtt_fault_result sum = { 0 };
	struct rtt_call_sites_sum places;

	for (size_t k = 0; k < rtt_fault_kinds_count; k++) {
		if (!is_chosen("FAULT_KIND", rtt_fault_kinds[k].name))
			continue;
		for (size_t i = 0; i < rtt_fault_scripts_count; i++)
			if (is_chosen("FAULT_SCRIPT",
				rtt_fault_scripts[i].name))
				in_every_way(rtt_fault_scripts[i].name,
				    &rtt_fault_kinds[k], &sum);
		places = rtt_call_sites_sum(sites);
		printf("# %ld points, %ld problems; %zu chains of calls seen, "
		    "%zu of them failed\n", sum.points, sum.problems,
		    places.seen, places.failed);
		print_sites();
	}
	ck_assert_int_gt(sum.points, 0);
	ck_assert_int_eq(sum.problems, 0);
	ck_assert(!places.full);
}
END_TEST

START_TEST(the_point_of_the_environment)
{
	struct rtt_fault_result result = loop(getenv("FAULT_SCRIPT"),
	    getenv("FAULT_KIND"), number_of("FAULT_FOR_EVER") != 0,
	    number_of("FAULT_KILLED") != 0, number_of("FAULT_COMPOUND") != 0);

	ck_assert_int_eq(result.problems, 0);
}
END_TEST

static void
add_tests(TCase *tcase)
{
	const TTest *const tests[] = { any_call_of_writing_fails_once,
		any_call_of_writing_fails_for_ever,
		any_call_of_compacting_fails_once,
		any_call_of_recovering_fails_once,
		a_log_of_large_values_that_exceeds_memory_is_replayed,
		any_transfer_of_databases_is_short, any_call_is_interrupted,
		faults_while_recovering_from_faults,
		any_call_does_its_work_and_says_it_failed };

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, any_call_fails_with_each_error, 0,
	    (int)RT_COUNTOF(each_error_scripts));
}

int
main(void)
{
	Suite *suite = suite_create("engine_fault");
	TCase *tcase = tcase_create("engine_fault");

	/* Memory is a quick disk, and faults are ours to make. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	tcase_set_timeout(tcase, TIMEOUT_S);
	if (number_of("FAULT_LONG") != 0) {
		sites = rtt_call_sites_new();
		tcase_add_test(tcase,
		    every_call_of_every_script_with_every_error);
	} else if (getenv("FAULT_SCRIPT") != NULL) {
		tcase_add_test(tcase, the_point_of_the_environment);
	} else {
		add_tests(tcase);
	}
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
