#include "tests/support/fake_engine.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/checkpoint.h"
#include "riptided/engine/compact.h"
#include "riptided/engine/disk_usage.h"
#include "riptided/engine/snapshots.h"
#include "riptided/engine/write_hold.h"

struct item {
	struct item *dead;	/* the one that was replaced before */
	struct rt_buf key;	/* store key */
	struct rt_buf value;	/* stored value */
	uint64_t seq;
	uint64_t deleted_seq;	/* of a dead one that was deleted */
};

struct rtd_engine {
	struct item **items;	/* sorted by key */
	struct item *dead;	/* values that were given out stay readable */
	size_t count;
	uint64_t seq;
	enum rt_code read_code, write_code, next_write_code;
	uint64_t writes;
	bool no_room;
	uint32_t keyspaces[RTD_KEYSPACES_MAX];	/* by database */
	uint64_t drops[RTD_KEYSPACES_MAX];	/* sequence of the last one */
};

struct rtd_reader {
	struct rtd_engine *engine;
};

struct rtd_engine *
rtt_fake_engine_new(void)
{
	struct rtd_engine *engine = rt_alloc_zero(1, sizeof(*engine));

	for (uint32_t i = 0; i < RTD_KEYSPACES_MAX; i++)
		engine->keyspaces[i] = i;
	return engine;
}

static void
item_free(struct item *item)
{
	rt_buf_fini(&item->key);
	rt_buf_fini(&item->value);
	free(item);
}

void
rtt_fake_engine_free(struct rtd_engine *engine)
{
	for (size_t i = 0; i < engine->count; i++)
		item_free(engine->items[i]);
	for (struct item *item = engine->dead, *after; item != NULL;
	     item = after) {
		after = item->dead;
		item_free(item);
	}
	free(engine->items);
	free(engine);
}

void
rtt_fake_engine_fail_reads(struct rtd_engine *engine, enum rt_code code)
{
	engine->read_code = code;
}

void
rtt_fake_engine_refuse_writes(struct rtd_engine *engine, enum rt_code code)
{
	engine->write_code = code;
}

void
rtt_fake_engine_refuse_next_write(struct rtd_engine *engine,
    enum rt_code code)
{
	engine->next_write_code = code;
}

uint64_t
rtt_fake_engine_writes(const struct rtd_engine *engine)
{
	return engine->writes;
}

void
rtt_fake_engine_set_room(struct rtd_engine *engine, bool room)
{
	engine->no_room = !room;
}

/* The first item at or after key. */
static size_t
lower_bound(const struct rtd_engine *engine, struct rt_slice key)
{
	size_t low = 0, high = engine->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rt_slice_compare(rt_buf_slice(
			&engine->items[middle]->key), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct rtd_engine *engine, size_t at, struct rt_slice key)
{
	return at < engine->count &&
	    rt_slice_equal(rt_buf_slice(&engine->items[at]->key), key);
}

static void
bury(struct rtd_engine *engine, struct item *item)
{
	item->dead = engine->dead;
	engine->dead = item;
}

static void
delete_at(struct rtd_engine *engine, size_t at)
{
	engine->items[at]->deleted_seq = engine->seq;
	bury(engine, engine->items[at]);
	engine->count--;
	memmove(engine->items + at, engine->items + at + 1,
	    (engine->count - at) * sizeof(*engine->items));
}

static void
put(struct rtd_engine *engine, const struct rtd_write_op *op)
{
	size_t at = lower_bound(engine, op->key);
	struct item *item = rt_alloc_zero(1, sizeof(*item));

	if (is_at(engine, at, op->key)) {
		bury(engine, engine->items[at]);
	} else {
		engine->items = rt_realloc(engine->items,
		    (engine->count + 1) * sizeof(*engine->items));
		memmove(engine->items + at + 1, engine->items + at,
		    (engine->count - at) * sizeof(*engine->items));
		engine->count++;
	}
	engine->items[at] = item;
	rt_buf_append_slice(&item->key, op->key);
	rt_buf_append_slice(&item->value, op->value);
	item->seq = engine->seq;
}

static void
apply(struct rtd_engine *engine, const struct rtd_write_op *op)
{
	size_t at;

	engine->seq++;
	if (op->type == RTD_OP_PUT) {
		put(engine, op);
	} else if (op->type == RTD_OP_DELETE) {
		at = lower_bound(engine, op->key);
		if (is_at(engine, at, op->key))
			delete_at(engine, at);
	} else if (op->type == RTD_OP_SWAP) {
		uint32_t id = engine->keyspaces[op->databases[0]];

		engine->keyspaces[op->databases[0]] =
		    engine->keyspaces[op->databases[1]];
		engine->keyspaces[op->databases[1]] = id;
	} else {
		engine->drops[op->keyspace] = engine->seq;
		for (at = engine->count; at-- > 0;)
			if (rt_key_keyspace(rt_buf_slice(
				&engine->items[at]->key)) == op->keyspace)
				delete_at(engine, at);
	}
}

enum rt_code
rtd_engine_write(struct rtd_engine *engine,
    const struct rtd_write_batch *batch, uint64_t *seq, struct rt_err *err)
{
	struct rtd_write_batch_walk walk = rtd_write_batch_walk(batch);
	enum rt_code code = engine->next_write_code;
	struct rtd_write_op op;

	engine->next_write_code = RT_OK;
	if (engine->write_code != RT_OK)
		code = engine->write_code;
	if (code != RT_OK)
		return rt_err_set(err, code, "refused by test");
	engine->writes++;
	while (rtd_write_batch_walk_next(&walk, &op))
		apply(engine, &op);
	rt_assert(!walk.cursor.bad);
	*seq = engine->seq;
	return RT_OK;
}

bool
rtd_engine_has_room(const struct rtd_engine *engine)
{
	return !engine->no_room;
}

enum rt_code
rtd_engine_write_state(const struct rtd_engine *engine, struct rt_err *err)
{
	if (engine->write_code != RT_OK)
		return rt_err_set(err, engine->write_code, "refused by test");
	return RT_OK;
}

void
rtd_engine_get_durations(struct rtd_engine *engine,
    struct rtd_engine_durations *out)
{
	*out = (struct rtd_engine_durations){ .flushes.sum = 0 };
}

enum rt_code
rtd_disk_usage_get(struct rtd_engine *engine, uint64_t keys,
    struct rtd_disk_usage *out, struct rt_err *err)
{
	*out = (struct rtd_disk_usage){ .count = 0 };
	return RT_OK;
}

void
rtd_disk_usage_fini(struct rtd_disk_usage *usage)
{
}

enum rtd_write_hold
rtd_engine_write_hold(const struct rtd_engine *engine)
{
	if (engine->write_code != RT_OK)
		return RTD_HOLD_DISK;
	return engine->no_room ? RTD_HOLD_MEMTABLES : RTD_HOLD_NONE;
}

bool
rtd_engine_log_stuck(const struct rtd_engine *engine)
{
	return false;
}

uint64_t
rtd_engine_acked_seq(const struct rtd_engine *engine)
{
	return engine->seq;
}

uint64_t
rtd_engine_visible_seq(const struct rtd_engine *engine)
{
	return engine->seq;
}

uint64_t
rtd_engine_drop_seq(const struct rtd_engine *engine, uint32_t keyspace)
{
	return engine->drops[keyspace];
}

uint32_t
rtd_engine_keyspace(const struct rtd_engine *engine, uint32_t database)
{
	return engine->keyspaces[database];
}

void
rtd_engine_flush(struct rtd_engine *engine)
{
}

/* A compactor that does as it is told at the next look. */
static uint64_t compact_asked, compact_seen;

uint64_t
rtd_compact_ask(struct rtd_engine *engine)
{
	return ++compact_asked;
}

uint64_t
rtd_compact_done(struct rtd_engine *engine)
{
	uint64_t done = compact_seen;

	compact_seen = compact_asked;
	return done;
}

void
rtd_engine_config_changed(struct rtd_engine *engine)
{
}

void
rtd_engine_get_stats(struct rtd_engine *engine, struct rtd_engine_stats *out)
{
	*out = (struct rtd_engine_stats){
		.memtable_entries = engine->count,
		.visible_seq = engine->seq,
	};
}

/* -- checkpoints, which are names alone here -- */

struct rtd_checkpoint {
	struct rtd_engine *engine;
};

enum rt_code
rtd_checkpoint_begin(struct rtd_engine *engine, struct rt_slice name,
    struct rtd_checkpoint **out, struct rt_err *err)
{
	if (!rt_path_is_checkpoint(name))
		return rt_err_set(err, RT_EINVAL, "invalid checkpoint name");
	*out = rt_alloc(sizeof(**out));
	(*out)->engine = engine;
	return RT_OK;
}

enum rt_code
rtd_checkpoint_run(struct rtd_checkpoint *checkpoint, struct rt_err *err)
{
	if (checkpoint->engine->write_code != RT_OK)
		return rt_err_set(err, checkpoint->engine->write_code,
		    "not flushed");
	return RT_OK;
}

void
rtd_checkpoint_free(struct rtd_checkpoint *checkpoint)
{
	free(checkpoint);
}

/* -- reading -- */

struct rtd_reader *
rtd_reader_new(struct rtd_engine *engine)
{
	struct rtd_reader *reader = rt_alloc(sizeof(*reader));

	reader->engine = engine;
	return reader;
}

void
rtd_reader_free(struct rtd_reader *reader)
{
	free(reader);
}

struct rt_bulk *
rtd_value_hold(struct rtd_value *value)
{
	return NULL;
}

void
rtd_value_fini(struct rtd_value *value)
{
}

static bool
is_alive(const struct item *item, uint64_t now_ms, uint64_t *expire_ms,
    struct rt_slice *bytes)
{
	rt_assert(rt_value_decode(rt_buf_slice(&item->value), expire_ms,
	    bytes));
	return *expire_ms == RT_NO_EXPIRY || *expire_ms > now_ms;
}

/* The sequence of what removed a key that is not there. */
static uint64_t
removed_by(const struct rtd_engine *engine, uint32_t keyspace,
    struct rt_slice key)
{
	uint64_t seq = engine->drops[keyspace];

	for (const struct item *item = engine->dead; item != NULL;
	     item = item->dead)
		if (item->deleted_seq > seq &&
		    rt_slice_equal(rt_buf_slice(&item->key), key))
			seq = item->deleted_seq;
	return seq;
}

enum rt_code
rtd_reader_get(struct rtd_reader *reader, const struct rtd_read *read,
    struct rt_slice user_key, struct rtd_value *value, struct rt_err *err)
{
	struct rtd_engine *engine = reader->engine;
	uint8_t key[RT_STORE_KEY_BYTES_MAX];
	struct rt_slice store_key = rt_slice(key,
	    RT_KEY_PREFIX_BYTES + user_key.len);
	size_t at;

	if (engine->read_code != RT_OK)
		return rt_err_set(err, engine->read_code, "read by test");
	rt_key_put_prefix(key, read->keyspace, RT_KEY_KIND_STRING);
	if (user_key.len != 0)
		memcpy(key + RT_KEY_PREFIX_BYTES, user_key.data, user_key.len);
	at = lower_bound(engine, store_key);
	value->seq = is_at(engine, at, store_key) ? engine->items[at]->seq :
	    removed_by(engine, read->keyspace, store_key);
	if (!is_at(engine, at, store_key) || !is_alive(engine->items[at],
		read->now_ms, &value->expire_ms, &value->bytes)) {
		value->expire_ms = RT_NO_EXPIRY;
		value->bytes = rt_slice(NULL, 0);
		return RT_ENOTFOUND;
	}
	return RT_OK;
}

void
rtd_reader_get_many(struct rtd_reader *reader, const struct rtd_read *read,
    const struct rt_slice *user_keys, size_t count, struct rtd_value *values,
    enum rt_code *codes, struct rt_err *err)
{
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct rtd_value){ .seq = 0 };
		codes[i] = rtd_reader_get(reader, read, user_keys[i],
		    &values[i], err);
	}
}

uint64_t
rtd_engine_durable_seq(const struct rtd_engine *engine)
{
	return engine->seq;
}

enum rt_code
rtd_engine_sync(struct rtd_engine *engine, uint64_t seq, uint64_t timeout_ms,
    struct rt_err *err)
{
	if (engine->write_code != RT_OK)
		return rt_err_set(err, engine->write_code, "sync by test");
	return RT_OK;
}

enum rt_code
rtd_reader_random_key(struct rtd_reader *reader, const struct rtd_read *read,
    uint64_t seed, struct rt_buf *key, bool *found, uint64_t *seq,
    struct rt_err *err)
{
	struct rt_iter *iter = rtd_reader_iter(reader, read, seq);
	enum rt_code code;

	/* The first one: a test of commands wants to know which. */
	rt_iter_seek_first(iter);
	*found = iter->valid;
	if (iter->valid)
		rt_buf_append_slice(key, rt_key_user(iter->entry.key));
	code = iter->code;
	rt_iter_free(iter);
	return code;
}

struct fake_iter {
	struct rt_iter iter;
	struct rtd_engine *engine;
	uint32_t keyspace;
	uint64_t now_ms;
	struct rt_buf lower;	/* user keys; empty: no bound */
	struct rt_buf upper;
	size_t at;
};

static bool
is_in_range(const struct fake_iter *iter, struct rt_slice key)
{
	return rt_key_keyspace(key) == iter->keyspace &&
	    rt_slice_compare(rt_key_user(key), rt_buf_slice(&iter->lower)) >=
	    0 &&
	    (iter->upper.len == 0 || rt_slice_compare(rt_key_user(key),
		rt_buf_slice(&iter->upper)) < 0);
}

/* Below 0 the place wraps round, and is above the count. */
static void
settle(struct fake_iter *iter, size_t step)
{
	struct rtd_engine *engine = iter->engine;
	struct rt_slice bytes;
	uint64_t expire_ms;

	iter->iter.valid = false;
	if (engine->read_code != RT_OK) {
		iter->iter.code = rt_err_set(&iter->iter.err,
		    engine->read_code, "read by test");
		return;
	}
	for (; iter->at < engine->count; iter->at += step) {
		struct item *item = engine->items[iter->at];

		if (!is_in_range(iter, rt_buf_slice(&item->key)))
			continue;
		if (!is_alive(item, iter->now_ms, &expire_ms, &bytes))
			continue;
		iter->iter.valid = true;
		iter->iter.entry.key = rt_buf_slice(&item->key);
		iter->iter.entry.value = rt_buf_slice(&item->value);
		return;
	}
}

static void
seek_first(struct rt_iter *base)
{
	struct fake_iter *iter = (struct fake_iter *)base;

	iter->at = 0;
	settle(iter, 1);
}

static void
seek_last(struct rt_iter *base)
{
	struct fake_iter *iter = (struct fake_iter *)base;

	iter->at = iter->engine->count - 1;
	settle(iter, (size_t)-1);
}

static void
seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct fake_iter *iter = (struct fake_iter *)base;

	(void)seq;
	iter->at = lower_bound(iter->engine, key);
	settle(iter, 1);
}

static void
seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct fake_iter *iter = (struct fake_iter *)base;
	size_t at = lower_bound(iter->engine, key);

	if (at == iter->engine->count || seq != 0 ||
	    !rt_slice_equal(rt_buf_slice(&iter->engine->items[at]->key), key))
		at--;
	iter->at = at;
	settle(iter, (size_t)-1);
}

static void
next(struct rt_iter *base)
{
	struct fake_iter *iter = (struct fake_iter *)base;

	iter->at++;
	settle(iter, 1);
}

static void
prev(struct rt_iter *base)
{
	struct fake_iter *iter = (struct fake_iter *)base;

	iter->at--;
	settle(iter, (size_t)-1);
}

static void
free_iter(struct rt_iter *base)
{
	struct fake_iter *iter = (struct fake_iter *)base;

	rt_buf_fini(&iter->lower);
	rt_buf_fini(&iter->upper);
	free(iter);
}

struct rt_iter *
rtd_reader_iter(struct rtd_reader *reader, const struct rtd_read *read,
    uint64_t *seq)
{
	static const struct rt_iter_ops ops = {
		.seek_first = seek_first, .seek_last = seek_last,
		.seek = seek, .seek_for_prev = seek_for_prev,
		.next = next, .prev = prev, .free = free_iter,
	};
	struct fake_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	iter->iter.ops = &ops;
	iter->engine = reader->engine;
	iter->keyspace = read->keyspace;
	iter->now_ms = read->now_ms;
	rt_buf_append_slice(&iter->lower, read->lower);
	rt_buf_append_slice(&iter->upper, read->upper);
	if (seq != NULL)
		*seq = reader->engine->seq;
	return &iter->iter;
}

/* Nothing is ever held. */
enum rt_code
rtd_snapshot_create(struct rtd_engine *engine, uint64_t ttl_ms,
    struct rtd_snapshot **out, struct rt_err *err)
{
	(void)engine, (void)ttl_ms, (void)out;
	return rt_err_set(err, RT_ELIMIT, "snapshots by test");
}

struct rtd_snapshot *
rtd_snapshot_find(struct rtd_engine *engine, uint64_t id)
{
	(void)engine, (void)id;
	return NULL;
}

bool
rtd_snapshot_release(struct rtd_engine *engine, uint64_t id)
{
	(void)engine, (void)id;
	return false;
}

size_t
rtd_snapshot_list(struct rtd_engine *engine, struct rtd_snapshot ***list)
{
	(void)engine, (void)list;
	return 0;
}

void
rtd_snapshots_bytes_held(const struct rt_manifest *manifest,
    struct rtd_snapshot *const *list, size_t count, uint64_t *bytes)
{
	(void)manifest, (void)list, (void)count, (void)bytes;
}

struct rtd_snapshot *
rtd_snapshot_ref(struct rtd_snapshot *snapshot)
{
	return snapshot;
}

void
rtd_snapshot_unref(struct rtd_snapshot *snapshot)
{
	(void)snapshot;
}

uint64_t
rtd_engine_now_ms(struct rtd_engine *engine)
{
	(void)engine;
	return 0;
}

struct rtd_counting {
	struct rtd_reader *reader;
};

struct rtd_counting *
rtd_reader_counting(struct rtd_reader *reader,
    const struct rtd_snapshot *snapshot, uint64_t *seq)
{
	struct rtd_counting *counting = rt_alloc_zero(1, sizeof(*counting));

	counting->reader = reader;
	*seq = reader->engine->seq;
	return counting;
}

void
rtd_counting_free(struct rtd_counting *counting)
{
	free(counting);
}

enum rt_code
rtd_counting_run(struct rtd_counting *counting, const struct rtd_read *read,
    bool exact, struct rtd_count *out, struct rt_err *err)
{
	struct rt_iter *iter = rtd_reader_iter(counting->reader, read, NULL);
	double expire_sum_ms = 0;
	struct rt_slice bytes;
	uint64_t expire_ms;
	enum rt_code code;

	*out = (struct rtd_count){ .exact = true };
	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter)) {
		out->keys++;
		rt_assert(rt_value_decode(iter->entry.value, &expire_ms,
		    &bytes));
		if (expire_ms == RT_NO_EXPIRY)
			continue;
		out->expires++;
		expire_sum_ms += (double)expire_ms;
	}
	if (out->expires != 0)
		out->expire_mean_ms =
		    (uint64_t)(expire_sum_ms / (double)out->expires);
	code = iter->code;
	if (code != RT_OK && err != NULL)
		*err = iter->err;
	rt_iter_free(iter);
	return code;
}

/* It has no tables. */
const struct rt_manifest *
rtd_engine_manifest(struct rtd_engine *engine)
{
	rt_invariant_failed(__FILE__, __LINE__, "a fake engine is small");
}
