/* pace: a budget of bytes a second. Thread: one. */
#ifndef RIPTIDE_COMPACTD_PACE_H
#define RIPTIDE_COMPACTD_PACE_H

#include <stdint.h>

#include "libcommon/os/clock.h"

struct rtc_pace {
	struct rt_clock *clock;
	uint64_t bytes_per_s;	/* 0: no limit */
	uint64_t free_at_ns;	/* when what was spent is paid off */
};

void rtc_pace_init(struct rtc_pace *pace, struct rt_clock *clock,
    uint64_t bytes_per_s);

/* Milliseconds to wait before going on, after spending bytes. Short waits are
 * put together: the answer is 0 until they make 10 ms. */
unsigned rtc_pace_spend(struct rtc_pace *pace, uint64_t bytes);

#endif
