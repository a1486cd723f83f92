#include "riptided/memtable/memtable.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"

#define KEYS 50
#define SMALL_BYTES ((size_t)256 << 10)

static struct rt_slice
key_of(char out[32], unsigned n)
{
	return rt_slice(out, (size_t)snprintf(out, 32, "....skey:%04u", n));
}

static void
insert(struct rtd_memtable *memtable, unsigned n, uint64_t seq,
    const char *value)
{
	char text[32];
	struct rt_slice key = key_of(text, n);

	rtd_memtable_insert(memtable, key, rt_hash64(key), seq,
	    value != NULL ? RT_ENTRY_PUT : RT_ENTRY_TOMBSTONE,
	    value != NULL ? rt_slice_cstr(value) : rt_slice(NULL, 0));
}

static const struct rtd_version *
get(struct rtd_memtable *memtable, unsigned n, uint64_t read_seq)
{
	char text[32];
	struct rt_slice key = key_of(text, n);

	return rtd_memtable_get(memtable, key, rt_hash64(key), read_seq);
}

START_TEST(the_newest_version_at_a_sequence_is_found)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);

	ck_assert(rtd_memtable_is_empty(memtable));
	insert(memtable, 1, 10, "a");
	insert(memtable, 2, 11, "x");
	insert(memtable, 1, 12, "b");
	insert(memtable, 1, 13, NULL);
	ck_assert_ptr_null(get(memtable, 1, 9));
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 1, 10)), 10);
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 1, 11)), 10);
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 1, 12)), 12);
	ck_assert_int_eq(rtd_version_entry(get(memtable, 1, 99)).type,
	    RT_ENTRY_TOMBSTONE);
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 2, 99)), 11);
	ck_assert_ptr_null(get(memtable, 3, 99));
	ck_assert_uint_eq(memtable->first_seq, 10);
	ck_assert_uint_eq(memtable->last_seq, 13);
	rtd_memtable_unref(memtable);
}
END_TEST

/* Far more keys than buckets: the overflow chains must hold them all. */
START_TEST(many_keys_overflow_their_buckets)
{
	struct rtd_memtable *memtable = rtd_memtable_new(1024);

	for (unsigned i = 0; i < 5000; i++)
		insert(memtable, i, i + 1, "v");
	for (unsigned i = 0; i < 5000; i++)
		ck_assert_uint_eq(rtd_version_seq(get(memtable, i, 9999)),
		    i + 1);
	ck_assert(rtd_memtable_is_full(memtable));
	rtd_memtable_unref(memtable);
}
END_TEST

struct model_entry {
	unsigned n;
	uint64_t seq;
};

static int
compare_model(const void *a, const void *b)
{
	const struct model_entry *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return x->seq > y->seq ? -1 : 1;
}

static void
expect_order(struct rt_iter *iter, struct model_entry *model, size_t count)
{
	size_t at = 0;

	qsort(model, count, sizeof(*model), compare_model);
	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter)) {
		char text[32];

		ck_assert_uint_lt(at, count);
		ck_assert(rt_slice_equal(iter->entry.key,
		    key_of(text, model[at].n)));
		ck_assert_uint_eq(iter->entry.seq, model[at].seq);
		at++;
	}
	ck_assert_uint_eq(at, count);
}

START_TEST(iteration_follows_the_order_while_it_grows)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);
	struct model_entry *model = rt_alloc(3000 * sizeof(*model));
	size_t count = 0;

	srand(7);
	for (unsigned round = 0; round < 30; round++) {
		struct rt_iter *iter;

		for (unsigned i = 0; i < 100; i++) {
			unsigned n = (unsigned)rand() % 1000;

			insert(memtable, n, count + 1, "v");
			model[count] = (struct model_entry){ n, count + 1 };
			count++;
		}
		iter = rtd_memtable_iter(memtable);
		expect_order(iter, model, count);
		rt_iter_free(iter);
	}
	free(model);
	rtd_memtable_unref(memtable);
}
END_TEST

START_TEST(seek_finds_the_first_at_or_after)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);
	struct rt_iter *iter;
	char text[32];

	for (unsigned i = 0; i < KEYS; i++) {
		insert(memtable, i * 2, i * 2 + 1, "old");
		insert(memtable, i * 2, i * 2 + 2, "new");
	}
	iter = rtd_memtable_iter(memtable);
	rt_iter_seek(iter, key_of(text, 7), RT_SEQ_MAX);
	ck_assert(iter->valid);
	ck_assert(rt_slice_equal(iter->entry.key, key_of(text, 8)));
	ck_assert_uint_eq(iter->entry.seq, 10);
	rt_iter_seek(iter, key_of(text, 8), 9);
	ck_assert_uint_eq(iter->entry.seq, 9);
	rt_iter_seek(iter, key_of(text, 9999), RT_SEQ_MAX);
	ck_assert(!iter->valid);
	rt_iter_free(iter);
	rtd_memtable_unref(memtable);
}
END_TEST

START_TEST(keys_of_any_length_are_ordered)
{
	static const char *const keys[] = { "", "a", "aaaaaaaa", "aaaaaaaab",
		"aaaaaaaabcdefgh", "aaaaaaaabcdefghi", "b" };
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);
	struct rt_iter *iter;
	size_t at = 0;

	for (size_t i = RT_COUNTOF(keys); i-- > 0;) {
		struct rt_slice key = rt_slice_cstr(keys[i]);

		rtd_memtable_insert(memtable, key, rt_hash64(key), 100 - i,
		    RT_ENTRY_PUT, rt_slice_cstr("v"));
	}
	iter = rtd_memtable_iter(memtable);
	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		ck_assert(rt_slice_equal(iter->entry.key,
		    rt_slice_cstr(keys[at++])));
	ck_assert_uint_eq(at, RT_COUNTOF(keys));
	rt_iter_free(iter);
	rtd_memtable_unref(memtable);
}
END_TEST

START_TEST(what_was_loaded_is_found_as_if_inserted)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);
	uint64_t seq = 1;

	rtd_memtable_begin_load(memtable);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned n = 0; n < KEYS; n++)
			insert(memtable, n, seq++, "value");
	/* Two versions that are in the ring together. */
	insert(memtable, 0, seq++, "last");
	insert(memtable, 0, seq++, NULL);
	rtd_memtable_end_load(memtable);
	insert(memtable, 1, seq++, "live");
	for (unsigned n = 0; n < KEYS; n++)
		for (unsigned round = 0; round < 3; round++)
			ck_assert_uint_eq(rtd_version_seq(get(memtable, n,
					      round * KEYS + n + 1)),
			    round * KEYS + n + 1);
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 0, seq)), seq - 2);
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 0, seq - 3)), seq - 3);
	ck_assert_uint_eq(rtd_version_seq(get(memtable, 1, seq)), seq - 1);
	ck_assert_uint_eq(memtable->entries, seq - 1);
	rtd_memtable_unref(memtable);
}
END_TEST

START_TEST(a_reset_memtable_is_empty_and_works)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);

	for (unsigned life = 0; life < 3; life++) {
		ck_assert(rtd_memtable_is_empty(memtable));
		ck_assert_ptr_null(get(memtable, 1, RT_SEQ_MAX));
		for (unsigned i = 0; i < 2000; i++)
			insert(memtable, i, i + 1, "v");
		rtd_memtable_drop(memtable, 3, 2001);
		ck_assert_uint_eq(rtd_memtable_drop_seq(memtable, 3), 2001);
		rtd_memtable_reset(memtable);
		ck_assert_uint_eq(rtd_memtable_drop_seq(memtable, 3), 0);
	}
	rtd_memtable_unref(memtable);
}
END_TEST

START_TEST(a_large_value_gets_memory_of_its_own)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);
	size_t len = (size_t)5 << 20;
	uint8_t *bytes = rt_alloc(len);
	struct rt_slice key = rt_slice_cstr("....sbig");
	const struct rtd_version *version;

	memset(bytes, 'x', len);
	rtd_memtable_insert(memtable, key, rt_hash64(key), 1, RT_ENTRY_PUT,
	    rt_slice(bytes, len));
	insert(memtable, 1, 2, "small");
	version = rtd_memtable_get(memtable, key, rt_hash64(key), 9);
	ck_assert(rt_slice_equal(rtd_version_entry(version).value,
	    rt_slice(bytes, len)));
	ck_assert_ptr_nonnull(get(memtable, 1, 9));
	free(bytes);
	rtd_memtable_unref(memtable);
}
END_TEST

struct racing {
	struct rtd_memtable *memtable;
	_Atomic uint64_t published;
};

static void *
read_along(void *arg)
{
	struct racing *racing = arg;
	uint64_t seen;

	do {
		struct rt_iter *iter = rtd_memtable_iter(racing->memtable);
		size_t count = 0;

		seen = atomic_load(&racing->published);
		for (unsigned i = 0; i < seen; i += 97)
			ck_assert_ptr_nonnull(get(racing->memtable, i,
			    RT_SEQ_MAX));
		for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
			count++;
		ck_assert_uint_ge(count, seen);
		for (rt_iter_seek_last(iter); iter->valid; rt_iter_prev(iter))
			count--;
		ck_assert_uint_eq(count, 0);
		rt_iter_free(iter);
	} while (seen < 9999);
	return NULL;
}

START_TEST(readers_see_all_that_was_published_before)
{
	struct racing racing = { .memtable = rtd_memtable_new(SMALL_BYTES) };
	pthread_t reader;

	pthread_create(&reader, NULL, read_along, &racing);
	for (unsigned i = 0; i < 9999; i++) {
		insert(racing.memtable, i, i + 1, "value");
		atomic_store(&racing.published, i + 1);
	}
	pthread_join(reader, NULL);
	rtd_memtable_unref(racing.memtable);
}
END_TEST

START_TEST(a_bulk_stays_where_it_is_and_counts)
{
	struct rtd_memtable *memtable = rtd_memtable_new(SMALL_BYTES);
	struct rt_bulk *bulk = rt_bulk_new(SMALL_BYTES);
	const struct rtd_version *version;
	struct rt_iter *iter;
	char text[32];
	struct rt_slice key = key_of(text, 2), value;

	bulk->data[-1] = 0;
	value = rt_slice(bulk->data - 1, bulk->len + 1);
	insert(memtable, 1, 10, "before");
	rtd_memtable_insert_bulk(memtable, key, rt_hash64(key), 11, value,
	    bulk);
	insert(memtable, 3, 12, "after");
	ck_assert_uint_eq(bulk->refs, 2);
	ck_assert(rtd_memtable_is_full(memtable));
	version = get(memtable, 2, 99);
	ck_assert(rtd_version_is_outside(version));
	ck_assert_ptr_eq(rtd_version_outside(version).bulk, bulk);
	ck_assert(rtd_version_entry(version).value.data == value.data);
	/* Who walks the arena finds the next one behind it. */
	iter = rtd_memtable_iter(memtable);
	rt_iter_seek_first(iter);
	for (uint64_t seq = 10; seq < 13; seq++) {
		ck_assert(iter->valid);
		ck_assert_uint_eq(iter->entry.seq, seq);
		ck_assert_int_eq(iter->entry.type, RT_ENTRY_PUT);
		ck_assert(seq != 11 || rt_slice_equal(iter->entry.value, value));
		rt_iter_next(iter);
	}
	ck_assert(!iter->valid);
	rt_iter_free(iter);
	rtd_memtable_reset(memtable);
	ck_assert_uint_eq(bulk->refs, 1);
	ck_assert_uint_eq(rtd_memtable_bytes(memtable), 0);
	rtd_memtable_insert_bulk(memtable, key, rt_hash64(key), 20, value,
	    bulk);
	rtd_memtable_unref(memtable);
	ck_assert_uint_eq(bulk->refs, 1);
	rt_bulk_unref(bulk);
}
END_TEST

RTT_MAIN("memtable", the_newest_version_at_a_sequence_is_found,
    many_keys_overflow_their_buckets,
    iteration_follows_the_order_while_it_grows,
    seek_finds_the_first_at_or_after, keys_of_any_length_are_ordered,
    what_was_loaded_is_found_as_if_inserted,
    a_reset_memtable_is_empty_and_works, a_large_value_gets_memory_of_its_own,
    a_bulk_stays_where_it_is_and_counts,
    readers_see_all_that_was_published_before)
