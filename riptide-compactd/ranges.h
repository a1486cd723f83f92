/* ranges: cuts a job into ranges of keys of about equal bytes, which threads of
 * their own may merge. Path: merger > [ranges] > table.
 *
 * RA1 Ranges are in key order; each begins where the one before ends, the first
 *     one has no lower bound and the last one no upper.
 * RA2 A bound is a whole key, so that all its versions are in one range: what is
 *     decided of a version depends on those of the same key alone.
 * Thread: one at a time. */
#ifndef RIPTIDE_COMPACTD_RANGES_H
#define RIPTIDE_COMPACTD_RANGES_H

#include "libcommon/table/iter.h"
#include "riptide-compactd/spans.h"

struct rtc_key_range {
	struct rt_range keys;		/* borrowed */
	const struct rtc_span *done;	/* it is merged already; else NULL */
};

struct rtc_ranges {
	struct rtc_key_range *all;
	size_t count;
	struct rt_buf *bounds;		/* that were cut at */
	size_t bounds_count;
};

/* Of so many threads, how many can have a range of a job: none gets less than a
 * table's bytes of inputs, about. 1 at least. */
unsigned rtc_ranges_most(const struct rt_config *config,
    const struct rtc_job *job, unsigned threads);

/* What is done of the job, in key order, and between as many ranges as the
 * merger's threads ask for, or more when there are more gaps; to find where to
 * cut, a few blocks of some inputs are read. The job must outlive the ranges.
 * On error there are none. */
RT_MUST_USE enum rt_code rtc_ranges_plan(struct rtc_ranges *ranges,
    const struct rtc_merger *merger, const struct rtc_job *job,
    struct rt_err *err);
void rtc_ranges_fini(struct rtc_ranges *ranges);

#endif
