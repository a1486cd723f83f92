#include "riptided/engine/write_batch.h"

#include "libcommon/table/value.h"
#include "tests/support/runner.h"

static void
fill(struct rtd_write_batch *batch)
{
	rtd_write_batch_put(batch, 3, rt_slice_cstr("key"),
	    rt_slice_cstr("value"), 0);
	rtd_write_batch_delete(batch, 0, rt_slice_cstr(""));
	rtd_write_batch_drop(batch, 7);
	rtd_write_batch_put(batch, 1, rt_slice_cstr("k2"), rt_slice(NULL, 0),
	    123456789);
	rtd_write_batch_swap(batch, 5, RTD_KEYSPACES_MAX - 1);
}

START_TEST(operations_come_back_as_they_went_in)
{
	struct rtd_write_batch batch = { 0 };
	struct rt_cursor cursor;
	struct rtd_write_op op;
	struct rt_slice bytes;
	uint64_t expire_ms;

	fill(&batch);
	ck_assert_uint_eq(batch.count, 5);
	cursor = rt_cursor(rt_buf_slice(&batch.bytes));
	ck_assert(rtd_write_batch_next(&cursor, &op));
	ck_assert_uint_eq(op.type, RTD_OP_PUT);
	ck_assert_uint_eq(op.keyspace, 3);
	ck_assert(rt_slice_equal(rt_key_user(op.key), rt_slice_cstr("key")));
	ck_assert(rt_value_decode(op.value, &expire_ms, &bytes));
	ck_assert(rt_slice_equal(bytes, rt_slice_cstr("value")));
	ck_assert_uint_eq(expire_ms, RT_NO_EXPIRY);
	ck_assert(rtd_write_batch_next(&cursor, &op));
	ck_assert_uint_eq(op.type, RTD_OP_DELETE);
	ck_assert_uint_eq(rt_key_user(op.key).len, 0);
	ck_assert(rtd_write_batch_next(&cursor, &op));
	ck_assert_uint_eq(op.type, RTD_OP_DROP);
	ck_assert_uint_eq(op.keyspace, 7);
	ck_assert(rtd_write_batch_next(&cursor, &op));
	ck_assert(rt_value_decode(op.value, &expire_ms, &bytes));
	ck_assert_uint_eq(expire_ms, 123456789);
	ck_assert(rtd_write_batch_next(&cursor, &op));
	ck_assert_uint_eq(op.type, RTD_OP_SWAP);
	ck_assert_uint_eq(op.databases[0], 5);
	ck_assert_uint_eq(op.databases[1], RTD_KEYSPACES_MAX - 1);
	ck_assert(!rtd_write_batch_next(&cursor, &op));
	ck_assert(rt_cursor_done(&cursor));
	rtd_write_batch_fini(&batch);
}
END_TEST

/* The payload of a batch in one piece. */
static struct rt_buf
flatten(const struct rtd_write_batch *batch)
{
	struct rt_inlay_walk walk = {
		.buffer = rt_buf_slice(&batch->bytes),
		.inlays = &batch->inlays,
	};
	struct rt_buf whole = { 0 };
	struct rt_slice piece;

	while (rt_inlay_walk_next(&walk, &piece))
		rt_buf_append_slice(&whole, piece);
	ck_assert_uint_eq(whole.len, rtd_write_batch_bytes(batch));
	return whole;
}

START_TEST(bulks_make_the_same_payload)
{
	struct rtd_write_batch copied = { 0 }, batch = { 0 };
	struct rt_slice value = rt_slice_cstr("a value"), key, bytes;
	struct rtd_write_batch_walk walk;
	struct rt_bulk *bulks[3];
	struct rt_buf whole;
	struct rtd_write_op op;
	uint64_t expire_ms;

	for (uint64_t i = 0; i < RT_COUNTOF(bulks); i++) {
		key = i == 0 ? rt_slice(NULL, 0) : rt_slice_cstr("key");
		bulks[i] = rt_bulk_new(value.len);
		memcpy(bulks[i]->data, value.data, value.len);
		rtd_write_batch_put(&copied, 1, key, value, i * 77);
		rtd_write_batch_put_bulk(&batch, 1, key, bulks[i], i * 77);
		fill(&copied);
		fill(&batch);
	}
	whole = flatten(&batch);
	ck_assert(rt_slice_equal(rt_buf_slice(&whole),
	    rt_buf_slice(&copied.bytes)));
	ck_assert_uint_eq(batch.count, copied.count);
	walk = rtd_write_batch_walk(&batch);
	for (size_t i = 0; rtd_write_batch_walk_next(&walk, &op); i++) {
		ck_assert(op.bulk == (i % 6 == 0 ? bulks[i / 6] : NULL));
		if (op.bulk == NULL)
			continue;
		ck_assert(rt_value_decode(op.value, &expire_ms, &bytes));
		ck_assert_uint_eq(expire_ms, i / 6 * 77);
		ck_assert(bytes.data == op.bulk->data);
		ck_assert(rt_slice_equal(bytes, value));
	}
	ck_assert(rt_cursor_done(&walk.cursor));
	for (size_t i = 0; i < RT_COUNTOF(bulks); i++) {
		ck_assert_uint_eq(bulks[i]->refs, 2);
		rt_bulk_unref(bulks[i]);
	}
	rt_buf_fini(&whole);
	rtd_write_batch_clear(&batch);
	ck_assert_uint_eq(batch.inlays.count, 0);
	rtd_write_batch_fini(&batch);
	rtd_write_batch_fini(&copied);
}
END_TEST

static unsigned
count_operations(struct rt_slice bytes, bool *whole)
{
	struct rt_cursor cursor = rt_cursor(bytes);
	struct rtd_write_op op;
	unsigned count = 0;

	while (rtd_write_batch_next(&cursor, &op))
		count++;
	*whole = rt_cursor_done(&cursor);
	return count;
}

START_TEST(every_truncation_is_noticed)
{
	struct rtd_write_batch batch = { 0 };

	fill(&batch);
	for (size_t len = 0; len < batch.bytes.len; len++) {
		bool whole;
		unsigned count =
		    count_operations(rt_slice(batch.bytes.data, len), &whole);

		ck_assert_uint_lt(count, 5);
		/* Whole only where it was cut between two operations. */
		ck_assert(!whole || count < 5);
	}
	rtd_write_batch_fini(&batch);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "\x04", 1 },			/* unknown type */
		{ "\x01\x04" "abcd\x01\x00", 8 },	/* key without prefix */
		{ "\x01\x05" "abcde\x00", 8 },	/* value without header */
		{ "\x01\x05" "abcde\x01\x02", 9 },	/* unknown header */
		{ "\x00\xff\xff\xff\xff\x0f", 6 },	/* key too long */
		{ "\x02\x01\x02", 3 },		/* drop cut short */
		{ "\x03\x01\0\0\0\x02\0\0", 8 },	/* swap cut short */
		/* No database has the number 1024. */
		{ "\x03\x01\0\0\0\0\x04\0\0", 9 },
		{ "\x03\0\x04\0\0\x01\0\0\0", 9 },
	};

	for (size_t i = 0; i < RT_COUNTOF(cases); i++) {
		bool whole;

		ck_assert_uint_eq(count_operations(
		    rt_slice(cases[i].bytes, cases[i].len), &whole), 0);
		ck_assert(!whole);
	}
}
END_TEST

RTT_MAIN("write_batch", operations_come_back_as_they_went_in,
    bulks_make_the_same_payload,
    every_truncation_is_noticed, nonsense_is_refused)
