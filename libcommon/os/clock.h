/* clock: monotonic and wall time behind a pointer that a test can turn.
 * Thread: any. */
#ifndef LIBCOMMON_OS_CLOCK_H
#define LIBCOMMON_OS_CLOCK_H

#include <stdint.h>

struct rt_clock {
	uint64_t (*monotonic_ns)(struct rt_clock *clock);
	/* Milliseconds since 1970, UTC; may step either way. */
	int64_t (*wall_ms)(struct rt_clock *clock);
};

/* The machine's own. Static; never freed. */
struct rt_clock *rt_clock_system(void);

static inline uint64_t
rt_clock_monotonic_ns(struct rt_clock *clock)
{
	return clock->monotonic_ns(clock);
}

static inline int64_t
rt_clock_wall_ms(struct rt_clock *clock)
{
	return clock->wall_ms(clock);
}

#endif
