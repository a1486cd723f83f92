/* fuzz_write_batch: any bytes as the payload of a record of the log. What can
 * be read is written again by a batch of our own, whose operations are the
 * same; read and written once more it does not change. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/write_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether a slice lies in the input, or is empty. */
static bool
is_inside(struct rt_slice slice, struct rt_slice input)
{
	return slice.len == 0 || (slice.data >= input.data &&
		slice.data + slice.len <= input.data + input.len);
}

/* Add the operation. False: the key is of a kind that no batch makes. */
static bool
add(struct rtd_write_batch *batch, const struct rtd_write_op *op)
{
	struct rt_slice bytes;
	uint64_t expire_ms;

	if (op->type == RTD_OP_DROP) {
		rtd_write_batch_drop(batch, op->keyspace);
		return true;
	}
	if (op->type == RTD_OP_SWAP) {
		rtd_write_batch_swap(batch, op->databases[0],
		    op->databases[1]);
		return true;
	}
	if (op->key.data[RT_KEY_PREFIX_BYTES - 1] != RT_KEY_KIND_STRING)
		return false;
	if (op->type == RTD_OP_DELETE) {
		rtd_write_batch_delete(batch, op->keyspace,
		    rt_key_user(op->key));
		return true;
	}
	rt_assert(rt_value_decode(op->value, &expire_ms, &bytes));
	rtd_write_batch_put(batch, op->keyspace, rt_key_user(op->key), bytes,
	    expire_ms);
	return true;
}

static bool
is_same(const struct rtd_write_op *a, const struct rtd_write_op *b)
{
	return a->type == b->type && rt_slice_equal(a->key, b->key) &&
	    rt_slice_equal(a->value, b->value) &&
	    (a->type == RTD_OP_SWAP ? a->databases[0] == b->databases[0] &&
		a->databases[1] == b->databases[1] :
		a->keyspace == b->keyspace);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_slice input = rt_slice(data, size);
	struct rt_cursor cursor = rt_cursor(input), again = cursor;
	struct rtd_write_batch batch = { .count = 0 };
	struct rtd_write_batch_walk walk;
	struct rtd_write_op op, same;
	uint32_t count = 0;

	while (rtd_write_batch_next(&cursor, &op)) {
		rt_assert(is_inside(op.key, input));
		rt_assert(is_inside(op.value, input));
		rt_assert(op.bulk == NULL);
		rt_assert(op.type != RTD_OP_SWAP ||
		    (op.databases[0] < RTD_KEYSPACES_MAX &&
			op.databases[1] < RTD_KEYSPACES_MAX));
		if (!add(&batch, &op))
			goto out;
		count++;
	}
	rt_assert(cursor.bad || cursor.at == cursor.end);
	rt_assert(!rtd_write_batch_next(&cursor, &op));
	rt_assert(batch.count == count);
	/* Lengths may have been written in more bytes than they take. */
	rt_assert(cursor.bad || rtd_write_batch_bytes(&batch) <= size);
	walk = rtd_write_batch_walk(&batch);
	while (rtd_write_batch_walk_next(&walk, &same)) {
		rt_assert(rtd_write_batch_next(&again, &op));
		rt_assert(is_same(&op, &same));
		count--;
	}
	rt_assert(count == 0 && rt_cursor_done(&walk.cursor));
out:
	rtd_write_batch_fini(&batch);
	return 0;
}
