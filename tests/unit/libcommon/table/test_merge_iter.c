#include "libcommon/table/merge_iter.h"

#include "libcommon/base/coding.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

#define INPUTS_MAX 20

/* Random inputs, and all of their entries in one. */
struct fixture {
	struct rtt_model inputs[INPUTS_MAX];
	struct rtt_model all;
	size_t count;
};

static void
fixture_init(struct fixture *fixture, struct rtt_random *random, size_t count)
{
	*fixture = (struct fixture){ .count = count };
	for (size_t i = 0; i < count; i++) {
		struct rtt_model *input = &fixture->inputs[i];

		rtt_model_fill(input, random, rtt_random_below(random, 50),
		    1 + i * 1000, 10);
		for (size_t j = 0; j < input->count; j++) {
			const struct rt_entry *entry = &input->entries[j];

			rtt_model_add(&fixture->all, rt_key_user(entry->key),
			    entry->seq,
			    entry->type == RT_ENTRY_PUT
				? (ptrdiff_t)entry->value.len -
				    (entry->value.data[0] == 1 ? 9 : 1)
				: -1,
			    entry->value.len != 0 && entry->value.data[0] == 1
				? rt_get_fixed64(entry->value.data + 1)
				: 0);
		}
	}
	rtt_model_sort(&fixture->all);
}

static void
fixture_fini(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->count; i++)
		rtt_model_fini(&fixture->inputs[i]);
	rtt_model_fini(&fixture->all);
}

static struct rt_iter *
merge_of(const struct fixture *fixture)
{
	struct rt_iter *inputs[INPUTS_MAX];

	for (size_t i = 0; i < fixture->count; i++)
		inputs[i] = rtt_model_iter(&fixture->inputs[i], SIZE_MAX);
	return rt_merge_iter_new(inputs, fixture->count);
}

START_TEST(merges_agree_with_a_sorted_array)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 80; round++) {
		struct fixture fixture;
		struct rt_iter *merge;

		fixture_init(&fixture, &random, round % INPUTS_MAX);
		merge = merge_of(&fixture);
		ck_assert(!merge->valid);
		rt_iter_seek_first(merge);
		rtt_model_assert_iter(&fixture.all, 0, merge);
		for (size_t i = 0; i < fixture.all.count; i += 97) {
			const struct rt_entry *to = &fixture.all.entries[i];

			rt_iter_seek(merge, to->key, to->seq);
			rtt_model_assert_iter(&fixture.all, i, merge);
			rt_iter_seek(merge, to->key, to->seq - 1);
			rtt_model_assert_iter(&fixture.all, i + 1, merge);
		}
		rt_iter_free(merge);
		fixture_fini(&fixture);
	}
}
END_TEST

START_TEST(merges_turn_round_at_any_entry)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 80; round++) {
		struct fixture fixture;
		struct rt_iter *merge;

		fixture_init(&fixture, &random, round % INPUTS_MAX);
		merge = merge_of(&fixture);
		rtt_model_walk(&fixture.all, merge, &random, 2000);
		rt_iter_free(merge);
		fixture_fini(&fixture);
	}
}
END_TEST

START_TEST(equal_entries_keep_their_order_when_a_merge_turns)
{
	struct rtt_random random = rtt_random_new();
	struct rtt_model models[3] = { { .count = 0 } };
	struct rt_iter *inputs[RT_COUNTOF(models)], *merge;
	size_t at = 0, total = 20 * RT_COUNTOF(models);

	for (size_t i = 0; i < RT_COUNTOF(models); i++) {
		for (size_t j = 0; j < 20; j++) {
			char key = (char)('a' + j);

			rtt_model_add(&models[i], rt_slice(&key, 1), 5,
			    (ptrdiff_t)i, 0);
		}
		inputs[i] = rtt_model_iter(&models[i], SIZE_MAX);
	}
	merge = rt_merge_iter_new(inputs, RT_COUNTOF(models));
	rt_iter_seek_first(merge);
	for (size_t step = 0; step < 5000; step++) {
		ck_assert(merge->valid);
		ck_assert_uint_eq(merge->entry.key.data[RT_KEY_PREFIX_BYTES],
		    'a' + at / RT_COUNTOF(models));
		ck_assert_uint_eq(merge->entry.value.len,
		    1 + at % RT_COUNTOF(models));
		if (at + 1 < total &&
		    (at == 0 || rtt_random_below(&random, 2) != 0)) {
			rt_iter_next(merge);
			at++;
		} else {
			rt_iter_prev(merge);
			at--;
		}
	}
	rt_iter_free(merge);
	for (size_t i = 0; i < RT_COUNTOF(models); i++)
		rtt_model_fini(&models[i]);
}
END_TEST

START_TEST(equal_entries_come_in_the_order_of_inputs)
{
	struct rtt_model models[5] = { { .count = 0 } };
	struct rt_iter *inputs[RT_COUNTOF(models)], *merge;

	/* The same key and sequence everywhere, told apart by the length. */
	for (size_t i = 0; i < RT_COUNTOF(models); i++) {
		rtt_model_add(&models[i], rt_slice("k", 1), 5, (ptrdiff_t)i,
		    0);
		rtt_model_add(&models[i], rt_slice("l", 1), 5, (ptrdiff_t)i,
		    0);
		inputs[i] = rtt_model_iter(&models[i], SIZE_MAX);
	}
	merge = rt_merge_iter_new(inputs, RT_COUNTOF(models));
	rt_iter_seek_first(merge);
	for (size_t i = 0; i < 2 * RT_COUNTOF(models); i++) {
		ck_assert(merge->valid);
		ck_assert_uint_eq(merge->entry.value.len,
		    1 + i % RT_COUNTOF(models));
		rt_iter_next(merge);
	}
	ck_assert(!merge->valid && merge->code == RT_OK);
	rt_iter_free(merge);
	for (size_t i = 0; i < RT_COUNTOF(models); i++)
		rtt_model_fini(&models[i]);
}
END_TEST

START_TEST(a_failing_input_ends_the_merge)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 100; round++) {
		struct rt_iter *inputs[INPUTS_MAX], *merge;
		struct fixture fixture;
		size_t bad, fail_at, given = 0;

		fixture_init(&fixture, &random,
		    1 + rtt_random_below(&random, INPUTS_MAX));
		bad = rtt_random_below(&random, fixture.count);
		fail_at = rtt_random_below(&random,
		    fixture.inputs[bad].count + 1);
		for (size_t i = 0; i < fixture.count; i++)
			inputs[i] = rtt_model_iter(&fixture.inputs[i],
			    i == bad ? fail_at : SIZE_MAX);
		merge = rt_merge_iter_new(inputs, fixture.count);
		for (rt_iter_seek_first(merge); merge->valid;
		     rt_iter_next(merge))
			rtt_entry_assert_equal(&merge->entry,
			    &fixture.all.entries[given++]);
		if (fail_at == fixture.inputs[bad].count) {
			ck_assert_int_eq(merge->code, RT_OK);
			ck_assert_uint_eq(given, fixture.all.count);
		} else {
			ck_assert_int_eq(merge->code, RT_EIO);
			ck_assert_int_eq(merge->err.code, RT_EIO);
			ck_assert_uint_lt(given, fixture.all.count);
		}
		rt_iter_free(merge);
		fixture_fini(&fixture);
	}
}
END_TEST

/* Keys that differ in their lengths and in zeros at their ends alone, behind a
 * beginning that all share. */
START_TEST(a_common_beginning_changes_no_order)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 300; round++) {
		struct fixture fixture = { .count = 4 };
		size_t common = rtt_random_below(&random, 40);
		struct rt_iter *inputs[INPUTS_MAX], *merge;

		for (size_t i = 0; i < 120; i++) {
			size_t len = common + rtt_random_below(&random, 36);
			uint8_t key[80];

			memset(key, 'c', sizeof(key));
			for (size_t j = common; j < len; j++)
				key[j] = (uint8_t)rtt_random_below(&random, 2);
			rtt_model_add(&fixture.inputs[i % 4],
			    rt_slice(key, len), i + 1, 3, 0);
			rtt_model_add(&fixture.all, rt_slice(key, len), i + 1,
			    3, 0);
		}
		for (size_t i = 0; i < fixture.count; i++) {
			rtt_model_sort(&fixture.inputs[i]);
			inputs[i] =
			    rtt_model_iter(&fixture.inputs[i], SIZE_MAX);
		}
		rtt_model_sort(&fixture.all);
		merge = rt_merge_iter_new_common(inputs, fixture.count,
		    RT_KEY_PREFIX_BYTES + common);
		rt_iter_seek_first(merge);
		rtt_model_assert_iter(&fixture.all, 0, merge);
		rtt_model_walk(&fixture.all, merge, &random, 100);
		rt_iter_free(merge);
		fixture_fini(&fixture);
	}
}
END_TEST

START_TEST(a_merge_of_nothing_is_at_its_end)
{
	struct rt_iter *merge = rt_merge_iter_new(NULL, 0);

	rt_iter_seek_first(merge);
	ck_assert(!merge->valid && merge->code == RT_OK);
	rt_iter_seek(merge, rt_slice("k", 1), 1);
	ck_assert(!merge->valid && merge->code == RT_OK);
	rt_iter_seek_last(merge);
	ck_assert(!merge->valid && merge->code == RT_OK);
	rt_iter_seek_for_prev(merge, rt_slice("k", 1), 1);
	ck_assert(!merge->valid && merge->code == RT_OK);
	rt_iter_free(merge);
}
END_TEST

RTT_MAIN("merge_iter", merges_agree_with_a_sorted_array,
    merges_turn_round_at_any_entry,
    equal_entries_keep_their_order_when_a_merge_turns,
    equal_entries_come_in_the_order_of_inputs, a_failing_input_ends_the_merge,
    a_common_beginning_changes_no_order, a_merge_of_nothing_is_at_its_end)
