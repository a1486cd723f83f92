/* Without a manifest nothing says which tables are the truth, or which of two is
 * newer. So all entries of all tables, and of the log, are merged into one run
 * of the last level, in which every key has its versions in the order of their
 * sequences. What a manifest had declared obsolete, and was not unlinked yet,
 * is among them. */
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_rebuild.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/path.h"
#include "libcommon/table/merge_iter.h"
#include "libcommon/table/table_reader.h"
#include "libcommon/tree/table_entry.h"
#include "riptide/repair.h"
#include "riptided/engine/write_batch.h"

#define LAST_LEVEL 6
#define READAHEAD_BYTES ((size_t)256 << 10)
/* Of tables that are merged into others and go again. */
#define SCRATCH_EPOCH 2

/* -- what there is -- */

struct listing {
	struct rt_file_id *ids;
	size_t count;
};

static void
note_table(void *arg, const char *name)
{
	struct listing *listing = arg;
	struct rt_file_id id;

	if (!rt_path_parse_table(name, &id))
		return;
	listing->ids = rt_realloc(listing->ids,
	    (listing->count + 1) * sizeof(listing->ids[0]));
	listing->ids[listing->count++] = id;
}

/* The database that most of the tables belong to. */
static void
choose_database(struct rtl_repair *repair, const struct listing *listing)
{
	size_t votes = 0;

	for (size_t i = 0; i < listing->count; i++) {
		struct rt_table_reader *reader = NULL;
		char name[RT_PATH_NAME_BYTES];
		const uint8_t *uuid;

		if (rt_table_reader_open(&reader, repair->fs, repair->sst,
			rt_path_table(name, listing->ids[i]), NULL, NULL, NULL,
			NULL) != RT_OK)
			continue;
		/* Boyer and Moore: who is left after each has cancelled
		 * another's vote. */
		uuid = rt_table_reader_database(reader);
		if (votes == 0)
			memcpy(repair->database_uuid, uuid,
			    sizeof(repair->database_uuid));
		votes += votes == 0 || memcmp(repair->database_uuid, uuid,
		    sizeof(repair->database_uuid)) == 0 ? 1 : (size_t)-1;
		rt_table_reader_unref(reader);
	}
}

/* -- the merge -- */

struct rebuild {
	struct rtl_repair *repair;
	struct rt_iter **inputs;
	size_t inputs_count;
	struct rtl_repair_tables outputs;
	struct rtl_repair_tables scratch;	/* in the new directory */
	struct rt_table_writer *writer;
	struct rt_buf last_key;
	uint64_t last_seq;
	uint64_t max_seq;
};

static enum rt_code
add_input(struct rebuild *rebuild, int dir, struct rt_file_id id,
    struct rt_err *err)
{
	struct rtl_repair *repair = rebuild->repair;
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = rt_table_reader_open(&reader, repair->fs, dir,
	    rt_path_table(name, id), NULL, NULL, NULL, err);
	if (code != RT_OK)
		return code;
	rebuild->inputs = rt_realloc(rebuild->inputs,
	    (rebuild->inputs_count + 1) * sizeof(rebuild->inputs[0]));
	rebuild->inputs[rebuild->inputs_count++] =
	    rt_table_reader_iter(reader, RT_TABLE_COLD, READAHEAD_BYTES);
	rt_table_reader_unref(reader);
	return RT_OK;
}

/* Not RT_OK: it is no table of this database. */
static bool
is_of_database(const struct rtl_repair *repair, struct rt_file_id id)
{
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	bool is;

	if (rt_table_reader_open(&reader, repair->fs, repair->sst,
		rt_path_table(name, id), NULL, NULL, NULL, NULL) != RT_OK)
		return true;
	is = memcmp(rt_table_reader_database(reader), repair->database_uuid,
	    sizeof(repair->database_uuid)) == 0;
	rt_table_reader_unref(reader);
	return is;
}

static enum rt_code
take_table(struct rebuild *rebuild, struct rt_file_id id, struct rt_err *err)
{
	struct rtl_repair *repair = rebuild->repair;
	struct rt_file_id as = {
		.maker_epoch = SCRATCH_EPOCH,
		.number = rebuild->scratch.count + 1,
	};
	struct rt_table_info info = { 0 };
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;
	bool any = false;

	rt_path_table(name, id);
	if (!is_of_database(repair, id)) {
		rtl_repair_loss(repair, "sst/%s belongs to another database "
		    "and is not taken", name);
		return RT_OK;
	}
	if (rtl_repair_verify(repair, id, NULL, NULL) == RT_OK) {
		rtl_repair_note(repair, "sst/%s is whole", name);
		return add_input(rebuild, repair->sst, id, err);
	}
	code = rtl_repair_salvage(repair, id, as, true, &any, &info, err);
	if (code != RT_OK || !any)
		return code;
	*rtl_repair_tables_add(&rebuild->scratch) =
	    (struct rtl_repair_table){ .id = as, .info = info };
	return add_input(rebuild, repair->out_sst, as, err);
}

static enum rt_code
close_output(struct rebuild *rebuild, struct rt_err *err)
{
	struct rtl_repair_table *output;
	enum rt_code code;

	if (rebuild->writer == NULL)
		return RT_OK;
	output = &rebuild->outputs.all[rebuild->outputs.count - 1];
	code = rt_table_writer_finish(rebuild->writer, &output->info, err);
	rebuild->writer = NULL;
	return code;
}

static enum rt_code
open_output(struct rebuild *rebuild, struct rt_err *err)
{
	struct rtl_repair *repair = rebuild->repair;
	struct rt_table_options options =
	    rtl_repair_options(repair, false, true);
	struct rtl_repair_table *output =
	    rtl_repair_tables_add(&rebuild->outputs);
	char name[RT_PATH_NAME_BYTES];

	output->id = (struct rt_file_id){ .maker_epoch = 1,
		.number = rebuild->outputs.count };
	return rt_table_writer_open(&rebuild->writer, repair->fs,
	    repair->out_sst, rt_path_table(name, output->id), &options, err);
}

static enum rt_code
take_entry(struct rebuild *rebuild, const struct rt_entry *entry,
    struct rt_err *err)
{
	bool same_key = rt_slice_equal(rt_buf_slice(&rebuild->last_key),
	    entry->key) && rebuild->last_seq != 0;
	enum rt_code code = RT_OK;

	/* An input of a merge and its output have the same versions. */
	if (same_key && entry->seq == rebuild->last_seq)
		return RT_OK;
	if (rebuild->writer != NULL && !same_key &&
	    rt_table_writer_bytes(rebuild->writer) >=
		rebuild->repair->config.table_size)
		code = close_output(rebuild, err);
	if (code == RT_OK && rebuild->writer == NULL)
		code = open_output(rebuild, err);
	if (code != RT_OK)
		return code;
	rt_buf_clear(&rebuild->last_key);
	rt_buf_append_slice(&rebuild->last_key, entry->key);
	rebuild->last_seq = entry->seq;
	if (entry->seq > rebuild->max_seq)
		rebuild->max_seq = entry->seq;
	return rt_table_writer_add(rebuild->writer, entry, err);
}

static enum rt_code
merge(struct rebuild *rebuild, struct rt_err *err)
{
	struct rt_iter *iter;
	enum rt_code code = RT_OK;

	if (rebuild->inputs_count == 0)
		return RT_OK;
	iter = rt_merge_iter_new(rebuild->inputs, rebuild->inputs_count);
	rebuild->inputs_count = 0;
	for (rt_iter_seek_first(iter); iter->valid && code == RT_OK;
	    rt_iter_next(iter))
		code = take_entry(rebuild, &iter->entry, err);
	if (code == RT_OK && iter->code != RT_OK) {
		code = iter->code;
		if (err != NULL)
			*err = iter->err;
	}
	rt_iter_free(iter);
	return code == RT_OK ? close_output(rebuild, err) : code;
}

/* -- the manifest -- */

static int
by_keyspace(const void *a, const void *b)
{
	const struct rt_manifest_drop *x = a, *y = b;

	if (x->keyspace != y->keyspace)
		return x->keyspace < y->keyspace ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* The latest drop of each keyspace, ascending. */
static size_t
latest_drops(struct rt_manifest_drop *drops, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(drops, count, sizeof(drops[0]), by_keyspace);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && drops[kept - 1].keyspace == drops[i].keyspace)
			kept--;
		drops[kept++] = drops[i];
	}
	return kept;
}

static enum rt_code
make_manifest(const struct rebuild *rebuild, const struct rtl_repair_log *log,
    const struct rt_manifest **out, struct rt_err *err)
{
	size_t count = rebuild->outputs.count;
	struct rt_manifest_table *tables =
	    rt_alloc_zero(count + 1, sizeof(tables[0]));
	struct rt_manifest_keyspace *map =
	    rt_alloc_zero(RTD_KEYSPACES_MAX, sizeof(map[0]));
	struct rt_manifest_rebuild what = {
		.database_uuid = rebuild->repair->database_uuid,
		.flushed_seq = rebuild->max_seq > log->last_seq
		    ? rebuild->max_seq : log->last_seq,
		.expiry_clock_ms =
		    (uint64_t)rt_clock_wall_ms(rt_clock_system()),
		.level = LAST_LEVEL,
		.tables = tables,
		.tables_count = count,
		.drops = log->drops,
		.drops_count = latest_drops(log->drops, log->drops_count),
		.keyspaces = map,
	};
	enum rt_code code;

	for (size_t i = 0; i < count; i++)
		tables[i] = rt_table_entry(rebuild->outputs.all[i].id,
		    &rebuild->outputs.all[i].info);
	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX && log->swapped; i++)
		map[what.keyspaces_count++] = (struct rt_manifest_keyspace){
			.database = i, .id = log->keyspaces[i] };
	code = rt_manifest_rebuild(&what, out, err);
	free(tables);
	free(map);
	return code;
}

/* -- all of it -- */

static void
unlink_tables(struct rtl_repair *repair,
    const struct rtl_repair_tables *tables)
{
	char name[RT_PATH_NAME_BYTES];

	for (size_t i = 0; i < tables->count; i++)
		rt_fs_unlink(repair->fs, repair->out_sst,
		    rt_path_table(name, tables->all[i].id), NULL);
}

static enum rt_code
take_all(struct rebuild *rebuild, struct rtl_repair_log *log,
    const struct listing *listing, struct rt_err *err)
{
	struct rtl_repair *repair = rebuild->repair;
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < listing->count && code == RT_OK; i++)
		code = take_table(rebuild, listing->ids[i], err);
	if (code == RT_OK && log->floor != 0)
		code = rtl_repair_log(repair, log, err);
	for (size_t i = 0; i < log->tables.count && code == RT_OK; i++)
		code = add_input(rebuild, repair->out_sst,
		    log->tables.all[i].id, err);
	return code;
}

enum rt_code
rtl_repair_rebuild(struct rtl_repair *repair, const struct rt_manifest **out,
    struct rt_err *err)
{
	uint32_t keyspaces[RTD_KEYSPACES_MAX];
	struct rtl_repair_log log = {
		.manifest_generation = UINT64_MAX,
		.next_number = 1,
		.keyspaces = keyspaces,
	};
	struct rebuild rebuild = { .repair = repair };
	struct listing listing = { 0 };
	enum rt_code code = RT_OK;

	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX; i++)
		keyspaces[i] = i;
	rtl_repair_loss(repair, "without a manifest: what was deleted, flushed "
	    "or swapped before the log begins may be back as it was");
	if (repair->sst >= 0)
		code = rt_fs_list(repair->fs, repair->sst, note_table,
		    &listing, err);
	if (code == RT_OK) {
		choose_database(repair, &listing);
		code = rtl_repair_log_floor(repair, &log.floor,
		    repair->database_uuid, err);
	}
	if (code == RT_OK && listing.count == 0 && log.floor == 0)
		code = rt_err_set(err, RT_ENOTFOUND,
		    "there is neither a table nor a log to repair");
	if (code == RT_OK)
		code = take_all(&rebuild, &log, &listing, err);
	if (code == RT_OK)
		code = merge(&rebuild, err);
	if (code == RT_OK)
		code = make_manifest(&rebuild, &log, out, err);
	rt_table_writer_abandon(rebuild.writer);
	for (size_t i = 0; i < rebuild.inputs_count; i++)
		rt_iter_free(rebuild.inputs[i]);
	free(rebuild.inputs);
	unlink_tables(repair, &rebuild.scratch);
	unlink_tables(repair, &log.tables);
	rtl_repair_tables_fini(&rebuild.scratch);
	rtl_repair_tables_fini(&rebuild.outputs);
	rtl_repair_log_fini(&log);
	rt_buf_fini(&rebuild.last_key);
	free(listing.ids);
	return code;
}
