/* manifest_watch: a descriptor that turns readable when a newer generation may
 * exist (inotify on the manifest directory). Events are hints: callers also
 * look once a second. Thread: one at a time. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_WATCH_H
#define LIBCOMMON_MANIFEST_MANIFEST_WATCH_H

#include <stdbool.h>

#include "libcommon/base/err.h"

struct rt_manifest_watch;

/* path: of the data directory. */
RT_MUST_USE enum rt_code rt_manifest_watch_open(struct rt_manifest_watch **out,
    const char *path, struct rt_err *err);
void rt_manifest_watch_close(struct rt_manifest_watch *watch);

/* The descriptor, for poll or libevent. */
int rt_manifest_watch_fd(const struct rt_manifest_watch *watch);
/* Drain the events; true when one was there. Never blocks. */
bool rt_manifest_watch_drain(struct rt_manifest_watch *watch);
/* Wait up to timeout_ms for an event; true when one came. */
bool rt_manifest_watch_wait(struct rt_manifest_watch *watch,
    unsigned timeout_ms);

#endif
