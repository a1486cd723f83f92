#include "libcommon/daemon/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static struct rt_config config;
static struct rt_command_line line;
static struct rt_err err;

/* Read these words (NULL-ended, without the program's name). */
static enum rt_code
read_words(int who, const char *const *words)
{
	char *argv[16] = { (char[]){ "program" } };
	int argc = 1;
	enum rt_code rc;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = rt_strdup(words[argc - 1]);
	rt_err_clear(&err);
	rc = rt_config_read(&config, who, argc, argv, &line, &err);
	/* The file's name is borrowed from argv: keep only that it was there. */
	line.config_file = line.config_file != NULL ? "given" : NULL;
	while (argc-- > 1)
		free(argv[argc]);
	return rc;
}

#define READ(who, ...) read_words(who, (const char *const[]){ __VA_ARGS__, NULL })

static enum rt_code
parse(const char *text)
{
	rt_err_clear(&err);
	return rt_config_parse(&config, "f", rt_slice_cstr(text), &err);
}

static enum rt_code
set(const char *name, const char *value, bool running)
{
	rt_err_clear(&err);
	return rt_config_set(&config, rt_slice_cstr(name),
	    rt_slice_cstr(value), running, &err);
}

static void
keep_value(void *arg, const char *name, const char *value)
{
	snprintf(arg, 256, "%s", value);
}

static const char *
get(const char *name)
{
	static char value[256];

	snprintf(value, sizeof(value), "(none)");
	rt_config_get(&config, rt_slice_cstr(name), keep_value, value);
	return value;
}

START_TEST(defaults_are_those_of_the_table)
{
	rt_config_init(&config);
	ck_assert_int_eq(config.port, 6379);
	ck_assert_str_eq(config.dir, "./data");
	ck_assert_uint_eq(config.memtable_size, 64u << 20);
	ck_assert_int_eq(config.appendfsync, RT_FSYNC_ALWAYS);
	ck_assert_int_eq(config.loglevel, RT_LOG_NOTICE);
	ck_assert(config.protected_mode);
	rt_config_fini(&config);
}
END_TEST

START_TEST(file_is_read)
{
	rt_config_init(&config);
	ck_assert_msg(parse("# a comment\n\n   \t\n"
		"port 7000\n"
		"  dir\t /var/lib/x  \r\n"
		"APPENDFSYNC EverySec\n"
		"memtable-size 32mb\n"
		"bind  127.0.0.1   ::1\n"
		"protected-mode no") == RT_OK, "%s", err.text);
	ck_assert_int_eq(config.port, 7000);
	ck_assert_str_eq(config.dir, "/var/lib/x");
	ck_assert_int_eq(config.appendfsync, RT_FSYNC_EVERYSEC);
	ck_assert_uint_eq(config.memtable_size, 32u << 20);
	ck_assert_str_eq(config.bind, "127.0.0.1 ::1");
	ck_assert(!config.protected_mode);
	rt_config_fini(&config);
}
END_TEST

START_TEST(quotes_are_those_of_redis)
{
	static const struct {
		const char *text;
		const char *value;
	} rows[] = {
		{ "requirepass \"a b\"", "a b" },
		{ "requirepass 'a \"b\\'c'", "a \"b'c" },
		{ "requirepass \"\\x41\\n\\t\\\\\\\"\\q\"", "A\n\t\\\"q" },
		{ "requirepass 'a\\x41'", "a\\x41" },
		{ "requirepass \"\\xzz\"", "xzz" },
		{ "requirepass \"\"", "" },
		{ "requirepass a\"b c\"", "ab c" },
		{ "requirepass #x", "#x" },
		{ "\"requirepass\" x", "x" },
	};

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		rt_config_init(&config);
		ck_assert_msg(parse(rows[i].text) == RT_OK, "%s: %s",
		    rows[i].text, err.text);
		ck_assert_str_eq(config.requirepass, rows[i].value);
		rt_config_fini(&config);
	}
}
END_TEST

START_TEST(errors_of_a_file_name_line_key_and_what_is_allowed)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{ "\n#\nport 70000", "f:3: port: 70000 is out of range, "
		    "allowed: 0 to 65535" },
		{ "port -1", "f:1: port: -1 is out of range, allowed: "
		    "0 to 65535" },
		{ "port 99999999999999999999", "f:1: port: "
		    "99999999999999999999 is out of range, allowed: "
		    "0 to 65535" },
		{ "port abc", "f:1: port: abc is not a number, allowed: "
		    "0 to 65535" },
		{ "port 0x10", "f:1: port: 0x10 is not a number, allowed: "
		    "0 to 65535" },
		{ "port", "f:1: port: value missing, allowed: 0 to 65535" },
		{ "port \"\"", "f:1: port: value missing, allowed: "
		    "0 to 65535" },
		{ "port 1 2", "f:1: port: 2 values where one is expected, "
		    "allowed: 0 to 65535" },
		{ "dir", "f:1: dir: value missing, allowed: the path of a "
		    "directory" },
		{ "dir \"\"", "f:1: dir: value missing, allowed: the path of "
		    "a directory" },
		{ "prot 1", "f:1: prot: unknown option, did you mean port" },
		{ "appendfsnyc no", "f:1: appendfsnyc: unknown option, did "
		    "you mean appendfsync" },
		{ "maxmemory 1gb", "f:1: maxmemory: unknown option, allowed: "
		    "those that --help lists" },
		{ "include other.conf", "f:1: include: unknown option, "
		    "allowed: those that --help lists" },
		{ "port 1\ndir x\nPort 2", "f:3: port: given before in line "
		    "1, allowed: once" },
		{ "appendfsync often", "f:1: appendfsync: often is not known "
		    "here, allowed: always, everysec, no" },
		{ "protected-mode on", "f:1: protected-mode: on is neither "
		    "yes nor no, allowed: yes, no" },
		{ "memtable-size 64", "f:1: memtable-size: 64 has no unit, "
		    "allowed: 64kb to 4gb, with unit b k kb m mb g gb" },
		{ "memtable-size 1tb", "f:1: memtable-size: 1tb is not a "
		    "size, allowed: 64kb to 4gb, with unit b k kb m mb g gb" },
		{ "memtable-size 5gb", "f:1: memtable-size: 5gb is out of "
		    "range, allowed: 64kb to 4gb, with unit b k kb m mb g "
		    "gb" },
		{ "disk-reserve 100b", "f:1: disk-reserve: 100b is out of "
		    "range, allowed: 0, 1kb to 1024gb, with unit b k kb m mb "
		    "g gb" },
		{ "metrics-port 65536", "f:1: metrics-port: 65536 is out of "
		    "range, allowed: 0 to 65535" },
		{ "sandbox maybe", "f:1: sandbox: maybe is not known here, "
		    "allowed: no, yes, required" },
		{ "tls-protocols TLSv1.1", "f:1: tls-protocols: TLSv1.1 is not "
		    "allowed, allowed: TLSv1.2, TLSv1.3, or both" },
		{ "dir \"x", "f:1: quotes do not pair, allowed: \"...\" or "
		    "'...' with a blank behind" },
		{ "dir \"x\"y", "f:1: quotes do not pair, allowed: \"...\" "
		    "or '...' with a blank behind" },
		{ "dir \xff", "f:1: the line is not UTF-8, allowed: UTF-8 "
		    "text" },
		{ "dir \"\\xff\"", "f:1: dir: the value is not UTF-8, "
		    "allowed: UTF-8 text" },
		{ "dir \"\\x00\"", "f:1: dir: the value contains a NUL byte, "
		    "allowed: text" },
		{ "unixsocketperm 888", "f:1: unixsocketperm: 888 is not "
		    "allowed, allowed: an octal mode from 000 to 777" },
		{ "compaction-window 25:00-01:00", "f:1: compaction-window: "
		    "25:00-01:00 is not allowed, allowed: HH:MM-HH:MM, or "
		    "empty" },
		{ "disable-command KEYS;", "f:1: disable-command: KEYS; is "
		    "not allowed, allowed: names of commands" },
		{ "client-output-buffer-limit normal 1mb", "f:1: "
		    "client-output-buffer-limit: normal 1mb is not allowed, "
		    "allowed: class hard soft seconds, any number of times, "
		    "class one of normal replica pubsub" },
		{ "bind -", "f:1: bind: - is not allowed, allowed: up to 16 "
		    "addresses, or * for all, each with or without - in "
		    "front" },
	};

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		rt_config_init(&config);
		ck_assert_msg(parse(rows[i].text) == RT_ECONFIG, "%s was taken",
		    rows[i].text);
		ck_assert_str_eq(err.text, rows[i].error);
		ck_assert_int_eq(err.code, RT_ECONFIG);
		rt_config_fini(&config);
	}
}
END_TEST

START_TEST(hostile_files_are_refused)
{
	struct rt_buf text = { 0 };

	rt_config_init(&config);
	ck_assert(rt_config_parse(&config, "f", rt_slice("dir a\0b\n", 8),
	    &err) == RT_ECONFIG);
	ck_assert_str_eq(err.text,
	    "f:1: the line contains a NUL byte, allowed: text");
	rt_buf_append(&text, "\ndir ", 5);
	for (int i = 0; i < 1000000; i++)
		rt_buf_append_byte(&text, 'x');
	ck_assert(rt_config_parse(&config, "f", rt_buf_slice(&text), &err) ==
	    RT_ECONFIG);
	ck_assert_str_eq(err.text,
	    "f:2: the line has 1000004 bytes, allowed: at most 16384");
	text.len = 10000;
	ck_assert(rt_config_parse(&config, "f", rt_buf_slice(&text), &err) ==
	    RT_ECONFIG);
	ck_assert_str_eq(err.text, "f:2: dir: the value has 9995 bytes, "
	    "allowed: at most 8192");
	rt_buf_fini(&text);
	rt_config_fini(&config);
}
END_TEST

START_TEST(a_password_is_never_in_an_error)
{
	char password[600];

	memset(password, 's', sizeof(password));
	password[sizeof(password) - 1] = '\0';
	rt_config_init(&config);
	ck_assert_int_eq(set("requirepass", password, true), RT_EINVAL);
	ck_assert_str_eq(err.text, "requirepass: the value is not allowed, "
	    "allowed: up to 512 bytes");
	password[512] = '\0';
	ck_assert_int_eq(set("requirepass", password, true), RT_OK);
	rt_config_fini(&config);
}
END_TEST

START_TEST(files_that_are_none_are_refused)
{
	struct rtt_scratch scratch;
	char path[300], expected[400];
	struct rt_buf big = { 0 };

	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	snprintf(path, sizeof(path), "%s/missing", scratch.path);
	ck_assert_int_eq(READ(RT_FOR_DAEMON, path), RT_ECONFIG);
	snprintf(expected, sizeof(expected),
	    "%s: cannot be opened: No such file or directory", path);
	ck_assert_str_eq(err.text, expected);
	ck_assert_int_eq(rt_code_exit_status(err.code), 78);

	ck_assert_int_eq(READ(RT_FOR_DAEMON, scratch.path), RT_ECONFIG);
	snprintf(expected, sizeof(expected),
	    "%s: is a directory, allowed: a file", scratch.path);
	ck_assert_str_eq(err.text, expected);

	rt_buf_reserve(&big, RT_CONFIG_FILE_BYTES_MAX + 1);
	memset(big.data, '\n', RT_CONFIG_FILE_BYTES_MAX + 1);
	big.len = RT_CONFIG_FILE_BYTES_MAX + 1;
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "big",
	    rt_buf_slice(&big), &err), RT_OK);
	snprintf(path, sizeof(path), "%s/big", scratch.path);
	ck_assert_int_eq(READ(RT_FOR_DAEMON, path), RT_ECONFIG);
	snprintf(expected, sizeof(expected), "%s: the file is too large, "
	    "allowed: at most 1048576 bytes", path);
	ck_assert_str_eq(err.text, expected);

	ck_assert_int_eq(READ(RT_FOR_DAEMON, "/dev/null"), RT_ECONFIG);
	ck_assert_str_eq(err.text,
	    "/dev/null: is not a regular file, allowed: a file");
	rt_buf_fini(&big);
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(flags_stand_over_the_file)
{
	struct rtt_scratch scratch;
	char path[300], link_path[300];

	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "conf",
	    rt_slice_cstr("port 7000\ndir fromfile\nmaxclients 5\n"), &err),
	    RT_OK);
	snprintf(path, sizeof(path), "%s/conf", scratch.path);
	/* A link is followed: /etc may hold one. */
	snprintf(link_path, sizeof(link_path), "%s/link", scratch.path);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_msg(READ(RT_FOR_DAEMON, "--port", "7001", link_path,
		"--dir=a=b", "--port", "7002", "--logfile=",
		"--bind", "-::1", "--check-config") == RT_OK, "%s", err.text);
	ck_assert_int_eq(config.port, 7002);
	ck_assert_str_eq(config.dir, "a=b");
	ck_assert_str_eq(config.bind, "-::1");
	ck_assert_int_eq(config.maxclients, 5);
	ck_assert_ptr_nonnull(line.config_file);
	ck_assert(line.check_config && !line.help);
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(errors_of_the_command_line_are_usage)
{
	static const struct {
		const char *words[4];
		const char *error;
	} rows[] = {
		{ { "--port" }, "--port: value missing, allowed: 0 to 65535" },
		{ { "--port", "--dir", "x" },
		    "--port: value missing, allowed: 0 to 65535" },
		{ { "--port", "abc" },
		    "--port: abc is not a number, allowed: 0 to 65535" },
		{ { "--port=" }, "--port: value missing, allowed: 0 to 65535" },
		{ { "--prot", "1" },
		    "--prot: unknown option, did you mean --port" },
		{ { "--once" }, "--once: unknown option, allowed: those that "
		    "--help lists" },
		{ { "--" }, "--: unknown option, allowed: those that --help "
		    "lists" },
		{ { "-p", "1" }, "-p: unknown flag, allowed: --NAME VALUE, see "
		    "--help" },
		{ { "a", "b" },
		    "b: a second configuration file, allowed: one" },
	};

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		rt_config_init(&config);
		ck_assert_msg(read_words(RT_FOR_DAEMON, rows[i].words) ==
		    RT_EUSAGE, "row %zu: %s", i, err.text);
		ck_assert_str_eq(err.text, rows[i].error);
		ck_assert_int_eq(rt_code_exit_status(err.code), 64);
		rt_config_fini(&config);
	}
}
END_TEST

START_TEST(the_compactor_has_words_of_its_own)
{
	rt_config_init(&config);
	ck_assert_msg(READ(RT_FOR_COMPACTOR, "--once", "--full", "--dry-run",
		"--port", "7000") == RT_OK, "%s", err.text);
	ck_assert(line.once && line.full && line.dry_run);
	ck_assert(line.config_file == NULL);
	/* The daemon's options are taken and checked. */
	ck_assert_int_eq(config.port, 7000);
	ck_assert_int_eq(READ(RT_FOR_COMPACTOR, "--port", "x"), RT_EUSAGE);
	ck_assert_int_eq(READ(RT_FOR_COMPACTOR, "--forecast", "2gb",
		"--forecast-data=1mb", "--budget", "1m"), RT_OK);
	ck_assert_uint_eq(line.forecast_bytes, UINT64_C(2) << 30);
	ck_assert_uint_eq(line.forecast_data_bytes, 1 << 20);
	ck_assert_uint_eq(line.budget_s, 60);
	ck_assert_int_eq(READ(RT_FOR_COMPACTOR, "--forecast"), RT_EUSAGE);
	ck_assert_int_eq(READ(RT_FOR_COMPACTOR, "--forecast", "x"),
	    RT_EUSAGE);
	ck_assert_int_eq(READ(RT_FOR_COMPACTOR, "--window", "01:00-05:00"),
	    RT_OK);
	ck_assert_str_eq(config.compaction_window, "01:00-05:00");
	ck_assert_int_eq(READ(RT_FOR_COMPACTOR, "--window", "1-5"),
	    RT_EUSAGE);
	ck_assert_int_eq(READ(RT_FOR_DAEMON, "--forecast", "2gb"), RT_EUSAGE);
	ck_assert_int_eq(READ(RT_FOR_DAEMON, "--window", "01:00-05:00"),
	    RT_EUSAGE);
	rt_config_fini(&config);
}
END_TEST

START_TEST(help_needs_no_file)
{
	rt_config_init(&config);
	ck_assert_int_eq(READ(RT_FOR_DAEMON, "/missing", "--help", "--what"),
	    RT_OK);
	ck_assert(line.help);
	ck_assert_int_eq(READ(RT_FOR_DAEMON, "--version"), RT_OK);
	ck_assert(line.version);
	rt_config_fini(&config);
}
END_TEST

START_TEST(set_at_run_time_changes_only_what_may_change)
{
	rt_config_init(&config);
	ck_assert_int_eq(set("maxclients", "20", true), RT_OK);
	ck_assert_int_eq(config.maxclients, 20);
	ck_assert_int_eq(set("MaxClients", "0", true), RT_EINVAL);
	ck_assert_str_eq(err.text,
	    "maxclients: 0 is out of range, allowed: 1 to 1000000");
	ck_assert_int_eq(config.maxclients, 20);
	ck_assert_int_eq(set("port", "1", true), RT_EINVAL);
	ck_assert_str_eq(err.text,
	    "port: cannot change at run time, allowed: at start");
	ck_assert_int_eq(config.port, 6379);
	ck_assert_int_eq(set("port", "1", false), RT_OK);
	ck_assert_int_eq(set("nonsense", "1", true), RT_ENOTFOUND);
	ck_assert_int_eq(set("block-cache-size", "1048576", true), RT_OK);
	ck_assert_uint_eq(config.block_cache_size, 1048576);
	ck_assert_int_eq(rt_config_set(&config, rt_slice_cstr("requirepass"),
	    rt_slice("a\0b", 3), true, NULL), RT_EINVAL);
	rt_config_fini(&config);
}
END_TEST

START_TEST(reload_takes_over_what_may_change)
{
	struct rtt_scratch scratch;
	char path[300], program[] = "program";
	char *argv[] = { program, path, NULL };

	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, "conf",
	    rt_slice_cstr("port 7000\nmaxclients 7\nrequirepass x\n"
		"loglevel debug\nblock-cache-size 1mb\n"), &err), RT_OK);
	snprintf(path, sizeof(path), "%s/conf", scratch.path);
	ck_assert_msg(rt_config_reload(&config, RT_FOR_DAEMON, 2, argv, &err) ==
	    RT_OK, "%s", err.text);
	ck_assert_int_eq(config.port, 6379);
	ck_assert_int_eq(config.maxclients, 7);
	ck_assert_int_eq(config.loglevel, RT_LOG_DEBUG);
	ck_assert_uint_eq(config.block_cache_size, 1 << 20);
	ck_assert_str_eq(config.requirepass, "x");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rt_config_reload(&config, RT_FOR_DAEMON, 2, argv,
	    &err), RT_ECONFIG);
	ck_assert_int_eq(config.maxclients, 7);
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}
END_TEST

static void
count_one(void *arg, const char *name, const char *value)
{
	++*(int *)arg;
}

START_TEST(get_takes_patterns_and_prints_as_redis)
{
	int count = 0;

	rt_config_init(&config);
	ck_assert_str_eq(get("memtable-size"), "67108864");
	ck_assert_str_eq(get("PORT"), "6379");
	ck_assert_str_eq(get("appendfsync"), "always");
	ck_assert_str_eq(get("protected-mode"), "yes");
	ck_assert_str_eq(get("compression"), "lz4");
	ck_assert_str_eq(get("logfile"), "");
	ck_assert_str_eq(get("nonsense"), "(none)");
	rt_config_get(&config, rt_slice_cstr("tcp-*"), count_one, &count);
	ck_assert_int_eq(count, 2);
	rt_config_fini(&config);
}
END_TEST

struct round_trip {
	struct rt_config *config;
	int count;
};

static void
set_again(void *arg, const char *name, const char *value)
{
	struct round_trip *trip = arg;

	ck_assert_msg(rt_config_set(trip->config, rt_slice_cstr(name),
		rt_slice_cstr(value), false, &err) == RT_OK, "%s", err.text);
	trip->count++;
}

START_TEST(what_get_prints_set_takes)
{
	struct round_trip trip = { .config = &config };
	struct rt_config copy;

	rt_config_init(&config);
	rt_config_init(&copy);
	rt_config_get(&copy, rt_slice_cstr("*"), set_again, &trip);
	ck_assert_int_gt(trip.count, 40);
	rt_config_fini(&copy);
	rt_config_fini(&config);
}
END_TEST

static void
expect_same(void *arg, const char *name, const char *value)
{
	ck_assert_str_eq(get(name), value);
}

START_TEST(sample_read_back_gives_the_defaults)
{
	struct rt_buf sample = { 0 }, text = { 0 };
	struct rt_config defaults;

	rt_config_print_sample(&sample);
	/* Take the # from the options' lines: no blank follows it there. */
	for (size_t i = 0; i < sample.len; i++)
		if (sample.data[i] != '#' || sample.data[i + 1] == ' ' ||
		    sample.data[i + 1] == '\n')
			rt_buf_append_byte(&text, sample.data[i]);
	rt_config_init(&config);
	ck_assert_msg(rt_config_parse(&config, "sample", rt_buf_slice(&sample),
		&err) == RT_OK, "%s", err.text);
	ck_assert(set("port", "1", false) == RT_OK);
	ck_assert_msg(rt_config_parse(&config, "sample", rt_buf_slice(&text),
		&err) == RT_OK, "%s", err.text);
	rt_config_init(&defaults);
	rt_config_get(&defaults, rt_slice_cstr("*"), expect_same, NULL);
	rt_config_fini(&defaults);
	rt_config_fini(&config);
	rt_buf_fini(&text);
	rt_buf_fini(&sample);
}
END_TEST

START_TEST(sample_file_of_the_tree_is_the_printed_one)
{
	const char *root = getenv("RTT_SRCDIR");
	struct rt_buf sample = { 0 }, file = { 0 };
	char path[4096];
	int fd;

	/* Set by `make check`; by hand it stands for the source root. */
	snprintf(path, sizeof(path), "%s/contrib", root != NULL ? root : ".");
	ck_assert_msg(rt_fs_open_dir(rt_fs_posix(), path, &fd, &err) == RT_OK,
	    "%s (set RTT_SRCDIR)", err.text);
	ck_assert_msg(rt_fs_read_file(rt_fs_posix(), fd, "riptide.conf",
		1 << 20, &file, &err) == RT_OK, "%s", err.text);
	rt_config_print_sample(&sample);
	ck_assert_msg(rt_slice_equal(rt_buf_slice(&sample),
		rt_buf_slice(&file)), "contrib/riptide.conf is out of date");
	rt_fs_close(rt_fs_posix(), &fd, NULL);
	rt_buf_fini(&file);
	rt_buf_fini(&sample);
}
END_TEST

#define RT_OPTION_BOOL(name, member, def, who, help) { name, (who) },
#define RT_OPTION_INT(name, member, def, min, max, who, help) { name, (who) },
#define RT_OPTION_BYTES(name, member, def, min, max, who, help) { name, (who) },
#define RT_OPTION_TEXT(name, member, def, who, help) { name, (who) },
#define RT_OPTION_ENUM(name, member, words, def, who, help) { name, (who) },

START_TEST(help_lists_what_the_program_reads)
{
	static const struct {
		const char *name;
		int who;
	} all[] = {
#include "libcommon/daemon/options.def"
	};
	static const int programs[] = { RT_FOR_DAEMON, RT_FOR_COMPACTOR };

	for (size_t p = 0; p < RT_COUNTOF(programs); p++) {
		struct rt_buf help = { 0 };

		rt_config_print_help(&help, programs[p]);
		rt_buf_append_byte(&help, '\0');
		for (size_t i = 0; i < RT_COUNTOF(all); i++) {
			char flag[64];

			snprintf(flag, sizeof(flag), "  --%s VALUE\n",
			    all[i].name);
			ck_assert_msg((strstr((char *)help.data, flag) !=
				NULL) == ((all[i].who & programs[p]) != 0),
			    "%s", all[i].name);
		}
		rt_buf_fini(&help);
	}
}
END_TEST

START_TEST(passwords_are_taken_off_the_command_line)
{
	static const char *const words[] = { "riptided", "a.conf", "--port",
		"1", "--requirepass", "secret", "--requirepass=secret",
		"--requirepass-readonly", "look", "--no-such", "--dir", "d",
		"--requirepass", "--check-config", "--requirepass" };
	static const char *const seen[] = { "riptided", "a.conf", "--port",
		"1", "--requirepass", "******", "--requirepass=******",
		"--requirepass-readonly", "****", "--no-such", "--dir", "d",
		"--requirepass", "--check-config", "--requirepass" };
	char *argv[RT_COUNTOF(words) + 1] = { NULL };
	int argc = (int)RT_COUNTOF(words);
	char **kept;

	for (int i = 0; i < argc; i++)
		argv[i] = rt_strdup(words[i]);
	kept = rt_config_take_arguments(argc, argv);
	ck_assert_ptr_null(kept[argc]);
	for (int i = 0; i < argc; i++) {
		ck_assert_str_eq(kept[i], words[i]);
		ck_assert_str_eq(argv[i], seen[i]);
		free(argv[i]);
	}
	rt_config_free_arguments(kept);
}
END_TEST

RTT_MAIN("config", passwords_are_taken_off_the_command_line,
    defaults_are_those_of_the_table, file_is_read,
    quotes_are_those_of_redis,
    errors_of_a_file_name_line_key_and_what_is_allowed,
    hostile_files_are_refused, a_password_is_never_in_an_error,
    files_that_are_none_are_refused, flags_stand_over_the_file,
    errors_of_the_command_line_are_usage, the_compactor_has_words_of_its_own,
    help_needs_no_file, set_at_run_time_changes_only_what_may_change,
    reload_takes_over_what_may_change, get_takes_patterns_and_prints_as_redis,
    what_get_prints_set_takes, sample_read_back_gives_the_defaults,
    sample_file_of_the_tree_is_the_printed_one,
    help_lists_what_the_program_reads)
