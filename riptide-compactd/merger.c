#include "riptide-compactd/merger.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/table/merge_iter.h"
#include "libcommon/table/table_reader.h"

#define READAHEAD_BYTES ((size_t)256 << 10)
#define WRITE_BEHIND_BYTES ((size_t)1 << 20)
#define LOOK_ENTRIES 4096
#define LEVEL0_BLOOM_BITS 16
/* An output ends early rather than overlap more of the level below its own
 * than so many tables' worth of bytes. */
#define GRANDPARENT_TABLES 10

/* One merge under way. */
struct merge {
	const struct rtc_merger *merger;
	const struct rtc_job *job;
	struct rtc_result *result;
	struct rtc_retention retention;
	struct rt_iter *iter;
	struct rt_table_writer *writer;	/* NULL between outputs */
	struct rt_file_id writer_id;
	struct rt_buf last_key;		/* of the output under way */
	uint64_t paced_bytes;		/* of the output, paid for */
	const struct rt_manifest_run *grandparents;
	size_t grandparent_at;
	uint64_t grandparent_bytes;
};

static uint64_t
random_id(void)
{
	uint64_t id = 0;

	while (id == 0)
		rt_assert(getrandom(&id, sizeof(id), 0) == sizeof(id));
	return id;
}

static enum rt_compression
compression_of(const struct rtc_job *job, const struct rt_config *config)
{
	if (job->target_level == 0)
		return RT_COMPRESSION_NONE;
	if (job->is_last_level)
		return (enum rt_compression)config->compression_bottom;
	return (enum rt_compression)config->compression;
}

static enum rt_code
open_output(struct merge *merge, struct rt_err *err)
{
	const struct rtc_merger *merger = merge->merger;
	const struct rt_config *config = merger->config;
	struct rt_table_options options = {
		.block_bytes = config->block_size,
		.bloom_bits_per_key = (unsigned)config->bloom_bits_per_key,
		.compression = compression_of(merge->job, config),
		.unique_id = random_id(),
		.write_behind_bytes = WRITE_BEHIND_BYTES,
	};
	char name[RT_PATH_NAME_BYTES];

	if (merge->job->target_level == 0 && config->bloom_bits_per_key != 0)
		options.bloom_bits_per_key = LEVEL0_BLOOM_BITS;
	memcpy(options.database_uuid, merge->job->manifest->database_uuid,
	    sizeof(options.database_uuid));
	merge->writer_id = (struct rt_file_id){
		.maker_epoch = merger->epoch,
		.number = (*merger->next_number)++,
	};
	merge->paced_bytes = 0;
	merge->grandparent_bytes = 0;
	return rt_table_writer_open(&merge->writer, merger->fs, merger->dir,
	    rt_path_table(name, merge->writer_id), &options, err);
}

/* G3 */
static enum rt_code
read_back(const struct rtc_merger *merger, const struct rtc_output *output,
    struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = output->info.size,
		.unique_id = output->info.unique_id,
	};
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = rt_table_reader_open(&reader, merger->fs, merger->dir,
	    rt_path_table(name, output->id), &expect, NULL, NULL, err);
	if (code == RT_OK)
		code = rt_table_reader_verify(reader, output->info.crc32c, err);
	rt_table_reader_unref(reader);
	if (code != RT_OK)
		rt_err_prefix(err, "read back %s", name);
	return code;
}

static enum rt_code
close_output(struct merge *merge, struct rt_err *err)
{
	struct rtc_result *result = merge->result;
	struct rt_table_writer *writer = merge->writer;
	struct rtc_output *output;
	enum rt_code code;

	if (writer == NULL)
		return RT_OK;
	if (result->outputs_count == result->outputs_cap) {
		result->outputs_cap = result->outputs_cap * 2 + 4;
		result->outputs = rt_realloc(result->outputs,
		    result->outputs_cap * sizeof(result->outputs[0]));
	}
	output = &result->outputs[result->outputs_count];
	*output = (struct rtc_output){ .id = merge->writer_id };
	merge->writer = NULL;
	code = rt_table_writer_finish(writer, &output->info, err);
	if (code != RT_OK)
		return code;
	result->outputs_count++;
	result->bytes_out += output->info.size;
	result->entries_out += output->info.entries;
	RT_CRASHPOINT("merge-output-done");
	return read_back(merge->merger, output, err);
}

/* The bytes of the grandparent level that the output overlaps so far. */
static bool
overlaps_enough(struct merge *merge, struct rt_slice key)
{
	const struct rt_manifest_run *run = merge->grandparents;

	while (run != NULL && merge->grandparent_at < run->tables_count &&
	    rt_slice_compare(run->tables[merge->grandparent_at].largest, key) <
		0)
		merge->grandparent_bytes +=
		    run->tables[merge->grandparent_at++].size;
	return merge->grandparent_bytes >
	    GRANDPARENT_TABLES * merge->merger->config->table_size;
}

/* G1: only where the key changes. Level 0 takes one table a run. */
static bool
is_cut_due(struct merge *merge, struct rt_slice key)
{
	bool enough = overlaps_enough(merge, key);

	if (merge->writer == NULL || merge->job->target_level == 0 ||
	    rt_slice_equal(rt_buf_slice(&merge->last_key), key))
		return false;
	return enough || rt_table_writer_bytes(merge->writer) >=
		merge->merger->config->table_size;
}

static enum rt_code
write_entry(struct merge *merge, const struct rt_entry *entry,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	if (is_cut_due(merge, entry->key))
		code = close_output(merge, err);
	if (code == RT_OK && merge->writer == NULL)
		code = open_output(merge, err);
	if (code != RT_OK)
		return code;
	rt_buf_clear(&merge->last_key);
	rt_buf_append_slice(&merge->last_key, entry->key);
	return rt_table_writer_add(merge->writer, entry, err);
}

static enum rt_code
take_entry(struct merge *merge, struct rt_err *err)
{
	struct rt_entry entry = merge->iter->entry;
	enum rtc_verdict verdict =
	    rtc_retention_judge(&merge->retention, &entry);

	merge->result->entries_in++;
	merge->result->verdicts[verdict]++;
	if (verdict == RTC_KEEP_AS_TOMBSTONE) {
		entry.type = RT_ENTRY_TOMBSTONE;
		entry.value = rt_slice(NULL, 0);
	} else if (verdict != RTC_KEEP) {
		return RT_OK;
	}
	return write_entry(merge, &entry, err);
}

/* Pay for what was written, and see whether we are asked to stop. */
static bool
should_stop(struct merge *merge)
{
	const struct rtc_merger *merger = merge->merger;
	unsigned wait_ms = 0;

	if (merge->writer != NULL) {
		uint64_t bytes = rt_table_writer_bytes(merge->writer);

		if (bytes > merge->paced_bytes)
			wait_ms = rtc_pace_spend(merger->pace,
			    bytes - merge->paced_bytes);
		merge->paced_bytes = bytes;
	}
	return merger->should_stop(merger->should_stop_arg, wait_ms);
}

static enum rt_code
open_inputs(struct merge *merge, struct rt_err *err)
{
	const struct rtc_job *job = merge->job;
	struct rt_iter **inputs =
	    rt_alloc_zero(job->inputs_count, sizeof(inputs[0]));
	enum rt_code code = RT_OK;
	size_t count = 0;

	for (size_t i = 0; i < job->inputs_count && code == RT_OK; i++) {
		const struct rt_manifest_table *table = job->inputs[i];
		struct rt_table_expect expect = {
			.size = table->size,
			.unique_id = table->unique_id,
			.database_uuid = job->manifest->database_uuid,
		};
		struct rt_table_reader *reader = NULL;
		char name[RT_PATH_NAME_BYTES];

		code = rt_table_reader_open(&reader, merge->merger->fs,
		    merge->merger->dir, rt_path_table(name, table->id), &expect,
		    NULL, NULL, err);
		if (code != RT_OK)
			break;
		inputs[count++] = rt_table_reader_iter(reader, RT_TABLE_COLD,
		    READAHEAD_BYTES);
		rt_table_reader_unref(reader);
		merge->result->bytes_in += table->size;
	}
	/* Owns what was opened, so that one free serves all ways out. */
	merge->iter = rt_merge_iter_new(inputs, count);
	free(inputs);
	return code;
}

static enum rt_code
merge_all(struct merge *merge, struct rt_err *err)
{
	struct rtc_result *result = merge->result;
	struct rt_iter *iter;
	uint64_t expected = 0, gone;
	enum rt_code code = open_inputs(merge, err);

	iter = merge->iter;
	if (code != RT_OK)
		return code;
	for (size_t i = 0; i < merge->job->inputs_count; i++)
		expected += merge->job->inputs[i]->entries;
	for (rt_iter_seek_first(iter); iter->valid && code == RT_OK;
	    rt_iter_next(iter)) {
		code = take_entry(merge, err);
		if (code == RT_OK && result->entries_in % LOOK_ENTRIES == 0 &&
		    should_stop(merge))
			code = rt_err_set(err, RT_ESTOPPED,
			    "asked to stop during a merge");
	}
	if (code == RT_OK && iter->code != RT_OK) {
		if (err != NULL)
			*err = iter->err;
		return iter->code;
	}
	if (code == RT_OK)
		code = close_output(merge, err);
	if (code != RT_OK)
		return code;
	gone = result->entries_in - result->verdicts[RTC_KEEP] -
	    result->verdicts[RTC_KEEP_AS_TOMBSTONE];
	if (result->entries_in != expected ||
	    result->entries_in != result->entries_out + gone)
		return rt_err_set(err, RT_EDAMAGED,
		    "the merge read %llu entries of %llu and wrote %llu",
		    (unsigned long long)result->entries_in,
		    (unsigned long long)expected,
		    (unsigned long long)result->entries_out);
	return rt_fs_sync_dir(merge->merger->fs, merge->merger->dir, err);
}

enum rt_code
rtc_merger_run(const struct rtc_merger *merger, const struct rtc_job *job,
    struct rtc_result *result, struct rt_err *err)
{
	struct merge merge = {
		.merger = merger,
		.job = job,
		.result = result,
	};
	enum rt_code code;

	*result = (struct rtc_result){ 0 };
	for (size_t i = 0; i < job->manifest->runs_count; i++)
		if (job->target_level > 0 &&
		    job->manifest->runs[i].level == job->target_level + 1)
			merge.grandparents = &job->manifest->runs[i];
	rtc_retention_init(&merge.retention, job, merger->expired_before_ms);
	code = merge_all(&merge, err);
	rt_iter_free(merge.iter);
	rt_table_writer_abandon(merge.writer);
	rtc_retention_fini(&merge.retention);
	rt_buf_fini(&merge.last_key);
	if (code != RT_OK)
		rtc_result_unlink(result, merger);
	return code;
}

void
rtc_result_unlink(struct rtc_result *result, const struct rtc_merger *merger)
{
	for (size_t i = 0; i < result->outputs_count; i++) {
		char name[RT_PATH_NAME_BYTES];

		rt_fs_unlink(merger->fs, merger->dir,
		    rt_path_table(name, result->outputs[i].id), NULL);
	}
}

void
rtc_result_fini(struct rtc_result *result)
{
	for (size_t i = 0; i < result->outputs_count; i++)
		rt_table_info_fini(&result->outputs[i].info);
	free(result->outputs);
	*result = (struct rtc_result){ 0 };
}
