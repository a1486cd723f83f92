/* The content of data blocks, whole and broken. */
#include "libcommon/table/block_iter.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/hash.h"
#include "libcommon/table/block_builder.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

static void
build(struct rt_block_builder *builder, const struct rtt_model *model)
{
	struct rt_slice last = rt_slice(NULL, 0);

	rt_block_builder_reset(builder);
	for (size_t i = 0; i < model->count; i++) {
		const struct rt_entry *entry = &model->entries[i];

		rt_block_builder_add(builder, entry,
		    rt_slice_shared_prefix(last, entry->key),
		    rt_hash64(entry->key));
		last = entry->key;
	}
	rt_block_builder_finish(builder);
}

static enum rt_block_result
find(const struct rt_block *block, struct rt_slice key, uint64_t seq,
    struct rt_entry *out)
{
	return rt_block_find(block, key, rt_hash64(key), seq, out);
}

static void
assert_found(const struct rt_block *block, const struct rtt_model *model,
    struct rt_slice key, uint64_t seq)
{
	size_t i = rtt_model_seek(model, key, seq);
	struct rt_entry found;

	if (i == model->count || !rt_slice_equal(model->entries[i].key, key)) {
		ck_assert_int_eq(find(block, key, seq, &found), RT_BLOCK_END);
		return;
	}
	ck_assert_int_eq(find(block, key, seq, &found), RT_BLOCK_FOUND);
	found.key = key;
	rtt_entry_assert_equal(&found, &model->entries[i]);
}

START_TEST(blocks_read_back)
{
	struct rtt_random random = rtt_random_new();
	struct rt_block_builder builder = { .entries = 0 };

	for (size_t round = 0; round < 60; round++) {
		struct rt_block_iter iter = { .at = NULL };
		struct rtt_model model = { .count = 0 };
		struct rt_block block;

		rtt_model_fill(&model, &random,
		    1 + rtt_random_below(&random, 200), 1000, 30);
		build(&builder, &model);
		ck_assert(
		    rt_block_init(&block, rt_buf_slice(&builder.data)));
		ck_assert(rt_block_verify(&block));
		rt_block_iter_begin(&iter, &block, false);
		for (size_t i = 0; i < model.count; i++) {
			const struct rt_entry *entry = &model.entries[i];

			ck_assert_int_eq(rt_block_iter_next(&iter),
			    RT_BLOCK_FOUND);
			rtt_entry_assert_equal(&iter.entry, entry);
			assert_found(&block, &model, entry->key, entry->seq);
			assert_found(&block, &model, entry->key,
			    entry->seq - 1);
			assert_found(&block, &model, entry->key, RT_SEQ_MAX);
			assert_found(&block, &model,
			    rt_slice(entry->key.data, entry->key.len - 1),
			    RT_SEQ_MAX);
		}
		ck_assert_int_eq(rt_block_iter_next(&iter), RT_BLOCK_END);
		rt_block_iter_fini(&iter);
		rtt_model_fini(&model);
	}
	rt_block_builder_fini(&builder);
}
END_TEST

/* A block as an iterator, for rtt_model_walk(). */
struct whole_block {
	struct rt_iter base;
	struct rt_block block;
	struct rt_block_iter entries;
};

static void
show(struct whole_block *whole, enum rt_block_result result)
{
	whole->base.valid = result == RT_BLOCK_FOUND;
	whole->base.code = result == RT_BLOCK_BAD ? RT_EDAMAGED : RT_OK;
	whole->base.entry = whole->entries.entry;
}

static void
whole_seek_first(struct rt_iter *base)
{
	struct whole_block *whole = (struct whole_block *)base;

	rt_block_iter_begin(&whole->entries, &whole->block, false);
	show(whole, rt_block_iter_next(&whole->entries));
}

static void
whole_seek_last(struct rt_iter *base)
{
	struct whole_block *whole = (struct whole_block *)base;

	rt_block_iter_begin_end(&whole->entries, &whole->block, false);
	show(whole, rt_block_iter_prev(&whole->entries));
}

static void
whole_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct whole_block *whole = (struct whole_block *)base;

	rt_block_iter_begin(&whole->entries, &whole->block, false);
	show(whole, rt_block_iter_seek(&whole->entries, key, seq));
}

static void
whole_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct whole_block *whole = (struct whole_block *)base;

	rt_block_iter_begin(&whole->entries, &whole->block, false);
	show(whole, rt_block_iter_seek_for_prev(&whole->entries, key, seq));
}

static void
whole_next(struct rt_iter *base)
{
	struct whole_block *whole = (struct whole_block *)base;

	show(whole, rt_block_iter_next(&whole->entries));
}

static void
whole_prev(struct rt_iter *base)
{
	struct whole_block *whole = (struct whole_block *)base;

	show(whole, rt_block_iter_prev(&whole->entries));
}

static const struct rt_iter_ops whole_ops = {
	.seek_first = whole_seek_first,
	.seek_last = whole_seek_last,
	.seek = whole_seek,
	.seek_for_prev = whole_seek_for_prev,
	.next = whole_next,
	.prev = whole_prev,
};

START_TEST(blocks_are_walked_both_ways)
{
	struct rtt_random random = rtt_random_new();
	struct rt_block_builder builder = { .entries = 0 };

	for (size_t round = 0; round < 100; round++) {
		struct whole_block whole = { .base.ops = &whole_ops };
		struct rtt_model model = { .count = 0 };

		rtt_model_fill(&model, &random,
		    1 + rtt_random_below(&random, round < 20 ? 5 : 200), 1000,
		    30);
		build(&builder, &model);
		ck_assert(rt_block_init(&whole.block,
		    rt_buf_slice(&builder.data)));
		rtt_model_walk(&model, &whole.base, &random, 2000);
		rt_block_iter_fini(&whole.entries);
		rtt_model_fini(&model);
	}
	rt_block_builder_fini(&builder);
}
END_TEST

START_TEST(blocks_too_large_for_buckets_read_back)
{
	struct rt_block_builder builder = { .entries = 0 };
	struct rtt_model model = { .count = 0 };
	struct rt_block block;

	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t key = htobe32(i * 3);

		rtt_model_add(&model, rt_slice(&key, 4), i + 1, 1, 0);
	}
	build(&builder, &model);
	ck_assert(rt_block_init(&block, rt_buf_slice(&builder.data)));
	ck_assert_uint_eq(block.buckets_count, 0);
	ck_assert(rt_block_verify(&block));
	for (size_t i = 0; i < model.count; i++)
		assert_found(&block, &model, model.entries[i].key,
		    RT_SEQ_MAX);
	rtt_model_fini(&model);
	rt_block_builder_fini(&builder);
}
END_TEST

START_TEST(versions_of_a_key_cost_few_bytes)
{
	struct rt_block_builder builder = { .entries = 0 };
	struct rtt_model model = { .count = 0 };
	char key[200] = { 'k' };

	for (uint64_t seq = 1; seq <= 16; seq++)
		rtt_model_add(&model, rt_slice(key, sizeof(key)), seq, 0, 0);
	rtt_model_sort(&model);
	build(&builder, &model);
	/* One whole key, and for each version five or six bytes of its own. */
	ck_assert_uint_lt(builder.data.len, 2 * sizeof(key) + 16 * 7 + 40);
	rtt_model_fini(&model);
	rt_block_builder_fini(&builder);
}
END_TEST

/* Whatever the bytes are, reading stays inside them: the sanitizers watch. */
static void
read_everything(const uint8_t *data, size_t len, const struct rtt_model *model)
{
	struct rt_block_iter iter = { .at = NULL };
	struct rt_block block;
	struct rt_entry found;
	uint8_t *copy = malloc(len + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	if (rt_block_init(&block, rt_slice(copy, len))) {
		rt_block_iter_begin(&iter, &block, false);
		while (rt_block_iter_next(&iter) == RT_BLOCK_FOUND) {
		}
		rt_block_iter_begin_end(&iter, &block, false);
		while (rt_block_iter_prev(&iter) == RT_BLOCK_FOUND) {
		}
		for (size_t i = 0; i < model->count; i += 7) {
			find(&block, model->entries[i].key, RT_SEQ_MAX, &found);
			rt_block_iter_begin(&iter, &block, false);
			rt_block_iter_seek(&iter, model->entries[i].key, 3);
			rt_block_iter_seek_for_prev(&iter,
			    model->entries[i].key, 3);
		}
		rt_block_verify(&block);
	}
	rt_block_iter_fini(&iter);
	free(copy);
}

START_TEST(broken_blocks_are_read_safely)
{
	struct rtt_random random = rtt_random_new();
	struct rt_block_builder builder = { .entries = 0 };
	struct rtt_model model = { .count = 0 };

	rtt_model_fill(&model, &random, 40, 1, 20);
	build(&builder, &model);
	for (size_t len = 0; len < builder.data.len; len++)
		read_everything(builder.data.data, len, &model);
	for (size_t bit = 0; bit < builder.data.len * 8; bit++) {
		builder.data.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		read_everything(builder.data.data, builder.data.len, &model);
		builder.data.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t round = 0; round < 3000; round++) {
		size_t at = rtt_random_below(&random, builder.data.len);
		uint8_t was = builder.data.data[at];

		builder.data.data[at] = (uint8_t)rtt_random_below(&random, 256);
		read_everything(builder.data.data, builder.data.len, &model);
		builder.data.data[at] = was;
	}
	rtt_model_fini(&model);
	rt_block_builder_fini(&builder);
}
END_TEST

START_TEST(entries_out_of_order_are_told)
{
	struct rt_block_builder builder = { .entries = 0 };

	for (size_t swapped = 0; swapped + 1 < 40; swapped++) {
		struct rt_block_iter iter = { .at = NULL };
		struct rtt_model model = { .count = 0 };
		struct rt_block block;
		enum rt_block_result result;
		struct rt_entry entry;

		for (uint64_t i = 0; i < 40; i++) {
			uint8_t key = (uint8_t)('a' + i / 2);

			rtt_model_add(&model, rt_slice(&key, 1), i + 1, 3, 0);
		}
		rtt_model_sort(&model);
		entry = model.entries[swapped];
		model.entries[swapped] = model.entries[swapped + 1];
		model.entries[swapped + 1] = entry;
		build(&builder, &model);
		ck_assert(
		    rt_block_init(&block, rt_buf_slice(&builder.data)));
		rt_block_iter_begin(&iter, &block, false);
		do {
			result = rt_block_iter_next(&iter);
		} while (result == RT_BLOCK_FOUND);
		ck_assert_int_eq(result, RT_BLOCK_BAD);
		rt_block_iter_begin_end(&iter, &block, false);
		do {
			result = rt_block_iter_prev(&iter);
		} while (result == RT_BLOCK_FOUND);
		ck_assert_int_eq(result, RT_BLOCK_BAD);
		ck_assert(!rt_block_verify(&block));
		rt_block_iter_fini(&iter);
		rtt_model_fini(&model);
	}
	rt_block_builder_fini(&builder);
}
END_TEST

/* Keys of 0 to 150 random bytes of two kinds, each with one or two versions. */
static void
fill_lengths(struct rtt_model *model, struct rtt_random *random)
{
	size_t keys = 1 + rtt_random_below(random, 80);

	for (size_t i = 0; i < keys; i++) {
		size_t len = rtt_random_below(random, 150), versions;
		uint8_t key[150];

		for (size_t j = 0; j < len; j++)
			key[j] = rtt_random_below(random, 12) == 0;
		versions = 1 + rtt_random_below(random, 2);
		for (size_t j = 0; j < versions; j++)
			rtt_model_add(model, rt_slice(key, len),
			    1 + model->count, (ptrdiff_t)
				rtt_random_below(random, 40), 0);
	}
	rtt_model_sort(model);
}

START_TEST(keys_of_any_length_are_put_together)
{
	struct rtt_random random = rtt_random_new();
	struct rt_block_builder builder = { .entries = 0 };

	for (size_t round = 0; round < 300; round++) {
		struct rt_block_iter iter = { .at = NULL };
		struct rtt_model model = { .count = 0 };
		struct rt_block_check check = { 0 };
		struct rt_block block;

		fill_lengths(&model, &random);
		build(&builder, &model);
		ck_assert(rt_block_init(&block, rt_buf_slice(&builder.data)));
		rt_block_iter_begin(&iter, &block, false);
		for (size_t i = 0; i < model.count; i++) {
			const struct rt_entry *entry = &model.entries[i];

			ck_assert_int_eq(rt_block_iter_next(&iter),
			    RT_BLOCK_FOUND);
			rtt_entry_assert_equal(&iter.entry, entry);
			ck_assert_int_eq(iter.repeats, i != 0 &&
			    rt_slice_equal(entry->key, entry[-1].key));
			ck_assert(rt_block_check_entry(&check, &iter,
			    rt_hash64(entry->key)));
		}
		ck_assert_int_eq(rt_block_iter_next(&iter), RT_BLOCK_END);
		ck_assert(rt_block_check_end(&check, &iter));
		rt_block_iter_fini(&iter);
		rtt_model_fini(&model);
	}
	rt_block_builder_fini(&builder);
}
END_TEST

RTT_MAIN("block", blocks_read_back, keys_of_any_length_are_put_together,
    blocks_are_walked_both_ways, blocks_too_large_for_buckets_read_back,
    versions_of_a_key_cost_few_bytes,
    broken_blocks_are_read_safely, entries_out_of_order_are_told)
