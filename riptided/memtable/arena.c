#include "riptided/memtable/arena.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "libcommon/base/invariant.h"

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

static size_t
round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static struct rtd_arena_chunk *
chunk_new(size_t bytes)
{
	struct rtd_arena_chunk *chunk = rt_alloc_zero(1, sizeof(*chunk));
	size_t lead;
	uint8_t *at;

	if (bytes < HUGE_PAGE_BYTES) {
		chunk->data = rt_alloc(bytes);
		chunk->bytes = bytes;
		return chunk;
	}
	/* One huge page more than needed, so that the start can be aligned;
	 * the part in front is given back. */
	bytes = round_up(bytes, HUGE_PAGE_BYTES);
	at = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rt_assert(at != MAP_FAILED);
	lead = round_up((uintptr_t)at, HUGE_PAGE_BYTES) - (uintptr_t)at;
	if (lead != 0)
		munmap(at, lead);
	if (lead != HUGE_PAGE_BYTES)
		munmap(at + lead + bytes, HUGE_PAGE_BYTES - lead);
	chunk->data = at + lead;
	chunk->bytes = chunk->mapped_bytes = bytes;
	madvise(chunk->data, bytes, MADV_HUGEPAGE);
	return chunk;
}

static void
chunk_free(struct rtd_arena_chunk *chunk)
{
	if (chunk->mapped_bytes != 0)
		munmap(chunk->data, chunk->mapped_bytes);
	else
		free(chunk->data);
	free(chunk);
}

void
rtd_arena_init(struct rtd_arena *arena, size_t chunk_bytes)
{
	*arena = (struct rtd_arena){ .chunk_bytes = chunk_bytes };
}

static void
free_list(struct rtd_arena_chunk *chunk)
{
	while (chunk != NULL) {
		struct rtd_arena_chunk *next =
		    atomic_load_explicit(&chunk->next, memory_order_relaxed);

		chunk_free(chunk);
		chunk = next;
	}
}

static void
let_go_of_bulks(struct rtd_arena *arena)
{
	for (size_t i = 0; i < arena->bulks_count; i++)
		rt_bulk_unref(arena->bulks[i]);
	free(arena->bulks);
	arena->bulks = NULL;
	arena->bulks_count = arena->bulks_cap = 0;
}

void
rtd_arena_fini(struct rtd_arena *arena)
{
	let_go_of_bulks(arena);
	free_list(arena->first);
	free_list(arena->spare);
	rtd_arena_init(arena, arena->chunk_bytes);
}

void
rtd_arena_reset(struct rtd_arena *arena)
{
	struct rtd_arena_chunk *chunk = arena->first;

	let_go_of_bulks(arena);
	while (chunk != NULL) {
		struct rtd_arena_chunk *next =
		    atomic_load_explicit(&chunk->next, memory_order_relaxed);

		/* A chunk made for one large value does not stay. */
		if (chunk->bytes > 2 * arena->chunk_bytes + HUGE_PAGE_BYTES) {
			atomic_fetch_sub_explicit(&arena->chunks_bytes,
			    chunk->bytes, memory_order_relaxed);
			chunk_free(chunk);
		} else {
			atomic_store_explicit(&chunk->used, 0,
			    memory_order_relaxed);
			atomic_store_explicit(&chunk->next, arena->spare,
			    memory_order_relaxed);
			arena->spare = chunk;
		}
		chunk = next;
	}
	arena->first = arena->last = NULL;
	atomic_store_explicit(&arena->used_bytes, 0, memory_order_relaxed);
}

static struct rtd_arena_chunk *
chunk_for(struct rtd_arena *arena, size_t bytes)
{
	struct rtd_arena_chunk *chunk = arena->spare;

	if (chunk == NULL || chunk->bytes < bytes) {
		chunk = chunk_new(bytes > arena->chunk_bytes ? bytes
							     : arena->chunk_bytes);
		atomic_fetch_add_explicit(&arena->chunks_bytes, chunk->bytes,
		    memory_order_relaxed);
		return chunk;
	}
	arena->spare = atomic_load_explicit(&chunk->next, memory_order_relaxed);
	atomic_store_explicit(&chunk->next, NULL, memory_order_relaxed);
	return chunk;
}

void *
rtd_arena_alloc(struct rtd_arena *arena, size_t bytes)
{
	struct rtd_arena_chunk *chunk = arena->last;
	size_t used;

	bytes = round_up(bytes, 8);
	used = chunk == NULL
	    ? 0
	    : atomic_load_explicit(&chunk->used, memory_order_relaxed);
	if (chunk == NULL || chunk->bytes - used < bytes) {
		chunk = chunk_for(arena, bytes);
		if (arena->last == NULL)
			arena->first = chunk;
		else
			atomic_store_explicit(&arena->last->next, chunk,
			    memory_order_release);
		arena->last = chunk;
		used = 0;
	}
	arena->pending_bytes = bytes;
	return chunk->data + used;
}

void
rtd_arena_publish(struct rtd_arena *arena)
{
	struct rtd_arena_chunk *chunk = arena->last;
	size_t used =
	    atomic_load_explicit(&chunk->used, memory_order_relaxed);

	atomic_store_explicit(&chunk->used, used + arena->pending_bytes,
	    memory_order_release);
	atomic_store_explicit(&arena->used_bytes,
	    rtd_arena_used(arena) + arena->pending_bytes, memory_order_relaxed);
	arena->pending_bytes = 0;
}

void
rtd_arena_adopt(struct rtd_arena *arena, struct rt_bulk *bulk, size_t bytes)
{
	if (arena->bulks_count == arena->bulks_cap) {
		arena->bulks_cap = arena->bulks_cap * 2 + 8;
		arena->bulks = rt_realloc(arena->bulks,
		    arena->bulks_cap * sizeof(arena->bulks[0]));
	}
	arena->bulks[arena->bulks_count++] = bulk;
	atomic_store_explicit(&arena->used_bytes,
	    rtd_arena_used(arena) + bytes, memory_order_relaxed);
}
