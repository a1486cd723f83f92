/* A file system that remembers what a power cut could take: files written to,
 * and directories changed, since their last sync. Nothing of a checkpoint may
 * be among it when it gets its name, nor its name when it is said to be
 * made. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/checkpoint.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define INODES_MAX 4096

struct watching_fs {
	struct rt_fs fs;
	pthread_mutex_t mu;
	ino_t dirty[INODES_MAX];
	size_t count;
	const char *dir;	/* the data directory */
	unsigned renames;	/* to a checkpoint's name */
	unsigned seen;		/* entries looked at then */
	char wrong[300];
};

static ino_t
inode_of(int fd)
{
	struct stat status;

	rt_assert(fstat(fd, &status) == 0);
	return status.st_ino;
}

static bool
is_dirty(const struct watching_fs *watching, ino_t inode)
{
	for (size_t i = 0; i < watching->count; i++)
		if (watching->dirty[i] == inode)
			return true;
	return false;
}

static void
soil(struct rt_fs *fs, int fd)
{
	struct watching_fs *watching = (struct watching_fs *)fs;
	ino_t inode = inode_of(fd);

	pthread_mutex_lock(&watching->mu);
	if (!is_dirty(watching, inode)) {
		rt_assert(watching->count < INODES_MAX);
		watching->dirty[watching->count++] = inode;
	}
	pthread_mutex_unlock(&watching->mu);
}

static int
clean(struct rt_fs *fs, int fd, int result)
{
	struct watching_fs *watching = (struct watching_fs *)fs;
	ino_t inode = inode_of(fd);

	pthread_mutex_lock(&watching->mu);
	for (size_t i = 0; i < watching->count; i++)
		if (watching->dirty[i] == inode)
			watching->dirty[i] = watching->dirty[--watching->count];
	pthread_mutex_unlock(&watching->mu);
	return result;
}

static int
watch_openat(struct rt_fs *fs, int dir, const char *name, int flags,
    mode_t mode)
{
	int fd = rt_fs_posix()->openat(rt_fs_posix(), dir, name, flags, mode);

	if (fd >= 0 && (flags & O_CREAT) != 0 && dir != AT_FDCWD) {
		soil(fs, dir);
		soil(fs, fd);
	}
	return fd;
}

static ssize_t
watch_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	soil(fs, fd);
	return rt_fs_posix()->pwrite(rt_fs_posix(), fd, data, len, offset);
}

static int
watch_fdatasync(struct rt_fs *fs, int fd)
{
	return clean(fs, fd, rt_fs_posix()->fdatasync(rt_fs_posix(), fd));
}

static int
watch_fsync(struct rt_fs *fs, int fd)
{
	return clean(fs, fd, rt_fs_posix()->fsync(rt_fs_posix(), fd));
}

static int
watch_mkdirat(struct rt_fs *fs, int dir, const char *name, mode_t mode)
{
	int result = rt_fs_posix()->mkdirat(rt_fs_posix(), dir, name, mode);

	if (result == 0 && dir != AT_FDCWD)
		soil(fs, dir);
	return result;
}

static int
watch_linkat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	soil(fs, to_dir);
	return rt_fs_posix()->linkat(rt_fs_posix(), from_dir, from, to_dir,
	    to);
}

static int
watch_unlinkat(struct rt_fs *fs, int dir, const char *name, int flags)
{
	soil(fs, dir);
	return rt_fs_posix()->unlinkat(rt_fs_posix(), dir, name, flags);
}

/* Everything below the directory, itself included. */
static void
look_below(struct watching_fs *watching, const char *path)
{
	char command[400], line[300];
	unsigned long inode;
	FILE *found;

	ck_assert_int_lt(snprintf(command, sizeof(command),
	    "find '%.300s' -printf '%%i %%P\\n'", path),
	    (int)sizeof(command));
	found = popen(command, "r");
	rt_assert(found != NULL);
	while (fgets(line, sizeof(line), found) != NULL) {
		watching->seen++;
		line[strcspn(line, "\n")] = '\0';
		rt_assert(sscanf(line, "%lu", &inode) == 1);
		if (is_dirty(watching, (ino_t)inode))
			snprintf(watching->wrong, sizeof(watching->wrong),
			    "not synced at the rename: %.200s", line);
	}
	pclose(found);
}

static int
watch_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct watching_fs *watching = (struct watching_fs *)fs;
	char path[300];

	if (rt_path_is_checkpoint_part(from)) {
		ck_assert_int_lt(snprintf(path, sizeof(path),
		    "%.200s/checkpoints/%.80s", watching->dir, from),
		    (int)sizeof(path));
		pthread_mutex_lock(&watching->mu);
		watching->renames++;
		look_below(watching, path);
		pthread_mutex_unlock(&watching->mu);
	}
	soil(fs, from_dir);
	soil(fs, to_dir);
	return rt_fs_posix()->renameat(rt_fs_posix(), from_dir, from, to_dir,
	    to);
}

static void
watch(struct watching_fs *watching, const char *dir)
{
	*watching = (struct watching_fs){ .fs = *rt_fs_posix(), .dir = dir,
		.mu = PTHREAD_MUTEX_INITIALIZER };
	watching->fs.openat = watch_openat;
	watching->fs.pwrite = watch_pwrite;
	watching->fs.fdatasync = watch_fdatasync;
	watching->fs.fsync = watch_fsync;
	watching->fs.mkdirat = watch_mkdirat;
	watching->fs.linkat = watch_linkat;
	watching->fs.unlinkat = watch_unlinkat;
	watching->fs.renameat = watch_renameat;
}

static void
put(struct rtd_engine *engine, const char *key)
{
	struct rtd_write_batch batch = { 0 };
	uint64_t seq;

	rtd_write_batch_put(&batch, 0, rt_slice_cstr(key),
	    rt_slice_cstr("value"), 0);
	ck_assert_int_eq(rtd_engine_write(engine, &batch, &seq, NULL), RT_OK);
	rtd_engine_end_turn(engine);
	rtd_write_batch_fini(&batch);
}

static void
make(struct rtd_engine *engine, const char *name)
{
	struct rtd_checkpoint *checkpoint = NULL;
	struct rt_err err = { 0 };

	ck_assert_int_eq(rtd_checkpoint_begin(engine, rt_slice_cstr(name),
	    &checkpoint, &err), RT_OK);
	ck_assert_msg(rtd_checkpoint_run(checkpoint, &err) == RT_OK, "%s",
	    err.text);
	rtd_checkpoint_free(checkpoint);
}

/* The directory's name in its parent lasts. */
static void
expect_clean(struct watching_fs *watching, const char *path)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	pthread_mutex_lock(&watching->mu);
	ck_assert_msg(!is_dirty(watching, status.st_ino), "%s is not synced",
	    path);
	pthread_mutex_unlock(&watching->mu);
}

START_TEST(it_is_durable_before_it_has_its_name)
{
	struct watching_fs watching;
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine = NULL;
	struct rtd_engine_options options = {
		.fs = &watching.fs,
		.clock = rt_clock_system(),
		.config = &config,
		.offline = true,
	};
	char path[400];

	rtt_scratch_init(&scratch);
	rt_config_init(&config);
	free(config.dir);
	config.dir = rt_alloc(300);
	snprintf(config.dir, 300, "%s/data", scratch.path);
	config.disk_reserve = 0;
	watch(&watching, config.dir);
	ck_assert_int_eq(rtd_engine_open(&engine, &options, NULL), RT_OK);
	for (unsigned i = 1; i <= 2; i++) {
		put(engine, "a");
		make(engine, i == 1 ? "first" : "second");
		ck_assert_uint_eq(watching.renames, i);
		ck_assert_msg(watching.wrong[0] == '\0', "%s", watching.wrong);
		/* The directory, three in it, manifest, list, and tables. */
		ck_assert_uint_eq(watching.seen, i == 1 ? 7 : 7 + 8);
		snprintf(path, sizeof(path), "%s/checkpoints", config.dir);
		expect_clean(&watching, path);
	}
	/* What was made first is in the data directory. */
	expect_clean(&watching, config.dir);
	ck_assert_int_eq(rtd_engine_close(engine, NULL), RT_OK);
	rt_config_fini(&config);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("checkpoint_syncs", it_is_durable_before_it_has_its_name)
