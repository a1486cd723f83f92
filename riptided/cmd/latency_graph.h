/* latency_graph: the samples of an event as a drawing of characters, for
 * LATENCY GRAPH. Thread: any. */
#ifndef RIPTIDED_CMD_LATENCY_GRAPH_H
#define RIPTIDED_CMD_LATENCY_GRAPH_H

#include "libcommon/base/buf.h"
#include "libcommon/daemon/latency.h"

/* Append a headline, the columns, oldest first, and how long ago each was.
 * series: with samples. now_s: wall clock. */
void rtd_latency_graph(const char *name,
    const struct rt_latency_series *series, int64_t now_s,
    struct rt_buf *out);

#endif
