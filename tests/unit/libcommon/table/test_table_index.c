#include "libcommon/table/table_index.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_index_builder.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

#define BLOCKS_MAX 400
#define DATA_FROM 1000

/* Blocks of one entry each, as a writer would tell of them. */
struct fixture {
	struct rtt_random random;
	struct rtt_model model;
	struct rt_table_index_builder builder;
	uint64_t offsets[BLOCKS_MAX + 1];
};

static void
fixture_build(struct fixture *fixture)
{
	struct rtt_model *model = &fixture->model;

	rtt_model_sort(model);
	for (size_t i = 0; i < model->count; i++) {
		const struct rt_entry *entry = &model->entries[i];
		bool is_last = i + 1 == model->count;
		uint64_t stored = 1 + rtt_random_below(&fixture->random, 9000);

		rt_table_index_builder_add(&fixture->builder, stored,
		    entry->key, entry->seq,
		    is_last ? rt_slice(NULL, 0) : entry[1].key,
		    is_last ? 0 : entry[1].seq);
		fixture->offsets[i + 1] =
		    fixture->offsets[i] + stored + RT_BLOCK_TRAILER_BYTES;
	}
}

static void
fixture_fini(struct fixture *fixture)
{
	rt_table_index_builder_fini(&fixture->builder);
	rtt_model_fini(&fixture->model);
}

/* Each block is found by its own entry, whether asked for among all things or
 * only among those from `before` on. */
static void
assert_blocks_found(struct fixture *fixture, const struct rt_table_index *index,
    size_t before)
{
	for (size_t i = 0; i < fixture->model.count; i++) {
		const struct rt_entry *entry = &fixture->model.entries[i];
		size_t found =
		    rt_table_index_find(index, entry->key, entry->seq);
		size_t should = i < before ? 0 : i - before;

		should = should > index->count ? index->count : should;
		ck_assert_uint_eq(found, should);
		for (size_t j = 0; j < index->count; j += 1 + j / 4)
			ck_assert_int_eq(rt_table_index_compare(index, j,
					     entry->key, entry->seq) >= 0,
			    j >= found);
	}
	for (size_t j = 0; j < index->count; j++) {
		ck_assert_uint_eq(rt_table_index_offset(index, j),
		    fixture->offsets[before + j]);
		ck_assert_uint_eq(rt_table_index_size(index, j) +
			RT_BLOCK_TRAILER_BYTES,
		    fixture->offsets[before + j + 1] -
			fixture->offsets[before + j]);
	}
}

static void
assert_one_level(struct fixture *fixture)
{
	struct rt_buf section = { 0 };
	struct rt_table_index *index = NULL;

	ck_assert_int_eq(
	    rt_table_index_builder_finish(&fixture->builder, &section, NULL),
	    RT_OK);
	ck_assert_int_eq(rt_table_index_load(&index, rt_buf_slice(&section), 0,
			     fixture->offsets[fixture->model.count], NULL),
	    RT_OK);
	ck_assert_uint_eq(index->blocks, fixture->model.count);
	assert_blocks_found(fixture, index, 0);
	free(index);
	rt_buf_fini(&section);
}

/* Sections of partitions, and of their top. */
struct levels {
	struct rt_buf parts[BLOCKS_MAX];
	size_t count;
	struct rt_buf top;
	uint64_t data_bytes;
	uint64_t end;
};

static void
levels_build(struct levels *levels, struct fixture *fixture, uint64_t blocks)
{
	struct rt_table_index_splitter splitter;
	uint64_t offset;

	*levels = (struct levels){
		.data_bytes = fixture->offsets[fixture->model.count],
	};
	levels->end = offset = levels->data_bytes + DATA_FROM;
	rt_table_index_splitter_init(&splitter, &fixture->builder, blocks);
	while (rt_table_index_splitter_next(&splitter,
	    &levels->parts[levels->count])) {
		size_t stored = levels->parts[levels->count++].len;

		rt_table_index_splitter_stored(&splitter, stored);
		levels->end += stored + RT_BLOCK_TRAILER_BYTES;
	}
	ck_assert_int_eq(rt_table_index_splitter_finish(&splitter, offset,
			     &levels->top, NULL),
	    RT_OK);
	rt_table_index_splitter_fini(&splitter);
}

static void
levels_fini(struct levels *levels)
{
	for (size_t i = 0; i < RT_COUNTOF(levels->parts); i++)
		rt_buf_fini(&levels->parts[i]);
	rt_buf_fini(&levels->top);
}

static struct rt_table_index *
load_top(const struct levels *levels)
{
	struct rt_table_index *top = NULL;

	ck_assert_int_eq(rt_table_index_load_top(&top,
			     rt_buf_slice(&levels->top), levels->data_bytes,
			     levels->end, NULL),
	    RT_OK);
	return top;
}

static void
assert_two_levels(struct fixture *fixture, uint64_t blocks)
{
	struct rt_table_index *top;
	struct levels levels;

	levels_build(&levels, fixture, blocks);
	top = load_top(&levels);
	ck_assert_uint_eq(top->count, levels.count);
	ck_assert_uint_eq(top->blocks, fixture->model.count);
	for (size_t i = 0; i < fixture->model.count; i++) {
		const struct rt_entry *entry = &fixture->model.entries[i];

		ck_assert_uint_eq(
		    rt_table_index_find(top, entry->key, entry->seq),
		    i / blocks);
	}
	for (size_t i = 0; i < top->count; i++) {
		struct rt_table_index *part = NULL;

		ck_assert_uint_eq(rt_table_index_size(top, i),
		    levels.parts[i].len);
		ck_assert_int_eq(rt_table_index_load_part(&part,
				     rt_buf_slice(&levels.parts[i]), top, i,
				     NULL),
		    RT_OK);
		assert_blocks_found(fixture, part, i * blocks);
		free(part);
	}
	free(top);
	levels_fini(&levels);
}

START_TEST(blocks_of_random_keys_are_found)
{
	struct rtt_random random = rtt_random_new();

	for (unsigned round = 0; round < 40; round++) {
		struct fixture fixture = { .random = random };

		rtt_model_fill(&fixture.model, &fixture.random,
		    1 + rtt_random_below(&fixture.random, BLOCKS_MAX), 1, 0);
		fixture_build(&fixture);
		assert_one_level(&fixture);
		assert_two_levels(&fixture, 1);
		assert_two_levels(&fixture,
		    2 + rtt_random_below(&fixture.random, 30));
		random = fixture.random;
		fixture_fini(&fixture);
	}
}
END_TEST

/* Keys whose prefixes double from one to the next, or stand together but for a
 * few: a guess in between is always wrong. */
START_TEST(skewed_keys_are_found)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		struct fixture fixture = { .random = { .state = kind } };

		for (uint64_t i = 0; i < BLOCKS_MAX; i++) {
			uint64_t prefix = kind == 0 ? UINT64_C(1) << i % 64
			    : kind == 1             ? i
						    : UINT64_MAX - i;
			uint8_t key[10] = { 0 };

			if (kind == 1 && i + 1 == BLOCKS_MAX)
				prefix = UINT64_MAX;
			if (kind == 2 && i + 1 == BLOCKS_MAX)
				prefix = 0;
			for (unsigned j = 0; j < 8; j++)
				key[j] = (uint8_t)(prefix >> (56 - 8 * j));
			key[8] = (uint8_t)(i / 64);
			rtt_model_add(&fixture.model, rt_slice(key, 8 + i % 3),
			    i + 1, 0, 0);
		}
		fixture_build(&fixture);
		assert_one_level(&fixture);
		assert_two_levels(&fixture, 64);
		fixture_fini(&fixture);
	}
}
END_TEST

START_TEST(keys_that_end_in_zeros_stay_apart)
{
	struct fixture fixture = { .random = { .state = 1 } };
	static const uint8_t zeros[20];

	/* In the prefix all of them are the same. */
	for (size_t len = 0; len <= sizeof(zeros); len++)
		for (uint64_t version = 0; version < 3; version++)
			rtt_model_add(&fixture.model, rt_slice(zeros, len),
			    1 + len * 3 + version, 0, 0);
	fixture_build(&fixture);
	assert_one_level(&fixture);
	assert_two_levels(&fixture, 2);
	assert_two_levels(&fixture, 7);
	fixture_fini(&fixture);
}
END_TEST

START_TEST(a_partition_in_the_wrong_place_is_refused)
{
	struct fixture fixture = { .random = { .state = 7 } };
	struct rt_table_index *top;
	struct levels levels;

	rtt_model_fill(&fixture.model, &fixture.random, 60, 1, 0);
	fixture_build(&fixture);
	levels_build(&levels, &fixture, 5);
	top = load_top(&levels);
	for (size_t i = 0; i < top->count; i++)
		for (size_t j = 0; j < top->count; j++) {
			struct rt_table_index *part = NULL;

			ck_assert_int_eq(rt_table_index_load_part(&part,
					     rt_buf_slice(&levels.parts[j]),
					     top, i, NULL),
			    i == j ? RT_OK : RT_EDAMAGED);
			free(part);
		}
	free(top);
	levels_fini(&levels);
	fixture_fini(&fixture);
}
END_TEST

/* Below a checksum: what is cut or changed is an error or still an index in
 * order, never a read outside of it. */
START_TEST(forged_sections_are_refused_or_in_order)
{
	struct fixture fixture = { .random = rtt_random_new() };
	unsigned refused = 0;
	struct levels levels;

	rtt_model_fill(&fixture.model, &fixture.random, 60, 1, 0);
	fixture_build(&fixture);
	levels_build(&levels, &fixture, 5);
	for (size_t i = 0; i < levels.top.len * 8; i++) {
		struct rt_slice section = rt_buf_slice(&levels.top);
		struct rt_table_index *top = NULL;

		levels.top.data[i / 8] ^= (uint8_t)(1 << i % 8);
		section.len -= i % 5 == 0 ? i % section.len : 0;
		if (rt_table_index_load_top(&top, section, levels.data_bytes,
			levels.end, NULL) == RT_OK)
			for (size_t j = 0; j < fixture.model.count; j++) {
				struct rt_slice key =
				    fixture.model.entries[j].key;
				size_t found = rt_table_index_find(top, key, 0);

				ck_assert_uint_le(found, top->count);
				ck_assert(found == top->count ||
				    rt_table_index_compare(top, found, key,
					0) >= 0);
			}
		else
			refused++;
		free(top);
		levels.top.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	ck_assert_uint_gt(refused, levels.top.len);
	levels_fini(&levels);
	fixture_fini(&fixture);
}
END_TEST

RTT_MAIN("table_index", blocks_of_random_keys_are_found, skewed_keys_are_found,
    keys_that_end_in_zeros_stay_apart,
    a_partition_in_the_wrong_place_is_refused,
    forged_sections_are_refused_or_in_order)
