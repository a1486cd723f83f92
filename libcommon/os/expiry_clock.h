/* expiry_clock: the time by which values expire. The wall clock may step, either
 * way, by a second or by years; a value that has expired must not come back by
 * it, and none may be lost for good.
 *
 * Beside the wall clock runs a line, which is carried by the boot clock, is
 * written into the manifest and never falls. A value has expired at the later
 * of the two.
 *
 * X1 The wall clock steps back: the line holds. It runs at half speed until the
 *    wall clock has caught up, so that what is to end still ends.
 * X2 It steps forward: reads follow it at once, the line only when the new time
 *    has stood for RT_EXPIRY_SETTLE_MS. If the step is undone before, values
 *    that seemed to have expired are there again.
 * X3 A value leaves the disk by the line alone, after its grace. So a wrong
 *    time drops nothing unless it stands for longer than that.
 * X4 A start of the machine is a step of unknown size. Within one run of it the
 *    mark of the last publish tells whether there was a step meanwhile.
 * Thread: any. */
#ifndef LIBCOMMON_OS_EXPIRY_CLOCK_H
#define LIBCOMMON_OS_EXPIRY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/os/clock.h"
#include "libcommon/os/mutex.h"

/* The clocks agree when they moved apart by no more than this. */
#define RT_EXPIRY_STEP_MS 5000
#define RT_EXPIRY_SETTLE_MS 3600000

/* Both clocks at one moment. boot_id 0: nothing is known. */
struct rt_clock_mark {
	uint64_t boot_id;
	uint64_t boot_ms;
	uint64_t wall_ms;
	uint64_t settled_from_ms;	/* boot time; without a step since */
};

struct rt_expiry_clock {
	struct rt_clock *clock;
	struct rt_mutex mu;
	struct rt_clock_mark mark RT_GUARDED_BY(mu);	/* looked at last */
	uint64_t line_ms RT_GUARDED_BY(mu);	/* at that moment */
	uint64_t told_ms RT_GUARDED_BY(mu);	/* the latest time given out */
	int64_t step_ms RT_GUARDED_BY(mu);	/* not told yet */
	uint64_t steps RT_GUARDED_BY(mu);
};

/* What it says at a moment. */
struct rt_expiry_reading {
	uint64_t now_ms;	/* what expires at or before is not there */
	uint64_t line_ms;	/* for the manifest, and for leaving the disk */
	struct rt_clock_mark mark;	/* for the manifest */
	int64_t step_ms;	/* steps since the reading before; 0: none */
	uint64_t steps;		/* how many there were */
	bool settled;		/* the wall clock is believed */
};

/* mark and line_ms: those of the manifest; a zero mark: there is none yet, and
 * the wall clock is believed. */
void rt_expiry_clock_init(struct rt_expiry_clock *expiry,
    struct rt_clock *clock, const struct rt_clock_mark *mark,
    uint64_t line_ms);
void rt_expiry_clock_fini(struct rt_expiry_clock *expiry);

/* A manifest of the other program has come: its line counts here too. */
void rt_expiry_clock_raise(struct rt_expiry_clock *expiry, uint64_t line_ms);

/* The time by which values expire, and what to keep of it in the manifest. */
void rt_expiry_clock_read(struct rt_expiry_clock *expiry,
    struct rt_expiry_reading *out);

#endif
