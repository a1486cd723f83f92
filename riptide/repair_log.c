#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "riptide/repair.h"
#include "riptided/engine/write_batch.h"
#include "riptided/flush/flush.h"
#include "riptided/wal/wal_reader.h"
#include "riptided/wal/wal_segment.h"

struct loading {
	struct rtl_repair *repair;
	struct rtl_repair_log *log;
	struct rtd_wal_replay *replay;
	struct rtd_memtable *memtable;
};

static void
note_drops(struct rtl_repair_log *log, const struct rtd_memtable *memtable)
{
	for (size_t i = 0; i < memtable->drops_count; i++) {
		log->drops = rt_realloc(log->drops,
		    (log->drops_count + 1) * sizeof(log->drops[0]));
		log->drops[log->drops_count++] = (struct rt_manifest_drop){
			.keyspace = memtable->drops[i].keyspace,
			.seq = memtable->drops[i].seq,
		};
	}
}

/* The memtable becomes a table, and a new one begins. */
static enum rt_code
flush(struct loading *loading, struct rt_err *err)
{
	struct rtl_repair *repair = loading->repair;
	struct rtl_repair_log *log = loading->log;
	struct rt_file_id id = { .number = log->next_number };
	struct rt_table_info info = { 0 };
	char name[RT_PATH_NAME_BYTES];
	struct rtd_flush flush = {
		.fs = repair->fs,
		.dir = repair->out_sst,
		.name = rt_path_table(name, id),
		.options = rtl_repair_options(repair, true, false),
		.memtable = loading->memtable,
	};
	bool empty = true;
	enum rt_code code = RT_OK;

	rtd_memtable_end_load(loading->memtable);
	if (!rtd_memtable_is_empty(loading->memtable))
		code = rtd_flush_run(&flush, &empty, &info, err);
	note_drops(log, loading->memtable);
	if (code == RT_OK && !empty) {
		struct rtl_repair_table *table =
		    rtl_repair_tables_add(&log->tables);

		table->id = id;
		table->info = info;
		log->next_number++;
	}
	rtd_memtable_unref(loading->memtable);
	loading->memtable = rtd_memtable_new(repair->config.memtable_size);
	rtd_memtable_begin_load(loading->memtable);
	return code;
}

static void
swap(struct rtl_repair_log *log, const struct rtd_write_op *op)
{
	uint32_t *a = &log->keyspaces[op->databases[0]];
	uint32_t *b = &log->keyspaces[op->databases[1]];
	uint32_t was = *a;

	*a = *b;
	*b = was;
	log->swapped = true;
}

static void
load_op(struct loading *loading, const struct rtd_write_op *op, uint64_t seq)
{
	struct rtd_memtable *memtable = loading->memtable;

	switch (op->type) {
	case RTD_OP_DROP:
		rtd_memtable_drop(memtable, op->keyspace, seq);
		break;
	case RTD_OP_SWAP:
		swap(loading->log, op);
		break;
	case RTD_OP_PUT:
		if (loading->replay->bulk != NULL &&
		    op->value.len >= RT_BULK_BYTES_MIN)
			rtd_memtable_insert_bulk(memtable, op->key,
			    rt_hash64(op->key), seq, op->value,
			    loading->replay->bulk);
		else
			rtd_memtable_insert(memtable, op->key,
			    rt_hash64(op->key), seq, RT_ENTRY_PUT, op->value);
		break;
	default:
		rtd_memtable_insert(memtable, op->key, rt_hash64(op->key), seq,
		    RT_ENTRY_TOMBSTONE, op->value);
		break;
	}
}

static enum rt_code
load_record(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	struct loading *loading = arg;
	struct rt_cursor cursor = rt_cursor(payload);
	uint64_t seq = first_seq;
	struct rtd_write_op op;

	while (rtd_write_batch_next(&cursor, &op)) {
		if (seq > loading->log->flushed_seq)
			load_op(loading, &op, seq);
		seq++;
	}
	if (!rt_cursor_done(&cursor) || seq - first_seq != count)
		return rt_err_set(err, RT_EDAMAGED, "wal/%" PRIu64
		    ".wal: the record of sequence %" PRIu64 " is malformed",
		    segment, first_seq);
	return rtd_memtable_is_full(loading->memtable) ? flush(loading, err)
	    : RT_OK;
}

static void
report(struct rtl_repair *repair, const struct rtd_wal_replay *replay,
    const struct rt_err *damage)
{
	rtl_repair_note(repair, "log: %" PRIu64 " records up to sequence %"
	    PRIu64 " are in new tables", replay->records, replay->last_seq);
	if (damage->code == RT_EDAMAGED)
		rtl_repair_loss(repair, "log: %s; nothing behind it is taken, "
		    "for a later write must not stand without an earlier",
		    damage->text);
	else if (replay->torn_segment != 0)
		rtl_repair_note(repair, "log: the tail of wal/%" PRIu64
		    ".wal from offset %" PRIu64 " on is torn; it was never "
		    "acknowledged as durable", replay->torn_segment,
		    replay->torn_offset);
}

enum rt_code
rtl_repair_log(struct rtl_repair *repair, struct rtl_repair_log *log,
    struct rt_err *err)
{
	struct rtd_wal_replay replay = {
		.fs = repair->fs,
		.dir = repair->wal,
		.database_uuid = repair->database_uuid,
		.floor = log->floor,
		.flushed_seq = log->flushed_seq,
		.manifest_generation = log->manifest_generation,
		.clean_wal = log->clean_wal,
		.clean_wal_bytes = log->clean_wal_bytes,
		.tolerant = true,
		.read_only = true,
		.apply = load_record,
	};
	struct loading loading = { repair, log, &replay, NULL };
	struct rt_err damage = { .code = RT_OK };
	enum rt_code code;

	log->last_seq = log->flushed_seq;
	if (repair->wal < 0) {
		rtl_repair_loss(repair, "log: there is no wal/: writes behind "
		    "sequence %" PRIu64 " are lost if there were any",
		    log->flushed_seq);
		return RT_OK;
	}
	loading.memtable = rtd_memtable_new(repair->config.memtable_size);
	rtd_memtable_begin_load(loading.memtable);
	replay.arg = &loading;
	code = rtd_wal_replay(&replay, &damage);
	/* A log of another database, or of a later manifest: none of it. */
	if (code == RT_EDAMAGED) {
		rtl_repair_loss(repair, "log: not taken: %s", damage.text);
		damage.code = code = RT_OK;
	}
	if (code == RT_OK)
		code = flush(&loading, err);
	else if (err != NULL)
		*err = damage;
	log->last_seq = replay.last_seq;
	log->last_segment = replay.last_segment;
	if (code == RT_OK)
		report(repair, &replay, &damage);
	rtd_memtable_end_load(loading.memtable);
	rtd_memtable_unref(loading.memtable);
	return code;
}

void
rtl_repair_log_fini(struct rtl_repair_log *log)
{
	rtl_repair_tables_fini(&log->tables);
	free(log->drops);
	log->drops = NULL;
}

/* -- where the log begins, when no manifest tells -- */

struct segments {
	uint64_t *numbers;
	size_t count;
};

static void
note_segment(void *arg, const char *name)
{
	struct segments *segments = arg;
	uint64_t number;

	if (!rt_path_parse_wal(name, &number))
		return;
	segments->numbers = rt_realloc(segments->numbers,
	    (segments->count + 1) * sizeof(segments->numbers[0]));
	segments->numbers[segments->count++] = number;
}

/* Whether a segment of that number has a whole header of its own. */
static bool
read_header(struct rtl_repair *repair, uint64_t number,
    struct rtd_wal_segment_header *header)
{
	struct rtd_wal_segment seg = RTD_WAL_SEGMENT_INIT;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = rtd_wal_segment_open(&seg, repair->fs, repair->wal,
	    rt_path_wal(name, number), NULL);
	*header = seg.header;
	rtd_wal_segment_close(&seg);
	return code == RT_OK && header->number == number;
}

enum rt_code
rtl_repair_log_floor(struct rtl_repair *repair, uint64_t *floor,
    uint8_t database_uuid[RT_DATABASE_UUID_BYTES], struct rt_err *err)
{
	struct rtd_wal_segment_header header, newest = { .number = 0 };
	struct segments segments = { 0 };
	enum rt_code code = RT_OK;

	*floor = 0;
	if (repair->wal >= 0)
		code = rt_fs_list(repair->fs, repair->wal, note_segment,
		    &segments, err);
	for (size_t i = 0; i < segments.count && code == RT_OK; i++)
		if (segments.numbers[i] > newest.number &&
		    read_header(repair, segments.numbers[i], &header))
			newest = header;
	free(segments.numbers);
	if (code != RT_OK || newest.number == 0)
		return code;
	memcpy(database_uuid, newest.database_uuid, RT_DATABASE_UUID_BYTES);
	header = newest;
	do {
		newest = header;
		*floor = header.number;
	} while (newest.prev_number != 0 &&
	    newest.prev_number < newest.number &&
	    read_header(repair, newest.prev_number, &header));
	return RT_OK;
}
