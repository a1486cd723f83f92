/* budget: how long a run may take (--budget), and what is still worth beginning
 * in the time that is left. Pure. Thread: main. */
#ifndef RIPTIDE_COMPACTD_BUDGET_H
#define RIPTIDE_COMPACTD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct rtc_budget {
	uint64_t ends_ns;	/* monotonic; 0: there is no end */
	/* Merges so far: what they read, and how long each took. */
	uint64_t bytes, spent_ns;
};

/* seconds: 0 for no end. */
void rtc_budget_init(struct rtc_budget *budget, uint64_t seconds,
    uint64_t now_ns);

/* A merge of so many bytes of inputs has taken so long. */
void rtc_budget_learn(struct rtc_budget *budget, uint64_t bytes, uint64_t ns);

bool rtc_budget_is_over(const struct rtc_budget *budget, uint64_t now_ns);

/* The largest job that can be expected to end in time, at half of the pace so
 * far; 0: any may. Before the first merge the pace is not known, and any may. */
uint64_t rtc_budget_job_bytes(const struct rtc_budget *budget,
    uint64_t now_ns);

/* Until the end, at most `limit`. */
unsigned rtc_budget_wait_ms(const struct rtc_budget *budget, uint64_t now_ns,
    unsigned limit);

#endif
