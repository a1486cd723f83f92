/* fuzz_number: any bytes as a number, a size, an option with a grammar of its
 * own, UTF-8, and the name of a file in a data directory. Each reader is held
 * against a slow one over the C library, or against its own writer. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/base/utf8.h"
#include "libcommon/daemon/option_text.h"
#include "libcommon/os/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decimal digits alone, and none too many. */
static bool
is_plain_decimal(const char *text, size_t len)
{
	if (len == 0 || strlen(text) != len || (text[0] == '0' && len > 1))
		return false;
	return strspn(text, "0123456789") == len;
}

static void
try_u64(const char *text, struct rt_slice slice)
{
	uint64_t value = 4711, should;
	bool taken = rt_parse_u64(slice, &value);

	errno = 0;
	should = strtoull(text, NULL, 10);
	rt_assert(taken ==
	    (is_plain_decimal(text, slice.len) && errno == 0));
	rt_assert(value == (taken ? should : 4711));
}

static void
try_i64(const char *text, struct rt_slice slice)
{
	size_t sign = text[0] == '-' ? 1 : 0;
	char digits[RT_I64_DIGITS_MAX + 1] = { 0 };
	int64_t value = 4711, should;
	bool taken = rt_parse_i64(slice, &value);

	errno = 0;
	should = strtoll(text, NULL, 10);
	rt_assert(taken == (slice.len > sign && errno == 0 &&
		is_plain_decimal(text + sign, slice.len - sign) &&
		!(sign == 1 && text[1] == '0')));
	rt_assert(value == (taken ? should : 4711));
	if (!taken)
		return;
	rt_assert(rt_format_i64(digits, value) == slice.len);
	rt_assert(memcmp(digits, text, slice.len) == 0);
}

/* What a unit stands for; 0: it is none. */
static unsigned __int128
bytes_of_unit(const char *unit)
{
	static const char letters[] = "kmg";
	const char *letter;
	unsigned __int128 bytes = 1;

	if (unit[0] == '\0' || strcasecmp(unit, "b") == 0)
		return 1;
	letter = strchr(letters, tolower((uint8_t)unit[0]));
	if (letter == NULL ||
	    (unit[1] != '\0' && strcasecmp(unit + 1, "b") != 0))
		return 0;
	for (const char *at = letters; at <= letter; at++)
		bytes *= unit[1] == '\0' ? 1000 : 1024;
	return bytes;
}

static void
try_bytes(const char *text, struct rt_slice slice)
{
	char *digits = rt_strdup(text);
	size_t count = strspn(text, "0123456789");
	unsigned __int128 should, unit = bytes_of_unit(text + count);
	uint64_t value = 4711;
	bool taken = rt_parse_bytes(slice, &value);

	digits[count] = '\0';
	errno = 0;
	should = strtoull(digits, NULL, 10) * unit;
	rt_assert(taken == (is_plain_decimal(digits, count) && errno == 0 &&
		strlen(text) == slice.len && unit != 0 &&
		should <= UINT64_MAX));
	rt_assert(value == (taken ? (uint64_t)should : 4711));
	free(digits);
}

/* -- options -- */

static void
try_option_texts(const char *text)
{
	struct rt_option_output_limit limits[RT_CLIENT_CLASSES] = {
		{ .hard_bytes = 1 } };
	struct rt_option_window window;
	char again[16];
	unsigned mode;

	if (rt_option_text_mode(text, &mode)) {
		rt_assert(strlen(text) == 3 || strlen(text) == 4);
		rt_assert(mode == strtoul(text, NULL, 8) && mode <= 0777);
	}
	if (rt_option_text_window(text, &window)) {
		snprintf(again, sizeof(again), "%02u:%02u-%02u:%02u",
		    window.from_min / 60 % 100, window.from_min % 60,
		    window.to_min / 60 % 100, window.to_min % 60);
		rt_assert(strcmp(again, text) == 0);
		rt_assert(window.from_min < 1440 && window.to_min < 1440);
	}
	if (!rt_option_text_output_limits(text, limits))
		rt_assert(limits[0].hard_bytes == 1);
}

/* -- UTF-8 -- */

/* The character's number by shifts alone, and its bytes; 0: none. */
static size_t
decode(const uint8_t *at, size_t left, uint32_t *point)
{
	size_t bytes = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 :
	    at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;

	if (bytes == 0 || bytes > left)
		return 0;
	*point = bytes == 1 ? at[0] : at[0] & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (at[i] & 0x3fu);
	}
	return bytes;
}

static void
try_utf8(struct rt_slice slice)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t at = 0;

	while (at < slice.len) {
		struct rt_slice rest =
		    rt_slice(slice.data + at, slice.len - at);
		uint32_t point = 0;
		size_t bytes = decode(rest.data, rest.len, &point);

		if (bytes != 0 && (point < least[bytes] || point > 0x10ffff ||
			(point >= 0xd800 && point <= 0xdfff)))
			bytes = 0;
		rt_assert(rt_utf8_char_bytes(rest) == bytes);
		if (bytes == 0)
			break;
		at += bytes;
	}
	rt_assert(rt_utf8_valid(slice) == (at == slice.len));
}

/* -- names of files -- */

static void
try_names(const char *text)
{
	char again[RT_PATH_NAME_BYTES];
	struct rt_file_id id;
	uint64_t number;

	if (rt_path_parse_manifest(text, &number))
		rt_assert(strcmp(rt_path_manifest(again, number), text) == 0);
	if (rt_path_parse_wal(text, &number))
		rt_assert(strcmp(rt_path_wal(again, number), text) == 0);
	if (rt_path_parse_wal_spare(text, &number))
		rt_assert(strcmp(rt_path_wal_spare(again, number), text) == 0);
	if (rt_path_parse_table(text, &id))
		rt_assert(strcmp(rt_path_table(again, id), text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = rt_alloc(size + 1);
	struct rt_slice slice = rt_slice(data, size);

	if (size != 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try_u64(text, slice);
	try_i64(text, slice);
	try_bytes(text, slice);
	try_option_texts(text);
	try_utf8(slice);
	try_names(text);
	free(text);
	return 0;
}
