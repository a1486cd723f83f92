/* Parts in memory as one chain, against the array that they are cut from. */
#include "libcommon/table/chain_iter.h"

#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

#define PARTS_MAX 12

/* The entries of a model, cut between keys. */
struct cut {
	struct rtt_model model;
	struct rtt_model parts[PARTS_MAX];	/* borrow from model */
	size_t count;
	size_t opened[PARTS_MAX];
	size_t broken;		/* a part that does not open, or SIZE_MAX */
};

struct cut_chain {
	struct rt_chain_iter chain;
	struct cut *cut;
};

static void
cut_init(struct cut *cut, struct rtt_random *random, size_t entries)
{
	struct rtt_model *model = &cut->model;
	size_t from = 0;

	*cut = (struct cut){ .broken = SIZE_MAX };
	rtt_model_fill(model, random, entries, 1000, 10);
	while (from < model->count) {
		size_t to = from + 1 + rtt_random_below(random, entries / 4 + 1);

		if (to > model->count || cut->count + 1 == PARTS_MAX)
			to = model->count;
		while (to < model->count && rt_slice_equal(
			model->entries[to].key, model->entries[to - 1].key))
			to++;
		cut->parts[cut->count++] = (struct rtt_model){
			.entries = model->entries + from,
			.count = to - from,
		};
		from = to;
	}
}

static enum rt_code
open_part(struct rt_chain_iter *chain, size_t i, struct rt_iter **out,
    struct rt_err *err)
{
	struct cut *cut = ((struct cut_chain *)chain)->cut;

	cut->opened[i]++;
	if (i == cut->broken)
		return rt_err_set(err, RT_EIO, "part %zu is broken", i);
	*out = rtt_model_iter(&cut->parts[i], SIZE_MAX);
	return RT_OK;
}

static const struct rtt_model *
part_of(const struct rt_chain_iter *chain, size_t i)
{
	return &((const struct cut_chain *)chain)->cut->parts[i];
}

static struct rt_slice
smallest(const struct rt_chain_iter *chain, size_t i)
{
	return part_of(chain, i)->entries[0].key;
}

static struct rt_slice
largest(const struct rt_chain_iter *chain, size_t i)
{
	const struct rtt_model *part = part_of(chain, i);

	return part->entries[part->count - 1].key;
}

static bool
is_skipped(const struct rt_chain_iter *chain, size_t i)
{
	(void)chain, (void)i;
	return false;
}

static struct rt_iter *
chain_of(struct cut *cut, const struct rt_range *range)
{
	static const struct rt_chain_ops ops = {
		.open = open_part,
		.smallest = smallest,
		.largest = largest,
		.is_skipped = is_skipped,
	};
	struct cut_chain *chain = rt_alloc_zero(1, sizeof(*chain));

	rt_chain_iter_init(&chain->chain, &ops, cut->count, range);
	chain->cut = cut;
	return &chain->chain.base;
}

START_TEST(chains_are_walked_both_ways)
{
	static const struct rt_range all;
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 60; round++) {
		struct rt_iter *iter;
		struct cut cut;

		cut_init(&cut, &random, round * 3);
		iter = chain_of(&cut, &all);
		rtt_model_walk(&cut.model, iter, &random, 2000);
		rt_iter_free(iter);
		rtt_model_fini(&cut.model);
	}
}
END_TEST

/* From the parts that hold `from` and `to` on, none is opened. */
START_TEST(parts_outside_of_a_range_stay_closed)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 60; round++) {
		struct rt_range range;
		struct rt_iter *iter;
		size_t from, to;
		struct cut cut;

		cut_init(&cut, &random, 100);
		from = rtt_random_below(&random, cut.count);
		to = from + rtt_random_below(&random, cut.count - from);
		range.lower = cut.parts[from].entries[0].key;
		range.upper =
		    cut.parts[to].entries[cut.parts[to].count - 1].key;
		iter = chain_of(&cut, &range);
		for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
			;
		for (rt_iter_seek_last(iter); iter->valid; rt_iter_prev(iter))
			;
		rt_iter_seek_for_prev(iter, range.lower, RT_SEQ_MAX);
		ck_assert(!iter->valid);
		ck_assert_int_eq(iter->code, RT_OK);
		for (size_t i = 0; i < cut.count; i++)
			ck_assert_int_eq(cut.opened[i] != 0, i >= from &&
			    rt_slice_compare(cut.parts[i].entries[0].key,
				range.upper) < 0);
		rt_iter_free(iter);
		rtt_model_fini(&cut.model);
	}
}
END_TEST

START_TEST(a_part_that_does_not_open_ends_the_chain)
{
	static const struct rt_range all;
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 60; round++) {
		struct rt_iter *iter;
		struct cut cut;
		size_t given = 0;

		cut_init(&cut, &random, 100);
		cut.broken = rtt_random_below(&random, cut.count);
		iter = chain_of(&cut, &all);
		for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
			given++;
		ck_assert_int_eq(iter->code, RT_EIO);
		for (rt_iter_seek_last(iter); iter->valid; rt_iter_prev(iter))
			given++;
		ck_assert_int_eq(iter->code, RT_EIO);
		ck_assert_uint_eq(given,
		    cut.model.count - cut.parts[cut.broken].count);
		rt_iter_free(iter);
		rtt_model_fini(&cut.model);
	}
}
END_TEST

RTT_MAIN("chain_iter", chains_are_walked_both_ways,
    parts_outside_of_a_range_stay_closed,
    a_part_that_does_not_open_ends_the_chain)
