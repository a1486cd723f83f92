/* glob: two positions walk along pattern and text. At a star both are
 * remembered; after a mismatch the walk goes on behind the latest star, which
 * swallows one byte more. Earlier stars need no second try: whatever they
 * could swallow more, the latest one can swallow as well. */
#include "libcommon/base/glob.h"

#include <stdint.h>

static uint8_t
fold(uint8_t byte, bool nocase)
{
	return nocase && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static bool
in_range(uint8_t from, uint8_t to, uint8_t byte, bool nocase)
{
	uint8_t low = from <= to ? from : to;
	uint8_t high = from <= to ? to : from;

	byte = fold(byte, nocase);
	return byte >= fold(low, nocase) && byte <= fold(high, nocase);
}

/* Match a byte with the class whose '[' stands at *at; *at goes behind it. */
static bool
match_class(struct rt_slice pattern, size_t *at, uint8_t byte, bool nocase)
{
	const uint8_t *p = pattern.data + *at + 1;
	const uint8_t *end = pattern.data + pattern.len;
	bool negated = p < end && *p == '^';
	bool found = false;

	if (negated)
		p++;
	for (; p < end; p++) {
		if (*p == '\\' && end - p >= 2) {
			p++;
			/* An escaped byte has its case: Redis' rule. */
			found = found || *p == byte;
		} else if (*p == ']') {
			p++;
			break;
		} else if (end - p >= 3 && p[1] == '-') {
			found = found || in_range(p[0], p[2], byte, nocase);
			p += 2;
		} else {
			found = found ||
			    fold(*p, nocase) == fold(byte, nocase);
		}
	}
	*at = (size_t)(p - pattern.data);
	return found != negated;
}

/* Match a byte with the element at *at, which is not a star and not the end;
 * *at goes behind it. */
static bool
match_one(struct rt_slice pattern, size_t *at, uint8_t byte, bool nocase)
{
	uint8_t element = pattern.data[*at];

	if (element == '[')
		return match_class(pattern, at, byte, nocase);
	if (element == '\\' && pattern.len - *at >= 2)
		(*at)++;
	else if (element == '?') {
		(*at)++;
		return true;
	}
	return fold(pattern.data[(*at)++], nocase) == fold(byte, nocase);
}

bool
rt_glob_match(struct rt_slice pattern, struct rt_slice text, bool nocase)
{
	size_t steps = RT_GLOB_STEPS + text.len * RT_GLOB_STEPS_PER_BYTE;
	size_t p = 0, t = 0;
	size_t star_p = 0, star_t = 0;	/* behind the latest star */
	bool star = false;

	while (t < text.len) {
		size_t before = p;
		bool same;

		if (p < pattern.len && pattern.data[p] == '*') {
			star = true;
			star_p = ++p;
			star_t = t;
			if (p == pattern.len)
				return true;
			continue;
		}
		same = p < pattern.len &&
		    match_one(pattern, &p, text.data[t], nocase);
		/* A class costs as much as it is long. */
		if (steps < p - before + 1)
			return false;
		steps -= p - before + 1;
		if (same) {
			t++;
		} else {
			if (!star)
				return false;
			p = star_p;
			t = ++star_t;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

size_t
rt_glob_literal_prefix(struct rt_slice pattern)
{
	size_t len = 0;

	while (len < pattern.len && pattern.data[len] != '*' &&
	    pattern.data[len] != '?' && pattern.data[len] != '[' &&
	    pattern.data[len] != '\\')
		len++;
	return len;
}
