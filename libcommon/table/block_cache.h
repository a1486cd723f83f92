/* block_cache: decoded (checked, uncompressed) blocks of tables, bounded in
 * bytes, sharded, with a scan-resistant clock. Thread: any. */
#ifndef LIBCOMMON_TABLE_BLOCK_CACHE_H
#define LIBCOMMON_TABLE_BLOCK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_block_cache;

/* What a block costs of the budget is more than its bytes: the memory that
 * malloc makes of them, what the cache knows of it, and its share of the tables
 * that lead to it. An empty cache has some 16 KiB above its budget, and so have
 * blocks that are pinned and no longer fit. */
#define RT_BLOCK_CACHE_ROOM 112

/* bytes: the budget; 0 caches nothing. Never fails. */
struct rt_block_cache *rt_block_cache_new(size_t bytes);
/* No entry may be pinned any more. NULL is accepted. */
void rt_block_cache_free(struct rt_block_cache *cache);

/* One cached block. data is immutable and lives until the last release. */
struct rt_cached_block {
	const uint8_t *data;
	size_t len;
};

/* Find the block of table `unique_id` at file offset `offset`; pinned until
 * released. NULL when it is not there. */
struct rt_cached_block *rt_block_cache_get(struct rt_block_cache *cache,
    uint64_t unique_id, uint64_t offset);

/* The same for who asks again when it is not there: only a hit is counted. */
struct rt_cached_block *rt_block_cache_find(struct rt_block_cache *cache,
    uint64_t unique_id, uint64_t offset);

/* Whether a block that is not there is worth keeping, once it was read at little
 * cost: there is room for so many bytes, or it was asked for before, not long
 * ago. It is remembered as asked for. */
bool rt_block_cache_wants(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset, size_t len);

/* Ask the memory for what rt_block_cache_get() looks at first. */
void rt_block_cache_prefetch(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset);

/* The same a step later, when what that asked for has come: asks for the block's
 * end and for what the cache knows of it. */
void rt_block_cache_prefetch_block(struct rt_block_cache *cache,
    uint64_t unique_id, uint64_t offset);

/* Hand over data (len bytes, from a malloc of RT_BLOCK_CACHE_ROOM more, which
 * become the cache's) as that block; the result is pinned.
 * When another thread was faster, data is freed and that entry returned.
 * cold: comes from a scan, to be the first to go. A block that does not fit, or
 * is large beside the budget, is returned all the same, found by others while
 * it is pinned, and freed with its last release. */
struct rt_cached_block *rt_block_cache_insert(struct rt_block_cache *cache,
    uint64_t unique_id, uint64_t offset, uint8_t *data, size_t len, bool cold);

/* Give up one pin; block may be gone afterwards. */
void rt_block_cache_release(struct rt_block_cache *cache,
    struct rt_cached_block *block);

/* Change the budget; shrinks at once. */
void rt_block_cache_set_bytes(struct rt_block_cache *cache, size_t bytes);

struct rt_block_cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions;
	uint64_t bytes; /* in use */
	uint64_t bytes_max;
};

/* Figures since it was made, each right by itself. */
void rt_block_cache_get_stats(struct rt_block_cache *cache,
    struct rt_block_cache_stats *out);

#endif
