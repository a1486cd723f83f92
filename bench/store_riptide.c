#include "bench/store_riptide.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/compactor_child.h"
#include "libcommon/base/invariant.h"
#include "libcommon/manifest/compactor_status.h"
#include "libcommon/os/mutex.h"
#include "libcommon/table/value.h"

#define POLL_US 200
/* Reads of the loop's thread between two ends of a turn. */
#define READS_TURN 64

struct riptide {
	struct rtb_store base;
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_write_batch batch;
	struct rtb_compactor compactor;
	uint64_t compact_ns;	/* of the last full merge */
	unsigned turn, in_turn;
	bool durable, merging;
	struct rt_mutex mu;
	struct rt_cond moved;	/* the engine said so */
};

struct riptide_reader {
	struct rtb_reader base;
	struct riptide *store;
	struct rtd_reader *reader;
	bool loop;		/* of the thread that writes */
	unsigned in_turn;
};

static void
must(enum rt_code code, const struct rt_err *error)
{
	if (code != RT_OK)
		errx(rt_code_exit_status(code), "riptide: %s", error->text);
}

static void
notify(void *arg)
{
	struct riptide *store = arg;

	rt_mutex_lock(&store->mu);
	rt_cond_signal(&store->moved);
	rt_mutex_unlock(&store->mu);
}

static void
configure(struct rt_config *config, const struct rtb_store_options *options)
{
	rt_config_init(config);
	free(config->dir);
	config->dir = rt_strdup(options->dir);
	config->appendfsync = options->durable ? RT_FSYNC_ALWAYS : RT_FSYNC_NO;
	config->memtable_size = RTB_WRITE_BUFFER_BYTES;
	config->memtable_max_count = RTB_WRITE_BUFFERS;
	config->block_cache_size = options->cache_bytes;
	config->bloom_bits_per_key = RTB_BLOOM_BITS;
}

struct rtb_store *
rtb_riptide_open(const struct rtb_store_options *options,
    void (*change)(struct rt_config *config, uint64_t arg), uint64_t arg)
{
	struct riptide *store = rt_alloc_zero(1, sizeof(*store));
	struct rt_err error = { .code = RT_OK };
	struct rtd_engine_options engine_options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &store->config,
		.notify = notify,
		.notify_arg = store,
	};

	store->base.ops = &rtb_store_riptide;
	store->turn = options->turn;
	store->durable = options->durable;
	store->merging = options->merging && options->compactor != NULL;
	store->compactor = (struct rtb_compactor){
		.program = options->compactor,
		.dir = options->dir,
		.compression = options->compression,
		.threads = options->compaction_threads,
	};
	rt_mutex_init(&store->mu);
	rt_cond_init(&store->moved);
	configure(&store->config, options);
	if (change != NULL)
		change(&store->config, arg);
	must(rtd_engine_open(&store->engine, &engine_options, &error), &error);
	if (store->merging)
		rtb_compactor_start(&store->compactor);
	return &store->base;
}

static struct rtb_store *
open_store(const struct rtb_store_options *options)
{
	return rtb_riptide_open(options, NULL, 0);
}

struct rtd_engine *
rtb_riptide_engine(struct rtb_store *base)
{
	return ((struct riptide *)base)->engine;
}

static void
close_store(struct rtb_store *base)
{
	struct riptide *store = (struct riptide *)base;
	struct rt_err error = { .code = RT_OK };

	rtb_compactor_stop(&store->compactor);
	must(rtd_engine_close(store->engine, &error), &error);
	rtd_write_batch_fini(&store->batch);
	rt_config_fini(&store->config);
	rt_cond_fini(&store->moved);
	rt_mutex_fini(&store->mu);
	free(store);
}

static void
end_turn(struct rtb_store *base)
{
	struct riptide *store = (struct riptide *)base;

	rtd_engine_end_turn(store->engine);
	store->in_turn = 0;
}

static void
wait_for_room(struct riptide *store)
{
	struct rt_err error = { .code = RT_OK };

	rt_mutex_lock(&store->mu);
	while (!rtd_engine_has_room(store->engine)) {
		must(rtd_engine_write_state(store->engine, &error), &error);
		rt_cond_wait_ms(&store->moved, &store->mu, 10);
	}
	rt_mutex_unlock(&store->mu);
}

static void
wait_until_acked(struct riptide *store, uint64_t seq)
{
	struct rt_err error = { .code = RT_OK };

	rt_mutex_lock(&store->mu);
	while (rtd_engine_acked_seq(store->engine) < seq) {
		must(rtd_engine_write_state(store->engine, &error), &error);
		rt_cond_wait_ms(&store->moved, &store->mu, 100);
	}
	rt_mutex_unlock(&store->mu);
}

static void
write_batch(struct riptide *store)
{
	struct rt_err error = { .code = RT_OK };
	uint64_t seq;

	if (RT_UNLIKELY(!rtd_engine_has_room(store->engine)))
		wait_for_room(store);
	must(rtd_engine_write(store->engine, &store->batch, &seq, &error),
	    &error);
	if (++store->in_turn >= store->turn)
		end_turn(&store->base);
	if (store->durable)
		wait_until_acked(store, seq);
}

static void
put(struct rtb_store *base, struct rt_slice key, struct rt_slice value)
{
	struct riptide *store = (struct riptide *)base;

	rtd_write_batch_clear(&store->batch);
	rtd_write_batch_put(&store->batch, 0, key, value, RT_NO_EXPIRY);
	write_batch(store);
}

static void
remove_key(struct rtb_store *base, struct rt_slice key)
{
	struct riptide *store = (struct riptide *)base;

	rtd_write_batch_clear(&store->batch);
	rtd_write_batch_delete(&store->batch, 0, key);
	write_batch(store);
}

static void
flush(struct rtb_store *base)
{
	struct riptide *store = (struct riptide *)base;

	end_turn(base);
	/* Asked anew each time: it does nothing while there are too many. */
	while (!rtd_engine_flushed(store->engine)) {
		rtd_engine_flush(store->engine);
		usleep(POLL_US);
	}
	end_turn(base);
}

/* Whether the engine reads from what the compactor left: one run. */
static bool
is_compacted(struct riptide *store)
{
	struct rtd_engine_stats stats;
	unsigned levels = 0;

	rtd_engine_get_stats(store->engine, &stats);
	for (unsigned i = 1; i < RT_LEVELS_MAX; i++)
		levels += stats.level_files[i] > 0;
	return stats.l0_files == 0 && levels <= 1;
}

static void
compact(struct rtb_store *base)
{
	struct riptide *store = (struct riptide *)base;

	if (store->compactor.program == NULL)
		errx(EX_USAGE, "compaction: no compactor");
	flush(base);
	rtb_compactor_stop(&store->compactor);
	rtb_compactor_full(&store->compactor);
	store->compact_ns = store->compactor.last_ns;
	while (!is_compacted(store))
		usleep(POLL_US);
	end_turn(base);
	if (store->merging)
		rtb_compactor_start(&store->compactor);
}

/* The compactor's own word may be a moment old, level 0 is looked at here. */
static bool
rests(struct rtb_store *base)
{
	struct riptide *store = (struct riptide *)base;
	struct rt_compactor_status status;
	struct rtd_engine_stats stats;
	bool idle = true;
	int dir;

	rtd_engine_get_stats(store->engine, &stats);
	if (stats.immutable_memtables > 0)
		return false;
	if (store->compactor.pid == 0)
		return true;
	if (rt_fs_open_dir(rt_fs_posix(), store->config.dir, &dir, NULL) !=
	    RT_OK)
		return true;
	if (rt_compactor_status_load(rt_fs_posix(), dir, &status, NULL) ==
	    RT_OK)
		idle = !status.running && status.debt_bytes == 0;
	rt_fs_close(rt_fs_posix(), &dir, NULL);
	return idle &&
	    stats.l0_files < (uint64_t)store->config.l0_compaction_trigger;
}

static uint64_t
helper_bytes(struct rtb_store *base)
{
	return rtb_compactor_bytes(&((struct riptide *)base)->compactor);
}

static uint64_t
helper_ns(struct rtb_store *base)
{
	return ((struct riptide *)base)->compact_ns;
}

static pid_t
helper(struct rtb_store *base)
{
	return ((struct riptide *)base)->compactor.pid;
}

static struct rtb_reader *
reader_new(struct rtb_store *base)
{
	struct riptide_reader *reader = rt_alloc_zero(1, sizeof(*reader));

	reader->base.ops = &rtb_store_riptide;
	reader->store = (struct riptide *)base;
	reader->reader = rtd_reader_new(reader->store->engine);
	reader->loop = gettid() == getpid();
	return &reader->base;
}

static void
reader_free(struct rtb_reader *base)
{
	struct riptide_reader *reader = (struct riptide_reader *)base;

	rtd_reader_free(reader->reader);
	free(reader);
}

static bool
get(struct rtb_reader *base, struct rt_slice key, uint64_t *bytes)
{
	struct riptide_reader *reader = (struct riptide_reader *)base;
	const struct rtd_read read = { .now_ms = 0 };
	struct rtd_value value = { .seq = 0 };
	struct rt_err error = { .code = RT_OK };
	enum rt_code code = rtd_reader_get(reader->reader, &read, key, &value,
	    &error);

	if (code == RT_OK) {
		*bytes += value.bytes.len;
		rtd_value_fini(&value);
	} else if (code != RT_ENOTFOUND) {
		must(code, &error);
	}
	if (reader->loop && ++reader->in_turn >= READS_TURN) {
		reader->in_turn = 0;
		end_turn(&reader->store->base);
	}
	return code == RT_OK;
}

static uint64_t
scan(struct rtb_reader *base, struct rt_slice from, uint64_t count,
    uint64_t *bytes)
{
	struct riptide_reader *reader = (struct riptide_reader *)base;
	const struct rtd_read read = { .now_ms = 0 };
	struct rt_iter *iter = rtd_reader_iter(reader->reader, &read, NULL);
	uint8_t key[RT_KEY_PREFIX_BYTES + 64];
	uint64_t seen = 0, sum = 0;

	if (from.len == 0) {
		rt_iter_seek_first(iter);
	} else {
		rt_assert(from.len <= 64);
		rt_key_put_prefix(key, 0, RT_KEY_KIND_STRING);
		memcpy(key + RT_KEY_PREFIX_BYTES, from.data, from.len);
		rt_iter_seek(iter,
		    rt_slice(key, RT_KEY_PREFIX_BYTES + from.len), RT_SEQ_MAX);
	}
	while (iter->valid && seen < count) {
		sum += iter->entry.key.len + iter->entry.value.len;
		if (++seen < count)
			rt_iter_next(iter);
	}
	must(iter->code, &iter->err);
	rt_iter_free(iter);
	*bytes += sum;
	return seen;
}

const struct rtb_store_ops rtb_store_riptide = {
	.name = "riptide",
	.log_dir = "wal",
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
