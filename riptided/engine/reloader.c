/* reloader: the thread that notices newer manifests and makes them the view,
 * unlinks what is obsolete, and looks at the disk.
 *
 * Only the daemon unlinks published tables, and only those on the obsolete list
 * that no view pins, after a sync of the manifest directory (I6 in
 * docs/manifest-protocol.md). Events are hints: it also looks each second. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"

#define LOOK_MS 1000

static uint64_t
current_generation(struct rtd_engine *engine)
{
	uint64_t generation;

	rt_mutex_lock(&engine->mu);
	generation = engine->view->manifest->generation;
	rt_mutex_unlock(&engine->mu);
	return generation;
}

static enum rt_code
reload(struct rtd_engine *engine, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	uint64_t highest = 0;
	enum rt_code code;

	code = rt_manifest_store_highest(engine->reload_store, &highest, err);
	if (code != RT_OK || highest <= current_generation(engine))
		return code;
	code = rt_manifest_store_load(engine->reload_store, &manifest, err);
	if (code != RT_OK)
		return code;
	RT_CRASHPOINT("reload-loaded");
	if (manifest->daemon_epoch != engine->epoch) {
		atomic_store(&engine->fenced, true);
		code = rt_err_set(err, RT_EFENCED,
		    "another daemon took over: our epoch %llu, now %llu",
		    (unsigned long long)engine->epoch,
		    (unsigned long long)manifest->daemon_epoch);
	} else {
		code = rtd_engine_install(engine, manifest, err);
		RT_CRASHPOINT("reload-installed");
		if (code == RT_OK)
			atomic_fetch_add(&engine->reloads, 1);
	}
	rt_manifest_unref(manifest);
	return code;
}

/* Unlink one obsolete table. True when it is gone. */
static bool
unlink_table(struct rtd_engine *engine, struct rt_file_id id)
{
	char name[RT_PATH_NAME_BYTES];
	struct rt_err err = { 0 };
	enum rt_code code;

	RT_CRASHPOINT("drain-before-unlink");
	code = rt_fs_unlink(engine->fs, engine->sst_dir,
	    rt_path_table(name, id), &err);
	RT_CRASHPOINT("drain-after-unlink");
	if (code == RT_OK || code == RT_ENOTFOUND)
		return true;
	rt_log_limited(60000, RT_LOG_WARNING, "reload", "table not removed",
	    "table=%s error=\"%s\"", name, err.text);
	return false;
}

/* Unlink what no view pins, then take it off the list. A crash between the two
 * does no harm: a missing file counts as unlinked. */
static enum rt_code
drain_obsolete(struct rtd_engine *engine, struct rt_err *err)
{
	const struct rt_manifest *manifest = rtd_engine_manifest(engine);
	const struct rt_manifest *next = NULL;
	struct rt_manifest_edit *edit = NULL;
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < manifest->obsolete_count; i++) {
		struct rt_file_id id = manifest->obsolete[i];

		if (rtd_table_cache_has(engine->tables, id))
			continue;
		if (edit == NULL) {
			code = rt_manifest_store_sync_dir(engine->reload_store,
			    err);
			if (code != RT_OK)
				break;
			edit = rt_manifest_edit_new(RT_ROLE_DAEMON,
			    engine->epoch);
		}
		if (unlink_table(engine, id))
			rt_manifest_edit_forget_obsolete(edit, id);
	}
	if (edit != NULL && code == RT_OK) {
		code = rt_manifest_store_publish(engine->reload_store, edit,
		    &next, NULL, err);
		if (code == RT_OK)
			code = rtd_engine_install(engine, next, err);
	}
	rt_manifest_edit_free(edit);
	rt_manifest_unref(next);
	rt_manifest_unref(manifest);
	return code;
}

static void
look_at_disk(struct rtd_engine *engine)
{
	bool no_space = atomic_load(&engine->flush_code) == RT_ENOSPC ||
	    rtd_wal_state(engine->wal, NULL) == RT_ENOSPC;

	if (rtd_disk_reserve_look(&engine->reserve,
		atomic_load(&engine->reserve_bytes), no_space))
		rtd_engine_notify(engine);
}

static void
look(struct rtd_engine *engine)
{
	struct rt_err err = { .code = RT_OK };
	enum rt_code code;

	if (rt_dirlock_check(&engine->lock, engine->dir, RT_PATH_LOCK_DAEMON,
		&err) != RT_OK)
		rt_log_limited(60000, RT_LOG_WARNING, "lock",
		    "the lock file is not as it should be", "error=\"%s\"",
		    err.text);
	code = reload(engine, &err);
	if (code == RT_OK)
		code = drain_obsolete(engine, &err);
	if (code == RT_OK)
		code = rt_manifest_store_collect(engine->reload_store, &err);
	if (code == RT_EFENCED)
		atomic_store(&engine->fenced, true);
	if (code != RT_OK)
		rt_log_limited(10000, RT_LOG_WARNING, "reload",
		    "manifest not taken over", "error=\"%s\"", err.text);
	look_at_disk(engine);
	rtd_snapshots_expire(engine);
}

static void *
reloader_main(void *arg)
{
	struct rtd_engine *engine = arg;
	struct pollfd wait[2] = {
		{ .fd = rt_manifest_watch_fd(engine->watch), .events = POLLIN },
		{ .fd = engine->stop_fd, .events = POLLIN },
	};

	for (;;) {
		int ready = poll(wait, RT_COUNTOF(wait), LOOK_MS);

		rt_assert(ready >= 0 || errno == EINTR);
		if (ready > 0 && wait[1].revents != 0)
			return NULL;
		rt_manifest_watch_drain(engine->watch);
		look(engine);
	}
}

enum rt_code
rtd_reloader_start(struct rtd_engine *engine, struct rt_err *err)
{
	enum rt_code code;

	code = rt_manifest_store_open(&engine->reload_store, engine->fs,
	    engine->dir, false, err);
	if (code != RT_OK)
		return code;
	code = rt_manifest_watch_open(&engine->watch, engine->config->dir, err);
	if (code != RT_OK)
		return code;
	engine->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (engine->stop_fd < 0)
		return rt_err_set_errno(err, errno, "eventfd");
	look_at_disk(engine);
	rt_thread_start(&engine->reloader, "reload", reloader_main, engine);
	engine->reloader_runs = true;
	return RT_OK;
}

void
rtd_reloader_stop(struct rtd_engine *engine)
{
	uint64_t one = 1;

	if (engine->reloader_runs) {
		rt_assert(write(engine->stop_fd, &one, sizeof(one)) ==
		    sizeof(one));
		rt_thread_join(engine->reloader);
		engine->reloader_runs = false;
	}
	if (engine->stop_fd >= 0)
		close(engine->stop_fd);
	engine->stop_fd = -1;
	rt_manifest_watch_close(engine->watch);
	engine->watch = NULL;
}
