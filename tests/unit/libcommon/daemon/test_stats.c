#include "libcommon/daemon/stats.h"

#include <stdio.h>

#include "libcommon/daemon/log.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static void
fill(struct rt_stats *stats)
{
	rt_stats_section(stats, "Server");
	rt_stats_text(stats, "version", "%d.%d.%d", 0, 1, 0);
	rt_stats_u64(stats, "most", UINT64_MAX);
	rt_stats_section(stats, "Lsm");
	rt_stats_i64(stats, "least", INT64_MIN);
	rt_stats_f(stats, "ratio", 2.0 / 3, 2);
	rt_stats_text(stats, "name", "%s", "two words");
	rt_stats_text(stats, "none", "%s", "");
}

START_TEST(text_is_that_of_info)
{
	static const char expected[] = "# Server\r\nversion:0.1.0\r\n"
	    "most:18446744073709551615\r\n\r\n# Lsm\r\n"
	    "least:-9223372036854775808\r\nratio:0.67\r\n"
	    "name:two words\r\nnone:\r\n";
	struct rt_stats stats = { 0 };

	fill(&stats);
	ck_assert(rt_slice_equal(rt_buf_slice(&stats.text),
	    rt_slice_cstr(expected)));
	rt_stats_fini(&stats);
	rt_stats_fini(&stats);
}
END_TEST

START_TEST(a_value_cannot_begin_another)
{
	struct rt_stats stats = { 0 };

	rt_stats_text(&stats, "a", "%s", "x\r\nb:1");
	ck_assert(rt_slice_equal(rt_buf_slice(&stats.text),
	    rt_slice_cstr("a:x  b:1\r\n")));
	rt_stats_fini(&stats);
}
END_TEST

START_TEST(log_has_a_line_a_section)
{
	struct rtt_scratch scratch;
	struct rt_stats stats = { 0 };
	struct rt_buf text = { 0 };
	struct rt_config config;
	struct rt_err err;
	char path[300];

	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	snprintf(path, sizeof(path), "%s/log", scratch.path);
	ck_assert_int_eq(rt_config_set(&config, rt_slice_cstr("logfile"),
	    rt_slice_cstr(path), false, &err), RT_OK);
	ck_assert_int_eq(rt_log_open("tester", &config, &err), RT_OK);
	fill(&stats);
	rt_stats_section(&stats, "Long");
	for (int i = 0; i < 1000; i++)
		rt_stats_i64(&stats, "abc", i);
	rt_stats_log(&stats);
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), scratch.fd, "log",
	    1 << 20, &text, &err), RT_OK);
	rt_buf_append_byte(&text, '\0');
	ck_assert_ptr_nonnull(strstr((char *)text.data, "area=stats "
	    "event=Server version=0.1.0 most=18446744073709551615\n"));
	ck_assert_ptr_nonnull(strstr((char *)text.data, "area=stats event=Lsm "
	    "least=-9223372036854775808 ratio=0.67 name=\"two words\" "
	    "none=\"\"\n"));
	/* Nothing of a long section is cut away. */
	for (int i = 0; i < 1000; i++) {
		char pair[16];

		snprintf(pair, sizeof(pair), " abc=%d", i);
		ck_assert_ptr_nonnull(strstr((char *)text.data, pair));
	}
	rt_log_close();
	rt_buf_fini(&text);
	rt_stats_fini(&stats);
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("stats", text_is_that_of_info, a_value_cannot_begin_another,
    log_has_a_line_a_section)
