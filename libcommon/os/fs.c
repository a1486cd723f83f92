/* fs: durable verbs on top of the table. EINTR and short transfers are dealt
 * with here and nowhere else; a failed sync is never retried (F1). */
#include "libcommon/os/fs.h"

#include <errno.h>
#include <fcntl.h>

#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW)

#define RETRY_EINTR(result, call) \
	do { \
		(result) = (call); \
	} while ((result) == -EINTR)

static enum rt_code
open_file(struct rt_fs *fs, int dir, const char *name, int flags, int *fd,
    struct rt_err *err)
{
	int result;

	RETRY_EINTR(result, fs->openat(fs, dir, name, flags, 0600));
	if (result == -ELOOP && (flags & O_NOFOLLOW) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "%s is a symbolic link, and none is followed here", name);
	if (result < 0)
		return rt_err_set_errno(err, -result, "open %s", name);
	*fd = result;
	return RT_OK;
}

enum rt_code
rt_fs_open_dir(struct rt_fs *fs, const char *path, int *fd, struct rt_err *err)
{
	/* The directory that the user names may be a symbolic link. */
	return open_file(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC,
	    fd, err);
}

enum rt_code
rt_fs_make_dir(struct rt_fs *fs, int dir, const char *name, struct rt_err *err)
{
	int result = fs->mkdirat(fs, dir, name, 0700);

	if (result < 0)
		return rt_err_set_errno(err, -result, "make directory %s",
		    name);
	return RT_OK;
}

enum rt_code
rt_fs_open_subdir(struct rt_fs *fs, int dir, const char *name, bool create,
    int *fd, struct rt_err *err)
{
	enum rt_code code;
	int result;

	if (create) {
		result = fs->mkdirat(fs, dir, name, 0700);
		if (result < 0 && result != -EEXIST)
			return rt_err_set_errno(err, -result,
			    "make directory %s", name);
		if (result == 0) {
			code = rt_fs_sync_dir(fs, dir, err);
			if (code != RT_OK)
				return code;
		}
	}
	return open_file(fs, dir, name, O_RDONLY | O_DIRECTORY | OPEN_FLAGS, fd,
	    err);
}

enum rt_code
rt_fs_open_read(struct rt_fs *fs, int dir, const char *name, int *fd,
    struct rt_err *err)
{
	/* Without waiting, should it be a FIFO. */
	return open_file(fs, dir, name, O_RDONLY | O_NONBLOCK | OPEN_FLAGS, fd,
	    err);
}

enum rt_code
rt_fs_create(struct rt_fs *fs, int dir, const char *name, int *fd,
    struct rt_err *err)
{
	return open_file(fs, dir, name, O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS,
	    fd, err);
}

enum rt_code
rt_fs_open_write(struct rt_fs *fs, int dir, const char *name, int *fd,
    struct rt_err *err)
{
	return open_file(fs, dir, name, O_RDWR | OPEN_FLAGS, fd, err);
}

enum rt_code
rt_fs_close(struct rt_fs *fs, int *fd, struct rt_err *err)
{
	int result;

	if (*fd < 0)
		return RT_OK;
	result = fs->close(fs, *fd);
	*fd = -1;
	/* Linux has let go of the descriptor even when it says EINTR. */
	if (result < 0 && result != -EINTR)
		return rt_err_set_errno(err, -result, "close");
	return RT_OK;
}

enum rt_code
rt_fs_read(struct rt_fs *fs, int fd, void *out, size_t len, uint64_t offset,
    size_t *got, struct rt_err *err)
{
	size_t done = 0;
	ssize_t result;

	while (done < len) {
		RETRY_EINTR(result, fs->pread(fs, fd, (uint8_t *)out + done,
		    len - done, (off_t)(offset + done)));
		if (result < 0)
			return rt_err_set_errno(err, (int)-result, "read");
		if (result == 0)
			break;
		done += (size_t)result;
	}
	*got = done;
	return RT_OK;
}

enum rt_code
rt_fs_read_exact(struct rt_fs *fs, int fd, void *out, size_t len,
    uint64_t offset, struct rt_err *err)
{
	enum rt_code code;
	size_t got;

	code = rt_fs_read(fs, fd, out, len, offset, &got, err);
	if (code == RT_OK && got < len)
		code = rt_err_set(err, RT_EDAMAGED,
		    "file ends at %llu, wanted %zu bytes at %llu",
		    (unsigned long long)offset + got, len,
		    (unsigned long long)offset);
	return code;
}

enum rt_code
rt_fs_read_file(struct rt_fs *fs, int dir, const char *name, size_t bytes_max,
    struct rt_buf *out, struct rt_err *err)
{
	enum rt_code code;
	uint64_t bytes = 0;
	int fd = -1;

	rt_buf_clear(out);
	code = rt_fs_open_read(fs, dir, name, &fd, err);
	if (code != RT_OK)
		return code;
	code = rt_fs_size(fs, fd, &bytes, err);
	if (code != RT_OK)
		goto out;
	if (bytes > bytes_max) {
		code = rt_err_set(err, RT_ELIMIT,
		    "%llu bytes, at most %zu are allowed",
		    (unsigned long long)bytes, bytes_max);
		goto out;
	}
	if (!rt_buf_try_reserve(out, (size_t)bytes)) {
		code = rt_err_set_errno(err, ENOMEM, "read");
		goto out;
	}
	code = rt_fs_read(fs, fd, out->data, (size_t)bytes, 0, &out->len, err);
out:
	if (code != RT_OK)
		rt_err_prefix(err, "%s", name);
	rt_fs_close(fs, &fd, NULL);
	return code;
}

enum rt_code
rt_fs_write_exact(struct rt_fs *fs, int fd, const void *data, size_t len,
    uint64_t offset, struct rt_err *err)
{
	size_t done = 0;
	ssize_t result;

	while (done < len) {
		RETRY_EINTR(result,
		    fs->pwrite(fs, fd, (const uint8_t *)data + done, len - done,
			(off_t)(offset + done)));
		if (result < 0)
			return rt_err_set_errno(err, (int)-result, "write");
		if (result == 0)
			return rt_err_set_errno(err, EIO, "write of 0 bytes");
		done += (size_t)result;
	}
	return RT_OK;
}

enum rt_code
rt_fs_write_file(struct rt_fs *fs, int dir, const char *name,
    struct rt_slice bytes, struct rt_err *err)
{
	enum rt_code code;
	int fd = -1;

	code = rt_fs_create(fs, dir, name, &fd, err);
	if (code != RT_OK)
		return code;
	code = rt_fs_write_exact(fs, fd, bytes.data, bytes.len, 0, err);
	if (code == RT_OK)
		code = rt_fs_sync(fs, fd, err);
	if (code == RT_OK)
		code = rt_fs_close(fs, &fd, err);
	else
		rt_fs_close(fs, &fd, NULL);
	if (code != RT_OK) {
		rt_err_prefix(err, "%s", name);
		rt_fs_unlink(fs, dir, name, NULL);
	}
	return code;
}

enum rt_code
rt_fs_size(struct rt_fs *fs, int fd, uint64_t *bytes, struct rt_err *err)
{
	struct stat status;
	int result = fs->fstat(fs, fd, &status);

	if (result < 0)
		return rt_err_set_errno(err, -result, "size");
	if (!S_ISREG(status.st_mode))
		return rt_err_set(err, RT_EDAMAGED, "not a regular file");
	*bytes = (uint64_t)status.st_size;
	return RT_OK;
}

enum rt_code
rt_fs_sync_data(struct rt_fs *fs, int fd, struct rt_err *err)
{
	int result = fs->fdatasync(fs, fd);

	if (result < 0)
		return rt_err_set_errno(err, -result, "sync data");
	return RT_OK;
}

enum rt_code
rt_fs_sync(struct rt_fs *fs, int fd, struct rt_err *err)
{
	int result = fs->fsync(fs, fd);

	if (result < 0)
		return rt_err_set_errno(err, -result, "sync");
	return RT_OK;
}

enum rt_code
rt_fs_sync_dir(struct rt_fs *fs, int dir, struct rt_err *err)
{
	int result = fs->fsync(fs, dir);

	if (result < 0)
		return rt_err_set_errno(err, -result, "sync directory");
	return RT_OK;
}

enum rt_code
rt_fs_truncate(struct rt_fs *fs, int fd, uint64_t bytes, struct rt_err *err)
{
	int result;

	RETRY_EINTR(result, fs->ftruncate(fs, fd, (off_t)bytes));
	if (result < 0)
		return rt_err_set_errno(err, -result, "truncate");
	return RT_OK;
}

enum rt_code
rt_fs_link(struct rt_fs *fs, int dir, const char *from, const char *to,
    struct rt_err *err)
{
	int result = fs->linkat(fs, dir, from, dir, to);

	if (result < 0)
		return rt_err_set_errno(err, -result, "link %s to %s", from,
		    to);
	return RT_OK;
}

enum rt_code
rt_fs_link_into(struct rt_fs *fs, int from_dir, const char *name, int to_dir,
    struct rt_err *err)
{
	int result = fs->linkat(fs, from_dir, name, to_dir, name);

	if (result < 0)
		return rt_err_set_errno(err, -result, "link %s", name);
	return RT_OK;
}

enum rt_code
rt_fs_rename(struct rt_fs *fs, int dir, const char *from, const char *to,
    struct rt_err *err)
{
	int result = fs->renameat(fs, dir, from, dir, to);

	if (result < 0)
		return rt_err_set_errno(err, -result, "rename %s to %s", from,
		    to);
	return RT_OK;
}

enum rt_code
rt_fs_unlink(struct rt_fs *fs, int dir, const char *name, struct rt_err *err)
{
	int result = fs->unlinkat(fs, dir, name, 0);

	if (result < 0)
		return rt_err_set_errno(err, -result, "unlink %s", name);
	return RT_OK;
}

enum rt_code
rt_fs_remove_dir(struct rt_fs *fs, int dir, const char *name,
    struct rt_err *err)
{
	int result = fs->unlinkat(fs, dir, name, AT_REMOVEDIR);

	if (result < 0)
		return rt_err_set_errno(err, -result, "remove directory %s",
		    name);
	return RT_OK;
}

enum rt_code
rt_fs_exists(struct rt_fs *fs, int dir, const char *name, bool *exists,
    struct rt_err *err)
{
	struct stat status;
	int result = fs->fstatat(fs, dir, name, &status);

	if (result < 0 && result != -ENOENT)
		return rt_err_set_errno(err, -result, "look at %s", name);
	*exists = result == 0;
	return RT_OK;
}

enum rt_code
rt_fs_list(struct rt_fs *fs, int dir, void (*each)(void *arg, const char *name),
    void *arg, struct rt_err *err)
{
	int result = fs->list(fs, dir, each, arg);

	if (result < 0)
		return rt_err_set_errno(err, -result, "list directory");
	return RT_OK;
}
