#include "riptided/metrics/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/runner.h"

static struct rt_buf text;

static void
expect(const char *wanted)
{
	rt_buf_append_byte(&text, '\0');
	ck_assert_str_eq((const char *)text.data, wanted);
	rt_buf_fini(&text);
}

START_TEST(a_family_has_its_help_and_type_and_then_samples)
{
	struct rtd_exposition x = { .out = &text };
	char label[RTD_LABEL_BYTES];

	rtd_exposition_family(&x, RTD_COUNTER, "a_total", "What it is.");
	rtd_exposition_u64(&x, "", UINT64_MAX);
	rtd_exposition_f(&x, rtd_exposition_label(label, "b", "c"), 0.25);
	rtd_exposition_gauge(&x, "d", "Else.", 7);
	expect("# HELP a_total What it is.\n# TYPE a_total counter\n"
	       "a_total 18446744073709551615\na_total{b=\"c\"} 0.25\n"
	       "# HELP d Else.\n# TYPE d gauge\nd 7\n");
}
END_TEST

START_TEST(a_label_cannot_end_before_its_end)
{
	char label[RTD_LABEL_BYTES], longest[2 * RTD_LABEL_BYTES];
	size_t len;

	ck_assert_str_eq(rtd_exposition_label(label, "n", "a\"b\\c\nd"),
	    "n=\"a\\\"b\\\\c\\nd\"");
	memset(longest, '"', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	len = strlen(rtd_exposition_label(label, "n", longest));
	ck_assert_uint_lt(len, RTD_LABEL_BYTES);
	ck_assert_int_eq(label[len - 1], '"');
	/* The quotes in front of it are all escaped. */
	ck_assert_uint_eq((len - 4) % 2, 0);
}
END_TEST

/* The last number behind what begins with these words. */
static unsigned long long
value_of(const char *words)
{
	const char *at = strstr((const char *)text.data, words);

	ck_assert_msg(at != NULL, "%s is not in\n%s", words,
	    (const char *)text.data);
	return strtoull(at + strlen(words), NULL, 10);
}

START_TEST(a_histogram_counts_what_is_below_each_bound)
{
	struct rtd_exposition x = { .out = &text };
	struct rt_durations durations = { 0 };

	rt_durations_add(&durations, 100);
	rt_durations_add(&durations, 512);
	rt_durations_add(&durations, 1023);
	rt_durations_add(&durations, UINT64_C(1) << 40);
	rtd_exposition_family(&x, RTD_HISTOGRAM, "h_seconds", "Times.");
	rtd_exposition_histogram(&x, "l=\"m\"", &durations);
	rt_buf_append_byte(&text, '\0');
	ck_assert_uint_eq(value_of("h_seconds_bucket{l=\"m\",le=\"5.12e-07\"} "),
	    1);
	ck_assert_uint_eq(
	    value_of("h_seconds_bucket{l=\"m\",le=\"1.024e-06\"} "), 3);
	ck_assert_uint_eq(
	    value_of("h_seconds_bucket{l=\"m\",le=\"17.179869184\"} "), 3);
	ck_assert_uint_eq(value_of("h_seconds_bucket{l=\"m\",le=\"+Inf\"} "),
	    4);
	ck_assert_uint_eq(value_of("h_seconds_count{l=\"m\"} "), 4);
	ck_assert_uint_eq(value_of("h_seconds_sum{l=\"m\"} "), 1099);
	rt_buf_fini(&text);
}
END_TEST

RTT_MAIN("exposition", a_family_has_its_help_and_type_and_then_samples,
    a_label_cannot_end_before_its_end,
    a_histogram_counts_what_is_below_each_bound)
