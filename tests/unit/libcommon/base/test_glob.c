#include "libcommon/base/glob.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/buf.h"
#include "tests/support/runner.h"

struct row {
	const char *pattern;
	const char *text;
	bool matches;
};

static void
check_rows(const struct row *rows, size_t count, bool nocase)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(rt_glob_match(rt_slice_cstr(rows[i].pattern),
			rt_slice_cstr(rows[i].text), nocase) == rows[i].matches,
		    "pattern %s, text %s: not %d", rows[i].pattern,
		    rows[i].text, rows[i].matches);
}

START_TEST(stars_and_marks)
{
	static const struct row rows[] = {
		{ "", "", true }, { "", "a", false }, { "a", "", false },
		{ "*", "", true }, { "**", "", true }, { "*", "abc", true },
		{ "?", "", false }, { "?", "a", true }, { "?", "ab", false },
		{ "a*", "a", true }, { "a*c", "abbbc", true },
		{ "a*c", "abbbcd", false }, { "a**c", "ac", true },
		{ "*a*", "xxaxx", true }, { "*a", "ab", false },
		{ "a*b*c", "a-b-b-c", true }, { "a*b*c", "a-c-b", false },
		{ "h?llo", "hallo", true }, { "h?llo", "hllo", false },
		{ "*aab", "aaab", true }, { "*?", "", false },
		{ "?*", "a", true }, { "user:*:name", "user:1:name", true },
		{ "user:*:name", "user:1:age", false }, { "abc", "ABC", false },
	};

	check_rows(rows, RT_COUNTOF(rows), false);
}
END_TEST

START_TEST(classes)
{
	static const struct row rows[] = {
		{ "h[ae]llo", "hello", true }, { "h[ae]llo", "hillo", false },
		{ "h[^e]llo", "hallo", true }, { "h[^e]llo", "hello", false },
		{ "[a-c]", "b", true }, { "[a-c]", "d", false },
		{ "[^a-c]", "d", true }, { "[^a-c]", "a", false },
		{ "[c-a]", "b", true }, { "[a-cx]", "x", true },
		{ "*[0-9]", "key7", true }, { "*[0-9]", "key", false },
		{ "[a]b", "ab", true }, { "[^]", "", false },
	};

	check_rows(rows, RT_COUNTOF(rows), false);
}
END_TEST

START_TEST(escapes)
{
	static const struct row rows[] = {
		{ "\\*", "*", true }, { "\\*", "a", false },
		{ "\\?", "?", true }, { "\\[a]", "[a]", true },
		{ "\\\\", "\\", true }, { "a\\bc", "abc", true },
		{ "[\\]]", "]", true }, { "[a\\-z]", "-", true },
		{ "[a\\-z]", "m", false },
		/* A backslash at the end stands for itself. */
		{ "a\\", "a\\", true }, { "a\\", "a", false },
		{ "*\\", "x\\", true },
	};

	check_rows(rows, RT_COUNTOF(rows), false);
}
END_TEST

START_TEST(odd_patterns_do_as_in_redis)
{
	static const struct row rows[] = {
		/* The class ends at the first ]: then abc] follows. */
		{ "[]abc]", "a", false }, { "[]", "]", false },
		{ "[^]abc]", "xabc]", true }, { "[^]", "x", true },
		/* No end: the pattern's end is the class's. */
		{ "[abc", "b", true }, { "[abc", "bb", false },
		{ "[a-c", "b", true }, { "[", "[", false }, { "[^", "x", true },
		{ "[a-", "-", true }, { "[a-", "a", true },
		/* The range a-] swallows the bracket. */
		{ "[a-]", "^", true }, { "[a-]", "-", false },
		{ "[-a]", "-", true }, { "[\\", "\\", true },
		{ "a]", "a]", true },
	};

	check_rows(rows, RT_COUNTOF(rows), false);
}
END_TEST

START_TEST(case_blind)
{
	static const struct row rows[] = {
		{ "ABC", "abc", true }, { "max*", "MAXCLIENTS", true },
		{ "[A-C]x", "bX", true }, { "[abc]", "B", true },
		{ "\\A", "a", true }, { "[\\A]", "a", false },
		{ "[Z-a]", "_", false }, { "@", "`", false },
	};

	check_rows(rows, RT_COUNTOF(rows), true);
}
END_TEST

START_TEST(bytes_are_bytes)
{
	static const uint8_t text[] = { 'a', 0, 0xff, 'b' };
	static const uint8_t pattern[] = { 'a', 0, '?', 'b' };
	static const uint8_t high[] = { 'a', 0, '[', 0x80, '-', 0xff, ']', '*' };

	ck_assert(rt_glob_match(rt_slice(pattern, 4), rt_slice(text, 4),
	    false));
	ck_assert(rt_glob_match(rt_slice(high, 8), rt_slice(text, 4), false));
	ck_assert(!rt_glob_match(rt_slice(pattern, 1), rt_slice(text, 4),
	    false));
	ck_assert(rt_glob_match(rt_slice(NULL, 0), rt_slice(NULL, 0), false));
}
END_TEST

/* The definition, written as a recursion. */
static bool
slow_match(const char *p, const char *t)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '*')
		return slow_match(p + 1, t) ||
		    (*t != '\0' && slow_match(p, t + 1));
	return *t != '\0' && (*p == '?' || *p == *t) &&
	    slow_match(p + 1, t + 1);
}

START_TEST(random_patterns_agree_with_the_definition)
{
	unsigned seed = (unsigned)time(NULL);
	static const char letters[] = "ab*?*";
	char pattern[9], text[11];

	printf("# seed %u\n", seed);
	for (int round = 0; round < 200000; round++) {
		size_t p = (size_t)rand_r(&seed) % 9;
		size_t t = (size_t)rand_r(&seed) % 11;

		for (size_t i = 0; i < p; i++)
			pattern[i] = letters[rand_r(&seed) % 5];
		for (size_t i = 0; i < t; i++)
			text[i] = letters[rand_r(&seed) % 2];
		pattern[p] = text[t] = '\0';
		ck_assert_msg(rt_glob_match(rt_slice(pattern, p),
			rt_slice(text, t), false) == slow_match(pattern, text),
		    "pattern %s, text %s", pattern, text);
	}
}
END_TEST

START_TEST(hostile_patterns_end_soon)
{
	struct rt_buf pattern = { 0 }, text = { 0 };
	struct timespec before, after;

	for (int i = 0; i < 500; i++)
		rt_buf_append(&pattern, "a*", 2);
	rt_buf_append(&pattern, "b", 1);
	for (int i = 0; i < 1 << 20; i++)
		rt_buf_append_byte(&text, 'a');
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	ck_assert(!rt_glob_match(rt_buf_slice(&pattern), rt_buf_slice(&text),
	    false));
	/* One star, then a long run that nearly fits everywhere. */
	rt_buf_clear(&pattern);
	rt_buf_append(&pattern, "*", 1);
	for (int i = 0; i < 1000; i++)
		rt_buf_append(&pattern, "a", 1);
	rt_buf_append(&pattern, "b", 1);
	ck_assert(!rt_glob_match(rt_buf_slice(&pattern), rt_buf_slice(&text),
	    false));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	/* The budget is some 10^8 steps; without it this takes 10^9. */
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 30);
	rt_buf_fini(&pattern);
	rt_buf_fini(&text);
}
END_TEST

START_TEST(budget_never_cuts_short_texts)
{
	uint8_t pattern[1024], text[1024];

	/* The dearest match of this size: each try fails at its end. */
	memset(pattern, 'a', sizeof(pattern));
	memset(text, 'a', sizeof(text));
	pattern[0] = '*';
	pattern[512] = 'b';
	text[sizeof(text) - 512] = 'b';
	ck_assert(rt_glob_match(rt_slice(pattern, sizeof(pattern)),
	    rt_slice(text, sizeof(text)), false));
}
END_TEST

START_TEST(literal_prefix)
{
	static const struct {
		const char *pattern;
		size_t len;
	} rows[] = { { "", 0 }, { "abc", 3 }, { "user:*", 5 }, { "a?b", 1 },
		{ "[ab]c", 0 }, { "ab\\*c", 2 } };

	for (size_t i = 0; i < RT_COUNTOF(rows); i++)
		ck_assert_uint_eq(
		    rt_glob_literal_prefix(rt_slice_cstr(rows[i].pattern)),
		    rows[i].len);
}
END_TEST

RTT_MAIN("glob", stars_and_marks, classes, escapes,
    odd_patterns_do_as_in_redis, case_blind, bytes_are_bytes,
    random_patterns_agree_with_the_definition, hostile_patterns_end_soon,
    budget_never_cuts_short_texts, literal_prefix)
