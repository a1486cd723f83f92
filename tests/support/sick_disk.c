/* sick_disk: put in front of a program with LD_PRELOAD, makes a disk as bad as a
 * test wants it. While the file named by SLOW_SYNC exists fdatasync takes for
 * ever; while the one named by FULL_TABLES exists there is no space when a
 * table is synced. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POLL_US 1000

int fdatasync(int fd);
int fsync(int fd);

static bool
is_wanted(const char *name)
{
	const char *file = getenv(name);

	return file != NULL && access(file, F_OK) == 0;
}

static bool
is_table(int fd)
{
	char link[64], path[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	return len > 4 && memcmp(path + len - 4, ".sst", 4) == 0;
}

int
fdatasync(int fd)
{
	while (is_wanted("SLOW_SYNC"))
		usleep(POLL_US);
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	if (is_wanted("FULL_TABLES") && is_table(fd)) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}
