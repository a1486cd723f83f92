/* recovery: manifest + WAL to a ready engine.
 *
 * 1. Load the newest manifest, or refuse.
 * 2. Replay the segments at or above its WAL floor, oldest first, skipping what
 *    its flushed sequence covers. Damage refuses the start, and up to here the
 *    only change on disk is a torn tail that was cut.
 * 3. Claim the daemon's role: the epoch rises durably, and so does the number
 *    of the next table above every name in use, orphans included.
 * 4. Only then unlink tables of our making that the manifest does not name,
 *    and checkpoints that were not made to their end.
 * 5. Open the tables and make the first view. */
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "riptided/engine/checkpoint_dir.h"
#include "riptided/engine/engine_state.h"
#include "riptided/wal/wal_reader.h"

#define DAEMON_FEATURES 0

struct replaying {
	struct rtd_engine *engine;
	struct rtd_memtable *memtable;
	uint64_t flushed_seq;
	const struct rtd_wal_replay *replay;
};

static enum rt_code
apply_record(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	struct replaying *replaying = arg;
	struct rt_cursor cursor = rt_cursor(payload);
	uint64_t seq = first_seq;
	struct rtd_write_op op;

	if (replaying->memtable->wal_segment == 0)
		replaying->memtable->wal_segment = segment;
	while (rtd_write_batch_next(&cursor, &op)) {
		/* A large value stays where the log's reader put it. */
		if (op.value.len >= RT_BULK_BYTES_MIN)
			op.bulk = replaying->replay->bulk;
		if (seq > replaying->flushed_seq)
			rtd_engine_apply(replaying->engine, replaying->memtable,
			    &op, seq);
		seq++;
	}
	if (!rt_cursor_done(&cursor) || seq - first_seq != count)
		return rt_err_set(err, RT_EDAMAGED,
		    "wal segment %llu: the record of sequence %llu is malformed",
		    (unsigned long long)segment,
		    (unsigned long long)first_seq);
	return RT_OK;
}

static void
log_replay(const struct rtd_wal_replay *replay)
{
	if (replay->records > 0)
		rt_log(RT_LOG_NOTICE, "recovery", "wal replayed",
		    "records=%llu bytes=%llu last_seq=%llu",
		    (unsigned long long)replay->records,
		    (unsigned long long)replay->bytes,
		    (unsigned long long)replay->last_seq);
	if (replay->torn_segment != 0)
		rt_log(RT_LOG_WARNING, "recovery", "wal tail dropped",
		    "segment=%llu offset=%llu bytes=%llu last_seq=%llu",
		    (unsigned long long)replay->torn_segment,
		    (unsigned long long)replay->torn_offset,
		    (unsigned long long)replay->torn_bytes,
		    (unsigned long long)replay->last_seq);
}

/* Two databases that meant one keyspace would show each other's keys. */
static enum rt_code
load_keyspaces(struct rtd_engine *engine, const struct rt_manifest *manifest,
    struct rt_err *err)
{
	bool meant[RTD_KEYSPACES_MAX] = { false };

	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX; i++) {
		uint32_t id = rt_manifest_keyspace(manifest, i);

		if (id >= RTD_KEYSPACES_MAX || meant[id])
			return rt_err_set(err, RT_EDAMAGED,
			    "manifest %llu: database %u means keyspace %u, "
			    "which is not its own",
			    (unsigned long long)manifest->generation, i, id);
		meant[id] = true;
		atomic_store(&engine->keyspaces[i], id);
	}
	return RT_OK;
}

static enum rt_code
replay_wal(struct rtd_engine *engine, const struct rt_manifest *manifest,
    struct rtd_memtable *memtable, struct rtd_wal_options *wal,
    struct rt_err *err)
{
	struct replaying replaying = {
		.engine = engine,
		.memtable = memtable,
		.flushed_seq = manifest->flushed_seq,
	};
	struct rtd_wal_replay replay = {
		.fs = engine->fs,
		.dir = engine->wal_dir,
		.database_uuid = manifest->database_uuid,
		.floor = manifest->wal_floor,
		.flushed_seq = manifest->flushed_seq,
		.manifest_generation = manifest->generation,
		.clean_wal = manifest->clean_wal,
		.clean_wal_bytes = manifest->clean_wal_bytes,
		.tolerant = engine->config->wal_recovery == RT_WAL_TOLERANT,
		.apply = apply_record,
		.arg = &replaying,
	};
	enum rt_code code;
	uint64_t last_seq;

	replaying.replay = &replay;
	/* Swaps in the log start from what the manifest knows. */
	code = load_keyspaces(engine, manifest, err);
	if (code != RT_OK)
		return code;
	rtd_memtable_begin_load(memtable);
	code = rtd_wal_replay(&replay, err);
	rtd_memtable_end_load(memtable);
	last_seq = replay.last_seq;
	if (code != RT_OK)
		return code;
	if (err != NULL && err->code == RT_EDAMAGED) {
		rt_log(RT_LOG_WARNING, "recovery",
		    "damaged wal kept up to the damage", "damage=%s",
		    err->text);
		rt_err_clear(err);
	}
	log_replay(&replay);
	/* Above every sequence that was ever given out and may be on disk. */
	if (last_seq < manifest->max_seq)
		last_seq = manifest->max_seq;
	for (size_t i = 0; i < manifest->drops_count; i++)
		if (last_seq < manifest->drops[i].seq)
			last_seq = manifest->drops[i].seq;
	for (size_t i = 0; i < manifest->snapshots_count; i++)
		if (last_seq < manifest->snapshots[i])
			last_seq = manifest->snapshots[i];
	atomic_store(&engine->visible_seq, last_seq);
	wal->first_segment = replay.last_segment + 1;
	if (wal->first_segment < manifest->wal_floor)
		wal->first_segment = manifest->wal_floor;
	wal->prev_segment = replay.end_segment;
	wal->prev_bytes = replay.end_bytes;
	wal->floor = manifest->wal_floor;
	return RT_OK;
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
    const struct listing *listing, struct rt_err *err)
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
	/* Snapshots died with the daemon before us. */
	rt_manifest_edit_set_snapshots(edit, NULL, 0);
	code = rt_manifest_store_publish(engine->flush_store, edit, &next, NULL,
	    err);
	rt_manifest_edit_free(edit);
	if (code != RT_OK) {
		rt_err_prefix(err, "claim the directory");
		return code;
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

	memcpy(engine->database_uuid, manifest->database_uuid,
	    sizeof(engine->database_uuid));
	engine->tables = rtd_table_cache_new(engine->fs, engine->sst_dir,
	    engine->blocks, engine->database_uuid);
	rtd_engine_budget(engine);
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
	if (code != RT_OK && err != NULL)
		*err = local;
	if (code == RT_OK)
		rtd_engine_log_closed(&local);
	return code;
}

enum rt_code
rtd_engine_recover(struct rtd_engine *engine, struct rtd_wal_options *wal,
    struct rt_err *err)
{
	struct rtd_memtable *memtable = rtd_engine_memtable(engine);
	const struct rt_manifest *manifest = NULL;
	struct listing listing = { 0 };
	enum rt_code code;

	code = rt_manifest_store_load(engine->flush_store, &manifest, err);
	if (code == RT_ENOTFOUND)
		code = rt_err_set(err, RT_EDAMAGED,
		    "%s is a database without its manifest",
		    engine->config->dir);
	if (code == RT_OK)
		code = replay_wal(engine, manifest, memtable, wal, err);
	RT_CRASHPOINT("recover-replayed");
	if (code == RT_OK)
		code = rt_fs_list(engine->fs, engine->sst_dir, note_table,
		    &listing, err);
	if (code == RT_OK)
		code = claim_role(engine, &manifest, &listing, err);
	RT_CRASHPOINT("recover-claimed");
	if (code == RT_OK) {
		sweep_orphans(engine, manifest, &listing);
		rtd_checkpoint_dir_sweep(engine->fs, engine->dir);
		code = make_view(engine, manifest, memtable, err);
	}
	free(listing.numbers);
	rt_manifest_unref(manifest);
	rtd_memtable_unref(memtable);
	return code;
}
