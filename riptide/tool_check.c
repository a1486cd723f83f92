/* check: read everything, change nothing.
 *
 * A daemon or a compactor may work in the directory meanwhile: tables become
 * obsolete and are unlinked, segments are recycled. So what looks wrong is
 * looked at again under a newer manifest, and counts only when no newer one
 * explains it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/manifest/compactor_status.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/dirlock.h"
#include "libcommon/os/path.h"
#include "libcommon/table/table_reader.h"
#include "riptide/checksum_list.h"
#include "riptide/tool.h"
#include "riptided/engine/write_batch.h"
#include "riptided/wal/wal_reader.h"

/* How often a log that changes under our eyes is read again. */
#define WAL_TRIES 5

struct check {
	struct rtl_tool *tool;
	int dir, sst_dir, wal_dir;
	bool live;			/* a daemon or a compactor is at work */
	const struct rt_manifest *manifest;
	struct rt_buf findings;		/* one a line */
	struct rt_buf notes;
	size_t findings_count;
	uint64_t tables, bytes, entries, wal_records;
};

static void
find(struct check *check, const char *what, const struct rt_err *err)
{
	rt_buf_printf(&check->findings, "%s: %s\n", what, err->text);
	check->findings_count++;
}

/* Whether the newest manifest no longer lists the table. */
static bool
is_gone(struct check *check, struct rt_file_id id)
{
	const struct rt_manifest *newer = NULL;
	bool gone;

	if (!check->live || rtl_load_manifest(check->tool, check->dir, &newer,
	    NULL) != RT_OK)
		return false;
	gone = rt_manifest_find(newer, id, NULL) == NULL;
	rt_manifest_unref(newer);
	return gone;
}

static enum rt_code
compare(const struct rt_manifest_table *table,
    const struct rt_table_info *info, struct rt_err *err)
{
	if (!rt_slice_equal(rt_buf_slice(&info->smallest), table->smallest) ||
	    !rt_slice_equal(rt_buf_slice(&info->largest), table->largest))
		return rt_err_set(err, RT_EDAMAGED,
		    "its key range is not the manifest's");
	if (info->entries != table->entries ||
	    info->tombstones != table->tombstones)
		return rt_err_set(err, RT_EDAMAGED, "it has %" PRIu64
		    " entries and %" PRIu64 " tombstones, the manifest says %"
		    PRIu64 " and %" PRIu64, info->entries, info->tombstones,
		    table->entries, table->tombstones);
	if (info->min_seq != table->min_seq || info->max_seq != table->max_seq)
		return rt_err_set(err, RT_EDAMAGED, "it has the sequences %"
		    PRIu64 " to %" PRIu64 ", the manifest says %" PRIu64
		    " to %" PRIu64, info->min_seq, info->max_seq,
		    table->min_seq, table->max_seq);
	if (info->expire_min_ms != table->expire_min_ms ||
	    info->expire_max_ms != table->expire_max_ms)
		return rt_err_set(err, RT_EDAMAGED,
		    "it expires from %" PRIu64 " to %" PRIu64
		    ", the manifest says %" PRIu64 " to %" PRIu64,
		    info->expire_min_ms, info->expire_max_ms,
		    table->expire_min_ms, table->expire_max_ms);
	if (info->payload != table->payload && table->payload != 0)
		return rt_err_set(err, RT_EDAMAGED, "it has %" PRIu64
		    " bytes of keys and values, the manifest says %" PRIu64,
		    info->payload, table->payload);
	return RT_OK;
}

static void
check_table(struct check *check, const struct rt_manifest_table *table)
{
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = check->manifest->database_uuid,
	};
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	struct rt_err err = { 0 };
	enum rt_code code;

	rt_path_table(name, table->id);
	code = rt_table_reader_open(&reader, check->tool->fs, check->sst_dir,
	    name, &expect, NULL, NULL, &err);
	if (code == RT_OK)
		code = compare(table, rt_table_reader_info(reader), &err);
	if (code == RT_OK)
		code = rt_table_reader_verify(reader, table->crc32c, &err);
	rt_table_reader_unref(reader);
	if (code != RT_OK && !is_gone(check, table->id))
		find(check, name, &err);
	check->tables++;
	check->bytes += table->size;
	check->entries += table->entries;
}

static void
check_tables(struct check *check)
{
	for (size_t i = 0; i < check->manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &check->manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++)
			check_table(check, &run->tables[j]);
	}
}

static enum rt_code
check_record(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	struct rt_cursor cursor = rt_cursor(payload);
	struct rtd_write_op op;
	uint32_t ops = 0;

	while (rtd_write_batch_next(&cursor, &op))
		ops++;
	if (!rt_cursor_done(&cursor) || ops != count)
		return rt_err_set(err, RT_EDAMAGED, "wal/%" PRIu64
		    ".wal: the record of sequence %" PRIu64 " is malformed",
		    segment, first_seq);
	return RT_OK;
}

static enum rt_code
replay(struct check *check, const struct rt_manifest *manifest,
    struct rtd_wal_replay *out, struct rt_err *err)
{
	*out = (struct rtd_wal_replay){
		.fs = check->tool->fs,
		.dir = check->wal_dir,
		.database_uuid = manifest->database_uuid,
		.floor = manifest->wal_floor,
		.flushed_seq = manifest->flushed_seq,
		.manifest_generation = manifest->generation,
		.clean_wal = manifest->clean_wal,
		.clean_wal_bytes = manifest->clean_wal_bytes,
		.read_only = true,
		.apply = check_record,
	};
	return rtd_wal_replay(out, err);
}

static void
check_wal(struct check *check)
{
	const struct rt_manifest *manifest =
	    rt_manifest_ref(check->manifest);
	struct rtd_wal_replay result = { 0 };
	struct rt_err err = { 0 };
	enum rt_code code = RT_OK;

	for (int i = 0; i < WAL_TRIES; i++) {
		code = replay(check, manifest, &result, &err);
		if (code == RT_OK || !check->live)
			break;
		rt_manifest_unref(manifest);
		manifest = NULL;
		code = rtl_load_manifest(check->tool, check->dir, &manifest,
		    &err);
		if (code != RT_OK)
			break;
		code = RT_EDAMAGED;
	}
	if (code != RT_OK)
		find(check, "wal", &err);
	else if (result.torn_segment != 0 && !check->live)
		rt_buf_printf(&check->notes, "note: wal/%" PRIu64
		    ".wal has a torn tail at offset %" PRIu64
		    ", which the next start cuts off\n", result.torn_segment,
		    result.torn_offset);
	check->wal_records = result.records;
	rt_manifest_unref(manifest);
}

/* Tables that nobody lists: left by a dead process, or being written now. */
static void
note_orphan(void *arg, const char *name)
{
	struct check *check = arg;
	struct rt_file_id id;

	if (!rt_path_parse_table(name, &id) ||
	    rt_manifest_find(check->manifest, id, NULL) != NULL)
		return;
	for (size_t i = 0; i < check->manifest->obsolete_count; i++) {
		if (rt_file_id_equal(check->manifest->obsolete[i], id)) {
			rt_buf_printf(&check->notes,
			    "note: sst/%s is obsolete and will be removed\n",
			    name);
			return;
		}
	}
	rt_buf_printf(&check->notes, "note: sst/%s is in no manifest%s\n",
	    name, check->live ? "; it may be one that is being written" :
	    "; its maker's next start removes it");
}

/* Of a checkpoint on which nothing has been started yet. */
static void
check_checksums(struct check *check)
{
	struct rt_err err = { 0 };
	bool listed = false;

	if (rtl_checksum_list_compare(check->tool->fs, check->dir,
		check->manifest, &listed, &err) != RT_OK && !check->live)
		find(check, RT_PATH_CHECKSUMS, &err);
	else if (listed)
		rt_buf_printf(&check->notes, "note: " RT_PATH_CHECKSUMS
		    " agrees: this checkpoint is as it was made\n");
}

/* -- what lies around -- */

/* Older manifests are what a repair falls back on. */
static void
note_older(void *arg, const char *name)
{
	struct check *check = arg;
	struct rt_manifest_store *store = NULL;
	const struct rt_manifest *older = NULL;
	struct rt_err err = { .code = RT_OK };
	uint64_t generation;
	enum rt_code code;

	if (!rt_path_parse_manifest(name, &generation)) {
		if (!rt_manifest_store_is_ours(name))
			rt_buf_printf(&check->notes,
			    "note: manifest/%s is not ours\n", name);
		return;
	}
	if (generation >= check->manifest->generation)
		return;
	code = rt_manifest_store_open(&store, check->tool->fs, check->dir,
	    false, &err);
	if (code == RT_OK)
		code = rt_manifest_store_load_generation(store, generation,
		    &older, &err);
	rt_manifest_store_close(store);
	rt_manifest_unref(older);
	/* The daemon unlinks the oldest ones. */
	if (code != RT_OK && code != RT_ENOTFOUND)
		rt_buf_printf(&check->notes,
		    "note: the older manifest/%s is no fallback: %s\n", name,
		    err.text);
}

static void
note_manifests(struct check *check)
{
	struct rt_fs *fs = check->tool->fs;
	enum rt_code code;
	int dir = -1;

	/* The newest one was read from it. */
	code = rt_fs_open_subdir(fs, check->dir, RT_PATH_DIR_MANIFEST, false,
	    &dir, NULL);
	if (code == RT_OK)
		code = rt_fs_list(fs, dir, note_older, check, NULL);
	rt_fs_close(fs, &dir, NULL);
	if (code != RT_OK)
		rt_buf_printf(&check->notes,
		    "note: older manifests were not looked at\n");
}

static void
note_foreign(void *arg, const char *name)
{
	static const char *const ours[] = { RT_PATH_LOCK_DAEMON,
		RT_PATH_LOCK_COMPACTOR, RT_PATH_COMPACTOR_STATUS,
		RT_PATH_COMPACTOR_STATUS_TMP, RT_PATH_PROGRESS,
		RT_PATH_PROGRESS_TMP, RT_PATH_BALLAST,
		RT_PATH_CHECKSUMS, RT_PATH_DIR_MANIFEST, RT_PATH_DIR_WAL,
		RT_PATH_DIR_SST, RT_PATH_DIR_CHECKPOINTS, "REPAIR-REPORT" };
	struct check *check = arg;

	for (size_t i = 0; i < RT_COUNTOF(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return;
	rt_buf_printf(&check->notes, "note: %s is not ours and was not looked "
	    "at\n", name);
}

static void
note_status(struct check *check)
{
	struct rt_compactor_status status;
	struct rt_err err = { .code = RT_OK };
	enum rt_code code = rt_compactor_status_load(check->tool->fs,
	    check->dir, &status, &err);

	if (code != RT_OK && code != RT_ENOTFOUND)
		rt_buf_printf(&check->notes, "note: " RT_PATH_COMPACTOR_STATUS
		    " cannot be read, which harms nothing: %s\n", err.text);
	else if (code == RT_OK && status.damaged_tables != 0)
		rt_buf_printf(&check->notes, "note: the compactor leaves %"
		    PRIu64 " damaged tables out of merges: %s\n",
		    status.damaged_tables, status.last_error);
}

static enum rt_code
open_all(struct check *check, struct rt_err *err)
{
	static const char *const locks[] = { RT_PATH_LOCK_DAEMON,
		RT_PATH_LOCK_COMPACTOR };
	struct rt_fs *fs = check->tool->fs;
	enum rt_code code = rtl_open_dir(check->tool, &check->dir, err);

	for (size_t i = 0; i < RT_COUNTOF(locks) && code == RT_OK; i++) {
		bool held = false;
		pid_t pid;

		code = rt_dirlock_probe(fs, check->dir, locks[i], &held, &pid,
		    err);
		if (code == RT_ENOTFOUND)
			code = RT_OK;
		check->live = check->live || held;
	}
	if (code == RT_OK)
		code = rt_fs_open_subdir(fs, check->dir, RT_PATH_DIR_SST,
		    false, &check->sst_dir, err);
	if (code == RT_OK)
		code = rt_fs_open_subdir(fs, check->dir, RT_PATH_DIR_WAL,
		    false, &check->wal_dir, err);
	return code;
}

static enum rt_code
report(struct check *check, struct rt_err *err)
{
	struct rt_buf out = { 0 };
	enum rt_code code;

	rt_buf_append_slice(&out, rt_buf_slice(&check->findings));
	rt_buf_append_slice(&out, rt_buf_slice(&check->notes));
	if (check->findings_count == 0)
		rt_buf_printf(&out, "ok: manifest generation %" PRIu64
		    ", %" PRIu64 " tables with %" PRIu64 " bytes and %" PRIu64
		    " entries, %" PRIu64 " log records\n",
		    check->manifest->generation, check->tables, check->bytes,
		    check->entries, check->wal_records);
	code = rtl_print(&out, err);
	rt_buf_fini(&out);
	if (code == RT_OK && check->findings_count != 0)
		code = rt_err_set(err, RT_EDAMAGED, "%zu finding%s in %s",
		    check->findings_count,
		    check->findings_count == 1 ? "" : "s", check->tool->dir);
	return code;
}

enum rt_code
rtl_check(struct rtl_tool *tool, struct rt_err *err)
{
	struct check check = { .tool = tool, .dir = -1, .sst_dir = -1,
		.wal_dir = -1 };
	enum rt_code code = open_all(&check, err);

	if (code == RT_OK)
		code = rtl_load_manifest(tool, check.dir, &check.manifest, err);
	if (code == RT_ENOTFOUND && check.dir >= 0)
		code = rt_err_set(err, RT_EDAMAGED,
		    "%s is a database that lacks its manifest or a directory",
		    tool->dir);
	if (code != RT_OK)
		goto out;
	check_tables(&check);
	check_wal(&check);
	check_checksums(&check);
	note_manifests(&check);
	note_status(&check);
	code = rt_fs_list(tool->fs, check.dir, note_foreign, &check, err);
	if (code == RT_OK)
		code = rt_fs_list(tool->fs, check.sst_dir, note_orphan, &check,
		    err);
	if (code == RT_OK)
		code = report(&check, err);
out:
	rt_manifest_unref(check.manifest);
	rt_buf_fini(&check.findings);
	rt_buf_fini(&check.notes);
	rt_fs_close(tool->fs, &check.wal_dir, NULL);
	rt_fs_close(tool->fs, &check.sst_dir, NULL);
	rt_fs_close(tool->fs, &check.dir, NULL);
	return code;
}
