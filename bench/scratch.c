#include "bench/scratch.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_FDS 16

/* Whether it is a directory with nothing but "." and "..". */
static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	if (dir == NULL)
		return false;
	while (count <= 2 && readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count <= 2;
}

enum rt_code
rtb_scratch_init(struct rtb_scratch *scratch, const char *dir,
    struct rt_err *err)
{
	const char *base = getenv("TMPDIR");

	*scratch = (struct rtb_scratch){ .made = true };
	if (dir == NULL) {
		/* Not /tmp, which may be memory. */
		snprintf(scratch->path, sizeof(scratch->path),
		    "%s/riptide-bench-XXXXXX",
		    base != NULL && base[0] != '\0' ? base : "/var/tmp");
		if (mkdtemp(scratch->path) == NULL)
			return rt_err_set_errno(err, errno, "make %s",
			    scratch->path);
		return RT_OK;
	}
	if (strlen(dir) >= sizeof(scratch->path))
		return rt_err_set(err, RT_ELIMIT, "%s: too long", dir);
	strcpy(scratch->path, dir);
	if (mkdir(dir, 0700) == 0)
		return RT_OK;
	scratch->made = false;
	if (errno != EEXIST)
		return rt_err_set_errno(err, errno, "make %s", dir);
	if (!is_empty(dir))
		return rt_err_set(err, RT_EEXIST,
		    "%s is not an empty directory", dir);
	return RT_OK;
}

static int
remove_one(const char *path, const struct stat *status, int type,
    struct FTW *walk)
{
	if (remove(path) != 0 && errno != ENOENT)
		warn("%s", path);
	return 0;
}

void
rtb_remove_tree(const char *path)
{
	if (nftw(path, remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS) != 0 &&
	    errno != ENOENT)
		warn("%s", path);
}

static int
remove_below(const char *path, const struct stat *status, int type,
    struct FTW *walk)
{
	return walk->level == 0 ? 0 : remove_one(path, status, type, walk);
}

void
rtb_scratch_fini(struct rtb_scratch *scratch)
{
	if (scratch->made)
		rtb_remove_tree(scratch->path);
	else if (nftw(scratch->path, remove_below, TREE_FDS,
		     FTW_DEPTH | FTW_PHYS) != 0)
		warn("%s", scratch->path);
}

/* nftw(3) passes nothing on to the function that it calls. */
static uint64_t tree_bytes;

static int
count_one(const char *path, const struct stat *status, int type,
    struct FTW *walk)
{
	if (type == FTW_F)
		tree_bytes += (uint64_t)status->st_blocks * 512;
	return 0;
}

uint64_t
rtb_tree_bytes(const char *path)
{
	tree_bytes = 0;
	if (nftw(path, count_one, TREE_FDS, FTW_PHYS) != 0)
		warn("%s", path);
	return tree_bytes;
}
