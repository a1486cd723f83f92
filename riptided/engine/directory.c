/* directory: what stands in a data directory before the engine uses it: is it
 * ours, is it new, does another daemon have it, what else is in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/network_fs.h"
#include "riptided/engine/engine_state.h"

/* What the directory holds before we touch it. */
struct contents {
	bool ours;		/* the database's own names */
	bool other;
	char other_name[64];
	const char *logfile;
};

/* Names of each directory that are told of; more are counted. */
#define FOREIGN_TOLD_MAX 20

static void
note_entry(void *arg, const char *name)
{
	static const char *const own[] = { RT_PATH_DIR_MANIFEST,
		RT_PATH_DIR_WAL, RT_PATH_DIR_SST };
	static const char *const harmless[] = { RT_PATH_LOCK_DAEMON,
		RT_PATH_LOCK_COMPACTOR, RT_PATH_COMPACTOR_STATUS,
		RT_PATH_COMPACTOR_STATUS_TMP, RT_PATH_PROGRESS,
		RT_PATH_PROGRESS_TMP, RT_PATH_BALLAST,
		RT_PATH_CHECKSUMS, "lost+found", RT_PATH_DIR_CHECKPOINTS };
	struct contents *contents = arg;

	for (size_t i = 0; i < RT_COUNTOF(own); i++)
		if (strcmp(name, own[i]) == 0) {
			contents->ours = true;
			return;
		}
	for (size_t i = 0; i < RT_COUNTOF(harmless); i++)
		if (strcmp(name, harmless[i]) == 0)
			return;
	if (contents->logfile != NULL && strcmp(name, contents->logfile) == 0)
		return;
	contents->other = true;
	snprintf(contents->other_name, sizeof(contents->other_name), "%s",
	    name);
}

/* The log may stand in the data directory and be there first. */
static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static enum rt_code
check_directory(struct rtd_engine *engine, struct rt_err *err)
{
	struct contents contents = {
		.logfile = base_name(engine->config->logfile),
	};
	struct stat status;
	enum rt_code code;
	int result;

	result = engine->fs->fstat(engine->fs, engine->dir, &status);
	if (result < 0)
		return rt_err_set_errno(err, -result, "look at %s",
		    engine->config->dir);
	if ((status.st_mode & S_IWOTH) != 0)
		return rt_err_set(err, RT_EREADONLY,
		    "%s may be written by everybody: chmod o-w it",
		    engine->config->dir);
	code = rt_fs_list(engine->fs, engine->dir, note_entry, &contents, err);
	if (code != RT_OK)
		return code;
	if (!contents.ours && contents.other)
		return rt_err_set(err, RT_EEXIST,
		    "%s is not a database and not empty (it holds %s): "
		    "choose an empty directory", engine->config->dir,
		    contents.other_name);
	return RT_OK;
}

/* -- what is not ours -- */

struct foreign {
	const char *subdir;		/* "" for the data directory itself */
	const char *logfile;
	size_t count;
};

static bool
is_ours(const struct foreign *foreign, const char *name)
{
	struct contents contents = { .logfile = foreign->logfile };
	struct rt_file_id id;
	uint64_t number;

	if (strcmp(foreign->subdir, RT_PATH_DIR_WAL "/") == 0)
		return rt_path_parse_wal(name, &number) ||
		    rt_path_parse_wal_spare(name, &number);
	if (strcmp(foreign->subdir, RT_PATH_DIR_SST "/") == 0)
		return rt_path_parse_table(name, &id);
	if (strcmp(foreign->subdir, RT_PATH_DIR_MANIFEST "/") == 0)
		return rt_path_parse_manifest(name, &number) ||
		    rt_manifest_store_is_ours(name);
	note_entry(&contents, name);
	return !contents.other;
}

static void
note_foreign(void *arg, const char *name)
{
	struct foreign *foreign = arg;

	if (is_ours(foreign, name))
		return;
	if (foreign->count++ < FOREIGN_TOLD_MAX)
		rt_log(RT_LOG_NOTICE, "recovery", "not ours and left alone",
		    "path=\"%s%s\"", foreign->subdir, name);
}

/* For information: what has no name of ours is never opened or removed, and a
 * directory that cannot be listed shows when it is used. */
static void
tell_foreign(const struct rtd_engine *engine, int dir, const char *subdir)
{
	struct foreign foreign = {
		.subdir = subdir,
		.logfile = base_name(engine->config->logfile),
	};

	if (rt_fs_list(engine->fs, dir, note_foreign, &foreign, NULL) ==
	    RT_OK && foreign.count > FOREIGN_TOLD_MAX)
		rt_log(RT_LOG_NOTICE, "recovery",
		    "more that is not ours and left alone",
		    "directory=\"%s\" count=%zu", subdir,
		    foreign.count - FOREIGN_TOLD_MAX);
}

static void
tell_all_foreign(const struct rtd_engine *engine)
{
	int manifests = -1;

	tell_foreign(engine, engine->dir, "");
	tell_foreign(engine, engine->wal_dir, RT_PATH_DIR_WAL "/");
	tell_foreign(engine, engine->sst_dir, RT_PATH_DIR_SST "/");
	if (rt_fs_open_subdir(engine->fs, engine->dir, RT_PATH_DIR_MANIFEST,
		false, &manifests, NULL) != RT_OK)
		return;
	tell_foreign(engine, manifests, RT_PATH_DIR_MANIFEST "/");
	rt_fs_close(engine->fs, &manifests, NULL);
}

/* -- is it new -- */

static void
note_any(void *arg, const char *name)
{
	*(bool *)arg = true;
}

/* The name of a new database stands in the directory above. One that we may not
 * look into was made by someone else, and so was the name. */
static enum rt_code
sync_name(struct rtd_engine *engine, struct rt_err *err)
{
	enum rt_code code;
	int parent = -1;

	if (rt_fs_open_subdir(engine->fs, engine->dir, "..", false, &parent,
		NULL) != RT_OK)
		return RT_OK;
	code = rt_fs_sync_dir(engine->fs, parent, err);
	rt_fs_close(engine->fs, &parent, NULL);
	if (code != RT_OK)
		rt_err_prefix(err, "the directory above %s",
		    engine->config->dir);
	return code;
}

/* A first start that was cut short leaves empty directories and no manifest;
 * it is begun anew. With anything in them it is a database that lost its
 * manifest, which is for recovery to refuse. */
static enum rt_code
create_if_new(struct rtd_engine *engine, struct rt_err *err)
{
	uint64_t highest = 0;
	bool used = false;
	enum rt_code code;

	code = rt_manifest_store_highest(engine->flush_store, &highest, err);
	if (code == RT_OK && highest == 0)
		code = rt_fs_list(engine->fs, engine->wal_dir, note_any, &used,
		    err);
	if (code == RT_OK && highest == 0)
		code = rt_fs_list(engine->fs, engine->sst_dir, note_any, &used,
		    err);
	if (code == RT_OK && highest == 0 && !used)
		code = sync_name(engine, err);
	if (code == RT_OK && highest == 0 && !used)
		code = rt_manifest_store_create(engine->flush_store, err);
	return code;
}

static enum rt_code
open_directory(struct rtd_engine *engine, struct rt_err *err)
{
	enum rt_code code;
	int result;

	result = engine->fs->mkdirat(engine->fs, AT_FDCWD, engine->config->dir,
	    0700);
	if (result < 0 && result != -EEXIST)
		return rt_err_set_errno(err, -result, "make data directory %s",
		    engine->config->dir);
	code = rt_fs_open_dir(engine->fs, engine->config->dir, &engine->dir,
	    err);
	if (code != RT_OK)
		return code;
	/* Before the lock, which leaves a file that a directory of someone
	 * else's should not get. */
	code = check_directory(engine, err);
	if (code == RT_OK)
		code = rt_network_fs_refuse(engine->fs, engine->dir,
		    engine->config->dir, engine->config->unsafe_filesystem,
		    err);
	if (code != RT_OK)
		return code;
	code = rt_dirlock_take(&engine->lock, engine->fs, engine->dir,
	    RT_PATH_LOCK_DAEMON, err);
	if (code != RT_OK)
		return code == RT_ELOCKED
		    ? rt_err_prefix(err, "%s is in use", engine->config->dir)
		    : code;
	code = rt_dirlock_take_dir(engine->fs, engine->dir, err);
	if (code != RT_OK)
		return rt_err_prefix(err, "%s is in use", engine->config->dir);
	RT_CRASHPOINT("create-locked");
	rtd_disk_reserve_open(&engine->reserve, engine->fs, engine->clock,
	    engine->dir);
	code = rt_fs_open_subdir(engine->fs, engine->dir, RT_PATH_DIR_WAL,
	    true, &engine->wal_dir, err);
	if (code == RT_OK)
		code = rt_fs_open_subdir(engine->fs, engine->dir,
		    RT_PATH_DIR_SST, true, &engine->sst_dir, err);
	if (code == RT_OK)
		code = rt_manifest_store_open(&engine->flush_store, engine->fs,
		    engine->dir, true, err);
	if (code == RT_OK)
		code = create_if_new(engine, err);
	return code;
}

enum rt_code
rtd_engine_not_writable(enum rt_code code, struct rt_err *err)
{
	if (err == NULL || (err->os_errno != EACCES &&
		err->os_errno != EPERM && err->os_errno != EROFS))
		return code;
	err->code = RT_EREADONLY;
	return RT_EREADONLY;
}

enum rt_code
rtd_engine_open_directory(struct rtd_engine *engine, struct rt_err *err)
{
	struct rt_err own = { .code = RT_OK };
	enum rt_code code;

	if (err == NULL)
		err = &own;
	code = open_directory(engine, err);
	if (code != RT_OK)
		return rtd_engine_not_writable(code, err);
	if (!engine->offline)
		tell_all_foreign(engine);
	return RT_OK;
}
