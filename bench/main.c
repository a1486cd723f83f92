/* riptide-bench: benchmarks. Here: which one, and the engine, with peers beside
 * it. */
#include "build-config.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/bench_options.h"
#include "bench/compare.h"
#include "bench/group.h"
#include "bench/load_report.h"
#include "bench/report.h"
#include "bench/scratch.h"
#include "bench/turns.h"
#include "libcommon/base/invariant.h"

static const char usage_text[] =
    "usage: riptide-bench engine [--keys N] [--value-size BYTES] [--reads N]\n"
    "           [--tests a,b] [--peers rocksdb,leveldb] [--runs N]\n"
    "           [--turn N] [--peer-batch N] [--compression NAME]\n"
    "           [--compaction-threads N]\n"
    "           [--compactor PROGRAM] [--cache-size SIZE]\n"
    "           [--memory-limit SIZE] [--cpu-time] [--json FILE] [--dir DIR]\n"
    "       riptide-bench load --help | [options]\n"
    "       riptide-bench compare --help | [options]\n"
    "       riptide-bench --help | --version\n";

static void
print_help(void)
{
	fputs(usage_text, stdout);
	puts("\nTests, a line for each directory that they share; compared,"
	     " own and all\nstand for groups:");
	rtb_turns_print_names();
	printf("Peers in this build:");
	for (size_t i = 0; rtb_peers[i] != NULL; i++)
		printf(" %s", rtb_peers[i]->name);
	puts(rtb_peers[0] == NULL ? " none" : "");
}

static bool
is_built_in(const char *peer)
{
	for (size_t i = 0; rtb_peers[i] != NULL; i++)
		if (strcmp(rtb_peers[i]->name, peer) == 0)
			return true;
	return false;
}

/* A peer that is asked for and not there is said, and done without. */
static void
tell_missing(const struct rtb_options *options)
{
	const char *asked = options->peers != NULL ? options->peers :
						     "rocksdb,leveldb";
	char *names = rt_strdup(asked), *rest = names, *name;

	while ((name = strsep(&rest, ",")) != NULL)
		if (name[0] != '\0' && !is_built_in(name))
			warnx("%s is not in this build: done without", name);
	free(names);
}

static int
engine(const struct rtb_options *options)
{
	static struct rtb_report report;
	struct rt_err error = { .code = RT_OK };
	struct rtb_scratch scratch;
	int stopped_by = 0;
	enum rt_code code;

	if (rtb_turns_check(options, &error) != RT_OK)
		errx(EX_USAGE, "%s", error.text);
	if (rtb_scratch_init(&scratch, options->dir, &error) != RT_OK)
		errx(EX_CANTCREAT, "%s", error.text);
	tell_missing(options);
	code = rtb_turns_run(options, scratch.path, &report, &stopped_by,
	    &error);
	rtb_scratch_fini(&scratch);
	if (stopped_by != 0)
		rtb_group_end_by(stopped_by);
	if (code != RT_OK)
		errx(EX_SOFTWARE, "%s", error.text);
	rtb_report_print(&report, stdout);
	if (options->json != NULL && !rtb_report_json(&report, options->json))
		err(EX_CANTCREAT, "%s", options->json);
	return EX_OK;
}

int
main(int argc, char *argv[])
{
	struct rt_err error = { .code = RT_OK };
	struct rtb_options options;
	bool is_engine = argc > 1 && strcmp(argv[1], "engine") == 0;

	if (argc < 2) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "load") == 0)
		return rtb_load_main(argc - 1, argv + 1);
	if (strcmp(argv[1], "compare") == 0)
		return rtb_compare_main(argc - 1, argv + 1);
	if (rtb_options_read(&options, argc - is_engine, argv + is_engine,
		&error) != RT_OK)
		errx(EX_USAGE, "%s", error.text);
	if (options.help) {
		print_help();
		return EX_OK;
	}
	if (options.version) {
		puts("riptide-bench " PACKAGE_VERSION);
		return EX_OK;
	}
	if (!is_engine) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	return engine(&options);
}
