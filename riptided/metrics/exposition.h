/* exposition: Prometheus' text format, version 0.0.4: a family of metrics, then
 * its samples, a line each. Durations are kept in nanoseconds and told in
 * seconds. Thread: one owner at a time. */
#ifndef RIPTIDED_METRICS_EXPOSITION_H
#define RIPTIDED_METRICS_EXPOSITION_H

#include "libcommon/base/buf.h"
#include "libcommon/base/durations.h"

struct rtd_exposition {
	struct rt_buf *out;
	const char *name;	/* of the family under way */
};

enum rtd_metric_type { RTD_COUNTER, RTD_GAUGE, RTD_HISTOGRAM };

/* Begin a family. name and help: constant, the name as Prometheus wants it:
 * base units, counters ending in _total. */
void rtd_exposition_family(struct rtd_exposition *exposition,
    enum rtd_metric_type type, const char *name, const char *help);

/* One label, with its value escaped; up to RTD_LABEL_BYTES, the rest is cut. */
#define RTD_LABEL_BYTES 320
const char *rtd_exposition_label(char out[RTD_LABEL_BYTES], const char *name,
    const char *value);

/* A sample. labels: of rtd_exposition_label(), several parted by commas; or
 * "". */
void rtd_exposition_u64(struct rtd_exposition *exposition, const char *labels,
    uint64_t value);
void rtd_exposition_f(struct rtd_exposition *exposition, const char *labels,
    double value);

/* Buckets, sum and count of durations in ns. */
void rtd_exposition_histogram(struct rtd_exposition *exposition,
    const char *labels, const struct rt_durations *durations);

/* A family with one sample. */
void rtd_exposition_counter(struct rtd_exposition *exposition,
    const char *name, const char *help, uint64_t value);
void rtd_exposition_gauge(struct rtd_exposition *exposition, const char *name,
    const char *help, uint64_t value);

#endif
