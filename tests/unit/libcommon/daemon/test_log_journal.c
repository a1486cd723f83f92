#include "libcommon/daemon/log_journal.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/runner.h"

static char entry[RT_JOURNAL_ENTRY_BYTES_MAX + 1];

static size_t
make(const char *fields, enum rt_log_format format)
{
	size_t len = rt_journal_entry(&(struct rt_log_event){
	    .level = RT_LOG_WARNING, .program = "tester", .pid = 7,
	    .area = "flush", .event = "table published", .fields = fields },
	    format, entry);

	ck_assert_uint_le(len, RT_JOURNAL_ENTRY_BYTES_MAX);
	entry[len] = '\0';
	return len;
}

START_TEST(each_field_is_one_of_the_journal)
{
	make("table=d-1.sst bytes=12 why=\"no \\\"room\\\"\" a.b-c=1 alone",
	    RT_LOG_TEXT);
	ck_assert_str_eq(entry,
	    "MESSAGE=area=flush event=\"table published\" table=d-1.sst "
	    "bytes=12 why=\"no \\\"room\\\"\" a.b-c=1 alone=\"\"\n"
	    "PRIORITY=4\nSYSLOG_IDENTIFIER=tester\nRIPTIDE_AREA=flush\n"
	    "RIPTIDE_EVENT=table published\nRIPTIDE_TABLE=d-1.sst\n"
	    "RIPTIDE_BYTES=12\nRIPTIDE_WHY=no \"room\"\nRIPTIDE_A_B_C=1\n"
	    "RIPTIDE_ALONE=\n");
}
END_TEST

START_TEST(json_stays_whole)
{
	make("bytes=12", RT_LOG_JSON);
	ck_assert_ptr_eq(strstr(entry, "MESSAGE={\"ts\":"), entry);
	ck_assert_ptr_nonnull(strstr(entry, "\"bytes\":12}\nPRIORITY=4\n"));
}
END_TEST

START_TEST(a_value_with_a_newline_is_told_by_its_length)
{
	static const char wanted[] =
	    "RIPTIDE_WHY\n\3\0\0\0\0\0\0\0a\nb\nRIPTIDE_B=1\n";
	size_t len = make("why=\"a\nb\" b=1", RT_LOG_TEXT);

	ck_assert_ptr_nonnull(memmem(entry, len, wanted, sizeof(wanted) - 1));
}
END_TEST

START_TEST(what_finds_no_room_is_left_away)
{
	static char fields[3 * RT_LOG_LINE_BYTES_MAX];
	size_t len = 0;

	/* Names of more than the journal takes are cut. */
	for (unsigned i = 0; i < 60; i++)
		len += (size_t)snprintf(fields + len, sizeof(fields) - len,
		    "%0100u=%u ", i, i);
	make(fields, RT_LOG_TEXT);
	for (const char *at = entry; *at != '\0'; at = strchr(at, '\n') + 1)
		ck_assert_uint_le(strcspn(at, "="), 64);
	memset(fields, 'x', sizeof(fields) - 1);
	memcpy(fields, "a=1 b=", 6);
	make(fields, RT_LOG_TEXT);
	ck_assert_ptr_nonnull(strstr(entry, "RIPTIDE_A=1\n"));
}
END_TEST

START_TEST(no_journal_is_no_error)
{
	char path[300];

	ck_assert_int_eq(rt_journal_connect("/nonexistent/socket"), -1);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(rt_journal_connect(path), -1);
}
END_TEST

RTT_MAIN("log_journal", each_field_is_one_of_the_journal, json_stays_whole,
    a_value_with_a_newline_is_told_by_its_length,
    what_finds_no_room_is_left_away, no_journal_is_no_error)
