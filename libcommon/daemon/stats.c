#include "libcommon/daemon/stats.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "libcommon/daemon/log.h"

void
rt_stats_fini(struct rt_stats *stats)
{
	rt_buf_fini(&stats->text);
}

void
rt_stats_section(struct rt_stats *stats, const char *title)
{
	rt_buf_printf(&stats->text, "%s# %s\r\n",
	    stats->text.len != 0 ? "\r\n" : "", title);
}

void
rt_stats_u64(struct rt_stats *stats, const char *name, uint64_t value)
{
	rt_buf_printf(&stats->text, "%s:%" PRIu64 "\r\n", name, value);
}

void
rt_stats_i64(struct rt_stats *stats, const char *name, int64_t value)
{
	rt_buf_printf(&stats->text, "%s:%" PRId64 "\r\n", name, value);
}

void
rt_stats_f(struct rt_stats *stats, const char *name, double value,
    int decimals)
{
	rt_buf_printf(&stats->text, "%s:%.*f\r\n", name, decimals, value);
}

void
rt_stats_text(struct rt_stats *stats, const char *name, const char *fmt, ...)
{
	char value[1024];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(value, sizeof(value), fmt, ap) < 0)
		value[0] = '\0';
	va_end(ap);
	/* A line's end in a value would begin a value of its own. */
	for (char *p = value; *p != '\0'; p++)
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	rt_buf_printf(&stats->text, "%s:%s\r\n", name, value);
}

/* A line of the log holds 4 KiB: longer sections go on in another. */
#define FIELDS_BYTES_MAX 2048

static void
log_fields(const char *title, struct rt_buf *fields)
{
	if (fields->len != 0)
		rt_log(RT_LOG_NOTICE, "stats", title, "%.*s",
		    (int)fields->len, (const char *)fields->data);
	rt_buf_clear(fields);
}

static void
add_field(struct rt_buf *fields, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name, value;
	bool blank;

	if (colon == NULL)
		return;
	name = (size_t)(colon - line);
	value = len - name - 1;
	blank = value == 0 || memchr(colon + 1, ' ', value) != NULL ||
	    memchr(colon + 1, '"', value) != NULL;
	rt_buf_printf(fields, "%s%.*s=%s%.*s%s", fields->len != 0 ? " " : "",
	    (int)name, line, blank ? "\"" : "", (int)value, colon + 1,
	    blank ? "\"" : "");
}

void
rt_stats_log(const struct rt_stats *stats)
{
	const char *at = (const char *)stats->text.data;
	size_t left = stats->text.len;
	struct rt_buf fields = { 0 };
	char title[64] = "stats";

	while (left != 0) {
		const char *end = memchr(at, '\r', left);
		size_t len = end != NULL ? (size_t)(end - at) : left;

		if (len > 2 && at[0] == '#') {
			log_fields(title, &fields);
			snprintf(title, sizeof(title), "%.*s", (int)len - 2,
			    at + 2);
		} else {
			add_field(&fields, at, len);
			if (fields.len > FIELDS_BYTES_MAX)
				log_fields(title, &fields);
		}
		/* Over \r\n, which every line ends with. */
		len = left - len < 2 ? left : len + 2;
		at += len;
		left -= len;
	}
	log_fields(title, &fields);
	rt_buf_fini(&fields);
}
