/* fuzz_progress_record: any bytes as the file COMPACTOR.PROGRESS. The first byte
 * chooses whether the others are all of it, or what lies in its envelope. What
 * is decoded keeps the rules that a resumed job rests on, and is written to
 * bytes that decode, and are written as themselves; with a bit of them changed
 * they are refused, and for another database. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "riptide-compactd/progress_record.h"

#define IN_ENVELOPE 0x01

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t uuid[RT_UUID_BYTES] = "sixteen bytes...";
static const uint8_t other_uuid[RT_UUID_BYTES] = "sixteen bytes..!";

static void
put_job(struct rt_buf *out, const struct rtc_recorded_job *recorded)
{
	struct rt_manifest manifest = { .generation = recorded->generation };
	struct rt_manifest_table *tables =
	    rt_alloc_zero(recorded->inputs_count, sizeof(tables[0]));
	struct rtc_job job = {
		.manifest = &manifest,
		.source_level = recorded->source_level,
		.target_level = recorded->target_level,
		.compression = recorded->compression,
	};

	for (size_t i = 0; i < recorded->inputs_count; i++) {
		tables[i].id = recorded->inputs[i].id;
		tables[i].unique_id = recorded->inputs[i].unique_id;
		rtc_job_add(&job, &tables[i]);
	}
	rtc_record_put_head(out, &job);
	rt_buf_put_varint(out, recorded->spans->count);
	for (size_t i = 0; i < recorded->spans->count; i++) {
		const struct rtc_span *span = &recorded->spans->all[i];

		rtc_record_put_span(out, rt_buf_slice(&span->lower),
		    rt_buf_slice(&span->upper), &span->result);
	}
	free(job.inputs);
	free(tables);
}

static void
put_record(struct rt_buf *out, const struct rtc_record *record)
{
	rtc_record_begin(out, uuid, record->boot_id);
	for (size_t i = 0; i < record->count; i++)
		put_job(out, &record->jobs[i]);
	rtc_record_finish(out);
}

/* Each key is in one span at most, and each name can be one of a table. */
static void
expect_spans(const struct rtc_spans *spans)
{
	for (size_t i = 0; i < spans->count; i++) {
		const struct rtc_span *span = &spans->all[i];
		struct rt_slice upper = rt_buf_slice(&span->upper);

		rt_assert(upper.len == 0 || rt_slice_compare(
			rt_buf_slice(&span->lower), upper) < 0);
		rt_assert(i + 1 == spans->count || (upper.len != 0 &&
			rt_slice_compare(upper,
			    rt_buf_slice(&span[1].lower)) <= 0));
		for (size_t j = 0; j < span->result.outputs_count; j++)
			rt_assert(span->result.outputs[j].id.number != 0);
	}
}

static void
expect_rules(const struct rtc_record *record)
{
	rt_assert(record->count <= RTC_PROGRESS_JOBS_MAX);
	for (size_t i = 0; i < record->count; i++) {
		const struct rtc_recorded_job *job = &record->jobs[i];

		rt_assert(job->inputs_count > 0);
		rt_assert(job->source_level < RT_LEVELS_MAX);
		rt_assert(job->target_level < RT_LEVELS_MAX);
		rt_assert(job->compression <= RT_COMPRESSION_ZSTD);
		for (size_t j = 0; j < job->inputs_count; j++)
			rt_assert(job->inputs[j].id.number != 0);
		expect_spans(job->spans);
	}
}

static void
expect_refused(const struct rt_buf *bytes, const uint8_t *database_uuid)
{
	struct rt_err err = { 0 };
	struct rtc_record record;

	rt_assert(rtc_record_decode(&record, rt_buf_slice(bytes), database_uuid,
	    &err) != RT_OK);
	rt_assert(err.code == RT_EDAMAGED || err.code == RT_EFORMAT);
	rt_assert(record.count == 0 && record.jobs == NULL);
}

static void
expect_stable(const struct rtc_record *record)
{
	struct rt_buf once = { 0 }, twice = { 0 };
	struct rtc_record again;
	size_t bit;

	put_record(&once, record);
	rt_assert(rtc_record_decode(&again, rt_buf_slice(&once), uuid, NULL) ==
	    RT_OK);
	put_record(&twice, &again);
	rt_assert(rt_slice_equal(rt_buf_slice(&once), rt_buf_slice(&twice)));
	rtc_record_fini(&again);
	expect_refused(&once, other_uuid);
	bit = rt_crc32c(0, once.data, once.len) % (once.len * 8);
	once.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	expect_refused(&once, uuid);
	rt_buf_fini(&once);
	rt_buf_fini(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool in_envelope = size > 0 && (data[0] & IN_ENVELOPE) != 0;
	struct rtc_record record;
	struct rt_buf file = { 0 };
	struct rt_err err = { 0 };

	if (in_envelope) {
		rtc_record_begin(&file, uuid, 1);
		/* The boot id is the record's too. */
		file.len -= sizeof(uint64_t);
	}
	if (size > 0)
		rt_buf_append(&file, data + 1, size - 1);
	if (in_envelope)
		rtc_record_finish(&file);
	if (rtc_record_decode(&record, rt_buf_slice(&file), uuid, &err) ==
	    RT_OK) {
		expect_rules(&record);
		expect_stable(&record);
		rtc_record_fini(&record);
	} else {
		rt_assert(err.code == RT_EDAMAGED || err.code == RT_EFORMAT);
		rt_assert(record.count == 0 && record.jobs == NULL);
	}
	rt_buf_fini(&file);
	return 0;
}
