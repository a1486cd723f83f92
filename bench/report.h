/* report: figures of runs to medians, ratios, one table and JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/bench_options.h"

#define RTB_STORES_MAX 6
#define RTB_ROWS_MAX 64

struct rtb_series {
	double runs[RTB_RUNS_MAX];
	unsigned count;
};

struct rtb_row {
	const char *test, *unit;
	bool less_is_better;
	struct rtb_series stores[RTB_STORES_MAX];	/* [0] is ours */
};

/* Inert when zeroed. */
struct rtb_report {
	const char *stores[RTB_STORES_MAX];	/* names; [0] is ours */
	size_t stores_count;
	struct rtb_row rows[RTB_ROWS_MAX];
	size_t rows_count;
};

struct rtb_row *rtb_report_row(struct rtb_report *report, const char *test,
    const char *unit, bool less_is_better);
void rtb_series_add(struct rtb_series *series, double figure);
/* 0 for an empty series. */
double rtb_series_median(const struct rtb_series *series);
/* How many times better ours is; 0 when it cannot be told. */
double rtb_row_ratio(const struct rtb_row *row, size_t store);

/* A figure for people: "161k", "2.33M", "0.84". out has 16 bytes. */
char *rtb_figure(char *out, double figure);

void rtb_report_print(const struct rtb_report *report, FILE *out);
/* A list of {"test","peer","ours","theirs","ratio","unit"}; what cannot be told
 * is null. False with errno when the file could not be written. */
bool rtb_report_json(const struct rtb_report *report, const char *path);

#endif
