#include "libcommon/daemon/option_text.h"

#include "libcommon/base/attr.h"
#include "tests/support/runner.h"

START_TEST(words_are_parted_by_blanks)
{
	struct rt_slice rest = rt_slice_cstr("  a \t bc  "), word;

	ck_assert(rt_option_text_next_word(&rest, &word));
	ck_assert(rt_slice_equal(word, rt_slice_cstr("a")));
	ck_assert(rt_option_text_next_word(&rest, &word));
	ck_assert(rt_slice_equal(word, rt_slice_cstr("bc")));
	ck_assert(!rt_option_text_next_word(&rest, &word));
	ck_assert(!rt_option_text_next_word(&rest, &word));
}
END_TEST

START_TEST(modes_are_octal)
{
	static const char *const bad[] = { "", "7", "77", "800", "1777",
		"07777", "6x0", "-600", "0o600" };
	unsigned mode = 1;

	for (size_t i = 0; i < RT_COUNTOF(bad); i++)
		ck_assert_msg(!rt_option_text_mode(bad[i], &mode), "%s",
		    bad[i]);
	ck_assert_uint_eq(mode, 1);
	ck_assert(rt_option_text_mode("600", &mode));
	ck_assert_uint_eq(mode, 0600);
	ck_assert(rt_option_text_mode("0777", &mode));
	ck_assert_uint_eq(mode, 0777);
}
END_TEST

START_TEST(a_duration_has_a_unit_or_is_of_seconds)
{
	const char *const bad[] = { "", "0", "0m", "m", "10x", "10 m", "-1",
		"1.5h", "366d", "10mm", "18446744073709551616",
		"99999999999999999999d" };
	uint64_t seconds = 7;

	for (size_t i = 0; i < RT_COUNTOF(bad); i++)
		ck_assert_msg(!rt_option_text_duration(bad[i], &seconds), "%s",
		    bad[i]);
	ck_assert_uint_eq(seconds, 7);
	ck_assert(rt_option_text_duration("90", &seconds));
	ck_assert_uint_eq(seconds, 90);
	ck_assert(rt_option_text_duration("90s", &seconds));
	ck_assert_uint_eq(seconds, 90);
	ck_assert(rt_option_text_duration("10m", &seconds));
	ck_assert_uint_eq(seconds, 600);
	ck_assert(rt_option_text_duration("2h", &seconds));
	ck_assert_uint_eq(seconds, 7200);
	ck_assert(rt_option_text_duration("365d", &seconds));
	ck_assert_uint_eq(seconds, 365 * 86400);
}
END_TEST

START_TEST(windows_are_minutes_of_the_day)
{
	static const char *const bad[] = { "", "22:00", "22:00-", "2:00-06:00",
		"24:00-06:00", "22:60-06:00", "22:00-06:00x", "22:00 06:00",
		"22-00-06:00", "-2:00-06:00", "22:00-06.00" };
	struct rt_option_window window = { 1, 2 };

	for (size_t i = 0; i < RT_COUNTOF(bad); i++)
		ck_assert_msg(!rt_option_text_window(bad[i], &window), "%s",
		    bad[i]);
	ck_assert_uint_eq(window.from_min, 1);
	ck_assert(rt_option_text_window("22:00-06:30", &window));
	ck_assert_uint_eq(window.from_min, 22 * 60);
	ck_assert_uint_eq(window.to_min, 6 * 60 + 30);
	ck_assert(rt_option_text_window("00:00-23:59", &window));
	ck_assert_uint_eq(window.to_min, 1439);
}
END_TEST

START_TEST(output_limits_are_by_class)
{
	static const char *const bad[] = { "normal", "normal 0 0", "other 0 0 0",
		"normal 1x 0 0", "normal 0 0 1s", "normal 0 0 0 pubsub",
		"normal -1 0 0" };
	struct rt_option_output_limit limits[RT_CLIENT_CLASSES] = {
		{ 7, 7, 7 } };

	for (size_t i = 0; i < RT_COUNTOF(bad); i++)
		ck_assert_msg(!rt_option_text_output_limits(bad[i], limits),
		    "%s", bad[i]);
	ck_assert_uint_eq(limits[RT_CLIENT_NORMAL].hard_bytes, 7);
	ck_assert(rt_option_text_output_limits(
	    "PubSub 32mb 8mb 60  slave 1kb 0 0", limits));
	ck_assert_uint_eq(limits[RT_CLIENT_PUBSUB].hard_bytes, 32 << 20);
	ck_assert_uint_eq(limits[RT_CLIENT_PUBSUB].soft_bytes, 8 << 20);
	ck_assert_uint_eq(limits[RT_CLIENT_PUBSUB].soft_s, 60);
	ck_assert_uint_eq(limits[RT_CLIENT_REPLICA].hard_bytes, 1024);
	/* A class that is not named stays. */
	ck_assert_uint_eq(limits[RT_CLIENT_NORMAL].soft_s, 7);
	ck_assert(rt_option_text_output_limits("", limits));
}
END_TEST

START_TEST(events_are_letters)
{
	static const char *const printed[][2] = {
		{ "", "" }, { "KEA", "AKE" }, { "AKEmn", "AnKEm" },
		{ "nmtg$EK", "g$tnKEm" }, { "g$lshzxetd", "A" },
		{ "xE", "xE" }, { "gg", "g" },
	};
	char out[RT_EVENTS_TEXT_BYTES];
	unsigned events;

	for (size_t i = 0; i < RT_COUNTOF(printed); i++) {
		ck_assert(rt_option_text_events(printed[i][0], &events));
		rt_option_text_print_events(events, out);
		ck_assert_str_eq(out, printed[i][1]);
	}
	/* All at once fit. */
	rt_option_text_print_events(~0u & ~RT_EVENT_GENERIC, out);
	ck_assert_str_eq(out, "$lshzxetdnKEm");
	ck_assert(!rt_option_text_events("KEq", &events));
	ck_assert(!rt_option_text_events("K E", &events));
}
END_TEST

RTT_MAIN("option_text", words_are_parted_by_blanks, modes_are_octal,
    a_duration_has_a_unit_or_is_of_seconds, windows_are_minutes_of_the_day,
    output_limits_are_by_class, events_are_letters)
