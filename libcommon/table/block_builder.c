/* Content of a data block:
 *	entries
 *	buckets (1 each): the restart to begin at for keys of that bucket
 *	restarts (4 each): offsets of the entries with a whole key
 *	base sequence (8), restarts (4), buckets (2), zero (2)
 * Entry, varints first:
 *	shared, unshared, value length, meta, key from `shared` on, value
 * shared is the longest common prefix with the key before, except that it is 0
 * at a restart. meta is the zigzag difference to the base sequence (that of the
 * first entry), shifted left by one, with the entry's type as lowest bit. */
#include "libcommon/table/block_builder.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/block_reader.h"
#include "libcommon/table/key_pieces.h"

/* Memory above this is given back after a block. */
#define KEEP_BYTES_MAX (4u << 20)

void
rt_block_builder_fini(struct rt_block_builder *builder)
{
	rt_buf_fini(&builder->data);
	free(builder->restarts);
	free(builder->hashes);
	free(builder->hash_restarts);
	*builder = (struct rt_block_builder){ 0 };
}

static void
add_restart(struct rt_block_builder *builder)
{
	if (builder->restarts_count == builder->restarts_cap) {
		builder->restarts_cap =
		    builder->restarts_cap == 0 ? 64 : builder->restarts_cap * 2;
		builder->restarts = rt_realloc(builder->restarts,
		    builder->restarts_cap * sizeof(uint32_t));
	}
	builder->restarts[builder->restarts_count++] =
	    (uint32_t)builder->data.len;
}

static void
add_hash(struct rt_block_builder *builder, uint64_t key_hash)
{
	if (builder->hashes_count == builder->hashes_cap) {
		builder->hashes_cap =
		    builder->hashes_cap == 0 ? 256 : builder->hashes_cap * 2;
		builder->hashes = rt_realloc(builder->hashes,
		    builder->hashes_cap * sizeof(uint32_t));
		builder->hash_restarts = rt_realloc(builder->hash_restarts,
		    builder->hashes_cap * sizeof(uint32_t));
	}
	builder->hashes[builder->hashes_count] = (uint32_t)key_hash;
	builder->hash_restarts[builder->hashes_count++] =
	    (uint32_t)builder->restarts_count - 1;
}

/* A whole key by pieces (key_pieces.h); room for it is there. */
static inline void
put_suffix(uint8_t *at, struct rt_slice key, size_t shared)
{
	size_t i = shared;

	if (shared == 0)
		for (; i + RT_KEY_PIECE_BYTES <= key.len;
		     i += RT_KEY_PIECE_BYTES)
			memcpy(at + i, key.data + i, RT_KEY_PIECE_BYTES);
	memcpy(at + (i - shared), key.data + i, key.len - i);
}

static inline void
add_head(struct rt_block_builder *builder, const struct rt_entry *entry,
    size_t shared, uint64_t key_hash, size_t room)
{
	struct rt_buf *data = &builder->data;
	size_t unshared;
	int64_t delta;
	uint8_t *at;

	if (builder->entries == 0)
		builder->base_seq = entry->seq;
	if (builder->entries % RT_BLOCK_RESTART_ENTRIES == 0)
		add_restart(builder);
	/* A key is listed where its newest version in this block is. */
	if (builder->entries == 0 || shared != entry->key.len)
		add_hash(builder, key_hash);
	if (builder->entries++ % RT_BLOCK_RESTART_ENTRIES == 0)
		shared = 0;
	unshared = entry->key.len - shared;
	delta = (int64_t)(entry->seq - builder->base_seq);
	rt_buf_reserve(data, 4 * RT_VARINT_BYTES_MAX + unshared + room);
	at = data->data + data->len;
	at = rt_put_varint(at, shared);
	at = rt_put_varint(at, unshared);
	at = rt_put_varint(at, entry->value.len);
	at = rt_put_varint(at,
	    ((uint64_t)delta << 1 ^ (uint64_t)(delta >> 63)) << 1 |
		(uint64_t)entry->type);
	put_suffix(at, entry->key, shared);
	data->len = (size_t)(at - data->data) + unshared;
}

void
rt_block_builder_add(struct rt_block_builder *builder,
    const struct rt_entry *entry, size_t shared, uint64_t key_hash)
{
	struct rt_buf *data = &builder->data;

	add_head(builder, entry, shared, key_hash, entry->value.len);
	if (entry->value.len != 0)
		memcpy(data->data + data->len, entry->value.data,
		    entry->value.len);
	data->len += entry->value.len;
}

void
rt_block_builder_add_head(struct rt_block_builder *builder,
    const struct rt_entry *entry, size_t shared, uint64_t key_hash)
{
	add_head(builder, entry, shared, key_hash, 0);
}

/* A load of a half: keys of different restarts that meet cost a search over
 * the restarts. None when a restart's number has no room in a byte. */
static size_t
append_buckets(struct rt_block_builder *builder)
{
	size_t count = builder->hashes_count * 2 + 1;
	uint8_t *buckets;

	if (builder->restarts_count > RT_BLOCK_BUCKET_SHARED ||
	    count > UINT16_MAX)
		return 0;
	rt_buf_reserve(&builder->data, count);
	buckets = builder->data.data + builder->data.len;
	memset(buckets, RT_BLOCK_BUCKET_EMPTY, count);
	for (size_t i = 0; i < builder->hashes_count; i++) {
		uint8_t restart = (uint8_t)builder->hash_restarts[i];
		uint8_t *bucket =
		    &buckets[rt_block_bucket(builder->hashes[i], count)];

		if (*bucket == RT_BLOCK_BUCKET_EMPTY)
			*bucket = restart;
		else if (*bucket != restart)
			*bucket = RT_BLOCK_BUCKET_SHARED;
	}
	builder->data.len += count;
	return count;
}

void
rt_block_builder_finish(struct rt_block_builder *builder)
{
	struct rt_buf *data = &builder->data;
	size_t buckets = append_buckets(builder);

	for (size_t i = 0; i < builder->restarts_count; i++)
		rt_buf_put_fixed32(data, builder->restarts[i]);
	rt_buf_put_fixed64(data, builder->base_seq);
	rt_buf_put_fixed32(data, (uint32_t)builder->restarts_count);
	rt_buf_put_fixed32(data, (uint32_t)buckets);
}

void
rt_block_builder_reset(struct rt_block_builder *builder)
{
	if (builder->data.cap > KEEP_BYTES_MAX)
		rt_buf_fini(&builder->data);
	rt_buf_clear(&builder->data);
	builder->restarts_count = 0;
	builder->hashes_count = 0;
	builder->entries = 0;
}
