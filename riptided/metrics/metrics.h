/* metrics: all that the daemon counts, as text for Prometheus
 * (docs/monitoring.md). It takes well below a millisecond and waits for
 * nothing. Thread: loop; also while loading, when what the engine has is left
 * out. */
#ifndef RIPTIDED_METRICS_METRICS_H
#define RIPTIDED_METRICS_METRICS_H

#include "libcommon/base/buf.h"
#include "riptided/cmd/server_state.h"

/* What an HTTP answer with it must say. */
#define RTD_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Append the whole text to out. */
void rtd_metrics_write(struct rtd_server_state *server, struct rt_buf *out);

#endif
