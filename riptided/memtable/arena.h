/* arena: many small allocations in order, freed at once. Memory comes in large
 * chunks on huge pages where the system has them, because the first touch of a
 * small page costs microseconds; a reset keeps the chunks for the next life.
 * Thread: one writer allocates; any thread may walk what was published. */
#ifndef RIPTIDED_MEMTABLE_ARENA_H
#define RIPTIDED_MEMTABLE_ARENA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/bulk.h"

struct rtd_arena_chunk {
	_Atomic(struct rtd_arena_chunk *) next;
	size_t bytes;		/* of data */
	_Atomic size_t used;	/* published: whole allocations only */
	uint8_t *data;
	size_t mapped_bytes;
};

struct rtd_arena {
	size_t chunk_bytes;
	_Atomic(struct rtd_arena_chunk *) first;
	struct rtd_arena_chunk *last;
	struct rtd_arena_chunk *spare;	/* kept by a reset */
	size_t pending_bytes;		/* allocated, not yet published */
	_Atomic size_t used_bytes;
	_Atomic size_t chunks_bytes;	/* of all chunks, spare ones included */
	struct rt_bulk **bulks;		/* adopted; the writer's */
	size_t bulks_count, bulks_cap;
};

/* chunk_bytes: of an ordinary chunk, 4 KiB to 64 MiB. */
void rtd_arena_init(struct rtd_arena *arena, size_t chunk_bytes);
void rtd_arena_fini(struct rtd_arena *arena);

/* Forget all allocations and keep the ordinary chunks. Nobody may be reading. */
void rtd_arena_reset(struct rtd_arena *arena);

/* bytes, rounded up to 8, aligned to 8, not cleared. It may be filled and is
 * published before the next one is allocated. */
void *rtd_arena_alloc(struct rtd_arena *arena, size_t bytes);

/* The allocation is complete and may be walked. */
void rtd_arena_publish(struct rtd_arena *arena);

/* Hold a reference to the bulk, which is the caller's no longer, until the next
 * reset; `bytes` of it count as used. */
void rtd_arena_adopt(struct rtd_arena *arena, struct rt_bulk *bulk,
    size_t bytes);

/* What it holds of the system's memory, but for adopted bulks. */
static inline size_t
rtd_arena_held(const struct rtd_arena *arena)
{
	return atomic_load_explicit(&arena->chunks_bytes, memory_order_relaxed);
}

/* Bytes that were handed out or adopted. Thread: any. */
static inline size_t
rtd_arena_used(const struct rtd_arena *arena)
{
	return atomic_load_explicit(&arena->used_bytes, memory_order_relaxed);
}

#endif
