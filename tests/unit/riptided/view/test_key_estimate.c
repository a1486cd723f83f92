/* Estimates held against the truth, over sets of keys drawn anew for each round
 * from fixed seeds, so that a bound of three standard errors is met always or
 * never. CK_VERBOSE or the log shows the errors measured. */
#include "riptided/view/key_estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"

#define SIGMA 0.008125		/* of one sketch, relative */
#define ROUNDS 16

/* Layers of writes, oldest first. Key i hashes to hash(round, i). */
struct tree {
	uint64_t round;
	uint64_t random;
	size_t keys;
	uint8_t *newest;	/* in the whole tree: 0 none, 1 live, 2 dead */
	struct layer {
		struct rtd_key_layer layer;
		struct rt_key_sketch all, alive;
	} **layers;
	size_t layers_count;
	uint8_t *open;		/* the same of the layer that is written */
};

static uint64_t
draw(struct tree *tree, uint64_t below)
{
	tree->random = tree->random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (tree->random >> 33) % below;
}

static void
init(struct tree *tree, uint64_t round, size_t keys)
{
	*tree = (struct tree){ .round = round, .random = round, .keys = keys };
	tree->newest = rt_alloc_zero(keys, 1);
	tree->open = rt_alloc_zero(keys, 1);
}

static void
write_key(struct tree *tree, uint64_t key, bool live)
{
	tree->open[key] = live ? 1 : 2;
}

static void
close_layer(struct tree *tree)
{
	struct layer *layer = rt_alloc_zero(1, sizeof(*layer));

	for (size_t i = 0; i < tree->keys; i++) {
		uint64_t id[2] = { tree->round, i };
		uint64_t hash;

		if (tree->open[i] == 0)
			continue;
		hash = rt_hash64(rt_slice(id, sizeof(id)));
		layer->layer.keys++;
		rt_key_sketch_add(&layer->all, hash);
		if (tree->open[i] == 1) {
			layer->layer.live++;
			rt_key_sketch_add(&layer->alive, hash);
		}
		tree->newest[i] = tree->open[i];
	}
	memset(tree->open, 0, tree->keys);
	layer->layer.all = &layer->all;
	layer->layer.alive = &layer->alive;
	tree->layers = rt_realloc(tree->layers,
	    (tree->layers_count + 1) * sizeof(tree->layers[0]));
	tree->layers[tree->layers_count++] = layer;
}

/* The estimate's error in standard errors of a sketch of all keys. */
static double
error_of(const struct tree *tree)
{
	struct rtd_key_estimate *estimate =
	    rt_alloc_zero(1, sizeof(*estimate));
	double live = 0, seen = 0, error;

	for (size_t i = 0; i < tree->keys; i++) {
		live += tree->newest[i] == 1;
		seen += tree->newest[i] != 0;
	}
	for (size_t i = tree->layers_count; i-- > 0;)
		rtd_key_estimate_add(estimate, &tree->layers[i]->layer);
	error = ((double)rtd_key_estimate_live(estimate) - live) /
	    (SIGMA * seen);
	free(estimate);
	return error;
}

static void
fini(struct tree *tree)
{
	for (size_t i = 0; i < tree->layers_count; i++)
		free(tree->layers[i]);
	free(tree->layers);
	free(tree->newest);
	free(tree->open);
}

/* -- ways to fill a tree -- */

static void
unique_keys(struct tree *tree)
{
	for (size_t i = 0; i < tree->keys; i++) {
		write_key(tree, i, true);
		if (i % (tree->keys / 8) == tree->keys / 8 - 1)
			close_layer(tree);
	}
}

static void
overwrites(struct tree *tree)
{
	for (unsigned layer = 0; layer < 8; layer++) {
		for (size_t i = 0; i < tree->keys / 2; i++)
			write_key(tree, draw(tree, tree->keys), true);
		close_layer(tree);
	}
}

static void
a_third_deleted(struct tree *tree)
{
	for (unsigned layer = 0; layer < 8; layer++) {
		for (size_t i = 0; i < tree->keys / 2; i++)
			write_key(tree, draw(tree, tree->keys),
			    draw(tree, 10) >= 3);
		close_layer(tree);
	}
}

static void
many_runs(struct tree *tree)
{
	for (unsigned layer = 0; layer < 100; layer++) {
		for (size_t i = 0; i < tree->keys / 40; i++)
			write_key(tree, draw(tree, tree->keys),
			    draw(tree, 10) >= 3);
		close_layer(tree);
	}
}

/* What leveled compaction keeps: each run a tenth of the one below. */
static void
shaped_as_levels(struct tree *tree)
{
	for (size_t i = 0; i < tree->keys; i++)
		write_key(tree, i, true);
	close_layer(tree);
	for (size_t part = 10; part <= 1000; part *= 10) {
		for (size_t i = 0; i < tree->keys / part; i++)
			write_key(tree, draw(tree, tree->keys),
			    draw(tree, 10) >= 3);
		close_layer(tree);
	}
}

static void
all_deleted(struct tree *tree)
{
	for (size_t i = 0; i < tree->keys; i++)
		write_key(tree, i, true);
	close_layer(tree);
	for (unsigned layer = 0; layer < 4; layer++) {
		for (size_t i = layer; i < tree->keys; i += 4)
			write_key(tree, i, false);
		close_layer(tree);
	}
}

static void
a_queue(struct tree *tree)
{
	size_t part = tree->keys / 10;

	for (size_t layer = 0; layer < 10; layer++) {
		for (size_t i = 0; i < part; i++) {
			write_key(tree, layer * part + i, true);
			if (layer > 0)
				write_key(tree, (layer - 1) * part + i, false);
		}
		close_layer(tree);
	}
}

static void
measure(const char *name, void (*fill)(struct tree *tree), double worst_allowed,
    double usual_allowed)
{
	double squares = 0, worst = 0, usual;

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		struct tree tree;
		double error;

		init(&tree, round, 150000);
		fill(&tree);
		error = error_of(&tree);
		squares += error * error;
		worst = fmax(worst, fabs(error));
		fini(&tree);
	}
	usual = sqrt(squares / ROUNDS);
	printf("# %s: %.2f, at worst %.2f standard errors\n", name, usual,
	    worst);
	ck_assert_msg(worst <= worst_allowed, "%s: %.2f standard errors", name,
	    worst);
	ck_assert_msg(usual <= usual_allowed,
	    "%s: %.2f standard errors usually", name, usual);
}

START_TEST(errors_stay_within_three_standard_errors)
{
	measure("unique keys", unique_keys, 3, 1.3);
	measure("overwrites", overwrites, 3, 1.3);
	measure("a third deleted", a_third_deleted, 3, 1.3);
	measure("many runs", many_runs, 3, 1.3);
	measure("all deleted", all_deleted, 3, 1.3);
	measure("a queue", a_queue, 3, 1.3);
}
END_TEST

/* The largest run is counted exactly, so that only the others err. */
START_TEST(a_tree_of_levels_errs_less)
{
	measure("levels", shaped_as_levels, 1.5, 0.6);
}
END_TEST

START_TEST(one_layer_is_exact)
{
	struct tree tree;

	init(&tree, 1, 50000);
	for (size_t i = 0; i < tree.keys; i++)
		write_key(&tree, i, i % 3 != 0);
	close_layer(&tree);
	ck_assert(error_of(&tree) == 0);
	/* What only repeats it changes nothing. */
	for (size_t i = 1; i < tree.keys; i += 3)
		write_key(&tree, i, true);
	close_layer(&tree);
	ck_assert(error_of(&tree) == 0);
	fini(&tree);
}
END_TEST

START_TEST(no_layer_is_no_key)
{
	struct rtd_key_estimate *estimate =
	    rt_alloc_zero(1, sizeof(*estimate));
	static const struct rt_key_sketch empty;

	rtd_key_estimate_add(estimate, &(struct rtd_key_layer){
		.all = &empty, .alive = &empty });
	ck_assert_uint_eq(rtd_key_estimate_live(estimate), 0);
	free(estimate);
}
END_TEST

RTT_MAIN("key_estimate", errors_stay_within_three_standard_errors,
    a_tree_of_levels_errs_less, one_layer_is_exact, no_layer_is_no_key)
