/* A table from store keys to the newest operation of each. The bytes of a
 * command's batch are kept as they are, so that a key or a value that was given
 * out does not move; they are put one behind the other at the end alone.
 *
 * The iterator merges that of the engine with the keys in the range, sorted:
 * both stand at their next key in the direction of travel, and the smaller one
 * (or, backward, the larger one) is the next. Of equal keys ours is taken. */
#include "riptided/cmd/pending.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"

struct entry {
	struct rt_hash_node node;	/* first */
	bool deleted;
	struct rt_slice key;		/* store key */
	struct rt_slice value;		/* stored value */
	struct rt_bulk *bulk;		/* that it lies in; borrowed */
};

static void
forget_entries(struct rtd_pending *pending)
{
	struct rt_hash_node *node;

	while ((node = rt_hash_table_take(&pending->entries)) != NULL)
		free(node);
}

void
rtd_pending_fini(struct rtd_pending *pending)
{
	forget_entries(pending);
	for (size_t i = 0; i < pending->parts_count; i++)
		rtd_write_batch_fini(&pending->parts[i]);
	free(pending->parts);
	free(pending->dropped);
	free(pending->keyspaces);
	*pending = (struct rtd_pending){ 0 };
}

static struct entry *
find(const struct rtd_pending *pending, struct rt_slice key, uint64_t hash)
{
	struct rt_hash_node *node =
	    rt_hash_table_find(&pending->entries, hash);

	while (node != NULL && !rt_slice_equal(((struct entry *)node)->key,
		key))
		node = rt_hash_table_find_next(node);
	return (struct entry *)node;
}

static void
keep(struct rtd_pending *pending, const struct rtd_write_op *op)
{
	uint64_t hash = rt_hash64(op->key);
	struct entry *entry = find(pending, op->key, hash);

	if (entry == NULL) {
		entry = rt_alloc_zero(1, sizeof(*entry));
		entry->key = op->key;
		rt_hash_table_add(&pending->entries, &entry->node, hash);
	}
	entry->deleted = op->type == RTD_OP_DELETE;
	entry->value = op->value;
	entry->bulk = op->bulk;
}

static bool
is_dropped(const struct rtd_pending *pending, uint32_t keyspace)
{
	return pending->dropped != NULL &&
	    (pending->dropped[keyspace / 8] >> keyspace % 8 & 1) != 0;
}

static void
drop(struct rtd_pending *pending, uint32_t keyspace)
{
	struct rt_hash_node *node = NULL;

	if (pending->dropped == NULL)
		pending->dropped = rt_alloc_zero(RTD_KEYSPACES_MAX / 8, 1);
	pending->dropped[keyspace / 8] |= (uint8_t)(1 << keyspace % 8);
	while ((node = rt_hash_table_walk(&pending->entries, node)) != NULL) {
		struct entry *entry = (struct entry *)node;

		if (rt_key_keyspace(entry->key) == keyspace)
			entry->deleted = true;
	}
}

static void
swap(struct rtd_pending *pending, const struct rtd_engine *engine,
    const uint32_t databases[2])
{
	uint32_t *keyspaces = pending->keyspaces;
	uint32_t first;

	if (keyspaces == NULL) {
		keyspaces = rt_alloc(RTD_KEYSPACES_MAX * sizeof(*keyspaces));
		for (uint32_t i = 0; i < RTD_KEYSPACES_MAX; i++)
			keyspaces[i] = rtd_engine_keyspace(engine, i);
		pending->keyspaces = keyspaces;
	}
	first = keyspaces[databases[0]];
	keyspaces[databases[0]] = keyspaces[databases[1]];
	keyspaces[databases[1]] = first;
}

void
rtd_pending_add(struct rtd_pending *pending, const struct rtd_engine *engine,
    struct rtd_write_batch *batch)
{
	struct rtd_write_batch_walk walk;
	struct rtd_write_op op;

	if (pending->parts_count == pending->parts_cap) {
		pending->parts_cap = pending->parts_cap * 2 + 8;
		pending->parts = rt_realloc(pending->parts,
		    pending->parts_cap * sizeof(*pending->parts));
	}
	pending->parts[pending->parts_count] = *batch;
	*batch = (struct rtd_write_batch){ 0 };
	walk = rtd_write_batch_walk(&pending->parts[pending->parts_count++]);
	while (rtd_write_batch_walk_next(&walk, &op)) {
		if (op.type == RTD_OP_DROP)
			drop(pending, op.keyspace);
		else if (op.type == RTD_OP_SWAP)
			swap(pending, engine, op.databases);
		else
			keep(pending, &op);
	}
}

void
rtd_pending_take(struct rtd_pending *pending, struct rtd_write_batch *batch)
{
	forget_entries(pending);
	for (size_t i = 0; i < pending->parts_count; i++)
		rtd_write_batch_move(batch, &pending->parts[i]);
	rtd_pending_fini(pending);
}

uint32_t
rtd_pending_keyspace(const struct rtd_pending *pending,
    const struct rtd_engine *engine, uint32_t database)
{
	if (pending->keyspaces != NULL && database < RTD_KEYSPACES_MAX)
		return pending->keyspaces[database];
	return rtd_engine_keyspace(engine, database);
}

/* -- one key -- */

static bool
is_alive(const struct entry *entry, uint64_t now_ms, uint64_t *expire_ms,
    struct rt_slice *bytes)
{
	if (entry->deleted)
		return false;
	rt_assert(rt_value_decode(entry->value, expire_ms, bytes));
	return *expire_ms == RT_NO_EXPIRY || *expire_ms > now_ms;
}

bool
rtd_pending_get(const struct rtd_pending *pending,
    const struct rtd_read *read, struct rt_slice user_key,
    struct rtd_value *value, enum rt_code *code)
{
	uint8_t bytes[RT_STORE_KEY_BYTES_MAX];
	struct rt_slice key =
	    rt_slice(bytes, RT_KEY_PREFIX_BYTES + user_key.len);
	const struct entry *entry;

	rt_key_put_prefix(bytes, read->keyspace, RT_KEY_KIND_STRING);
	if (user_key.len != 0)
		memcpy(bytes + RT_KEY_PREFIX_BYTES, user_key.data,
		    user_key.len);
	entry = find(pending, key, rt_hash64(key));
	if (entry == NULL && !is_dropped(pending, read->keyspace))
		return false;
	*value = (struct rtd_value){ .expire_ms = RT_NO_EXPIRY };
	*code = RT_ENOTFOUND;
	if (entry != NULL && is_alive(entry, read->now_ms, &value->expire_ms,
		&value->bytes)) {
		value->bulk = entry->bulk;
		*code = RT_OK;
	} else {
		value->expire_ms = RT_NO_EXPIRY;
		value->bytes = rt_slice(NULL, 0);
	}
	return true;
}

enum rt_code
rtd_pending_count(const struct rtd_pending *pending, struct rtd_reader *reader,
    const struct rtd_read *read, uint64_t *counted, struct rt_err *err)
{
	struct rt_hash_node *node = NULL;
	bool dropped = is_dropped(pending, read->keyspace);
	uint64_t expire_ms;
	struct rt_slice bytes;

	if (dropped)
		*counted = 0;
	while ((node = rt_hash_table_walk(&pending->entries, node)) != NULL) {
		const struct entry *entry = (const struct entry *)node;
		struct rtd_value value = { 0 };
		enum rt_code code = RT_ENOTFOUND;

		if (rt_key_keyspace(entry->key) != read->keyspace)
			continue;
		if (!dropped)
			code = rtd_reader_get(reader, read,
			    rt_key_user(entry->key), &value, err);
		rtd_value_fini(&value);
		if (code != RT_OK && code != RT_ENOTFOUND)
			return code;
		/* An estimate may be below what is known to be there. */
		if (code == RT_OK && *counted != 0)
			--*counted;
		*counted += is_alive(entry, read->now_ms, &expire_ms, &bytes);
	}
	return RT_OK;
}

/* -- the iterator -- */

struct merged {
	struct rt_iter iter;		/* first */
	struct rt_iter *base;
	bool dropped;			/* base is not looked at */
	uint64_t now_ms;
	const struct entry **entries;	/* of the range, sorted */
	size_t count;
	size_t at;			/* entry; beyond count: none */
	bool backward;
	struct rt_buf place;		/* store key, when it turns round */
};

static struct merged *
merged_of(struct rt_iter *iter)
{
	return (struct merged *)iter;
}

static bool
base_has(const struct merged *merged)
{
	return !merged->dropped && merged->base->valid;
}

static void
base_step(struct merged *merged)
{
	if (merged->backward)
		rt_iter_prev(merged->base);
	else
		rt_iter_next(merged->base);
}

static void
own_step(struct merged *merged)
{
	merged->at += merged->backward ? (size_t)-1 : 1;
}

/* Which of the two is next: < 0 the base, > 0 ours, 0: both, at one key. */
static int
compare_places(const struct merged *merged)
{
	int order;

	if (merged->at >= merged->count)
		return -1;
	if (!base_has(merged))
		return 1;
	order = rt_slice_compare(merged->base->entry.key,
	    merged->entries[merged->at]->key);
	return merged->backward ? -order : order;
}

static void
settle(struct merged *merged)
{
	struct rt_iter *iter = &merged->iter;
	struct rt_slice bytes;
	uint64_t expire_ms;

	iter->valid = false;
	while (base_has(merged) || merged->at < merged->count) {
		int order = compare_places(merged);
		const struct entry *entry;

		if (order < 0) {
			iter->entry = merged->base->entry;
			iter->valid = true;
			return;
		}
		entry = merged->entries[merged->at];
		if (order == 0)
			base_step(merged);
		if (!is_alive(entry, merged->now_ms, &expire_ms, &bytes)) {
			own_step(merged);
			continue;
		}
		iter->entry = (struct rt_entry){ .key = entry->key,
			.value = entry->value, .type = RT_ENTRY_PUT };
		iter->valid = true;
		return;
	}
	if (!merged->dropped) {
		iter->code = merged->base->code;
		iter->err = merged->base->err;
	}
}

/* The first of ours at or behind key. */
static size_t
lower_bound(const struct merged *merged, struct rt_slice key)
{
	size_t low = 0, high = merged->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rt_slice_compare(merged->entries[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
seek_first(struct rt_iter *iter)
{
	struct merged *merged = merged_of(iter);

	merged->backward = false;
	merged->at = 0;
	rt_iter_seek_first(merged->base);
	settle(merged);
}

static void
seek_last(struct rt_iter *iter)
{
	struct merged *merged = merged_of(iter);

	merged->backward = true;
	merged->at = merged->count - 1;
	rt_iter_seek_last(merged->base);
	settle(merged);
}

static void
seek(struct rt_iter *iter, struct rt_slice key, uint64_t seq)
{
	struct merged *merged = merged_of(iter);

	merged->backward = false;
	merged->at = lower_bound(merged, key);
	rt_iter_seek(merged->base, key, seq);
	settle(merged);
}

static void
seek_for_prev(struct rt_iter *iter, struct rt_slice key, uint64_t seq)
{
	struct merged *merged = merged_of(iter);
	size_t at = lower_bound(merged, key);

	merged->backward = true;
	if (at == merged->count ||
	    !rt_slice_equal(merged->entries[at]->key, key))
		at--;
	merged->at = at;
	rt_iter_seek_for_prev(merged->base, key, seq);
	settle(merged);
}

/* Go on from the entry that is shown, to this side. */
static void
step(struct merged *merged, bool backward)
{
	struct rt_iter *iter = &merged->iter;
	struct rt_slice place;

	if (merged->backward != backward) {
		rt_buf_clear(&merged->place);
		rt_buf_append_slice(&merged->place, iter->entry.key);
		place = rt_buf_slice(&merged->place);
		if (backward)
			seek_for_prev(iter, place, 0);
		else
			seek(iter, place, RT_SEQ_MAX);
	}
	if (merged->at < merged->count && rt_slice_equal(iter->entry.key,
		merged->entries[merged->at]->key))
		own_step(merged);
	else
		base_step(merged);
	settle(merged);
}

static void
next(struct rt_iter *iter)
{
	step(merged_of(iter), false);
}

static void
prev(struct rt_iter *iter)
{
	step(merged_of(iter), true);
}

static void
free_merged(struct rt_iter *iter)
{
	struct merged *merged = merged_of(iter);

	rt_iter_free(merged->base);
	rt_buf_fini(&merged->place);
	free(merged->entries);
	free(merged);
}

static int
compare_entries(const void *a, const void *b)
{
	return rt_slice_compare((*(const struct entry *const *)a)->key,
	    (*(const struct entry *const *)b)->key);
}

static bool
is_in_range(const struct rtd_read *read, struct rt_slice key)
{
	return rt_key_keyspace(key) == read->keyspace &&
	    rt_slice_compare(rt_key_user(key), read->lower) >= 0 &&
	    (read->upper.len == 0 ||
		rt_slice_compare(rt_key_user(key), read->upper) < 0);
}

struct rt_iter *
rtd_pending_iter(const struct rtd_pending *pending,
    const struct rtd_read *read, struct rt_iter *base)
{
	static const struct rt_iter_ops ops = {
		.seek_first = seek_first, .seek_last = seek_last,
		.seek = seek, .seek_for_prev = seek_for_prev,
		.next = next, .prev = prev, .free = free_merged,
	};
	struct merged *merged = rt_alloc_zero(1, sizeof(*merged));
	struct rt_hash_node *node = NULL;

	merged->iter.ops = &ops;
	merged->base = base;
	merged->dropped = is_dropped(pending, read->keyspace);
	merged->now_ms = read->now_ms;
	merged->entries = rt_alloc((pending->entries.count + 1) *
	    sizeof(struct entry *));
	while ((node = rt_hash_table_walk(&pending->entries, node)) != NULL) {
		const struct entry *entry = (const struct entry *)node;

		if (is_in_range(read, entry->key))
			merged->entries[merged->count++] = entry;
	}
	if (merged->count > 1)
		qsort(merged->entries, merged->count,
		    sizeof(struct entry *), compare_entries);
	return &merged->iter;
}
