/* clock: monotonic, boot and wall time behind a pointer that a test can turn.
 * Thread: any. */
#ifndef LIBCOMMON_OS_CLOCK_H
#define LIBCOMMON_OS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct rt_clock {
	uint64_t (*monotonic_ns)(struct rt_clock *clock);
	/* Milliseconds since 1970, UTC; may step either way. */
	int64_t (*wall_ms)(struct rt_clock *clock);
	/* Since the machine's start, its sleep included; never steps. NULL: the
	 * monotonic time is taken for it. */
	uint64_t (*boot_ns)(struct rt_clock *clock);
	/* Another one after each start of the machine. NULL: always 1. */
	uint64_t (*boot_id)(struct rt_clock *clock);
};

/* The machine's own. Static; never freed. */
struct rt_clock *rt_clock_system(void);

/* Nanoseconds since some instant; never goes back, stands still while the
 * machine sleeps. */
static inline uint64_t
rt_clock_monotonic_ns(struct rt_clock *clock)
{
	return clock->monotonic_ns(clock);
}

/* Milliseconds since 1970 as the machine has them; may step both ways. */
static inline int64_t
rt_clock_wall_ms(struct rt_clock *clock)
{
	return clock->wall_ms(clock);
}

/* Nanoseconds since the machine was started, its sleep included. */
static inline uint64_t
rt_clock_boot_ns(struct rt_clock *clock)
{
	return clock->boot_ns != NULL ? clock->boot_ns(clock)
				      : clock->monotonic_ns(clock);
}

/* Processor time that the calling thread has taken since it began. */
uint64_t rt_clock_thread_ns(void);

/* 0: the system does not tell. */
static inline uint64_t
rt_clock_boot_id(struct rt_clock *clock)
{
	return clock->boot_id != NULL ? clock->boot_id(clock) : 1;
}

#endif
