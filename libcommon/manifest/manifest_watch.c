#include "libcommon/manifest/manifest_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/path.h"

#define EVENT_BYTES 4096

struct rt_manifest_watch {
	int fd;
};

enum rt_code
rt_manifest_watch_open(struct rt_manifest_watch **out, const char *path,
    struct rt_err *err)
{
	struct rt_manifest_watch *watch;
	char *dir = NULL;
	int fd, saved;

	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return rt_err_set_errno(err, errno, "watch manifests");
	rt_assert(asprintf(&dir, "%s/" RT_PATH_DIR_MANIFEST, path) >= 0);
	/* link(2) shows as a creation. */
	if (inotify_add_watch(fd, dir, IN_CREATE | IN_MOVED_TO) < 0) {
		saved = errno;
		rt_err_set_errno(err, saved, "watch %s", dir);
		free(dir);
		close(fd);
		return err != NULL ? err->code : RT_EIO;
	}
	free(dir);
	watch = rt_alloc_zero(1, sizeof(*watch));
	watch->fd = fd;
	*out = watch;
	return RT_OK;
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

/* What the events say does not matter, an overflow of their queue included:
 * each means "look". */
bool
rt_manifest_watch_drain(struct rt_manifest_watch *watch)
{
	char events[EVENT_BYTES];
	bool any = false;
	ssize_t got;

	while ((got = read(watch->fd, events, sizeof(events))) > 0 ||
	    (got < 0 && errno == EINTR))
		any = any || got > 0;
	return any;
}

bool
rt_manifest_watch_wait(struct rt_manifest_watch *watch, unsigned timeout_ms)
{
	struct pollfd wait = { .fd = watch->fd, .events = POLLIN };

	if (poll(&wait, 1, (int)timeout_ms) <= 0)
		return false;
	return rt_manifest_watch_drain(watch);
}
