#include "riptide-compactd/pace.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define WAIT_MS_MIN 10

void
rtc_pace_init(struct rtc_pace *pace, struct rt_clock *clock,
    uint64_t bytes_per_s)
{
	pace->clock = clock;
	pace->bytes_per_s = bytes_per_s;
	pace->free_at_ns = 0;
}

unsigned
rtc_pace_spend(struct rtc_pace *pace, uint64_t bytes)
{
	uint64_t now, wait_ms;

	if (pace->bytes_per_s == 0)
		return 0;
	now = rt_clock_monotonic_ns(pace->clock);
	if (pace->free_at_ns < now)
		pace->free_at_ns = now;
	pace->free_at_ns += (uint64_t)((unsigned __int128)bytes * NS_PER_S /
	    pace->bytes_per_s);
	wait_ms = (pace->free_at_ns - now) / NS_PER_MS;
	return wait_ms >= WAIT_MS_MIN ? (unsigned)wait_ms : 0;
}
