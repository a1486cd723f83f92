/* riptide: look into a data directory, and change it while no daemon has it.
 * Flags, the table of verbs, exit codes. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "build-config.h"
#include "libcommon/base/attr.h"
#include "libcommon/base/number.h"
#include "riptide/tool.h"

static const struct verb {
	const char *name;
	int words_min, words_max;
	enum rt_code (*run)(struct rtl_tool *tool, struct rt_err *err);
	const char *usage, *help;
} verbs[] = {
	{ "get", 1, 1, rtl_get, "get KEY", "print a key's value" },
	{ "set", 2, 4, rtl_set, "set KEY VALUE [--ttl SECONDS]",
	    "give a key a value" },
	{ "del", 1, 1 << 20, rtl_del, "del KEY ...",
	    "delete keys, print how many there were" },
	{ "scan", 0, 10, rtl_scan, "scan [--prefix P] [--from A] [--to B] ...",
	    "print keys in order; also --reverse, --limit N" },
	{ "stats", 0, 0, rtl_stats, "stats", "print figures of the storage" },
	{ "checkpoint", 1, 1, rtl_checkpoint, "checkpoint NAME",
	    "make checkpoints/NAME, a copy of hard links" },
	{ "levels", 0, 0, rtl_levels, "levels",
	    "print the levels of the newest manifest" },
	{ "jobs", 0, 0, rtl_jobs, "jobs",
	    "print the compactor's last jobs" },
	{ "check", 0, 0, rtl_check, "check",
	    "verify every file, change nothing" },
	{ "repair", 2, 3, rtl_repair, "repair --out DIR [--without-manifest]",
	    "make a new directory of what can be read" },
	{ "dump", 1, 2, rtl_dump, "dump manifest [FILE] | sst FILE | wal FILE",
	    "print a file's content" },
};

static void
print_usage(FILE *to)
{
	fprintf(to, "usage: riptide [--dir DIR] [--db N] COMMAND ...\n"
	    "\n"
	    "  --dir DIR   the data directory (./data)\n"
	    "  --db N      the database (0)\n"
	    "  --help, --version\n"
	    "\n"
	    "get, set, del, scan, stats and checkpoint are refused while a\n"
	    "daemon has the directory; the others only read, at any time:\n");
	for (size_t i = 0; i < RT_COUNTOF(verbs); i++)
		fprintf(to, "  %-42s %s\n", verbs[i].usage, verbs[i].help);
}

static int
misuse(const char *what)
{
	fprintf(stderr, "riptide: %s; riptide --help tells more\n", what);
	return EX_USAGE;
}

static int
run_verb(struct rtl_tool *tool)
{
	struct rt_err err = { 0 };
	enum rt_code code;

	for (size_t i = 0; i < RT_COUNTOF(verbs); i++) {
		if (strcmp(verbs[i].name, tool->argv[0]) != 0)
			continue;
		tool->argv++;
		tool->argc--;
		if (tool->argc < verbs[i].words_min ||
		    tool->argc > verbs[i].words_max) {
			fprintf(stderr, "usage: riptide [--dir DIR] %s\n",
			    verbs[i].usage);
			return EX_USAGE;
		}
		code = verbs[i].run(tool, &err);
		if (fflush(stdout) != 0 && code == RT_OK)
			code = rt_err_set_errno(&err, errno,
			    "write to standard output");
		if (code != RT_OK)
			fprintf(stderr, "riptide: %s\n", err.text);
		return rt_code_exit_status(code);
	}
	return misuse("no such command");
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "db", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct rtl_tool tool = { .fs = rt_fs_posix(), .dir = "./data" };
	uint64_t database;
	int option;

	/* '+': a key may begin with a dash. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			tool.dir = optarg;
			break;
		case 'n':
			if (!rt_parse_u64(rt_slice_cstr(optarg), &database) ||
			    database > UINT32_MAX)
				return misuse("--db takes a number");
			tool.database = (uint32_t)database;
			break;
		case 'h':
			print_usage(stdout);
			return EX_OK;
		case 'v':
			puts("riptide " PACKAGE_VERSION);
			return EX_OK;
		default:
			return EX_USAGE;
		}
	}
	if (optind == argc) {
		print_usage(stderr);
		return EX_USAGE;
	}
	tool.argc = argc - optind;
	tool.argv = argv + optind;
	return run_verb(&tool);
}
