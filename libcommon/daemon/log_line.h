/* log_line: one event as one line of text or JSON, never longer than
 * RT_LOG_LINE_BYTES_MAX, always well-formed, whatever the values contain.
 * Thread: any; no state. */
#ifndef LIBCOMMON_DAEMON_LOG_LINE_H
#define LIBCOMMON_DAEMON_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/slice.h"
#include "libcommon/daemon/config.h"

#define RT_LOG_LINE_BYTES_MAX 4096

struct rt_log_event {
	int64_t wall_ms;	/* since 1970, UTC */
	enum rt_loglevel level;
	const char *program;
	int pid;
	const char *area;
	const char *event;
	const char *fields;	/* logfmt pairs */
	unsigned long long left_out;
};

/* A pair of an event's fields. */
struct rt_log_field {
	struct rt_slice name, value;	/* no value: a word alone */
	bool is_text;			/* it stood in quotes, or has no value */
	char room[RT_LOG_LINE_BYTES_MAX];	/* internal */
};

/* The next pair, and *fields is behind it; false at the end. The slices are
 * borrowed from the fields and from out. */
bool rt_log_field_next(const char **fields, struct rt_log_field *out);

/* Write the line with its newline into out (RT_LOG_LINE_BYTES_MAX bytes, no
 * NUL); returns its bytes. */
size_t rt_log_line_write(const struct rt_log_event *event,
    enum rt_log_format format, char *out);

#endif
