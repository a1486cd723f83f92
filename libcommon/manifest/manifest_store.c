/* manifest_store: numbered, immutable manifests, and link(2) as the
 * compare-and-swap between two processes that hold no common lock.
 *
 * To publish: load the highest generation g; apply the edit to it; write
 * and sync a temporary file; link it to the name of g + 1. EEXIST means that
 * somebody else made g + 1: start over on that. Since names are removed in
 * ascending order, a link that succeeded while g's own name still exists has
 * made a name that was never used before, and the publish is committed. When
 * g's name is gone we may have slept while others went on and the collector
 * followed them: then our name may be one that existed, was superseded and was
 * removed, and the edit is looked for in what is now the highest: there, or
 * not, and then we start over.
 *
 * What makes it durable: the file is synced before it is linked, the directory
 * after. Nobody unlinks anything that a generation allows to go before that
 * generation's directory is synced. A reader takes the highest name; that one
 * is never removed, so a file that is gone when it is opened means that there
 * is a higher one, and the directory is listed again.
 *
 * An error between link and the directory's sync leaves the outcome unknown:
 * the name is there now, and may or may not be there after a power cut. The
 * caller is told, and must not undo anything. */
#include "libcommon/manifest/manifest_store.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_codec.h"
#include "libcommon/os/crashpoint.h"

#define TEMPORARY_PREFIX "tmp-"
#define TEMPORARY_AGE_S 3600
/* Each time somebody else publishes, one of us two gets on: this many losses in
 * a row mean that something else is wrong. */
#define TRIES_MAX 1000

struct rt_manifest_store {
	struct rt_fs *fs;
	int dir;		/* manifest/ */
	struct rt_buf bytes;	/* scratch */
};

enum rt_code
rt_manifest_store_open(struct rt_manifest_store **out, struct rt_fs *fs,
    int dir, bool create, struct rt_err *err)
{
	struct rt_manifest_store *store;
	enum rt_code code;
	int fd = -1;

	code = rt_fs_open_subdir(fs, dir, RT_PATH_DIR_MANIFEST, create, &fd,
	    err);
	if (code != RT_OK)
		return code;
	store = rt_alloc_zero(1, sizeof(*store));
	store->fs = fs;
	store->dir = fd;
	*out = store;
	return RT_OK;
}

void
rt_manifest_store_close(struct rt_manifest_store *store)
{
	if (store == NULL)
		return;
	rt_fs_close(store->fs, &store->dir, NULL);
	rt_buf_fini(&store->bytes);
	free(store);
}

/* -- reading -- */

static void
note_highest(void *arg, const char *name)
{
	uint64_t generation, *highest = arg;

	if (rt_path_parse_manifest(name, &generation) && generation > *highest)
		*highest = generation;
}

enum rt_code
rt_manifest_store_highest(struct rt_manifest_store *store, uint64_t *generation,
    struct rt_err *err)
{
	*generation = 0;
	return rt_fs_list(store->fs, store->dir, note_highest, generation, err);
}

enum rt_code
rt_manifest_store_load_generation(struct rt_manifest_store *store,
    uint64_t generation, const struct rt_manifest **out, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = rt_fs_read_file(store->fs, store->dir,
	    rt_path_manifest(name, generation), RT_MANIFEST_BYTES_MAX,
	    &store->bytes, err);
	if (code == RT_ELIMIT) {
		rt_err_prefix(err, "damaged");
		if (err != NULL)
			err->code = RT_EDAMAGED;
		return RT_EDAMAGED;
	}
	if (code != RT_OK)
		return code;
	code = rt_manifest_decode(rt_buf_slice(&store->bytes), &manifest, err);
	if (code == RT_OK && manifest->generation != generation) {
		code = rt_err_set(err, RT_EDAMAGED,
		    "holds generation %" PRIu64, manifest->generation);
		rt_manifest_unref(manifest);
	}
	if (code != RT_OK) {
		rt_err_prefix(err, RT_PATH_DIR_MANIFEST "/%s", name);
		return code;
	}
	*out = manifest;
	return RT_OK;
}

enum rt_code
rt_manifest_store_load(struct rt_manifest_store *store,
    const struct rt_manifest **out, struct rt_err *err)
{
	for (unsigned i = 0; i < TRIES_MAX; i++) {
		uint64_t highest;
		enum rt_code code =
		    rt_manifest_store_highest(store, &highest, err);

		if (code == RT_OK && highest == 0)
			code = rt_err_set(err, RT_ENOTFOUND,
			    "there is no manifest");
		if (code != RT_OK)
			return code;
		code = rt_manifest_store_load_generation(store, highest, out,
		    err);
		if (code != RT_ENOTFOUND)
			return code;
		/* Superseded and removed since the listing. */
	}
	return rt_err_set(err, RT_EIO,
	    "the newest manifest vanishes each time it is opened");
}

/* -- publishing -- */

static char *
temporary_name(char out[RT_PATH_NAME_BYTES])
{
	static _Atomic unsigned counter;
	uint32_t noise = 0;

	rt_assert(getrandom(&noise, sizeof(noise), 0) == sizeof(noise));
	snprintf(out, RT_PATH_NAME_BYTES, TEMPORARY_PREFIX "%ld-%u-%08" PRIx32,
	    (long)getpid(), atomic_fetch_add(&counter, 1), noise);
	return out;
}

enum outcome { LINKED, TAKEN, FAILED };

/* Write `next` under a temporary name and link it to its own. */
static enum outcome
link_next(struct rt_manifest_store *store, const struct rt_manifest *next,
    enum rt_code *code, struct rt_err *err)
{
	char temporary[RT_PATH_NAME_BYTES], name[RT_PATH_NAME_BYTES];

	rt_buf_clear(&store->bytes);
	*code = rt_manifest_encode(next, &store->bytes, err);
	if (*code != RT_OK)
		return FAILED;
	*code = rt_fs_write_file(store->fs, store->dir,
	    temporary_name(temporary), rt_buf_slice(&store->bytes), err);
	if (*code != RT_OK)
		return FAILED;
	RT_CRASHPOINT("publish-before-link");
	*code = rt_fs_link(store->fs, store->dir, temporary,
	    rt_path_manifest(name, next->generation), err);
	RT_CRASHPOINT("publish-after-link");
	rt_fs_unlink(store->fs, store->dir, temporary, NULL);
	if (*code == RT_OK)
		return LINKED;
	return *code == RT_EEXIST ? TAKEN : FAILED;
}

static enum rt_code
sync_published(struct rt_manifest_store *store, bool *unknown,
    struct rt_err *err)
{
	enum rt_code code = rt_fs_sync_dir(store->fs, store->dir, err);

	*unknown = code != RT_OK;
	RT_CRASHPOINT("publish-after-sync");
	return code;
}

/* The base's name is gone: are we in what is now the highest? */
static enum rt_code
look_again(struct rt_manifest_store *store,
    const struct rt_manifest_edit *edit, const struct rt_manifest **found,
    bool *unknown, struct rt_err *err)
{
	const struct rt_manifest *highest = NULL;
	enum rt_code code = rt_manifest_store_load(store, &highest, err);

	*unknown = code != RT_OK;
	*found = NULL;
	if (code != RT_OK)
		return code;
	if (rt_manifest_edit_is_in(edit, highest))
		*found = highest;
	else
		rt_manifest_unref(highest);
	return RT_OK;
}

/* One try. *done: it is over, well or badly. */
static enum rt_code
try_publish(struct rt_manifest_store *store,
    const struct rt_manifest_edit *edit, const struct rt_manifest **published,
    bool *done, bool *unknown, struct rt_err *err)
{
	const struct rt_manifest *base = NULL, *next = NULL;
	char name[RT_PATH_NAME_BYTES];
	bool base_there = false;
	enum rt_code code;

	*done = true;
	*published = NULL;
	code = rt_manifest_store_load(store, &base, err);
	if (code == RT_OK && !rt_manifest_may_publish(base))
		code = rt_err_set(err, RT_EFORMAT,
		    "a newer program allows this one to read only");
	if (code == RT_OK)
		code = rt_manifest_edit_apply(edit, base, &next, err);
	if (code != RT_OK)
		goto out;
	switch (link_next(store, next, &code, err)) {
	case TAKEN:
		*done = false;
		goto out;
	case FAILED:
		goto out;
	case LINKED:
		break;
	}
	code = rt_fs_exists(store->fs, store->dir,
	    rt_path_manifest(name, base->generation), &base_there, err);
	*unknown = code != RT_OK;
	if (code == RT_OK && base_there)
		*published = rt_manifest_ref(next);
	else if (code == RT_OK)
		code = look_again(store, edit, published, unknown, err);
	if (code == RT_OK && *published == NULL)
		*done = false;
	else if (code == RT_OK)
		code = sync_published(store, unknown, err);
out:
	rt_manifest_unref(base);
	rt_manifest_unref(next);
	return code;
}

enum rt_code
rt_manifest_store_publish(struct rt_manifest_store *store,
    const struct rt_manifest_edit *edit, const struct rt_manifest **out,
    bool *unknown, struct rt_err *err)
{
	const struct rt_manifest *published = NULL;
	bool done = false, is_unknown = false;
	enum rt_code code = RT_OK;

	for (unsigned i = 0; i < TRIES_MAX && !done; i++)
		code = try_publish(store, edit, &published, &done, &is_unknown,
		    err);
	if (!done)
		code = rt_err_set(err, RT_EIO,
		    "other publishers were faster %d times", TRIES_MAX);
	if (unknown != NULL)
		*unknown = is_unknown;
	if (code != RT_OK) {
		rt_manifest_unref(published);
		rt_err_prefix(err, "publish");
		return code;
	}
	if (out != NULL)
		*out = published;
	else
		rt_manifest_unref(published);
	return RT_OK;
}

enum rt_code
rt_manifest_store_create(struct rt_manifest_store *store, struct rt_err *err)
{
	struct rt_manifest *first;
	uint64_t highest;
	enum rt_code code;

	code = rt_manifest_store_highest(store, &highest, err);
	if (code != RT_OK)
		return code;
	if (highest != 0)
		return rt_err_set(err, RT_EEXIST, "there is a manifest already");
	first = rt_manifest_build_new();
	first->generation = 1;
	first->next_daemon_file = 1;
	first->next_run_id = 1;
	rt_assert(getrandom(first->database_uuid,
	    sizeof(first->database_uuid), 0) ==
	    (ssize_t)sizeof(first->database_uuid));
	link_next(store, first, &code, err);
	if (code == RT_OK)
		code = rt_fs_sync_dir(store->fs, store->dir, err);
	rt_manifest_unref(first);
	if (code != RT_OK)
		rt_err_prefix(err, "create the manifest");
	return code;
}

enum rt_code
rt_manifest_store_sync_dir(struct rt_manifest_store *store, struct rt_err *err)
{
	return rt_fs_sync_dir(store->fs, store->dir, err);
}

/* -- collecting -- */

struct listing {
	uint64_t *generations;
	size_t count, cap;
	char (*temporaries)[RT_PATH_NAME_BYTES];
	size_t temporaries_count;
};

static void
note_file(void *arg, const char *name)
{
	struct listing *listing = arg;
	uint64_t generation;

	if (rt_path_parse_manifest(name, &generation)) {
		if (listing->count == listing->cap) {
			listing->cap = listing->cap * 2 + 32;
			listing->generations = rt_realloc(listing->generations,
			    listing->cap * sizeof(listing->generations[0]));
		}
		listing->generations[listing->count++] = generation;
	} else if (strncmp(name, TEMPORARY_PREFIX,
		       strlen(TEMPORARY_PREFIX)) == 0 &&
	    strlen(name) < RT_PATH_NAME_BYTES) {
		listing->temporaries = rt_realloc(listing->temporaries,
		    (listing->temporaries_count + 1) *
			sizeof(listing->temporaries[0]));
		strcpy(listing->temporaries[listing->temporaries_count++],
		    name);
	}
}

static int
compare_generations(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* A temporary file whose publisher died. A live one needs its own for less
 * than a second, unless it is stopped; if its file is taken from under it, its
 * link fails and it publishes nothing: an hour is for tidiness, not safety. */
static void
collect_temporaries(struct rt_manifest_store *store,
    const struct listing *listing)
{
	time_t now = time(NULL);

	for (size_t i = 0; i < listing->temporaries_count; i++) {
		const char *name = listing->temporaries[i];
		struct stat status;

		if (store->fs->fstatat(store->fs, store->dir, name, &status) ==
			0 && S_ISREG(status.st_mode) &&
		    status.st_mtime + TEMPORARY_AGE_S < now)
			rt_fs_unlink(store->fs, store->dir, name, NULL);
	}
}

enum rt_code
rt_manifest_store_collect(struct rt_manifest_store *store, struct rt_err *err)
{
	struct listing listing = { 0 };
	enum rt_code code;

	code = rt_fs_list(store->fs, store->dir, note_file, &listing, err);
	if (code == RT_OK && listing.count > RT_MANIFESTS_KEPT) {
		qsort(listing.generations, listing.count,
		    sizeof(listing.generations[0]), compare_generations);
		code = rt_fs_sync_dir(store->fs, store->dir, err);
		for (size_t i = 0; code == RT_OK &&
		    i + RT_MANIFESTS_KEPT < listing.count; i++) {
			char name[RT_PATH_NAME_BYTES];

			code = rt_fs_unlink(store->fs, store->dir,
			    rt_path_manifest(name, listing.generations[i]),
			    err);
			/* Lowest first: after a failure the rest must stay. */
			if (code == RT_ENOTFOUND)
				code = RT_OK;
		}
	}
	if (code == RT_OK)
		collect_temporaries(store, &listing);
	free(listing.generations);
	free(listing.temporaries);
	return code;
}
