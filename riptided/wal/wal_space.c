#include "riptided/wal/wal_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/mutex.h"
#include "libcommon/os/path.h"

/* Zeros are written in pieces, each pushed towards the disk at once, so that
 * the final sync of a whole file does not stand before a sync of records. */
#define FILL_BYTES (256u << 10)

struct spare {
	uint64_t number;
	bool zeros;	/* a file of zeros, named as a spare */
};

struct rtd_wal_space {
	struct rt_fs *fs;
	int dir;
	uint64_t file_bytes;
	struct rt_mutex mu;
	struct rt_cond cond;
	struct spare *spares;	/* RT_GUARDED_BY(mu), as all below */
	size_t spares_count, spares_cap;
	uint64_t next_zeros;	/* number of the next file of zeros */
	bool wanted;
	bool stopping;
	pthread_t helper;
};

static char *
spare_name(char out[RT_PATH_NAME_BYTES], struct spare spare)
{
	return spare.zeros ? rt_path_wal_spare(out, spare.number) :
	    rt_path_wal(out, spare.number);
}

static void
add_spare(struct rtd_wal_space *space, uint64_t number, bool zeros)
{
	if (space->spares_count == space->spares_cap) {
		space->spares_cap = space->spares_cap * 2 + 8;
		space->spares = rt_realloc(space->spares,
		    space->spares_cap * sizeof(space->spares[0]));
	}
	space->spares[space->spares_count++] =
	    (struct spare){ .number = number, .zeros = zeros };
}

static struct spare
remove_spare(struct rtd_wal_space *space, size_t at)
{
	struct spare spare = space->spares[at];

	space->spares[at] = space->spares[--space->spares_count];
	return spare;
}

/* Segments go lowest first, so that those left are always the end of a chain;
 * a file of zeros belongs to no chain. */
static size_t
least_needed(const struct rtd_wal_space *space)
{
	size_t least = 0;

	for (size_t i = 1; i < space->spares_count; i++) {
		const struct spare *a = &space->spares[i];
		const struct spare *b = &space->spares[least];

		if (a->zeros != b->zeros ? b->zeros : a->number < b->number)
			least = i;
	}
	return least;
}

/* Write zeros over [0, bytes). keep_going may say stop. */
static enum rt_code
fill_with_zeros(struct rt_fs *fs, int fd, uint64_t bytes,
    bool (*keep_going)(void *arg), void *arg, struct rt_err *err)
{
	uint8_t *zeros = rt_alloc_zero(1, FILL_BYTES);
	enum rt_code code = RT_OK;

	/* One extent where the file system can; only a hint. */
	(void)fs->fallocate(fs, fd, 0, (off_t)bytes);
	for (uint64_t at = 0; at < bytes && code == RT_OK; at += FILL_BYTES) {
		size_t len = bytes - at < FILL_BYTES ? (size_t)(bytes - at) :
		    FILL_BYTES;

		if (keep_going != NULL && !keep_going(arg)) {
			code = rt_err_set(err, RT_ESTOPPED, "asked to stop");
			break;
		}
		code = rt_fs_write_exact(fs, fd, zeros, len, at, err);
		if (code == RT_OK)
			(void)fs->write_behind(fs, fd, (off_t)at, (off_t)len);
	}
	free(zeros);
	return code;
}

static bool
not_stopping(void *arg)
{
	struct rtd_wal_space *space = arg;
	bool stopping;

	rt_mutex_lock(&space->mu);
	stopping = space->stopping;
	rt_mutex_unlock(&space->mu);
	return !stopping;
}

/* Make one file of zeros and sync it. */
static enum rt_code
prepare(struct rtd_wal_space *space, uint64_t number)
{
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;
	int fd = -1;

	rt_path_wal_spare(name, number);
	code = rt_fs_create(space->fs, space->dir, name, &fd, NULL);
	if (code != RT_OK)
		return code;
	code = fill_with_zeros(space->fs, fd, space->file_bytes, not_stopping,
	    space, NULL);
	RT_CRASHPOINT("space-filled");
	if (code == RT_OK)
		code = rt_fs_sync(space->fs, fd, NULL);
	rt_fs_close(space->fs, &fd, NULL);
	if (code != RT_OK)
		rt_fs_unlink(space->fs, space->dir, name, NULL);
	return code;
}

static void *
helper_run(void *arg)
{
	struct rtd_wal_space *space = arg;
	char name[RT_PATH_NAME_BYTES];

	rt_mutex_lock(&space->mu);
	while (!space->stopping) {
		if (space->spares_count > RTD_WAL_SPARES_MAX) {
			struct spare spare =
			    remove_spare(space, least_needed(space));

			rt_mutex_unlock(&space->mu);
			RT_CRASHPOINT("space-before-unlink");
			/* What cannot be unlinked now is found again by the
			 * next process. */
			rt_fs_unlink(space->fs, space->dir,
			    spare_name(name, spare), NULL);
			rt_mutex_lock(&space->mu);
		} else if (space->wanted && space->spares_count == 0) {
			uint64_t number = space->next_zeros++;
			enum rt_code code;

			rt_mutex_unlock(&space->mu);
			code = prepare(space, number);
			rt_mutex_lock(&space->mu);
			space->wanted = false;
			if (code == RT_OK)
				add_spare(space, number, true);
		} else {
			space->wanted = false;
			rt_cond_wait(&space->cond, &space->mu);
		}
	}
	rt_mutex_unlock(&space->mu);
	return NULL;
}

struct listing {
	struct rtd_wal_space *space;
	uint64_t floor;
};

static void
note_name(void *arg, const char *name)
{
	struct listing *listing = arg;
	struct rtd_wal_space *space = listing->space;
	uint64_t number;

	if (rt_path_parse_wal(name, &number)) {
		if (number < listing->floor)
			add_spare(space, number, false);
	} else if (rt_path_parse_wal_spare(name, &number)) {
		add_spare(space, number, true);
		if (space->next_zeros <= number)
			space->next_zeros = number + 1;
	}
}

enum rt_code
rtd_wal_space_open(struct rtd_wal_space **out, struct rt_fs *fs, int dir,
    uint64_t file_bytes, uint64_t floor, struct rt_err *err)
{
	struct rtd_wal_space *space = rt_alloc_zero(1, sizeof(*space));
	struct listing listing = { .space = space, .floor = floor };
	enum rt_code code;

	space->fs = fs;
	space->dir = dir;
	space->file_bytes = file_bytes;
	space->next_zeros = 1;
	code = rt_fs_list(fs, dir, note_name, &listing, err);
	if (code != RT_OK) {
		free(space->spares);
		free(space);
		return code;
	}
	rt_mutex_init(&space->mu);
	rt_cond_init(&space->cond);
	rt_thread_start(&space->helper, "wal-space", helper_run, space);
	*out = space;
	return RT_OK;
}

void
rtd_wal_space_discard(struct rtd_wal_space *space)
{
	char name[RT_PATH_NAME_BYTES];

	rt_mutex_lock(&space->mu);
	while (space->spares_count > 0) {
		struct spare spare = remove_spare(space, 0);

		rt_mutex_unlock(&space->mu);
		rt_fs_unlink(space->fs, space->dir, spare_name(name, spare),
		    NULL);
		rt_mutex_lock(&space->mu);
	}
	rt_mutex_unlock(&space->mu);
}

void
rtd_wal_space_close(struct rtd_wal_space *space)
{
	if (space == NULL)
		return;
	rt_mutex_lock(&space->mu);
	space->stopping = true;
	rt_cond_signal(&space->cond);
	rt_mutex_unlock(&space->mu);
	rt_thread_join(space->helper);
	rt_cond_fini(&space->cond);
	rt_mutex_fini(&space->mu);
	free(space->spares);
	free(space);
}

/* A spare becomes the segment's file. RT_ENOTFOUND: there is none that
 * serves. */
static enum rt_code
take_spare(struct rtd_wal_space *space, const char *to, int *fd,
    bool *recycled)
{
	char from[RT_PATH_NAME_BYTES];
	struct spare spare;

	rt_mutex_lock(&space->mu);
	if (space->spares_count == 0) {
		rt_mutex_unlock(&space->mu);
		return RT_ENOTFOUND;
	}
	spare = remove_spare(space, space->spares_count - 1);
	rt_mutex_unlock(&space->mu);
	spare_name(from, spare);
	/* Opened before it is renamed: a spare that cannot be used keeps its
	 * old name, and the new one stays free for a new file. */
	if (rt_fs_open_write(space->fs, space->dir, from, fd, NULL) != RT_OK)
		return RT_ENOTFOUND;
	RT_CRASHPOINT("space-before-rename");
	if (rt_fs_rename(space->fs, space->dir, from, to, NULL) != RT_OK) {
		rt_fs_close(space->fs, fd, NULL);
		return RT_ENOTFOUND;
	}
	*recycled = !spare.zeros;
	return RT_OK;
}

enum rt_code
rtd_wal_space_take(struct rtd_wal_space *space, uint64_t number,
    uint64_t fresh_bytes, int *fd, bool *recycled, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;
	bool taken;

	rt_path_wal(name, number);
	/* A rename would replace what is there. */
	code = rt_fs_exists(space->fs, space->dir, name, &taken, err);
	if (code == RT_OK && taken)
		code = rt_err_set(err, RT_EEXIST, "wal/%s is there already",
		    name);
	if (code != RT_OK)
		return code;
	if (take_spare(space, name, fd, recycled) == RT_OK)
		return RT_OK;
	*recycled = false;
	code = rt_fs_create(space->fs, space->dir, name, fd, err);
	if (code == RT_OK)
		code = fill_with_zeros(space->fs, *fd, fresh_bytes, NULL, NULL,
		    err);
	if (code != RT_OK)
		rt_fs_close(space->fs, fd, NULL);
	return code;
}

void
rtd_wal_space_want(struct rtd_wal_space *space)
{
	rt_mutex_lock(&space->mu);
	space->wanted = true;
	rt_cond_signal(&space->cond);
	rt_mutex_unlock(&space->mu);
}

void
rtd_wal_space_release(struct rtd_wal_space *space, uint64_t number)
{
	rt_mutex_lock(&space->mu);
	add_spare(space, number, false);
	rt_cond_signal(&space->cond);
	rt_mutex_unlock(&space->mu);
}
