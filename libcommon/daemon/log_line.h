/* log_line: one event as one line of text or JSON, never longer than
 * RT_LOG_LINE_BYTES_MAX, always well-formed, whatever the values contain.
 * Thread: any; no state. */
#ifndef LIBCOMMON_DAEMON_LOG_LINE_H
#define LIBCOMMON_DAEMON_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

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

/* Write the line with its newline into out (RT_LOG_LINE_BYTES_MAX bytes, no
 * NUL); returns its bytes. */
size_t rt_log_line_write(const struct rt_log_event *event,
    enum rt_log_format format, char *out);

#endif
