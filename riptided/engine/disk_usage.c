/* Entries of tables are split by what their makers counted: tombstones; entries
 * of tables in which everything has ended; and of the rest as many as there are
 * keys are live. What is left was deleted, as many as there are tombstones, or
 * else overwritten: a tombstone is written for a key that was there.
 *
 * A table of a checkpoint is a link. While the data directory has the table,
 * too, the checkpoint takes nothing; afterwards the checkpoint alone keeps it,
 * or several do, and then each is told its part. */
#include "riptided/engine/disk_usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"

void
rtd_disk_usage_fini(struct rtd_disk_usage *usage)
{
	free(usage->items);
	*usage = (struct rtd_disk_usage){ .count = 0 };
}

/* Valid until the next one is added. */
static struct rtd_usage_item *
add(struct rtd_disk_usage *usage, const char *what)
{
	struct rtd_usage_item *item;

	if (usage->count == usage->cap) {
		usage->cap = 2 * usage->cap + 16;
		usage->items = rt_realloc(usage->items,
		    usage->cap * sizeof(usage->items[0]));
	}
	item = &usage->items[usage->count++];
	*item = (struct rtd_usage_item){ .bytes = 0 };
	snprintf(item->what, sizeof(item->what), "%s", what);
	return item;
}

static void
add_estimate(struct rtd_disk_usage *usage, const char *what, uint64_t bytes)
{
	struct rtd_usage_item *item = add(usage, what);

	item->bytes = bytes;
	item->is_estimate = true;
}

/* -- what tables hold -- */

struct entries {
	uint64_t bytes, files, all, tombstones, ended;
};

static void
count_table(const struct rt_manifest_table *table, uint64_t now_ms,
    struct entries *entries)
{
	uint64_t puts = table->entries - table->tombstones;

	entries->bytes += table->size;
	entries->files++;
	entries->all += table->entries;
	entries->tombstones += table->tombstones;
	if (table->expire_max_ms != 0 && table->expire_max_ms <= now_ms)
		entries->ended += puts;
}

static uint64_t
part(const struct entries *entries, uint64_t some)
{
	return entries->all == 0 ? 0 : (uint64_t)((double)entries->bytes *
	    ((double)some / (double)entries->all));
}

static void
add_tables(struct rtd_disk_usage *usage, const struct rt_manifest *manifest,
    uint64_t keys, uint64_t now_ms)
{
	struct entries entries = { .bytes = 0 };
	struct rtd_usage_item *item;
	uint64_t rest, live, deleted;

	for (size_t i = 0; i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++)
			count_table(&manifest->runs[i].tables[j], now_ms,
			    &entries);
	rest = entries.all - entries.tombstones;
	if (entries.ended > rest)
		entries.ended = rest;
	rest -= entries.ended;
	live = keys < rest ? keys : rest;
	deleted = rest - live;
	if (deleted > entries.tombstones)
		deleted = entries.tombstones;
	item = add(usage, "tables");
	item->bytes = entries.bytes;
	item->files = entries.files;
	add_estimate(usage, "tables/live", part(&entries, live));
	add_estimate(usage, "tables/expired", part(&entries, entries.ended));
	add_estimate(usage, "tables/tombstones",
	    part(&entries, entries.tombstones));
	add_estimate(usage, "tables/deleted", part(&entries, deleted));
	add_estimate(usage, "tables/overwritten",
	    part(&entries, rest - live - deleted));
}

static void
add_snapshots(struct rtd_engine *engine, struct rtd_disk_usage *usage,
    const struct rt_manifest *manifest)
{
	struct rtd_snapshot **list = NULL;
	size_t count = rtd_snapshot_list(engine, &list);
	uint64_t *bytes = rt_alloc_zero(count + 1, sizeof(*bytes));
	char what[64];

	rtd_snapshots_bytes_held(manifest, list, count, bytes);
	for (size_t i = 0; i < count; i++) {
		snprintf(what, sizeof(what), "tables/pinned-by-snapshot/%"
		    PRIu64, list[i]->id);
		add_estimate(usage, what, bytes[i]);
		rtd_snapshot_unref(list[i]);
	}
	free(bytes);
	free(list);
}

/* -- files -- */

/* A directory that is being looked through. */
struct looking {
	struct rtd_engine *engine;
	int dir;
	const struct rt_manifest *manifest;
	struct rtd_usage_item first, second;	/* what names decide about */
};

static bool
size_of(const struct looking *looking, const char *name, struct stat *status)
{
	struct rt_fs *fs = looking->engine->fs;

	/* It may have gone since it was listed. */
	return fs->fstatat(fs, looking->dir, name, status) >= 0;
}

static void
count(struct rtd_usage_item *item, const struct stat *status)
{
	item->bytes += (uint64_t)status->st_size;
	item->files++;
}

static bool
has_table(const struct rt_manifest *manifest, struct rt_file_id id)
{
	for (size_t i = 0; i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++)
			if (rt_file_id_equal(manifest->runs[i].tables[j].id,
				id))
				return true;
	return false;
}

static bool
is_obsolete(const struct rt_manifest *manifest, struct rt_file_id id)
{
	for (size_t i = 0; i < manifest->obsolete_count; i++)
		if (rt_file_id_equal(manifest->obsolete[i], id))
			return true;
	return false;
}

/* first: obsolete tables; second: those that no manifest names (yet). */
static void
look_at_table(void *arg, const char *name)
{
	struct looking *looking = arg;
	struct rt_file_id id;
	struct stat status;

	if (!rt_path_parse_table(name, &id) ||
	    has_table(looking->manifest, id) ||
	    !size_of(looking, name, &status))
		return;
	count(is_obsolete(looking->manifest, id) ? &looking->first
						 : &looking->second, &status);
}

/* first: segments; second: space that is prepared for those to come. */
static void
look_at_segment(void *arg, const char *name)
{
	struct looking *looking = arg;
	uint64_t number;
	struct stat status;

	if (size_of(looking, name, &status))
		count(rt_path_parse_wal_spare(name, &number)
			? &looking->second : &looking->first, &status);
}

static void
look_at_file(void *arg, const char *name)
{
	struct looking *looking = arg;
	struct stat status;

	if (size_of(looking, name, &status) && S_ISREG(status.st_mode))
		count(strcmp(name, RT_PATH_BALLAST) == 0 ? &looking->second
							 : &looking->first,
		    &status);
}

static enum rt_code
look(struct rtd_engine *engine, struct rtd_disk_usage *usage, int dir,
    void (*each)(void *arg, const char *name),
    const struct rt_manifest *manifest, const char *first, const char *second,
    struct rt_err *err)
{
	struct looking looking = { .engine = engine, .dir = dir,
		.manifest = manifest };
	const char *const names[] = { first, second };
	const struct rtd_usage_item *const items[] = { &looking.first,
		&looking.second };
	enum rt_code code = rt_fs_list(engine->fs, dir, each, &looking, err);

	for (size_t i = 0; code == RT_OK && i < RT_COUNTOF(names); i++) {
		struct rtd_usage_item *item = add(usage, names[i]);

		item->bytes = items[i]->bytes;
		item->files = items[i]->files;
	}
	return code;
}

/* -- checkpoints -- */

/* Their tables that the data directory does not have any more. */
static void
look_at_link(void *arg, const char *name)
{
	struct looking *looking = arg;
	struct rt_file_id id;
	struct stat status;

	if (!rt_path_parse_table(name, &id) || !size_of(looking, name, &status))
		return;
	if (has_table(looking->manifest, id) ||
	    is_obsolete(looking->manifest, id))
		return;
	if (status.st_nlink > 1)
		status.st_size /= (off_t)status.st_nlink;
	count(&looking->first, &status);
}

struct checkpoints {
	struct rtd_engine *engine;
	struct rtd_disk_usage *usage;
	const struct rt_manifest *manifest;
	int dir;
};

/* One that is gone, or is no directory, has nothing. */
static enum rt_code
look_below(struct looking *looking, int parent, const char *name,
    void (*each)(void *arg, const char *name))
{
	struct rt_fs *fs = looking->engine->fs;
	enum rt_code code;

	looking->dir = -1;
	code = rt_fs_open_subdir(fs, parent, name, false, &looking->dir, NULL);
	if (code == RT_OK)
		code = rt_fs_list(fs, looking->dir, each, looking, NULL);
	rt_fs_close(fs, &looking->dir, NULL);
	return code;
}

static void
look_at_checkpoint(void *arg, const char *name)
{
	struct checkpoints *all = arg;
	struct looking looking = { .engine = all->engine,
		.manifest = all->manifest };
	struct rtd_usage_item *item;
	char what[RT_PATH_CHECKPOINT_BYTES + 32];
	int dir = -1;

	if (name[0] == '.' || rt_fs_open_subdir(all->engine->fs, all->dir,
		name, false, &dir, NULL) != RT_OK)
		return;
	if (look_below(&looking, dir, RT_PATH_DIR_SST, look_at_link) == RT_OK &&
	    look_below(&looking, dir, RT_PATH_DIR_MANIFEST, look_at_file) ==
		RT_OK &&
	    look_below(&looking, all->dir, name, look_at_file) == RT_OK) {
		snprintf(what, sizeof(what), "pinned-by-checkpoint/%.60s",
		    name);
		item = add(all->usage, what);
		item->bytes = looking.first.bytes + looking.second.bytes;
		item->files = looking.first.files + looking.second.files;
	}
	rt_fs_close(all->engine->fs, &dir, NULL);
}

static enum rt_code
add_checkpoints(struct rtd_engine *engine, struct rtd_disk_usage *usage,
    const struct rt_manifest *manifest, struct rt_err *err)
{
	struct checkpoints all = { engine, usage, manifest, -1 };
	enum rt_code code;

	code = rt_fs_open_subdir(engine->fs, engine->dir,
	    RT_PATH_DIR_CHECKPOINTS, false, &all.dir, err);
	if (code == RT_OK)
		code = rt_fs_list(engine->fs, all.dir, look_at_checkpoint, &all,
		    err);
	rt_fs_close(engine->fs, &all.dir, NULL);
	return code == RT_ENOTFOUND ? RT_OK : code;
}

/* -- all of it -- */

static enum rt_code
add_manifests(struct rtd_engine *engine, struct rtd_disk_usage *usage,
    struct rt_err *err)
{
	struct looking looking = { .engine = engine, .dir = -1 };
	struct rtd_usage_item *item;
	enum rt_code code;

	code = rt_fs_open_subdir(engine->fs, engine->dir, RT_PATH_DIR_MANIFEST,
	    false, &looking.dir, err);
	if (code == RT_OK)
		code = rt_fs_list(engine->fs, looking.dir, look_at_file,
		    &looking, err);
	rt_fs_close(engine->fs, &looking.dir, NULL);
	item = add(usage, "manifests");
	item->bytes = looking.first.bytes;
	item->files = looking.first.files;
	return code;
}

/* Parts have a / in their name and are counted with what they are a part of. */
static void
add_total(struct rtd_disk_usage *usage)
{
	struct rtd_usage_item total = { .bytes = 0 };
	struct rtd_usage_item *item;

	for (size_t i = 0; i < usage->count; i++) {
		item = &usage->items[i];
		if (strncmp(item->what, "tables/", 7) == 0)
			continue;
		total.bytes += item->bytes;
		total.files += item->files;
	}
	item = add(usage, "total");
	item->bytes = total.bytes;
	item->files = total.files;
}

enum rt_code
rtd_disk_usage_get(struct rtd_engine *engine, uint64_t keys,
    struct rtd_disk_usage *out, struct rt_err *err)
{
	const struct rt_manifest *manifest = rtd_engine_manifest(engine);
	enum rt_code code;

	*out = (struct rtd_disk_usage){ .count = 0 };
	add_tables(out, manifest, keys, rtd_engine_now_ms(engine));
	add_snapshots(engine, out, manifest);
	code = look(engine, out, engine->sst_dir, look_at_table, manifest,
	    "obsolete-tables", "tables-under-way", err);
	if (code == RT_OK)
		code = look(engine, out, engine->wal_dir, look_at_segment,
		    manifest, "log", "log-spare", err);
	if (code == RT_OK)
		code = add_manifests(engine, out, err);
	if (code == RT_OK)
		code = look(engine, out, engine->dir, look_at_file, manifest,
		    "other-files", "ballast", err);
	if (code == RT_OK)
		code = add_checkpoints(engine, out, manifest, err);
	add_total(out);
	rt_manifest_unref(manifest);
	return code;
}
