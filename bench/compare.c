#include "bench/compare.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/chart.h"
#include "bench/compare_options.h"
#include "bench/group.h"
#include "bench/load.h"
#include "bench/report.h"
#include "bench/rival.h"
#include "libcommon/base/invariant.h"

#define LOADS_MAX 6
#define FILL_PIPELINE 64
#define WARMUP_S 1
/* Of the session that looks at single slow operations. */
#define P999_SECONDS_FACTOR 3

struct load_of {
	const char *test;
	const char *mix;
	unsigned pipeline;
};

struct session {
	const char *name;
	bool always;
	bool large;		/* as many keys as --large-keys says */
	bool beside;		/* slow operations beside the compactor */
	struct load_of loads[LOADS_MAX + 1];	/* ends with no test */
};

static const struct session sessions[] = {
	{ .name = "everysec",
	    .loads = { { "set-p1", "set", 1 }, { "get-p1", "get", 1 },
		{ "set-p16", "set", 16 }, { "set-p64", "set", 64 },
		{ "get-p16", "get", 16 }, { "get-p64", "get", 64 } } },
	{ .name = "always", .always = true,
	    .loads = { { "set-always-p1", "set", 1 },
		{ "set-always-p16", "set", 16 } } },
	{ .name = "large", .large = true,
	    .loads = { { "get-large-p1", "get", 1 },
		{ "get-large-p16", "get", 16 } } },
	{ .name = "compacting", .beside = true },
};

struct compare {
	struct rtb_compare_options options;
	struct rtb_rival servers[RTB_STORES_MAX];
	size_t count;
	struct rtb_scratch scratch;
	struct rtb_report report;
	unsigned run;
	char daemon[RTB_PATH_BYTES], compactor[RTB_PATH_BYTES];
};

/* -- the servers -- */

static bool
is_in_path(const char *program)
{
	char *path = rt_strdup(getenv("PATH") != NULL ? getenv("PATH") : "");
	char *rest = path, *dir;
	bool found = false;

	while (!found && (dir = strsep(&rest, ":")) != NULL) {
		char *full = NULL;

		rt_assert(asprintf(&full, "%s/%s", dir, program) >= 0);
		found = access(full, X_OK) == 0;
		free(full);
	}
	free(path);
	return found;
}

static void
add_server(struct compare *compare, const char *name, const char *program,
    const char *compactor)
{
	struct rtb_rival *server = &compare->servers[compare->count];

	rt_assert(compare->count < RTB_STORES_MAX);
	*server = (struct rtb_rival){
		.kind = rtb_rival_kind(name),
		.program = program,
		.cpus = compare->options.server_cpus,
		.compactor = compactor,
	};
	compare->report.stores[compare->count++] = server->kind->name;
}

/* Ours, and the peers that were asked for, or else those that are there. */
static void
choose_servers(struct compare *compare)
{
	static const char *const by_path[][2] = {
		{ "redis", "redis-server" }, { "valkey", "valkey-server" },
		{ "keydb", "keydb-server" }, { "kvrocks", "kvrocks" },
	};
	const struct rtb_compare_options *options = &compare->options;

	rtb_rival_find("riptided", compare->daemon, sizeof(compare->daemon));
	rtb_rival_find("riptide-compactd", compare->compactor,
	    sizeof(compare->compactor));
	add_server(compare, "riptided",
	    options->daemon != NULL ? options->daemon : compare->daemon,
	    options->compactor != NULL ? options->compactor :
					 compare->compactor);
	for (size_t i = 0; options->peers[i] != NULL; i++)
		add_server(compare, options->peers[i],
		    strchr(options->peers[i], '=') != NULL
			? strchr(options->peers[i], '=') + 1
			: options->peers[i], NULL);
	for (size_t i = 0; options->peers[0] == NULL && i < RT_COUNTOF(by_path);
	     i++)
		if (is_in_path(by_path[i][1]))
			add_server(compare, by_path[i][0], by_path[i][1],
			    NULL);
	compare->report.stores_count = compare->count;
}

/* -- one load -- */

static struct rtb_series *
series_of(struct compare *compare, const char *test, const char *unit,
    bool less_is_better, size_t store)
{
	struct rtb_report *report = &compare->report;

	for (size_t i = 0; i < report->rows_count; i++)
		if (strcmp(report->rows[i].test, test) == 0 &&
		    strcmp(report->rows[i].unit, unit) == 0)
			return &report->rows[i].stores[store];
	return &rtb_report_row(report, test, unit, less_is_better)
	    ->stores[store];
}

static void
note(struct compare *compare, const char *test, const char *unit,
    bool less_is_better, size_t store, double figure)
{
	char text[16];

	rtb_series_add(series_of(compare, test, unit, less_is_better, store),
	    figure);
	fprintf(stderr, "run %u %s %s: %s %s\n", compare->run + 1,
	    compare->report.stores[store], test, rtb_figure(text, figure),
	    unit);
}

/* The load runs on its own processors, the rest of us anywhere. */
static void
run_load(struct compare *compare, struct rtb_load_options *options,
    const struct rtb_rival *server, struct rtb_load_result *result)
{
	const char *cpus = compare->options.load_cpus;
	struct rt_err error = { .code = RT_OK };
	cpu_set_t before;

	options->port = server->port;
	options->server_pid = (uint64_t)server->pid;
	options->quiet = true;
	options->seed = compare->run + 1;
	if (rtb_load_mix_parse(&options->mix, options->mix_text,
		&options->distribution, &error) != RT_OK)
		errx(EX_SOFTWARE, "%s", error.text);
	sched_getaffinity(0, sizeof(before), &before);
	if (cpus[0] != '\0' && rtb_pin(cpus, &error) != RT_OK)
		errx(EX_USAGE, "%s", error.text);
	if (rtb_load_run(options, result, &error) != RT_OK)
		errx(EX_SOFTWARE, "%s: %s", server->kind->name, error.text);
	sched_setaffinity(0, sizeof(before), &before);
	if (result->counts.errors != 0)
		errx(EX_SOFTWARE, "%s: %s", server->kind->name,
		    result->counts.error);
}

static void
fill(struct compare *compare, const struct rtb_rival *server, uint64_t keys)
{
	static struct rtb_load_result result;
	struct rtb_load_options options;

	rtb_load_options_default(&options);
	options.mix_text = "set";
	options.distribution = RTB_SEQUENTIAL;
	options.pipeline = FILL_PIPELINE;
	options.requests = options.keys = keys;
	run_load(compare, &options, server, &result);
}

static void
measure(struct compare *compare, size_t store, const struct load_of *load,
    uint64_t keys)
{
	static struct rtb_load_result result;
	struct rtb_load_options options;

	rtb_load_options_default(&options);
	options.mix_text = load->mix;
	options.pipeline = load->pipeline;
	options.seconds = compare->options.seconds;
	options.warmup = WARMUP_S;
	options.keys = keys;
	run_load(compare, &options, &compare->servers[store], &result);
	note(compare, load->test, "ops/s", false, store, result.rate);
	note(compare, load->test, "us CPU", true, store,
	    result.server_cpu_us);
}

/* -- slow operations beside the compactor -- */

/* p99.9 of GET and SET in us, at a rate that a server holds easily. */
static void
measure_slow(struct compare *compare, const struct rtb_rival *server,
    double out[2])
{
	static struct rtb_load_result result;
	struct rtb_load_options options;

	rtb_load_options_default(&options);
	options.mix_text = "get=50,set=50";
	options.seconds = compare->options.seconds * P999_SECONDS_FACTOR;
	options.warmup = WARMUP_S;
	options.keys = compare->options.keys;
	options.rate = compare->options.rate;
	run_load(compare, &options, server, &result);
	out[0] = (double)rtb_histogram_percentile(
	    &result.counts.times[RTB_OP_GET], 99.9) / 1e3;
	out[1] = (double)rtb_histogram_percentile(
	    &result.counts.times[RTB_OP_SET], 99.9) / 1e3;
}

/* Ours twice, with no compactor and with one that works flat out; the peers as
 * they are, for they merge or rewrite when they like. */
static void
measure_beside(struct compare *compare, size_t store)
{
	struct rtb_rival *server = &compare->servers[store];
	double still[2], busy[2];

	rtb_rival_compact_end(server);
	measure_slow(compare, server, still);
	if (server->compactor == NULL) {
		memcpy(busy, still, sizeof(busy));
	} else {
		rtb_rival_compact(server, true);
		measure_slow(compare, server, busy);
		note(compare, "get-p99.9-alone", "us", true, store, still[0]);
		note(compare, "set-p99.9-alone", "us", true, store, still[1]);
		note(compare, "get-p99.9-factor", "x", true, store,
		    busy[0] / still[0]);
		note(compare, "set-p99.9-factor", "x", true, store,
		    busy[1] / still[1]);
	}
	note(compare, "get-p99.9-compacting", "us", true, store, busy[0]);
	note(compare, "set-p99.9-compacting", "us", true, store, busy[1]);
}

/* -- turns -- */

static void
play(struct compare *compare, const struct session *session, size_t store)
{
	struct rtb_rival *server = &compare->servers[store];
	uint64_t keys = session->large ? compare->options.large_keys :
					 compare->options.keys;
	char dir[RTB_PATH_BYTES];

	/* Its directory is below ours, whose path is much shorter. */
	if (snprintf(dir, sizeof(dir), "%s/%s", compare->scratch.path,
		server->kind->name) >= (int)sizeof(dir))
		errx(EX_USAGE, "%s: too long", compare->scratch.path);
	if (!rtb_rival_start(server, dir, session->always)) {
		if (store == 0)
			exit(EX_UNAVAILABLE);
		return;
	}
	rtb_rival_compact(server, false);
	fill(compare, server, keys);
	for (const struct load_of *load = session->loads; load->test != NULL;
	     load++)
		measure(compare, store, load, keys);
	if (session->beside)
		measure_beside(compare, store);
	rtb_rival_stop(server);
}

static void
play_all(struct compare *compare)
{
	for (compare->run = 0; compare->run < compare->options.runs;
	     compare->run++)
		for (size_t i = 0; i < RT_COUNTOF(sessions); i++)
			for (size_t store = 0; store < compare->count; store++)
				if (rtb_list_has(compare->options.tests,
					sessions[i].name))
					play(compare, &sessions[i], store);
}

static void
usage(FILE *out)
{
	fputs("usage: riptide-bench compare [--peer NAME=PATH ...] "
	    "[--tests a,b] [--runs N]\n"
	    "           [--seconds N] [--keys N] [--large-keys N] "
	    "[--rate N]\n"
	    "           [--server-cpus LIST] [--load-cpus LIST]\n"
	    "           [--daemon PROGRAM] [--compactor PROGRAM]\n"
	    "           [--json FILE] [--svg FILE] [--dir DIR]\n", out);
}

/* In a process of its own. */
static int
work(void *arg)
{
	struct compare *compare = arg;
	const struct rtb_compare_options *options = &compare->options;

	play_all(compare);
	rtb_report_print(&compare->report, stdout);
	if (options->json != NULL &&
	    !rtb_report_json(&compare->report, options->json))
		err(EX_CANTCREAT, "%s", options->json);
	if (options->svg != NULL && !rtb_chart_write(&compare->report,
		"ops/s", "Operations a second, medians", options->svg))
		err(EX_CANTCREAT, "%s", options->svg);
	return EX_OK;
}

int
rtb_compare_main(int argc, char *argv[])
{
	static struct compare compare;
	struct rt_err error = { .code = RT_OK };
	int status, stopped_by = 0;

	if (rtb_compare_options_read(&compare.options, argc, argv, &error) !=
	    RT_OK)
		errx(EX_USAGE, "%s", error.text);
	if (compare.options.help) {
		usage(stdout);
		return EX_OK;
	}
	choose_servers(&compare);
	if (rtb_scratch_init(&compare.scratch, compare.options.dir, &error) !=
	    RT_OK)
		errx(EX_CANTCREAT, "%s", error.text);
	status = rtb_group_run(work, &compare, &stopped_by);
	rtb_scratch_fini(&compare.scratch);
	if (stopped_by != 0)
		rtb_group_end_by(stopped_by);
	return status;
}
