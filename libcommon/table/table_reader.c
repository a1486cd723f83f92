#include "libcommon/table/table_reader.h"

#include <stdlib.h>

#include "libcommon/table/table_blocks.h"
#include "libcommon/table/table_reader_impl.h"

static atomic_uint_fast64_t filter_useful;

void
rt_table_found_fini(struct rt_table_found *found)
{
	if (found->block != NULL)
		rt_block_cache_release(found->cache, found->block);
	free(found->owned);
	*found = (struct rt_table_found){ .seq = 0 };
}

bool
rt_table_reader_may_contain(struct rt_table_reader *reader, uint64_t key_hash)
{
	if (reader->filter == NULL ||
	    rt_bloom_may_contain(&reader->bloom, key_hash))
		return true;
	atomic_fetch_add_explicit(&filter_useful, 1, memory_order_relaxed);
	return false;
}

uint64_t
rt_table_filter_useful(void)
{
	return atomic_load_explicit(&filter_useful, memory_order_relaxed);
}

void
rt_table_reader_prefetch(const struct rt_table_reader *reader,
    uint64_t key_hash)
{
	const struct rt_bloom *bloom = &reader->bloom;

	if (reader->filter != NULL)
		__builtin_prefetch(bloom->lines +
		    rt_bloom_line(key_hash, bloom->lines_count) *
			RT_BLOOM_LINE_BYTES);
}

/* The index leads to the one block that can hold the answer: a separator tells
 * versions of a key apart where they fill several blocks. */
enum rt_code
rt_table_reader_locate(struct rt_table_reader *reader, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_place *place, struct rt_err *err)
{
	struct rt_table_locator locator;
	enum rt_code code;

	*place = (struct rt_table_place){ .reader = reader };
	if (key.len < RT_KEY_PREFIX_BYTES ||
	    !rt_table_reader_may_contain(reader, key_hash))
		return RT_ENOTFOUND;
	rt_table_locator_init(&locator, reader);
	code =
	    rt_table_locate(&locator, key, read_seq, flags, &place->block, err);
	rt_table_locator_fini(&locator);
	if (code == RT_OK && reader->cache != NULL)
		rt_block_cache_prefetch(reader->cache, reader->footer.unique_id,
		    place->block.offset);
	return code;
}

void
rt_table_reader_approach(const struct rt_table_place *place)
{
	if (place->reader->cache != NULL && place->cached == NULL)
		rt_block_cache_prefetch_block(place->reader->cache,
		    place->reader->footer.unique_id, place->block.offset);
}

bool
rt_table_reader_pin(struct rt_table_place *place)
{
	struct rt_table_reader *reader = place->reader;

	if (reader->cache == NULL || place->cached != NULL)
		return place->cached != NULL;
	place->cached = rt_block_cache_find(reader->cache,
	    reader->footer.unique_id, place->block.offset);
	return place->cached != NULL;
}

void
rt_table_reader_aim(struct rt_table_place *place, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq)
{
	struct rt_loaded_block loaded = { .cached = place->cached };

	if (loaded.cached == NULL)
		return;
	rt_table_use_cached(&loaded);
	place->aim = rt_block_aim(&loaded.block, key, key_hash, read_seq,
	    &place->restart);
	place->is_aimed = true;
}

/* The rest of a find, or all of it. */
static enum rt_block_result
find_in_block(const struct rt_table_place *place, const struct rt_block *block,
    struct rt_slice key, uint64_t key_hash, uint64_t read_seq,
    struct rt_entry *entry)
{
	if (!place->is_aimed)
		return rt_block_find(block, key, key_hash, read_seq, entry);
	if (place->aim != RT_BLOCK_FOUND)
		return place->aim;
	return rt_block_find_behind(block, place->restart, key, read_seq,
	    entry);
}

void
rt_table_place_fini(struct rt_table_place *place)
{
	if (place->cached != NULL)
		rt_block_cache_release(place->reader->cache, place->cached);
	*place = (struct rt_table_place){ .reader = NULL };
}

enum rt_code
rt_table_reader_get_at(struct rt_table_place *place, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_found *found, struct rt_err *err)
{
	struct rt_table_place at = *place;
	struct rt_table_reader *reader = at.reader;
	struct rt_loaded_block loaded = { .cached = at.cached };
	enum rt_block_result result;
	struct rt_entry entry;
	enum rt_code code = RT_OK;

	*found = (struct rt_table_found){ .seq = 0 };
	*place = (struct rt_table_place){ .reader = NULL };
	if (loaded.cached != NULL)
		rt_table_use_cached(&loaded);
	else
		code = rt_table_load_block(reader, &at.block, flags, &loaded,
		    err);
	if (code != RT_OK)
		return code;
	result = find_in_block(&at, &loaded.block, key, key_hash, read_seq,
	    &entry);
	if (result != RT_BLOCK_FOUND) {
		code = result == RT_BLOCK_END
		    ? RT_ENOTFOUND
		    : rt_table_block_damaged(reader, &at.block, "malformed",
			err);
		rt_table_drop_block(reader, &loaded);
		return code;
	}
	*found = (struct rt_table_found){
		.seq = entry.seq,
		.type = entry.type,
		.value = entry.value,
		.cache = reader->cache,
		.block = loaded.cached,
		.owned = loaded.owned,
		.was_read = loaded.was_read,
	};
	return RT_OK;
}

enum rt_code
rt_table_reader_get(struct rt_table_reader *reader, struct rt_slice key,
    uint64_t key_hash, uint64_t read_seq, unsigned flags,
    struct rt_table_found *found, struct rt_err *err)
{
	struct rt_table_place place;
	enum rt_code code = rt_table_reader_locate(reader, key, key_hash,
	    read_seq, flags, &place, err);

	if (code == RT_OK)
		return rt_table_reader_get_at(&place, key, key_hash, read_seq,
		    flags, found, err);
	*found = (struct rt_table_found){ .seq = 0 };
	return code;
}

const struct rt_table_info *
rt_table_reader_info(const struct rt_table_reader *reader)
{
	return &reader->properties.info;
}

const uint8_t *
rt_table_reader_database(const struct rt_table_reader *reader)
{
	return reader->properties.database_uuid;
}

size_t
rt_table_reader_memory(const struct rt_table_reader *reader)
{
	const struct rt_table_info *info = &reader->properties.info;

	return sizeof(*reader) + reader->index->bytes +
	    (reader->filter != NULL ? (size_t)reader->footer.filter.size : 0) +
	    info->smallest.cap + info->largest.cap;
}
