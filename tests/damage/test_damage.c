/* Small databases with every byte changed, every length, sectors swapped and
 * files missing: the engine says so, or answers as if nothing were.
 *
 * The short form takes every byte of one database. DAMAGE_LONG=1 (make damage)
 * takes all of all; DAMAGE_DB and DAMAGE_KIND choose, DAMAGE_STRIDE takes each
 * so manieth place alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/damage/damage_loop.h"
#include "tests/support/runner.h"

#define TIMEOUT_S (6 * 3600)

static const struct rtt_damage_db *
find_db(const char *name)
{
	for (size_t i = 0; i < rtt_damage_dbs_count; i++)
		if (strcmp(rtt_damage_dbs[i].name, name) == 0)
			return &rtt_damage_dbs[i];
	return NULL;
}

static struct rtt_damage_result
loop(const struct rtt_damage_db *db, enum rtt_damage_kind kind, size_t stride)
{
	time_t began = time(NULL);
	struct rtt_damage_result result;

	ck_assert_ptr_nonnull(db);
	result = rtt_damage_loop(db, kind, stride);
	printf("# %s %s: %ld trials, %ld found by the check, %ld refused, %ld "
	    "unreadable, %ld unharmed (%ld shorter), %ld problems, %lld s\n",
	    db->name, rtt_damage_kind_name(kind), result.trials, result.found,
	    result.refused, result.unreadable, result.unharmed, result.shorter,
	    result.problems, (long long)(time(NULL) - began));
	fflush(stdout);
	return result;
}

static void
expect_no_problem(const char *name, enum rtt_damage_kind kind, size_t stride)
{
	struct rtt_damage_result result = loop(find_db(name), kind, stride);

	ck_assert_int_eq(result.problems, 0);
	ck_assert_int_gt(result.trials, 10);
	ck_assert_int_gt(result.found, 0);
}

START_TEST(any_byte_of_a_closed_database)
{
	expect_no_problem("plain", RTT_DAMAGE_FLIP, 1);
}
END_TEST

START_TEST(bytes_of_a_log)
{
	expect_no_problem("synced_log", RTT_DAMAGE_FLIP, 3);
}
END_TEST

START_TEST(bytes_of_compressed_tables)
{
	expect_no_problem("zstd", RTT_DAMAGE_ONES, 7);
}
END_TEST

START_TEST(a_file_ends_early)
{
	expect_no_problem("tables_and_log", RTT_DAMAGE_CUT, 11);
}
END_TEST

START_TEST(sectors_change_places)
{
	expect_no_problem("levels", RTT_DAMAGE_SWAP, 1);
}
END_TEST

START_TEST(a_file_is_missing_empty_or_another_one)
{
	expect_no_problem("plain", RTT_DAMAGE_FILE, 1);
	expect_no_problem("tables_and_log", RTT_DAMAGE_FILE, 1);
}
END_TEST

START_TEST(every_byte_of_every_database)
{
	const char *db = getenv("DAMAGE_DB"), *kind = getenv("DAMAGE_KIND");
	const char *stride = getenv("DAMAGE_STRIDE");
	long trials = 0, problems = 0;

	for (size_t i = 0; i < rtt_damage_dbs_count; i++)
		for (int k = 0; k < RTT_DAMAGE_KINDS; k++) {
			struct rtt_damage_result result;

			if ((db != NULL &&
				strcmp(db, rtt_damage_dbs[i].name) != 0) ||
			    (kind != NULL &&
				strcmp(kind, rtt_damage_kind_name(
				    (enum rtt_damage_kind)k)) != 0))
				continue;
			result = loop(&rtt_damage_dbs[i],
			    (enum rtt_damage_kind)k,
			    stride == NULL ? 1 : strtoul(stride, NULL, 10));
			trials += result.trials;
			problems += result.problems;
		}
	printf("# %ld trials, %ld problems\n", trials, problems);
	ck_assert_int_gt(trials, 0);
	ck_assert_int_eq(problems, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { any_byte_of_a_closed_database,
		bytes_of_a_log, bytes_of_compressed_tables, a_file_ends_early,
		sectors_change_places,
		a_file_is_missing_empty_or_another_one };
	Suite *suite = suite_create("damage");
	TCase *tcase = tcase_create("damage");

	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	tcase_set_timeout(tcase, TIMEOUT_S);
	if (getenv("DAMAGE_LONG") != NULL || getenv("DAMAGE_DB") != NULL)
		tcase_add_test(tcase, every_byte_of_every_database);
	else
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
			tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
