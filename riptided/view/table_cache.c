/* Handles are found by their id through chained buckets. The open ones are in
 * a ring, around which the clock's hand goes: a table that was looked at since
 * the hand passed gets another turn (of level 0 it gets several, because each
 * read that the memtables do not answer asks those), the others are closed. */
#include "riptided/view/table_cache.h"

#include <errno.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/mutex.h"
#include "libcommon/os/path.h"

#define BUCKETS_MIN 64

/* A reader that was taken out of sight. */
struct retired {
	struct rt_table_reader *reader;
	uint64_t stamp;
	size_t memory;
};

struct rtd_table_cache {
	struct rtd_epochs epochs;
	struct rt_fs *fs;
	int dir;
	struct rt_block_cache *blocks;
	const uint8_t *database_uuid;
	_Atomic size_t retired_count;	/* changed under mu */
	struct rt_mutex mu;
	struct rt_cond opened;		/* a table is no longer `opening` */
	struct rtd_table **buckets RT_GUARDED_BY(mu);
	size_t buckets_count;		/* a power of two */
	size_t count;
	struct rtd_table *hand;		/* in the ring; NULL: none is open */
	struct retired *retired;
	size_t retired_cap;
	uint64_t retired_bytes;
	uint64_t open;
	uint64_t bytes;			/* of those in the ring */
	struct rtd_table_budget budget;
	uint64_t times_opened, times_closed, filters_damaged;
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
	cache->budget = (struct rtd_table_budget){ UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX };
	rtd_epochs_init(&cache->epochs);
	rt_mutex_init(&cache->mu);
	rt_cond_init(&cache->opened);
	cache->buckets_count = BUCKETS_MIN;
	cache->buckets = rt_alloc_zero(BUCKETS_MIN, sizeof(cache->buckets[0]));
	return cache;
}

void
rtd_table_cache_free(struct rtd_table_cache *cache)
{
	if (cache == NULL)
		return;
	rt_assert(cache->count == 0);
	rtd_table_cache_reclaim(cache);
	rt_assert(atomic_load(&cache->retired_count) == 0);
	free(cache->retired);
	free(cache->buckets);
	rt_cond_fini(&cache->opened);
	rt_mutex_fini(&cache->mu);
	rtd_epochs_fini(&cache->epochs);
	free(cache);
}

struct rtd_epochs *
rtd_table_cache_epochs(struct rtd_table_cache *cache)
{
	return &cache->epochs;
}

/* -- handles -- */

static struct rtd_table **
bucket_of(struct rtd_table **buckets, size_t count, struct rt_file_id id)
{
	uint64_t hash =
	    (id.number + id.maker_epoch * 1000003) * 0x9e3779b97f4a7c15u;

	return &buckets[(size_t)(hash >> 20) & (count - 1)];
}

static struct rtd_table *
find(struct rtd_table_cache *cache, struct rt_file_id id)
    RT_REQUIRES(cache->mu)
{
	struct rtd_table *table =
	    *bucket_of(cache->buckets, cache->buckets_count, id);

	while (table != NULL && !rt_file_id_equal(table->id, id))
		table = table->chain;
	return table;
}

static void
grow(struct rtd_table_cache *cache)
    RT_REQUIRES(cache->mu)
{
	size_t count = cache->buckets_count * 2;
	struct rtd_table **buckets = rt_alloc_zero(count, sizeof(buckets[0]));

	for (size_t i = 0; i < cache->buckets_count; i++) {
		struct rtd_table *table = cache->buckets[i];

		while (table != NULL) {
			struct rtd_table *next = table->chain;
			struct rtd_table **at =
			    bucket_of(buckets, count, table->id);

			table->chain = *at;
			*at = table;
			table = next;
		}
	}
	free(cache->buckets);
	cache->buckets = buckets;
	cache->buckets_count = count;
}

static struct rtd_table *
add(struct rtd_table_cache *cache, const struct rt_manifest_table *from)
    RT_REQUIRES(cache->mu)
{
	struct rtd_table *table = rt_alloc_zero(1, sizeof(*table));
	struct rtd_table **at;

	if (++cache->count > cache->buckets_count)
		grow(cache);
	table->cache = cache;
	table->id = from->id;
	table->size = from->size;
	table->unique_id = from->unique_id;
	at = bucket_of(cache->buckets, cache->buckets_count, table->id);
	table->chain = *at;
	*at = table;
	return table;
}

struct rtd_table *
rtd_table_cache_acquire(struct rtd_table_cache *cache,
    const struct rt_manifest_table *from, uint32_t level)
{
	struct rtd_table *table;

	rt_mutex_lock(&cache->mu);
	table = find(cache, from->id);
	if (table == NULL)
		table = add(cache, from);
	table->refs++;
	atomic_store_explicit(&table->chances_max, level == 0
	    ? RTD_TABLE_CHANCES_LEVEL0 : RTD_TABLE_CHANCES,
	    memory_order_relaxed);
	rt_mutex_unlock(&cache->mu);
	return table;
}

bool
rtd_table_cache_has(struct rtd_table_cache *cache, struct rt_file_id id)
{
	bool has;

	rt_mutex_lock(&cache->mu);
	has = find(cache, id) != NULL;
	rt_mutex_unlock(&cache->mu);
	return has;
}

/* -- closing -- */

/* Take the table's reader out of sight. */
static void
retire(struct rtd_table_cache *cache, struct rtd_table *table)
    RT_REQUIRES(cache->mu)
{
	size_t at = atomic_load(&cache->retired_count);

	if (cache->hand == table)
		cache->hand = table->next != table ? table->next : NULL;
	table->prev->next = table->next;
	table->next->prev = table->prev;
	cache->open--;
	cache->bytes -= table->memory;
	cache->retired_bytes += table->memory;
	if (at == cache->retired_cap) {
		cache->retired_cap = cache->retired_cap * 2 + 8;
		cache->retired = rt_realloc(cache->retired,
		    cache->retired_cap * sizeof(cache->retired[0]));
	}
	cache->retired[at].reader = atomic_exchange(&table->reader, NULL);
	cache->retired[at].memory = table->memory;
	cache->retired[at].stamp = rtd_epochs_stamp(&cache->epochs);
	atomic_store(&cache->retired_count, at + 1);
}

/* Close until the budget is kept; `keep` stays (NULL: none must). */
static void
shrink(struct rtd_table_cache *cache, const struct rtd_table *keep)
    RT_REQUIRES(cache->mu)
{
	/* Readers go on looking meanwhile: patience has an end. */
	uint64_t turns = cache->open * (RTD_TABLE_CHANCES_LEVEL0 + 2);

	while (cache->open > 1 && (cache->open > cache->budget.open ||
		cache->bytes > cache->budget.bytes)) {
		struct rtd_table *table = cache->hand;
		uint8_t chances;

		cache->hand = table->next;
		if (keep != NULL && table == keep)
			continue;
		chances = atomic_load_explicit(&table->chances,
		    memory_order_relaxed);
		if (chances > 0 && turns > 0) {
			turns--;
			atomic_store_explicit(&table->chances,
			    (uint8_t)(chances - 1), memory_order_relaxed);
			continue;
		}
		retire(cache, table);
		cache->times_closed++;
	}
}

/* Move to out, which has room for retired_count, what nobody looks at. Those
 * are closed without the lock. */
static size_t
take_free(struct rtd_table_cache *cache, struct rt_table_reader **out)
    RT_REQUIRES(cache->mu)
{
	uint64_t oldest = rtd_epochs_oldest(&cache->epochs);
	size_t count = atomic_load(&cache->retired_count);
	size_t taken = 0, left = 0;

	for (size_t i = 0; i < count; i++) {
		struct retired retired = cache->retired[i];

		if (retired.stamp < oldest) {
			out[taken++] = retired.reader;
			cache->retired_bytes -= retired.memory;
		} else {
			cache->retired[left++] = retired;
		}
	}
	atomic_store(&cache->retired_count, left);
	return taken;
}

bool
rtd_table_cache_reclaim(struct rtd_table_cache *cache)
{
	struct rt_table_reader **readers;
	size_t count;

	if (RT_LIKELY(atomic_load_explicit(&cache->retired_count,
		memory_order_relaxed) == 0))
		return false;
	rt_mutex_lock(&cache->mu);
	readers = rt_alloc_zero(atomic_load(&cache->retired_count) + 1,
	    sizeof(readers[0]));
	count = take_free(cache, readers);
	rt_mutex_unlock(&cache->mu);
	for (size_t i = 0; i < count; i++)
		rt_table_reader_unref(readers[i]);
	free(readers);
	return count != 0;
}

void
rtd_table_cache_release(struct rtd_table_cache *cache,
    struct rtd_table *const *tables, size_t count)
{
	rt_mutex_lock(&cache->mu);
	for (size_t i = 0; i < count; i++) {
		struct rtd_table *table = tables[i];
		struct rtd_table **at;

		if (--table->refs != 0)
			continue;
		if (atomic_load(&table->reader) != NULL)
			retire(cache, table);
		at = bucket_of(cache->buckets, cache->buckets_count,
		    table->id);
		while (*at != table)
			at = &(*at)->chain;
		*at = table->chain;
		cache->count--;
		free(table);
	}
	rt_mutex_unlock(&cache->mu);
	rtd_table_cache_reclaim(cache);
}

/* The block cache gets what the tables leave. */
static void
yield(struct rtd_table_cache *cache)
{
	uint64_t blocks, both, tables;

	rt_mutex_lock(&cache->mu);
	tables = cache->bytes + cache->retired_bytes;
	blocks = cache->budget.blocks;
	both = cache->budget.both;
	rt_mutex_unlock(&cache->mu);
	if (both == UINT64_MAX)
		return;
	both = both > tables ? both - tables : 0;
	rt_block_cache_set_bytes(cache->blocks,
	    (size_t)(blocks < both ? blocks : both));
}

void
rtd_table_cache_set_budget(struct rtd_table_cache *cache,
    const struct rtd_table_budget *budget)
{
	rt_mutex_lock(&cache->mu);
	cache->budget = *budget;
	shrink(cache, NULL);
	rt_mutex_unlock(&cache->mu);
	rtd_table_cache_reclaim(cache);
	if (budget->both == UINT64_MAX && cache->blocks != NULL)
		rt_block_cache_set_bytes(cache->blocks,
		    (size_t)budget->blocks);
	yield(cache);
}

/* -- opening -- */

/* Descriptors have run out, of ours or of the whole system. */
static bool
is_out_of_files(const struct rt_err *err)
{
	return err->os_errno == EMFILE || err->os_errno == ENFILE;
}

/* Give back half of the descriptors. False: there are none. */
static bool
give_files_back(struct rtd_table_cache *cache)
{
	uint64_t open_max;
	bool any;

	rt_mutex_lock(&cache->mu);
	any = cache->open > 1 || atomic_load(&cache->retired_count) > 0;
	open_max = cache->budget.open;
	cache->budget.open = cache->open / 2;
	shrink(cache, NULL);
	cache->budget.open = open_max;
	rt_mutex_unlock(&cache->mu);
	rtd_table_cache_reclaim(cache);
	return any;
}

/* The manifest names the file: its absence is damage, and not that of a key. */
static enum rt_code
report(enum rt_code code, struct rt_err *local, struct rt_err *err)
{
	if (code == RT_ENOTFOUND)
		code = local->code = RT_EDAMAGED;
	if (code != RT_OK && err != NULL)
		*err = *local;
	return code;
}

static struct rt_table_expect
expected(const struct rtd_table *table)
{
	return (struct rt_table_expect){
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = table->cache->database_uuid,
	};
}

static enum rt_code
open_file(struct rtd_table *table, struct rt_table_reader **out,
    bool *filter_damaged, struct rt_err *err)
{
	struct rtd_table_cache *cache = table->cache;
	struct rt_table_expect expect = expected(table);
	char name[RT_PATH_NAME_BYTES];
	struct rt_err local = { .code = RT_OK };
	enum rt_code code;

	rt_path_table(name, table->id);
	code = rt_table_reader_open(out, cache->fs, cache->dir, name, &expect,
	    cache->blocks, filter_damaged, &local);
	if (code != RT_OK && is_out_of_files(&local) &&
	    give_files_back(cache))
		code = rt_table_reader_open(out, cache->fs, cache->dir, name,
		    &expect, cache->blocks, filter_damaged, &local);
	if (*filter_damaged)
		rt_log_limited(10000, RT_LOG_WARNING, "damage",
		    "a filter is damaged, reads go without it", "table=%s",
		    name);
	return report(code, &local, err);
}

/* The reader goes into sight, and into the ring behind the hand. */
static void
show(struct rtd_table_cache *cache, struct rtd_table *table,
    struct rt_table_reader *reader)
    RT_REQUIRES(cache->mu)
{
	table->memory = rt_table_reader_memory(reader);
	table->next = cache->hand != NULL ? cache->hand : table;
	table->prev = cache->hand != NULL ? cache->hand->prev : table;
	table->prev->next = table->next->prev = table;
	if (cache->hand == NULL)
		cache->hand = table;
	cache->open++;
	cache->bytes += table->memory;
	cache->times_opened++;
	atomic_store(&table->chances, atomic_load(&table->chances_max));
	atomic_store(&table->reader, reader);
}

/* Open the table, once however many threads want it. On RT_OK its reader is in
 * sight; the mutex is held whatever the result. */
static enum rt_code
open_locked(struct rtd_table_cache *cache, struct rtd_table *table,
    struct rt_err *err)
    RT_ACQUIRES(cache->mu)
{
	struct rt_table_reader *reader = NULL;
	bool filter_damaged = false;
	enum rt_code code;

	rt_mutex_lock(&cache->mu);
	while (table->opening)
		rt_cond_wait(&cache->opened, &cache->mu);
	if (atomic_load(&table->reader) != NULL)
		return RT_OK;
	table->opening = true;
	rt_mutex_unlock(&cache->mu);
	code = open_file(table, &reader, &filter_damaged, err);
	rt_mutex_lock(&cache->mu);
	table->opening = false;
	rt_cond_broadcast(&cache->opened);
	cache->filters_damaged += filter_damaged;
	if (code == RT_OK) {
		show(cache, table, reader);
		shrink(cache, table);
	}
	return code;
}

static void
after_opening(struct rtd_table_cache *cache)
{
	rtd_table_cache_reclaim(cache);
	yield(cache);
}

enum rt_code
rtd_table_open(struct rtd_table *table, unsigned flags,
    struct rt_table_reader **out, struct rt_err *err)
{
	struct rtd_table_cache *cache = table->cache;
	enum rt_code code;

	*out = rtd_table_peek(table);
	if (*out != NULL)
		return RT_OK;
	if ((flags & RT_TABLE_NOWAIT) != 0)
		return RT_EAGAIN;
	code = open_locked(cache, table, err);
	*out = atomic_load(&table->reader);
	rt_mutex_unlock(&cache->mu);
	after_opening(cache);
	return code;
}

enum rt_code
rtd_table_ref(struct rtd_table *table, unsigned flags,
    struct rt_table_reader **out, struct rt_err *err)
{
	struct rtd_table_cache *cache = table->cache;
	enum rt_code code = RT_OK;

	*out = NULL;
	if ((flags & RT_TABLE_NOWAIT) == 0) {
		code = open_locked(cache, table, err);
	} else {
		rt_mutex_lock(&cache->mu);
		if (atomic_load(&table->reader) == NULL)
			code = RT_EAGAIN;
	}
	if (code == RT_OK)
		*out = rt_table_reader_ref(rtd_table_peek(table));
	rt_mutex_unlock(&cache->mu);
	after_opening(cache);
	return code;
}

enum rt_code
rtd_table_check(struct rtd_table *table, struct rt_err *err)
{
	struct rtd_table_cache *cache = table->cache;
	struct rt_table_expect expect = expected(table);
	struct rt_err local = { .code = RT_OK };
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	rt_path_table(name, table->id);
	code = rt_table_check_file(cache->fs, cache->dir, name, &expect,
	    &local);
	if (code != RT_OK && is_out_of_files(&local) && give_files_back(cache))
		code = rt_table_check_file(cache->fs, cache->dir, name,
		    &expect, &local);
	return report(code, &local, err);
}

enum rt_code
rtd_table_warm(struct rtd_table *table, bool *room, struct rt_err *err)
{
	struct rtd_table_cache *cache = table->cache;
	enum rt_code code;

	rt_mutex_lock(&cache->mu);
	*room = atomic_load(&table->reader) != NULL ||
	    (cache->open < cache->budget.open &&
		cache->bytes < cache->budget.bytes);
	rt_mutex_unlock(&cache->mu);
	if (!*room)
		return RT_OK;
	code = open_locked(cache, table, err);
	rt_mutex_unlock(&cache->mu);
	after_opening(cache);
	return code;
}

void
rtd_table_cache_get_stats(struct rtd_table_cache *cache,
    struct rtd_table_cache_stats *out)
{
	rt_mutex_lock(&cache->mu);
	*out = (struct rtd_table_cache_stats){
		.tables = cache->count,
		.open = cache->open,
		.retired = atomic_load(&cache->retired_count),
		.bytes = cache->bytes + cache->retired_bytes,
		.budget = cache->budget,
		.opened = cache->times_opened,
		.closed = cache->times_closed,
		.filters_damaged = cache->filters_damaged,
	};
	rt_mutex_unlock(&cache->mu);
}
