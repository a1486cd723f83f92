/* version_walk: the versions of an arena in the order in which they were
 * published, which is that of their sequences. A walk that came to the end goes
 * on when more was published.
 * Thread: one at a time, any; beside the writer. */
#ifndef RIPTIDED_MEMTABLE_VERSION_WALK_H
#define RIPTIDED_MEMTABLE_VERSION_WALK_H

#include "riptided/memtable/arena.h"
#include "riptided/memtable/hash_index.h"

/* Zeroed is before the first. */
struct rtd_version_walk {
	struct rtd_arena_chunk *chunk;
	size_t offset;
};

/* What it takes in the arena. */
static inline size_t
rtd_version_bytes(const struct rtd_version *version)
{
	size_t value_len = rtd_version_is_outside(version)
	    ? sizeof(struct rtd_version_outside)
	    : version->value_len;
	size_t bytes = sizeof(*version) + version->key_len + value_len;

	return (bytes + 7) & ~(size_t)7;
}

/* The next one, or NULL when there is none yet. */
static inline const struct rtd_version *
rtd_version_walk_next(struct rtd_version_walk *walk,
    const struct rtd_arena *arena)
{
	if (walk->chunk == NULL)
		walk->chunk = atomic_load_explicit(&arena->first,
		    memory_order_acquire);
	while (walk->chunk != NULL) {
		/* In this order: a chunk that has a successor is complete. */
		struct rtd_arena_chunk *next = atomic_load_explicit(
		    &walk->chunk->next, memory_order_acquire);
		size_t used = atomic_load_explicit(&walk->chunk->used,
		    memory_order_acquire);

		if (walk->offset < used) {
			const void *at = walk->chunk->data + walk->offset;
			const struct rtd_version *version = at;

			walk->offset += rtd_version_bytes(version);
			return version;
		}
		if (next == NULL)
			break;
		walk->chunk = next;
		walk->offset = 0;
	}
	return NULL;
}

#endif
