#include "libcommon/manifest/manifest_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/path.h"

struct rt_manifest_watch {
	int fd;
};

enum rt_code
rt_manifest_watch_open(struct rt_manifest_watch **out, const char *path,
    struct rt_err *err)
{
	struct rt_manifest_watch *watch;
	struct rt_buf name = { 0 };
	enum rt_code code = RT_OK;
	int fd;

	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return rt_err_set_errno(err, errno, "inotify");
	rt_buf_printf(&name, "%s/" RT_PATH_DIR_MANIFEST, path);
	rt_buf_append_byte(&name, '\0');
	/* link(2) shows as a creation, rename(2) as a move. */
	if (inotify_add_watch(fd, (const char *)name.data,
		IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		code = rt_err_set_errno(err, errno, "watch %s",
		    (const char *)name.data);
		close(fd);
		goto out;
	}
	watch = rt_alloc_zero(1, sizeof(*watch));
	watch->fd = fd;
	*out = watch;
out:
	rt_buf_fini(&name);
	return code;
}

void
rt_manifest_watch_close(struct rt_manifest_watch *watch)
{
	if (watch == NULL)
		return;
	close(watch->fd);
	free(watch);
}

int
rt_manifest_watch_fd(const struct rt_manifest_watch *watch)
{
	return watch->fd;
}

/* A lost event (the queue overflowed) may have been any. So is one without a
 * name: the directory itself went away, which the next load will tell. */
static bool
concerns_us(const struct inotify_event *event)
{
	uint64_t generation;

	return event->len == 0 ||
	    rt_path_parse_manifest(event->name, &generation);
}

bool
rt_manifest_watch_drain(struct rt_manifest_watch *watch)
{
	alignas(struct inotify_event) char bytes[4096];
	bool found = false;
	ssize_t got;

	for (;;) {
		got = read(watch->fd, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return found;
		for (char *at = bytes; at < bytes + got;) {
			const struct inotify_event *event = (const void *)at;

			found = found || concerns_us(event);
			at += sizeof(*event) + event->len;
		}
	}
}

bool
rt_manifest_watch_wait(struct rt_manifest_watch *watch, unsigned timeout_ms)
{
	struct pollfd poller = { .fd = watch->fd, .events = POLLIN };

	if (poll(&poller, 1, (int)timeout_ms) <= 0)
		return false;
	return rt_manifest_watch_drain(watch);
}
