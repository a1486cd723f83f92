#include "riptide-compactd/progress_record.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"

#define MAGIC "RTprog\r\n"
#define MAGIC_BYTES 8
#define FORMAT 2
#define CRC_BYTES 4

void
rtc_record_begin(struct rt_buf *out, const uint8_t *database_uuid,
    uint64_t boot_id)
{
	rt_buf_append(out, MAGIC, MAGIC_BYTES);
	rt_buf_put_fixed32(out, FORMAT);
	rt_buf_append(out, database_uuid, RT_UUID_BYTES);
	rt_buf_put_fixed64(out, boot_id);
}

void
rtc_record_put_head(struct rt_buf *out, const struct rtc_job *job)
{
	rt_buf_put_varint(out, job->manifest->generation);
	rt_buf_put_varint(out, job->source_level);
	rt_buf_put_varint(out, job->target_level);
	rt_buf_put_varint(out, job->compression);
	rt_buf_put_varint(out, job->inputs_count);
	for (size_t i = 0; i < job->inputs_count; i++) {
		rt_buf_put_varint(out, job->inputs[i]->id.maker_epoch);
		rt_buf_put_varint(out, job->inputs[i]->id.number);
		rt_buf_put_fixed64(out, job->inputs[i]->unique_id);
	}
}

void
rtc_record_put_span(struct rt_buf *out, struct rt_slice lower,
    struct rt_slice upper, const struct rtc_result *result)
{
	rt_buf_put_bytes(out, lower);
	rt_buf_put_bytes(out, upper);
	rt_buf_put_varint(out, result->entries_in);
	for (size_t i = 0; i < RTC_VERDICTS; i++)
		rt_buf_put_varint(out, result->verdicts[i]);
	rt_buf_put_varint(out, result->outputs_count);
	for (size_t i = 0; i < result->outputs_count; i++) {
		const struct rtc_output *output = &result->outputs[i];

		rt_buf_put_varint(out, output->id.maker_epoch);
		rt_buf_put_varint(out, output->id.number);
		rt_buf_put_fixed64(out, output->info.unique_id);
		rt_buf_put_varint(out, output->info.size);
		rt_buf_put_fixed32(out, output->info.crc32c);
		rt_buf_put_varint(out, output->info.older_versions);
		rt_buf_put_varint(out, output->is_checked);
	}
}

void
rtc_record_finish(struct rt_buf *out)
{
	rt_buf_put_fixed32(out, rt_crc32c(0, out->data, out->len));
}

/* So many things of so many bytes at least, or the record is damaged. */
static size_t
take_count(struct rt_cursor *cursor, size_t bytes_min)
{
	uint64_t count = rt_cursor_varint(cursor);

	if (count <= rt_cursor_left(cursor) / bytes_min)
		return (size_t)count;
	cursor->bad = true;
	return 0;
}

static bool
take_bool(struct rt_cursor *cursor)
{
	uint64_t value = rt_cursor_varint(cursor);

	if (value > 1)
		cursor->bad = true;
	return value == 1;
}

static uint32_t
take_level(struct rt_cursor *cursor)
{
	uint64_t level = rt_cursor_varint(cursor);

	if (level < RT_LEVELS_MAX)
		return (uint32_t)level;
	cursor->bad = true;
	return 0;
}

static struct rt_file_id
take_id(struct rt_cursor *cursor)
{
	struct rt_file_id id;

	id.maker_epoch = rt_cursor_varint(cursor);
	id.number = rt_cursor_varint(cursor);
	if (id.number == 0)
		cursor->bad = true;
	return id;
}

static void
take_span(struct rt_cursor *cursor, struct rtc_span *span)
{
	struct rtc_result *result = &span->result;
	size_t outputs;

	rt_buf_append_slice(&span->lower, rt_cursor_bytes(cursor));
	rt_buf_append_slice(&span->upper, rt_cursor_bytes(cursor));
	result->entries_in = rt_cursor_varint(cursor);
	for (size_t i = 0; i < RTC_VERDICTS; i++)
		result->verdicts[i] = rt_cursor_varint(cursor);
	outputs = take_count(cursor, 17);
	for (size_t i = 0; i < outputs; i++) {
		struct rtc_output *output = rtc_result_add(result);

		*output = (struct rtc_output){ .id = take_id(cursor) };
		output->info.unique_id = rt_cursor_fixed64(cursor);
		output->info.size = rt_cursor_varint(cursor);
		output->info.crc32c = rt_cursor_fixed32(cursor);
		output->info.older_versions = rt_cursor_varint(cursor);
		output->is_checked = take_bool(cursor);
	}
}

/* Spans must follow each other. */
static bool
is_behind(const struct rtc_spans *spans, size_t i)
{
	const struct rtc_span *span = &spans->all[i];
	struct rt_slice lower = rt_buf_slice(&span->lower);

	if (span->upper.len != 0 &&
	    rt_slice_compare(lower, rt_buf_slice(&span->upper)) >= 0)
		return false;
	return i == 0 || (span[-1].upper.len != 0 &&
	    rt_slice_compare(rt_buf_slice(&span[-1].upper), lower) <= 0);
}

static void
take_job(struct rt_cursor *cursor, struct rtc_recorded_job *job)
{
	uint64_t compression;
	size_t spans;

	job->generation = rt_cursor_varint(cursor);
	job->source_level = take_level(cursor);
	job->target_level = take_level(cursor);
	compression = rt_cursor_varint(cursor);
	if (compression > RT_COMPRESSION_ZSTD)
		cursor->bad = true;
	job->compression = (enum rt_compression)compression;
	job->inputs_count = take_count(cursor, 10);
	job->inputs = rt_alloc_zero(job->inputs_count + 1,
	    sizeof(job->inputs[0]));
	for (size_t i = 0; i < job->inputs_count; i++) {
		job->inputs[i].id = take_id(cursor);
		job->inputs[i].unique_id = rt_cursor_fixed64(cursor);
	}
	job->spans = rt_alloc_zero(1, sizeof(*job->spans));
	spans = take_count(cursor, 4 + RTC_VERDICTS);
	for (size_t i = 0; i < spans && !cursor->bad; i++) {
		take_span(cursor, rtc_spans_add(job->spans));
		if (!cursor->bad && !is_behind(job->spans, i))
			cursor->bad = true;
	}
	if (job->inputs_count == 0)
		cursor->bad = true;
}

static enum rt_code
check_envelope(struct rt_slice bytes, const uint8_t *database_uuid,
    struct rt_cursor *body, struct rt_err *err)
{
	size_t head = MAGIC_BYTES + 4 + RT_UUID_BYTES;

	if (bytes.len < head + CRC_BYTES ||
	    memcmp(bytes.data, MAGIC, MAGIC_BYTES) != 0 ||
	    rt_get_fixed32(bytes.data + bytes.len - CRC_BYTES) !=
		rt_crc32c(0, bytes.data, bytes.len - CRC_BYTES))
		return rt_err_set(err, RT_EDAMAGED, "not whole");
	if (rt_get_fixed32(bytes.data + MAGIC_BYTES) != FORMAT)
		return rt_err_set(err, RT_EFORMAT, "of another format");
	if (memcmp(bytes.data + MAGIC_BYTES + 4, database_uuid,
		RT_UUID_BYTES) != 0)
		return rt_err_set(err, RT_EDAMAGED, "of another database");
	*body = rt_cursor(rt_slice(bytes.data + head,
	    bytes.len - head - CRC_BYTES));
	return RT_OK;
}

enum rt_code
rtc_record_decode(struct rtc_record *record, struct rt_slice bytes,
    const uint8_t *database_uuid, struct rt_err *err)
{
	struct rt_cursor cursor = rt_cursor(rt_slice(NULL, 0));
	enum rt_code code;

	*record = (struct rtc_record){ .count = 0 };
	code = check_envelope(bytes, database_uuid, &cursor, err);
	if (code != RT_OK)
		return code;
	record->boot_id = rt_cursor_fixed64(&cursor);
	record->jobs = rt_alloc_zero(RTC_PROGRESS_JOBS_MAX,
	    sizeof(record->jobs[0]));
	while (!cursor.bad && rt_cursor_left(&cursor) > 0 &&
	    record->count < RTC_PROGRESS_JOBS_MAX)
		take_job(&cursor, &record->jobs[record->count++]);
	if (rt_cursor_done(&cursor))
		return RT_OK;
	rtc_record_fini(record);
	return rt_err_set(err, RT_EDAMAGED, "malformed");
}

void
rtc_record_fini(struct rtc_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		free(record->jobs[i].inputs);
		rtc_spans_free(record->jobs[i].spans);
	}
	free(record->jobs);
	*record = (struct rtc_record){ .count = 0 };
}
