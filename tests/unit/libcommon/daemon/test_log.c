#include "libcommon/daemon/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libcommon/base/buf.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static struct rtt_scratch scratch;
static struct rt_config config;
static struct rt_err err;
static char path[300];

static void
open_log(void)
{
	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	snprintf(path, sizeof(path), "%s/log", scratch.path);
	ck_assert_int_eq(rt_config_set(&config, rt_slice_cstr("logfile"),
	    rt_slice_cstr(path), false, &err), RT_OK);
	ck_assert_msg(rt_log_open("tester", &config, &err) == RT_OK, "%s",
	    err.text);
}

static void
close_log(void)
{
	rt_log_close();
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}

/* The whole of a file below the scratch directory, as a string. */
static const char *
content(const char *name)
{
	static struct rt_buf text;

	ck_assert_msg(rt_fs_read_file(rt_fs_posix(), scratch.fd, name, 1 << 24,
		&text, &err) == RT_OK, "%s", err.text);
	rt_buf_append_byte(&text, '\0');
	return (const char *)text.data;
}

static unsigned
count(const char *text, const char *what)
{
	unsigned found = 0;

	while ((text = strstr(text, what)) != NULL) {
		found++;
		text += strlen(what);
	}
	return found;
}

START_TEST(levels_below_the_one_set_are_silent)
{
	open_log();
	rt_log(RT_LOG_VERBOSE, "test", "hidden", "");
	rt_log(RT_LOG_NOTICE, "test", "shown", "n=%d", 1);
	rt_log_set_level(RT_LOG_WARNING);
	rt_log(RT_LOG_NOTICE, "test", "hidden", "");
	rt_log(RT_LOG_WARNING, "test", "shown", "n=%d", 2);
	rt_log_set_level(RT_LOG_DEBUG);
	rt_log(RT_LOG_DEBUG, "test", "shown", "n=%d", 3);
	ck_assert_uint_eq(count(content("log"), "event=hidden"), 0);
	ck_assert_uint_eq(count(content("log"), "event=shown"), 3);
	ck_assert_ptr_nonnull(strstr(content("log"),
	    "level=warning prog=tester"));
	close_log();
}
END_TEST

START_TEST(reopen_follows_a_rotation)
{
	open_log();
	rt_log(RT_LOG_NOTICE, "test", "first", "");
	ck_assert_int_eq(rt_fs_rename(rt_fs_posix(), scratch.fd, "log", "old",
	    &err), RT_OK);
	rt_log(RT_LOG_NOTICE, "test", "second", "");
	rt_log_reopen();
	rt_log(RT_LOG_NOTICE, "test", "third", "");
	ck_assert_uint_eq(count(content("old"), "\n"), 2);
	ck_assert_uint_eq(count(content("log"), "\n"), 1);
	ck_assert_ptr_nonnull(strstr(content("log"), "event=third"));
	close_log();
}
END_TEST

START_TEST(a_failed_reopen_keeps_the_old_file)
{
	open_log();
	ck_assert_int_eq(rt_fs_rename(rt_fs_posix(), scratch.fd, "log", "old",
	    &err), RT_OK);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	rt_log_reopen();
	ck_assert_ptr_nonnull(strstr(content("old"),
	    "event=\"file cannot be opened anew\""));
	close_log();
}
END_TEST

START_TEST(a_log_that_cannot_be_opened_is_an_error)
{
	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	snprintf(path, sizeof(path), "%s/missing/log", scratch.path);
	ck_assert_int_eq(rt_config_set(&config, rt_slice_cstr("logfile"),
	    rt_slice_cstr(path), false, &err), RT_OK);
	ck_assert_int_ne(rt_log_open("tester", &config, &err), RT_OK);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	close_log();
}
END_TEST

START_TEST(json_is_chosen_by_the_config)
{
	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	config.log_format = RT_LOG_JSON;
	snprintf(path, sizeof(path), "%s/log", scratch.path);
	ck_assert_int_eq(rt_config_set(&config, rt_slice_cstr("logfile"),
	    rt_slice_cstr(path), false, &err), RT_OK);
	ck_assert_int_eq(rt_log_open("tester", &config, &err), RT_OK);
	rt_log(RT_LOG_NOTICE, "test", "an event", "n=%d s=\"%s\"", 5, "a\"b");
	ck_assert_ptr_nonnull(strstr(content("log"),
	    "\"event\":\"an event\",\"n\":5,\"s\":\"a\\\"b\"}\n"));
	close_log();
}
END_TEST

START_TEST(limited_lines_are_counted_and_told)
{
	struct rt_log_limit limit = { 0 };
	unsigned allowed = 0;

	open_log();
	for (int i = 0; i < 10; i++)
		allowed += rt_log_allowed(&limit, 1000000);
	ck_assert_uint_eq(allowed, 1);
	rt_log(RT_LOG_NOTICE, "test", "one", "");
	/* The interval is over. */
	atomic_store(&limit.next_ns, 0);
	ck_assert(rt_log_allowed(&limit, 1000000));
	rt_log(RT_LOG_NOTICE, "test", "two", "");
	rt_log(RT_LOG_NOTICE, "test", "three", "");
	ck_assert_ptr_nonnull(strstr(content("log"), "event=one\n"));
	ck_assert_ptr_nonnull(strstr(content("log"), "event=two left_out=9\n"));
	ck_assert_ptr_nonnull(strstr(content("log"), "event=three\n"));
	for (int i = 0; i < 100; i++)
		rt_log_limited(1000000, RT_LOG_NOTICE, "test", "often",
		    "i=%d", i);
	ck_assert_uint_eq(count(content("log"), "event=often"), 1);
	close_log();
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_stops_nothing)
{
	int ends[2], saved = dup(STDERR_FILENO);
	static char text[1 << 20];
	ssize_t got;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	for (int i = 0; i < 10000; i++)
		rt_log(RT_LOG_WARNING, "test", "much", "i=%d", i);
	got = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(got, 0);
	rt_log(RT_LOG_WARNING, "test", "again", "");
	got = read(ends[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(got, 0);
	text[got] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "event=again left_out="));
	close(ends[0]);
	close(ends[1]);
	close(saved);
}
END_TEST

static void *
write_many(void *arg)
{
	for (int i = 0; i < 500; i++)
		rt_log(RT_LOG_NOTICE, "test", "many", "end=here");
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
	pthread_t threads[4];

	open_log();
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many,
		    NULL), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(count(content("log"), "\n"), 2000);
	ck_assert_uint_eq(count(content("log"),
	    "area=test event=many end=here\n"), 2000);
	close_log();
}
END_TEST

/* Where a journal listens, or does not. */
static const char *journal = "/nonexistent";

/* One line of each level, on a standard error that is a pipe whose name is in
 * JOURNAL_STREAM, with something added to the inode. */
static void
log_to_journal(unsigned long long add, char *out, size_t bytes)
{
	struct rt_config plain;
	struct stat status;
	char stream[64];
	int ends[2], kept = dup(STDERR_FILENO);
	ssize_t got;

	ck_assert_int_ge(kept, 0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)status.st_dev,
	    (unsigned long long)status.st_ino + add);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	rt_config_init(&plain);
	ck_assert_int_eq(rt_log_open("tester", &plain, &err), RT_OK);
	/* This machine's journal has no use for it. */
	rt_log_use_journal(journal);
	rt_log_set_level(RT_LOG_DEBUG);
	for (int level = RT_LOG_DEBUG; level <= RT_LOG_WARNING; level++)
		rt_log((enum rt_loglevel)level, "a", "b", "%s", "");
	rt_log_close();
	/* Nobody may have it open, or the read waits when nothing is there. */
	close(ends[1]);
	ck_assert_int_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	close(kept);
	got = read(ends[0], out, bytes - 1);
	ck_assert_int_ge(got, 0);
	out[got] = '\0';
	rt_config_fini(&plain);
	close(ends[0]);
}

START_TEST(journald_is_told_priorities)
{
	char text[4096];

	log_to_journal(0, text, sizeof(text));
	ck_assert_ptr_eq(strstr(text, "<7>ts="), text);
	ck_assert_ptr_nonnull(strstr(text, "\n<6>ts="));
	ck_assert_ptr_nonnull(strstr(text, "\n<5>ts="));
	ck_assert_ptr_nonnull(strstr(text, "\n<4>ts="));
}
END_TEST

START_TEST(another_stream_than_that_of_journald_has_plain_lines)
{
	char text[4096];

	log_to_journal(1, text, sizeof(text));
	ck_assert_ptr_eq(strstr(text, "ts="), text);
	ck_assert_uint_eq(count(text, "\nts="), 3);
}
END_TEST

/* The journal's end of a datagram socket below the scratch directory. */
static int
listen_as_journal(char *at, size_t bytes)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_lt(snprintf(at, bytes, "%s/journal", scratch.path),
	    (int)sizeof(address.sun_path));
	memcpy(address.sun_path, at, strlen(at));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			     sizeof(address)), 0);
	return fd;
}

START_TEST(the_journal_gets_entries_with_fields)
{
	char text[4096], at[128], entry[8192];
	ssize_t got;
	int fd;

	rtt_scratch_init(&scratch);
	fd = listen_as_journal(at, sizeof(at));
	journal = at;
	log_to_journal(0, text, sizeof(text));
	/* Nothing is told twice. */
	ck_assert_str_eq(text, "");
	got = recv(fd, entry, sizeof(entry) - 1, 0);
	ck_assert_int_gt(got, 0);
	entry[got] = '\0';
	ck_assert_str_eq(entry, "MESSAGE=area=a event=b\nPRIORITY=7\n"
	    "SYSLOG_IDENTIFIER=tester\nRIPTIDE_AREA=a\nRIPTIDE_EVENT=b\n");
	close(fd);
	/* One that has gone away is done without. */
	log_to_journal(0, text, sizeof(text));
	ck_assert_ptr_eq(strstr(text, "<7>ts="), text);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_file_is_not_the_journal)
{
	struct stat status;
	char stream[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)status.st_dev,
	    (unsigned long long)status.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	open_log();
	rt_log(RT_LOG_WARNING, "a", "b", "%s", "");
	ck_assert_ptr_eq(strstr(content("log"), "ts="), content("log"));
	close_log();
}
END_TEST

RTT_MAIN("log", levels_below_the_one_set_are_silent, reopen_follows_a_rotation,
    a_failed_reopen_keeps_the_old_file,
    a_log_that_cannot_be_opened_is_an_error, json_is_chosen_by_the_config,
    limited_lines_are_counted_and_told,
    a_pipe_that_nobody_reads_stops_nothing, lines_of_threads_do_not_mix,
    journald_is_told_priorities,
    another_stream_than_that_of_journald_has_plain_lines,
    the_journal_gets_entries_with_fields,
    a_file_is_not_the_journal)
