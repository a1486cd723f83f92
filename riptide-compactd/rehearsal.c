/* Keys are numbers here: the eight bytes behind what the smallest and the
 * largest of a range have in common. So a range can be divided, and it is known
 * which part of all keys lies in it.
 *
 * Let data_bytes be D, and f the part of it in a job's range. A run that has x
 * bytes there holds each key of it with the chance x / fD, and what the merge
 * writes is fD (1 - (1 - x1 / fD) (1 - x2 / fD) ...). */
#include "riptide-compactd/rehearsal.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_edit.h"
#include "riptide-compactd/database.h"
#include "riptide-compactd/levels.h"

#define MIB (UINT64_C(1) << 20)
#define NUMBER_BYTES 8
/* A key of a database that has none: keyspace 0, kind, a number. */
#define EMPTY_KEY_PREFIX 5
/* What a flushed entry takes, about. */
#define ENTRY_BYTES 128

/* -- keys as numbers -- */

static size_t
common_prefix(struct rt_slice a, struct rt_slice b)
{
	size_t at = 0;

	while (at < a.len && at < b.len && a.data[at] == b.data[at])
		at++;
	return at;
}

static uint64_t
number_behind(struct rt_slice key, size_t prefix)
{
	uint64_t number = 0;

	for (size_t i = prefix; i < prefix + NUMBER_BYTES; i++)
		number = number << 8 | (i < key.len ? key.data[i] : 0);
	return number;
}

static void
make_key(struct rt_buf *out, struct rt_slice like, size_t prefix,
    uint64_t number)
{
	rt_buf_clear(out);
	rt_buf_append_slice(out, rt_slice(like.data, prefix));
	for (int shift = 56; shift >= 0; shift -= 8)
		rt_buf_append_byte(out, (uint8_t)(number >> shift));
}

/* The part of all keys that lies between two of them. */
static double
part_of_all(const struct rtc_rehearsal *rehearsal, struct rt_slice smallest,
    struct rt_slice largest)
{
	struct rt_slice from = rt_buf_slice(&rehearsal->smallest);
	struct rt_slice to = rt_buf_slice(&rehearsal->largest);
	size_t prefix = common_prefix(from, to);
	double all = (double)number_behind(to, prefix) -
	    (double)number_behind(from, prefix);
	double part = (double)number_behind(largest, prefix) -
	    (double)number_behind(smallest, prefix);

	return all < 1 || part > all ? 1 : part < 1 ? 1 / all : part / all;
}

/* -- begin and end -- */

static enum rt_code
take_edit(struct rtc_rehearsal *rehearsal, struct rt_manifest_edit *edit,
    struct rt_err *err)
{
	const struct rt_manifest *next = NULL;
	enum rt_code code = rt_manifest_edit_apply(edit, rehearsal->manifest,
	    &next, err);

	rt_manifest_edit_free(edit);
	if (code != RT_OK)
		return code;
	rt_manifest_unref(rehearsal->manifest);
	rehearsal->manifest = next;
	return RT_OK;
}

static enum rt_code
claim(struct rtc_rehearsal *rehearsal, enum rt_role role, uint64_t features,
    struct rt_err *err)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(role, 0);

	rt_manifest_edit_claim(edit, features);
	return take_edit(rehearsal, edit, err);
}

static void
find_range(struct rtc_rehearsal *rehearsal)
{
	const struct rt_manifest *manifest = rehearsal->manifest;
	struct rt_slice smallest = { 0 }, largest = { 0 };
	static const uint8_t zeros[EMPTY_KEY_PREFIX];

	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];
		struct rt_slice first = run->tables[0].smallest;
		struct rt_slice last =
		    run->tables[run->tables_count - 1].largest;

		if (i == 0 || rt_slice_compare(first, smallest) < 0)
			smallest = first;
		if (i == 0 || rt_slice_compare(last, largest) > 0)
			largest = last;
	}
	if (manifest->runs_count == 0) {
		struct rt_slice like = rt_slice(zeros, sizeof(zeros));

		make_key(&rehearsal->smallest, like, like.len, 0);
		make_key(&rehearsal->largest, like, like.len, UINT64_MAX);
		return;
	}
	rt_buf_append_slice(&rehearsal->smallest, smallest);
	rt_buf_append_slice(&rehearsal->largest, largest);
}

/* What there is, and how many runs of it a read may have to look into. */
static void
look(struct rtc_rehearsal *rehearsal, uint64_t beside_bytes)
{
	uint64_t bytes = rtc_rehearsal_bytes(rehearsal) + beside_bytes;

	if (bytes > rehearsal->peak_bytes)
		rehearsal->peak_bytes = bytes;
	if (rehearsal->manifest->runs_count > rehearsal->runs_max)
		rehearsal->runs_max = rehearsal->manifest->runs_count;
}

enum rt_code
rtc_rehearsal_begin(struct rtc_rehearsal *rehearsal,
    const struct rt_manifest *manifest, uint64_t table_bytes,
    uint64_t data_bytes, struct rt_err *err)
{
	enum rt_code code;

	rt_assert(table_bytes > 0);
	*rehearsal = (struct rtc_rehearsal){
		.manifest = rt_manifest_ref(manifest),
		.table_bytes = table_bytes,
		.data_bytes = data_bytes,
		.next_number = 1,
	};
	find_range(rehearsal);
	code = claim(rehearsal, RT_ROLE_COMPACTOR, RTC_FEATURES, err);
	if (code == RT_OK)
		code = claim(rehearsal, RT_ROLE_DAEMON,
		    manifest->daemon_features, err);
	look(rehearsal, 0);
	return code;
}

void
rtc_rehearsal_end(struct rtc_rehearsal *rehearsal)
{
	rt_manifest_unref(rehearsal->manifest);
	rt_buf_fini(&rehearsal->smallest);
	rt_buf_fini(&rehearsal->largest);
	*rehearsal = (struct rtc_rehearsal){ 0 };
}

uint64_t
rtc_rehearsal_bytes(const struct rtc_rehearsal *rehearsal)
{
	uint64_t bytes = 0;

	for (uint32_t level = 0; level < RT_LEVELS_MAX; level++)
		bytes += rt_manifest_level_bytes(rehearsal->manifest, level);
	return bytes;
}

/* A third of what a machine did that had nothing else to do: 727, 268 and 89
 * MB/s. Here is a daemon beside it, and a disk below. */
uint64_t
rtc_rehearsal_speed(enum rt_compression compression)
{
	switch (compression) {
	case RT_COMPRESSION_NONE:
		return 240 * MIB;
	case RT_COMPRESSION_ZSTD:
		return 30 * MIB;
	default:
		return 90 * MIB;
	}
}

/* -- flushes -- */

enum rt_code
rtc_rehearsal_flush(struct rtc_rehearsal *rehearsal, uint64_t bytes,
    struct rt_err *err)
{
	const struct rt_manifest *manifest = rehearsal->manifest;
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_DAEMON,
	    manifest->daemon_epoch);
	uint64_t entries = bytes / ENTRY_BYTES + 1;
	struct rt_manifest_table table = {
		.id = { 0, manifest->next_daemon_file == 0
			? 1 : manifest->next_daemon_file },
		.unique_id = 1,
		.size = bytes,
		.smallest = rt_buf_slice(&rehearsal->smallest),
		.largest = rt_buf_slice(&rehearsal->largest),
		.min_seq = manifest->max_seq + 1,
		.max_seq = manifest->max_seq + entries,
		.entries = entries,
	};
	enum rt_code code;

	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_flushed(edit, table.max_seq, manifest->wal_floor);
	code = take_edit(rehearsal, edit, err);
	if (code != RT_OK)
		return code;
	rehearsal->flushed_bytes += bytes;
	look(rehearsal, 0);
	return RT_OK;
}

/* -- jobs -- */

/* What a run gives to a job, as a part of what is there at most. */
static double
density(const struct rtc_job *job, const struct rt_manifest_run *run,
    double room)
{
	double bytes = 0;

	for (size_t i = 0; i < job->inputs_count; i++)
		if (job->inputs[i] >= run->tables &&
		    job->inputs[i] < run->tables + run->tables_count)
			bytes += (double)job->inputs[i]->size;
	return bytes < room ? bytes / room : 1;
}

static uint64_t
output_bytes(const struct rtc_rehearsal *rehearsal, const struct rtc_job *job)
{
	const struct rt_manifest *manifest = job->manifest;
	struct rt_slice smallest, largest;
	double room, missing = 1;

	if (job->kind == RTC_JOB_DISCARD)
		return 0;
	if (job->kind == RTC_JOB_MOVE || rehearsal->data_bytes == 0)
		return job->input_bytes;
	rtc_job_range(job, &smallest, &largest);
	room = (double)rehearsal->data_bytes *
	    part_of_all(rehearsal, smallest, largest);
	for (size_t i = 0; i < manifest->runs_count; i++)
		missing *= 1 - density(job, &manifest->runs[i], room);
	return (uint64_t)(room * (1 - missing)) + 1;
}

/* One of the outputs, as far as all of them are alike. */
static struct rt_manifest_table
outline(const struct rtc_job *job)
{
	struct rt_manifest_table table = { .min_seq = UINT64_MAX };

	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];

		if (input->min_seq < table.min_seq)
			table.min_seq = input->min_seq;
		if (input->max_seq > table.max_seq)
			table.max_seq = input->max_seq;
		table.entries += input->entries;
		table.tombstones += input->tombstones;
		if (input->tombstones_since_s != 0 &&
		    (table.tombstones_since_s == 0 ||
			input->tombstones_since_s < table.tombstones_since_s))
			table.tombstones_since_s = input->tombstones_since_s;
	}
	/* They go where nothing lies below, and in place (P6). */
	if (job->is_last_level || job->source_level == job->target_level)
		table.tombstones = table.tombstones_since_s = 0;
	return table;
}

struct cuts {
	struct rt_slice from, to;
	size_t prefix;
	uint64_t first, step;	/* numbers */
	size_t count;		/* of tables */
};

static struct cuts
plan_cuts(const struct rtc_rehearsal *rehearsal, const struct rtc_job *job,
    uint64_t bytes)
{
	struct cuts cuts = { .count = (size_t)(bytes / rehearsal->table_bytes) };
	uint64_t last;

	rtc_job_range(job, &cuts.from, &cuts.to);
	cuts.prefix = common_prefix(cuts.from, cuts.to);
	cuts.first = number_behind(cuts.from, cuts.prefix);
	last = number_behind(cuts.to, cuts.prefix);
	if (cuts.count < 1 || last - cuts.first < 4 * cuts.count)
		cuts.count = 1;
	cuts.step = (last - cuts.first) / cuts.count;
	return cuts;
}

static void
put_outputs(struct rtc_rehearsal *rehearsal, const struct rtc_job *job,
    struct rt_manifest_edit *edit, uint64_t bytes)
{
	struct cuts cuts = plan_cuts(rehearsal, job, bytes);
	struct rt_manifest_table *tables =
	    rt_alloc_zero(cuts.count, sizeof(*tables));
	struct rt_buf *keys = rt_alloc_zero(2 * cuts.count, sizeof(*keys));
	struct rt_file_id *ids = rtc_job_ids(job);
	struct rt_manifest_table like = outline(job);

	for (size_t i = 0; i < cuts.count; i++) {
		uint64_t from = cuts.first + i * cuts.step;

		tables[i] = like;
		tables[i].id = (struct rt_file_id){
			rehearsal->manifest->compactor_epoch,
			rehearsal->next_number++ };
		tables[i].unique_id = tables[i].id.number;
		tables[i].size = (bytes + cuts.count - 1) / cuts.count;
		tables[i].entries = like.entries / cuts.count + 1;
		tables[i].tombstones = like.tombstones / cuts.count;
		make_key(&keys[2 * i], cuts.from, cuts.prefix, from);
		make_key(&keys[2 * i + 1], cuts.from, cuts.prefix,
		    from + cuts.step - 1);
		tables[i].smallest = i == 0 ? cuts.from
		    : rt_buf_slice(&keys[2 * i]);
		tables[i].largest = i + 1 == cuts.count ? cuts.to
		    : rt_buf_slice(&keys[2 * i + 1]);
	}
	rt_manifest_edit_replace(edit, ids, job->inputs_count,
	    job->target_level, tables,
	    job->kind == RTC_JOB_DISCARD ? 0 : cuts.count);
	if (job->as_run)
		rt_manifest_edit_as_run(edit);
	for (size_t i = 0; i < 2 * cuts.count; i++)
		rt_buf_fini(&keys[i]);
	free(keys);
	free(ids);
	free(tables);
}

enum rt_code
rtc_rehearsal_do(struct rtc_rehearsal *rehearsal, const struct rtc_job *job,
    uint64_t *written, struct rt_err *err)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_COMPACTOR,
	    rehearsal->manifest->compactor_epoch);
	uint64_t bytes = output_bytes(rehearsal, job);
	enum rt_code code;

	*written = 0;
	if (job->kind == RTC_JOB_MOVE)
		rt_manifest_edit_move(edit, job->inputs[0]->id,
		    job->target_level);
	else
		put_outputs(rehearsal, job, edit, bytes);
	if (job->kind == RTC_JOB_MERGE) {
		*written = bytes;
		rehearsal->read_bytes += job->input_bytes;
		rehearsal->written_bytes += bytes;
		rehearsal->seconds += (double)job->input_bytes /
		    (double)rtc_rehearsal_speed(job->compression);
		look(rehearsal, bytes);
	}
	rehearsal->jobs++;
	code = take_edit(rehearsal, edit, err);
	if (code == RT_OK)
		look(rehearsal, 0);
	return code;
}
