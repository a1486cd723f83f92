/* dump: the content of one file as text, one thing a line. FILE is a path, or
 * a bare name of a file in the data directory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/manifest/manifest_codec.h"
#include "libcommon/table/table_reader.h"
#include "libcommon/table/value.h"
#include "riptide/tool.h"
#include "riptided/engine/write_batch.h"
#include "riptided/wal/wal_segment.h"

/* Output is handed on in pieces of about this size. */
#define PRINT_BYTES (64u << 10)

/* The directory that holds the file, open, and its name there. */
static enum rt_code
locate(struct rtl_tool *tool, const char *file, const char *subdir, int *dir,
    const char **name, struct rt_err *err)
{
	const char *slash = strrchr(file, '/');
	enum rt_code code;
	int base = -1;

	*name = file;
	if (slash != NULL) {
		struct rt_buf path = { 0 };

		rt_buf_append(&path, file, (size_t)(slash - file) + 1);
		rt_buf_append_byte(&path, '\0');
		*name = slash + 1;
		code = rt_fs_open_dir(tool->fs, (const char *)path.data, dir,
		    err);
		rt_buf_fini(&path);
		return code;
	}
	code = rt_fs_open_dir(tool->fs, tool->dir, &base, err);
	if (code == RT_OK)
		code = rt_fs_open_subdir(tool->fs, base, subdir, false, dir,
		    err);
	rt_fs_close(tool->fs, &base, NULL);
	return code;
}

static enum rt_code
print_when_full(struct rt_buf *out, struct rt_err *err)
{
	return out->len < PRINT_BYTES ? RT_OK : rtl_print(out, err);
}

static void
put_uuid(struct rt_buf *out, const uint8_t uuid[RT_DATABASE_UUID_BYTES])
{
	rt_buf_printf(out, " database=");
	for (int i = 0; i < RT_DATABASE_UUID_BYTES; i++)
		rt_buf_printf(out, "%02x", uuid[i]);
}

/* A stored value with its expiry. */
static void
put_value(struct rt_buf *out, struct rt_slice stored)
{
	struct rt_slice bytes;
	uint64_t expire_ms;

	if (!rt_value_decode(stored, &expire_ms, &bytes)) {
		rt_buf_printf(out, " malformed=");
		rtl_put_text(out, stored);
		return;
	}
	if (expire_ms != RT_NO_EXPIRY)
		rt_buf_printf(out, " expire_ms=%" PRIu64, expire_ms);
	rt_buf_printf(out, " value=");
	rtl_put_text(out, bytes);
}

/* -- manifest -- */

static void
put_manifest_head(struct rt_buf *out, const struct rt_manifest *manifest)
{
	rt_buf_printf(out, "manifest generation=%" PRIu64,
	    manifest->generation);
	put_uuid(out, manifest->database_uuid);
	rt_buf_printf(out, "\nepochs daemon=%" PRIu64 " compactor=%" PRIu64
	    "\nfeatures daemon=%" PRIu64 " compactor=%" PRIu64
	    "\nnext daemon_file=%" PRIu64 " run_id=%" PRIu64
	    "\nsequences flushed=%" PRIu64 " max=%" PRIu64
	    "\nwal floor=%" PRIu64 " clean=%" PRIu64 " clean_bytes=%" PRIu64
	    "\nexpiry_clock_ms %" PRIu64
	    "\nclocks boot_id=%016" PRIx64 " boot_ms=%" PRIu64
	    " wall_ms=%" PRIu64 " settled_from_ms=%" PRIu64 "\n",
	    manifest->daemon_epoch, manifest->compactor_epoch,
	    manifest->daemon_features, manifest->compactor_features,
	    manifest->next_daemon_file, manifest->next_run_id,
	    manifest->flushed_seq, manifest->max_seq, manifest->wal_floor,
	    manifest->clean_wal, manifest->clean_wal_bytes,
	    manifest->expiry_clock_ms, manifest->clock_mark.boot_id,
	    manifest->clock_mark.boot_ms, manifest->clock_mark.wall_ms,
	    manifest->clock_mark.settled_from_ms);
	if (manifest->compact_asked != 0)
		rt_buf_printf(out, "requests asked=%" PRIu64 " seq=%" PRIu64
		    " done=%" PRIu64 "\n", manifest->compact_asked,
		    manifest->compact_seq, manifest->compact_done);
	if (manifest->tolerated_ms != 0)
		rt_buf_printf(out, "tolerated kept_seq=%" PRIu64
		    " wall_ms=%" PRIu64 "\n", manifest->tolerated_seq,
		    manifest->tolerated_ms);
	for (size_t i = 0; i < manifest->snapshots_count; i++)
		rt_buf_printf(out, "snapshot seq=%" PRIu64 "\n",
		    manifest->snapshots[i]);
	for (size_t i = 0; i < manifest->drops_count; i++)
		rt_buf_printf(out, "drop keyspace=%u seq=%" PRIu64 "\n",
		    manifest->drops[i].keyspace, manifest->drops[i].seq);
	for (size_t i = 0; i < manifest->keyspaces_count; i++)
		rt_buf_printf(out, "keyspace database=%u id=%u\n",
		    manifest->keyspaces[i].database,
		    manifest->keyspaces[i].id);
}

static void
put_table(struct rt_buf *out, const struct rt_manifest_table *table)
{
	char name[RT_PATH_NAME_BYTES];

	rt_buf_printf(out, "  table %s unique_id=%016" PRIx64 " bytes=%" PRIu64
	    " entries=%" PRIu64 " tombstones=%" PRIu64
	    " tombstones_since_s=%" PRIu64 " older_versions=%" PRIu64
	    " seq=%" PRIu64 "-%"
	    PRIu64 " expire_ms=%" PRIu64 "-%" PRIu64 " crc32c=%08x from ",
	    rt_path_table(name, table->id), table->unique_id, table->size,
	    table->entries, table->tombstones, table->tombstones_since_s,
	    table->older_versions,
	    table->min_seq, table->max_seq,
	    table->expire_min_ms, table->expire_max_ms, table->crc32c);
	rtl_put_key(out, table->smallest);
	rt_buf_printf(out, " to ");
	rtl_put_key(out, table->largest);
	rt_buf_append_byte(out, '\n');
}

static enum rt_code
put_manifest(struct rt_buf *out, const struct rt_manifest *manifest,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	put_manifest_head(out, manifest);
	for (size_t i = 0; i < manifest->runs_count && code == RT_OK; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		rt_buf_printf(out, "run id=%" PRIu64 " level=%u tables=%zu\n",
		    run->id, run->level, run->tables_count);
		for (size_t j = 0; j < run->tables_count && code == RT_OK;
		    j++) {
			put_table(out, &run->tables[j]);
			code = print_when_full(out, err);
		}
	}
	for (size_t i = 0; i < manifest->obsolete_count; i++) {
		char name[RT_PATH_NAME_BYTES];

		rt_buf_printf(out, "obsolete %s\n",
		    rt_path_table(name, manifest->obsolete[i]));
	}
	return code;
}

static enum rt_code
load_manifest_file(struct rtl_tool *tool, const char *file,
    const struct rt_manifest **out, struct rt_err *err)
{
	struct rt_buf bytes = { 0 };
	const char *name;
	enum rt_code code;
	int dir = -1;

	code = locate(tool, file, RT_PATH_DIR_MANIFEST, &dir, &name, err);
	if (code == RT_OK)
		code = rt_fs_read_file(tool->fs, dir, name,
		    RT_MANIFEST_BYTES_MAX + RT_MANIFEST_ENVELOPE_BYTES, &bytes,
		    err);
	if (code == RT_OK) {
		code = rt_manifest_decode(rt_buf_slice(&bytes), out, err);
		if (code != RT_OK)
			rt_err_prefix(err, "%s", name);
	}
	rt_buf_fini(&bytes);
	rt_fs_close(tool->fs, &dir, NULL);
	return code;
}

static enum rt_code
dump_manifest(struct rtl_tool *tool, const char *file, struct rt_buf *out,
    struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	enum rt_code code;
	int dir = -1;

	if (file != NULL) {
		code = load_manifest_file(tool, file, &manifest, err);
	} else {
		code = rtl_open_dir(tool, &dir, err);
		if (code == RT_OK)
			code = rtl_load_manifest(tool, dir, &manifest, err);
		rt_fs_close(tool->fs, &dir, NULL);
	}
	if (code == RT_OK)
		code = put_manifest(out, manifest, err);
	rt_manifest_unref(manifest);
	return code;
}

/* -- table -- */

static enum rt_code
put_entries(struct rt_buf *out, struct rt_table_reader *reader,
    struct rt_err *err)
{
	struct rt_iter *iter = rt_table_reader_iter(reader, RT_TABLE_COLD,
	    1 << 20);
	enum rt_code code = RT_OK;

	for (rt_iter_seek_first(iter); iter->valid && code == RT_OK;
	    rt_iter_next(iter)) {
		bool put = iter->entry.type == RT_ENTRY_PUT;

		rt_buf_printf(out, "%s seq=%" PRIu64 " ",
		    put ? "put" : "delete", iter->entry.seq);
		rtl_put_key(out, iter->entry.key);
		if (put)
			put_value(out, iter->entry.value);
		rt_buf_append_byte(out, '\n');
		code = print_when_full(out, err);
	}
	if (code == RT_OK && iter->code != RT_OK) {
		code = iter->code;
		*err = iter->err;
	}
	iter->ops->free(iter);
	return code;
}

static enum rt_code
dump_sst(struct rtl_tool *tool, const char *file, struct rt_buf *out,
    struct rt_err *err)
{
	struct rt_table_reader *reader = NULL;
	const struct rt_table_info *info;
	const char *name;
	enum rt_code code;
	int dir = -1;

	code = locate(tool, file, RT_PATH_DIR_SST, &dir, &name, err);
	if (code == RT_OK)
		code = rt_table_reader_open(&reader, tool->fs, dir, name, NULL,
		    NULL, NULL, err);
	if (code == RT_OK) {
		info = rt_table_reader_info(reader);
		rt_buf_printf(out, "table %s unique_id=%016" PRIx64 " bytes=%"
		    PRIu64 " entries=%" PRIu64 " tombstones=%" PRIu64 " seq=%"
		    PRIu64 "-%" PRIu64 "\n", name, info->unique_id, info->size,
		    info->entries, info->tombstones, info->min_seq,
		    info->max_seq);
		code = put_entries(out, reader, err);
	}
	rt_table_reader_unref(reader);
	rt_fs_close(tool->fs, &dir, NULL);
	return code;
}

/* -- log -- */

static const char *
operation_name(uint8_t type)
{
	static const char *const names[] = {
		[RTD_OP_DELETE] = "delete",
		[RTD_OP_PUT] = "put",
		[RTD_OP_DROP] = "drop",
		[RTD_OP_SWAP] = "swap",
	};

	return names[type];
}

static void
put_operations(struct rt_buf *out, const struct rtd_wal_record *record)
{
	struct rt_cursor cursor = rt_cursor(record->payload);
	uint64_t seq = record->header.first_seq;
	struct rtd_write_op op;

	while (rtd_write_batch_next(&cursor, &op)) {
		rt_buf_printf(out, "  %s seq=%" PRIu64 " ",
		    operation_name(op.type), seq++);
		if (op.type == RTD_OP_DROP)
			rt_buf_printf(out, "keyspace=%u", op.keyspace);
		else if (op.type == RTD_OP_SWAP)
			rt_buf_printf(out, "databases=%u,%u", op.databases[0],
			    op.databases[1]);
		else
			rtl_put_key(out, op.key);
		if (op.type == RTD_OP_PUT)
			put_value(out, op.value);
		rt_buf_append_byte(out, '\n');
	}
	if (!rt_cursor_done(&cursor))
		rt_buf_printf(out, "  malformed\n");
}

static enum rt_code
put_records(struct rt_buf *out, struct rtd_wal_segment *seg,
    struct rt_err *err)
{
	static const char *const types[] = { [RTD_WAL_DATA] = "data",
		[RTD_WAL_SYNC_MARKER] = "sync-marker",
		[RTD_WAL_CLEAN_END] = "clean-end" };
	struct rtd_wal_record record;
	enum rt_code code;

	while ((code = rtd_wal_segment_next(seg, &record, err)) == RT_OK) {
		rt_buf_printf(out, "%s offset=%" PRIu64 " first_seq=%" PRIu64
		    " count=%u bytes=%u synced_upto=%" PRIu64 "\n",
		    types[record.header.type], record.offset,
		    record.header.first_seq, record.header.count,
		    record.header.length, record.header.synced_upto);
		put_operations(out, &record);
		code = print_when_full(out, err);
		if (code != RT_OK)
			return code;
	}
	if (code != RT_ENOTFOUND)
		return code;
	rt_buf_printf(out, "end offset=%" PRIu64 " file_bytes=%" PRIu64 "\n",
	    seg->offset, seg->size);
	return RT_OK;
}

static enum rt_code
dump_wal(struct rtl_tool *tool, const char *file, struct rt_buf *out,
    struct rt_err *err)
{
	struct rtd_wal_segment seg = RTD_WAL_SEGMENT_INIT;
	const char *name;
	enum rt_code code;
	int dir = -1;

	code = locate(tool, file, RT_PATH_DIR_WAL, &dir, &name, err);
	if (code == RT_OK)
		code = rtd_wal_segment_open(&seg, tool->fs, dir, name, err);
	if (code == RT_ENOTFOUND && seg.fd >= 0)
		code = rt_err_set(err, RT_EDAMAGED,
		    "%s has no whole segment header", name);
	if (code == RT_OK) {
		rt_buf_printf(out, "segment %" PRIu64 " predecessor=%" PRIu64
		    " predecessor_bytes=%" PRIu64 " last_seq=%" PRIu64
		    " manifest_generation=%" PRIu64 " salt=%016" PRIx64 "%s",
		    seg.header.number, seg.header.prev_number,
		    seg.header.prev_bytes, seg.header.prev_last_seq,
		    seg.header.manifest_generation, seg.header.salt,
		    (seg.header.flags & RTD_WAL_FLAG_RECYCLED) != 0 ?
		    " recycled" : "");
		put_uuid(out, seg.header.database_uuid);
		rt_buf_append_byte(out, '\n');
		code = put_records(out, &seg, err);
	}
	rtd_wal_segment_close(&seg);
	rt_fs_close(tool->fs, &dir, NULL);
	return code;
}

enum rt_code
rtl_dump(struct rtl_tool *tool, struct rt_err *err)
{
	static const struct {
		const char *kind;
		bool needs_file;
		enum rt_code (*run)(struct rtl_tool *tool, const char *file,
		    struct rt_buf *out, struct rt_err *err);
	} kinds[] = { { "manifest", false, dump_manifest },
		{ "sst", true, dump_sst }, { "wal", true, dump_wal } };
	const char *file = tool->argc == 2 ? tool->argv[1] : NULL;

	for (size_t i = 0; i < RT_COUNTOF(kinds); i++) {
		struct rt_buf out = { 0 };
		enum rt_code code, printed;

		if (strcmp(kinds[i].kind, tool->argv[0]) != 0 ||
		    (kinds[i].needs_file && file == NULL))
			continue;
		code = kinds[i].run(tool, file, &out, err);
		/* What was read before an error is shown too. */
		printed = rtl_print(&out, code == RT_OK ? err : NULL);
		rt_buf_fini(&out);
		return code == RT_OK ? printed : code;
	}
	return rt_err_set(err, RT_EUSAGE,
	    "dump takes manifest [FILE], sst FILE or wal FILE");
}
