#include "riptided/view/table_cache.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"

#define SLOTS_MIN 64

struct slot {
	struct rt_file_id id;		/* number 0: free */
	struct rt_table_reader *reader;
};

/* Open addressing, rebuilt when a manifest is installed. */
struct rtd_table_cache {
	struct rt_fs *fs;
	int dir;
	struct rt_block_cache *blocks;
	const uint8_t *database_uuid;
	struct rt_mutex mu;
	struct slot *slots RT_GUARDED_BY(mu);
	size_t slots_count;	/* a power of two */
	size_t used;
	uint64_t filters_damaged;
};

struct rtd_table_cache *
rtd_table_cache_new(struct rt_fs *fs, int dir, struct rt_block_cache *blocks,
    const uint8_t *database_uuid)
{
	struct rtd_table_cache *cache = rt_alloc_zero(1, sizeof(*cache));

	cache->fs = fs;
	cache->dir = dir;
	cache->blocks = blocks;
	cache->database_uuid = database_uuid;
	rt_mutex_init(&cache->mu);
	cache->slots_count = SLOTS_MIN;
	cache->slots = rt_alloc_zero(SLOTS_MIN, sizeof(cache->slots[0]));
	return cache;
}

void
rtd_table_cache_free(struct rtd_table_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < cache->slots_count; i++)
		rt_table_reader_unref(cache->slots[i].reader);
	free(cache->slots);
	rt_mutex_fini(&cache->mu);
	free(cache);
}

static struct slot *
find(struct slot *slots, size_t count, struct rt_file_id id)
{
	uint64_t hash =
	    (id.number + id.maker_epoch * 1000003) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 20) & (count - 1);

	while (slots[at].id.number != 0 && !rt_file_id_equal(slots[at].id, id))
		at = (at + 1) & (count - 1);
	return &slots[at];
}

static void
resize(struct rtd_table_cache *cache, size_t count)
{
	struct slot *slots = rt_alloc_zero(count, sizeof(slots[0]));

	for (size_t i = 0; i < cache->slots_count; i++)
		if (cache->slots[i].id.number != 0)
			*find(slots, count, cache->slots[i].id) =
			    cache->slots[i];
	free(cache->slots);
	cache->slots = slots;
	cache->slots_count = count;
}

static struct rt_table_reader *
look(struct rtd_table_cache *cache, struct rt_file_id id)
{
	struct rt_table_reader *reader;

	rt_mutex_lock(&cache->mu);
	reader = find(cache->slots, cache->slots_count, id)->reader;
	if (reader != NULL)
		rt_table_reader_ref(reader);
	rt_mutex_unlock(&cache->mu);
	return reader;
}

enum rt_code
rtd_table_cache_get(struct rtd_table_cache *cache,
    const struct rt_manifest_table *table, struct rt_table_reader **out,
    struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = cache->database_uuid,
	};
	char name[RT_PATH_NAME_BYTES];
	struct rt_table_reader *reader = look(cache, table->id);
	bool filter_damaged = false;
	enum rt_code code;
	struct slot *slot;

	if (reader != NULL) {
		*out = reader;
		return RT_OK;
	}
	code = rt_table_reader_open(&reader, cache->fs, cache->dir,
	    rt_path_table(name, table->id), &expect, cache->blocks,
	    &filter_damaged, err);
	if (code != RT_OK)
		return code;
	rt_mutex_lock(&cache->mu);
	cache->filters_damaged += filter_damaged;
	slot = find(cache->slots, cache->slots_count, table->id);
	if (slot->reader == NULL) {
		slot->id = table->id;
		slot->reader = rt_table_reader_ref(reader);
		if (++cache->used * 2 > cache->slots_count)
			resize(cache, cache->slots_count * 2);
	}
	rt_mutex_unlock(&cache->mu);
	*out = reader;
	return RT_OK;
}

void
rtd_table_cache_keep(struct rtd_table_cache *cache,
    const struct rt_manifest *manifest)
{
	size_t tables = 0, count = SLOTS_MIN;
	struct slot *old, *slots;
	size_t old_count;

	for (size_t i = 0; i < manifest->runs_count; i++)
		tables += manifest->runs[i].tables_count;
	while (count < tables * 3)
		count *= 2;
	slots = rt_alloc_zero(count, sizeof(slots[0]));
	rt_mutex_lock(&cache->mu);
	old = cache->slots;
	old_count = cache->slots_count;
	cache->slots = slots;
	cache->slots_count = count;
	cache->used = 0;
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++) {
			struct slot *from =
			    find(old, old_count, run->tables[j].id);

			if (from->reader == NULL)
				continue;
			*find(slots, count, run->tables[j].id) = *from;
			from->reader = NULL;
			cache->used++;
		}
	}
	rt_mutex_unlock(&cache->mu);
	/* Closing files is not for under the lock. */
	for (size_t i = 0; i < old_count; i++)
		rt_table_reader_unref(old[i].reader);
	free(old);
}

uint64_t
rtd_table_cache_memory(struct rtd_table_cache *cache)
{
	uint64_t bytes = 0;

	rt_mutex_lock(&cache->mu);
	for (size_t i = 0; i < cache->slots_count; i++)
		if (cache->slots[i].reader != NULL)
			bytes += rt_table_reader_memory(cache->slots[i].reader);
	rt_mutex_unlock(&cache->mu);
	return bytes;
}

uint64_t
rtd_table_cache_filters_damaged(struct rtd_table_cache *cache)
{
	uint64_t damaged;

	rt_mutex_lock(&cache->mu);
	damaged = cache->filters_damaged;
	rt_mutex_unlock(&cache->mu);
	return damaged;
}
