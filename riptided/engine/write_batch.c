#include "riptided/engine/write_batch.h"

#include "libcommon/table/value.h"

void
rtd_write_batch_clear(struct rtd_write_batch *batch)
{
	rt_buf_clear(&batch->bytes);
	if (RT_UNLIKELY(batch->inlays.count != 0))
		rt_inlays_fini(&batch->inlays);
	batch->count = 0;
	batch->lacks_memory = false;
}

void
rtd_write_batch_fini(struct rtd_write_batch *batch)
{
	rt_buf_fini(&batch->bytes);
	rt_inlays_fini(&batch->inlays);
	batch->count = 0;
	batch->lacks_memory = false;
}

/* Type byte, key length, store key; room for `extra` more is made. NULL: there
 * is no memory for it. */
static uint8_t *
put_key(struct rtd_write_batch *batch, uint8_t type, uint32_t keyspace,
    struct rt_slice user_key, size_t extra)
{
	uint8_t *at;

	if (RT_UNLIKELY(!rt_buf_try_reserve(&batch->bytes,
		1 + RT_VARINT_BYTES_MAX + RT_KEY_PREFIX_BYTES + user_key.len +
		extra))) {
		batch->lacks_memory = true;
		return NULL;
	}
	at = batch->bytes.data + batch->bytes.len;
	*at++ = type;
	at = rt_put_varint(at, RT_KEY_PREFIX_BYTES + user_key.len);
	rt_key_put_prefix(at, keyspace, RT_KEY_KIND_STRING);
	at += RT_KEY_PREFIX_BYTES;
	if (user_key.len != 0)
		memcpy(at, user_key.data, user_key.len);
	batch->count++;
	return at + user_key.len;
}

static void
end_at(struct rtd_write_batch *batch, const uint8_t *end)
{
	batch->bytes.len = (size_t)(end - batch->bytes.data);
}

void
rtd_write_batch_put(struct rtd_write_batch *batch, uint32_t keyspace,
    struct rt_slice user_key, struct rt_slice value, uint64_t expire_ms)
{
	uint8_t header[RT_VALUE_HEADER_BYTES_MAX];
	size_t header_len = rt_value_put_header(header, expire_ms);
	uint8_t *at = put_key(batch, RTD_OP_PUT, keyspace, user_key,
	    RT_VARINT_BYTES_MAX + header_len + value.len);

	if (RT_UNLIKELY(at == NULL))
		return;
	at = rt_put_varint(at, header_len + value.len);
	memcpy(at, header, header_len);
	at += header_len;
	if (value.len != 0)
		memcpy(at, value.data, value.len);
	end_at(batch, at + value.len);
}

void
rtd_write_batch_put_bulk(struct rtd_write_batch *batch, uint32_t keyspace,
    struct rt_slice user_key, struct rt_bulk *bulk, uint64_t expire_ms)
{
	uint8_t header[RT_VALUE_HEADER_BYTES_MAX];
	size_t header_len = rt_value_put_header(header, expire_ms);
	struct rt_slice stored =
	    rt_slice(bulk->data - header_len, header_len + bulk->len);
	uint8_t *at = put_key(batch, RTD_OP_PUT, keyspace, user_key,
	    RT_VARINT_BYTES_MAX);

	_Static_assert(RT_VALUE_HEADER_BYTES_MAX <= RT_BULK_FRONT_BYTES,
	    "a bulk has room for a header");
	if (RT_UNLIKELY(at == NULL))
		return;
	memcpy(bulk->data - header_len, header, header_len);
	end_at(batch, rt_put_varint(at, stored.len));
	rt_inlays_add(&batch->inlays, batch->bytes.len, stored, bulk);
}

void
rtd_write_batch_delete(struct rtd_write_batch *batch, uint32_t keyspace,
    struct rt_slice user_key)
{
	uint8_t *at = put_key(batch, RTD_OP_DELETE, keyspace, user_key, 0);

	if (RT_LIKELY(at != NULL))
		end_at(batch, at);
}

void
rtd_write_batch_drop(struct rtd_write_batch *batch, uint32_t keyspace)
{
	rt_buf_append_byte(&batch->bytes, RTD_OP_DROP);
	rt_buf_put_fixed32(&batch->bytes, keyspace);
	batch->count++;
}

void
rtd_write_batch_swap(struct rtd_write_batch *batch, uint32_t first,
    uint32_t second)
{
	rt_buf_append_byte(&batch->bytes, RTD_OP_SWAP);
	rt_buf_put_fixed32(&batch->bytes, first);
	rt_buf_put_fixed32(&batch->bytes, second);
	batch->count++;
}

void
rtd_write_batch_move(struct rtd_write_batch *batch,
    struct rtd_write_batch *more)
{
	batch->lacks_memory |= more->lacks_memory;
	if (!rt_buf_try_reserve(&batch->bytes, more->bytes.len)) {
		batch->lacks_memory = true;
	} else {
		rt_inlays_move(&batch->inlays, &more->inlays,
		    batch->bytes.len);
		rt_buf_append_slice(&batch->bytes,
		    rt_buf_slice(&more->bytes));
		batch->count += more->count;
	}
	rtd_write_batch_fini(more);
}

/* The payload may come from a disk: a key must be one that we could have
 * written. */
static bool
take_key(struct rt_cursor *cursor, struct rtd_write_op *op)
{
	op->key = rt_cursor_bytes(cursor);
	if (cursor->bad || op->key.len < RT_KEY_PREFIX_BYTES ||
	    op->key.len > RT_STORE_KEY_BYTES_MAX) {
		cursor->bad = true;
		return false;
	}
	op->keyspace = rt_key_keyspace(op->key);
	return true;
}

/* The value of a put: the next bytes, or the inlay that stands here. */
static void
take_value(struct rtd_write_batch_walk *walk, struct rtd_write_op *op)
{
	const struct rt_inlays *inlays =
	    walk->batch != NULL ? &walk->batch->inlays : NULL;
	struct rt_cursor *cursor = &walk->cursor;
	uint64_t len = rt_cursor_varint(cursor);
	uint64_t expire_ms;
	struct rt_slice bytes;

	if (inlays != NULL && walk->next < inlays->count &&
	    walk->batch->bytes.data + inlays->items[walk->next].at ==
		cursor->at) {
		op->value = inlays->items[walk->next].bytes;
		op->bulk = inlays->items[walk->next++].bulk;
		cursor->bad |= len != op->value.len;
	} else {
		op->value = rt_cursor_take(cursor, len);
	}
	if (!cursor->bad && !rt_value_decode(op->value, &expire_ms, &bytes))
		cursor->bad = true;
}

bool
rtd_write_batch_walk_next(struct rtd_write_batch_walk *walk,
    struct rtd_write_op *op)
{
	struct rt_cursor *cursor = &walk->cursor;

	if (cursor->bad || cursor->at == cursor->end)
		return false;
	op->type = rt_cursor_byte(cursor);
	op->key = op->value = rt_slice(NULL, 0);
	op->bulk = NULL;
	switch (op->type) {
	case RTD_OP_PUT:
		if (!take_key(cursor, op))
			return false;
		take_value(walk, op);
		break;
	case RTD_OP_DELETE:
		return take_key(cursor, op);
	case RTD_OP_DROP:
		op->keyspace = rt_cursor_fixed32(cursor);
		break;
	case RTD_OP_SWAP:
		op->databases[0] = rt_cursor_fixed32(cursor);
		op->databases[1] = rt_cursor_fixed32(cursor);
		if (op->databases[0] >= RTD_KEYSPACES_MAX ||
		    op->databases[1] >= RTD_KEYSPACES_MAX)
			cursor->bad = true;
		break;
	default:
		cursor->bad = true;
		break;
	}
	return !cursor->bad;
}

bool
rtd_write_batch_next(struct rt_cursor *cursor, struct rtd_write_op *op)
{
	struct rtd_write_batch_walk walk = { .cursor = *cursor };
	bool more = rtd_write_batch_walk_next(&walk, op);

	*cursor = walk.cursor;
	return more;
}
