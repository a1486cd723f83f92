/* pace: a budget of bytes a second, which all merges share. Thread: any. */
#ifndef RIPTIDE_COMPACTD_PACE_H
#define RIPTIDE_COMPACTD_PACE_H

#include <stdint.h>

#include "libcommon/os/clock.h"
#include "libcommon/os/mutex.h"

struct rtc_pace {
	struct rt_clock *clock;
	struct rt_mutex mu;
	/* 0: no limit */
	uint64_t bytes_per_s RT_GUARDED_BY(mu);
	/* when what was spent is paid off */
	uint64_t free_at_ns RT_GUARDED_BY(mu);
	uint64_t spent_bytes RT_GUARDED_BY(mu);
	uint64_t waited_ns RT_GUARDED_BY(mu);
};

void rtc_pace_init(struct rtc_pace *pace, struct rt_clock *clock,
    uint64_t bytes_per_s);
void rtc_pace_fini(struct rtc_pace *pace);

/* What is owed already is paid at the rate of before. */
void rtc_pace_set(struct rtc_pace *pace, uint64_t bytes_per_s);

/* Milliseconds to wait before going on, after spending bytes. Short waits are
 * put together: the answer is 0 until they make 10 ms. */
unsigned rtc_pace_spend(struct rtc_pace *pace, uint64_t bytes);

/* What was spent so far, and how long everybody together was told to wait. */
void rtc_pace_sums(struct rtc_pace *pace, uint64_t *spent_bytes,
    uint64_t *waited_ns);

#endif
