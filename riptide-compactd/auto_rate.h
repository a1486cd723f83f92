/* auto_rate: how fast merges may write when compaction-rate-limit is 0.
 *
 * A1 Merges keep up: what comes into level 0, times what a byte of it has cost
 *    to merge so far, plus the debt over a minute. So with a steady load the
 *    debt stays within a minute's work, whatever the load.
 * A2 While the debt grows although merges use up what they may write, the rate
 *    is raised on top of that, again and again; so a cost that was reckoned too
 *    low does no harm. It is lowered again when the debt falls.
 * A3 It changes by small steps, half as much again a second at most, so that
 *    nobody notices a merge by its beginning.
 * A4 When nothing presses it goes down to a gentle rate, and not below.
 * A5 With four times the trigger's runs in level 0 there is no limit.
 * Pure. Thread: main. */
#ifndef RIPTIDE_COMPACTD_AUTO_RATE_H
#define RIPTIDE_COMPACTD_AUTO_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* What is seen at one moment. Sums are since the start. */
struct rtc_auto_look {
	uint64_t now_ns;	/* monotonic */
	uint64_t flushed_bytes;	/* that came into level 0 */
	uint64_t written_bytes;	/* by merges */
	uint64_t waited_ns;	/* by merges, for the rate */
	uint64_t debt_bytes;
	uint64_t level0_runs, level0_trigger;
};

struct rtc_auto_rate {
	double bytes_per_s;
	double ingest;		/* bytes a second into level 0, smoothed */
	double boost;		/* A2; 1: none */
	struct rtc_auto_look last;
	bool has_last;
};

void rtc_auto_rate_init(struct rtc_auto_rate *rate);

/* Once a second or so; looks that follow sooner are passed over. Returns bytes
 * a second; 0: no limit. */
uint64_t rtc_auto_rate_update(struct rtc_auto_rate *rate,
    const struct rtc_auto_look *look);

#endif
