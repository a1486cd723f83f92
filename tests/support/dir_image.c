#include "tests/support/dir_image.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"

#define PATH_BYTES 512
#define WALK_DESCRIPTORS 16

/* nftw has no argument for its callback. */
static struct rtt_dir_image *loading;
static size_t loading_prefix;

static void
read_bytes(struct rt_buf *out, const char *path, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	rt_assert(fd >= 0);
	rt_buf_reserve(out, len);
	rt_assert(read(fd, out->data, len) == (ssize_t)len);
	out->len = len;
	close(fd);
}

static int
load_one(const char *path, const struct stat *status, int type,
    struct FTW *walk)
{
	struct rtt_image_file *file;

	if (walk->level == 0)
		return 0;
	rt_assert(type == FTW_D || type == FTW_F);
	loading->files = rt_realloc(loading->files,
	    (loading->count + 1) * sizeof(loading->files[0]));
	file = &loading->files[loading->count++];
	*file = (struct rtt_image_file){
		.name = rt_strdup(path + loading_prefix),
		.directory = type == FTW_D,
	};
	if (type == FTW_F)
		read_bytes(&file->bytes, path, (size_t)status->st_size);
	return 0;
}

void
rtt_dir_image_load(struct rtt_dir_image *image, const char *path)
{
	*image = (struct rtt_dir_image){ 0 };
	loading = image;
	loading_prefix = strlen(path) + 1;
	rt_assert(nftw(path, load_one, WALK_DESCRIPTORS, FTW_PHYS) == 0);
}

static void
write_bytes(const char *path, const struct rt_buf *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;

	rt_assert(fd >= 0);
	while (done < bytes->len) {
		ssize_t wrote = write(fd, bytes->data + done,
		    bytes->len - done);

		rt_assert(wrote > 0);
		done += (size_t)wrote;
	}
	close(fd);
}

void
rtt_dir_image_write(const struct rtt_dir_image *image, const char *path)
{
	char name[PATH_BYTES];

	rt_assert(mkdir(path, 0700) == 0);
	for (size_t i = 0; i < image->count; i++) {
		const struct rtt_image_file *file = &image->files[i];

		rt_assert(snprintf(name, sizeof(name), "%s/%s", path,
		    file->name) < (int)sizeof(name));
		if (file->directory)
			rt_assert(mkdir(name, 0700) == 0);
		else
			write_bytes(name, &file->bytes);
	}
}

void
rtt_dir_image_fini(struct rtt_dir_image *image)
{
	for (size_t i = 0; i < image->count; i++) {
		free(image->files[i].name);
		rt_buf_fini(&image->files[i].bytes);
	}
	free(image->files);
	*image = (struct rtt_dir_image){ 0 };
}

static int
remove_one(const char *path, const struct stat *status, int type,
    struct FTW *walk)
{
	return remove(path);
}

void
rtt_dir_remove(const char *path)
{
	(void)nftw(path, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}
