/* runner: the main function of a libcheck program. With RTT_TAP set in the
 * environment (as `make check` does) results are printed as TAP. */
#ifndef TESTS_SUPPORT_RUNNER_H
#define TESTS_SUPPORT_RUNNER_H

#include <check.h>

/* Run the suite and free it; returns what main should return. */
int rtt_run(Suite *suite);

/* Define main for a suite of one case made of the tests named:
 *	RTT_MAIN("coding", varint_round_trips, cursor_remembers_its_error) */
#define RTT_MAIN(name, ...)                                                   \
	int main(void)                                                        \
	{                                                                     \
		const TTest *tests[] = { __VA_ARGS__ };                       \
		Suite *suite = suite_create(name);                            \
		TCase *tcase = tcase_create(name);                            \
                                                                              \
		tcase_set_timeout(tcase, RTT_TIMEOUT_S);                      \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) \
			tcase_add_test(tcase, tests[i]);                      \
		suite_add_tcase(suite, tcase);                                \
		return rtt_run(suite);                                        \
	}

/* Generous: the machines are shared and sanitizers are slow. */
#define RTT_TIMEOUT_S 120

#endif
