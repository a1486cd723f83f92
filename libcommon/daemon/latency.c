#include "libcommon/daemon/latency.h"

#include <string.h>

#include "libcommon/os/clock.h"
#include "libcommon/os/mutex.h"

_Atomic uint64_t rt_latency_threshold_ns = UINT64_MAX;

static struct rt_mutex mu = { PTHREAD_MUTEX_INITIALIZER };
static struct rt_latency_series series[RT_LATENCY_EVENTS] RT_GUARDED_BY(mu);

void
rt_latency_set_threshold_ms(uint64_t ms)
{
	atomic_store(&rt_latency_threshold_ns, ms == 0 || ms > UINT64_MAX /
		1000000 ? UINT64_MAX : ms * 1000000);
}

static struct rt_latency_sample *
add_sample(struct rt_latency_series *into)
{
	if (into->count == RT_LATENCY_SAMPLES) {
		memmove(&into->samples[0], &into->samples[1],
		    sizeof(into->samples) - sizeof(into->samples[0]));
		into->count--;
	}
	return &into->samples[into->count++];
}

void
rt_latency_remember(enum rt_latency_event event, uint64_t ns)
{
	int64_t at_s = rt_clock_wall_ms(rt_clock_system()) / 1000;
	struct rt_latency_sample *last;
	struct rt_latency_series *into;
	uint64_t ms = ns / 1000000;

	rt_mutex_lock(&mu);
	into = &series[event];
	last = into->count > 0 ? &into->samples[into->count - 1] : NULL;
	if (last == NULL || last->at_s != at_s) {
		last = add_sample(into);
		*last = (struct rt_latency_sample){ .at_s = at_s };
	}
	if (ms > last->ms)
		last->ms = ms;
	if (ms > into->max_ms)
		into->max_ms = ms;
	rt_mutex_unlock(&mu);
}

void
rt_latency_get(enum rt_latency_event event, struct rt_latency_series *out)
{
	rt_mutex_lock(&mu);
	*out = series[event];
	rt_mutex_unlock(&mu);
}

bool
rt_latency_reset(enum rt_latency_event event)
{
	bool any;

	rt_mutex_lock(&mu);
	any = series[event].count > 0;
	series[event] = (struct rt_latency_series){ .count = 0 };
	rt_mutex_unlock(&mu);
	return any;
}

const char *
rt_latency_name(enum rt_latency_event event)
{
	static const char *const names[] = {
		[RT_LATENCY_COMMAND] = "command",
		[RT_LATENCY_FAST_COMMAND] = "fast-command",
		[RT_LATENCY_WAL_WRITE] = "wal-write",
		[RT_LATENCY_WAL_SYNC] = "wal-sync",
		[RT_LATENCY_FLUSH] = "flush",
		[RT_LATENCY_COLD_READ] = "cold-read",
		[RT_LATENCY_WRITE_STALL] = "write-stall",
	};

	return names[event];
}
