#include "tests/support/fault_fs.h"

#include <errno.h>

/* True when this call is to fail. Closing and looking never do: what they
 * would say is not acted upon. */
static bool
fails(struct rt_fs *fs)
{
	struct rtt_fault_fs *fault = (struct rtt_fault_fs *)fs;
	long call = atomic_fetch_add(&fault->calls, 1) + 1;
	long fail_at = atomic_load(&fault->fail_at);

	if (fail_at == 0 || call < fail_at ||
	    (call > fail_at && !fault->for_ever))
		return false;
	atomic_fetch_add(&fault->failed, 1);
	return true;
}

#define FAIL_OR(fs, call) \
	(fails(fs) ? -((struct rtt_fault_fs *)(fs))->os_errno : (call))

static int
fault_openat(struct rt_fs *fs, int dir, const char *name, int flags,
    mode_t mode)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->openat(real, dir, name, flags, mode));
}

static int
fault_close(struct rt_fs *fs, int fd)
{
	return rt_fs_posix()->close(rt_fs_posix(), fd);
}

static ssize_t
fault_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	struct rtt_fault_fs *fault = (struct rtt_fault_fs *)fs;
	struct rt_fs *real = rt_fs_posix();

	if (fails(fs)) {
		if (!fault->short_transfer)
			return -fault->os_errno;
		len = len > 1 ? 1 : len;
	}
	return real->pread(real, fd, out, len, offset);
}

static ssize_t
fault_pread_nowait(struct rt_fs *fs, int fd, void *out, size_t len,
    off_t offset)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->pread_nowait(real, fd, out, len, offset));
}

static ssize_t
fault_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	struct rtt_fault_fs *fault = (struct rtt_fault_fs *)fs;
	struct rt_fs *real = rt_fs_posix();

	if (fails(fs)) {
		if (!fault->short_transfer)
			return -fault->os_errno;
		len = len > 1 ? 1 : len;
	}
	return real->pwrite(real, fd, data, len, offset);
}

static int
fault_fdatasync(struct rt_fs *fs, int fd)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->fdatasync(real, fd));
}

static int
fault_fsync(struct rt_fs *fs, int fd)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->fsync(real, fd));
}

static int
fault_ftruncate(struct rt_fs *fs, int fd, off_t len)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->ftruncate(real, fd, len));
}

static int
fault_fallocate(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->fallocate(real, fd, offset, len));
}

static int
fault_fstat(struct rt_fs *fs, int fd, struct stat *out)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->fstat(real, fd, out));
}

static int
fault_fstatat(struct rt_fs *fs, int dir, const char *name, struct stat *out)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->fstatat(real, dir, name, out));
}

static int
fault_linkat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->linkat(real, from_dir, from, to_dir, to));
}

static int
fault_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->renameat(real, from_dir, from, to_dir, to));
}

static int
fault_unlinkat(struct rt_fs *fs, int dir, const char *name, int flags)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->unlinkat(real, dir, name, flags));
}

static int
fault_mkdirat(struct rt_fs *fs, int dir, const char *name, mode_t mode)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->mkdirat(real, dir, name, mode));
}

static int
fault_list(struct rt_fs *fs, int dir,
    void (*each)(void *arg, const char *name), void *arg)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->list(real, dir, each, arg));
}

static int
fault_flock(struct rt_fs *fs, int fd, int operation)
{
	struct rt_fs *real = rt_fs_posix();

	return FAIL_OR(fs, real->flock(real, fd, operation));
}

static int64_t
fault_free_bytes(struct rt_fs *fs, int dir)
{
	return rt_fs_posix()->free_bytes(rt_fs_posix(), dir);
}

static int
fault_fadvise(struct rt_fs *fs, int fd, off_t offset, off_t len, int advice)
{
	return rt_fs_posix()->fadvise(rt_fs_posix(), fd, offset, len, advice);
}

static int
fault_write_behind(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	return rt_fs_posix()->write_behind(rt_fs_posix(), fd, offset, len);
}

void
rtt_fault_fs_init(struct rtt_fault_fs *fault)
{
	*fault = (struct rtt_fault_fs){
		.fs = {
			.openat = fault_openat,
			.close = fault_close,
			.pread = fault_pread,
			.pread_nowait = fault_pread_nowait,
			.pwrite = fault_pwrite,
			.fdatasync = fault_fdatasync,
			.fsync = fault_fsync,
			.ftruncate = fault_ftruncate,
			.fallocate = fault_fallocate,
			.fstat = fault_fstat,
			.fstatat = fault_fstatat,
			.linkat = fault_linkat,
			.renameat = fault_renameat,
			.unlinkat = fault_unlinkat,
			.mkdirat = fault_mkdirat,
			.list = fault_list,
			.flock = fault_flock,
			.free_bytes = fault_free_bytes,
			.fadvise = fault_fadvise,
			.write_behind = fault_write_behind,
		},
		.os_errno = EIO,
	};
}

void
rtt_fault_fs_arm(struct rtt_fault_fs *fault, long n, bool for_ever,
    int os_errno)
{
	fault->for_ever = for_ever;
	fault->os_errno = os_errno;
	atomic_store(&fault->calls, 0);
	atomic_store(&fault->failed, 0);
	atomic_store(&fault->fail_at, n);
}

void
rtt_fault_fs_disarm(struct rtt_fault_fs *fault)
{
	atomic_store(&fault->fail_at, 0);
	fault->short_transfer = false;
}
