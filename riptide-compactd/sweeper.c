#include "riptide-compactd/sweeper.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/dirlock.h"

struct listing {
	struct rt_file_id *ids;
	size_t count, cap;
	uint64_t epoch;
};

static void
note_table(void *arg, const char *name)
{
	struct listing *listing = arg;
	struct rt_file_id id;

	if (!rt_path_parse_table(name, &id) || id.maker_epoch == 0 ||
	    id.maker_epoch >= listing->epoch)
		return;
	if (listing->count == listing->cap) {
		listing->cap = listing->cap * 2 + 64;
		listing->ids = rt_realloc(listing->ids,
		    listing->cap * sizeof(listing->ids[0]));
	}
	listing->ids[listing->count++] = id;
}

static bool
is_obsolete(const struct rt_manifest *manifest, struct rt_file_id id)
{
	for (size_t i = 0; i < manifest->obsolete_count; i++)
		if (rt_file_id_equal(manifest->obsolete[i], id))
			return true;
	return false;
}

/* True when the file is gone now and was there before. */
static bool
unlink_table(struct rt_fs *fs, int sst, struct rt_file_id id)
{
	char name[RT_PATH_NAME_BYTES];

	RT_CRASHPOINT("sweep-before-unlink");
	return rt_fs_unlink(fs, sst, rt_path_table(name, id), NULL) == RT_OK;
}

enum rt_code
rtc_sweeper_sweep(struct rt_fs *fs, int sst, const struct rt_manifest *manifest,
    uint64_t epoch, size_t *removed, struct rt_err *err)
{
	struct listing listing = { .epoch = epoch };
	enum rt_code code;

	rt_assert(manifest->compactor_epoch >= epoch);
	*removed = 0;
	code = rt_fs_list(fs, sst, note_table, &listing, err);
	for (size_t i = 0; code == RT_OK && i < listing.count; i++) {
		struct rt_file_id id = listing.ids[i];

		if (rt_manifest_find(manifest, id, NULL) == NULL &&
		    !is_obsolete(manifest, id))
			*removed += unlink_table(fs, sst, id);
	}
	free(listing.ids);
	return code;
}

enum rt_code
rtc_sweeper_drain(struct rt_fs *fs, int dir, int sst,
    struct rt_manifest_store *store, uint64_t *drained, size_t *removed,
    struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	enum rt_code code;
	bool held = false;
	pid_t pid;

	*removed = 0;
	code = rt_manifest_store_load(store, &manifest, err);
	if (code != RT_OK || manifest->generation == *drained ||
	    manifest->obsolete_count == 0)
		goto out;
	code = rt_manifest_store_sync_dir(store, err);
	if (code == RT_OK)
		code = rt_dirlock_probe(fs, dir, RT_PATH_LOCK_DAEMON, &held,
		    &pid, err);
	/* That file may have been removed; the directory is locked, too. */
	if (code == RT_OK && !held)
		code = rt_dirlock_probe(fs, dir, ".", &held, &pid, err);
	if (code != RT_OK || held)
		goto out;
	/* W2: looked at in this order, no view of any daemon has them. */
	for (size_t i = 0; i < manifest->obsolete_count; i++)
		*removed += unlink_table(fs, sst, manifest->obsolete[i]);
	*drained = manifest->generation;
out:
	rt_manifest_unref(manifest);
	return code;
}
