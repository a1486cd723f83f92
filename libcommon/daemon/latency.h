/* latency: what took long, and when: the events behind the command LATENCY.
 * Each kind keeps its last samples, one a second at most, the longest of it.
 * What is below the threshold costs a load and a comparison.
 * Thread: any. */
#ifndef LIBCOMMON_DAEMON_LATENCY_H
#define LIBCOMMON_DAEMON_LATENCY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/attr.h"

enum rt_latency_event {
	RT_LATENCY_COMMAND,	/* one that ran long on the loop */
	RT_LATENCY_FAST_COMMAND,	/* of those that should not */
	RT_LATENCY_WAL_WRITE,
	RT_LATENCY_WAL_SYNC,
	RT_LATENCY_FLUSH,	/* of a memtable to a table */
	RT_LATENCY_COLD_READ,	/* a command that waited for the disk */
	RT_LATENCY_WRITE_STALL,	/* writes that waited for room */
	RT_LATENCY_EVENTS,
};

#define RT_LATENCY_SAMPLES 160

struct rt_latency_sample {
	int64_t at_s;		/* wall clock */
	uint64_t ms;
};

struct rt_latency_series {
	struct rt_latency_sample samples[RT_LATENCY_SAMPLES];	/* oldest first */
	uint64_t count;		/* of them in use */
	uint64_t max_ms;	/* since the last reset */
};

/* Events as long as this, or longer, are remembered; 0: none. */
void rt_latency_set_threshold_ms(uint64_t ms);

extern _Atomic uint64_t rt_latency_threshold_ns;	/* internal */
void rt_latency_remember(enum rt_latency_event event, uint64_t ns);

static inline void
rt_latency_note(enum rt_latency_event event, uint64_t ns)
{
	if (RT_UNLIKELY(ns >= atomic_load_explicit(&rt_latency_threshold_ns,
		memory_order_relaxed)))
		rt_latency_remember(event, ns);
}

void rt_latency_get(enum rt_latency_event event,
    struct rt_latency_series *out);
/* False when there was nothing to forget. */
bool rt_latency_reset(enum rt_latency_event event);

/* "wal-sync" ... */
const char *rt_latency_name(enum rt_latency_event event);

#endif
