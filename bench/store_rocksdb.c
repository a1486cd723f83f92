/* store_rocksdb: RocksDB through its C interface. What is not set here stays
 * at its default. */
#include "bench/store.h"

#include <err.h>
#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "libcommon/base/invariant.h"

#define BACKGROUND_JOBS 2

struct rocksdb {
	struct rtb_store base;
	rocksdb_options_t *options;
	rocksdb_readoptions_t *reading;
	rocksdb_writeoptions_t *writing;
	rocksdb_writebatch_t *batch;
	rocksdb_filterpolicy_t *bloom;
	rocksdb_cache_t *cache;
	rocksdb_t *db;
	unsigned turn, in_turn;
};

struct rocksdb_reader {
	struct rtb_reader base;
	struct rocksdb *store;
};

static void
must(const char *error)
{
	if (error != NULL)
		errx(EX_SOFTWARE, "rocksdb: %s", error);
}

static int
compression_of(const char *name)
{
	if (strcmp(name, "snappy") == 0)
		return rocksdb_snappy_compression;
	if (strcmp(name, "lz4") == 0)
		return rocksdb_lz4_compression;
	if (strcmp(name, "zstd") == 0)
		return rocksdb_zstd_compression;
	return rocksdb_no_compression;
}

static void
configure(struct rocksdb *store, const struct rtb_store_options *options)
{
	rocksdb_block_based_table_options_t *table =
	    rocksdb_block_based_options_create();

	/* The table's options own the filter from here on. */
	rocksdb_block_based_options_set_filter_policy(table,
	    rocksdb_filterpolicy_create_bloom_full(RTB_BLOOM_BITS));
	rocksdb_block_based_options_set_block_cache(table, store->cache);
	rocksdb_options_set_block_based_table_factory(store->options, table);
	rocksdb_block_based_options_destroy(table);
	rocksdb_options_set_create_if_missing(store->options, 1);
	rocksdb_options_set_write_buffer_size(store->options,
	    RTB_WRITE_BUFFER_BYTES);
	rocksdb_options_set_max_write_buffer_number(store->options,
	    RTB_WRITE_BUFFERS);
	rocksdb_options_set_max_background_jobs(store->options,
	    BACKGROUND_JOBS);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(store->options,
	    1);
	rocksdb_options_set_compression(store->options,
	    compression_of(options->compression));
	rocksdb_options_set_max_subcompactions(store->options,
	    options->compaction_threads);
	rocksdb_options_set_disable_auto_compactions(store->options,
	    !options->merging);
}

static struct rtb_store *
open_store(const struct rtb_store_options *options)
{
	struct rocksdb *store = rt_alloc_zero(1, sizeof(*store));
	char *error = NULL;

	store->base.ops = &rtb_store_rocksdb;
	store->turn = options->turn;
	store->options = rocksdb_options_create();
	store->reading = rocksdb_readoptions_create();
	store->writing = rocksdb_writeoptions_create();
	store->batch = rocksdb_writebatch_create();
	store->cache = rocksdb_cache_create_lru(options->cache_bytes);
	configure(store, options);
	rocksdb_writeoptions_set_sync(store->writing, options->durable);
	store->db = rocksdb_open(store->options, options->dir, &error);
	must(error);
	return &store->base;
}

static void
close_store(struct rtb_store *base)
{
	struct rocksdb *store = (struct rocksdb *)base;

	rocksdb_close(store->db);
	rocksdb_options_destroy(store->options);
	rocksdb_readoptions_destroy(store->reading);
	rocksdb_writeoptions_destroy(store->writing);
	rocksdb_writebatch_destroy(store->batch);
	rocksdb_cache_destroy(store->cache);
	free(store);
}

static void
end_turn(struct rtb_store *base)
{
	struct rocksdb *store = (struct rocksdb *)base;
	char *error = NULL;

	if (store->in_turn == 0)
		return;
	rocksdb_write(store->db, store->writing, store->batch, &error);
	must(error);
	rocksdb_writebatch_clear(store->batch);
	store->in_turn = 0;
}

static void
put(struct rtb_store *base, struct rt_slice key, struct rt_slice value)
{
	struct rocksdb *store = (struct rocksdb *)base;
	char *error = NULL;

	if (store->turn == 1) {
		rocksdb_put(store->db, store->writing, (const char *)key.data,
		    key.len, (const char *)value.data, value.len, &error);
		must(error);
		return;
	}
	rocksdb_writebatch_put(store->batch, (const char *)key.data, key.len,
	    (const char *)value.data, value.len);
	if (++store->in_turn >= store->turn)
		end_turn(base);
}

static void
remove_key(struct rtb_store *base, struct rt_slice key)
{
	struct rocksdb *store = (struct rocksdb *)base;
	char *error = NULL;

	if (store->turn == 1) {
		rocksdb_delete(store->db, store->writing,
		    (const char *)key.data, key.len, &error);
		must(error);
		return;
	}
	rocksdb_writebatch_delete(store->batch, (const char *)key.data,
	    key.len);
	if (++store->in_turn >= store->turn)
		end_turn(base);
}

static void
flush(struct rtb_store *base)
{
	struct rocksdb *store = (struct rocksdb *)base;
	rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
	char *error = NULL;

	end_turn(base);
	rocksdb_flushoptions_set_wait(options, 1);
	rocksdb_flush(store->db, options, &error);
	must(error);
	rocksdb_flushoptions_destroy(options);
}

static void
compact(struct rtb_store *base)
{
	struct rocksdb *store = (struct rocksdb *)base;

	flush(base);
	rocksdb_compact_range(store->db, NULL, 0, NULL, 0);
}

static bool
rests(struct rtb_store *base)
{
	static const char *const works[] = { "rocksdb.num-running-compactions",
		"rocksdb.compaction-pending", "rocksdb.num-running-flushes",
		"rocksdb.mem-table-flush-pending" };
	struct rocksdb *store = (struct rocksdb *)base;

	for (size_t i = 0; i < RT_COUNTOF(works); i++) {
		uint64_t count;

		if (rocksdb_property_int(store->db, works[i], &count) == 0 &&
		    count > 0)
			return false;
	}
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
	struct rocksdb_reader *reader = rt_alloc_zero(1, sizeof(*reader));

	reader->base.ops = &rtb_store_rocksdb;
	reader->store = (struct rocksdb *)base;
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
	struct rocksdb *store = ((struct rocksdb_reader *)base)->store;
	rocksdb_pinnableslice_t *value;
	char *error = NULL;
	size_t len;

	/* The way that copies least. */
	value = rocksdb_get_pinned(store->db, store->reading,
	    (const char *)key.data, key.len, &error);
	must(error);
	if (value == NULL)
		return false;
	rocksdb_pinnableslice_value(value, &len);
	*bytes += len;
	rocksdb_pinnableslice_destroy(value);
	return true;
}

static uint64_t
scan(struct rtb_reader *base, struct rt_slice from, uint64_t count,
    uint64_t *bytes)
{
	struct rocksdb *store = ((struct rocksdb_reader *)base)->store;
	rocksdb_iterator_t *iter =
	    rocksdb_create_iterator(store->db, store->reading);
	uint64_t seen = 0, sum = 0;
	char *error = NULL;
	size_t len;

	if (from.len == 0)
		rocksdb_iter_seek_to_first(iter);
	else
		rocksdb_iter_seek(iter, (const char *)from.data, from.len);
	while (seen < count && rocksdb_iter_valid(iter)) {
		rocksdb_iter_key(iter, &len);
		sum += len;
		rocksdb_iter_value(iter, &len);
		sum += len;
		if (++seen < count)
			rocksdb_iter_next(iter);
	}
	rocksdb_iter_get_error(iter, &error);
	must(error);
	rocksdb_iter_destroy(iter);
	*bytes += sum;
	return seen;
}

const struct rtb_store_ops rtb_store_rocksdb = {
	.name = "rocksdb",
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
