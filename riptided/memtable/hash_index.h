/* hash_index: store key to newest version, in buckets of one cache line. A
 * bucket has seven slots of a 16-bit tag and a 48-bit pointer, and a pointer to
 * a bucket for the overflow; so a miss touches one line. A new version takes
 * the slot of the one before, which it links to, so that a hot key never
 * lengthens the way to others.
 *
 * H1 Slots are filled with release stores and read with acquire loads; what
 *    they point to never changes afterwards.
 * Thread: one writer; readers take no lock. */
#ifndef RIPTIDED_MEMTABLE_HASH_INDEX_H
#define RIPTIDED_MEMTABLE_HASH_INDEX_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/bulk.h"
#include "libcommon/table/key.h"

/* One version of a key, in the arena: the header, the key, the value. A large
 * value stays in its bulk: a struct rtd_version_outside, unaligned, stands in
 * its place. */
struct rtd_version {
	const struct rtd_version *older;	/* of the same key */
	uint64_t seq_type;			/* seq << 8 | flag | type */
	uint32_t value_len;
	uint32_t key_len;
	uint8_t bytes[];			/* store key, stored value */
};

#define RTD_VERSION_OUTSIDE UINT64_C(0x80)
#define RTD_VERSION_TYPE_MASK UINT64_C(0x7f)

struct rtd_version_outside {
	const uint8_t *value;
	struct rt_bulk *bulk;	/* the arena holds it */
};

/* Whether its value is in memory of its own. */
static inline bool
rtd_version_is_outside(const struct rtd_version *version)
{
	return RT_UNLIKELY((version->seq_type & RTD_VERSION_OUTSIDE) != 0);
}

/* Where that is. */
static inline struct rtd_version_outside
rtd_version_outside(const struct rtd_version *version)
{
	struct rtd_version_outside outside;

	memcpy(&outside, version->bytes + version->key_len, sizeof(outside));
	return outside;
}

/* Its sequence number. */
static inline uint64_t
rtd_version_seq(const struct rtd_version *version)
{
	return version->seq_type >> 8;
}

/* Its store key, as long as the arena lives. */
static inline struct rt_slice
rtd_version_key(const struct rtd_version *version)
{
	return rt_slice(version->bytes, version->key_len);
}

/* All of it as an entry, which borrows from the arena. */
static inline struct rt_entry
rtd_version_entry(const struct rtd_version *version)
{
	const uint8_t *value = version->bytes + version->key_len;

	if (rtd_version_is_outside(version))
		value = rtd_version_outside(version).value;
	return (struct rt_entry){
		.key = rtd_version_key(version),
		.seq = rtd_version_seq(version),
		.type = (enum rt_entry_type)(version->seq_type &
		    RTD_VERSION_TYPE_MASK),
		.value = rt_slice(value, version->value_len),
	};
}

#define RTD_BUCKET_SLOTS 7

struct rtd_bucket {
	_Atomic uint64_t slots[RTD_BUCKET_SLOTS];
	_Atomic(struct rtd_bucket *) overflow;
};

struct rtd_hash_index {
	struct rtd_bucket *buckets;
	size_t count;		/* a power of two */
	size_t mapped_bytes;
	size_t overflow_bytes;
};

/* entries: how many keys to expect; more only lengthen the chains. */
void rtd_hash_index_init(struct rtd_hash_index *index, size_t entries);
void rtd_hash_index_fini(struct rtd_hash_index *index);
/* Empty it, keeping the memory. Nobody may be reading. */
void rtd_hash_index_reset(struct rtd_hash_index *index);

/* Make version the newest of its key; its `older` is set here. hash:
 * rt_hash64 of the store key. Returns the version it replaced, or NULL. */
const struct rtd_version *rtd_hash_index_put(struct rtd_hash_index *index,
    uint64_t hash, struct rtd_version *version);

/* The newest version, or NULL. */
const struct rtd_version *rtd_hash_index_get(
    const struct rtd_hash_index *index, uint64_t hash, struct rt_slice key);

/* Ask the memory for the version that rtd_hash_index_get() would look at; the
 * bucket was asked for before. */
void rtd_hash_index_prefetch_version(const struct rtd_hash_index *index,
    uint64_t hash);

/* Ask the memory for the bucket. */
static inline void
rtd_hash_index_prefetch(const struct rtd_hash_index *index, uint64_t hash)
{
	__builtin_prefetch(&index->buckets[hash & (index->count - 1)]);
}

#endif
