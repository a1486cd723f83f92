#include "libcommon/os/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"

#define PID_TEXT_BYTES 32
#define SINCE_TEXT_BYTES 48
#define LOOKS_MAX 20

static pid_t
read_pid(struct rt_fs *fs, int fd)
{
	char text[PID_TEXT_BYTES];
	size_t got = 0;
	int64_t pid;

	if (rt_fs_read(fs, fd, text, sizeof(text), 0, &got, NULL) != RT_OK)
		return 0;
	while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\0'))
		got--;
	if (!rt_parse_i64(rt_slice(text, got), &pid) || pid <= 0 ||
	    pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

/* " since <when the pid was written>", or nothing. */
static const char *
print_since(struct rt_fs *fs, int fd, char out[SINCE_TEXT_BYTES])
{
	struct stat st = { 0 };
	struct tm tm;

	out[0] = '\0';
	if (fs->fstat(fs, fd, &st) == 0 && st.st_mtime != 0 &&
	    gmtime_r(&st.st_mtime, &tm) != NULL &&
	    strftime(out, SINCE_TEXT_BYTES, " since %Y-%m-%dT%H:%M:%SZ",
		&tm) == 0)
		out[0] = '\0';
	return out;
}

static enum rt_code
refuse(struct rt_fs *fs, int fd, const char *name, struct rt_err *err)
{
	char since[SINCE_TEXT_BYTES];
	pid_t pid = read_pid(fs, fd);

	if (pid > 0)
		return rt_err_set(err, RT_ELOCKED,
		    "%s is held by process %ld%s", name, (long)pid,
		    print_since(fs, fd, since));
	return rt_err_set(err, RT_ELOCKED, "%s is held by another process",
	    name);
}

static void
write_pid(struct rt_fs *fs, int fd)
{
	char text[PID_TEXT_BYTES];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* Information only: a full disk must not keep us from the lock. */
	if (rt_fs_truncate(fs, fd, 0, NULL) == RT_OK &&
	    rt_fs_write_exact(fs, fd, text, (size_t)len, 0, NULL) != RT_OK)
		return;
}

/* Someone who only looks has the lock for an instant; whoever still has it
 * after a few is its owner. */
static int
lock_patiently(struct rt_fs *fs, int fd)
{
	const struct timespec instant = { .tv_nsec = 5 * 1000 * 1000 };
	int result = fs->flock(fs, fd, LOCK_EX | LOCK_NB);

	for (int i = 0; i < LOOKS_MAX && result == -EWOULDBLOCK; i++) {
		nanosleep(&instant, NULL);
		result = fs->flock(fs, fd, LOCK_EX | LOCK_NB);
	}
	return result;
}

enum rt_code
rt_dirlock_take(struct rt_dirlock *lock, struct rt_fs *fs, int dir,
    const char *name, struct rt_err *err)
{
	enum rt_code code = RT_OK;
	int fd, result;

	lock->fs = fs;
	lock->fd = -1;
	fd = fs->openat(fs, dir, name,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return rt_err_set_errno(err, -fd, "open %s", name);
	result = lock_patiently(fs, fd);
	if (result == -EWOULDBLOCK)
		code = refuse(fs, fd, name, err);
	else if (result < 0)
		code = rt_err_set_errno(err, -result, "lock %s", name);
	if (code != RT_OK) {
		rt_fs_close(fs, &fd, NULL);
		return code;
	}
	write_pid(fs, fd);
	lock->fd = fd;
	return RT_OK;
}

enum rt_code
rt_dirlock_take_dir(struct rt_fs *fs, int dir, struct rt_err *err)
{
	int result = lock_patiently(fs, dir);

	if (result == -EWOULDBLOCK)
		return rt_err_set(err, RT_ELOCKED,
		    "another process has locked the directory, although its "
		    "lock file was removed or replaced");
	return result < 0 ? rt_err_set_errno(err, -result, "lock the directory")
			  : RT_OK;
}

void
rt_dirlock_release(struct rt_dirlock *lock)
{
	if (lock->fd >= 0)
		rt_fs_close(lock->fs, &lock->fd, NULL);
}

enum rt_code
rt_dirlock_check(const struct rt_dirlock *lock, int dir, const char *name,
    struct rt_err *err)
{
	struct stat held = { 0 }, named = { 0 };
	int result;

	rt_assert(lock->fd >= 0);
	result = lock->fs->fstat(lock->fs, lock->fd, &held);
	if (result == 0)
		result = lock->fs->fstatat(lock->fs, dir, name, &named);
	if (result < 0 && result != -ENOENT)
		return rt_err_set_errno(err, -result, "look at %s", name);
	if (result < 0 || held.st_dev != named.st_dev ||
	    held.st_ino != named.st_ino)
		return rt_err_set(err, RT_EFENCED,
		    "the file %s was removed or replaced", name);
	return RT_OK;
}

enum rt_code
rt_dirlock_probe(struct rt_fs *fs, int dir, const char *name, bool *held,
    pid_t *pid, struct rt_err *err)
{
	int fd, result;

	*held = false;
	*pid = 0;
	fd = fs->openat(fs, dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd == -ENOENT)
		return RT_OK;
	if (fd < 0)
		return rt_err_set_errno(err, -fd, "open %s", name);
	/* Two calls apart, so that a starting owner does not give up. */
	result = fs->flock(fs, fd, LOCK_SH | LOCK_NB);
	if (result == -EWOULDBLOCK) {
		*held = true;
		*pid = read_pid(fs, fd);
	}
	rt_fs_close(fs, &fd, NULL);
	if (result < 0 && result != -EWOULDBLOCK)
		return rt_err_set_errno(err, -result, "lock %s", name);
	return RT_OK;
}
