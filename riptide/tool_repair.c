/* repair: a new data directory from what can be read of a damaged one.
 *
 * With a manifest every table it names is copied if it is whole and as the
 * manifest says; of a damaged one what can be read becomes a new table in its
 * place. The log's records become new tables of level 0. The copy's manifest is
 * made of the old one by the edits that the two programs would have made. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_edit.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/dirlock.h"
#include "libcommon/os/path.h"
#include "libcommon/tree/table_entry.h"
#include "riptide/repair.h"
#include "riptided/engine/write_batch.h"
#include "riptided/wal/wal_format.h"

#define REPORT_NAME "REPAIR-REPORT"

/* -- the report -- */

static void
put_line(struct rtl_repair *repair, const char *what, const char *fmt,
    va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	rt_buf_printf(&repair->report, "%s: %s\n", what, text);
}

void
rtl_repair_note(struct rtl_repair *repair, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(repair, "note", fmt, ap);
	va_end(ap);
}

void
rtl_repair_loss(struct rtl_repair *repair, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(repair, "lost", fmt, ap);
	va_end(ap);
	repair->losses++;
}

/* -- the manifest -- */

struct generations {
	uint64_t *all;
	size_t count;
};

static void
note_generation(void *arg, const char *name)
{
	struct generations *generations = arg;
	uint64_t generation;

	if (!rt_path_parse_manifest(name, &generation))
		return;
	generations->all = rt_realloc(generations->all,
	    (generations->count + 1) * sizeof(generations->all[0]));
	generations->all[generations->count++] = generation;
}

static int
newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

static enum rt_code
list_generations(struct rtl_repair *repair, struct generations *generations,
    struct rt_err *err)
{
	enum rt_code code;
	int dir = -1;

	code = rt_fs_open_subdir(repair->fs, repair->dir, RT_PATH_DIR_MANIFEST,
	    false, &dir, err);
	if (code == RT_OK)
		code = rt_fs_list(repair->fs, dir, note_generation,
		    generations, err);
	rt_fs_close(repair->fs, &dir, NULL);
	if (generations->count > 0)
		qsort(generations->all, generations->count,
		    sizeof(generations->all[0]), newest_first);
	return code == RT_ENOTFOUND ? RT_OK : code;
}

/* The newest manifest that is valid. *out stays NULL when there is none;
 * RT_EFORMAT: one is of a newer program, which must do this. */
static enum rt_code
find_manifest(struct rtl_repair *repair, const struct rt_manifest **out,
    struct rt_err *err)
{
	struct rt_manifest_store *store = NULL;
	struct generations generations = { 0 };
	struct rt_err why = { .code = RT_OK };
	enum rt_code code = list_generations(repair, &generations, err);

	if (code == RT_OK && generations.count > 0)
		code = rt_manifest_store_open(&store, repair->fs, repair->dir,
		    false, err);
	for (size_t i = 0; i < generations.count && code == RT_OK; i++) {
		enum rt_code loaded = rt_manifest_store_load_generation(store,
		    generations.all[i], out, &why);

		if (loaded == RT_OK)
			break;
		if (loaded == RT_EFORMAT) {
			code = loaded;
			if (err != NULL)
				*err = why;
			break;
		}
		rtl_repair_loss(repair, "manifest generation %" PRIu64
		    " cannot be used: %s", generations.all[i], why.text);
	}
	rt_manifest_store_close(store);
	free(generations.all);
	return code;
}

/* *manifest becomes the one after the edit, which is freed. */
static enum rt_code
apply(const struct rt_manifest **manifest, struct rt_manifest_edit *edit,
    struct rt_err *err)
{
	const struct rt_manifest *next = NULL;
	enum rt_code code = rt_manifest_edit_apply(edit, *manifest, &next, err);

	rt_manifest_edit_free(edit);
	if (code != RT_OK)
		return code;
	rt_manifest_unref(*manifest);
	*manifest = next;
	return RT_OK;
}

/* -- with a manifest -- */

/* The damaged table makes place for what was read of it. */
static enum rt_code
replace(struct rtl_repair *repair, const struct rt_manifest **manifest,
    const struct rt_manifest_table *table, uint32_t level, uint64_t number,
    struct rt_err *err)
{
	struct rt_file_id as = { (*manifest)->compactor_epoch, number };
	struct rt_manifest_table entry;
	struct rt_table_info info = { 0 };
	struct rt_manifest_edit *edit;
	bool any = false;
	enum rt_code code;

	code = rtl_repair_salvage(repair, table->id, as, level == 0, &any,
	    &info, err);
	if (code == RT_OK) {
		entry = rt_table_entry(as, &info);
		edit = rt_manifest_edit_new(RT_ROLE_COMPACTOR,
		    (*manifest)->compactor_epoch);
		rt_manifest_edit_replace(edit, &table->id, 1, level, &entry,
		    any ? 1 : 0);
		code = apply(manifest, edit, err);
	}
	rt_table_info_fini(&info);
	return code;
}

static enum rt_code
take_tables(struct rtl_repair *repair, const struct rt_manifest *from,
    const struct rt_manifest **manifest, struct rt_err *err)
{
	uint64_t replaced = 0, copied = 0;
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < from->runs_count; i++) {
		const struct rt_manifest_run *run = &from->runs[i];

		for (size_t j = 0; j < run->tables_count && code == RT_OK;
		     j++) {
			const struct rt_manifest_table *table = &run->tables[j];
			struct rt_err why = { .code = RT_OK };

			if (rtl_repair_verify(repair, table->id, table, &why) ==
			    RT_OK) {
				code = rtl_repair_copy(repair, table->id, err);
				copied++;
				continue;
			}
			rtl_repair_note(repair, "damaged: %s", why.text);
			code = replace(repair, manifest, table, run->level,
			    ++replaced, err);
		}
	}
	rtl_repair_note(repair, "%" PRIu64 " tables are whole and copied, %"
	    PRIu64 " are not", copied, replaced);
	return code;
}

static enum rt_code
add_log_table(const struct rt_manifest **manifest,
    const struct rtl_repair_table *table, uint64_t next_number,
    struct rt_err *err)
{
	struct rt_manifest_table entry =
	    rt_table_entry(table->id, &table->info);
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_DAEMON,
	    (*manifest)->daemon_epoch);

	rt_manifest_edit_add_run(edit, &entry);
	rt_manifest_edit_set_flushed(edit, table->info.max_seq,
	    (*manifest)->wal_floor);
	rt_manifest_edit_set_next_file(edit, next_number);
	return apply(manifest, edit, err);
}

/* The state of a clean stop with an empty log. */
static enum rt_code
settle(const struct rt_manifest **manifest, const struct rtl_repair_log *log,
    struct rt_err *err)
{
	const struct rt_manifest *base = *manifest;
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, base->daemon_epoch);
	uint64_t last = log->last_segment > base->wal_floor
	    ? log->last_segment : base->wal_floor;

	rt_manifest_edit_set_flushed(edit, log->last_seq, last + 1);
	rt_manifest_edit_set_clean_wal(edit, last,
	    RTD_WAL_SEGMENT_HEADER_BYTES);
	rt_manifest_edit_set_snapshots(edit, NULL, 0);
	rt_manifest_edit_set_next_file(edit, log->next_number);
	for (size_t i = 0; i < base->obsolete_count; i++)
		rt_manifest_edit_forget_obsolete(edit, base->obsolete[i]);
	for (size_t i = 0; i < log->drops_count; i++)
		rt_manifest_edit_set_drop(edit, log->drops[i].keyspace,
		    log->drops[i].seq);
	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX && log->swapped; i++)
		rt_manifest_edit_set_keyspace(edit, i, log->keyspaces[i]);
	return apply(manifest, edit, err);
}

static enum rt_code
repair_with(struct rtl_repair *repair, const struct rt_manifest *from,
    const struct rt_manifest **out, struct rt_err *err)
{
	uint32_t keyspaces[RTD_KEYSPACES_MAX];
	struct rtl_repair_log log = {
		.floor = from->wal_floor,
		.flushed_seq = from->flushed_seq,
		.manifest_generation = from->generation,
		.clean_wal = from->clean_wal,
		.clean_wal_bytes = from->clean_wal_bytes,
		.next_number = from->next_daemon_file + 1,
		.keyspaces = keyspaces,
	};
	struct rt_manifest_edit *claim =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	enum rt_code code;

	rtl_repair_note(repair, "manifest generation %" PRIu64 " is used",
	    from->generation);
	memcpy(repair->database_uuid, from->database_uuid,
	    sizeof(repair->database_uuid));
	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX; i++)
		keyspaces[i] = rt_manifest_keyspace(from, i);
	*out = rt_manifest_ref(from);
	/* New tables get names that nobody has had. */
	rt_manifest_edit_claim(claim, from->compactor_features);
	code = apply(out, claim, err);
	if (code == RT_OK)
		code = take_tables(repair, from, out, err);
	if (code == RT_OK)
		code = rtl_repair_log(repair, &log, err);
	for (size_t i = 0; i < log.tables.count && code == RT_OK; i++)
		code = add_log_table(out, &log.tables.all[i], log.next_number,
		    err);
	if (code == RT_OK)
		code = settle(out, &log, err);
	rtl_repair_log_fini(&log);
	return code;
}

/* -- directories -- */

static enum rt_code
open_optional(struct rtl_repair *repair, const char *name, int *fd,
    struct rt_err *err)
{
	enum rt_code code = rt_fs_open_subdir(repair->fs, repair->dir, name,
	    false, fd, err);

	return code == RT_ENOTFOUND ? RT_OK : code;
}

/* Programs at work would change what is read. */
static enum rt_code
open_damaged(struct rtl_repair *repair, const char *path, struct rt_err *err)
{
	static const char *const locks[] = { RT_PATH_LOCK_DAEMON,
		RT_PATH_LOCK_COMPACTOR };
	enum rt_code code =
	    rt_fs_open_dir(repair->fs, path, &repair->dir, err);

	for (size_t i = 0; i < RT_COUNTOF(locks) && code == RT_OK; i++) {
		bool held = false;
		pid_t pid = 0;

		code = rt_dirlock_probe(repair->fs, repair->dir, locks[i],
		    &held, &pid, err);
		if (code == RT_ENOTFOUND)
			code = RT_OK;
		if (code == RT_OK && held)
			code = rt_err_set(err, RT_ELOCKED, "%s is in use by "
			    "process %ld: stop it first", path, (long)pid);
	}
	if (code == RT_OK)
		code = open_optional(repair, RT_PATH_DIR_SST, &repair->sst,
		    err);
	if (code == RT_OK)
		code = open_optional(repair, RT_PATH_DIR_WAL, &repair->wal,
		    err);
	return code;
}

static void
note_any(void *arg, const char *name)
{
	*(bool *)arg = true;
}

static enum rt_code
make_new(struct rtl_repair *repair, struct rt_err *err)
{
	struct rt_fs *fs = repair->fs;
	bool used = false;
	enum rt_code code;
	int result, wal = -1;

	result = fs->mkdirat(fs, AT_FDCWD, repair->out_path, 0700);
	if (result < 0 && result != -EEXIST)
		return rt_err_set_errno(err, -result, "make directory %s",
		    repair->out_path);
	code = rt_fs_open_dir(fs, repair->out_path, &repair->out, err);
	if (code == RT_OK)
		code = rt_fs_list(fs, repair->out, note_any, &used, err);
	if (code == RT_OK && used)
		code = rt_err_set(err, RT_EEXIST, "%s is not empty",
		    repair->out_path);
	if (code == RT_OK)
		code = rt_fs_open_subdir(fs, repair->out, RT_PATH_DIR_SST, true,
		    &repair->out_sst, err);
	if (code == RT_OK)
		code = rt_fs_open_subdir(fs, repair->out, RT_PATH_DIR_WAL, true,
		    &wal, err);
	rt_fs_close(fs, &wal, NULL);
	return code;
}

/* The manifest comes last: without it the directory is no database. */
static enum rt_code
finish(struct rtl_repair *repair, const struct rt_manifest *manifest,
    struct rt_err *err)
{
	struct rt_manifest_store *store = NULL;
	enum rt_code code;

	if (repair->losses == 0)
		rtl_repair_note(repair, "nothing was lost");
	else
		rtl_repair_note(repair, "%" PRIu64 " losses",
		    repair->losses);
	code = rt_fs_sync_dir(repair->fs, repair->out_sst, err);
	if (code == RT_OK)
		code = rt_fs_write_file(repair->fs, repair->out, REPORT_NAME,
		    rt_buf_slice(&repair->report), err);
	if (code == RT_OK)
		code = rt_manifest_store_open(&store, repair->fs, repair->out,
		    true, err);
	if (code == RT_OK)
		code = rt_manifest_store_begin_copy(store, manifest, err);
	rt_manifest_store_close(store);
	if (code == RT_OK)
		code = rt_fs_sync_dir(repair->fs, repair->out, err);
	return code;
}

static void
repair_fini(struct rtl_repair *repair)
{
	rt_fs_close(repair->fs, &repair->out_sst, NULL);
	rt_fs_close(repair->fs, &repair->out, NULL);
	rt_fs_close(repair->fs, &repair->wal, NULL);
	rt_fs_close(repair->fs, &repair->sst, NULL);
	rt_fs_close(repair->fs, &repair->dir, NULL);
	rt_config_fini(&repair->config);
	rt_buf_fini(&repair->report);
}

/* -- the verb -- */

static enum rt_code
take_words(struct rtl_tool *tool, struct rtl_repair *repair,
    bool *without_manifest, struct rt_err *err)
{
	for (int i = 0; i < tool->argc; i++) {
		if (strcmp(tool->argv[i], "--without-manifest") == 0)
			*without_manifest = true;
		else if (strcmp(tool->argv[i], "--out") == 0 &&
		    i + 1 < tool->argc)
			repair->out_path = tool->argv[++i];
		else
			return rt_err_set(err, RT_EUSAGE,
			    "repair takes --out DIR and --without-manifest");
	}
	return repair->out_path != NULL ? RT_OK : rt_err_set(err, RT_EUSAGE,
	    "repair takes --out DIR: nothing is repaired in its place");
}

/* All tables of a level 0 may be open at once. */
static void
allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static enum rt_code
choose_and_repair(struct rtl_repair *repair, bool without_manifest,
    const struct rt_manifest **out, struct rt_err *err)
{
	const struct rt_manifest *from = NULL;
	enum rt_code code = find_manifest(repair, &from, err);

	if (code == RT_OK && from == NULL && !without_manifest)
		code = rt_err_set(err, RT_EDAMAGED, "no manifest can be read; "
		    "with --without-manifest all tables and the log are "
		    "merged, and what was deleted may come back");
	else if (code == RT_OK && without_manifest && from != NULL)
		code = rt_err_set(err, RT_EUSAGE, "manifest generation %" PRIu64
		    " can be read: --without-manifest would lose what it knows",
		    from->generation);
	if (code == RT_OK)
		code = make_new(repair, err);
	if (code == RT_OK)
		code = from != NULL ? repair_with(repair, from, out, err)
				    : rtl_repair_rebuild(repair, out, err);
	rt_manifest_unref(from);
	return code;
}

enum rt_code
rtl_repair(struct rtl_tool *tool, struct rt_err *err)
{
	struct rtl_repair repair = { .fs = tool->fs, .dir = -1, .sst = -1,
		.wal = -1, .out = -1, .out_sst = -1 };
	const struct rt_manifest *manifest = NULL;
	bool without_manifest = false;
	enum rt_code code;

	rt_config_init(&repair.config);
	allow_many_files();
	code = take_words(tool, &repair, &without_manifest, err);
	if (code == RT_OK)
		code = open_damaged(&repair, tool->dir, err);
	if (code == RT_OK)
		code = choose_and_repair(&repair, without_manifest, &manifest,
		    err);
	if (code == RT_OK)
		code = finish(&repair, manifest, err);
	if (code == RT_OK)
		code = rtl_print(&repair.report, err);
	rt_manifest_unref(manifest);
	repair_fini(&repair);
	return code;
}
