#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t
rtb_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A step that shares no factor with n visits every item once; a prime larger
 * than any n in use shares none unless n is a multiple of it. */
uint64_t
rtb_permute(uint64_t i, uint64_t n)
{
	return (uint64_t)((unsigned __int128)i * 2654435761u % n);
}

int
rtb_wants(const struct rtb_options *options, const char *test)
{
	size_t len = strlen(test);
	const char *at = options->tests;

	if (at == NULL)
		return 1;
	while (*at != '\0') {
		size_t word = strcspn(at, ",");

		if (word == len && memcmp(at, test, len) == 0)
			return 1;
		at += word + (at[word] == ',');
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
rtb_add(struct rtb_results *results, const char *test, const char *unit,
    const double *runs, unsigned count)
{
	struct rtb_result *result = &results->list[results->count];
	double sorted[RTB_RUNS_MAX];

	if (results->count == RTB_RESULTS_MAX || count == 0 ||
	    count > RTB_RUNS_MAX)
		return;
	memcpy(sorted, runs, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare);
	result->test = test;
	result->unit = unit;
	result->median = sorted[count / 2];
	result->low = sorted[0];
	result->high = sorted[count - 1];
	results->count++;
	printf("%-16s %12.1f %-6s (%.1f to %.1f, %u runs)\n", test,
	    result->median, unit, result->low, result->high, count);
	fflush(stdout);
}
