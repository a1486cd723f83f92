#include "riptide-compactd/pace.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define WAIT_MS_MIN 10

void
rtc_pace_init(struct rtc_pace *pace, struct rt_clock *clock,
    uint64_t bytes_per_s)
{
	*pace = (struct rtc_pace){ .clock = clock };
	rt_mutex_init(&pace->mu);
	rtc_pace_set(pace, bytes_per_s);
}

void
rtc_pace_fini(struct rtc_pace *pace)
{
	rt_mutex_fini(&pace->mu);
}

void
rtc_pace_set(struct rtc_pace *pace, uint64_t bytes_per_s)
{
	rt_mutex_lock(&pace->mu);
	pace->bytes_per_s = bytes_per_s;
	rt_mutex_unlock(&pace->mu);
}

unsigned
rtc_pace_spend(struct rtc_pace *pace, uint64_t bytes)
{
	uint64_t now, wait_ms = 0;

	rt_mutex_lock(&pace->mu);
	pace->spent_bytes += bytes;
	if (pace->bytes_per_s != 0) {
		now = rt_clock_monotonic_ns(pace->clock);
		if (pace->free_at_ns < now)
			pace->free_at_ns = now;
		pace->free_at_ns += (uint64_t)((unsigned __int128)bytes *
		    NS_PER_S / pace->bytes_per_s);
		wait_ms = (pace->free_at_ns - now) / NS_PER_MS;
	}
	wait_ms = wait_ms >= WAIT_MS_MIN ? wait_ms : 0;
	pace->waited_ns += wait_ms * NS_PER_MS;
	rt_mutex_unlock(&pace->mu);
	return (unsigned)wait_ms;
}

void
rtc_pace_sums(struct rtc_pace *pace, uint64_t *spent_bytes, uint64_t *waited_ns)
{
	rt_mutex_lock(&pace->mu);
	*spent_bytes = pace->spent_bytes;
	*waited_ns = pace->waited_ns;
	rt_mutex_unlock(&pace->mu);
}
