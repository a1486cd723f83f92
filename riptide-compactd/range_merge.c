#include "riptide-compactd/range_merge.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/table/bloom.h"
#include "libcommon/table/key_pieces.h"
#include "libcommon/table/merge_iter.h"
#include "libcommon/table/table_reader.h"
#include "riptide-compactd/table_chain.h"

#define WRITE_BEHIND_BYTES ((size_t)1 << 20)
/* Entries and bytes between two looks at the clock. */
#define LOOK_ENTRIES 1024u
#define LOOK_BYTES ((size_t)256 << 10)
/* An output ends early rather than overlap more of the level below its own
 * than so many tables' worth of bytes. */
#define GRANDPARENT_TABLES 10
/* From so much of its size on it ends where a table of that level does. */
#define ALIGN_FROM(bytes) ((bytes) / 4 * 3)

/* One merge under way. */
struct merge {
	const struct rtc_merger *merger;
	const struct rtc_job *job;
	const struct rt_range *range;
	const atomic_bool *is_vain;
	void (*note)(void *arg, struct rt_slice upper);
	void *note_arg;
	struct rtc_result *result;
	struct rtc_retention retention;
	struct rt_iter *iter;
	struct rt_table_writer *writer;	/* NULL between outputs */
	struct rt_file_id writer_id;
	uint64_t paced_bytes;		/* of the output, paid for */
	unsigned look_entries;		/* read since the last look, */
	size_t look_bytes;		/* and their bytes */
	const struct rt_manifest_run *grandparents;
	size_t grandparent_at;
	uint64_t grandparent_bytes;
};

static enum rt_code
open_output(struct merge *merge, struct rt_err *err)
{
	const struct rtc_merger *merger = merge->merger;
	const struct rt_config *config = merger->config;
	struct rt_table_options options = {
		.block_bytes = config->block_size,
		.bloom_bits_per_key = rt_bloom_bits_of_level(
		    (unsigned)config->bloom_bits_per_key,
		    merge->job->target_level == 0,
		    merge->job->is_last_level),
		.compression = merge->job->compression,
		.unique_id = rt_table_unique_id(),
		.write_behind_bytes = WRITE_BEHIND_BYTES,
	};
	char name[RT_PATH_NAME_BYTES];

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

/* What goes to the last level is read back from it and not soon again: it is
 * not worth its place in the page cache. */
static void
forget_pages(const struct rtc_merger *merger, const char *name)
{
	int fd = -1;

	if (rt_fs_open_read(merger->fs, merger->dir, name, &fd, NULL) != RT_OK)
		return;
	merger->fs->fadvise(merger->fs, fd, 0, 0, POSIX_FADV_DONTNEED);
	rt_fs_close(merger->fs, &fd, NULL);
}

static bool
may_go_on(void *arg)
{
	const struct rtc_merger *merger = arg;

	return !merger->should_stop(merger->should_stop_arg, 0);
}

enum rt_code
rtc_range_read_back(const struct rtc_merger *merger, const struct rtc_job *job,
    const struct rtc_output *output, struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = output->info.size,
		.unique_id = output->info.unique_id,
		.database_uuid = job->manifest->database_uuid,
	};
	struct rtc_merger asked = *merger;
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = rt_table_reader_open(&reader, merger->fs, merger->dir,
	    rt_path_table(name, output->id), &expect, NULL, NULL, err);
	if (code == RT_OK)
		code = rt_table_reader_verify_while(reader,
		    output->info.crc32c, may_go_on, &asked, err);
	rt_table_reader_unref(reader);
	if (code != RT_OK)
		rt_err_prefix(err, "read back %s", name);
	else if (job->is_last_level)
		forget_pages(merger, name);
	return code;
}

/* It is none of those that are whole. */
static void
drop_last_output(struct merge *merge)
{
	struct rtc_output *output =
	    &merge->result->outputs[--merge->result->outputs_count];
	char name[RT_PATH_NAME_BYTES];

	rt_fs_unlink(merge->merger->fs, merge->merger->dir,
	    rt_path_table(name, output->id), NULL);
	rt_table_info_fini(&output->info);
}

static enum rt_code
close_output(struct merge *merge, struct rt_err *err)
{
	struct rtc_result *result = merge->result;
	struct rt_table_writer *writer = merge->writer;
	struct rt_table_info info;
	struct rtc_output *output;
	enum rt_code code;

	if (writer == NULL)
		return RT_OK;
	merge->writer = NULL;
	code = rt_table_writer_finish(writer, &info, err);
	if (code != RT_OK)
		return code;
	output = rtc_result_add(result);
	*output = (struct rtc_output){ .id = merge->writer_id, .info = info };
	RT_CRASHPOINT("merge-output-done");
	code = rtc_range_read_back(merge->merger, merge->job, output, err);
	if (code != RT_OK) {
		drop_last_output(merge);
		return code;
	}
	result->bytes_out += info.size;
	result->entries_out += info.entries;
	return RT_OK;
}

/* Follow the key through the level below the target; true when a table of it
 * ended before the key. */
static bool
crosses_below(struct merge *merge, struct rt_slice key)
{
	const struct rt_manifest_run *run = merge->grandparents;
	size_t before = merge->grandparent_at;

	while (run != NULL && merge->grandparent_at < run->tables_count &&
	    rt_key_pieces_compare(run->tables[merge->grandparent_at].largest,
		key, 0) < 0)
		merge->grandparent_bytes +=
		    run->tables[merge->grandparent_at++].size;
	return merge->grandparent_at != before;
}

/* G1: asked for the first version of a key. */
static bool
is_cut_due(struct merge *merge, struct rt_slice key)
{
	uint64_t goal = merge->merger->config->table_size, bytes;
	bool crossed = crosses_below(merge, key);

	if (merge->writer == NULL)
		return false;
	bytes = rt_table_writer_bytes(merge->writer);
	return bytes >= goal || (crossed && bytes >= ALIGN_FROM(goal)) ||
	    merge->grandparent_bytes > GRANDPARENT_TABLES * goal;
}

static enum rt_code
write_entry(struct merge *merge, const struct rt_entry *entry,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	if (merge->writer == NULL)
		code = open_output(merge, err);
	if (code != RT_OK)
		return code;
	return rt_table_writer_add(merge->writer, entry, err);
}

static enum rt_code
take_entry(struct merge *merge, struct rt_err *err)
{
	struct rt_entry entry = merge->iter->entry;
	enum rtc_verdict verdict =
	    rtc_retention_judge(&merge->retention, &entry);

	if (merge->retention.begins_key && is_cut_due(merge, entry.key)) {
		enum rt_code code = close_output(merge, err);

		if (code != RT_OK)
			return code;
		merge->note(merge->note_arg, entry.key);
	}
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
static enum rt_code
look(struct merge *merge, struct rt_err *err)
{
	const struct rtc_merger *merger = merge->merger;
	unsigned wait_ms = 0;

	if (++merge->look_entries < LOOK_ENTRIES &&
	    merge->look_bytes < LOOK_BYTES)
		return RT_OK;
	if (merger->entries_read != NULL)
		atomic_fetch_add_explicit(merger->entries_read,
		    merge->look_entries, memory_order_relaxed);
	merge->look_entries = 0;
	merge->look_bytes = 0;
	if (merge->writer != NULL) {
		uint64_t bytes = rt_table_writer_bytes(merge->writer);

		if (bytes > merge->paced_bytes)
			wait_ms = rtc_pace_spend(merger->pace,
			    bytes - merge->paced_bytes);
		merge->paced_bytes = bytes;
	}
	if (merger->should_stop(merger->should_stop_arg, wait_ms) ||
	    atomic_load_explicit(merge->is_vain, memory_order_relaxed))
		return rt_err_set(err, RT_ESTOPPED,
		    "asked to stop during a merge");
	return RT_OK;
}

static void
open_inputs(struct merge *merge)
{
	const struct rtc_job *job = merge->job;
	struct rt_iter **chains =
	    rt_alloc_zero(job->inputs_count, sizeof(chains[0]));
	struct rt_slice smallest, largest;
	size_t count = 0;

	for (size_t i = 0; i < job->inputs_count;) {
		const struct rt_manifest_table *const *from = job->inputs + i;
		size_t length = rtc_table_chain_length(from,
		    job->inputs_count - i);

		chains[count++] = rtc_table_chain_new(merge->merger->fs,
		    merge->merger->dir, job->manifest, from, length,
		    merge->range);
		i += length;
	}
	rtc_job_range(job, &smallest, &largest);
	merge->iter = rt_merge_iter_new_common(chains, count,
	    rt_slice_shared_prefix(smallest, largest));
	free(chains);
}

/* The iterator may show some entries behind the range. */
static bool
is_inside(const struct merge *merge)
{
	struct rt_slice upper = merge->range->upper;

	return merge->iter->valid && (upper.len == 0 ||
	    rt_key_pieces_compare(merge->iter->entry.key, upper, 0) < 0);
}

static enum rt_code
merge_all(struct merge *merge, struct rt_err *err)
{
	struct rt_iter *iter;
	enum rt_code code = RT_OK;

	open_inputs(merge);
	iter = merge->iter;
	for (rt_iter_seek_first(iter); code == RT_OK && is_inside(merge);) {
		merge->look_bytes += iter->entry.key.len +
		    iter->entry.value.len;
		code = take_entry(merge, err);
		if (code == RT_OK)
			code = look(merge, err);
		if (code == RT_OK)
			rt_iter_next(iter);
	}
	if (code == RT_OK && iter->code != RT_OK) {
		if (err != NULL)
			*err = iter->err;
		return iter->code;
	}
	if (code == RT_OK)
		code = close_output(merge, err);
	return code;
}

enum rt_code
rtc_range_merge(const struct rtc_merger *merger, const struct rtc_job *job,
    const struct rt_range *range, const atomic_bool *is_vain,
    void (*note)(void *arg, struct rt_slice upper), void *note_arg,
    struct rtc_result *result, struct rt_err *err)
{
	struct merge merge = {
		.merger = merger,
		.job = job,
		.range = range,
		.is_vain = is_vain,
		.note = note,
		.note_arg = note_arg,
		.result = result,
	};
	enum rt_code code;

	for (size_t i = 0; i < job->manifest->runs_count; i++)
		if (job->target_level > 0 &&
		    job->manifest->runs[i].level == job->target_level + 1)
			merge.grandparents = &job->manifest->runs[i];
	rtc_retention_init(&merge.retention, job, merger->expired_before_ms);
	code = merge_all(&merge, err);
	rt_iter_free(merge.iter);
	rt_table_writer_abandon(merge.writer);
	rtc_retention_fini(&merge.retention);
	return code;
}
