/* riptide-bench: benchmarks. Here: engine, and the memtable inside it. */
#include "build-config.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/bench.h"
#include "libcommon/base/number.h"

static const char usage_text[] =
    "usage: riptide-bench engine [--keys N] [--value-size BYTES]\n"
    "           [--tests a,b] [--runs N] [--json FILE] [--dir DIR]\n"
    "\n"
    "tests: memtable-insert memtable-hit memtable-miss memtable-sort\n"
    "       fillrandom overwrite readrandom readmissing readseq\n";

static uint64_t
number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!rt_parse_u64(rt_slice_cstr(text), &value) || value < min ||
	    value > max)
		errx(EX_USAGE, "%s: %s is not a number from %llu to %llu", name,
		    text, (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void
read_options(int argc, char *argv[], struct rtb_options *options)
{
	static const struct option known[] = {
		{ "keys", required_argument, NULL, 'k' },
		{ "value-size", required_argument, NULL, 'v' },
		{ "tests", required_argument, NULL, 't' },
		{ "runs", required_argument, NULL, 'r' },
		{ "json", required_argument, NULL, 'j' },
		{ "dir", required_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'k':
			options->keys = number("--keys", optarg, 1, 1000000000);
			break;
		case 'v':
			options->value_bytes = (size_t)number("--value-size",
			    optarg, 0, 1 << 20);
			break;
		case 't':
			options->tests = optarg;
			break;
		case 'r':
			options->runs =
			    (unsigned)number("--runs", optarg, 1, RTB_RUNS_MAX);
			break;
		case 'j':
			options->json = optarg;
			break;
		case 'd':
			options->dir = optarg;
			break;
		default:
			exit(EX_USAGE);
		}
	}
	if (optind < argc)
		errx(EX_USAGE, "%s: not expected", argv[optind]);
}

static void
write_json(const char *path, const struct rtb_results *results)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		err(EX_CANTCREAT, "%s", path);
	fputs("[", file);
	for (size_t i = 0; i < results->count; i++)
		fprintf(file, "%s\n {\"test\":\"%s\",\"peer\":null,\"ours\":%.3f,"
		    "\"theirs\":null,\"ratio\":null,\"unit\":\"%s\"}",
		    i > 0 ? "," : "", results->list[i].test,
		    results->list[i].median, results->list[i].unit);
	fputs("\n]\n", file);
	if (fclose(file) != 0)
		err(EX_IOERR, "%s", path);
}

int
main(int argc, char *argv[])
{
	struct rtb_options options = {
		.keys = 1000000,
		.value_bytes = 100,
		.runs = 3,
		.dir = "/tmp",
	};
	static struct rtb_results results;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("riptide-bench " PACKAGE_VERSION);
		return EX_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage_text, stdout);
		return EX_OK;
	}
	if (argc < 2 || strcmp(argv[1], "engine") != 0) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	read_options(argc - 1, argv + 1, &options);
	rtb_run_memtable(&options, &results);
	rtb_run_engine(&options, &results);
	if (options.json != NULL)
		write_json(options.json, &results);
	return EX_OK;
}
