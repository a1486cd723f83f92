/* All that belongs to one manifest lies in a few chunks that double in size,
 * so that copying ten thousand tables is a walk over memory and freeing them
 * is a few calls. A later manifest copies what it takes over: none keeps an
 * earlier one alive. */
#include "libcommon/manifest/manifest_build.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"

#define CHUNK_BYTES_MIN 4096
#define CHUNK_BYTES_MAX (1u << 20)
#define ALIGNMENT 16

struct rt_manifest_chunk {
	struct rt_manifest_chunk *next;
	size_t used;
	size_t size;
	alignas(ALIGNMENT) uint8_t data[];
};

/* The manifest comes first, so that its address is the address of this. */
struct owned_manifest {
	struct rt_manifest manifest;
	struct rt_manifest_memory memory;
	atomic_size_t references;
};

void *
rt_manifest_memory_take(struct rt_manifest_memory *memory, size_t bytes)
{
	struct rt_manifest_chunk *chunk = memory->chunks;
	size_t size;
	void *taken;

	bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (chunk == NULL || chunk->size - chunk->used < bytes) {
		size = chunk == NULL ? CHUNK_BYTES_MIN : chunk->size * 2;
		if (size > CHUNK_BYTES_MAX)
			size = CHUNK_BYTES_MAX;
		if (size < bytes)
			size = bytes;
		if (memory->bytes_max != 0 &&
		    (memory->bytes >= memory->bytes_max ||
			size > memory->bytes_max - memory->bytes))
			return NULL;
		chunk = rt_alloc(sizeof(*chunk) + size);
		chunk->next = memory->chunks;
		chunk->used = 0;
		chunk->size = size;
		memory->chunks = chunk;
		memory->bytes += size;
	}
	taken = chunk->data + chunk->used;
	chunk->used += bytes;
	return taken;
}

void
rt_manifest_memory_fini(struct rt_manifest_memory *memory)
{
	struct rt_manifest_chunk *chunk, *next;

	for (chunk = memory->chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memory->chunks = NULL;
	memory->bytes = 0;
}

struct rt_manifest *
rt_manifest_build_new(void)
{
	struct owned_manifest *owned = rt_alloc_zero(1, sizeof(*owned));

	atomic_init(&owned->references, 1);
	return &owned->manifest;
}

/* A const manifest is still counted: the count is not part of its value. */
static struct owned_manifest *
owner(const struct rt_manifest *manifest)
{
	return (struct owned_manifest *)(uintptr_t)manifest;
}

const struct rt_manifest *
rt_manifest_ref(const struct rt_manifest *manifest)
{
	atomic_fetch_add_explicit(&owner(manifest)->references, 1,
	    memory_order_relaxed);
	return manifest;
}

void
rt_manifest_unref(const struct rt_manifest *manifest)
{
	struct owned_manifest *owned;
	size_t before;

	if (manifest == NULL)
		return;
	owned = owner(manifest);
	before = atomic_fetch_sub_explicit(&owned->references, 1,
	    memory_order_acq_rel);
	rt_assert(before != 0);
	if (before > 1)
		return;
	rt_manifest_memory_fini(&owned->memory);
	free(owned);
}

void *
rt_manifest_build_alloc(struct rt_manifest *manifest, size_t count,
    size_t bytes)
{
	void *taken;

	rt_assert(count <= SIZE_MAX / 2 / bytes);
	taken = rt_manifest_memory_take(&owner(manifest)->memory,
	    count * bytes);
	memset(taken, 0, count * bytes);
	return taken;
}

struct rt_slice
rt_manifest_build_bytes(struct rt_manifest *manifest, struct rt_slice bytes)
{
	uint8_t *copy = rt_manifest_build_alloc(manifest, bytes.len, 1);

	if (bytes.len != 0)
		memcpy(copy, bytes.data, bytes.len);
	return rt_slice(copy, bytes.len);
}

static void
copy_fields(struct rt_manifest *manifest, struct rt_manifest_unknown *to,
    const struct rt_manifest_unknown *from)
{
	to->fields_count = from->fields_count;
	to->fields = rt_manifest_build_alloc(manifest, from->fields_count,
	    sizeof(*to->fields));
	for (size_t i = 0; i < from->fields_count; i++) {
		to->fields[i] = from->fields[i];
		to->fields[i].data = rt_manifest_build_bytes(manifest,
		    from->fields[i].data);
	}
}

static void
copy_keyed(struct rt_manifest *manifest,
    struct rt_manifest_keyed_unknowns *to,
    const struct rt_manifest_keyed_unknowns *from)
{
	to->count = from->count;
	to->all = rt_manifest_build_alloc(manifest, from->count,
	    sizeof(*to->all));
	for (size_t i = 0; i < from->count; i++) {
		to->all[i].key = from->all[i].key;
		copy_fields(manifest, &to->all[i].fields,
		    &from->all[i].fields);
	}
}

const struct rt_manifest_unknown *
rt_manifest_build_run_unknown(struct rt_manifest *manifest, const void *unknown)
{
	struct rt_manifest_unknown *copy;

	if (unknown == NULL)
		return NULL;
	copy = rt_manifest_build_alloc(manifest, 1, sizeof(*copy));
	copy_fields(manifest, copy, unknown);
	return copy;
}

const struct rt_manifest_table_unknown *
rt_manifest_build_table_unknown(struct rt_manifest *manifest,
    const void *unknown)
{
	const struct rt_manifest_table_unknown *from = unknown;
	struct rt_manifest_table_unknown *copy;

	if (from == NULL)
		return NULL;
	copy = rt_manifest_build_alloc(manifest, 1, sizeof(*copy));
	copy_fields(manifest, &copy->own, &from->own);
	copy_fields(manifest, &copy->id, &from->id);
	return copy;
}

const struct rt_manifest_root_unknown *
rt_manifest_build_root_unknown(struct rt_manifest *manifest,
    const void *unknown)
{
	const struct rt_manifest_root_unknown *from = unknown;
	struct rt_manifest_root_unknown *copy;

	if (from == NULL)
		return NULL;
	copy = rt_manifest_build_alloc(manifest, 1, sizeof(*copy));
	copy->ro_compat = from->ro_compat;
	copy->compat = from->compat;
	copy_fields(manifest, &copy->own, &from->own);
	copy_keyed(manifest, &copy->drops, &from->drops);
	copy_keyed(manifest, &copy->keyspaces, &from->keyspaces);
	copy_keyed(manifest, &copy->obsolete, &from->obsolete);
	return copy;
}

void
rt_manifest_build_table(struct rt_manifest *manifest,
    struct rt_manifest_table *to, const struct rt_manifest_table *from)
{
	*to = *from;
	to->smallest = rt_manifest_build_bytes(manifest, from->smallest);
	to->largest = rt_manifest_build_bytes(manifest, from->largest);
	to->unknown = rt_manifest_build_table_unknown(manifest, from->unknown);
}
