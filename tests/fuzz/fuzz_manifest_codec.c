/* fuzz_manifest_codec: any bytes as a manifest. The first byte chooses whether
 * length and checksum of the envelope are put right first. What is decoded is
 * encoded to bytes that decode, and encode to themselves. */
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_codec.h"

#define PUT_RIGHT 0x01
#define MESSAGE_BYTES_AT 48
#define CRC_AT 56

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
		&err) == RT_OK)
		expect_stable(manifest);
	else
		rt_assert(err.code != RT_OK);
	rt_manifest_unref(manifest);
	rt_buf_fini(&file);
	return 0;
}
