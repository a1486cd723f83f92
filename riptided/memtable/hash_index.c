#include "riptided/memtable/hash_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libcommon/base/invariant.h"

#define KEYS_PER_BUCKET 4
#define BUCKETS_MIN 64
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define POINTER_BITS 48
#define POINTER_MASK ((UINT64_C(1) << POINTER_BITS) - 1)

static inline uint64_t
slot_of(uint64_t hash, const struct rtd_version *version)
{
	return (hash & ~POINTER_MASK) | (uint64_t)(uintptr_t)version;
}

static inline struct rtd_version *
version_of(uint64_t slot)
{
	return (struct rtd_version *)(uintptr_t)(slot & POINTER_MASK);
}

void
rtd_hash_index_init(struct rtd_hash_index *index, size_t entries)
{
	size_t count = BUCKETS_MIN;
	void *at;

	while (count < entries / KEYS_PER_BUCKET)
		count *= 2;
	index->count = count;
	index->overflow_bytes = 0;
	index->mapped_bytes = count * sizeof(struct rtd_bucket);
	/* Mapped memory is zero and aligned to a page, and so to a line. */
	at = mmap(NULL, index->mapped_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rt_assert(at != MAP_FAILED);
	if (index->mapped_bytes >= HUGE_PAGE_BYTES)
		madvise(at, index->mapped_bytes, MADV_HUGEPAGE);
	index->buckets = at;
}

static void
free_overflow(struct rtd_hash_index *index)
{
	if (index->overflow_bytes == 0)
		return;
	for (size_t i = 0; i < index->count; i++) {
		struct rtd_bucket *bucket = atomic_load_explicit(
		    &index->buckets[i].overflow, memory_order_relaxed);

		while (bucket != NULL) {
			struct rtd_bucket *next = atomic_load_explicit(
			    &bucket->overflow, memory_order_relaxed);

			free(bucket);
			bucket = next;
		}
	}
	index->overflow_bytes = 0;
}

void
rtd_hash_index_fini(struct rtd_hash_index *index)
{
	free_overflow(index);
	munmap(index->buckets, index->mapped_bytes);
	index->buckets = NULL;
}

void
rtd_hash_index_reset(struct rtd_hash_index *index)
{
	free_overflow(index);
	memset(index->buckets, 0, index->mapped_bytes);
}

static struct rtd_bucket *
bucket_new(struct rtd_hash_index *index)
{
	struct rtd_bucket *bucket =
	    aligned_alloc(RT_CACHE_LINE_BYTES, sizeof(*bucket));

	rt_assert(bucket != NULL);
	memset(bucket, 0, sizeof(*bucket));
	index->overflow_bytes += sizeof(*bucket);
	return bucket;
}

static inline bool
is_version_of(uint64_t slot, uint64_t hash, struct rt_slice key)
{
	return ((slot ^ hash) & ~POINTER_MASK) == 0 &&
	    rt_slice_equal(rtd_version_key(version_of(slot)), key);
}

void
rtd_hash_index_prefetch_version(const struct rtd_hash_index *index,
    uint64_t hash)
{
	const struct rtd_bucket *bucket =
	    &index->buckets[hash & (index->count - 1)];

	for (unsigned i = 0; i < RTD_BUCKET_SLOTS; i++) {
		uint64_t slot = atomic_load_explicit(&bucket->slots[i],
		    memory_order_relaxed);

		if (slot != 0 && ((slot ^ hash) & ~POINTER_MASK) == 0)
			__builtin_prefetch(version_of(slot));
	}
}

const struct rtd_version *
rtd_hash_index_put(struct rtd_hash_index *index, uint64_t hash,
    struct rtd_version *version)
{
	struct rtd_bucket *bucket = &index->buckets[hash & (index->count - 1)];
	struct rt_slice key = rtd_version_key(version);

	for (;;) {
		for (unsigned i = 0; i < RTD_BUCKET_SLOTS; i++) {
			uint64_t slot = atomic_load_explicit(&bucket->slots[i],
			    memory_order_relaxed);

			if (slot != 0 && !is_version_of(slot, hash, key))
				continue;
			version->older = slot != 0 ? version_of(slot) : NULL;
			atomic_store_explicit(&bucket->slots[i],
			    slot_of(hash, version), memory_order_release);
			return version->older;
		}
		struct rtd_bucket *next = atomic_load_explicit(
		    &bucket->overflow, memory_order_relaxed);
		if (next == NULL) {
			next = bucket_new(index);
			version->older = NULL;
			atomic_store_explicit(&next->slots[0],
			    slot_of(hash, version), memory_order_relaxed);
			atomic_store_explicit(&bucket->overflow, next,
			    memory_order_release);
			return NULL;
		}
		bucket = next;
	}
}

const struct rtd_version *
rtd_hash_index_get(const struct rtd_hash_index *index, uint64_t hash,
    struct rt_slice key)
{
	const struct rtd_bucket *bucket =
	    &index->buckets[hash & (index->count - 1)];

	for (; bucket != NULL; bucket = atomic_load_explicit(&bucket->overflow,
	    memory_order_acquire)) {
		for (unsigned i = 0; i < RTD_BUCKET_SLOTS; i++) {
			uint64_t slot = atomic_load_explicit(&bucket->slots[i],
			    memory_order_acquire);

			if (slot == 0)
				return NULL;
			if (is_version_of(slot, hash, key))
				return version_of(slot);
		}
	}
	return NULL;
}
