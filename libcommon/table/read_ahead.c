#include "libcommon/table/read_ahead.h"

#include <errno.h>
#include <fcntl.h>

/* What a read that does not wait finds missing. */
static bool
is_missing(struct rt_read_ahead *ahead, uint64_t offset)
{
	uint8_t byte;

	return ahead->fs->pread_nowait(ahead->fs, ahead->fd, &byte, 1,
	    (off_t)offset) == -EAGAIN;
}

static void
advise(struct rt_read_ahead *ahead, const struct rt_read_window *window,
    int advice)
{
	ahead->fs->fadvise(ahead->fs, ahead->fd, (off_t)window->from,
	    (off_t)(window->to - window->from), advice);
}

/* The window that begins there; at the end of the file it is empty. */
static struct rt_read_window
ask_for(struct rt_read_ahead *ahead, uint64_t from)
{
	struct rt_read_window window = { .from = from, .to = ahead->end };

	if (ahead->end - from > RT_READ_AHEAD_BYTES)
		window.to = from + RT_READ_AHEAD_BYTES;
	if (window.from < window.to) {
		window.brought = is_missing(ahead, window.from) ||
		    is_missing(ahead, window.to - 1);
		if (window.brought)
			advise(ahead, &window, POSIX_FADV_WILLNEED);
	}
	return window;
}

static void
forget(struct rt_read_ahead *ahead, struct rt_read_window *window)
{
	if (window->brought)
		advise(ahead, window, POSIX_FADV_DONTNEED);
	*window = (struct rt_read_window){ 0 };
}

void
rt_read_ahead_at(struct rt_read_ahead *ahead, uint64_t offset)
{
	if (offset >= ahead->end)
		return;
	if (ahead->now.to == 0) {
		ahead->now = ask_for(ahead, offset);
		ahead->next = ask_for(ahead, ahead->now.to);
	}
	while (offset >= ahead->now.to) {
		forget(ahead, &ahead->now);
		ahead->now = ahead->next;
		ahead->next = ask_for(ahead, ahead->now.to);
	}
}

void
rt_read_ahead_end(struct rt_read_ahead *ahead)
{
	forget(ahead, &ahead->now);
	forget(ahead, &ahead->next);
}
