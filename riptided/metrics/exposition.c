/* Buckets are told at powers of two of nanoseconds, where the histogram's own
 * begin, so that the counts are exact: from 512 ns to 17 s, 26 of them. */
#include "riptided/metrics/exposition.h"

#include <inttypes.h>
#include <stdio.h>

#define FIRST_BITS 9
#define LAST_BITS 34
#define NS_PER_S 1e9

void
rtd_exposition_family(struct rtd_exposition *exposition,
    enum rtd_metric_type type, const char *name, const char *help)
{
	static const char *const words[] = {
		[RTD_COUNTER] = "counter",
		[RTD_GAUGE] = "gauge",
		[RTD_HISTOGRAM] = "histogram",
	};

	exposition->name = name;
	rt_buf_printf(exposition->out, "# HELP %s %s\n# TYPE %s %s\n", name,
	    help, name, words[type]);
}

const char *
rtd_exposition_label(char out[RTD_LABEL_BYTES], const char *name,
    const char *value)
{
	size_t len = (size_t)snprintf(out, RTD_LABEL_BYTES - 4, "%s=\"", name);

	for (; *value != '\0' && len < RTD_LABEL_BYTES - 4; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			out[len++] = '\\';
		out[len++] = (char)(*value == '\n' ? 'n' : *value);
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}

static void
begin_sample(struct rtd_exposition *exposition, const char *suffix,
    const char *labels)
{
	struct rt_buf *out = exposition->out;

	rt_buf_append_slice(out, rt_slice_cstr(exposition->name));
	rt_buf_append_slice(out, rt_slice_cstr(suffix));
	if (labels[0] != '\0') {
		rt_buf_append_byte(out, '{');
		rt_buf_append_slice(out, rt_slice_cstr(labels));
		rt_buf_append_byte(out, '}');
	}
	rt_buf_append_byte(out, ' ');
}

void
rtd_exposition_u64(struct rtd_exposition *exposition, const char *labels,
    uint64_t value)
{
	begin_sample(exposition, "", labels);
	rt_buf_printf(exposition->out, "%" PRIu64 "\n", value);
}

void
rtd_exposition_f(struct rtd_exposition *exposition, const char *labels,
    double value)
{
	begin_sample(exposition, "", labels);
	rt_buf_printf(exposition->out, "%.15g\n", value);
}

/* The bound of a bucket, which never changes. */
static const char *
bound(unsigned bits)
{
	static char bounds[LAST_BITS - FIRST_BITS + 1][24];
	char *text = bounds[bits - FIRST_BITS];

	if (text[0] == '\0')
		snprintf(text, sizeof(bounds[0]), "%.12g",
		    (double)(UINT64_C(1) << bits) / NS_PER_S);
	return text;
}

void
rtd_exposition_histogram(struct rtd_exposition *exposition,
    const char *labels, const struct rt_durations *durations)
{
	const char *comma = labels[0] != '\0' ? "," : "";
	struct rt_buf *out = exposition->out;
	uint64_t count = rt_durations_below(durations, FIRST_BITS);
	unsigned at = rt_durations_bucket(UINT64_C(1) << FIRST_BITS);

	for (unsigned bits = FIRST_BITS; bits <= LAST_BITS; bits++) {
		for (; rt_durations_end(at) <= UINT64_C(1) << bits; at++)
			count += durations->counts[at];
		rt_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n",
		    exposition->name, labels, comma, bound(bits), count);
	}
	count = rt_durations_count(durations);
	rt_buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n",
	    exposition->name, labels, comma, count);
	begin_sample(exposition, "_sum", labels);
	rt_buf_printf(out, "%.15g\n", (double)durations->sum / NS_PER_S);
	begin_sample(exposition, "_count", labels);
	rt_buf_printf(out, "%" PRIu64 "\n", count);
}

void
rtd_exposition_counter(struct rtd_exposition *exposition, const char *name,
    const char *help, uint64_t value)
{
	rtd_exposition_family(exposition, RTD_COUNTER, name, help);
	rtd_exposition_u64(exposition, "", value);
}

void
rtd_exposition_gauge(struct rtd_exposition *exposition, const char *name,
    const char *help, uint64_t value)
{
	rtd_exposition_family(exposition, RTD_GAUGE, name, help);
	rtd_exposition_u64(exposition, "", value);
}
