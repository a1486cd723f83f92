/* The order of things between the two processes.
 *
 * A generation is a file MANIFEST-<number> that is never written to. The whole
 * protocol is: a generation g+1 is made from generation g by whoever links it
 * there first.
 *
 *   1 Load the highest generation g, keeping its file open.
 *   2 Apply the edit to it: here the role's epoch and all inputs are looked at
 *     once more. Nothing that was read earlier counts.
 *   3 Write the result to a temporary file of our own and fsync it.
 *   4 link(temporary, g+1). A link never replaces, so EEXIST says that someone
 *     else made g+1: start over from 1.
 *   5 Look whether the name of g still stands for the file opened in 1. If it
 *     does, the edit is published. If not, we slept while g and perhaps an
 *     earlier g+1 were collected, and the link may have brought back a name
 *     that is long over: what the highest generation says decides, and if the
 *     edit is not in it, start over.
 *   6 fsync the directory. Only now may anybody act on it irrevocably.
 *   7 Unlink the temporary file.
 *
 * Why step 5 is right. Generations are unlinked in ascending order, the highest
 * never. So while the original file of g has its name, every later original
 * has too; our link found no g+1, so there never was one, and ours is it. The
 * name of g alone would not do: another sleeper may have brought it back. The
 * open descriptor keeps the inode number from being given to another file, and
 * no publisher links one temporary file twice. tests/model/engine-gen.pml has
 * all this, and a mutant that asks for the name alone.
 *
 * A name brought back by a sleeper is below the highest, so no reader takes it,
 * and it goes at the next collection.
 *
 * No lock is held at any time: a process that is stopped anywhere delays
 * nobody. Tables are written, synced and their directory synced before an edit
 * that adds them is published; tables are unlinked only after a directory sync
 * that follows the load of the generation that let them go.
 *
 * Readers take the highest number. If it vanishes between the listing and the
 * opening there is a higher one by now: list again. If it is damaged they stop:
 * an older generation may name tables that are gone.
 *
 * Temporary files. No name tells whether its publisher is alive: pids come
 * back, and a stopped process is neither. So unlinking one is made harmless
 * instead: a publisher whose temporary file is gone gets ENOENT from link, has
 * published nothing, and starts over. The collector may therefore take any; it
 * spares the young ones, by their modification time, so that a publisher at
 * work need not do its work twice. A clock that jumps costs a repetition. */
#include "libcommon/manifest/manifest_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_check.h"
#include "libcommon/manifest/manifest_codec.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/crashpoint.h"

#define TEMPORARY_PREFIX "tmp-"
#define TEMPORARY_AGE_MS (INT64_C(3600) * 1000)
#define LOAD_TRIES 1000

struct rt_manifest_store {
	struct rt_fs *fs;
	int data_dir;	/* the caller's */
	int dir;	/* manifest/ */
};

enum rt_code
rt_manifest_store_open(struct rt_manifest_store **out, struct rt_fs *fs,
    int dir, bool create, struct rt_err *err)
{
	struct rt_manifest_store *store = rt_alloc_zero(1, sizeof(*store));
	enum rt_code code;

	store->fs = fs;
	store->data_dir = dir;
	store->dir = -1;
	code = rt_fs_open_subdir(fs, dir, RT_PATH_DIR_MANIFEST, create,
	    &store->dir, err);
	if (code != RT_OK) {
		free(store);
		return code;
	}
	*out = store;
	return RT_OK;
}

void
rt_manifest_store_close(struct rt_manifest_store *store)
{
	if (store == NULL)
		return;
	rt_fs_close(store->fs, &store->dir, NULL);
	free(store);
}

/* -- reading -- */

struct highest {
	uint64_t generation;
};

static void
note_highest(void *arg, const char *name)
{
	struct highest *highest = arg;
	uint64_t generation;

	if (rt_path_parse_manifest(name, &generation) &&
	    generation > highest->generation)
		highest->generation = generation;
}

enum rt_code
rt_manifest_store_highest(struct rt_manifest_store *store,
    uint64_t *generation, struct rt_err *err)
{
	struct highest highest = { 0 };
	enum rt_code code;

	code = rt_fs_list(store->fs, store->dir, note_highest, &highest, err);
	if (code != RT_OK)
		return rt_err_prefix(err, "manifest directory");
	*generation = highest.generation;
	return RT_OK;
}

static enum rt_code
read_open_file(struct rt_manifest_store *store, int fd, struct rt_buf *bytes,
    struct rt_err *err)
{
	uint64_t size = 0;
	enum rt_code code;

	code = rt_fs_size(store->fs, fd, &size, err);
	if (code != RT_OK)
		return code;
	if (size > RT_MANIFEST_BYTES_MAX)
		return rt_err_set(err, RT_EDAMAGED,
		    "a manifest file of %" PRIu64 " bytes", size);
	if (!rt_buf_try_reserve(bytes, (size_t)size + 1))
		return rt_err_set_errno(err, ENOMEM, "read %" PRIu64 " bytes",
		    size);
	return rt_fs_read(store->fs, fd, bytes->data, (size_t)size, 0,
	    &bytes->len, err);
}

/* *fd (may be NULL): the open file, the caller's then. */
static enum rt_code
load_generation(struct rt_manifest_store *store, uint64_t generation,
    const struct rt_manifest **out, int *fd, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf bytes = { 0 };
	enum rt_code code;
	int file = -1;

	rt_path_manifest(name, generation);
	code = rt_fs_open_read(store->fs, store->dir, name, &file, err);
	if (code != RT_OK)
		return code;
	code = read_open_file(store, file, &bytes, err);
	if (code == RT_OK)
		code = rt_manifest_decode(rt_buf_slice(&bytes), &manifest,
		    err);
	if (code == RT_OK && manifest->generation != generation)
		code = rt_err_set(err, RT_EDAMAGED,
		    "generation %" PRIu64 " under this name",
		    manifest->generation);
	if (code != RT_OK) {
		rt_err_prefix(err, "manifest/%s", name);
		goto out;
	}
	*out = manifest;
	manifest = NULL;
	if (fd != NULL) {
		*fd = file;
		file = -1;
	}
out:
	rt_manifest_unref(manifest);
	rt_buf_fini(&bytes);
	rt_fs_close(store->fs, &file, NULL);
	return code;
}

static enum rt_code
load_highest(struct rt_manifest_store *store, const struct rt_manifest **out,
    int *fd, struct rt_err *err)
{
	uint64_t generation = 0, before = 0;
	enum rt_code code = RT_OK;

	for (int tries = 0; tries < LOAD_TRIES; tries++) {
		before = generation;
		code = rt_manifest_store_highest(store, &generation, err);
		if (code != RT_OK)
			return code;
		if (generation == 0)
			return rt_err_set(err, RT_ENOTFOUND,
			    "there is no manifest");
		code = load_generation(store, generation, out, fd, err);
		if (code != RT_ENOTFOUND)
			return code;
		/* Gone although it is still the highest: not our doing. */
		if (generation == before)
			break;
	}
	return rt_err_set(err, RT_EDAMAGED,
	    "manifest generation %" PRIu64 " cannot be opened", generation);
}

enum rt_code
rt_manifest_store_load(struct rt_manifest_store *store,
    const struct rt_manifest **out, struct rt_err *err)
{
	return load_highest(store, out, NULL, err);
}

enum rt_code
rt_manifest_store_load_generation(struct rt_manifest_store *store,
    uint64_t generation, const struct rt_manifest **out, struct rt_err *err)
{
	return load_generation(store, generation, out, NULL, err);
}

/* -- writing -- */

static enum rt_code
fill_random(void *out, size_t len, struct rt_err *err)
{
	if (getrandom(out, len, 0) != (ssize_t)len)
		return rt_err_set_errno(err, errno, "random bytes");
	return RT_OK;
}

/* Never used before, by any publisher: the process, a count within it, and a
 * number nobody else draws. */
static enum rt_code
temporary_name(char name[RT_PATH_NAME_BYTES], struct rt_err *err)
{
	static atomic_uint counter;
	uint64_t drawn;
	enum rt_code code;

	code = fill_random(&drawn, sizeof(drawn), err);
	if (code == RT_OK)
		snprintf(name, RT_PATH_NAME_BYTES,
		    TEMPORARY_PREFIX "%ld-%u-%016" PRIx64, (long)getpid(),
		    atomic_fetch_add(&counter, 1), drawn);
	return code;
}

/* Steps 3 and 4; the temporary file is named by `temporary`, and is left to
 * the caller only on success. RT_EAGAIN: somebody else was faster, or took the
 * temporary file away. *unknown: the link may have happened. */
static enum rt_code
write_and_link(struct rt_manifest_store *store,
    const struct rt_manifest *manifest, char temporary[RT_PATH_NAME_BYTES],
    bool *unknown, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf bytes = { 0 };
	enum rt_code code;

	code = rt_manifest_encode(manifest, &bytes, err);
	if (code == RT_OK)
		code = temporary_name(temporary, err);
	if (code == RT_OK)
		code = rt_fs_write_file(store->fs, store->dir, temporary,
		    rt_buf_slice(&bytes), err);
	rt_buf_fini(&bytes);
	if (code != RT_OK)
		return code;
	RT_CRASHPOINT("publish-before-link");
	code = rt_fs_link(store->fs, store->dir, temporary,
	    rt_path_manifest(name, manifest->generation), err);
	if (code == RT_OK) {
		RT_CRASHPOINT("publish-after-link");
		return RT_OK;
	}
	rt_fs_unlink(store->fs, store->dir, temporary, NULL);
	if (code == RT_EEXIST || code == RT_ENOTFOUND)
		return RT_EAGAIN;
	*unknown = true;
	return code;
}

/* Step 5: *same is true when the name of the generation still stands for the
 * file that is open as fd. */
static enum rt_code
still_named(struct rt_manifest_store *store, uint64_t generation, int fd,
    bool *same, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];
	struct stat opened, named;
	int result;

	result = store->fs->fstat(store->fs, fd, &opened);
	if (result < 0)
		return rt_err_set_errno(err, -result, "look at the base");
	result = store->fs->fstatat(store->fs, store->dir,
	    rt_path_manifest(name, generation), &named);
	if (result < 0 && result != -ENOENT)
		return rt_err_set_errno(err, -result, "look at %s", name);
	*same = result == 0 && opened.st_dev == named.st_dev &&
	    opened.st_ino == named.st_ino;
	return RT_OK;
}

/* Steps 5 to 7, after a link that succeeded. *next is replaced when a later
 * generation was found to contain the edit. RT_EAGAIN: it is not in. */
static enum rt_code
settle(struct rt_manifest_store *store, const struct rt_manifest_edit *edit,
    uint64_t base, int base_fd, const struct rt_manifest **next,
    struct rt_err *err)
{
	const struct rt_manifest *highest = NULL;
	bool same = false;
	enum rt_code code;

	code = still_named(store, base, base_fd, &same, err);
	if (code != RT_OK)
		return code;
	RT_CRASHPOINT("publish-looked");
	if (!same) {
		code = load_highest(store, &highest, NULL, err);
		if (code != RT_OK)
			return code;
		if (!rt_manifest_edit_is_in(edit, highest)) {
			rt_manifest_unref(highest);
			return RT_EAGAIN;
		}
		rt_manifest_unref(*next);
		*next = highest;
	}
	code = rt_manifest_store_sync_dir(store, err);
	if (code == RT_OK)
		RT_CRASHPOINT("publish-after-sync");
	return code;
}

/* One passage from step 1 to 7. *unknown stays true once a link may have
 * happened whose outcome was not settled. */
static enum rt_code
publish_once(struct rt_manifest_store *store,
    const struct rt_manifest_edit *edit, const struct rt_manifest **out,
    bool *unknown, struct rt_err *err)
{
	const struct rt_manifest *base = NULL, *next = NULL;
	char temporary[RT_PATH_NAME_BYTES];
	int base_fd = -1;
	enum rt_code code;

	code = load_highest(store, &base, &base_fd, err);
	if (code == RT_OK && !rt_manifest_may_publish(base))
		code = rt_err_set(err, RT_EFORMAT,
		    "uses a feature that this program may read but not write");
	if (code == RT_OK)
		code = rt_manifest_edit_apply(edit, base, &next, err);
	RT_CRASHPOINT("publish-applied");
	if (code == RT_OK)
		code = write_and_link(store, next, temporary, unknown, err);
	if (code != RT_OK)
		goto out;
	*unknown = true;
	code = settle(store, edit, base->generation, base_fd, &next, err);
	rt_fs_unlink(store->fs, store->dir, temporary, NULL);
	if (code != RT_OK)
		goto out;
	RT_CRASHPOINT("publish-done");
	*unknown = false;
	*out = next;
	next = NULL;
out:
	rt_manifest_unref(base);
	rt_manifest_unref(next);
	rt_fs_close(store->fs, &base_fd, NULL);
	return code;
}

enum rt_code
rt_manifest_store_publish(struct rt_manifest_store *store,
    const struct rt_manifest_edit *edit, const struct rt_manifest **out,
    bool *unknown, struct rt_err *err)
{
	const struct rt_manifest *published = NULL;
	bool is_unknown = false;
	enum rt_code code;

	do {
		code = publish_once(store, edit, &published, &is_unknown, err);
	} while (code == RT_EAGAIN);
	if (unknown != NULL)
		*unknown = is_unknown;
	if (code != RT_OK)
		return rt_err_prefix(err, "publish");
	/* Lost races left their words there. */
	rt_err_clear(err);
	if (out != NULL)
		*out = published;
	else
		rt_manifest_unref(published);
	return RT_OK;
}

/* The first generation of a directory that has none. */
static enum rt_code
publish_first(struct rt_manifest_store *store, const struct rt_manifest *first,
    struct rt_err *err)
{
	const struct rt_manifest *loaded = NULL;
	char temporary[RT_PATH_NAME_BYTES];
	uint64_t highest = 0;
	bool unknown = false;
	enum rt_code code;

	RT_CRASHPOINT("create-before-manifest");
	code = rt_manifest_store_highest(store, &highest, err);
	if (code == RT_OK && highest != 0)
		return rt_err_set(err, RT_EEXIST, "there is a manifest");
	/* A crash may have come between making our directory and its sync. */
	if (code == RT_OK)
		code = rt_fs_sync_dir(store->fs, store->data_dir, err);
	if (code == RT_OK)
		code = write_and_link(store, first, temporary, &unknown, err);
	if (code == RT_EAGAIN)
		code = rt_err_set(err, RT_EEXIST, "there is a manifest");
	if (code != RT_OK)
		return code;
	rt_fs_unlink(store->fs, store->dir, temporary, NULL);
	/* Whoever slept through the whole life of the first generation finds
	 * another database's uuid in the highest. */
	code = load_highest(store, &loaded, NULL, err);
	if (code == RT_OK && memcmp(loaded->database_uuid, first->database_uuid,
		sizeof(first->database_uuid)) != 0)
		code = rt_err_set(err, RT_EEXIST, "there is a manifest");
	rt_manifest_unref(loaded);
	if (code == RT_OK)
		code = rt_manifest_store_sync_dir(store, err);
	return code;
}

enum rt_code
rt_manifest_store_create(struct rt_manifest_store *store, struct rt_err *err)
{
	struct rt_manifest first = {
		.generation = 1,
		.next_daemon_file = 1,
		.next_run_id = 1,
		.wal_floor = 1,
	};
	enum rt_code code;

	code = fill_random(first.database_uuid, sizeof(first.database_uuid),
	    err);
	if (code == RT_OK)
		code = publish_first(store, &first, err);
	if (code != RT_OK)
		rt_err_prefix(err, "new database");
	return code;
}

enum rt_code
rt_manifest_store_begin_copy(struct rt_manifest_store *store,
    const struct rt_manifest *manifest, struct rt_err *err)
{
	enum rt_code code = publish_first(store, manifest, err);

	if (code != RT_OK)
		rt_err_prefix(err, "manifest");
	return code;
}

enum rt_code
rt_manifest_store_sync_dir(struct rt_manifest_store *store, struct rt_err *err)
{
	enum rt_code code = rt_fs_sync_dir(store->fs, store->dir, err);

	return code == RT_OK ? RT_OK : rt_err_prefix(err, "manifest directory");
}

/* -- collecting -- */

struct names {
	uint64_t *generations;
	size_t generations_count;
	char (*temporaries)[RT_PATH_NAME_BYTES];
	size_t temporaries_count;
};

/* Room for one more in an array that doubles at powers of two. */
static void *
grow(void *array, size_t count, size_t bytes)
{
	if ((count & (count - 1)) != 0)
		return array;
	return rt_realloc(array, (count == 0 ? 1 : count * 2) * bytes);
}

/* Exactly what temporary_name() makes. */
static bool
is_temporary(const char *name)
{
	long pid;
	unsigned count;
	uint64_t drawn;
	char again[RT_PATH_NAME_BYTES];

	if (sscanf(name, TEMPORARY_PREFIX "%19ld-%10u-%16" SCNx64, &pid,
		&count, &drawn) != 3)
		return false;
	snprintf(again, sizeof(again), TEMPORARY_PREFIX "%ld-%u-%016" PRIx64,
	    pid, count, drawn);
	return strcmp(again, name) == 0;
}

bool
rt_manifest_store_is_ours(const char *name)
{
	uint64_t generation;

	return rt_path_parse_manifest(name, &generation) || is_temporary(name);
}

static void
note_name(void *arg, const char *name)
{
	struct names *names = arg;
	uint64_t generation;

	if (rt_path_parse_manifest(name, &generation)) {
		names->generations = grow(names->generations,
		    names->generations_count, sizeof(*names->generations));
		names->generations[names->generations_count++] = generation;
	} else if (is_temporary(name)) {
		names->temporaries = grow(names->temporaries,
		    names->temporaries_count, sizeof(*names->temporaries));
		snprintf(names->temporaries[names->temporaries_count++],
		    RT_PATH_NAME_BYTES, "%s", name);
	}
}

static int
compare_generations(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Ascending, and never past one that would not go: step 5 rests on it. */
static enum rt_code
collect_generations(struct rt_manifest_store *store, const struct names *names,
    struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];
	uint64_t highest;
	enum rt_code code;

	if (names->generations_count == 0)
		return RT_OK;
	qsort(names->generations, names->generations_count,
	    sizeof(*names->generations), compare_generations);
	highest = names->generations[names->generations_count - 1];
	for (size_t i = 0; i < names->generations_count; i++) {
		if (highest - names->generations[i] < RT_MANIFESTS_KEPT)
			break;
		RT_CRASHPOINT("collect-before-unlink");
		code = rt_fs_unlink(store->fs, store->dir,
		    rt_path_manifest(name, names->generations[i]), err);
		if (code != RT_OK && code != RT_ENOTFOUND)
			return code;
	}
	return RT_OK;
}

static void
collect_temporaries(struct rt_manifest_store *store, const struct names *names)
{
	int64_t now_ms = rt_clock_wall_ms(rt_clock_system());
	struct stat status;

	for (size_t i = 0; i < names->temporaries_count; i++) {
		const char *name = names->temporaries[i];

		if (store->fs->fstatat(store->fs, store->dir, name,
			&status) == 0 && S_ISREG(status.st_mode) &&
		    now_ms - (int64_t)status.st_mtime * 1000 >
		    TEMPORARY_AGE_MS)
			rt_fs_unlink(store->fs, store->dir, name, NULL);
	}
}

enum rt_code
rt_manifest_store_collect(struct rt_manifest_store *store, struct rt_err *err)
{
	struct names names = { 0 };
	enum rt_code code;

	code = rt_fs_list(store->fs, store->dir, note_name, &names, err);
	/* The generations that stay must outlive a power cut first. */
	if (code == RT_OK)
		code = rt_manifest_store_sync_dir(store, err);
	if (code == RT_OK)
		code = collect_generations(store, &names, err);
	if (code == RT_OK)
		collect_temporaries(store, &names);
	free(names.generations);
	free(names.temporaries);
	if (code == RT_OK)
		rt_err_clear(err);
	return code == RT_OK ? RT_OK : rt_err_prefix(err, "collect manifests");
}
