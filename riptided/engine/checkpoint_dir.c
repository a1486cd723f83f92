/* What is made, in this order, below checkpoints/.tmp-<name>/:
 *
 *	sst/<table>		a hard link to each table of the manifest
 *	wal/			empty
 *	manifest/MANIFEST-<g>	the manifest
 *	CHECKSUMS		of all those files (libcommon/os/checksums.h)
 *
 * Every directory is synced after its last entry, then the whole is renamed to
 * <name> and checkpoints/ is synced. The tables themselves were synced before
 * any manifest named them, and their checksums are those that their maker
 * computed: no table is read. */
#include "riptided/engine/checkpoint_dir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/manifest/manifest_codec.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/checksums.h"
#include "libcommon/os/crashpoint.h"

/* -- taking away -- */

/* Names of a directory that are ours to unlink. */
struct names {
	bool (*is_ours)(const char *name);
	char **all;
	size_t count, cap;
};

static void
note_name(void *arg, const char *name)
{
	struct names *names = arg;

	if (!names->is_ours(name))
		return;
	if (names->count == names->cap) {
		names->cap = names->cap * 2 + 16;
		names->all = rt_realloc(names->all,
		    names->cap * sizeof(names->all[0]));
	}
	names->all[names->count++] = rt_strdup(name);
}

static void
names_fini(struct names *names)
{
	while (names->count > 0)
		free(names->all[--names->count]);
	free(names->all);
}

static bool
is_table(const char *name)
{
	struct rt_file_id id;

	return rt_path_parse_table(name, &id);
}

/* Directory `name` with the files in it that are ours. What is not ours keeps
 * the directory from being removed. */
static enum rt_code
remove_subdir(struct rt_fs *fs, int parent, const char *name,
    bool (*is_ours)(const char *name), struct rt_err *err)
{
	struct names names = { .is_ours = is_ours };
	enum rt_code code;
	int dir = -1;

	code = rt_fs_open_subdir(fs, parent, name, false, &dir, err);
	if (code == RT_OK)
		code = rt_fs_list(fs, dir, note_name, &names, err);
	for (size_t i = 0; i < names.count && code == RT_OK; i++)
		code = rt_fs_unlink(fs, dir, names.all[i], err);
	names_fini(&names);
	rt_fs_close(fs, &dir, NULL);
	if (code == RT_OK)
		code = rt_fs_remove_dir(fs, parent, name, err);
	return code == RT_ENOTFOUND ? RT_OK : code;
}

static bool
is_nothing(const char *name)
{
	return false;
}

/* A half-made checkpoint. checkpoints: the open directory. */
static enum rt_code
remove_part(struct rt_fs *fs, int checkpoints, const char *part,
    struct rt_err *err)
{
	enum rt_code code;
	int dir = -1;

	code = rt_fs_open_subdir(fs, checkpoints, part, false, &dir, err);
	if (code == RT_OK)
		code = remove_subdir(fs, dir, RT_PATH_DIR_SST, is_table, err);
	if (code == RT_OK)
		code = remove_subdir(fs, dir, RT_PATH_DIR_WAL, is_nothing, err);
	if (code == RT_OK)
		code = remove_subdir(fs, dir, RT_PATH_DIR_MANIFEST,
		    rt_manifest_store_is_ours, err);
	if (code == RT_OK) {
		code = rt_fs_unlink(fs, dir, RT_PATH_CHECKSUMS, err);
		if (code == RT_ENOTFOUND)
			code = RT_OK;
	}
	rt_fs_close(fs, &dir, NULL);
	if (code == RT_OK)
		code = rt_fs_remove_dir(fs, checkpoints, part, err);
	return code;
}

static void
sweep(struct rt_fs *fs, int checkpoints)
{
	struct names names = { .is_ours = rt_path_is_checkpoint_part };
	struct rt_err err = { 0 };

	if (rt_fs_list(fs, checkpoints, note_name, &names, &err) != RT_OK)
		rt_log(RT_LOG_WARNING, "checkpoint",
		    "half-made checkpoints not looked for", "error=\"%s\"",
		    err.text);
	for (size_t i = 0; i < names.count; i++) {
		if (remove_part(fs, checkpoints, names.all[i], &err) == RT_OK)
			rt_log(RT_LOG_NOTICE, "checkpoint",
			    "half-made checkpoint removed",
			    "directory=checkpoints/%s", names.all[i]);
		else
			rt_log(RT_LOG_WARNING, "checkpoint",
			    "half-made checkpoint not removed",
			    "directory=checkpoints/%s error=\"%s\"",
			    names.all[i], err.text);
	}
	names_fini(&names);
}

void
rtd_checkpoint_dir_sweep(struct rt_fs *fs, int dir)
{
	int checkpoints = -1;

	/* Mostly there is none; what else is wrong with it is told to whoever
	 * makes a checkpoint. */
	if (rt_fs_open_subdir(fs, dir, RT_PATH_DIR_CHECKPOINTS, false,
		&checkpoints, NULL) == RT_OK)
		sweep(fs, checkpoints);
	rt_fs_close(fs, &checkpoints, NULL);
}

/* -- making -- */

/* In words that help, where the system's do not. */
static enum rt_code
link_failed(struct rt_err *err)
{
	if (err->os_errno == EXDEV)
		rt_err_prefix(err, "checkpoints/ and sst/ are not on one file "
		    "system, and hard links do not reach farther");
	else if (err->os_errno == EPERM || err->os_errno == EOPNOTSUPP)
		rt_err_prefix(err, "this file system may have no hard links");
	return err->code;
}

/* A link to one table, with the size that the manifest tells. */
static enum rt_code
link_table(const struct rtd_checkpoint_dir *make, int sst,
    const struct rt_manifest_table *table, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];
	struct stat status;
	enum rt_code code;
	int result;

	if (make->stop != NULL && atomic_load(make->stop))
		return rt_err_set(err, RT_ESTOPPED, "the server stops");
	rt_path_table(name, table->id);
	code = rt_fs_link_into(make->fs, make->sst_dir, name, sst, err);
	if (code != RT_OK)
		return link_failed(err);
	result = make->fs->fstatat(make->fs, sst, name, &status);
	if (result < 0)
		return rt_err_set_errno(err, -result, "look at %s", name);
	if ((uint64_t)status.st_size != table->size)
		return rt_err_set(err, RT_EDAMAGED, "sst/%s has %lld bytes, "
		    "and the manifest says %" PRIu64, name,
		    (long long)status.st_size, table->size);
	return RT_OK;
}

static enum rt_code
link_tables(const struct rtd_checkpoint_dir *make, int part,
    struct rt_buf *list, struct rt_err *err)
{
	const struct rt_manifest *manifest = make->manifest;
	enum rt_code code;
	int sst = -1;

	code = rt_fs_make_dir(make->fs, part, RT_PATH_DIR_SST, err);
	if (code == RT_OK)
		code = rt_fs_open_subdir(make->fs, part, RT_PATH_DIR_SST,
		    false, &sst, err);
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count && code == RT_OK;
		     j++) {
			char name[RT_PATH_NAME_BYTES];

			code = link_table(make, sst, &run->tables[j], err);
			rt_checksums_put(list, RT_PATH_DIR_SST,
			    rt_path_table(name, run->tables[j].id),
			    run->tables[j].crc32c);
		}
	}
	if (code == RT_OK)
		code = rt_fs_sync_dir(make->fs, sst, err);
	rt_fs_close(make->fs, &sst, NULL);
	return code;
}

static enum rt_code
write_manifest(const struct rtd_checkpoint_dir *make, int part,
    struct rt_buf *list, struct rt_err *err)
{
	struct rt_manifest_store *store = NULL;
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf bytes = { 0 };
	enum rt_code code;

	code = rt_fs_make_dir(make->fs, part, RT_PATH_DIR_MANIFEST, err);
	if (code == RT_OK)
		code = rt_manifest_store_open(&store, make->fs, part, false,
		    err);
	if (code == RT_OK)
		code = rt_manifest_store_begin_copy(store, make->manifest, err);
	rt_manifest_store_close(store);
	if (code == RT_OK)
		code = rt_manifest_encode(make->manifest, &bytes, err);
	if (code == RT_OK)
		rt_checksums_put(list, RT_PATH_DIR_MANIFEST,
		    rt_path_manifest(name, make->manifest->generation),
		    rt_crc32c(0, bytes.data, bytes.len));
	rt_buf_fini(&bytes);
	return code;
}

/* Everything in it, and durable. part: the open directory. */
static enum rt_code
fill(const struct rtd_checkpoint_dir *make, int part, struct rt_err *err)
{
	struct rt_buf list = { 0 };
	enum rt_code code;

	code = link_tables(make, part, &list, err);
	RT_CRASHPOINT("checkpoint-linked");
	if (code == RT_OK)
		code = rt_fs_make_dir(make->fs, part, RT_PATH_DIR_WAL, err);
	if (code == RT_OK)
		code = write_manifest(make, part, &list, err);
	if (code == RT_OK)
		code = rt_fs_write_file(make->fs, part, RT_PATH_CHECKSUMS,
		    rt_buf_slice(&list), err);
	if (code == RT_OK)
		code = rt_fs_sync_dir(make->fs, part, err);
	rt_buf_fini(&list);
	return code;
}

/* Give the whole its name, durably. On an error *named says whether it may have
 * it all the same: an error may come after the deed, and the way back may be
 * barred, too. */
static enum rt_code
settle(const struct rtd_checkpoint_dir *make, int checkpoints,
    const char *part, bool *named, struct rt_err *err)
{
	enum rt_code code;

	RT_CRASHPOINT("checkpoint-before-rename");
	code = rt_fs_rename(make->fs, checkpoints, part, make->name, err);
	if (code == RT_OK) {
		RT_CRASHPOINT("checkpoint-after-rename");
		code = rt_fs_sync_dir(make->fs, checkpoints, err);
	}
	if (code == RT_OK)
		return RT_OK;
	/* This replaces nothing: while the part is there it is not empty. */
	if (rt_fs_rename(make->fs, checkpoints, make->name, part, NULL) !=
	    RT_OK && rt_fs_exists(make->fs, checkpoints, make->name, named,
	    NULL) != RT_OK)
		*named = true;
	return code;
}

static enum rt_code
make_part(const struct rtd_checkpoint_dir *make, int checkpoints,
    struct rt_err *err)
{
	char part[RT_PATH_CHECKPOINT_BYTES];
	bool named = false;
	enum rt_code code;
	int dir = -1;

	rt_path_checkpoint_part(part, make->name);
	code = rt_fs_make_dir(make->fs, checkpoints, part, err);
	if (code != RT_OK)
		return code;
	code = rt_fs_open_subdir(make->fs, checkpoints, part, false, &dir, err);
	if (code == RT_OK)
		code = fill(make, dir, err);
	rt_fs_close(make->fs, &dir, NULL);
	if (code == RT_OK)
		code = settle(make, checkpoints, part, &named, err);
	if (code != RT_OK && named)
		rt_err_prefix(err, "checkpoints/%s is there, but a power cut "
		    "may take it away", make->name);
	else if (code != RT_OK)
		remove_part(make->fs, checkpoints, part, NULL);
	return code;
}

enum rt_code
rtd_checkpoint_dir_make(const struct rtd_checkpoint_dir *make,
    struct rt_err *err)
{
	struct rt_err local = { .code = RT_OK };
	bool exists = false;
	enum rt_code code;
	int dir = -1;

	code = rt_fs_open_subdir(make->fs, make->dir, RT_PATH_DIR_CHECKPOINTS,
	    true, &dir, &local);
	if (code == RT_OK)
		code = rt_fs_exists(make->fs, dir, make->name, &exists, &local);
	if (exists) {
		code = rt_err_set(&local, RT_EEXIST,
		    "checkpoint '%s' already exists", make->name);
		goto out;
	}
	if (code == RT_OK) {
		sweep(make->fs, dir);
		code = make_part(make, dir, &local);
	}
	if (code != RT_OK)
		rt_err_prefix(&local, "checkpoint '%s' not made", make->name);
out:
	rt_fs_close(make->fs, &dir, NULL);
	if (code != RT_OK && err != NULL)
		*err = local;
	return code;
}
