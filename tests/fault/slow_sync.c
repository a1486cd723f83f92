/* slow_sync: put in front of a program with LD_PRELOAD, holds its fdatasync
 * calls back while the file named by SLOW_SYNC exists: a disk that takes as
 * long as the test wants. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POLL_US 1000

int fdatasync(int fd);

int
fdatasync(int fd)
{
	const char *file = getenv("SLOW_SYNC");

	while (file != NULL && access(file, F_OK) == 0)
		usleep(POLL_US);
	return (int)syscall(SYS_fdatasync, fd);
}
