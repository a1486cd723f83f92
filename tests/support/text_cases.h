/* text_cases: tests as text: a file of cases, each a name, what is given, a
 * ruler, and what is expected.
 *
 *	== the name of the case
 *	given lines
 *	--
 *	expected lines
 */
#ifndef TESTS_SUPPORT_TEXT_CASES_H
#define TESTS_SUPPORT_TEXT_CASES_H

/* Run every case of the file (a path from the source tree's root): run() turns
 * the given lines into an answer (malloc), which must equal the expected lines.
 * Fails the test, with both, at the first that differs, or when the file has
 * no case. */
void rtt_text_cases(const char *path, char *(*run)(const char *given));

#endif
