/* log_journal: an event as an entry of systemd's journal, whose fields it has
 * one by one, so that `journalctl RIPTIDE_EVENT="table published"` finds it.
 * The format is that of systemd's "Native Journal Protocol": a datagram of
 * NAME=value lines. Thread: any; no state. */
#ifndef LIBCOMMON_DAEMON_LOG_JOURNAL_H
#define LIBCOMMON_DAEMON_LOG_JOURNAL_H

#include "libcommon/daemon/log_line.h"

#define RT_JOURNAL_SOCKET "/run/systemd/journal/socket"
/* A message and its fields again, each behind its name. */
#define RT_JOURNAL_ENTRY_BYTES_MAX ((size_t)4 * RT_LOG_LINE_BYTES_MAX)

/* A descriptor that takes entries, one a write(2), without waiting; -1: there
 * is no journal, or a sandbox keeps sockets away. path: RT_JOURNAL_SOCKET but
 * for tests. */
int rt_journal_connect(const char *path);

/* MESSAGE is the line, in text without its time, level and process; PRIORITY and
 * SYSLOG_IDENTIFIER as syslog(3) has them; RIPTIDE_AREA, RIPTIDE_EVENT, and
 * RIPTIDE_NAME for each field. Fields that find no room are left away. Returns
 * the bytes, of RT_JOURNAL_ENTRY_BYTES_MAX. */
size_t rt_journal_entry(const struct rt_log_event *event,
    enum rt_log_format format, char *out);

#endif
