/* With R = disk-reserve and F = free space beside the ballast:
 *
 *	no ballast yet	made when F >= 5R; writes while F >= R
 *	ballast there	writes while F >= R
 *	given up	made when F >= 5R/2; writes while F >= 2R, so that they
 *			do not eat what was given up */
#include "riptided/engine/disk_reserve.h"

#include "libcommon/daemon/log.h"
#include "libcommon/os/path.h"

#define RETRY_NS UINT64_C(60000000000)

static void
remove_ballast(struct rtd_disk_reserve *reserve)
{
	/* What cannot be removed now goes with the next start. */
	rt_fs_unlink(reserve->fs, reserve->dir, RT_PATH_BALLAST, NULL);
	reserve->ballast = 0;
	atomic_store(&reserve->ballast_bytes, 0);
}

void
rtd_disk_reserve_open(struct rtd_disk_reserve *reserve, struct rt_fs *fs,
    struct rt_clock *clock, int dir)
{
	reserve->fs = fs;
	reserve->clock = clock;
	reserve->dir = dir;
	remove_ballast(reserve);
}

static void
make_ballast(struct rtd_disk_reserve *reserve, uint64_t bytes)
{
	struct rt_fs *fs = reserve->fs;
	enum rt_code code;
	int result, fd = -1;

	reserve->retry_ns = rt_clock_monotonic_ns(reserve->clock) + RETRY_NS;
	code = rt_fs_create(fs, reserve->dir, RT_PATH_BALLAST, &fd, NULL);
	if (code != RT_OK)
		return;
	/* A file system that cannot allocate does without. */
	result = fs->fallocate(fs, fd, 0, (off_t)bytes);
	rt_fs_close(fs, &fd, NULL);
	if (result < 0) {
		remove_ballast(reserve);
		return;
	}
	reserve->ballast = bytes;
	reserve->given_up = false;
	atomic_store(&reserve->ballast_bytes, bytes);
}

static void
keep_ballast(struct rtd_disk_reserve *reserve, uint64_t wanted,
    uint64_t free_bytes)
{
	/* disk-reserve was changed. */
	if (reserve->ballast != 0 && reserve->ballast != wanted) {
		remove_ballast(reserve);
		reserve->retry_ns = 0;
	}
	if (wanted == 0 || reserve->ballast != 0 ||
	    free_bytes / 5 < (reserve->given_up ? wanted / 2 : wanted) ||
	    rt_clock_monotonic_ns(reserve->clock) < reserve->retry_ns)
		return;
	make_ballast(reserve, wanted);
}

static void
give_up(struct rtd_disk_reserve *reserve)
{
	if (reserve->ballast == 0)
		return;
	rt_log(RT_LOG_WARNING, "disk", "no space: the ballast is given up",
	    "bytes=%llu", (unsigned long long)reserve->ballast);
	remove_ballast(reserve);
	reserve->given_up = true;
	reserve->retry_ns = 0;
}

static void
log_change(bool full, uint64_t free_bytes, uint64_t needed)
{
	rt_log(full ? RT_LOG_WARNING : RT_LOG_NOTICE, "disk",
	    full ? "writes refused: free space is below the reserve"
		 : "writes taken again: free space is back",
	    "free_bytes=%llu reserve_bytes=%llu",
	    (unsigned long long)free_bytes, (unsigned long long)needed);
}

bool
rtd_disk_reserve_look(struct rtd_disk_reserve *reserve,
    uint64_t reserve_bytes, bool no_space)
{
	uint64_t needed = reserve_bytes, free_bytes;
	int64_t seen;
	bool full;

	if (no_space)
		give_up(reserve);
	seen = reserve->fs->free_bytes(reserve->fs, reserve->dir);
	if (seen < 0)
		return false;
	free_bytes = (uint64_t)seen;
	if (!no_space)
		keep_ballast(reserve, reserve_bytes, free_bytes);
	if (reserve->given_up)
		needed *= 2;
	full = free_bytes < needed;
	atomic_store(&reserve->free_bytes, free_bytes);
	if (atomic_exchange(&reserve->full, full) == full)
		return false;
	log_change(full, free_bytes, needed);
	return true;
}

void
rtd_disk_reserve_close(struct rtd_disk_reserve *reserve)
{
	if (reserve->fs != NULL)
		remove_ballast(reserve);
}
