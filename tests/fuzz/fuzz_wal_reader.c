/* fuzz_wal_reader: any bytes as a write-ahead log. The first byte chooses
 * whether checksums are put right first, and the options of the replay; then
 * come segments 1, 2, ...: a length of two bytes (little endian), and as many
 * bytes, of which the first 96 are the header and the others records. The
 * replay ends with an error or gives records in order, without a gap. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/path.h"
#include "riptided/wal/wal_format.h"
#include "riptided/wal/wal_reader.h"
#include "tests/fuzz/memory_files.h"

#define SEGMENTS_MAX 4
#define PUT_RIGHT 0x01
#define TOLERANT 0x02
#define CLEAN_MARK 0x04

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_right(struct rt_buf *file)
{
	uint32_t seed = rtd_wal_seed(rt_get_fixed64(file->data + 40));
	size_t at = RTD_WAL_RECORDS_AT;

	memcpy(file->data, "RIPTWAL\n", 8);
	rt_put_fixed32(file->data + RTD_WAL_SEGMENT_HEADER_BYTES - 4,
	    rt_crc32c(0, file->data, RTD_WAL_SEGMENT_HEADER_BYTES - 4));
	while (file->len - at >= RTD_WAL_RECORD_HEADER_BYTES) {
		uint8_t *record = file->data + at;
		size_t bytes = RTD_WAL_RECORD_HEADER_BYTES;
		size_t length = rt_get_fixed32(record + 4);

		if (length > file->len - at - bytes)
			break;
		bytes += length;
		rt_put_fixed32(record, rt_crc32c(seed, record + 4, bytes - 4));
		at += bytes;
	}
}

/* One segment from the input; the zeros between header and records are not in
 * it. */
static void
make_file(struct rt_buf *file, struct rt_slice bytes, bool right)
{
	size_t head = bytes.len < RTD_WAL_SEGMENT_HEADER_BYTES ? bytes.len :
	    RTD_WAL_SEGMENT_HEADER_BYTES;

	rt_buf_reserve(file, RTD_WAL_RECORDS_AT);
	memset(file->data, 0, RTD_WAL_RECORDS_AT);
	if (head != 0)
		memcpy(file->data, bytes.data, head);
	file->len = RTD_WAL_RECORDS_AT;
	rt_buf_append(file, bytes.data + head, bytes.len - head);
	if (right)
		put_right(file);
}

static enum rt_code
expect_next(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	uint64_t *last = arg;
	uint8_t sum = 0;

	rt_assert(count != 0 && first_seq + count - 1 > *last);
	*last = first_seq + count - 1;
	for (size_t i = 0; i < payload.len; i++)
		sum = (uint8_t)(sum + payload.data[i]);
	return sum == 0xa5 ? rt_err_set(err, RT_EINVAL, "refused") : RT_OK;
}

static void
replay_all(struct rtt_memory_files *files, uint64_t last_wal, uint8_t options)
{
	static const uint8_t uuid[16];
	uint64_t last = 0;
	struct rtd_wal_replay replay = {
		.fs = &files->fs,
		.database_uuid = uuid,
		.floor = 1,
		.manifest_generation = 9,
		.clean_wal = (options & CLEAN_MARK) != 0 ? last_wal : 0,
		.clean_wal_bytes = RTD_WAL_RECORDS_AT + 64,
		.tolerant = (options & TOLERANT) != 0,
		.read_only = true,
		.apply = expect_next,
		.arg = &last,
	};
	struct rt_err err = { 0 };

	if (rtd_wal_replay(&replay, &err) != RT_OK)
		rt_assert(err.code != RT_OK);
	else
		rt_assert(replay.last_seq == last);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_cursor cursor = rt_cursor(rt_slice(data, size));
	uint8_t options = rt_cursor_byte(&cursor);
	struct rtt_memory_files files;
	char name[RT_PATH_NAME_BYTES];
	uint64_t last_wal = 0;

	rtt_memory_files_init(&files);
	while (rt_cursor_left(&cursor) >= 2 && last_wal < SEGMENTS_MAX) {
		uint64_t len = rt_cursor_byte(&cursor);

		len |= (uint64_t)rt_cursor_byte(&cursor) << 8;
		if (len > rt_cursor_left(&cursor))
			len = rt_cursor_left(&cursor);
		make_file(rtt_memory_files_add(&files,
			rt_path_wal(name, ++last_wal)),
		    rt_cursor_take(&cursor, len), (options & PUT_RIGHT) != 0);
	}
	replay_all(&files, last_wal, options);
	rtt_memory_files_fini(&files);
	return 0;
}
