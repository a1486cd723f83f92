#include "libcommon/os/clock.h"

#include <time.h>

static uint64_t
system_monotonic_ns(struct rt_clock *clock)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t
system_wall_ms(struct rt_clock *clock)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct rt_clock *
rt_clock_system(void)
{
	static struct rt_clock system_clock = {
		.monotonic_ns = system_monotonic_ns,
		.wall_ms = system_wall_ms,
	};

	return &system_clock;
}
