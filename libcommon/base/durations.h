/* durations: how often something took how long, in buckets that are 1/16 of
 * their value wide, as an HDR histogram has them; 4 KiB. Below 2^36 ns, 68 s,
 * nothing is lost but that; above, they count as the longest. Adding takes a
 * dozen instructions and no branch. Inert when zeroed.
 * Thread: one owner at a time. */
#ifndef LIBCOMMON_BASE_DURATIONS_H
#define LIBCOMMON_BASE_DURATIONS_H

#include <stdint.h>

#define RT_DURATIONS_PART_BITS 4	/* 16 buckets for each power of two */
#define RT_DURATIONS_BITS 36
#define RT_DURATIONS_BUCKETS                                                  \
	((RT_DURATIONS_BITS - RT_DURATIONS_PART_BITS + 1)                     \
	    << RT_DURATIONS_PART_BITS)

struct rt_durations {
	uint64_t sum;		/* of the values, exactly */
	uint64_t counts[RT_DURATIONS_BUCKETS];
};

/* Values below 16 have a bucket each; then the highest bit and the four behind
 * it choose one. */
static inline unsigned
rt_durations_bucket(uint64_t value)
{
	const uint64_t max = (UINT64_C(1) << RT_DURATIONS_BITS) - 1;
	unsigned shift;

	value = value < max ? value : max;
	shift = 63u - RT_DURATIONS_PART_BITS -
	    (unsigned)__builtin_clzll(value | 1u << RT_DURATIONS_PART_BITS);
	return (shift << RT_DURATIONS_PART_BITS) +
	    (unsigned)(value >> shift);
}

/* Count one of this length, in the unit that the owner uses. */
static inline void
rt_durations_add(struct rt_durations *durations, uint64_t value)
{
	durations->sum += value;
	durations->counts[rt_durations_bucket(value)]++;
}

/* The smallest value that is above those of the bucket. */
uint64_t rt_durations_end(unsigned bucket);

/* What was added to one, to the other. */
void rt_durations_merge(struct rt_durations *into,
    const struct rt_durations *from);

/* How many were counted. */
uint64_t rt_durations_count(const struct rt_durations *durations);

/* How many values were below 2^bits; bits: PART_BITS to 63. Exact. */
uint64_t rt_durations_below(const struct rt_durations *durations,
    unsigned bits);

/* The value that percent of all do not exceed, rounded up to the last one of
 * its bucket; 0: there are none. */
uint64_t rt_durations_percentile(const struct rt_durations *durations,
    double percent);

#endif
