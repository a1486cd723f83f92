/* histogram: counts of times in buckets whose width grows with the time, so
 * that every percentile is true to one part in 128, as in HDR histograms
 * (hdrhistogram.org). Thread: one at a time. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Times up to 2^42 ns, a little over an hour; longer ones count as that. */
#define RTB_HISTOGRAM_BITS 42
#define RTB_HISTOGRAM_FINE_BITS 7
#define RTB_HISTOGRAM_BUCKETS                                                 \
	((RTB_HISTOGRAM_BITS - RTB_HISTOGRAM_FINE_BITS + 1)                   \
	    << RTB_HISTOGRAM_FINE_BITS)

/* Empty when zeroed. */
struct rtb_histogram {
	uint64_t counts[RTB_HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t sum_ns;
	uint64_t max_ns;
};

void rtb_histogram_add(struct rtb_histogram *histogram, uint64_t ns,
    uint64_t count);
void rtb_histogram_merge(struct rtb_histogram *into,
    const struct rtb_histogram *from);

/* The time that so many percent (0 to 100) did not exceed; 0 when empty. */
uint64_t rtb_histogram_percentile(const struct rtb_histogram *histogram,
    double percent);
uint64_t rtb_histogram_mean(const struct rtb_histogram *histogram);

/* Lines "value percentile total 1/(1-percentile)" in microseconds, as the
 * plotter of HDR histograms reads them. False with errno. */
bool rtb_histogram_write(const struct rtb_histogram *histogram, FILE *out);

#endif
