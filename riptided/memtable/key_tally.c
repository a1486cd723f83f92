#include "riptided/memtable/key_tally.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"

void
rtd_key_tally_init(struct rtd_key_tally *tally)
{
	*tally = (struct rtd_key_tally){ .items = NULL };
	rt_mutex_init(&tally->mu);
}

void
rtd_key_tally_reset(struct rtd_key_tally *tally)
{
	for (size_t i = 0; i < tally->items_count; i++) {
		free(tally->items[i].seen);
		free(tally->items[i].alive);
	}
	free(tally->items);
	tally->items = NULL;
	tally->items_count = tally->last = 0;
	tally->walk = (struct rtd_version_walk){ .chunk = NULL };
	atomic_store_explicit(&tally->memory, 0, memory_order_relaxed);
}

void
rtd_key_tally_fini(struct rtd_key_tally *tally)
{
	rtd_key_tally_reset(tally);
	rt_mutex_fini(&tally->mu);
}

static struct rtd_key_tally_item *
find(struct rtd_key_tally *tally, uint32_t keyspace)
{
	struct rtd_key_tally_item *items = tally->items;

	if (tally->last < tally->items_count &&
	    items[tally->last].keyspace == keyspace)
		return &items[tally->last];
	for (size_t i = 0; i < tally->items_count; i++)
		if (items[i].keyspace == keyspace) {
			tally->last = i;
			return &items[i];
		}
	return NULL;
}

static struct rtd_key_tally_item *
find_or_add(struct rtd_key_tally *tally, uint32_t keyspace,
    const uint64_t *drops)
{
	struct rtd_key_tally_item *item = find(tally, keyspace);

	if (item != NULL)
		return item;
	tally->items = rt_realloc(tally->items,
	    (tally->items_count + 1) * sizeof(tally->items[0]));
	tally->last = tally->items_count++;
	item = &tally->items[tally->last];
	*item = (struct rtd_key_tally_item){
		.keyspace = keyspace,
		.drop_seq = drops[keyspace],
		.seen = rt_alloc_zero(1, sizeof(*item->seen)),
	};
	atomic_fetch_add_explicit(&tally->memory,
	    sizeof(*item) + sizeof(*item->seen), memory_order_relaxed);
	return item;
}

/* Add a live version's expiry to the item, or take it out again. */
static void
note_expiry(struct rtd_key_tally_item *item, const struct rtd_version *version,
    bool add)
{
	struct rt_entry entry = rtd_version_entry(version);
	struct rt_slice bytes;
	uint64_t expire_ms;

	if (!rt_value_decode(entry.value, &expire_ms, &bytes) ||
	    expire_ms == RT_NO_EXPIRY)
		return;
	item->expiring += add ? 1 : UINT64_MAX;
	item->expire_sum_ms += add ? (double)expire_ms : -(double)expire_ms;
}

static bool
is_put(const struct rtd_version *version)
{
	return (version->seq_type & RTD_VERSION_TYPE_MASK) == RT_ENTRY_PUT;
}

/* The link to the version before makes the sum over all versions that of the
 * newest ones. */
static void
count_version(struct rtd_key_tally_item *item,
    const struct rtd_version *version)
{
	const struct rtd_version *older = version->older;

	if (older != NULL && rtd_version_seq(older) <= item->drop_seq)
		older = NULL;
	if (older == NULL) {
		item->keys++;
		rt_key_sketch_add(item->seen,
		    rt_hash64(rtd_version_key(version)));
	} else if (is_put(older)) {
		item->live--;
		note_expiry(item, older, false);
	}
	if (is_put(version)) {
		item->live++;
		note_expiry(item, version, true);
	}
}

void
rtd_key_tally_walk(struct rtd_key_tally *tally, const struct rtd_arena *arena,
    const uint64_t *drops, uint64_t read_seq)
{
	const struct rtd_version *version;
	struct rtd_version_walk before;

	for (size_t i = 0; i < tally->items_count; i++)
		if (tally->items[i].drop_seq !=
		    drops[tally->items[i].keyspace]) {
			rtd_key_tally_reset(tally);
			break;
		}
	for (;;) {
		struct rtd_key_tally_item *item;

		before = tally->walk;
		version = rtd_version_walk_next(&tally->walk, arena);
		if (version == NULL)
			return;
		if (rtd_version_seq(version) > read_seq)
			break;
		item = find_or_add(tally,
		    rt_key_keyspace(rtd_version_key(version)), drops);
		if (rtd_version_seq(version) > item->drop_seq)
			count_version(item, version);
	}
	tally->walk = before;
}

const struct rtd_key_tally_item *
rtd_key_tally_find(struct rtd_key_tally *tally, uint32_t keyspace)
{
	const struct rtd_key_tally_item *item = find(tally, keyspace);

	return item != NULL && item->keys != 0 ? item : NULL;
}

void
rtd_key_tally_complete(struct rtd_key_tally *tally,
    const struct rtd_arena *arena, const struct rtd_hash_index *index,
    uint32_t keyspace)
{
	struct rtd_key_tally_item *item = find(tally, keyspace);
	struct rtd_version_walk walk = { .chunk = NULL };
	const struct rtd_version *version;

	if (item == NULL || item->alive != NULL)
		return;
	item->alive = rt_alloc_zero(1, sizeof(*item->alive));
	atomic_fetch_add_explicit(&tally->memory, sizeof(*item->alive),
	    memory_order_relaxed);
	while ((version = rtd_version_walk_next(&walk, arena)) != NULL) {
		struct rt_slice key = rtd_version_key(version);
		uint64_t hash;

		if (!is_put(version) || rt_key_keyspace(key) != keyspace ||
		    rtd_version_seq(version) <= item->drop_seq)
			continue;
		hash = rt_hash64(key);
		if (rtd_hash_index_get(index, hash, key) == version)
			rt_key_sketch_add(item->alive, hash);
	}
}
