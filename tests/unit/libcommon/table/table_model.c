#include "tests/unit/libcommon/table/table_model.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"

struct rtt_random
rtt_random_new(void)
{
	const char *given = getenv("RTT_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given != NULL
	    ? strtoull(given, NULL, 0)
	    : (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
	printf("# RTT_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return (struct rtt_random){ .state = seed };
}

/* splitmix64, after Steele, Lea and Flood (2014). */
uint64_t
rtt_random_below(struct rtt_random *random, uint64_t below)
{
	uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % below;
}

/* Both halves of an entry lie in one piece of memory, the key first. */
static void
entry_free(struct rt_entry *entry)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} memory = { .in = entry->key.data };

	free(memory.out);
}

void
rtt_model_fini(struct rtt_model *model)
{
	for (size_t i = 0; i < model->count; i++)
		entry_free(&model->entries[i]);
	free(model->entries);
	*model = (struct rtt_model){ .entries = NULL };
}

void
rtt_model_add(struct rtt_model *model, struct rt_slice user_key, uint64_t seq,
    ptrdiff_t len, uint64_t expire_ms)
{
	size_t key_len = user_key.len + RT_KEY_PREFIX_BYTES, value_len = 0;
	size_t room = len < 0 ? 0 : (size_t)len;
	uint8_t *memory =
	    rt_alloc(key_len + RT_VALUE_HEADER_BYTES_MAX + room);

	rt_key_put_prefix(memory, 1, RT_KEY_KIND_STRING);
	if (user_key.len != 0)
		memcpy(memory + RT_KEY_PREFIX_BYTES, user_key.data,
		    user_key.len);
	if (len >= 0) {
		value_len = rt_value_put_header(memory + key_len, expire_ms);
		for (size_t i = 0; i < room; i++)
			memory[key_len + value_len++] =
			    (uint8_t)((seq + i / 3) * 7);
	}
	if (model->count == model->cap) {
		model->cap = model->cap == 0 ? 64 : model->cap * 2;
		model->entries = rt_realloc(model->entries,
		    model->cap * sizeof(model->entries[0]));
	}
	model->entries[model->count++] = (struct rt_entry){
		.key = rt_slice(memory, key_len),
		.seq = seq,
		.type = len < 0 ? RT_ENTRY_TOMBSTONE : RT_ENTRY_PUT,
		.value = rt_slice(memory + key_len, value_len),
	};
}

static int
compare_entries(const void *a, const void *b)
{
	const struct rt_entry *x = a, *y = b;

	return rt_key_compare(x->key, x->seq, y->key, y->seq);
}

void
rtt_model_sort(struct rtt_model *model)
{
	if (model->count != 0)
		qsort(model->entries, model->count, sizeof(model->entries[0]),
		    compare_entries);
}

size_t
rtt_model_seek(const struct rtt_model *model, struct rt_slice key,
    uint64_t seq)
{
	size_t i = 0;

	while (i < model->count &&
	    rt_key_compare(model->entries[i].key, model->entries[i].seq, key,
		seq) < 0)
		i++;
	return i;
}

size_t
rtt_model_seek_for_prev(const struct rtt_model *model, struct rt_slice key,
    uint64_t seq)
{
	size_t i = model->count;

	while (i > 0 &&
	    rt_key_compare(model->entries[i - 1].key,
		model->entries[i - 1].seq, key, seq) > 0)
		i--;
	return i - 1;
}

void
rtt_model_fill(struct rtt_model *model, struct rtt_random *random, size_t count,
    uint64_t first_seq, size_t value_bytes_max)
{
	char key[24];

	for (size_t i = 0; i < count; i++) {
		size_t len = rtt_random_below(random, sizeof(key));
		uint64_t letters = 1 + rtt_random_below(random, 4);
		ptrdiff_t value_len = -1;
		uint64_t expire_ms = 0;

		for (size_t j = 0; j < len; j++)
			key[j] = (char)('a' + rtt_random_below(random, letters));
		if (rtt_random_below(random, 8) != 0)
			value_len = (ptrdiff_t)rtt_random_below(random,
			    value_bytes_max + 1);
		if (rtt_random_below(random, 4) == 0)
			expire_ms = 1 + rtt_random_below(random, 1000000);
		rtt_model_add(model, rt_slice(key, len), first_seq + i,
		    value_len, expire_ms);
	}
	rtt_model_sort(model);
}

struct rt_table_options
rtt_table_options(enum rt_compression compression)
{
	return (struct rt_table_options){
		.block_bytes = 1024,
		.bloom_bits_per_key = 10,
		.compression = compression,
		.database_uuid = "uuid of a test",
		.unique_id = RTT_TABLE_UNIQUE_ID,
	};
}

void
rtt_model_write(const struct rtt_model *model, int dir, const char *name,
    const struct rt_table_options *options, struct rt_table_info *info)
{
	struct rt_table_writer *writer = NULL;
	struct rt_err err = { .code = RT_OK };

	ck_assert_int_eq(rt_table_writer_open(&writer, rt_fs_posix(), dir, name,
			     options, &err),
	    RT_OK);
	for (size_t i = 0; i < model->count; i++) {
		enum rt_code code =
		    rt_table_writer_add(writer, &model->entries[i], &err);

		ck_assert_msg(code == RT_OK, "add %zu: %s", i, err.text);
	}
	ck_assert_int_eq(rt_table_writer_finish(writer, info, &err), RT_OK);
}

void
rtt_entry_assert_equal(const struct rt_entry *is,
    const struct rt_entry *should)
{
	ck_assert(rt_slice_equal(is->key, should->key));
	ck_assert_uint_eq(is->seq, should->seq);
	ck_assert_int_eq(is->type, should->type);
	ck_assert(rt_slice_equal(is->value, should->value));
}

void
rtt_model_assert_iter(const struct rtt_model *model, size_t from,
    struct rt_iter *iter)
{
	for (size_t i = from; i < model->count; i++) {
		ck_assert_msg(iter->valid, "ends at entry %zu: %s", i,
		    iter->err.text);
		rtt_entry_assert_equal(&iter->entry, &model->entries[i]);
		rt_iter_next(iter);
	}
	ck_assert(!iter->valid);
	ck_assert_int_eq(iter->code, RT_OK);
}

/* A place near one of the entries; its key is put into memory. */
static struct rt_slice
draw_place(const struct rtt_model *model, struct rtt_random *random,
    struct rt_buf *memory, uint64_t *seq)
{
	rt_buf_clear(memory);
	*seq = rtt_random_below(random, 2) != 0 ? RT_SEQ_MAX : 0;
	if (model->count == 0) {
		rt_buf_append(memory, "\0\0\0\1sx", 6);
	} else {
		const struct rt_entry *entry =
		    &model->entries[rtt_random_below(random, model->count)];

		rt_buf_append_slice(memory, entry->key);
		rt_assert(memory->data != NULL);
		if (rtt_random_below(random, 2) != 0)
			*seq = entry->seq - 1 + rtt_random_below(random, 3);
		if (rtt_random_below(random, 8) == 0)
			memory->data[memory->len - 1] ^= 2;
		else if (rtt_random_below(random, 8) == 0)
			memory->len--;
	}
	return rt_buf_slice(memory);
}

/* Where in the model it leads to; the count or above when to nothing. */
static size_t
seek_at_random(const struct rtt_model *model, struct rt_iter *iter,
    struct rtt_random *random, struct rt_buf *memory)
{
	struct rt_slice key;
	uint64_t seq;

	switch (rtt_random_below(random, 6)) {
	case 0:
		rt_iter_seek_first(iter);
		return 0;
	case 1:
		rt_iter_seek_last(iter);
		return model->count - 1;
	case 2:
	case 3:
		key = draw_place(model, random, memory, &seq);
		rt_iter_seek(iter, key, seq);
		return rtt_model_seek(model, key, seq);
	default:
		key = draw_place(model, random, memory, &seq);
		rt_iter_seek_for_prev(iter, key, seq);
		return rtt_model_seek_for_prev(model, key, seq);
	}
}

void
rtt_model_walk(const struct rtt_model *model, struct rt_iter *iter,
    struct rtt_random *random, size_t steps)
{
	struct rt_buf memory = { 0 };
	size_t at = SIZE_MAX, until_seek = 0, until_turn = 0;
	bool backward = false;

	for (size_t i = 0; i < steps; i++) {
		if (at >= model->count || until_seek == 0) {
			at = seek_at_random(model, iter, random, &memory);
			until_seek = rtt_random_below(random, 60);
			until_turn = 0;
		} else {
			if (until_turn == 0) {
				backward = !backward;
				until_turn = 1 + rtt_random_below(random,
				    rtt_random_below(random, 2) != 0 ? 3 : 40);
			}
			if (backward)
				rt_iter_prev(iter);
			else
				rt_iter_next(iter);
			at += backward ? (size_t)-1 : 1;
			until_seek--;
			until_turn--;
		}
		ck_assert_msg(iter->code == RT_OK, "%s", iter->err.text);
		ck_assert_msg(iter->valid == (at < model->count),
		    "step %zu: at entry %zd of %zu", i, (ssize_t)at,
		    model->count);
		if (iter->valid)
			rtt_entry_assert_equal(&iter->entry,
			    &model->entries[at]);
	}
	rt_buf_fini(&memory);
}

struct model_iter {
	struct rt_iter base;
	const struct rtt_model *model;
	size_t at;
	size_t fail_at;
};

static void
model_show(struct model_iter *iter)
{
	iter->base.code = RT_OK;
	iter->base.valid = iter->at < iter->model->count;
	if (iter->base.valid && iter->at >= iter->fail_at) {
		iter->base.valid = false;
		iter->base.code = rt_err_set(&iter->base.err, RT_EIO,
		    "fails at %zu", iter->fail_at);
	}
	if (iter->base.valid)
		iter->base.entry = iter->model->entries[iter->at];
}

static void
model_seek_first(struct rt_iter *base)
{
	struct model_iter *iter = (struct model_iter *)base;

	iter->at = 0;
	model_show(iter);
}

static void
model_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct model_iter *iter = (struct model_iter *)base;

	iter->at = rtt_model_seek(iter->model, key, seq);
	model_show(iter);
}

static void
model_seek_last(struct rt_iter *base)
{
	struct model_iter *iter = (struct model_iter *)base;

	iter->at = iter->model->count - 1;
	model_show(iter);
}

static void
model_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct model_iter *iter = (struct model_iter *)base;

	iter->at = rtt_model_seek_for_prev(iter->model, key, seq);
	model_show(iter);
}

static void
model_prev(struct rt_iter *base)
{
	struct model_iter *iter = (struct model_iter *)base;

	iter->at--;
	model_show(iter);
}

static void
model_next(struct rt_iter *base)
{
	struct model_iter *iter = (struct model_iter *)base;

	iter->at++;
	model_show(iter);
}

static void
model_free(struct rt_iter *base)
{
	free(base);
}

struct rt_iter *
rtt_model_iter(const struct rtt_model *model, size_t fail_at)
{
	static const struct rt_iter_ops ops = {
		.seek_first = model_seek_first,
		.seek_last = model_seek_last,
		.seek = model_seek,
		.seek_for_prev = model_seek_for_prev,
		.next = model_next,
		.prev = model_prev,
		.free = model_free,
	};
	struct model_iter *iter = rt_alloc_zero(1, sizeof(*iter));

	iter->base.ops = &ops;
	iter->model = model;
	iter->fail_at = fail_at;
	return &iter->base;
}
