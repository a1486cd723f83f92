/* fuzz_glob: a pattern and a text, held against a slow matcher. The first byte
 * says whether case counts, the second how long the pattern is; the text is
 * what follows it. The slow matcher takes the pattern apart into stars and sets
 * of bytes, and fills a table of which beginnings match which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/invariant.h"

#define ELEMENTS_MAX 48
#define TEXT_MAX 96

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct element {
	bool star;
	bool takes[256];
};

static uint8_t
lower(uint8_t byte, bool nocase)
{
	return nocase && byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

static void
add_range(struct element *element, uint8_t from, uint8_t to, bool nocase)
{
	uint8_t low = lower(from < to ? from : to, nocase);
	uint8_t high = lower(from < to ? to : from, nocase);

	for (unsigned byte = 0; byte < 256; byte++)
		if (lower((uint8_t)byte, nocase) >= low &&
		    lower((uint8_t)byte, nocase) <= high)
			element->takes[byte] = true;
}

/* The class behind '['; returns what follows it. */
static struct rt_slice
read_class(struct element *element, struct rt_slice rest, bool nocase)
{
	bool negated = rt_slice_starts_with(rest, rt_slice_cstr("^"));
	size_t at = negated ? 1 : 0;

	while (at < rest.len && rest.data[at] != ']') {
		uint8_t byte = rest.data[at];
		size_t left = rest.len - at;

		if (byte == '\\' && left > 1) {
			element->takes[rest.data[at + 1]] = true;
			at += 2;
		} else if (left > 2 && rest.data[at + 1] == '-') {
			add_range(element, byte, rest.data[at + 2], nocase);
			at += 3;
		} else {
			add_range(element, byte, byte, nocase);
			at++;
		}
	}
	for (unsigned byte = 0; negated && byte < 256; byte++)
		element->takes[byte] = !element->takes[byte];
	at += at < rest.len ? 1 : 0;
	return rt_slice(rest.data + at, rest.len - at);
}

static size_t
compile(struct element *elements, struct rt_slice rest, bool nocase)
{
	size_t count = 0;

	for (; rest.len != 0; count++) {
		struct element *element = &elements[count];
		uint8_t byte = rest.data[0];

		*element = (struct element){ .star = byte == '*' };
		if (byte == '\\' && rest.len > 1)
			rest = rt_slice(rest.data + 1, rest.len - 1);
		else if (byte == '?')
			memset(element->takes, 1, sizeof(element->takes));
		add_range(element, rest.data[0], rest.data[0], nocase);
		rest = rt_slice(rest.data + 1, rest.len - 1);
		if (byte == '[') {
			memset(element->takes, 0, sizeof(element->takes));
			rest = read_class(element, rest, nocase);
		}
	}
	return count;
}

static bool
match_slowly(struct rt_slice pattern, struct rt_slice text, bool nocase)
{
	static struct element elements[ELEMENTS_MAX];
	bool reach[TEXT_MAX + 1] = { true };	/* by the elements so far */
	size_t count = compile(elements, pattern, nocase);

	for (size_t i = 0; i < count; i++) {
		const struct element *element = &elements[i];
		bool next[TEXT_MAX + 1] = { false };

		for (size_t at = 0; at <= text.len; at++) {
			if (element->star)
				next[at] = reach[at] ||
				    (at > 0 && next[at - 1]);
			else if (at > 0)
				next[at] = reach[at - 1] &&
				    element->takes[text.data[at - 1]];
		}
		memcpy(reach, next, sizeof(reach));
	}
	return reach[text.len];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_slice pattern, text, prefix;
	bool nocase, matches;

	if (size < 2)
		return 0;
	nocase = (data[0] & 1) != 0;
	pattern = rt_slice(data + 2, data[1] < size - 2 ? data[1] : size - 2);
	text = rt_slice(pattern.data + pattern.len, size - 2 - pattern.len);
	matches = rt_glob_match(pattern, text, nocase);
	prefix = rt_slice(pattern.data, rt_glob_literal_prefix(pattern));
	rt_assert(nocase || !matches || rt_slice_starts_with(text, prefix));
	if (pattern.len <= ELEMENTS_MAX && text.len <= TEXT_MAX)
		rt_assert(matches == match_slowly(pattern, text, nocase));
	return 0;
}
