#include "tests/support/scratch_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"

void
rtt_scratch_init(struct rtt_scratch *scratch)
{
	const char *base = getenv("TMPDIR");

	snprintf(scratch->path, sizeof(scratch->path), "%s/riptide-test-XXXXXX",
	    base != NULL && base[0] != '\0' ? base : "/tmp");
	rt_assert(mkdtemp(scratch->path) != NULL);
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rt_assert(scratch->fd >= 0);
}

static int
remove_one(const char *path, const struct stat *status, int type,
    struct FTW *walk)
{
	return remove(path);
}

void
rtt_scratch_fini(struct rtt_scratch *scratch)
{
	close(scratch->fd);
	rt_assert(nftw(scratch->path, remove_one, 16,
	    FTW_DEPTH | FTW_PHYS) == 0);
}
