/* chart: a report as a picture, SVG with no outside resources. Thread: any. */
#ifndef BENCH_CHART_H
#define BENCH_CHART_H

#include "bench/report.h"

/* Bars of the rows with this unit, one for each store, to the scale of the
 * row's best. False with errno. */
bool rtb_chart_write(const struct rtb_report *report, const char *unit,
    const char *title, const char *path);

#endif
