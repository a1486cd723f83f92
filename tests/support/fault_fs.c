/* Each function asks decide() what is to become of the call: go through, move
 * fewer bytes, do its work and say it failed, or fail at once. */
#include "tests/support/fault_fs.h"

#include <errno.h>
#include <unistd.h>

#include "tests/support/call_sites.h"

#define HELD_POLL_US 200

enum verdict { GO_ON, FAIL, FAIL_AFTER, MOVE_LESS };

static bool
is_transfer(enum rtt_fault_op op)
{
	return op == RTT_PREAD || op == RTT_PREAD_NOWAIT || op == RTT_PWRITE;
}

static bool
is_counted(const struct rtt_fault_fs *fault, enum rtt_fault_op op)
{
	if (fault->transfers_only)
		return is_transfer(op);
	switch (op) {
	case RTT_CLOSE:
	case RTT_FREE_BYTES:
	case RTT_FADVISE:
	case RTT_WRITE_BEHIND:
		return fault->everything;
	default:
		return true;
	}
}

static void
wait_while_held(struct rtt_fault_fs *fault, enum rtt_fault_op op)
{
	if (atomic_load(&fault->held_op) != (int)op)
		return;
	atomic_fetch_add(&fault->held, 1);
	while (atomic_load(&fault->held_op) == (int)op)
		usleep(HELD_POLL_US);
	atomic_fetch_sub(&fault->held, 1);
}

static bool
is_chosen(struct rtt_fault_fs *fault)
{
	long call = atomic_fetch_add(&fault->calls, 1) + 1;
	long fail_at = atomic_load(&fault->fail_at);

	if (fail_at == 0 || call < fail_at)
		return false;
	return fault->for_ever || call == fail_at ||
	    (fault->again_after != 0 && call == fail_at + fault->again_after);
}

/* Not inlined: call_sites.c counts the frames. */
static __attribute__((noinline)) enum verdict
decide(struct rt_fs *fs, enum rtt_fault_op op)
{
	struct rtt_fault_fs *fault = (struct rtt_fault_fs *)fs;
	bool chosen;

	wait_while_held(fault, op);
	if (!is_counted(fault, op))
		return GO_ON;
	chosen = is_chosen(fault);
	if (fault->sites != NULL)
		rtt_call_sites_note(fault->sites, (unsigned)op, chosen);
	if (!chosen)
		return GO_ON;
	atomic_fetch_add(&fault->failed, 1);
	if (fault->short_transfer && is_transfer(op))
		return MOVE_LESS;
	return fault->after ? FAIL_AFTER : FAIL;
}

static int
refusal(struct rt_fs *fs)
{
	return -((struct rtt_fault_fs *)fs)->os_errno;
}

/* One byte, or for ever half of what is left: that ends in time, too. */
static size_t
less(struct rt_fs *fs, size_t len)
{
	if (((struct rtt_fault_fs *)fs)->for_ever)
		return len - len / 2;
	return len > 1 ? 1 : len;
}

#define ANSWER(fs, verdict, call) \
	((verdict) == FAIL ? refusal(fs) \
	    : (verdict) == FAIL_AFTER ? ((void)(call), refusal(fs)) : (call))

static int
fault_openat(struct rt_fs *fs, int dir, const char *name, int flags,
    mode_t mode)
{
	enum verdict verdict = decide(fs, RTT_OPENAT);
	struct rt_fs *real = rt_fs_posix();
	int fd;

	if (verdict == FAIL)
		return refusal(fs);
	fd = real->openat(real, dir, name, flags, mode);
	/* What was created stays. */
	if (verdict == FAIL_AFTER && fd >= 0)
		real->close(real, fd);
	return verdict == FAIL_AFTER ? refusal(fs) : fd;
}

static int
fault_close(struct rt_fs *fs, int fd)
{
	enum verdict verdict = decide(fs, RTT_CLOSE);
	struct rt_fs *real = rt_fs_posix();
	int result = real->close(real, fd);

	/* The descriptor is gone in any case, as on Linux. */
	return verdict == GO_ON ? result : refusal(fs);
}

static ssize_t
fault_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	enum verdict verdict = decide(fs, RTT_PREAD);
	struct rt_fs *real = rt_fs_posix();

	if (verdict == MOVE_LESS)
		len = less(fs, len);
	return ANSWER(fs, verdict,
	    real->pread(real, fd, out, len, offset));
}

static ssize_t
fault_pread_nowait(struct rt_fs *fs, int fd, void *out, size_t len,
    off_t offset)
{
	enum verdict verdict = decide(fs, RTT_PREAD_NOWAIT);
	struct rt_fs *real = rt_fs_posix();

	if (verdict == MOVE_LESS)
		len = less(fs, len);
	return ANSWER(fs, verdict,
	    real->pread_nowait(real, fd, out, len, offset));
}

static ssize_t
fault_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	enum verdict verdict = decide(fs, RTT_PWRITE);
	struct rt_fs *real = rt_fs_posix();

	if (verdict == MOVE_LESS)
		len = less(fs, len);
	return ANSWER(fs, verdict,
	    real->pwrite(real, fd, data, len, offset));
}

static int
fault_fdatasync(struct rt_fs *fs, int fd)
{
	enum verdict verdict = decide(fs, RTT_FDATASYNC);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->fdatasync(real, fd));
}

static int
fault_fsync(struct rt_fs *fs, int fd)
{
	enum verdict verdict = decide(fs, RTT_FSYNC);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->fsync(real, fd));
}

static int
fault_ftruncate(struct rt_fs *fs, int fd, off_t len)
{
	enum verdict verdict = decide(fs, RTT_FTRUNCATE);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->ftruncate(real, fd, len));
}

static int
fault_fallocate(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	enum verdict verdict = decide(fs, RTT_FALLOCATE);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->fallocate(real, fd, offset, len));
}

static int
fault_fstat(struct rt_fs *fs, int fd, struct stat *out)
{
	enum verdict verdict = decide(fs, RTT_FSTAT);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->fstat(real, fd, out));
}

static int
fault_fstatat(struct rt_fs *fs, int dir, const char *name, struct stat *out)
{
	enum verdict verdict = decide(fs, RTT_FSTATAT);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->fstatat(real, dir, name, out));
}

static int
fault_linkat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	enum verdict verdict = decide(fs, RTT_LINKAT);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict,
	    real->linkat(real, from_dir, from, to_dir, to));
}

static int
fault_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	enum verdict verdict = decide(fs, RTT_RENAMEAT);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict,
	    real->renameat(real, from_dir, from, to_dir, to));
}

static int
fault_unlinkat(struct rt_fs *fs, int dir, const char *name, int flags)
{
	enum verdict verdict = decide(fs, RTT_UNLINKAT);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->unlinkat(real, dir, name, flags));
}

static int
fault_mkdirat(struct rt_fs *fs, int dir, const char *name, mode_t mode)
{
	enum verdict verdict = decide(fs, RTT_MKDIRAT);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->mkdirat(real, dir, name, mode));
}

static int
fault_list(struct rt_fs *fs, int dir, void (*each)(void *arg, const char *name),
    void *arg)
{
	enum verdict verdict = decide(fs, RTT_LIST);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->list(real, dir, each, arg));
}

static int
fault_flock(struct rt_fs *fs, int fd, int operation)
{
	enum verdict verdict = decide(fs, RTT_FLOCK);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->flock(real, fd, operation));
}

static int64_t
fault_free_bytes(struct rt_fs *fs, int dir)
{
	enum verdict verdict = decide(fs, RTT_FREE_BYTES);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->free_bytes(real, dir));
}

static int
fault_fadvise(struct rt_fs *fs, int fd, off_t offset, off_t len, int advice)
{
	enum verdict verdict = decide(fs, RTT_FADVISE);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict,
	    real->fadvise(real, fd, offset, len, advice));
}

static int
fault_write_behind(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	enum verdict verdict = decide(fs, RTT_WRITE_BEHIND);
	struct rt_fs *real = rt_fs_posix();

	return ANSWER(fs, verdict, real->write_behind(real, fd, offset, len));
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
		.held_op = RTT_FAULT_OPS,
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
