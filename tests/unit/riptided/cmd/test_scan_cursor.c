#include "riptided/cmd/scan_cursor.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/attr.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/runner.h"

START_TEST(prefixes_keep_the_order_of_keys)
{
	static const char *const keys[] = {
		"", "\x01", "a", "aa", "abcdefg", "abcdefgh", "b", "\xff",
		"\xff\xff\xff\xff\xff\xff\xff",
		"\xff\xff\xff\xff\xff\xff\xff\xff",
	};

	for (size_t i = 0; i + 1 < RT_COUNTOF(keys); i++) {
		struct rt_slice a = rt_slice_cstr(keys[i]);
		struct rt_slice b = rt_slice_cstr(keys[i + 1]);
		uint64_t between = rtd_cursor_between(a, b);

		ck_assert_uint_le(rtd_cursor_prefix(a), rtd_cursor_prefix(b));
		ck_assert_uint_ne(between, 0);
		ck_assert_uint_lt(between, UINT64_C(1) << 63);
		ck_assert_int_eq(rtd_cursor_is_behind(between),
		    rtd_cursor_prefix(a) == rtd_cursor_prefix(b));
	}
}
END_TEST

START_TEST(start_is_not_beyond_any_key_of_its_prefix)
{
	static const uint8_t key[] = { 'a', 0, 0, 0 };
	uint8_t out[RTD_CURSOR_PREFIX_BYTES];
	size_t len;

	/* "a", "a\0", "a\0\0" share a prefix; the start must be "a". */
	ck_assert(rtd_cursor_start(rtd_cursor_prefix(rt_slice(key, 4)), out,
	    &len));
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(out[0], 'a');
	ck_assert(rtd_cursor_start(0, out, &len));
	ck_assert_uint_eq(len, 0);
	ck_assert(!rtd_cursor_start(UINT64_C(1) << 56, out, &len));
	ck_assert(!rtd_cursor_start(UINT64_MAX, out, &len));
}
END_TEST

START_TEST(places_are_forgotten_oldest_first)
{
	struct rtd_scan_cursors cursors = { 0 };
	struct rt_slice key;
	char text[32];

	for (uint64_t i = 0; i <= RTD_CURSOR_PLACES; i++) {
		snprintf(text, sizeof(text), "k%llu", (unsigned long long)i);
		rtd_scan_cursors_put(&cursors, 1000 + i, rt_slice_cstr(text));
		/* The first is used all along, so the second goes. */
		ck_assert(rtd_scan_cursors_get(&cursors, 1000, &key));
	}
	ck_assert(!rtd_scan_cursors_get(&cursors, 1001, &key));
	ck_assert(rtd_scan_cursors_get(&cursors, 1002, &key));
	ck_assert(rt_slice_equal(key, rt_slice_cstr("k2")));
	rtd_scan_cursors_fini(&cursors);
}
END_TEST

START_TEST(places_are_bounded_in_bytes)
{
	struct rtd_scan_cursors cursors = { 0 };
	static uint8_t large[65536];
	struct rt_slice key;

	for (uint64_t i = 0; i < 1000; i++) {
		rtd_scan_cursors_put(&cursors, i, rt_slice(large,
		    i % 2 == 0 ? sizeof(large) : 3));
		ck_assert(rtd_scan_cursors_get(&cursors, i, &key));
		ck_assert_uint_le(cursors.bytes,
		    RTD_CURSOR_PLACES_BYTES + 2 * sizeof(large));
	}
	ck_assert(!rtd_scan_cursors_get(&cursors, 0, &key));
	rtd_scan_cursors_fini(&cursors);
}
END_TEST

/* -- whole scans -- */

#define KEYS 500

/* Keys that are hard to tell apart: runs of zeros, shared beginnings. */
static struct rt_slice
hard_key(unsigned i, uint8_t out[64])
{
	size_t len;

	switch (i % 4) {
	case 0:
		memset(out, 0, 64);
		return rt_slice(out, i / 4 % 60);
	case 1:
		memset(out, 0xff, 64);
		return rt_slice(out, i / 4 % 60);
	case 2:
		len = (size_t)snprintf((char *)out, 64, "user:%08u", i);
		return rt_slice(out, len);
	default:
		memcpy(out, "prefix\0\0\0", 9);
		out[9] = (uint8_t)(i / 256);
		out[10] = (uint8_t)i;
		return rt_slice(out, 11);
	}
}

struct seen {
	unsigned calls;
	unsigned count[KEYS];
};

/* One SCAN; returns the next cursor. */
static uint64_t
scan_once(struct rtt_cmd *cmd, uint64_t cursor, unsigned count,
    struct seen *seen)
{
	char line[64], *end;
	uint8_t key[64];
	const char *at, *reply_end;
	uint64_t next;

	snprintf(line, sizeof(line), "SCAN %llu COUNT %u",
	    (unsigned long long)cursor, count);
	at = rtt_cmd_line(cmd, line);
	reply_end = at + cmd->client.out.len;
	ck_assert_int_eq(strncmp(at, "*2\r\n$", 5), 0);
	at = strchr(at + 5, '\n') + 1;
	next = strtoull(at, &end, 10);
	at = strchr(end + 2, '\n') + 1;
	while (at < reply_end) {
		size_t len = strtoul(at + 1, &end, 10);

		for (unsigned i = 0; i < KEYS; i++)
			if (rt_slice_equal(rt_slice(end + 2, len),
				hard_key(i, key)))
				seen->count[i]++;
		at = end + 2 + len + 2;
	}
	seen->calls++;
	return next;
}

static void
fill(struct rtt_cmd *cmd)
{
	uint8_t key[64];

	for (unsigned i = 0; i < KEYS; i++) {
		struct rt_slice argv[] = { rt_slice_cstr("SET"),
			hard_key(i, key), rt_slice_cstr("v") };

		ck_assert_str_eq(rtt_cmd_run(cmd, argv, 3), "+OK\r\n");
	}
}

/* Restart the server each `restart` calls (0: never). */
static void
check_whole_scan(unsigned count, unsigned restart, bool once)
{
	struct rtt_cmd cmd;
	struct seen seen = { 0 };
	uint64_t cursor = 0;

	rtt_cmd_init(&cmd);
	fill(&cmd);
	do {
		cursor = scan_once(&cmd, cursor, count, &seen);
		if (restart != 0 && seen.calls % restart == 0)
			rtt_cmd_restart(&cmd);
		ck_assert_uint_lt(seen.calls, 10 * KEYS);
	} while (cursor != 0);
	for (unsigned i = 0; i < KEYS; i++) {
		ck_assert_msg(seen.count[i] >= 1, "key %u was missed", i);
		if (once && (i % 4 == 2 || i % 4 == 3))
			ck_assert_uint_eq(seen.count[i], 1);
	}
	rtt_cmd_fini(&cmd);
}

START_TEST(scan_returns_every_key_of_hard_ones)
{
	check_whole_scan(1, 0, true);
	check_whole_scan(7, 0, true);
	check_whole_scan(KEYS * 2, 0, true);
}
END_TEST

START_TEST(scan_goes_on_at_the_same_key_after_restarts)
{
	check_whole_scan(9, 5, true);
}
END_TEST

START_TEST(scan_begins_anew_when_its_key_is_gone_after_a_restart)
{
	struct rtt_cmd cmd;
	struct seen seen = { 0 };
	uint64_t cursor;

	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "MSET longprefix1 a longprefix2 b longprefix3 c");
	cursor = scan_once(&cmd, 0, 1, &seen);
	ck_assert(rtd_cursor_is_behind(cursor));
	rtt_cmd_line(&cmd, "DEL longprefix1");
	rtt_cmd_restart(&cmd);
	seen = (struct seen){ 0 };
	char line[64];

	snprintf(line, sizeof(line), "SCAN %llu", (unsigned long long)cursor);
	ck_assert_str_eq(rtt_cmd_line(&cmd, line), "*2\r\n$1\r\n0\r\n"
	    "*2\r\n$11\r\nlongprefix2\r\n$11\r\nlongprefix3\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(scan_keeps_its_place_when_its_key_is_deleted)
{
	struct rtt_cmd cmd;
	struct seen seen = { 0 };
	char line[64];
	uint64_t cursor;

	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "MSET longprefix1 a longprefix2 b longprefix3 c");
	cursor = scan_once(&cmd, 0, 2, &seen);
	rtt_cmd_line(&cmd, "DEL longprefix2");
	snprintf(line, sizeof(line), "SCAN %llu", (unsigned long long)cursor);
	ck_assert_str_eq(rtt_cmd_line(&cmd, line), "*2\r\n$1\r\n0\r\n"
	    "*1\r\n$11\r\nlongprefix3\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(match_with_a_literal_beginning_stays_in_its_range)
{
	struct rtt_cmd cmd;

	rtt_cmd_init(&cmd);
	fill(&cmd);
	rtt_cmd_line(&cmd, "MSET m:1 a m:2 b m:3x c n d");
	ck_assert_str_eq(rtt_cmd_line(&cmd, "SCAN 0 MATCH m:? COUNT 3"),
	    "*2\r\n$1\r\n0\r\n*2\r\n$3\r\nm:1\r\n$3\r\nm:2\r\n");
	ck_assert_str_eq(rtt_cmd_line(&cmd, "KEYS m:*"),
	    "*3\r\n$3\r\nm:1\r\n$3\r\nm:2\r\n$4\r\nm:3x\r\n");
	ck_assert_str_eq(rtt_cmd_line(&cmd, "SCAN 0 MATCH m:* TYPE list"),
	    "*2\r\n$1\r\n0\r\n*0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

RTT_MAIN("scan_cursor", prefixes_keep_the_order_of_keys,
    start_is_not_beyond_any_key_of_its_prefix,
    places_are_forgotten_oldest_first, places_are_bounded_in_bytes,
    scan_returns_every_key_of_hard_ones,
    scan_goes_on_at_the_same_key_after_restarts,
    scan_begins_anew_when_its_key_is_gone_after_a_restart,
    scan_keeps_its_place_when_its_key_is_deleted,
    match_with_a_literal_beginning_stays_in_its_range)
