/* recovery: manifest + WAL to a ready engine.
 *
 * 1. Load the newest manifest, or refuse (when the directory is opened).
 * 2. Replay the segments at or above its WAL floor, oldest first, skipping what
 *    its flushed sequence covers. Damage refuses the start, and up to here the
 *    only change on disk is a torn tail that was cut.
 * 3. Claim the daemon's role: the epoch rises durably, and so does the number
 *    of the next table above every name in use, orphans included.
 * 4. Only then unlink tables of our making that the manifest does not name,
 *    and checkpoints that were not made to their end.
 * 5. Open the tables and make the first view.
 * 6. Replay what step 2 had no memory for (replay.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "riptided/engine/checkpoint_dir.h"
#include "riptided/engine/compact.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/replay.h"

#define DAEMON_FEATURES RT_FEATURE_LEVEL_RUNS

#define SEE_CHECK "riptide check tells more, and riptide repair --out DIR " \
    "makes a new directory of what can be read"

/* Say behind what is wrong what can be done about it. */
static void
advise(struct rt_err *err, const char *words)
{
	size_t len;

	if (err == NULL)
		return;
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, "; %s", words);
}

/* The tables of our own making that are on disk. */
struct listing {
	uint64_t *numbers;
	size_t count, cap;
	uint64_t highest;
};

static void
note_table(void *arg, const char *name)
{
	struct listing *listing = arg;
	struct rt_file_id id;

	if (!rt_path_parse_table(name, &id) || id.maker_epoch != 0)
		return;
	if (listing->count == listing->cap) {
		listing->cap = listing->cap * 2 + 64;
		listing->numbers = rt_realloc(listing->numbers,
		    listing->cap * sizeof(listing->numbers[0]));
	}
	listing->numbers[listing->count++] = id.number;
	if (id.number > listing->highest)
		listing->highest = id.number;
}

static bool
is_obsolete(const struct rt_manifest *manifest, struct rt_file_id id)
{
	for (size_t i = 0; i < manifest->obsolete_count; i++)
		if (rt_file_id_equal(manifest->obsolete[i], id))
			return true;
	return false;
}

static void
sweep_orphans(struct rtd_engine *engine, const struct rt_manifest *manifest,
    const struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		struct rt_file_id id = { .number = listing->numbers[i] };
		char name[RT_PATH_NAME_BYTES];

		if (rt_manifest_find(manifest, id, NULL) != NULL ||
		    is_obsolete(manifest, id))
			continue;
		rt_path_table(name, id);
		RT_CRASHPOINT("recover-before-sweep");
		if (rt_fs_unlink(engine->fs, engine->sst_dir, name, NULL) ==
		    RT_OK)
			rt_log(RT_LOG_NOTICE, "recovery",
			    "unpublished table removed", "table=%s", name);
	}
}

/* Step 3. *manifest is replaced by the published one. */
static enum rt_code
claim_role(struct rtd_engine *engine, const struct rt_manifest **manifest,
    const struct rtd_replay *replay, const struct listing *listing,
    struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, 0);
	const struct rt_manifest *next = NULL;
	struct rt_expiry_reading reading;
	enum rt_code code;

	rt_expiry_clock_init(&engine->expiry, engine->clock,
	    &(*manifest)->clock_mark, (*manifest)->expiry_clock_ms);
	engine->expiry_runs = true;
	rt_expiry_clock_read(&engine->expiry, &reading);
	rt_manifest_edit_set_expiry_clock(edit, reading.line_ms,
	    &reading.mark);
	engine->next_file = (*manifest)->next_daemon_file;
	if (engine->next_file <= listing->highest)
		engine->next_file = listing->highest + 1;
	if (engine->next_file == 0)
		engine->next_file = 1;
	rt_manifest_edit_claim(edit, DAEMON_FEATURES);
	rt_manifest_edit_set_next_file(edit, engine->next_file);
	rt_manifest_edit_set_clean_wal(edit, 0, 0);
	if (replay->tolerated)
		rt_manifest_edit_set_tolerated(edit, replay->wal.last_seq,
		    rt_clock_wall_ms(engine->clock));
	/* Snapshots died with the daemon before us. */
	rt_manifest_edit_set_snapshots(edit, NULL, 0);
	code = rt_manifest_store_publish(engine->flush_store, edit, &next, NULL,
	    err);
	rt_manifest_edit_free(edit);
	if (code != RT_OK) {
		rt_err_prefix(err, "claim the directory");
		return rtd_engine_not_writable(code, err);
	}
	engine->epoch = next->daemon_epoch;
	rt_manifest_unref(*manifest);
	*manifest = next;
	return RT_OK;
}

static enum rt_code
make_view(struct rtd_engine *engine, const struct rt_manifest *manifest,
    struct rtd_memtable *memtable, struct rt_err *err)
{
	struct rt_err local = { .code = RT_OK };
	enum rt_code code;

	engine->tables = rtd_table_cache_new(engine->fs, engine->sst_dir,
	    engine->blocks, engine->database_uuid);
	rtd_table_cache_set_budget(engine->tables, &engine->table_budget);
	engine->run_counts = rtd_run_counts_new(engine->fs, engine->sst_dir,
	    engine->database_uuid);
	for (size_t i = 0; i < manifest->drops_count; i++) {
		const struct rt_manifest_drop *drop = &manifest->drops[i];

		if (drop->keyspace < RTD_KEYSPACES_MAX &&
		    drop->seq > atomic_load(&engine->drops[drop->keyspace]))
			atomic_store(&engine->drops[drop->keyspace], drop->seq);
	}
	engine->active = memtable;
	atomic_store(&engine->memtables_count, 1);
	atomic_store(&engine->view_version, 1);
	code = rtd_view_new(&engine->view, &memtable, 1, manifest,
	    engine->tables, &local);
	if (code == RT_EDAMAGED)
		advise(&local, SEE_CHECK);
	if (code != RT_OK && err != NULL)
		*err = local;
	if (code == RT_OK)
		rtd_engine_log_closed(&local);
	return code;
}

enum rt_code
rtd_engine_load_manifest(struct rtd_engine *engine, struct rt_err *err)
{
	enum rt_code code = rt_manifest_store_load(engine->flush_store,
	    &engine->at_start, err);

	if (code == RT_ENOTFOUND)
		code = rt_err_set(err, RT_EDAMAGED,
		    "%s is a database without its manifest",
		    engine->config->dir);
	if (code == RT_EDAMAGED)
		advise(err, SEE_CHECK);
	if (code == RT_OK)
		memcpy(engine->database_uuid, engine->at_start->database_uuid,
		    sizeof(engine->database_uuid));
	return code;
}

/* Steps 3 to 5. */
static enum rt_code
take_directory(struct rtd_engine *engine, const struct rtd_replay *replay,
    struct rt_err *err)
{
	struct listing listing = { 0 };
	enum rt_code code;

	code = rt_fs_list(engine->fs, engine->sst_dir, note_table, &listing,
	    err);
	if (code == RT_OK)
		code = claim_role(engine, &engine->at_start, replay, &listing,
		    err);
	RT_CRASHPOINT("recover-claimed");
	if (code == RT_OK) {
		sweep_orphans(engine, engine->at_start, &listing);
		rtd_compact_begin(engine, engine->at_start);
		rtd_checkpoint_dir_sweep(engine->fs, engine->dir);
		code = make_view(engine, engine->at_start, replay->memtable,
		    err);
	}
	free(listing.numbers);
	return code;
}

enum rt_code
rtd_engine_recover(struct rtd_engine *engine, struct rtd_wal_options *wal,
    struct rt_err *err)
{
	struct rtd_memtable *memtable = rtd_engine_memtable(engine);
	struct rtd_replay replay;
	enum rt_code code;

	code = rtd_replay_check(&replay, engine, engine->at_start, memtable,
	    err);
	if (code == RT_EDAMAGED)
		advise(err, replay.wal.tolerable ? "nothing was changed; "
		    SEE_CHECK "; --wal-recovery tolerant starts with what "
		    "precedes the damage" : "nothing was changed; " SEE_CHECK);
	RT_CRASHPOINT("recover-replayed");
	if (code == RT_OK) {
		rtd_replay_end(&replay, engine->at_start, wal);
		code = take_directory(engine, &replay, err);
	}
	if (code == RT_OK) {
		rtd_flusher_start(engine);
		if (replay.left)
			code = rtd_replay_rest(&replay, err);
	}
	if (code == RT_OK) {
		struct rtd_view *view = rtd_engine_view(engine);

		wal->floor = view->manifest->wal_floor;
		rtd_view_unref(view);
	}
	rt_manifest_unref(engine->at_start);
	engine->at_start = NULL;
	rtd_memtable_unref(memtable);
	return code;
}
