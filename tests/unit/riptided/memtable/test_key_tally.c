#include "riptided/memtable/key_tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/memtable/memtable.h"
#include "tests/support/runner.h"

#define KEYSPACES 3
#define KEYS 200

/* What the newest version of each key is. */
struct model {
	struct rtd_memtable *memtable;
	uint64_t seq;
	uint64_t drops[KEYSPACES];
	struct {
		bool known, live;
		uint64_t expire_ms;
	} keys[KEYSPACES][KEYS];
};

static struct rt_slice
store_key(uint8_t out[32], uint32_t keyspace, unsigned number)
{
	int len;

	rt_key_put_prefix(out, keyspace, RT_KEY_KIND_STRING);
	len = snprintf((char *)out + RT_KEY_PREFIX_BYTES, 20, "k%u", number);
	return rt_slice(out, RT_KEY_PREFIX_BYTES + (size_t)len);
}

static void
write_key(struct model *model, uint32_t keyspace, unsigned number, bool live,
    uint64_t expire_ms)
{
	uint8_t bytes[32], value[RT_VALUE_HEADER_BYTES_MAX];
	struct rt_slice key = store_key(bytes, keyspace, number);

	rtd_memtable_insert(model->memtable, key, rt_hash64(key), ++model->seq,
	    live ? RT_ENTRY_PUT : RT_ENTRY_TOMBSTONE,
	    live ? rt_slice(value, rt_value_put_header(value, expire_ms))
		 : rt_slice(NULL, 0));
	model->keys[keyspace][number].known = true;
	model->keys[keyspace][number].live = live;
	model->keys[keyspace][number].expire_ms = expire_ms;
}

static void
drop(struct model *model, uint32_t keyspace)
{
	rtd_memtable_drop(model->memtable, keyspace, ++model->seq);
	model->drops[keyspace] = model->seq;
	memset(model->keys[keyspace], 0, sizeof(model->keys[keyspace]));
}

static void
assert_item(const struct model *model, uint32_t keyspace,
    const struct rtd_key_tally_item *item)
{
	struct rt_key_sketch *seen = rt_alloc_zero(1, sizeof(*seen));
	struct rt_key_sketch *alive = rt_alloc_zero(1, sizeof(*alive));
	uint64_t keys = 0, live = 0, expiring = 0;
	double expire_sum_ms = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t bytes[32];
		uint64_t hash = rt_hash64(store_key(bytes, keyspace, i));

		if (!model->keys[keyspace][i].known)
			continue;
		keys++;
		rt_key_sketch_add(seen, hash);
		if (!model->keys[keyspace][i].live)
			continue;
		live++;
		rt_key_sketch_add(alive, hash);
		if (model->keys[keyspace][i].expire_ms != RT_NO_EXPIRY) {
			expiring++;
			expire_sum_ms +=
			    (double)model->keys[keyspace][i].expire_ms;
		}
	}
	if (keys == 0) {
		ck_assert_ptr_null(item);
	} else {
		ck_assert_uint_eq(item->keys, keys);
		ck_assert_uint_eq(item->live, live);
		ck_assert_uint_eq(item->expiring, expiring);
		ck_assert(item->expire_sum_ms == expire_sum_ms);
		ck_assert_mem_eq(item->seen, seen, sizeof(*seen));
		if (item->alive != NULL)
			ck_assert_mem_eq(item->alive, alive, sizeof(*alive));
	}
	free(seen);
	free(alive);
}

static void
assert_tally(struct model *model, bool complete)
{
	struct rtd_key_tally *tally = &model->memtable->tally;

	rt_mutex_lock(&tally->mu);
	rtd_key_tally_walk(tally, &model->memtable->arena, model->drops,
	    RT_SEQ_MAX);
	for (uint32_t keyspace = 0; keyspace < KEYSPACES; keyspace++) {
		if (complete)
			rtd_key_tally_complete(tally, &model->memtable->arena,
			    &model->memtable->index, keyspace);
		assert_item(model, keyspace,
		    rtd_key_tally_find(tally, keyspace));
	}
	rt_mutex_unlock(&tally->mu);
}

START_TEST(random_writes_are_counted_as_they_come)
{
	unsigned seed = (unsigned)time(NULL);
	struct model model = { .memtable = rtd_memtable_new(64 << 10) };

	printf("# seed %u\n", seed);
	srand(seed);
	for (unsigned round = 0; round < 60; round++) {
		for (int i = rand() % 150; i > 0; i--) {
			uint32_t keyspace = (uint32_t)rand() % KEYSPACES;
			unsigned number = (unsigned)rand() % KEYS;

			if (rand() % 400 == 0)
				drop(&model, keyspace);
			else
				write_key(&model, keyspace, number,
				    rand() % 3 != 0, rand() % 2 == 0
					? RT_NO_EXPIRY
					: (uint64_t)rand() % 1000 + 1);
		}
		assert_tally(&model, false);
	}
	assert_tally(&model, true);
	rtd_memtable_reset(model.memtable);
	memset(model.keys, 0, sizeof(model.keys));
	assert_tally(&model, true);
	rtd_memtable_unref(model.memtable);
}
END_TEST

START_TEST(what_is_newer_than_the_reader_waits_its_turn)
{
	struct model model = { .memtable = rtd_memtable_new(64 << 10) };
	struct rtd_key_tally *tally = &model.memtable->tally;

	for (unsigned i = 0; i < 10; i++)
		write_key(&model, 0, i, true, RT_NO_EXPIRY);
	rt_mutex_lock(&tally->mu);
	for (uint64_t seq = 0; seq <= 10; seq++) {
		const struct rtd_key_tally_item *item;

		rtd_key_tally_walk(tally, &model.memtable->arena, model.drops,
		    seq);
		item = rtd_key_tally_find(tally, 0);
		ck_assert_uint_eq(item == NULL ? 0 : item->live, seq);
	}
	rt_mutex_unlock(&tally->mu);
	ck_assert_uint_ge(atomic_load(&tally->memory),
	    sizeof(struct rt_key_sketch));
	rtd_memtable_unref(model.memtable);
}
END_TEST

RTT_MAIN("key_tally", random_writes_are_counted_as_they_come,
    what_is_newer_than_the_reader_waits_its_turn)
