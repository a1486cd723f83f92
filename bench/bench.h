/* bench: what the benchmarks share: options, clock, results. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct rtb_options {
	uint64_t keys;
	size_t value_bytes;
	unsigned runs;		/* the median of so many is told */
	const char *tests;	/* comma separated; NULL: all */
	const char *json;	/* file to write; NULL: none */
	const char *dir;	/* scratch directory for engine tests */
};

/* One figure: median, least and most of the runs. */
struct rtb_result {
	const char *test;
	const char *unit;	/* "ns/op" or "ops/s" */
	double median, low, high;
};

#define RTB_RESULTS_MAX 64
#define RTB_RUNS_MAX 16

struct rtb_results {
	struct rtb_result list[RTB_RESULTS_MAX];
	size_t count;
};

uint64_t rtb_now_ns(void);
/* A permutation of 0 .. n-1 that is not stored: item i of it. */
uint64_t rtb_permute(uint64_t i, uint64_t n);
/* Whether the test is among those asked for. */
int rtb_wants(const struct rtb_options *options, const char *test);
/* Add the figure of these runs and print it. */
void rtb_add(struct rtb_results *results, const char *test, const char *unit,
    const double *runs, unsigned count);

void rtb_run_memtable(const struct rtb_options *options,
    struct rtb_results *results);
void rtb_run_engine(const struct rtb_options *options,
    struct rtb_results *results);

#endif
