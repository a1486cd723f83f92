#include "libcommon/manifest/manifest_codec.h"

#include <string.h>

#include "libcommon/base/crc32c.h"
#include "libcommon/manifest/manifest_build.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

#define FORMAT_AT 8
#define INCOMPAT_AT 16
#define RO_COMPAT_AT 24
#define CRC_AT 56

static void
encode(struct rt_buf *bytes)
{
	const struct rt_manifest *drawn = rtt_draw_manifest(
	    "L0 d-2 c..k seq=20-29 tombstones=2\n"
	    "L1 c1-1 a..f seq=1-9 expire=10-20\n"
	    "L1 c1-2 g..m seq=1-9\n");
	struct rt_manifest *manifest = rt_manifest_build_new();
	struct rt_err err = { 0 };

	*manifest = *drawn;
	manifest->snapshots = rt_manifest_build_alloc(manifest, 1,
	    sizeof(manifest->snapshots[0]));
	manifest->snapshots[0] = 5;
	manifest->snapshots_count = 1;
	manifest->database_uuid[0] = 1;
	manifest->compactor_epoch = 1;
	manifest->next_daemon_file = 3;
	manifest->next_run_id = 10;
	manifest->max_seq = manifest->flushed_seq;
	ck_assert_msg(rt_manifest_encode(manifest, bytes, &err) == RT_OK, "%s",
	    err.text);
	rt_manifest_unref(manifest);
	rt_manifest_unref(drawn);
}

static enum rt_code
decode(struct rt_slice bytes, const struct rt_manifest **out)
{
	struct rt_err err = { 0 };
	enum rt_code code = rt_manifest_decode(bytes, out, &err);

	if (code != RT_OK)
		ck_assert_uint_gt(strlen(err.text), 10);
	return code;
}

static enum rt_code
answer(struct rt_slice bytes)
{
	const struct rt_manifest *manifest = NULL;
	enum rt_code code = decode(bytes, &manifest);

	rt_manifest_unref(manifest);
	return code;
}

/* Put the checksum right after a change to the envelope. */
static void
seal(unsigned char *bytes, size_t len)
{
	uint32_t crc = rt_crc32c(rt_crc32c(0, bytes, CRC_AT),
	    bytes + CRC_AT + 4, len - CRC_AT - 4);

	for (int i = 0; i < 4; i++)
		bytes[CRC_AT + i] = (unsigned char)(crc >> (8 * i));
}

START_TEST(a_manifest_comes_back)
{
	struct rt_buf bytes = { 0 }, again = { 0 };
	const struct rt_manifest *m = NULL;
	struct rt_err err = { 0 };

	encode(&bytes);
	ck_assert_int_eq(decode(rt_buf_slice(&bytes), &m), RT_OK);
	ck_assert_uint_eq(m->runs_count, 2);
	ck_assert_uint_eq(m->runs[0].tables[0].tombstones, 2);
	ck_assert_uint_eq(m->runs[1].tables[0].expire_max_ms, 20);
	ck_assert_uint_eq(m->snapshots[0], 5);
	ck_assert(rt_manifest_may_publish(m));
	ck_assert_int_eq(rt_manifest_encode(m, &again, &err), RT_OK);
	ck_assert_int_eq(rt_slice_compare(rt_buf_slice(&bytes),
	    rt_buf_slice(&again)), 0);
	rt_manifest_unref(m);
	rt_buf_fini(&bytes);
	rt_buf_fini(&again);
}
END_TEST

START_TEST(every_truncation_is_damage)
{
	struct rt_buf bytes = { 0 };
	struct rt_slice whole;

	encode(&bytes);
	whole = rt_buf_slice(&bytes);
	for (size_t len = 0; len < whole.len; len++)
		ck_assert_int_eq(answer(rt_slice(whole.data, len)),
		    RT_EDAMAGED);
	rt_buf_fini(&bytes);
}
END_TEST

/* A flipped bit may look like a newer format, but never like a manifest. */
START_TEST(every_flipped_bit_is_refused)
{
	struct rt_buf bytes = { 0 };
	unsigned char copy[4096];
	struct rt_slice whole;

	encode(&bytes);
	whole = rt_buf_slice(&bytes);
	ck_assert_uint_lt(whole.len, sizeof(copy));
	memcpy(copy, whole.data, whole.len);
	for (size_t bit = 0; bit < whole.len * 8; bit++) {
		copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
		ck_assert_int_ne(answer(rt_slice(copy, whole.len)), RT_OK);
		copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	rt_buf_fini(&bytes);
}
END_TEST

static enum rt_code
answer_with_byte(size_t at, unsigned char value, bool *may_publish)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_buf bytes = { 0 };
	unsigned char copy[4096];
	enum rt_code code;
	size_t len;

	encode(&bytes);
	len = rt_buf_slice(&bytes).len;
	ck_assert_uint_lt(len, sizeof(copy));
	memcpy(copy, rt_buf_slice(&bytes).data, len);
	copy[at] = value;
	seal(copy, len);
	code = decode(rt_slice(copy, len), &manifest);
	if (code == RT_OK && may_publish != NULL)
		*may_publish = rt_manifest_may_publish(manifest);
	rt_manifest_unref(manifest);
	rt_buf_fini(&bytes);
	return code;
}

START_TEST(a_newer_format_is_told_from_damage)
{
	ck_assert_int_eq(answer_with_byte(FORMAT_AT, RT_MANIFEST_FORMAT + 1,
	    NULL), RT_EFORMAT);
}
END_TEST

START_TEST(an_unknown_incompatible_feature_is_refused)
{
	ck_assert_int_eq(answer_with_byte(INCOMPAT_AT + 5, 1, NULL),
	    RT_EFORMAT);
}
END_TEST

START_TEST(an_unknown_read_only_feature_allows_reading_alone)
{
	bool may_publish = true;

	ck_assert_int_eq(answer_with_byte(RO_COMPAT_AT + 5, 1, &may_publish),
	    RT_OK);
	ck_assert(!may_publish);
}
END_TEST

RTT_MAIN("manifest_codec", a_manifest_comes_back, every_truncation_is_damage,
    every_flipped_bit_is_refused, a_newer_format_is_told_from_damage,
    an_unknown_incompatible_feature_is_refused,
    an_unknown_read_only_feature_allows_reading_alone)
