/* limits: what the configuration and the clocks allow the picker at this
 * moment. Thread: main. */
#ifndef RIPTIDE_COMPACTD_LIMITS_H
#define RIPTIDE_COMPACTD_LIMITS_H

#include "libcommon/daemon/config.h"
#include "libcommon/os/expiry_clock.h"
#include "riptide-compactd/picker.h"

/* full: merge everything down, whatever the hour; so it is, up to a sequence, if
 * the manifest has a request for it. The manifest raises the expiry clock.
 * Nothing is to be avoided yet. */
struct rtc_limits rtc_limits_now(const struct rt_config *config, bool full,
    struct rt_clock *clock, struct rt_expiry_clock *expiry,
    const struct rt_manifest *manifest);

/* Whether a wall clock time lies in a window HH:MM-HH:MM of local time, which
 * may reach over midnight; its end is outside. No window, or one from and to
 * the same minute, is the whole day. */
bool rtc_limits_in_window(const char *window, int64_t now_ms);

/* Outside the window, and nothing is to be merged there. */
bool rtc_limits_forbid_all(const struct rt_config *config,
    const struct rtc_limits *limits);

#endif
