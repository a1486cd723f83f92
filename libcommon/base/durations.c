#include "libcommon/base/durations.h"

#define PARTS (1u << RT_DURATIONS_PART_BITS)

uint64_t
rt_durations_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * PARTS)
		return bucket + 1;
	shift = bucket / PARTS - 1;
	return (uint64_t)(bucket % PARTS + PARTS + 1) << shift;
}

void
rt_durations_merge(struct rt_durations *into, const struct rt_durations *from)
{
	into->sum += from->sum;
	for (unsigned i = 0; i < RT_DURATIONS_BUCKETS; i++)
		into->counts[i] += from->counts[i];
}

static uint64_t
count_to(const struct rt_durations *durations, unsigned end)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < end; i++)
		count += durations->counts[i];
	return count;
}

uint64_t
rt_durations_count(const struct rt_durations *durations)
{
	return count_to(durations, RT_DURATIONS_BUCKETS);
}

uint64_t
rt_durations_below(const struct rt_durations *durations, unsigned bits)
{
	return count_to(durations, bits < RT_DURATIONS_BITS
		? rt_durations_bucket(UINT64_C(1) << bits)
		: RT_DURATIONS_BUCKETS);
}

uint64_t
rt_durations_percentile(const struct rt_durations *durations, double percent)
{
	uint64_t count = rt_durations_count(durations), seen = 0;
	double wanted = percent / 100.0 * (double)count;
	unsigned last = 0;

	for (unsigned i = 0; i < RT_DURATIONS_BUCKETS; i++) {
		if (durations->counts[i] == 0)
			continue;
		last = i;
		seen += durations->counts[i];
		if ((double)seen >= wanted)
			break;
	}
	return count != 0 ? rt_durations_end(last) - 1 : 0;
}
