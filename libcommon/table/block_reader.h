/* block_reader: a data block, and one key of it. Trusts nothing: each byte
 * is checked before it is used, so that a forged block gives BAD, never a read
 * outside of it. Thread: any. */
#ifndef LIBCOMMON_TABLE_BLOCK_READER_H
#define LIBCOMMON_TABLE_BLOCK_READER_H

#include "libcommon/base/buf.h"
#include "libcommon/table/key.h"

/* A look-up fetches the lines from one restart to the next: at 8 they cost a
 * hundredth of the file, and a third of the memory traffic that 16 do. */
#define RT_BLOCK_RESTART_ENTRIES 8
#define RT_BLOCK_TAIL_BYTES 16
/* Buckets hold a restart's number below SHARED, or: */
#define RT_BLOCK_BUCKET_SHARED 254	/* keys of several restarts */
#define RT_BLOCK_BUCKET_EMPTY 255	/* no key of the block */

/* The bucket of a key, from the lower half of its hash. */
static inline size_t
rt_block_bucket(uint32_t hash, size_t buckets_count)
{
	return (size_t)((uint64_t)hash * buckets_count >> 32);
}

/* Borrows its content. */
struct rt_block {
	const uint8_t *data;
	const uint8_t *entries_end;	/* buckets begin here */
	const uint8_t *restarts;
	size_t restarts_count;
	size_t buckets_count;		/* 0: none */
	uint64_t base_seq;
};

/* False when malformed. */
bool rt_block_init(struct rt_block *block, struct rt_slice content);

enum rt_block_result {
	RT_BLOCK_FOUND,
	RT_BLOCK_END,	/* no (further) entry */
	RT_BLOCK_BAD,	/* malformed or out of order */
};

/* The newest version of key at or below read_seq. out->key is not set, the
 * value is borrowed from the block. */
enum rt_block_result rt_block_find(const struct rt_block *block,
    struct rt_slice key, uint64_t key_hash, uint64_t read_seq,
    struct rt_entry *out);

/* The same in two steps, for who has keys in several blocks: what the second
 * looks at comes from memory while the first ones of others run.
 * RT_BLOCK_FOUND: the key is behind *restart, if anywhere. */
enum rt_block_result rt_block_aim(const struct rt_block *block,
    struct rt_slice key, uint64_t key_hash, uint64_t read_seq,
    size_t *restart);
/* restart: of an rt_block_aim() for the same. */
enum rt_block_result rt_block_find_behind(const struct rt_block *block,
    size_t restart, struct rt_slice key, uint64_t read_seq,
    struct rt_entry *out);

#endif
