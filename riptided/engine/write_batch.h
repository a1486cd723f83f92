/* write_batch: changes that succeed together: one command, one WAL record.
 * The bytes are the WAL record's payload (docs/formats/wal.md): for each
 * operation a type byte, then
 *	put	1, key length varint, store key, value length varint, value
 *	delete	0, key length varint, store key
 *	drop	2, keyspace id fixed32
 *	swap	3, database fixed32, database fixed32
 * Operation i of a batch whose first sequence is s has sequence s + i.
 * Thread: one owner at a time. */
#ifndef RIPTIDED_ENGINE_WRITE_BATCH_H
#define RIPTIDED_ENGINE_WRITE_BATCH_H

#include "libcommon/base/coding.h"
#include "libcommon/base/inlay.h"
#include "libcommon/base/err.h"
#include "libcommon/table/key.h"

#define RTD_OP_DELETE 0
#define RTD_OP_PUT 1
#define RTD_OP_DROP 2
#define RTD_OP_SWAP 3

/* Database numbers and keyspace ids are below this. */
#define RTD_KEYSPACES_MAX 1024

/* The payload is bytes with inlays in between: large values. Inert when zeroed;
 * clear and reuse it. */
struct rtd_write_batch {
	struct rt_buf bytes;
	struct rt_inlays inlays;
	uint32_t count;		/* operations */
	/* There was no memory for one of them: it must not be written. */
	bool lacks_memory;
};

/* Bytes of the operations, inlays included. */
static inline size_t
rtd_write_batch_bytes(const struct rtd_write_batch *batch)
{
	return batch->bytes.len + (size_t)batch->inlays.bytes;
}

/* Empty it, and keep its memory or free that, too. */
void rtd_write_batch_clear(struct rtd_write_batch *batch);
void rtd_write_batch_fini(struct rtd_write_batch *batch);

/* Set a user key of kind string. expire_ms: absolute, or RT_NO_EXPIRY. */
void rtd_write_batch_put(struct rtd_write_batch *batch, uint32_t keyspace,
    struct rt_slice user_key, struct rt_slice value, uint64_t expire_ms);
/* The same with all of a bulk from rt_bulk_new() as the value: it stays where
 * it is, its header is written in front of it, and a reference is taken. It is
 * shared from here on (K1). */
void rtd_write_batch_put_bulk(struct rtd_write_batch *batch,
    uint32_t keyspace, struct rt_slice user_key, struct rt_bulk *bulk,
    uint64_t expire_ms);
void rtd_write_batch_delete(struct rtd_write_batch *batch, uint32_t keyspace,
    struct rt_slice user_key);
/* Everything in the keyspace before this operation becomes invisible. */
void rtd_write_batch_drop(struct rtd_write_batch *batch, uint32_t keyspace);
/* Two databases, below RTD_KEYSPACES_MAX, change their keyspaces. */
void rtd_write_batch_swap(struct rtd_write_batch *batch, uint32_t first,
    uint32_t second);

/* Put all of `more` behind what is in batch; it is empty afterwards. */
void rtd_write_batch_move(struct rtd_write_batch *batch,
    struct rtd_write_batch *more);

/* One decoded operation; slices borrow the payload. */
struct rtd_write_op {
	uint8_t type;		/* RTD_OP_* */
	uint32_t keyspace;
	uint32_t databases[2];	/* of a swap */
	struct rt_slice key;	/* store key; empty unless put or delete */
	struct rt_slice value;	/* stored value; empty unless a put */
	struct rt_bulk *bulk;	/* that the value lies in, or NULL */
};

/* Step through a payload in one piece: false at its end, or when it is
 * malformed, in which case cursor->bad is set. op->bulk is set to NULL. */
bool rtd_write_batch_next(struct rt_cursor *cursor, struct rtd_write_op *op);

/* Step through a batch. */
struct rtd_write_batch_walk {
	const struct rtd_write_batch *batch;
	struct rt_cursor cursor;
	size_t next;		/* inlay */
};

/* Look at the operations in their order. */
static inline struct rtd_write_batch_walk
rtd_write_batch_walk(const struct rtd_write_batch *batch)
{
	return (struct rtd_write_batch_walk){
		.batch = batch,
		.cursor = rt_cursor(rt_buf_slice(&batch->bytes)),
	};
}

/* The next one, borrowed from the batch; false at the end. */
bool rtd_write_batch_walk_next(struct rtd_write_batch_walk *walk,
    struct rtd_write_op *op);

#endif
