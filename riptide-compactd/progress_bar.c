/* The width is asked for at each drawing, so that a window may change its size;
 * the line is a column shorter, so that it never wraps, and goes out with one
 * write(2), as those of the log do. */
#include "riptide-compactd/progress_bar.h"

#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libcommon/daemon/log.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX 200
#define BAR_MIN 10
#define BAR_MAX 40
#define CLEAR "\r\033[K"

static atomic_bool is_drawn;

/* A terminal that nobody reads does not hold us up. */
static void
put(const char *text, size_t len)
{
	struct pollfd wait = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&wait, 1, 0) > 0 && write(STDERR_FILENO, text, len) < 0)
		atomic_store(&is_drawn, false);
}

static void
take_away(void)
{
	if (atomic_exchange(&is_drawn, false))
		put(CLEAR, strlen(CLEAR));
}

bool
rtc_progress_bar_begin(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDERR_FILENO) || term == NULL || term[0] == '\0' ||
	    strcmp(term, "dumb") == 0)
		return false;
	rt_log_set_before(take_away);
	return true;
}

void
rtc_progress_bar_end(void)
{
	take_away();
	rt_log_set_before(NULL);
}

/* "1:02:03", "2:03", "-" */
static void
print_eta(int64_t eta_s, char *out, size_t out_bytes)
{
	if (eta_s < 0)
		snprintf(out, out_bytes, "-");
	else if (eta_s < 3600)
		snprintf(out, out_bytes, "%" PRId64 ":%02" PRId64, eta_s / 60,
		    eta_s % 60);
	else
		snprintf(out, out_bytes, "%" PRId64 ":%02" PRId64 ":%02" PRId64,
		    eta_s / 3600, eta_s / 60 % 60, eta_s % 60);
}

void
rtc_progress_bar_print(const struct rt_compactor_status *status, char *out,
    size_t columns)
{
	uint64_t done = status->bytes_read + status->job_bytes_done;
	uint64_t due = status->job_bytes_total > status->debt_bytes
	    ? status->job_bytes_total : status->debt_bytes;
	uint64_t all = status->bytes_read + due;
	double share = all == 0 || done >= all ? 1 : (double)done / (double)all;
	char bar[BAR_MAX + 1] = "", figures[120], eta[32];
	size_t room, filled;

	print_eta(rt_compactor_eta_s(status), eta, sizeof(eta));
	snprintf(figures, sizeof(figures),
	    "%3d%%  %.1f of %.1f MB  %.1f MB/s  eta %s  %s", (int)(share * 100),
	    (double)done / 1e6, (double)all / 1e6,
	    (double)status->bytes_per_s / 1e6, eta, status->phase);
	room = columns > strlen(figures) + 3 ? columns - strlen(figures) - 3
					     : 0;
	if (room < BAR_MIN) {
		snprintf(out, columns + 1, "%s", figures);
		return;
	}
	if (room > BAR_MAX)
		room = BAR_MAX;
	filled = (size_t)(share * (double)room);
	memset(bar, '#', filled);
	memset(bar + filled, '.', room - filled);
	snprintf(out, columns + 1, "[%s] %s", bar, figures);
}

void
rtc_progress_bar_draw(const struct rt_compactor_status *status)
{
	char line[sizeof(CLEAR) + COLUMNS_MAX] = CLEAR;
	size_t columns = COLUMNS_DEFAULT;
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		columns = size.ws_col;
	if (columns > COLUMNS_MAX)
		columns = COLUMNS_MAX;
	rtc_progress_bar_print(status, line + strlen(CLEAR), columns - 1);
	atomic_store(&is_drawn, true);
	put(line, strlen(line));
}
