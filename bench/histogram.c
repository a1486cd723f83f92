/* A time below 2^(FINE + 1) has a bucket of its own. Above, its highest
 * FINE + 1 bits choose the bucket, and how many bits were cut the row of
 * 2^FINE buckets that it is in. */
#include "bench/histogram.h"

#include "libcommon/base/attr.h"

#define FINE ((uint64_t)1 << RTB_HISTOGRAM_FINE_BITS)
#define LONGEST (((uint64_t)1 << RTB_HISTOGRAM_BITS) - 1)

static size_t
bucket_of(uint64_t ns)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(ns | 1);
	unsigned cut = bits > RTB_HISTOGRAM_FINE_BITS + 1
	    ? bits - RTB_HISTOGRAM_FINE_BITS - 1 : 0;

	return (size_t)(((uint64_t)cut << RTB_HISTOGRAM_FINE_BITS) +
	    (ns >> cut));
}

/* The longest time of a bucket. */
static uint64_t
end_of(size_t bucket)
{
	unsigned cut;

	if (bucket < 2 * FINE)
		return bucket;
	cut = (unsigned)(bucket >> RTB_HISTOGRAM_FINE_BITS) - 1;
	return ((FINE + bucket % FINE + 1) << cut) - 1;
}

void
rtb_histogram_add(struct rtb_histogram *histogram, uint64_t ns, uint64_t count)
{
	uint64_t held = ns < LONGEST ? ns : LONGEST;

	histogram->counts[bucket_of(held)] += count;
	histogram->total += count;
	histogram->sum_ns += ns * count;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
}

void
rtb_histogram_merge(struct rtb_histogram *into,
    const struct rtb_histogram *from)
{
	for (size_t i = 0; i < RTB_HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t
rtb_histogram_percentile(const struct rtb_histogram *histogram, double percent)
{
	double wanted = percent / 100 * (double)histogram->total;
	uint64_t seen = 0;

	for (size_t i = 0; i < RTB_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen != 0 && (double)seen >= wanted)
			return end_of(i) < histogram->max_ns
			    ? end_of(i) : histogram->max_ns;
	}
	return histogram->max_ns;
}

uint64_t
rtb_histogram_mean(const struct rtb_histogram *histogram)
{
	return histogram->total == 0 ? 0 :
				       histogram->sum_ns / histogram->total;
}

bool
rtb_histogram_write(const struct rtb_histogram *histogram, FILE *out)
{
	uint64_t seen = 0;

	fputs("       Value     Percentile TotalCount 1/(1-Percentile)\n\n",
	    out);
	for (size_t i = 0; i < RTB_HISTOGRAM_BUCKETS; i++) {
		double part;

		if (histogram->counts[i] == 0)
			continue;
		seen += histogram->counts[i];
		part = (double)seen / (double)histogram->total;
		fprintf(out, "%12.3f %14.12f %10llu", (double)end_of(i) / 1e3,
		    part, (unsigned long long)seen);
		if (seen < histogram->total)
			fprintf(out, " %14.2f", 1 / (1 - part));
		fputc('\n', out);
	}
	fprintf(out, "#[Mean    = %12.3f]\n#[Max     = %12.3f, "
	    "Total count = %llu]\n",
	    (double)rtb_histogram_mean(histogram) / 1e3,
	    (double)histogram->max_ns / 1e3,
	    (unsigned long long)histogram->total);
	return ferror(out) == 0;
}
