#include "libcommon/os/clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/hash.h"

static uint64_t
system_monotonic_ns(struct rt_clock *clock)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t
system_wall_ms(struct rt_clock *clock)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t
system_boot_ns(struct rt_clock *clock)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
rt_clock_thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Read once: no process outlives its boot, and one in a sandbox may have no
 * access to the file any more. */
static uint64_t
system_boot_id(struct rt_clock *clock)
{
	static _Atomic uint64_t known;
	uint8_t text[64];
	ssize_t got = -1;
	int fd;

	if (known != 0)
		return known;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text));
		close(fd);
	}
	if (got > 0)
		known = rt_hash64(rt_slice(text, (size_t)got)) | 1;
	return known;
}

struct rt_clock *
rt_clock_system(void)
{
	static struct rt_clock system_clock = {
		.monotonic_ns = system_monotonic_ns,
		.wall_ms = system_wall_ms,
		.boot_ns = system_boot_ns,
		.boot_id = system_boot_id,
	};

	return &system_clock;
}
