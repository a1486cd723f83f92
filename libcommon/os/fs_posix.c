/* fs_posix: the table of fs.h as system calls, one line each. */
#include "libcommon/os/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RESULT(call) \
	__extension__({ __typeof__(call) result = (call); \
		result < 0 ? -errno : result; })

static int
posix_openat(struct rt_fs *fs, int dir, const char *name, int flags,
    mode_t mode)
{
	return RESULT(openat(dir, name, flags, mode));
}

static int
posix_close(struct rt_fs *fs, int fd)
{
	return RESULT(close(fd));
}

static ssize_t
posix_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	return RESULT(pread(fd, out, len, offset));
}

static ssize_t
posix_pread_nowait(struct rt_fs *fs, int fd, void *out, size_t len,
    off_t offset)
{
	struct iovec part = { .iov_base = out, .iov_len = len };
	ssize_t got = RESULT(preadv2(fd, &part, 1, offset, RWF_NOWAIT));

	/* A file system without the flag has no way to say "would block". */
	if (got == -EOPNOTSUPP)
		return posix_pread(fs, fd, out, len, offset);
	return got;
}

static ssize_t
posix_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	return RESULT(pwrite(fd, data, len, offset));
}

static int
posix_fdatasync(struct rt_fs *fs, int fd)
{
	return RESULT(fdatasync(fd));
}

static int
posix_fsync(struct rt_fs *fs, int fd)
{
	return RESULT(fsync(fd));
}

static int
posix_ftruncate(struct rt_fs *fs, int fd, off_t len)
{
	return RESULT(ftruncate(fd, len));
}

static int
posix_fallocate_range(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	return RESULT(fallocate(fd, 0, offset, len));
}

static int
posix_fstat(struct rt_fs *fs, int fd, struct stat *out)
{
	return RESULT(fstat(fd, out));
}

static int
posix_fstatat(struct rt_fs *fs, int dir, const char *name, struct stat *out)
{
	return RESULT(fstatat(dir, name, out, AT_SYMLINK_NOFOLLOW));
}

static int
posix_linkat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	return RESULT(linkat(from_dir, from, to_dir, to, 0));
}

static int
posix_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	return RESULT(renameat(from_dir, from, to_dir, to));
}

static int
posix_unlinkat(struct rt_fs *fs, int dir, const char *name, int flags)
{
	return RESULT(unlinkat(dir, name, flags));
}

static int
posix_mkdirat(struct rt_fs *fs, int dir, const char *name, mode_t mode)
{
	return RESULT(mkdirat(dir, name, mode));
}

static int
posix_list(struct rt_fs *fs, int dir, void (*each)(void *arg, const char *name),
    void *arg)
{
	struct dirent *entry;
	DIR *stream;
	int fd, saved;

	/* A descriptor of its own: readdir moves the shared position. */
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (stream == NULL) {
		saved = errno;
		close(fd);
		return -saved;
	}
	for (;;) {
		errno = 0;
		entry = readdir(stream);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			each(arg, entry->d_name);
	}
	saved = errno;
	closedir(stream);
	return -saved;
}

static int
posix_flock(struct rt_fs *fs, int fd, int operation)
{
	return RESULT(flock(fd, operation));
}

static int64_t
posix_free_bytes(struct rt_fs *fs, int dir)
{
	struct statvfs volume;

	if (fstatvfs(dir, &volume) < 0)
		return -errno;
	return (int64_t)volume.f_bavail * (int64_t)volume.f_frsize;
}

static int64_t
posix_kind(struct rt_fs *fs, int dir)
{
	struct statfs volume;

	if (fstatfs(dir, &volume) < 0)
		return -errno;
	return (uint32_t)volume.f_type;
}

static int
posix_fadvise_range(struct rt_fs *fs, int fd, off_t offset, off_t len,
    int advice)
{
	return -posix_fadvise(fd, offset, len, advice);
}

static int
posix_write_behind(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	return RESULT(sync_file_range(fd, offset, len, SYNC_FILE_RANGE_WRITE));
}

struct rt_fs *
rt_fs_posix(void)
{
	static struct rt_fs posix = {
		.openat = posix_openat,
		.close = posix_close,
		.pread = posix_pread,
		.pread_nowait = posix_pread_nowait,
		.pwrite = posix_pwrite,
		.fdatasync = posix_fdatasync,
		.fsync = posix_fsync,
		.ftruncate = posix_ftruncate,
		.fallocate = posix_fallocate_range,
		.fstat = posix_fstat,
		.fstatat = posix_fstatat,
		.linkat = posix_linkat,
		.renameat = posix_renameat,
		.unlinkat = posix_unlinkat,
		.mkdirat = posix_mkdirat,
		.list = posix_list,
		.flock = posix_flock,
		.free_bytes = posix_free_bytes,
		.kind = posix_kind,
		.fadvise = posix_fadvise_range,
		.write_behind = posix_write_behind,
	};

	return &posix;
}
