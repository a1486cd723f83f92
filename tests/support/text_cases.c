#include "tests/support/text_cases.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
read_all(const char *path)
{
	const char *root = getenv("RTT_SRCDIR");
	char full[512], *text;
	FILE *file;
	long bytes;

	snprintf(full, sizeof(full), "%s/%s", root != NULL ? root : "..", path);
	file = fopen(full, "r");
	ck_assert_msg(file != NULL, "%s cannot be opened", full);
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	bytes = ftell(file);
	ck_assert_int_ge(bytes, 0);
	rewind(file);
	text = calloc(1, (size_t)bytes + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(fread(text, 1, (size_t)bytes, file), (size_t)bytes);
	fclose(file);
	return text;
}

/* Cut text at the first line that begins with mark; NULL when there is none.
 * Returns what follows the mark. */
static char *
cut_at(char *text, const char *mark)
{
	char *at = text;

	while (at != NULL && strncmp(at, mark, strlen(mark)) != 0) {
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + strlen(mark);
}

/* Empty lines at the end part cases and mean nothing. */
static void
trim_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
}

static void
run_case(char *text, char *(*run)(const char *given))
{
	char *name = text, *given = strchr(text, '\n'), *expected, *answer;

	ck_assert_ptr_nonnull(given);
	*given++ = '\0';
	expected = cut_at(given, "--\n");
	ck_assert_msg(expected != NULL, "%s: no ruler", name);
	trim_end(expected);
	answer = run(given);
	trim_end(answer);
	ck_assert_msg(strcmp(answer, expected) == 0,
	    "%s\n  expected:\n%s\n  got:\n%s", name, expected, answer);
	free(answer);
}

void
rtt_text_cases(const char *path, char *(*run)(const char *given))
{
	char *text = read_all(path), *at = cut_at(text, "== ");
	unsigned count = 0;

	while (at != NULL) {
		char *next = cut_at(at, "== ");

		run_case(at, run);
		count++;
		at = next;
	}
	ck_assert_msg(count > 0, "%s has no case", path);
	free(text);
}
