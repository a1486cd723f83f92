#include "tests/fuzz/memory_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "libcommon/base/invariant.h"

#define FIRST_FD 3

static struct rtt_memory_files *
files_of(struct rt_fs *fs)
{
	return (struct rtt_memory_files *)(void *)fs;
}

static struct rtt_memory_file *
find(struct rt_fs *fs, const char *name)
{
	for (size_t i = 0; i < RTT_MEMORY_FILES_MAX; i++)
		if (strcmp(files_of(fs)->files[i].name, name) == 0)
			return &files_of(fs)->files[i];
	return NULL;
}

static struct rt_buf *
bytes_of(struct rt_fs *fs, int fd)
{
	return &files_of(fs)->files[fd - FIRST_FD].bytes;
}

static void
forget(struct rtt_memory_file *file)
{
	file->name[0] = '\0';
	rt_buf_fini(&file->bytes);
}

static int
memory_openat(struct rt_fs *fs, int dir, const char *name, int flags,
    mode_t mode)
{
	struct rtt_memory_file *file = find(fs, name);

	if (file == NULL && (flags & O_CREAT) != 0) {
		rtt_memory_files_add(files_of(fs), name);
		file = find(fs, name);
	} else if (file != NULL && (flags & O_EXCL) != 0) {
		return -EEXIST;
	}
	if (file == NULL)
		return -ENOENT;
	return (int)(file - files_of(fs)->files) + FIRST_FD;
}

static int
memory_close(struct rt_fs *fs, int fd)
{
	return 0;
}

static int
memory_fstat(struct rt_fs *fs, int fd, struct stat *out)
{
	*out = (struct stat){ .st_size = (off_t)bytes_of(fs, fd)->len };
	return 0;
}

static ssize_t
memory_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	const struct rt_buf *bytes = bytes_of(fs, fd);
	size_t at = (size_t)offset;

	if (at >= bytes->len)
		return 0;
	if (len > bytes->len - at)
		len = bytes->len - at;
	memcpy(out, bytes->data + at, len);
	return (ssize_t)len;
}

static ssize_t
memory_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	rt_assert((size_t)offset == bytes_of(fs, fd)->len);
	rt_buf_append(bytes_of(fs, fd), data, len);
	return (ssize_t)len;
}

static int
memory_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct rtt_memory_file *file = find(fs, from), *old = find(fs, to);

	if (file == NULL)
		return -ENOENT;
	if (old != NULL)
		forget(old);
	snprintf(file->name, sizeof(file->name), "%s", to);
	return 0;
}

static int
memory_unlinkat(struct rt_fs *fs, int dir, const char *name, int flags)
{
	struct rtt_memory_file *file = find(fs, name);

	if (file == NULL)
		return -ENOENT;
	forget(file);
	return 0;
}

static int
memory_list(struct rt_fs *fs, int dir,
    void (*each)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < RTT_MEMORY_FILES_MAX; i++)
		if (files_of(fs)->files[i].name[0] != '\0')
			each(arg, files_of(fs)->files[i].name);
	return 0;
}

void
rtt_memory_files_init(struct rtt_memory_files *files)
{
	memset(files, 0, sizeof(*files));
	files->fs = (struct rt_fs){
		.openat = memory_openat,
		.close = memory_close,
		.fstat = memory_fstat,
		.pread = memory_pread,
		.pread_nowait = memory_pread,
		.pwrite = memory_pwrite,
		.renameat = memory_renameat,
		.unlinkat = memory_unlinkat,
		.list = memory_list,
	};
}

void
rtt_memory_files_fini(struct rtt_memory_files *files)
{
	for (size_t i = 0; i < RTT_MEMORY_FILES_MAX; i++)
		forget(&files->files[i]);
}

struct rt_buf *
rtt_memory_files_add(struct rtt_memory_files *files, const char *name)
{
	struct rtt_memory_file *file = find(&files->fs, "");

	rt_assert(file != NULL && name[0] != '\0');
	snprintf(file->name, sizeof(file->name), "%s", name);
	return &file->bytes;
}
