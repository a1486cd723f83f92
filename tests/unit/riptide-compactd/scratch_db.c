#include "tests/unit/riptide-compactd/scratch_db.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/table_reader.h"
#include "libcommon/table/value.h"
#include "libcommon/tree/table_entry.h"

static struct rt_err failure;

#define OK(call) ck_assert_msg((call) == RT_OK, "%s: %s", #call, failure.text)

static struct rt_slice
store_key(const char *key, struct rt_buf *out)
{
	uint8_t prefix[RT_KEY_PREFIX_BYTES];

	rt_key_put_prefix(prefix, 0, RT_KEY_KIND_STRING);
	rt_buf_clear(out);
	rt_buf_append(out, prefix, sizeof(prefix));
	rt_buf_append(out, key, strlen(key));
	return rt_buf_slice(out);
}

static void
publish(struct rtt_db *db, struct rt_manifest_edit *edit)
{
	OK(rt_manifest_store_publish(db->store, edit, NULL, NULL, &failure));
	rt_manifest_edit_free(edit);
}

void
rtt_db_init(struct rtt_db *db)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_DAEMON, 0);
	const struct rt_manifest *manifest;

	*db = (struct rtt_db){ .fs = rt_fs_posix(), .sst = -1, .next_file = 1 };
	rtt_scratch_init(&db->scratch);
	OK(rt_fs_open_subdir(db->fs, db->scratch.fd, RT_PATH_DIR_SST, true,
	    &db->sst, &failure));
	OK(rt_manifest_store_open(&db->store, db->fs, db->scratch.fd, true,
	    &failure));
	OK(rt_manifest_store_create(db->store, &failure));
	rt_manifest_edit_claim(edit, 0);
	publish(db, edit);
	manifest = rtt_db_load(db);
	db->daemon_epoch = manifest->daemon_epoch;
	rt_manifest_unref(manifest);
}

void
rtt_db_fini(struct rtt_db *db)
{
	rt_manifest_store_close(db->store);
	rt_fs_close(db->fs, &db->sst, NULL);
	rtt_scratch_fini(&db->scratch);
}

const struct rt_manifest *
rtt_db_load(struct rtt_db *db)
{
	const struct rt_manifest *manifest = NULL;

	OK(rt_manifest_store_load(db->store, &manifest, &failure));
	return manifest;
}

static int
compare_versions(const void *a, const void *b)
{
	const struct rtt_version *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : (x->seq < y->seq) - (x->seq > y->seq);
}

static void
add_version(struct rt_table_writer *writer, const struct rtt_version *version)
{
	uint8_t header[RT_VALUE_HEADER_BYTES_MAX];
	struct rt_buf key = { 0 }, value = { 0 };
	struct rt_entry entry = {
		.key = store_key(version->key, &key),
		.seq = version->seq,
		.type = version->deletes ? RT_ENTRY_TOMBSTONE : RT_ENTRY_PUT,
	};

	if (!version->deletes) {
		rt_buf_append(&value, header,
		    rt_value_put_header(header, version->expire_ms));
		rt_buf_printf(&value, "%" PRIu64 " ", version->seq);
		/* Nothing that a compressor would make small. */
		while (value.len < version->value_bytes) {
			uint64_t noise = rt_hash64(rt_buf_slice(&value));

			rt_buf_append(&value, &noise, sizeof(noise));
		}
		entry.value = rt_buf_slice(&value);
	}
	OK(rt_table_writer_add(writer, &entry, &failure));
	rt_buf_fini(&key);
	rt_buf_fini(&value);
}

void
rtt_db_flush(struct rtt_db *db, const struct rtt_version *versions,
    size_t count)
{
	struct rtt_version *sorted = rt_alloc(count * sizeof(sorted[0]));
	struct rt_file_id id = { 0, db->next_file++ };
	const struct rt_manifest *manifest = rtt_db_load(db);
	struct rt_table_options options = {
		.block_bytes = 4096,
		.bloom_bits_per_key = 16,
		.unique_id = 1000 + id.number,
	};
	struct rt_table_writer *writer = NULL;
	struct rt_table_info info = { .size = 0 };
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, db->daemon_epoch);
	struct rt_manifest_table table;
	char name[RT_PATH_NAME_BYTES];

	memcpy(options.database_uuid, manifest->database_uuid, RT_UUID_BYTES);
	rt_manifest_unref(manifest);
	memcpy(sorted, versions, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare_versions);
	OK(rt_table_writer_open(&writer, db->fs, db->sst,
	    rt_path_table(name, id), &options, &failure));
	for (size_t i = 0; i < count; i++)
		add_version(writer, &sorted[i]);
	OK(rt_table_writer_finish(writer, &info, &failure));
	table = rt_table_entry(id, &info);
	table.tombstones_since_s = db->tombstones_since_s;
	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_flushed(edit, info.max_seq, 1);
	rt_manifest_edit_set_next_file(edit, db->next_file);
	publish(db, edit);
	rt_table_info_fini(&info);
	free(sorted);
}

void
rtt_db_set_snapshots(struct rtt_db *db, const uint64_t *snapshots, size_t count)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, db->daemon_epoch);

	rt_manifest_edit_set_snapshots(edit, snapshots, count);
	publish(db, edit);
}

uint64_t
rtt_db_claim(struct rtt_db *db)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	const struct rt_manifest *manifest;
	uint64_t epoch;

	rt_manifest_edit_claim(edit, 0);
	publish(db, edit);
	manifest = rtt_db_load(db);
	epoch = manifest->compactor_epoch;
	rt_manifest_unref(manifest);
	return epoch;
}

static struct rt_table_reader *
open_table(struct rtt_db *db, const struct rt_manifest *manifest,
    const struct rt_manifest_table *table)
{
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = manifest->database_uuid,
	};
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];

	OK(rt_table_reader_open(&reader, db->fs, db->sst,
	    rt_path_table(name, table->id), &expect, NULL, NULL, &failure));
	return reader;
}

/* RT_ENOTFOUND, or what the table has of the key. */
static enum rt_code
read_table(struct rt_table_reader *reader, struct rt_slice key,
    uint64_t read_seq, uint64_t expired_before_ms, uint64_t *seq)
{
	struct rt_table_found found = { 0 };
	enum rt_code code = rt_table_reader_get(reader, key, rt_hash64(key),
	    read_seq, 0, &found, &failure);
	uint64_t expire_ms = 0;
	struct rt_slice bytes;

	*seq = 0;
	if (code != RT_OK) {
		ck_assert_int_eq(code, RT_ENOTFOUND);
		return code;
	}
	if (found.type == RT_ENTRY_PUT) {
		ck_assert(rt_value_decode(found.value, &expire_ms, &bytes));
		ck_assert_uint_eq(strtoull((const char *)bytes.data, NULL, 10),
		    found.seq);
		if (expire_ms == 0 || expire_ms >= expired_before_ms)
			*seq = found.seq;
	}
	rt_table_found_fini(&found);
	return RT_OK;
}

uint64_t
rtt_db_read(struct rtt_db *db, const char *key, uint64_t read_seq,
    uint64_t expired_before_ms)
{
	const struct rt_manifest *manifest = rtt_db_load(db);
	struct rt_buf buf = { 0 };
	struct rt_slice wanted = store_key(key, &buf);
	enum rt_code code = RT_ENOTFOUND;
	uint64_t seq = 0;

	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; code != RT_OK && j < run->tables_count;
		     j++) {
			struct rt_table_reader *reader =
			    open_table(db, manifest, &run->tables[j]);

			code = read_table(reader, wanted, read_seq,
			    expired_before_ms, &seq);
			rt_table_reader_unref(reader);
		}
	}
	rt_buf_fini(&buf);
	rt_manifest_unref(manifest);
	return seq;
}

uint64_t
rtt_db_count(struct rtt_db *db, const char *key)
{
	const struct rt_manifest *manifest = rtt_db_load(db);
	struct rt_buf buf = { 0 };
	uint64_t count = 0;

	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++) {
			struct rt_table_reader *reader =
			    open_table(db, manifest, &run->tables[j]);
			struct rt_iter *iter =
			    rt_table_reader_iter(reader, 0, 0);

			for (rt_iter_seek_first(iter); iter->valid;
			     rt_iter_next(iter))
				count += key == NULL ||
				    rt_slice_equal(iter->entry.key,
					store_key(key, &buf));
			ck_assert_int_eq(iter->code, RT_OK);
			rt_iter_free(iter);
			rt_table_reader_unref(reader);
		}
	}
	rt_buf_fini(&buf);
	rt_manifest_unref(manifest);
	return count;
}

static void
count_name(void *arg, const char *name)
{
	(*(size_t *)arg)++;
}

size_t
rtt_db_files(struct rtt_db *db)
{
	size_t count = 0;

	OK(rt_fs_list(db->fs, db->sst, count_name, &count, &failure));
	return count;
}

bool
rtt_db_has_file(struct rtt_db *db, struct rt_file_id id)
{
	char name[RT_PATH_NAME_BYTES];
	bool exists = false;

	OK(rt_fs_exists(db->fs, db->sst, rt_path_table(name, id), &exists,
	    &failure));
	return exists;
}

void
rtt_db_make_file(struct rtt_db *db, struct rt_file_id id)
{
	char name[RT_PATH_NAME_BYTES];

	OK(rt_fs_write_file(db->fs, db->sst, rt_path_table(name, id),
	    rt_slice(NULL, 0), &failure));
}

static bool
never_stop(void *arg, unsigned wait_ms)
{
	return false;
}

struct rtc_merger
rtt_db_merger(struct rtt_db *db, struct rt_config *config, uint64_t epoch,
    _Atomic uint64_t *next_number, struct rtc_pace *pace)
{
	rtc_pace_init(pace, rt_clock_system(), 0);
	*next_number = 1;
	return (struct rtc_merger){
		.fs = db->fs,
		.dir = db->sst,
		.config = config,
		.epoch = epoch,
		.next_number = next_number,
		.pace = pace,
		.should_stop = never_stop,
	};
}

void
rtt_db_job(struct rtt_db *db, struct rtc_job *job)
{
	const struct rt_manifest *manifest = rtt_db_load(db);
	struct rtc_limits limits = {
		.l0_trigger = 1,
		.level_base_bytes = UINT64_C(1) << 40,
		.level_multiplier = 10,
		.compression = RT_COMPRESSION_LZ4,
		.compression_bottom = RT_COMPRESSION_LZ4,
	};

	ck_assert(rtc_picker_pick(manifest, &limits, job));
	ck_assert_int_eq(job->kind, RTC_JOB_MERGE);
	rt_manifest_unref(manifest);
}
