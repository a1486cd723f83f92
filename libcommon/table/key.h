/* key: what a table, a memtable and the WAL store, and the one ordering.
 *
 * A store key is [keyspace id, 4 bytes big endian][kind, 1 byte][user key].
 * Entries are ordered by store key (bytes, then the shorter first), then by
 * sequence, highest first. A sequence belongs to one operation, so no two
 * entries are equal. Thread: any. */
#ifndef LIBCOMMON_TABLE_KEY_H
#define LIBCOMMON_TABLE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/slice.h"

#define RT_KEY_PREFIX_BYTES 5
#define RT_KEY_KIND_STRING 's'
#define RT_USER_KEY_BYTES_MAX 65536u
#define RT_STORE_KEY_BYTES_MAX (RT_USER_KEY_BYTES_MAX + RT_KEY_PREFIX_BYTES)
#define RT_VALUE_BYTES_MAX (512u << 20)		/* the client's bytes */
#define RT_SEQ_MAX ((UINT64_C(1) << 56) - 1)

enum rt_entry_type {
	RT_ENTRY_TOMBSTONE = 0,
	RT_ENTRY_PUT = 1,
};

/* One version of one key. Key and value are borrowed; the place that hands an
 * entry out says for how long. */
struct rt_entry {
	struct rt_slice key;	/* store key */
	uint64_t seq;		/* 1 to RT_SEQ_MAX */
	enum rt_entry_type type;
	struct rt_slice value;	/* stored value (value.h); empty: tombstone */
};

/* <0, 0, >0 in the order above. */
static inline int
rt_key_compare(struct rt_slice a, uint64_t a_seq, struct rt_slice b,
    uint64_t b_seq)
{
	int order = rt_slice_compare(a, b);

	if (order != 0)
		return order;
	return (a_seq < b_seq) - (a_seq > b_seq);
}

/* Write the 5 bytes in front of a user key. */
static inline void
rt_key_put_prefix(uint8_t out[RT_KEY_PREFIX_BYTES], uint32_t keyspace,
    uint8_t kind)
{
	out[0] = (uint8_t)(keyspace >> 24);
	out[1] = (uint8_t)(keyspace >> 16);
	out[2] = (uint8_t)(keyspace >> 8);
	out[3] = (uint8_t)keyspace;
	out[4] = kind;
}

/* The keyspace id of a store key of at least RT_KEY_PREFIX_BYTES. */
static inline uint32_t
rt_key_keyspace(struct rt_slice store_key)
{
	const uint8_t *at = store_key.data;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	    (uint32_t)at[2] << 8 | at[3];
}

/* The key as a client has it: without its keyspace. */
static inline struct rt_slice
rt_key_user(struct rt_slice store_key)
{
	return rt_slice(store_key.data + RT_KEY_PREFIX_BYTES,
	    store_key.len - RT_KEY_PREFIX_BYTES);
}

/* Make a prefix the first key behind all that begin with it. Returns its new
 * length; 0: there is no such key. */
static inline size_t
rt_key_behind_prefix(uint8_t *prefix, size_t len)
{
	while (len > 0 && prefix[len - 1] == 0xff)
		len--;
	if (len > 0)
		prefix[len - 1]++;
	return len;
}

#endif
