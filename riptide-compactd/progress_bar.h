/* progress_bar: how far a run is, as one line at the bottom of a terminal that is
 * drawn anew in its place. Only for a run that ends by itself, and only where
 * standard error is a terminal that can take a line away again. It is taken away
 * before each line of the log. Thread: main, but for the log's. */
#ifndef RIPTIDE_COMPACTD_PROGRESS_BAR_H
#define RIPTIDE_COMPACTD_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>

#include "libcommon/manifest/compactor_status.h"

/* Between two drawings. */
#define RTC_PROGRESS_BAR_MS 250

/* True if there is a terminal to draw on; rtc_progress_bar_end() afterwards. */
bool rtc_progress_bar_begin(void);
void rtc_progress_bar_draw(const struct rt_compactor_status *status);
void rtc_progress_bar_end(void);

/* What is drawn, in at most `columns` bytes and a NUL; out has so many and one
 * more. Pure. */
void rtc_progress_bar_print(const struct rt_compactor_status *status, char *out,
    size_t columns);

#endif
