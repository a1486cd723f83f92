/* fuzz_manifest_codec: any bytes as a manifest. The first byte chooses whether
 * length and checksum of the envelope are put right first. What is decoded is
 * encoded to bytes that decode, and encode to themselves; an edit of it is
 * refused, or keeps every rule. */
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_check.h"
#include "libcommon/manifest/manifest_codec.h"
#include "libcommon/manifest/manifest_edit.h"

#define PUT_RIGHT 0x01
#define MESSAGE_BYTES_AT 48
#define CRC_AT 56
#define INPUTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_right(struct rt_buf *file)
{
	uint32_t crc;

	if (file->len < RT_MANIFEST_ENVELOPE_BYTES)
		return;
	rt_put_fixed64(file->data + MESSAGE_BYTES_AT,
	    file->len - RT_MANIFEST_ENVELOPE_BYTES);
	crc = rt_crc32c(0, file->data, CRC_AT);
	crc = rt_crc32c(crc, file->data + CRC_AT + 4, file->len - CRC_AT - 4);
	rt_put_fixed32(file->data + CRC_AT, crc);
}

static void
expect_stable(const struct rt_manifest *manifest)
{
	const struct rt_manifest *second = NULL;
	struct rt_buf once = { 0 }, twice = { 0 };
	struct rt_slice bytes;
	struct rt_err err = { 0 };

	/* An encoding may be longer than what it came from. */
	if (rt_manifest_encode(manifest, &once, &err) != RT_OK) {
		rt_assert(err.code == RT_ELIMIT);
		goto out;
	}
	bytes = rt_slice(once.data, once.len);
	rt_assert(rt_manifest_decode(bytes, &second, &err) == RT_OK);
	rt_assert(rt_manifest_encode(second, &twice, &err) == RT_OK);
	rt_assert(rt_slice_equal(bytes, rt_slice(twice.data, twice.len)));
	rt_manifest_unref(second);
out:
	rt_buf_fini(&once);
	rt_buf_fini(&twice);
}

static void
try_edit(const struct rt_manifest *base, struct rt_manifest_edit *edit)
{
	const struct rt_manifest *next = NULL;

	if (rt_manifest_edit_apply(edit, base, &next, NULL) == RT_OK) {
		rt_assert(rt_manifest_check(next, NULL) == RT_OK);
		rt_assert(next->generation == base->generation + 1);
		rt_assert(rt_manifest_edit_is_in(edit, next));
	}
	rt_manifest_unref(next);
	rt_manifest_edit_free(edit);
}

/* A flush, and a job that takes the first tables to each level. */
static void
try_edits(const struct rt_manifest *m)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, m->daemon_epoch);
	struct rt_file_id inputs[INPUTS_MAX];
	struct rt_manifest_table table = {
		.id = { 0, m->next_daemon_file },
		.smallest = rt_slice_cstr("....sa"),
		.largest = rt_slice_cstr("....sz"),
		.min_seq = m->flushed_seq + 1,
		.max_seq = m->flushed_seq + 1,
	};
	size_t count = 0;

	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_flushed(edit, m->flushed_seq + 1, m->wal_floor);
	try_edit(m, edit);
	for (size_t i = 0; i < m->runs_count; i++) {
		for (size_t j = 0; j < m->runs[i].tables_count; j++) {
			if (count < INPUTS_MAX)
				inputs[count++] = m->runs[i].tables[j].id;
		}
	}
	if (count == 0)
		return;
	table = m->runs[0].tables[0];
	table.id = (struct rt_file_id){ m->compactor_epoch, UINT64_MAX };
	for (uint32_t level = 0; level <= RT_LEVELS_MAX; level++) {
		edit = rt_manifest_edit_new(RT_ROLE_COMPACTOR,
		    m->compactor_epoch);
		rt_manifest_edit_replace(edit, inputs,
		    level % 2 == 0 ? count : 1, level, &table, level % 3 != 0);
		try_edit(m, edit);
		edit = rt_manifest_edit_new(RT_ROLE_COMPACTOR,
		    m->compactor_epoch);
		rt_manifest_edit_move(edit, inputs[0], level);
		try_edit(m, edit);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_buf file = { 0 };
	struct rt_err err = { 0 };

	if (size == 0)
		return 0;
	rt_buf_append(&file, data + 1, size - 1);
	if ((data[0] & PUT_RIGHT) != 0)
		put_right(&file);
	if (rt_manifest_decode(rt_slice(file.data, file.len), &manifest,
		&err) == RT_OK) {
		expect_stable(manifest);
		try_edits(manifest);
	} else {
		rt_assert(err.code != RT_OK);
	}
	rt_manifest_unref(manifest);
	rt_buf_fini(&file);
	return 0;
}
