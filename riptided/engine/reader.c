/* reader: reads pin a view for as long as it is the newest one, and look at one
 * shared word for each read to learn whether it still is. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"
#include "riptided/view/live_iter.h"

_Static_assert(RTD_READ_KEYS_MAX == RTD_VIEW_QUERIES_MAX, "a batch of one");

struct rtd_reader *
rtd_reader_new(struct rtd_engine *engine)
{
	struct rtd_reader *reader = rt_alloc_zero(1, sizeof(*reader));

	reader->engine = engine;
	reader->owner = pthread_self();
	reader->epochs = rtd_table_cache_epochs(engine->tables);
	rtd_epochs_join(reader->epochs, &reader->slot);
	reader->key = rt_alloc(RT_STORE_KEY_BYTES_MAX);
	rt_mutex_lock(&engine->mu);
	reader->next = engine->readers;
	engine->readers = reader;
	rt_mutex_unlock(&engine->mu);
	return reader;
}

static void
let_go(struct rtd_reader *reader)
{
	for (size_t i = 0; i < reader->retired_count; i++)
		rtd_view_unref(reader->retired[i]);
	reader->retired_count = 0;
}

void
rtd_reader_free(struct rtd_reader *reader)
{
	struct rtd_engine *engine;
	struct rtd_reader **at;

	if (reader == NULL)
		return;
	engine = reader->engine;
	rt_mutex_lock(&engine->mu);
	for (at = &engine->readers; *at != reader; at = &(*at)->next)
		;
	*at = reader->next;
	rt_mutex_unlock(&engine->mu);
	rtd_epochs_leave(reader->epochs, &reader->slot);
	let_go(reader);
	free(reader->retired);
	rtd_view_unref(reader->view);
	free(reader->key);
	rt_buf_fini(&reader->keys);
	free(reader);
}

static void
pin_newest(struct rtd_reader *reader)
{
	struct rtd_engine *engine = reader->engine;

	if (reader->view != NULL) {
		if (reader->retired_count == reader->retired_cap) {
			reader->retired_cap = reader->retired_cap * 2 + 4;
			reader->retired = rt_realloc(reader->retired,
			    reader->retired_cap * sizeof(reader->retired[0]));
		}
		reader->retired[reader->retired_count++] = reader->view;
	}
	rt_mutex_lock(&engine->mu);
	reader->view = rtd_view_ref(engine->view);
	reader->view_version = atomic_load(&engine->view_version);
	rt_mutex_unlock(&engine->mu);
}

static inline void
refresh(struct rtd_reader *reader)
{
	if (RT_UNLIKELY(reader->view == NULL ||
		reader->view_version != atomic_load_explicit(
		    &reader->engine->view_version, memory_order_acquire)))
		pin_newest(reader);
}

struct rtd_view *
rtd_reader_view(struct rtd_reader *reader)
{
	refresh(reader);
	return reader->view;
}

void
rtd_reader_end_turn(struct rtd_reader *reader)
{
	rtd_epoch_exit(&reader->slot);
	rtd_table_cache_reclaim(reader->engine->tables);
	refresh(reader);
	let_go(reader);
}

void
rtd_readers_end_turn(struct rtd_engine *engine)
{
	struct rtd_reader *reader;

	/* Readers of other threads come and go under the lock; the list's
	 * links that lead to our own do not change under us. */
	rt_mutex_lock(&engine->mu);
	reader = engine->readers;
	while (reader != NULL && !pthread_equal(reader->owner, pthread_self()))
		reader = reader->next;
	rt_mutex_unlock(&engine->mu);
	if (reader != NULL)
		rtd_reader_end_turn(reader);
}

static inline uint64_t
drop_of(const struct rtd_engine *engine, uint32_t keyspace)
{
	return atomic_load_explicit(&engine->drops[keyspace],
	    memory_order_acquire);
}

/* Where the read stands, on the view that is pinned now. False: its snapshot
 * was released, perhaps before this view was made (SN3). */
static inline bool
take_stand(struct rtd_reader *reader, const struct rtd_read *read,
    uint64_t *read_seq, uint64_t *drop_seq)
{
	const struct rtd_snapshot *snapshot = read->snapshot;

	refresh(reader);
	/* No reader of a table is held from one read to the next: values found
	 * are pinned by their blocks. */
	rtd_epoch_enter(reader->epochs, &reader->slot);
	if (RT_LIKELY(snapshot == NULL)) {
		*read_seq = atomic_load_explicit(&reader->engine->visible_seq,
		    memory_order_acquire);
		*drop_seq = drop_of(reader->engine, read->keyspace);
		return true;
	}
	*read_seq = snapshot->seq;
	*drop_seq = snapshot->drops[read->keyspace];
	return !rtd_snapshot_is_released(snapshot);
}

void
rtd_value_fini(struct rtd_value *value)
{
	if (value->found.block != NULL || value->found.owned != NULL)
		rt_table_found_fini(&value->found);
}

static void
release_found(void *arg)
{
	rt_table_found_fini(arg);
	free(arg);
}

struct rt_bulk *
rtd_value_hold(struct rtd_value *value)
{
	struct rt_table_found *found;

	if (value->bulk != NULL)
		return rt_bulk_ref(value->bulk);
	if (value->found.block == NULL && value->found.owned == NULL)
		return NULL;
	found = rt_alloc(sizeof(*found));
	*found = value->found;
	value->found = (struct rt_table_found){ 0 };
	return rt_bulk_wrap(value->bytes.data, value->bytes.len,
	    release_found, found);
}

#define RELEASED "the snapshot in use was released"

static unsigned
table_flags(const struct rtd_read *read)
{
	return (read->flags & RTD_READ_NOWAIT) != 0 ? RT_TABLE_NOWAIT : 0;
}

static size_t
put_key(uint8_t *out, const struct rtd_read *read, struct rt_slice user_key)
{
	rt_key_put_prefix(out, read->keyspace, RT_KEY_KIND_STRING);
	if (user_key.len != 0)
		memcpy(out + RT_KEY_PREFIX_BYTES, user_key.data, user_key.len);
	return RT_KEY_PREFIX_BYTES + user_key.len;
}

/* From a version to what the user sees of it. code: of finding it. */
static inline enum rt_code
take_found(const struct rtd_read *read, enum rt_code code,
    const struct rtd_view_found *found, uint64_t drop_seq,
    struct rtd_value *value, struct rt_err *err)
{
	value->seq = found->seq > drop_seq ? found->seq : drop_seq;
	if (code != RT_OK)
		return code;
	value->found = found->table;
	value->bulk = found->bulk;
	if (found->type == RT_ENTRY_TOMBSTONE)
		code = RT_ENOTFOUND;
	else if (!rt_value_decode(found->value, &value->expire_ms,
		     &value->bytes))
		code = rt_err_set(err, RT_EDAMAGED,
		    "a stored value is malformed");
	else if (value->expire_ms != RT_NO_EXPIRY &&
	    value->expire_ms <= read->now_ms)
		code = RT_ENOTFOUND;
	if (code != RT_OK) {
		/* What has ended is not to be seen by any way. */
		rtd_value_fini(value);
		value->bytes = rt_slice(NULL, 0);
		value->bulk = NULL;
		value->expire_ms = RT_NO_EXPIRY;
	}
	return code;
}

/* When descriptors run out, other tables are closed; but as long as we may look
 * at them, their files stay open. True when it is worth trying again. */
static bool
let_tables_close(struct rtd_reader *reader)
{
	bool closed;

	rtd_epoch_exit(&reader->slot);
	closed = rtd_table_cache_reclaim(reader->engine->tables);
	rtd_epoch_enter(reader->epochs, &reader->slot);
	return closed;
}

enum rt_code
rtd_reader_get(struct rtd_reader *reader, const struct rtd_read *read,
    struct rt_slice user_key, struct rtd_value *value, struct rt_err *err)
{
	struct rtd_view_found found = { .seq = 0 };
	uint64_t read_seq, drop_seq;
	enum rt_code code;
	size_t len;

	rt_assert(user_key.len <= RT_USER_KEY_BYTES_MAX &&
	    read->keyspace < RTD_KEYSPACES_MAX);
	len = put_key(reader->key, read, user_key);
	value->found = (struct rt_table_found){ 0 };
	if (RT_UNLIKELY(!take_stand(reader, read, &read_seq, &drop_seq)))
		return rt_err_set(err, RT_EINVAL, RELEASED);
	code = rtd_view_get(reader->view, rt_slice(reader->key, len), read_seq,
	    drop_seq, table_flags(read), &found, err);
	if (RT_UNLIKELY(code == RT_EIO) && let_tables_close(reader))
		code = rtd_view_get(reader->view,
		    rt_slice(reader->key, len), read_seq, drop_seq,
		    table_flags(read), &found, err);
	return take_found(read, code, &found, drop_seq, value, err);
}

/* The store keys of queries, one after another in the reader's scratch. */
static void
put_keys(struct rtd_reader *reader, const struct rtd_read *read,
    const struct rt_slice *user_keys, size_t count,
    struct rtd_view_query *queries)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		rt_assert(user_keys[i].len <= RT_USER_KEY_BYTES_MAX);
		bytes += RT_KEY_PREFIX_BYTES + user_keys[i].len;
	}
	rt_buf_clear(&reader->keys);
	rt_buf_reserve(&reader->keys, bytes);
	for (size_t i = 0; i < count; i++) {
		uint8_t *at = reader->keys.data + reader->keys.len;
		size_t len = put_key(at, read, user_keys[i]);

		queries[i].key = rt_slice(at, len);
		reader->keys.len += len;
	}
}

void
rtd_reader_get_many(struct rtd_reader *reader, const struct rtd_read *read,
    const struct rt_slice *user_keys, size_t count, struct rtd_value *values,
    enum rt_code *codes, struct rt_err *err)
{
	struct rtd_view_query queries[RTD_READ_KEYS_MAX];
	uint64_t read_seq, drop_seq;
	bool stands;

	rt_assert(count <= RTD_READ_KEYS_MAX &&
	    read->keyspace < RTD_KEYSPACES_MAX);
	put_keys(reader, read, user_keys, count, queries);
	stands = take_stand(reader, read, &read_seq, &drop_seq);
	if (stands)
		rtd_view_get_many(reader->view, queries, count, read_seq,
		    drop_seq, table_flags(read), err);
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct rtd_value){ .seq = 0 };
		codes[i] = stands
		    ? take_found(read, queries[i].code, &queries[i].found,
			  drop_seq, &values[i], err)
		    : rt_err_set(err, RT_EINVAL, RELEASED);
	}
}

struct rt_iter *
rtd_reader_iter(struct rtd_reader *reader, const struct rtd_read *read,
    uint64_t *seq)
{
	struct rtd_live_range range = { .keyspace = read->keyspace,
		.now_ms = read->now_ms,
		.lower = read->lower,
		.upper = read->upper };

	if (!take_stand(reader, read, &range.read_seq, &range.drop_seq))
		return NULL;
	if (seq != NULL)
		*seq = range.read_seq;
	return rtd_live_iter_new(reader->view, &range);
}
