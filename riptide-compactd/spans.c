#include "riptide-compactd/spans.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"

struct rtc_span *
rtc_spans_add(struct rtc_spans *spans)
{
	spans->all = rt_realloc(spans->all,
	    (spans->count + 1) * sizeof(spans->all[0]));
	spans->all[spans->count] = (struct rtc_span){ .lower = { 0 } };
	return &spans->all[spans->count++];
}

void
rtc_span_fini(struct rtc_span *span)
{
	rt_buf_fini(&span->lower);
	rt_buf_fini(&span->upper);
	rtc_result_fini(&span->result);
}

void
rtc_spans_free(struct rtc_spans *spans)
{
	if (spans == NULL)
		return;
	for (size_t i = 0; i < spans->count; i++)
		rtc_span_fini(&spans->all[i]);
	free(spans->all);
	free(spans);
}
