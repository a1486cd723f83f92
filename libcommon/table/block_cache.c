/* Sharded by hash. A shard has chained buckets and two queues: new blocks enter
 * a short probation, and those asked for again while there go on to the main
 * queue when their turn to leave comes; main is a clock with counters up to
 * REFS_MAX. A block that comes back soon after it left probation is remembered
 * by a fingerprint and enters main at once. So a scan flows through probation
 * without moving what is in use (after Yang et al., "FIFO queues are all you
 * need for cache eviction", SOSP 2023).
 *
 * The budget is one for all shards: bytes are reserved before a block enters,
 * and room is made shard by shard, beginning with its own; no two locks are
 * held together. Pins are raised under the shard's lock only, so a block
 * without pins that is found under it cannot become pinned; they are lowered
 * without it. */
#include "libcommon/table/block_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"

#define SHARDS 16
#define BUCKETS_MIN 64
#define REFS_MAX 3
/* Of buckets and ghosts a shard has, at the most, four for each entry. */
#define TABLES_SHARE (4 * (sizeof(struct entry *) + sizeof(uint32_t)))
/* malloc's own, and what it rounds up to; from PAGED on that may be pages. */
#define MALLOC_BYTES 8
#define MALLOC_ALIGN ((size_t)16)
#define MALLOC_PAGED ((size_t)128 << 10)
#define MALLOC_PAGE ((size_t)4096)
/* Of the end of a block, which is looked at first. */
#define PREFETCH_BYTES (3 * RT_CACHE_LINE_BYTES)
/* A block above both is not kept: it would push out too many others, and to
 * read it again costs little beside its use. While somebody has it pinned,
 * others find it. */
#define LARGE_BYTES ((size_t)1 << 20)
#define LARGE_PART 64
/* Probation is kept at this part of a shard. */
#define PROBATION_PART 10

enum queue_kind { QUEUE_PROBATION, QUEUE_MAIN, QUEUES };

/* Lies behind the block's bytes in their memory, aligned: a look-up that comes
 * to it asks for the end of the block, which is read first, at the same time. */
struct entry {
	struct rt_cached_block block; /* first */
	struct entry *chain;
	uint64_t unique_id;
	uint64_t offset;
	atomic_uint pins;
	uint8_t refs;
	uint8_t queue;
	bool cold;                 /* of a scan, not looked at since */
	bool loose;                /* in no queue: freed with the last pin */
	struct entry *prev, *next; /* in its queue */
	uint64_t hash;
	size_t charge;
	uint8_t *data; /* that of the block, ours to free */
};

_Static_assert(sizeof(struct entry) + _Alignof(struct entry) <=
	RT_BLOCK_CACHE_ROOM,
    "an entry fits behind its block");

struct queue {
	struct entry *oldest, *newest;
	size_t bytes;
	size_t count;
};

struct shard {
	struct rt_mutex mu;
	struct entry **buckets RT_GUARDED_BY(mu);
	size_t buckets_count;
	struct queue queues[QUEUES];
	uint32_t *ghosts; /* as many as buckets */
	uint64_t hits, misses, evictions;
} __attribute__((aligned(RT_CACHE_LINE_BYTES)));

struct rt_block_cache {
	struct shard shards[SHARDS];
	atomic_size_t bytes; /* reserved by blocks in shards */
	atomic_size_t loose_bytes;
	atomic_size_t bytes_max;
};

struct rt_block_cache *
rt_block_cache_new(size_t bytes)
{
	struct rt_block_cache *cache =
	    aligned_alloc(RT_CACHE_LINE_BYTES, sizeof(*cache));

	rt_assert(cache != NULL);
	*cache = (struct rt_block_cache){ .bytes_max = bytes };
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];

		rt_mutex_init(&shard->mu);
		shard->buckets_count = BUCKETS_MIN;
		shard->buckets =
		    rt_alloc_zero(BUCKETS_MIN, sizeof(shard->buckets[0]));
		shard->ghosts = rt_alloc_zero(BUCKETS_MIN, sizeof(uint32_t));
	}
	return cache;
}

static void
entry_free(struct entry *entry)
{
	free(entry->data);
}

void
rt_block_cache_free(struct rt_block_cache *cache)
{
	if (cache == NULL)
		return;
	rt_assert(atomic_load(&cache->loose_bytes) == 0);
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];

		for (size_t kind = 0; kind < QUEUES; kind++) {
			struct entry *entry = shard->queues[kind].oldest;

			while (entry != NULL) {
				struct entry *next = entry->next;

				rt_assert(atomic_load(&entry->pins) == 0);
				entry_free(entry);
				entry = next;
			}
		}
		free(shard->buckets);
		free(shard->ghosts);
		rt_mutex_fini(&shard->mu);
	}
	free(cache);
}

static uint64_t
hash_of(uint64_t unique_id, uint64_t offset)
{
	uint64_t hash = (unique_id ^ offset * UINT64_C(0x9e3779b97f4a7c15)) *
	    UINT64_C(0xd6e8feb86659fd93);

	hash ^= hash >> 32;
	return hash * UINT64_C(0xd6e8feb86659fd93);
}

static struct shard *
shard_of(struct rt_block_cache *cache, uint64_t hash)
{
	return &cache->shards[hash >> 60];
}

static struct entry **
bucket_of(struct shard *shard, uint64_t hash)
{
	return &shard->buckets[(hash >> 24) & (shard->buckets_count - 1)];
}

static struct entry *
find(struct shard *shard, uint64_t hash, uint64_t unique_id, uint64_t offset)
{
	struct entry *entry = *bucket_of(shard, hash);

	while (entry != NULL &&
	    (entry->offset != offset || entry->unique_id != unique_id))
		entry = entry->chain;
	return entry;
}

static void
queue_remove(struct shard *shard, struct entry *entry)
{
	struct queue *queue = &shard->queues[entry->queue];

	*(entry->prev != NULL ? &entry->prev->next : &queue->oldest) =
	    entry->next;
	*(entry->next != NULL ? &entry->next->prev : &queue->newest) =
	    entry->prev;
	queue->bytes -= entry->charge;
	queue->count--;
}

/* Put entry in as the newest, or, when cold, the oldest. */
static void
queue_insert(struct shard *shard, struct entry *entry, enum queue_kind kind,
    bool cold)
{
	struct queue *queue = &shard->queues[kind];

	entry->queue = (uint8_t)kind;
	entry->cold = cold;
	entry->prev = cold ? NULL : queue->newest;
	entry->next = cold ? queue->oldest : NULL;
	*(entry->prev != NULL ? &entry->prev->next : &queue->oldest) = entry;
	*(entry->next != NULL ? &entry->next->prev : &queue->newest) = entry;
	queue->bytes += entry->charge;
	queue->count++;
}

static void
chain_remove(struct shard *shard, struct entry *entry)
{
	struct entry **at = bucket_of(shard, entry->hash);

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
}

static uint32_t
fingerprint(uint64_t hash)
{
	return (uint32_t)(hash >> 24);
}

static uint32_t *
ghost_of(struct shard *shard, uint32_t fingerprint)
{
	return &shard->ghosts[fingerprint & (shard->buckets_count - 1)];
}

/* Make it so many buckets and ghosts, a power of two. */
static void
tables_resize(struct shard *shard, size_t count)
{
	struct entry **buckets = shard->buckets;
	uint32_t *ghosts = shard->ghosts;
	size_t old_count = shard->buckets_count;

	/* Prefetches read the two without the lock. */
	__atomic_store_n(&shard->buckets_count, count, __ATOMIC_RELAXED);
	__atomic_store_n(&shard->buckets,
	    rt_alloc_zero(count, sizeof(shard->buckets[0])), __ATOMIC_RELAXED);
	shard->ghosts = rt_alloc_zero(count, sizeof(shard->ghosts[0]));
	for (size_t i = 0; i < old_count; i++) {
		struct entry *entry = buckets[i];

		while (entry != NULL) {
			struct entry *chain = entry->chain;
			struct entry **at = bucket_of(shard, entry->hash);

			entry->chain = *at;
			*at = entry;
			entry = chain;
		}
		if (ghosts[i] != 0)
			*ghost_of(shard, ghosts[i]) = ghosts[i];
	}
	free(buckets);
	free(ghosts);
}

static size_t
entries_of(const struct shard *shard)
{
	return shard->queues[QUEUE_PROBATION].count +
	    shard->queues[QUEUE_MAIN].count;
}

/* Look at the oldest of a queue: true when it is to leave. Otherwise it has
 * moved on. */
static bool
is_leaving(struct shard *shard, struct entry *entry)
{
	bool pinned =
	    atomic_load_explicit(&entry->pins, memory_order_acquire) != 0;
	enum queue_kind kind = (enum queue_kind)entry->queue;

	if (!pinned && entry->refs == 0)
		return true;
	if (kind == QUEUE_MAIN && entry->refs != 0)
		entry->refs--;
	else if (kind == QUEUE_PROBATION && entry->refs != 0) {
		kind = QUEUE_MAIN;
		entry->refs = 0;
	}
	queue_remove(shard, entry);
	queue_insert(shard, entry, kind, false);
	return false;
}

/* The next block to go, taken out of the shard. NULL: all are pinned. */
static struct entry *
evict_one(struct shard *shard)
{
	struct queue *probation = &shard->queues[QUEUE_PROBATION];
	struct queue *main_queue = &shard->queues[QUEUE_MAIN];
	/* Each may have to pass once for each reference it has. */
	size_t tries = (probation->count + main_queue->count) * (REFS_MAX + 2);
	size_t bytes = probation->bytes + main_queue->bytes;
	size_t on_probation = probation->count;

	for (size_t i = 0; i < tries; i++) {
		bool from_probation = main_queue->count == 0 ||
		    (probation->count != 0 &&
			(probation->oldest->cold ||
			    probation->bytes >= bytes / PROBATION_PART));
		struct entry *entry;

		/* What is left there after a look at each is pinned. */
		if (i >= on_probation && i % 2 != 0 && main_queue->count != 0)
			from_probation = false;
		entry = from_probation ? probation->oldest : main_queue->oldest;
		if (!is_leaving(shard, entry))
			continue;
		if (from_probation)
			*ghost_of(shard, fingerprint(entry->hash)) =
			    fingerprint(entry->hash);
		queue_remove(shard, entry);
		chain_remove(shard, entry);
		shard->evictions++;
		return entry;
	}
	return NULL;
}

/* Evict from this shard, then from the others, until the budget is kept. False
 * when what is left is pinned. */
static bool
make_room(struct rt_block_cache *cache, size_t first)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[(first + i) % SHARDS];

		while (atomic_load(&cache->bytes) >
		    atomic_load(&cache->bytes_max)) {
			struct entry *entry;

			rt_mutex_lock(&shard->mu);
			entry =
			    entries_of(shard) != 0 ? evict_one(shard) : NULL;
			rt_mutex_unlock(&shard->mu);
			if (entry == NULL)
				break;
			atomic_fetch_sub(&cache->bytes, entry->charge);
			entry_free(entry);
		}
	}
	return atomic_load(&cache->bytes) <= atomic_load(&cache->bytes_max);
}

/* buckets and their count change only as the shard grows, and an address of
 * before, or one made of the two that do not belong together, is harmless to
 * ask for: no lock. */
RT_NO_LOCK_CHECK void
rt_block_cache_prefetch(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset)
{
	uint64_t hash = hash_of(unique_id, offset);
	struct shard *shard = shard_of(cache, hash);
	uintptr_t buckets =
	    (uintptr_t)__atomic_load_n(&shard->buckets, __ATOMIC_RELAXED);
	size_t count = __atomic_load_n(&shard->buckets_count, __ATOMIC_RELAXED);

	__builtin_prefetch((const void *)(buckets +
	    ((hash >> 24) & (count - 1)) * sizeof(struct entry *)));
}

/* The entry, and the end of its block in front of it. */
static void
prefetch(const struct entry *entry)
{
	const uint8_t *at = (const uint8_t *)entry;

	if (entry == NULL)
		return;
	for (size_t back = 0; back <= PREFETCH_BYTES;
	     back += RT_CACHE_LINE_BYTES)
		__builtin_prefetch(at - back);
}

void
rt_block_cache_prefetch_block(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset)
{
	uint64_t hash = hash_of(unique_id, offset);
	struct shard *shard = shard_of(cache, hash);

	rt_mutex_lock(&shard->mu);
	prefetch(*bucket_of(shard, hash));
	rt_mutex_unlock(&shard->mu);
}

static struct rt_cached_block *
look_up(struct rt_block_cache *cache, uint64_t unique_id, uint64_t offset,
    bool counts_miss)
{
	uint64_t hash = hash_of(unique_id, offset);
	struct shard *shard = shard_of(cache, hash);
	struct entry *entry;

	rt_mutex_lock(&shard->mu);
	prefetch(*bucket_of(shard, hash));
	entry = find(shard, hash, unique_id, offset);
	if (entry != NULL) {
		shard->hits++;
		entry->refs += entry->refs < REFS_MAX;
		atomic_fetch_add_explicit(&entry->pins, 1,
		    memory_order_relaxed);
	} else {
		shard->misses += counts_miss;
	}
	rt_mutex_unlock(&shard->mu);
	return entry != NULL ? &entry->block : NULL;
}

struct rt_cached_block *
rt_block_cache_get(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset)
{
	return look_up(cache, unique_id, offset, true);
}

struct rt_cached_block *
rt_block_cache_find(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset)
{
	return look_up(cache, unique_id, offset, false);
}

/* The ghosts remember whom probation has let go, and so who was asked for. */
bool
rt_block_cache_wants(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset, size_t len)
{
	uint64_t hash = hash_of(unique_id, offset);
	struct shard *shard = shard_of(cache, hash);
	uint32_t *ghost;
	bool is_back;

	if (atomic_load_explicit(&cache->bytes, memory_order_relaxed) + len <=
	    atomic_load_explicit(&cache->bytes_max, memory_order_relaxed))
		return true;
	rt_mutex_lock(&shard->mu);
	ghost = ghost_of(shard, fingerprint(hash));
	is_back = *ghost == fingerprint(hash);
	*ghost = fingerprint(hash);
	rt_mutex_unlock(&shard->mu);
	return is_back;
}

static bool
reserve(struct rt_block_cache *cache, struct entry *entry)
{
	size_t bytes_max = atomic_load(&cache->bytes_max);

	if (entry->charge > bytes_max ||
	    (entry->charge > LARGE_BYTES &&
		entry->charge > bytes_max / LARGE_PART))
		return false;
	atomic_fetch_add(&cache->bytes, entry->charge);
	if (make_room(cache, (size_t)(entry->hash >> 60)))
		return true;
	atomic_fetch_sub(&cache->bytes, entry->charge);
	return false;
}

static size_t
charge_of(size_t len)
{
	size_t bytes = len + RT_BLOCK_CACHE_ROOM + MALLOC_BYTES;
	size_t align = bytes < MALLOC_PAGED ? MALLOC_ALIGN : MALLOC_PAGE;

	return ((bytes + align - 1) & ~(align - 1)) + TABLES_SHARE;
}

static struct entry *
entry_new(uint64_t unique_id, uint64_t offset, uint8_t *data, size_t len)
{
	size_t pad = -(uintptr_t)(data + len) & (_Alignof(struct entry) - 1);
	void *place = data + len + pad;
	struct entry *entry = place;

	*entry = (struct entry){
		.block = { .data = data, .len = len },
		.data = data,
		.unique_id = unique_id,
		.offset = offset,
		.hash = hash_of(unique_id, offset),
		.charge = charge_of(len),
	};
	atomic_init(&entry->pins, 1);
	return entry;
}

struct rt_cached_block *
rt_block_cache_insert(struct rt_block_cache *cache, uint64_t unique_id,
    uint64_t offset, uint8_t *data, size_t len, bool cold)
{
	struct entry *entry = entry_new(unique_id, offset, data, len);
	struct shard *shard = shard_of(cache, entry->hash);
	struct entry *there;
	uint32_t *ghost;
	bool back;

	entry->loose = !reserve(cache, entry);
	if (entry->loose)
		atomic_fetch_add(&cache->loose_bytes, entry->charge);
	rt_mutex_lock(&shard->mu);
	there = find(shard, entry->hash, unique_id, offset);
	if (there != NULL) {
		atomic_fetch_add(&there->pins, 1);
		rt_mutex_unlock(&shard->mu);
		atomic_fetch_sub(entry->loose ? &cache->loose_bytes
					      : &cache->bytes,
		    entry->charge);
		entry_free(entry);
		return &there->block;
	}
	if (2 * entries_of(shard) >= shard->buckets_count)
		tables_resize(shard, 2 * shard->buckets_count);
	entry->chain = *bucket_of(shard, entry->hash);
	*bucket_of(shard, entry->hash) = entry;
	if (entry->loose) {
		rt_mutex_unlock(&shard->mu);
		return &entry->block;
	}
	ghost = ghost_of(shard, fingerprint(entry->hash));
	back = !cold && *ghost == fingerprint(entry->hash);
	if (back)
		*ghost = 0;
	queue_insert(shard, entry, back ? QUEUE_MAIN : QUEUE_PROBATION, cold);
	rt_mutex_unlock(&shard->mu);
	return &entry->block;
}

static void
release_loose(struct rt_block_cache *cache, struct entry *entry)
{
	struct shard *shard = shard_of(cache, entry->hash);
	bool last;

	/* Under the lock, so that nobody finds it in between. */
	rt_mutex_lock(&shard->mu);
	last = atomic_fetch_sub_explicit(&entry->pins, 1,
		   memory_order_acq_rel) == 1;
	if (last)
		chain_remove(shard, entry);
	rt_mutex_unlock(&shard->mu);
	if (!last)
		return;
	atomic_fetch_sub(&cache->loose_bytes, entry->charge);
	entry_free(entry);
}

void
rt_block_cache_release(struct rt_block_cache *cache,
    struct rt_cached_block *block)
{
	struct entry *entry = (struct entry *)block;
	size_t shard = (size_t)(entry->hash >> 60);

	if (RT_UNLIKELY(entry->loose)) {
		release_loose(cache, entry);
		return;
	}
	/* Without a pin it may be gone at once. */
	if (atomic_fetch_sub_explicit(&entry->pins, 1, memory_order_acq_rel) ==
		1 &&
	    RT_UNLIKELY(
		atomic_load_explicit(&cache->bytes, memory_order_relaxed) >
		atomic_load_explicit(&cache->bytes_max, memory_order_relaxed)))
		make_room(cache, shard);
}

void
rt_block_cache_set_bytes(struct rt_block_cache *cache, size_t bytes)
{
	atomic_store(&cache->bytes_max, bytes);
	make_room(cache, 0);
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];
		size_t count;

		rt_mutex_lock(&shard->mu);
		count = shard->buckets_count;
		while (count > BUCKETS_MIN && 4 * entries_of(shard) < count)
			count /= 2;
		if (count != shard->buckets_count)
			tables_resize(shard, count);
		rt_mutex_unlock(&shard->mu);
	}
}

void
rt_block_cache_get_stats(struct rt_block_cache *cache,
    struct rt_block_cache_stats *out)
{
	*out = (struct rt_block_cache_stats){
		.bytes = atomic_load(&cache->bytes) +
		    atomic_load(&cache->loose_bytes),
		.bytes_max = atomic_load(&cache->bytes_max),
	};
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];

		rt_mutex_lock(&shard->mu);
		out->hits += shard->hits;
		out->misses += shard->misses;
		out->evictions += shard->evictions;
		rt_mutex_unlock(&shard->mu);
	}
}
