/* What an EXEC has written, over the fake engine: held against an array of
 * what there must be. */
#include "riptided/cmd/pending.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/table/value.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

#define KEYS 24
#define NOW_MS 1000

static struct rtd_engine *engine;
static struct rtd_reader *reader;
static struct rtd_pending pending;
static int wanted[KEYS];	/* value of each key; 0: not there */

static struct rt_slice
key_of(size_t i, char out[8])
{
	return rt_slice(out, (size_t)snprintf(out, 8, "k%02zu", i));
}

static void
begin(void)
{
	engine = rtt_fake_engine_new();
	reader = rtd_reader_new(engine);
	pending = (struct rtd_pending){ 0 };
	memset(wanted, 0, sizeof(wanted));
}

static void
end(void)
{
	rtd_pending_fini(&pending);
	rtd_reader_free(reader);
	rtt_fake_engine_free(engine);
}

static void
put(struct rtd_write_batch *batch, uint32_t keyspace, size_t i, int value,
    uint64_t expire_ms)
{
	char key[8], text[16];

	rtd_write_batch_put(batch, keyspace, key_of(i, key),
	    rt_slice(text, (size_t)snprintf(text, sizeof(text), "%d", value)),
	    expire_ms);
}

/* What a batch of its own does to keyspace 0, here and in `wanted`. */
static void
draw(struct rtd_write_batch *batch, int value)
{
	size_t i = (size_t)rand() % KEYS;
	char key[8];

	switch (rand() % 20) {
	case 0:
		rtd_write_batch_drop(batch, 0);
		memset(wanted, 0, sizeof(wanted));
		break;
	case 1:
		put(batch, 0, i, value, NOW_MS);	/* has ended */
		wanted[i] = 0;
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		rtd_write_batch_delete(batch, 0, key_of(i, key));
		wanted[i] = 0;
		break;
	case 6:
		put(batch, 1, i, value, RT_NO_EXPIRY);
		break;
	default:
		put(batch, 0, i, value, rand() % 2 == 0 ? RT_NO_EXPIRY :
		    NOW_MS + 1);
		wanted[i] = value;
		break;
	}
}

static void
check_gets(const struct rtd_read *read)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct rtd_value value = { 0 };
		char key[8], text[16];
		enum rt_code code;

		if (!rtd_pending_get(&pending, read, key_of(i, key), &value,
			&code))
			code = rtd_reader_get(reader, read, key_of(i, key),
			    &value, NULL);
		ck_assert_int_eq(code, wanted[i] != 0 ? RT_OK : RT_ENOTFOUND);
		if (code != RT_OK)
			continue;
		snprintf(text, sizeof(text), "%d", wanted[i]);
		ck_assert(rt_slice_equal(value.bytes, rt_slice_cstr(text)));
	}
}

/* The next key that is there from i on, in steps; KEYS: none. */
static size_t
there_from(size_t i, int step)
{
	while (i < KEYS && wanted[i] == 0)
		i += (size_t)step;
	return i < KEYS ? i : KEYS;
}

static void
check_at(const struct rt_iter *iter, size_t i)
{
	char key[8], text[16];
	struct rt_slice bytes;
	uint64_t expire_ms;

	ck_assert_int_eq(iter->code, RT_OK);
	ck_assert(iter->valid == (i != KEYS));
	if (i == KEYS)
		return;
	ck_assert(rt_slice_equal(rt_key_user(iter->entry.key),
	    key_of(i, key)));
	ck_assert(rt_value_decode(iter->entry.value, &expire_ms, &bytes));
	snprintf(text, sizeof(text), "%d", wanted[i]);
	ck_assert(rt_slice_equal(bytes, rt_slice_cstr(text)));
}

static void
check_walks(const struct rtd_read *read)
{
	struct rt_iter *iter = rtd_pending_iter(&pending, read,
	    rtd_reader_iter(reader, read, NULL));
	uint8_t store[RT_STORE_KEY_BYTES_MAX];
	size_t i;
	char key[8];

	rt_iter_seek_first(iter);
	for (i = there_from(0, 1); i != KEYS; i = there_from(i + 1, 1)) {
		check_at(iter, i);
		rt_iter_next(iter);
	}
	check_at(iter, KEYS);
	rt_iter_seek_last(iter);
	for (i = there_from(KEYS - 1, -1); i != KEYS;
	     i = there_from(i - 1, -1)) {
		check_at(iter, i);
		rt_iter_prev(iter);
	}
	check_at(iter, KEYS);
	rt_key_put_prefix(store, 0, RT_KEY_KIND_STRING);
	for (int turn = 0; turn < 30; turn++) {
		size_t place = (size_t)rand() % KEYS;
		bool backward = rand() % 2 == 0;
		struct rt_slice user = key_of(place, key);

		memcpy(store + RT_KEY_PREFIX_BYTES, user.data, user.len);
		if (backward)
			rt_iter_seek_for_prev(iter, rt_slice(store,
			    RT_KEY_PREFIX_BYTES + user.len), 0);
		else
			rt_iter_seek(iter, rt_slice(store,
			    RT_KEY_PREFIX_BYTES + user.len), RT_SEQ_MAX);
		i = there_from(place, backward ? -1 : 1);
		check_at(iter, i);
		/* To and fro. */
		for (int step = 0; step < 6 && i != KEYS; step++) {
			backward = rand() % 2 == 0;
			if (backward)
				rt_iter_prev(iter);
			else
				rt_iter_next(iter);
			i = there_from(i + (backward ? (size_t)-1 : 1),
			    backward ? -1 : 1);
			check_at(iter, i);
		}
	}
	rt_iter_free(iter);
}

static void
check_count(const struct rtd_read *read)
{
	struct rtd_counting *counting;
	struct rtd_count count;
	uint64_t seq, keys = 0;

	for (size_t i = 0; i < KEYS; i++)
		keys += wanted[i] != 0;
	counting = rtd_reader_counting(reader, NULL, &seq);
	ck_assert_int_eq(rtd_counting_run(counting, read, true, &count, NULL),
	    RT_OK);
	ck_assert_int_eq(rtd_pending_count(&pending, reader, read, &count.keys,
	    NULL), RT_OK);
	ck_assert_uint_eq(count.keys, keys);
	rtd_counting_free(counting);
}

START_TEST(it_lies_over_the_engine_and_goes_to_it_whole)
{
	const struct rtd_read read = { .keyspace = 0, .now_ms = NOW_MS };
	struct rtd_write_batch batch = { 0 };
	uint64_t seq;

	for (int round = 0; round < 60; round++) {
		begin();
		for (int i = 0; i < 15; i++)
			draw(&batch, 1 + i);
		ck_assert_int_eq(rtd_engine_write(engine, &batch, &seq, NULL),
		    RT_OK);
		rtd_write_batch_clear(&batch);
		for (int part = 0; part < 12; part++) {
			for (int i = rand() % 3; i >= 0; i--)
				draw(&batch, 100 + part * 4 + i);
			rtd_pending_add(&pending, engine, &batch);
			ck_assert_uint_eq(batch.count, 0);
			check_gets(&read);
			check_walks(&read);
			check_count(&read);
		}
		/* And when it has gone to the engine there is the same. */
		rtd_pending_take(&pending, &batch);
		ck_assert_int_eq(rtd_engine_write(engine, &batch, &seq, NULL),
		    RT_OK);
		rtd_write_batch_fini(&batch);
		check_gets(&read);
		check_walks(&read);
		end();
	}
}
END_TEST

START_TEST(bytes_that_were_found_do_not_move)
{
	const struct rtd_read read = { .keyspace = 0, .now_ms = NOW_MS };
	struct rtd_write_batch batch = { 0 };
	struct rtd_value first = { 0 };
	enum rt_code code;
	char key[8];

	begin();
	put(&batch, 0, 1, 4711, RT_NO_EXPIRY);
	rtd_pending_add(&pending, engine, &batch);
	ck_assert(rtd_pending_get(&pending, &read, key_of(1, key), &first,
	    &code));
	for (int i = 0; i < 1000; i++) {
		put(&batch, 0, 1, i, RT_NO_EXPIRY);
		rtd_pending_add(&pending, engine, &batch);
	}
	ck_assert(rt_slice_equal(first.bytes, rt_slice_cstr("4711")));
	end();
}
END_TEST

START_TEST(databases_are_swapped_within_it)
{
	struct rtd_write_batch batch = { 0 };

	begin();
	ck_assert_uint_eq(rtd_pending_keyspace(&pending, engine, 3), 3);
	rtd_write_batch_swap(&batch, 3, 5);
	rtd_write_batch_swap(&batch, 5, 7);
	rtd_pending_add(&pending, engine, &batch);
	ck_assert_uint_eq(rtd_pending_keyspace(&pending, engine, 3), 5);
	ck_assert_uint_eq(rtd_pending_keyspace(&pending, engine, 5), 7);
	ck_assert_uint_eq(rtd_pending_keyspace(&pending, engine, 7), 3);
	ck_assert_uint_eq(rtd_engine_keyspace(engine, 3), 3);
	end();
}
END_TEST

RTT_MAIN("pending", it_lies_over_the_engine_and_goes_to_it_whole,
    bytes_that_were_found_do_not_move, databases_are_swapped_within_it)
