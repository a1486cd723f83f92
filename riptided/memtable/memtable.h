/* memtable: the newest versions, in memory, until they are flushed.
 * Path: engine > wal > [memtable].
 *
 * M1 One thread inserts, with rising sequences; any number read meanwhile.
 * M2 A frozen memtable never changes.
 * Thread: as M1 says; the count is atomic. */
#ifndef RIPTIDED_MEMTABLE_MEMTABLE_H
#define RIPTIDED_MEMTABLE_MEMTABLE_H

#include <stdatomic.h>

#include "libcommon/table/iter.h"
#include "riptided/memtable/arena.h"
#include "riptided/memtable/hash_index.h"
#include "riptided/memtable/key_tally.h"
#include "riptided/memtable/sorted_view.h"

/* Everything in the keyspace at or below seq became invisible. */
struct rtd_memtable_drop {
	uint32_t keyspace;
	uint64_t seq;
};

/* What a database means since its last swap here. */
struct rtd_memtable_mapping {
	uint32_t database;
	uint32_t keyspace;
};

struct rtd_memtable_queue;

struct rtd_memtable {
	_Atomic unsigned refs;
	struct rtd_arena arena;
	struct rtd_hash_index index;
	struct rtd_sorted_view sorted;
	struct rtd_key_tally tally;
	size_t bytes_max;		/* full from here */
	uint64_t first_seq;		/* 0: empty */
	_Atomic uint64_t last_seq;	/* drops count too */
	uint64_t wal_segment;		/* lowest segment with its records */
	_Atomic uint64_t entries;
	/* By the expiry clock, of the first tombstone that was written here;
	 * 0: none was, or its time is not known. The writer's while it is not
	 * frozen. */
	uint64_t tombstones_since_ms;
	struct rtd_memtable_drop *drops;	/* the latest of each keyspace */
	size_t drops_count;
	struct rtd_memtable_mapping *mappings;	/* of each database swapped */
	size_t mappings_count;
	struct rtd_memtable_queue *queue;	/* while it is loaded, or NULL */
	/* Called instead of freeing when the last reference goes. */
	void (*recycle)(void *arg, struct rtd_memtable *memtable);
	void *recycle_arg;
};

/* bytes_max: when rtd_memtable_is_full() says so. One reference. */
struct rtd_memtable *rtd_memtable_new(size_t bytes_max);
struct rtd_memtable *rtd_memtable_ref(struct rtd_memtable *memtable);
/* NULL is accepted. */
void rtd_memtable_unref(struct rtd_memtable *memtable);
/* Free whatever the count; for a recycler. */
void rtd_memtable_destroy(struct rtd_memtable *memtable);
/* Empty it for another life with one reference. */
void rtd_memtable_reset(struct rtd_memtable *memtable);

/* Insert one version. value: the stored value, empty for a tombstone. It is
 * copied, from RT_BULK_BYTES_MIN on into a bulk of its own. */
void rtd_memtable_insert(struct rtd_memtable *memtable, struct rt_slice key,
    uint64_t hash, uint64_t seq, enum rt_entry_type type,
    struct rt_slice value);
/* Put a stored value that lies in bulk and stays there; a reference is
 * taken. */
void rtd_memtable_insert_bulk(struct rtd_memtable *memtable,
    struct rt_slice key, uint64_t hash, uint64_t seq, struct rt_slice value,
    struct rt_bulk *bulk);

/* While a memtable is loaded nobody reads it, so that inserts may reach the
 * index a few entries late, when its lines have come from memory. */
void rtd_memtable_begin_load(struct rtd_memtable *memtable);
void rtd_memtable_end_load(struct rtd_memtable *memtable);

/* Note a drop: it leaves no version behind, but its sequence counts. */
void rtd_memtable_drop(struct rtd_memtable *memtable, uint32_t keyspace,
    uint64_t seq);
/* Note what a database means from seq on. */
void rtd_memtable_map(struct rtd_memtable *memtable, uint32_t database,
    uint32_t keyspace, uint64_t seq);
/* The latest drop of the keyspace noted here; 0: none. Frozen ones only, or
 * the writer. */
uint64_t rtd_memtable_drop_seq(const struct rtd_memtable *memtable,
    uint32_t keyspace);

/* The newest version with a sequence <= read_seq, or NULL. hash: rt_hash64 of
 * the store key. */
const struct rtd_version *rtd_memtable_get(const struct rtd_memtable *memtable,
    struct rt_slice key, uint64_t hash, uint64_t read_seq);

/* Whether it has reached its size. Thread: any. */
static inline bool
rtd_memtable_is_full(const struct rtd_memtable *memtable)
{
	return rtd_arena_used(&memtable->arena) >= memtable->bytes_max;
}

/* Whether nothing was put into it. Thread: any. */
static inline bool
rtd_memtable_is_empty(const struct rtd_memtable *memtable)
{
	return atomic_load_explicit(&memtable->last_seq,
	    memory_order_relaxed) == 0;
}

/* Bytes of memory that its entries take. */
size_t rtd_memtable_bytes(const struct rtd_memtable *memtable);
/* Bytes of memory it holds: chunks that are not full, or kept for reuse, and
 * the index too. Any thread. */
size_t rtd_memtable_held(const struct rtd_memtable *memtable);

/* An iterator over all versions that are in it at its first seek or later;
 * holds a reference. Sorting is done there, so a creator pays nothing. */
struct rt_iter *rtd_memtable_iter(struct rtd_memtable *memtable);

#endif
