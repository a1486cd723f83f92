/* bloom: a filter over 64-bit key hashes. All bits of one key lie in one line
 * of 64 bytes, so that a probe costs one cache miss (Putze, Sanders, Singler:
 * "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
 * Thread: a builder one at a time, a filter any. */
#ifndef LIBCOMMON_TABLE_BLOOM_H
#define LIBCOMMON_TABLE_BLOOM_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/slice.h"

#define RT_BLOOM_LINE_BYTES 64
#define RT_BLOOM_BITS_PER_KEY_MAX 32
#define RT_BLOOM_LEVEL0_BITS 16
#define RT_BLOOM_LAST_LEVEL_BITS_MAX 10

/* Bits a key for a table of this level, of the configured ones; 0 stays none.
 * Where there are many runs, level 0, each look-up asks many filters: they get
 * more. In the last level, where most keys are, they get fewer (the sum of
 * false answers is what counts: Dayan, Athanassoulis, Idreos: "Monkey", SIGMOD
 * 2017). */
static inline unsigned
rt_bloom_bits_of_level(unsigned configured, bool is_level0, bool is_last_level)
{
	if (configured == 0)
		return 0;
	if (is_level0)
		return RT_BLOOM_LEVEL0_BITS;
	if (is_last_level && configured > RT_BLOOM_LAST_LEVEL_BITS_MAX)
		return RT_BLOOM_LAST_LEVEL_BITS_MAX;
	return configured;
}

/* Zeroed is empty. */
struct rt_bloom_builder {
	uint64_t *hashes;
	size_t count;
	size_t cap;
};

/* Frees the hashes. */
void rt_bloom_builder_fini(struct rt_bloom_builder *builder);

/* What add does when its memory is full. */
void rt_bloom_builder_grow(struct rt_bloom_builder *builder);

/* One key, by its rt_hash64(). */
static inline void
rt_bloom_builder_add(struct rt_bloom_builder *builder, uint64_t hash)
{
	if (builder->count == builder->cap)
		rt_bloom_builder_grow(builder);
	builder->hashes[builder->count++] = hash;
}

/* Bytes that rt_bloom_build() appends for so many keys. */
size_t rt_bloom_bytes(size_t keys, unsigned bits_per_key);

/* Append the filter of all added keys. bits_per_key: 1 to
 * RT_BLOOM_BITS_PER_KEY_MAX. */
void rt_bloom_build(const struct rt_bloom_builder *builder,
    unsigned bits_per_key, struct rt_buf *out);

/* Borrows the bytes that it was made from. */
struct rt_bloom {
	const uint8_t *lines;
	uint32_t lines_count;
	unsigned probes;
};

/* False when the bytes are malformed. Best aligned to a line. */
bool rt_bloom_init(struct rt_bloom *bloom, struct rt_slice bytes);

/* The line is chosen by the upper half of the hash. */
static inline size_t
rt_bloom_line(uint64_t hash, uint32_t lines_count)
{
	return (size_t)(((hash >> 32) * lines_count) >> 32);
}

/* Seven positions of 9 bits come from one mixed word, then it is mixed again. */
static inline uint64_t
rt_bloom_mix(uint64_t word)
{
	return (word ^ word >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

/* False: the key was not added. */
static inline bool
rt_bloom_may_contain(const struct rt_bloom *bloom, uint64_t hash)
{
	const uint8_t *line = bloom->lines +
	    rt_bloom_line(hash, bloom->lines_count) * RT_BLOOM_LINE_BYTES;
	uint64_t word = hash, left = 0;

	for (unsigned i = 0; i < bloom->probes; i++, left >>= 9) {
		if (i % 7 == 0)
			left = (word = rt_bloom_mix(word)) >> 1;
		if ((line[(left & 511) >> 3] & 1u << (left & 7)) == 0)
			return false;
	}
	return true;
}

#endif
