/* spans: parts of a job that are done: ranges of keys with the outputs that were
 * made of them. Thread: one at a time. */
#ifndef RIPTIDE_COMPACTD_SPANS_H
#define RIPTIDE_COMPACTD_SPANS_H

#include "riptide-compactd/merger.h"

/* Keys from lower on, before upper; an empty one is no bound. */
struct rtc_span {
	struct rt_buf lower, upper;
	struct rtc_result result;	/* of these keys alone; bytes_in is 0 */
};

struct rtc_spans {
	struct rtc_span *all;	/* in key order, apart or adjacent */
	size_t count;
	size_t slot;		/* of progress.h, where they are kept */
};

/* One more, zeroed. */
struct rtc_span *rtc_spans_add(struct rtc_spans *spans);

void rtc_span_fini(struct rtc_span *span);
/* With the memory of spans itself; NULL is accepted. */
void rtc_spans_free(struct rtc_spans *spans);

#endif
