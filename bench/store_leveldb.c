/* store_leveldb: LevelDB through its C interface. What is not set here stays
 * at its default. It knows no compression but snappy, which stands for any that
 * is asked for, and no waiting for a flush. */
#include "bench/store.h"

#include <err.h>
#include <leveldb/c.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "libcommon/base/invariant.h"

/* Its tables are small, so that a large store has thousands. */
#define OPEN_FILES_MAX 20000

struct leveldb {
	struct rtb_store base;
	leveldb_options_t *options;
	leveldb_readoptions_t *reading;
	leveldb_writeoptions_t *writing;
	leveldb_writebatch_t *batch;
	leveldb_filterpolicy_t *bloom;
	leveldb_cache_t *cache;
	leveldb_t *db;
	unsigned turn, in_turn;
};

struct leveldb_reader {
	struct rtb_reader base;
	struct leveldb *store;
};

static void
must(const char *error)
{
	if (error != NULL)
		errx(EX_SOFTWARE, "leveldb: %s", error);
}

static void
configure(struct leveldb *store, const char *compression)
{
	leveldb_options_set_filter_policy(store->options, store->bloom);
	leveldb_options_set_cache(store->options, store->cache);
	leveldb_options_set_create_if_missing(store->options, 1);
	leveldb_options_set_write_buffer_size(store->options,
	    RTB_WRITE_BUFFER_BYTES);
	leveldb_options_set_max_open_files(store->options, OPEN_FILES_MAX);
	leveldb_options_set_compression(store->options,
	    strcmp(compression, "none") == 0 ? leveldb_no_compression
					     : leveldb_snappy_compression);
}

static struct rtb_store *
open_store(const struct rtb_store_options *options)
{
	struct leveldb *store = rt_alloc_zero(1, sizeof(*store));
	char *error = NULL;

	store->base.ops = &rtb_store_leveldb;
	store->turn = options->turn;
	store->options = leveldb_options_create();
	store->reading = leveldb_readoptions_create();
	store->writing = leveldb_writeoptions_create();
	store->batch = leveldb_writebatch_create();
	store->cache = leveldb_cache_create_lru(options->cache_bytes);
	store->bloom = leveldb_filterpolicy_create_bloom(RTB_BLOOM_BITS);
	configure(store, options->compression);
	leveldb_writeoptions_set_sync(store->writing, options->durable);
	store->db = leveldb_open(store->options, options->dir, &error);
	must(error);
	return &store->base;
}

static void
close_store(struct rtb_store *base)
{
	struct leveldb *store = (struct leveldb *)base;

	leveldb_close(store->db);
	leveldb_options_destroy(store->options);
	leveldb_readoptions_destroy(store->reading);
	leveldb_writeoptions_destroy(store->writing);
	leveldb_writebatch_destroy(store->batch);
	leveldb_filterpolicy_destroy(store->bloom);
	leveldb_cache_destroy(store->cache);
	free(store);
}

static void
end_turn(struct rtb_store *base)
{
	struct leveldb *store = (struct leveldb *)base;
	char *error = NULL;

	if (store->in_turn == 0)
		return;
	leveldb_write(store->db, store->writing, store->batch, &error);
	must(error);
	leveldb_writebatch_clear(store->batch);
	store->in_turn = 0;
}

static void
put(struct rtb_store *base, struct rt_slice key, struct rt_slice value)
{
	struct leveldb *store = (struct leveldb *)base;
	char *error = NULL;

	if (store->turn == 1) {
		leveldb_put(store->db, store->writing, (const char *)key.data,
		    key.len, (const char *)value.data, value.len, &error);
		must(error);
		return;
	}
	leveldb_writebatch_put(store->batch, (const char *)key.data, key.len,
	    (const char *)value.data, value.len);
	if (++store->in_turn >= store->turn)
		end_turn(base);
}

static void
remove_key(struct rtb_store *base, struct rt_slice key)
{
	struct leveldb *store = (struct leveldb *)base;
	char *error = NULL;

	if (store->turn == 1) {
		leveldb_delete(store->db, store->writing,
		    (const char *)key.data, key.len, &error);
		must(error);
		return;
	}
	leveldb_writebatch_delete(store->batch, (const char *)key.data,
	    key.len);
	if (++store->in_turn >= store->turn)
		end_turn(base);
}

static void
flush(struct rtb_store *base)
{
	end_turn(base);
}

static void
compact(struct rtb_store *base)
{
	struct leveldb *store = (struct leveldb *)base;

	flush(base);
	leveldb_compact_range(store->db, NULL, 0, NULL, 0);
}

static bool
rests(struct rtb_store *base)
{
	return true;
}

static uint64_t
helper_bytes(struct rtb_store *base)
{
	return 0;
}

static uint64_t
helper_ns(struct rtb_store *base)
{
	return 0;
}

static pid_t
helper(struct rtb_store *base)
{
	return 0;
}

static struct rtb_reader *
reader_new(struct rtb_store *base)
{
	struct leveldb_reader *reader = rt_alloc_zero(1, sizeof(*reader));

	reader->base.ops = &rtb_store_leveldb;
	reader->store = (struct leveldb *)base;
	return &reader->base;
}

static void
reader_free(struct rtb_reader *base)
{
	free(base);
}

static bool
get(struct rtb_reader *base, struct rt_slice key, uint64_t *bytes)
{
	struct leveldb *store = ((struct leveldb_reader *)base)->store;
	char *error = NULL, *value;
	size_t len;

	value = leveldb_get(store->db, store->reading, (const char *)key.data,
	    key.len, &len, &error);
	must(error);
	if (value == NULL)
		return false;
	*bytes += len;
	leveldb_free(value);
	return true;
}

static uint64_t
scan(struct rtb_reader *base, struct rt_slice from, uint64_t count,
    uint64_t *bytes)
{
	struct leveldb *store = ((struct leveldb_reader *)base)->store;
	leveldb_iterator_t *iter =
	    leveldb_create_iterator(store->db, store->reading);
	uint64_t seen = 0, sum = 0;
	char *error = NULL;
	size_t len;

	if (from.len == 0)
		leveldb_iter_seek_to_first(iter);
	else
		leveldb_iter_seek(iter, (const char *)from.data, from.len);
	while (seen < count && leveldb_iter_valid(iter)) {
		leveldb_iter_key(iter, &len);
		sum += len;
		leveldb_iter_value(iter, &len);
		sum += len;
		if (++seen < count)
			leveldb_iter_next(iter);
	}
	leveldb_iter_get_error(iter, &error);
	must(error);
	leveldb_iter_destroy(iter);
	*bytes += sum;
	return seen;
}

const struct rtb_store_ops rtb_store_leveldb = {
	.name = "leveldb",
	.open = open_store,
	.close = close_store,
	.put = put,
	.remove = remove_key,
	.end_turn = end_turn,
	.flush = flush,
	.compact = compact,
	.rests = rests,
	.helper_bytes = helper_bytes,
	.helper_ns = helper_ns,
	.helper = helper,
	.reader_new = reader_new,
	.reader_free = reader_free,
	.get = get,
	.scan = scan,
};
