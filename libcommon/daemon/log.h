/* log: levels, structured fields, one line an event, to standard error or a
 * file. Keys, values and passwords of clients are never logged.
 *	rt_log(RT_LOG_NOTICE, "flush", "table published", "table=%s bytes=%" PRIu64, ...)
 * Thread: any; a line is written with one write(2). A log that cannot be
 * written never stops the service. */
#ifndef LIBCOMMON_DAEMON_LOG_H
#define LIBCOMMON_DAEMON_LOG_H

#include "libcommon/base/attr.h"
#include "libcommon/base/err.h"
#include "libcommon/daemon/config.h"

/* program: "riptided"; kept. Before this, lines go to standard error. */
RT_MUST_USE enum rt_code rt_log_open(const char *program,
    const struct rt_config *config, struct rt_err *err);
/* Lines for standard error go to the journal that listens there as entries with
 * fields, if there is one and it takes them. rt_log_open() calls it with the
 * system's own where standard error is the journal's. */
void rt_log_use_journal(const char *path);
/* Open the file anew (SIGHUP, after logrotate). */
void rt_log_reopen(void);
void rt_log_close(void);
/* Call before(), from any thread, before each line that goes to standard error:
 * whoever draws there takes it away. NULL: nobody does. */
void rt_log_set_before(void (*before)(void));
void rt_log_set_level(enum rt_loglevel level);

/* area: the part of the program, a word. event: what happened, constant words.
 * fields: logfmt pairs name=value with printf formats, or "" for none; a value
 * with blanks stands in double quotes. */
void rt_log(enum rt_loglevel level, const char *area, const char *event,
    const char *fields, ...) RT_PRINTF(4, 5);

/* The same, at most once in interval_ms for each calling line; lines left out
 * are counted and told with the next. */
#define rt_log_limited(interval_ms, level, area, event, ...)                  \
	do {                                                                  \
		static struct rt_log_limit rt_log_limit_here;                 \
		if (rt_log_allowed(&rt_log_limit_here, (interval_ms)))        \
			rt_log((level), (area), (event), __VA_ARGS__);        \
	} while (0)

struct rt_log_limit {
	_Atomic unsigned long long next_ns;
	_Atomic unsigned long long left_out;
};

bool rt_log_allowed(struct rt_log_limit *limit, unsigned interval_ms);

#endif
