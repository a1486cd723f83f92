#include "bench/load_report.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

static const double percents[] = { 50, 90, 99, 99.9, 99.99 };
static const char *const percent_names[] = { "p50", "p90", "p99", "p99.9",
	"p99.99" };

static void
print_times(const char *name, uint64_t done, double seconds,
    const struct rtb_histogram *times, FILE *out)
{
	fprintf(out, "%-8s %12llu %12.0f", name, (unsigned long long)done,
	    (double)done / seconds);
	for (size_t i = 0; i < RT_COUNTOF(percents); i++)
		fprintf(out, " %9.1f", (double)rtb_histogram_percentile(times,
			percents[i]) / 1e3);
	fprintf(out, " %9.1f\n", (double)times->max_ns / 1e3);
}

void
rtb_load_print(const struct rtb_load_options *options,
    const struct rtb_load_result *result, FILE *out)
{
	const struct rtb_load_counts *counts = &result->counts;
	unsigned long long gets = counts->hits + counts->misses;
	unsigned kinds = 0;

	fprintf(out, "%.2f s, %u clients, pipeline %u, %u threads%s\n",
	    result->seconds, options->clients, options->pipeline,
	    options->threads, options->rate != 0
		? "; times from when each was due" : "");
	fprintf(out, "%-8s %12s %12s", "", "operations", "a second");
	for (size_t i = 0; i < RT_COUNTOF(percents); i++)
		fprintf(out, " %6s us", percent_names[i]);
	fprintf(out, " %6s us\n", "most");
	for (size_t op = 0; op < RTB_OPS; op++) {
		if (counts->done[op] == 0)
			continue;
		print_times(rtb_op_name((enum rtb_op)op), counts->done[op],
		    result->seconds, &counts->times[op], out);
		kinds++;
	}
	if (kinds != 1)
		print_times("all", result->done, result->seconds,
		    &result->times, out);
	fprintf(out, "CPU an operation: %.3f us here", result->client_cpu_us);
	if (result->server_cpu_us != 0)
		fprintf(out, ", %.3f us in the server", result->server_cpu_us);
	fputc('\n', out);
	if (counts->misses != 0)
		fprintf(out, "GET of missing keys: %llu of %llu\n",
		    (unsigned long long)counts->misses, gets);
	if (counts->errors != 0)
		fprintf(out, "errors: %llu, the last one: %s\n",
		    (unsigned long long)counts->errors, counts->error);
}

static void
json_times(FILE *file, const char *name, uint64_t done, double seconds,
    const struct rtb_histogram *times)
{
	fprintf(file, "\"%s\":{\"operations\":%llu,\"rate\":%.6g,"
	    "\"mean_us\":%.6g", name, (unsigned long long)done,
	    (double)done / seconds, (double)rtb_histogram_mean(times) / 1e3);
	for (size_t i = 0; i < RT_COUNTOF(percents); i++)
		fprintf(file, ",\"%s_us\":%.6g", percent_names[i],
		    (double)rtb_histogram_percentile(times, percents[i]) /
			1e3);
	fprintf(file, ",\"max_us\":%.6g}", (double)times->max_ns / 1e3);
}

static bool
finish(FILE *file)
{
	bool good = ferror(file) == 0;

	return fclose(file) == 0 && good;
}

bool
rtb_load_json(const struct rtb_load_options *options,
    const struct rtb_load_result *result, const char *path)
{
	const struct rtb_load_counts *counts = &result->counts;
	FILE *file = fopen(path, "w");

	if (file == NULL)
		return false;
	fprintf(file, "{\"seconds\":%.6g,\"clients\":%u,\"pipeline\":%u,"
	    "\"threads\":%u,\"rate_asked\":%llu,\"errors\":%llu,"
	    "\"hits\":%llu,\"misses\":%llu,\"client_cpu_us\":%.6g,"
	    "\"server_cpu_us\":%.6g,\"times\":{", result->seconds,
	    options->clients, options->pipeline, options->threads,
	    (unsigned long long)options->rate,
	    (unsigned long long)counts->errors,
	    (unsigned long long)counts->hits,
	    (unsigned long long)counts->misses, result->client_cpu_us,
	    result->server_cpu_us);
	for (size_t op = 0; op < RTB_OPS; op++) {
		if (counts->done[op] == 0)
			continue;
		json_times(file, rtb_op_name((enum rtb_op)op),
		    counts->done[op], result->seconds, &counts->times[op]);
		fputc(',', file);
	}
	json_times(file, "all", result->done, result->seconds,
	    &result->times);
	fputs("}}\n", file);
	return finish(file);
}

bool
rtb_load_histogram(const struct rtb_load_result *result, const char *path)
{
	FILE *file = fopen(path, "w");
	bool good;

	if (file == NULL)
		return false;
	good = rtb_histogram_write(&result->times, file);
	return finish(file) && good;
}

void
rtb_load_usage(FILE *out)
{
	fputs("usage: riptide-bench load [--host HOST] [--port N] "
	    "[--unixsocket PATH]\n"
	    "           [--password TEXT] [--clients N] [--threads N] "
	    "[--pipeline N]\n"
	    "           [--seconds N | --requests N] [--warmup N] [--rate N]\n"
	    "           [--mix a|b|c|d|e|f|OP=N,...] [--keys N]\n"
	    "           [--distribution uniform|zipfian|latest|sequential]\n"
	    "           [--value-size BYTES] [--seed N] [--server-pid N] "
	    "[--cpus LIST]\n"
	    "           [--resp3] [--quiet] [--json FILE] "
	    "[--histogram FILE]\n", out);
}

int
rtb_load_main(int argc, char *argv[])
{
	static struct rtb_load_result result;
	struct rt_err error = { .code = RT_OK };
	struct rtb_load_options options;

	if (rtb_load_options_read(&options, argc, argv, &error) != RT_OK)
		errx(EX_USAGE, "%s", error.text);
	if (options.help) {
		rtb_load_usage(stdout);
		return EX_OK;
	}
	if (options.cpus != NULL && rtb_pin(options.cpus, &error) != RT_OK)
		errx(EX_USAGE, "%s", error.text);
	if (rtb_load_run(&options, &result, &error) != RT_OK)
		errx(EX_UNAVAILABLE, "%s", error.text);
	rtb_load_print(&options, &result, stdout);
	if (options.json != NULL &&
	    !rtb_load_json(&options, &result, options.json))
		err(EX_CANTCREAT, "%s", options.json);
	if (options.histogram != NULL &&
	    !rtb_load_histogram(&result, options.histogram))
		err(EX_CANTCREAT, "%s", options.histogram);
	return result.counts.errors == 0 ? EX_OK : EX_SOFTWARE;
}
