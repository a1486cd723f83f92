#include "riptided/memtable/memtable.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

#define CHUNK_BYTES_MIN ((size_t)16 << 10)
#define CHUNK_BYTES_MAX ((size_t)4 << 20)
/* An entry of a 16-byte key and 100-byte value takes about this much. */
#define ENTRY_BYTES_USUAL 160

#define QUEUE_ENTRIES 16

/* Entries that are in the arena and not yet in the index, in a ring. */
struct rtd_memtable_queue {
	struct {
		uint64_t hash;
		struct rtd_version *version;
	} waiting[QUEUE_ENTRIES];
	size_t inserted;	/* of all times; the next one's place follows */
};

struct rtd_memtable *
rtd_memtable_new(size_t bytes_max)
{
	struct rtd_memtable *memtable = rt_alloc_zero(1, sizeof(*memtable));
	size_t chunk = bytes_max / 8;

	if (chunk < CHUNK_BYTES_MIN)
		chunk = CHUNK_BYTES_MIN;
	if (chunk > CHUNK_BYTES_MAX)
		chunk = CHUNK_BYTES_MAX;
	atomic_init(&memtable->refs, 1);
	memtable->bytes_max = bytes_max;
	rtd_arena_init(&memtable->arena, chunk);
	rtd_hash_index_init(&memtable->index, bytes_max / ENTRY_BYTES_USUAL);
	rtd_sorted_view_init(&memtable->sorted);
	rtd_key_tally_init(&memtable->tally);
	return memtable;
}

struct rtd_memtable *
rtd_memtable_ref(struct rtd_memtable *memtable)
{
	atomic_fetch_add_explicit(&memtable->refs, 1, memory_order_relaxed);
	return memtable;
}

void
rtd_memtable_unref(struct rtd_memtable *memtable)
{
	if (memtable == NULL || atomic_fetch_sub_explicit(&memtable->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	if (memtable->recycle != NULL)
		memtable->recycle(memtable->recycle_arg, memtable);
	else
		rtd_memtable_destroy(memtable);
}

void
rtd_memtable_destroy(struct rtd_memtable *memtable)
{
	if (memtable == NULL)
		return;
	rtd_key_tally_fini(&memtable->tally);
	rtd_sorted_view_fini(&memtable->sorted);
	rtd_hash_index_fini(&memtable->index);
	rtd_arena_fini(&memtable->arena);
	free(memtable->drops);
	free(memtable->mappings);
	free(memtable->queue);
	free(memtable);
}

void
rtd_memtable_reset(struct rtd_memtable *memtable)
{
	rtd_key_tally_reset(&memtable->tally);
	rtd_sorted_view_reset(&memtable->sorted);
	rtd_hash_index_reset(&memtable->index);
	rtd_arena_reset(&memtable->arena);
	atomic_store(&memtable->refs, 1);
	memtable->first_seq = 0;
	atomic_store(&memtable->last_seq, 0);
	atomic_store(&memtable->entries, 0);
	memtable->drops_count = 0;
	memtable->mappings_count = 0;
	memtable->wal_segment = 0;
	memtable->tombstones_since_ms = 0;
}

static void
note_seq(struct rtd_memtable *memtable, uint64_t seq)
{
	if (memtable->first_seq == 0)
		memtable->first_seq = seq;
	atomic_store_explicit(&memtable->last_seq, seq, memory_order_relaxed);
}

/* Put the entry into the index whose place in the ring this one takes. */
static void
enqueue(struct rtd_memtable *memtable, uint64_t hash,
    struct rtd_version *version)
{
	struct rtd_memtable_queue *queue = memtable->queue;
	size_t at = queue->inserted++ % QUEUE_ENTRIES;

	if (queue->waiting[at].version != NULL)
		rtd_hash_index_put(&memtable->index, queue->waiting[at].hash,
		    queue->waiting[at].version);
	queue->waiting[at].hash = hash;
	queue->waiting[at].version = version;
}

void
rtd_memtable_begin_load(struct rtd_memtable *memtable)
{
	rt_assert(memtable->queue == NULL);
	memtable->queue = rt_alloc_zero(1, sizeof(*memtable->queue));
}

void
rtd_memtable_end_load(struct rtd_memtable *memtable)
{
	for (size_t i = 0; i < QUEUE_ENTRIES; i++)
		enqueue(memtable, 0, NULL);
	free(memtable->queue);
	memtable->queue = NULL;
}

/* Make version, which is filled but for these, the newest of its key. */
static inline void
enter(struct rtd_memtable *memtable, struct rtd_version *version,
    struct rt_slice key, uint64_t hash, uint64_t seq)
{
	version->key_len = (uint32_t)key.len;
	memcpy(version->bytes, key.data, key.len);
	if (RT_UNLIKELY(memtable->queue != NULL))
		enqueue(memtable, hash, version);
	else
		rtd_hash_index_put(&memtable->index, hash, version);
	rtd_arena_publish(&memtable->arena);
	note_seq(memtable, seq);
	atomic_store_explicit(&memtable->entries,
	    atomic_load_explicit(&memtable->entries, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

void
rtd_memtable_insert_bulk(struct rtd_memtable *memtable, struct rt_slice key,
    uint64_t hash, uint64_t seq, struct rt_slice value, struct rt_bulk *bulk)
{
	const struct rtd_version_outside outside = {
		.value = value.data,
		.bulk = rt_bulk_ref(bulk),
	};
	struct rtd_version *version = rtd_arena_alloc(&memtable->arena,
	    sizeof(*version) + key.len + sizeof(outside));

	rtd_arena_adopt(&memtable->arena, bulk, value.len);
	version->seq_type = seq << 8 | RTD_VERSION_OUTSIDE | RT_ENTRY_PUT;
	version->value_len = (uint32_t)value.len;
	memcpy(version->bytes + key.len, &outside, sizeof(outside));
	enter(memtable, version, key, hash, seq);
}

static void
insert_copy(struct rtd_memtable *memtable, struct rt_slice key, uint64_t hash,
    uint64_t seq, struct rt_slice value)
{
	struct rt_bulk *bulk = rt_bulk_new(value.len);

	rt_assert(bulk != NULL);
	memcpy(bulk->data, value.data, value.len);
	rtd_memtable_insert_bulk(memtable, key, hash, seq,
	    rt_slice(bulk->data, value.len), bulk);
	rt_bulk_unref(bulk);
}

void
rtd_memtable_insert(struct rtd_memtable *memtable, struct rt_slice key,
    uint64_t hash, uint64_t seq, enum rt_entry_type type, struct rt_slice value)
{
	struct rtd_version *version;

	if (RT_UNLIKELY(value.len >= RT_BULK_BYTES_MIN)) {
		insert_copy(memtable, key, hash, seq, value);
		return;
	}
	/* The bucket's line is on its way while the entry is copied. */
	rtd_hash_index_prefetch(&memtable->index, hash);
	version = rtd_arena_alloc(&memtable->arena,
	    sizeof(*version) + key.len + value.len);
	version->seq_type = seq << 8 | type;
	version->value_len = (uint32_t)value.len;
	if (value.len != 0)
		memcpy(version->bytes + key.len, value.data, value.len);
	enter(memtable, version, key, hash, seq);
}

void
rtd_memtable_drop(struct rtd_memtable *memtable, uint32_t keyspace,
    uint64_t seq)
{
	size_t at = 0;

	while (at < memtable->drops_count &&
	    memtable->drops[at].keyspace != keyspace)
		at++;
	if (at == memtable->drops_count)
		memtable->drops = rt_realloc(memtable->drops,
		    ++memtable->drops_count * sizeof(memtable->drops[0]));
	memtable->drops[at] = (struct rtd_memtable_drop){
		.keyspace = keyspace,
		.seq = seq,
	};
	note_seq(memtable, seq);
}

void
rtd_memtable_map(struct rtd_memtable *memtable, uint32_t database,
    uint32_t keyspace, uint64_t seq)
{
	size_t at = 0;

	while (at < memtable->mappings_count &&
	    memtable->mappings[at].database != database)
		at++;
	if (at == memtable->mappings_count)
		memtable->mappings = rt_realloc(memtable->mappings,
		    ++memtable->mappings_count *
			sizeof(memtable->mappings[0]));
	memtable->mappings[at] = (struct rtd_memtable_mapping){
		.database = database,
		.keyspace = keyspace,
	};
	note_seq(memtable, seq);
}

uint64_t
rtd_memtable_drop_seq(const struct rtd_memtable *memtable, uint32_t keyspace)
{
	for (size_t i = 0; i < memtable->drops_count; i++)
		if (memtable->drops[i].keyspace == keyspace)
			return memtable->drops[i].seq;
	return 0;
}

const struct rtd_version *
rtd_memtable_get(const struct rtd_memtable *memtable, struct rt_slice key,
    uint64_t hash, uint64_t read_seq)
{
	const struct rtd_version *version =
	    rtd_hash_index_get(&memtable->index, hash, key);

	while (version != NULL && rtd_version_seq(version) > read_seq)
		version = version->older;
	return version;
}

size_t
rtd_memtable_bytes(const struct rtd_memtable *memtable)
{
	return rtd_arena_used(&memtable->arena);
}

size_t
rtd_memtable_held(const struct rtd_memtable *memtable)
{
	size_t used = rtd_arena_used(&memtable->arena);
	size_t held = rtd_arena_held(&memtable->arena);

	/* Bulks are used and lie in no chunk. */
	return sizeof(*memtable) + memtable->index.mapped_bytes +
	    (held > used ? held : used);
}
