/* load_report: what a load has seen, as a table, as JSON, as a file of
 * percentiles. Thread: main. */
#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

#include "bench/load.h"

void rtb_load_print(const struct rtb_load_options *options,
    const struct rtb_load_result *result, FILE *out);
/* One object. False with errno. */
bool rtb_load_json(const struct rtb_load_options *options,
    const struct rtb_load_result *result, const char *path);
bool rtb_load_histogram(const struct rtb_load_result *result,
    const char *path);

/* All of riptide-bench load; argv[0] is its name. Returns the exit status. */
int rtb_load_main(int argc, char *argv[]);
void rtb_load_usage(FILE *out);

#endif
