#include "libcommon/base/hash_table.h"

#include <stdbool.h>
#include <string.h>

#include "tests/support/runner.h"

#define THINGS 5000

struct thing {
	struct rt_hash_node node;
	bool in, seen;
};

static struct thing things[THINGS];

/* Few hashes, so that many things share one. */
static uint64_t
hash_of(size_t i)
{
	return (uint64_t)(i / 7) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool
is_there(const struct rt_hash_table *table, size_t i)
{
	struct rt_hash_node *node = rt_hash_table_find(table, hash_of(i));

	while (node != NULL && node != &things[i].node) {
		ck_assert_uint_eq(node->hash, hash_of(i));
		node = rt_hash_table_find_next(node);
	}
	return node != NULL;
}

static void
add(struct rt_hash_table *table, size_t i)
{
	rt_hash_table_add(table, &things[i].node, hash_of(i));
	things[i].in = true;
}

START_TEST(what_is_added_is_found_until_it_is_removed)
{
	struct rt_hash_table table = { 0 };

	memset(things, 0, sizeof(things));
	for (size_t i = 0; i < THINGS; i++)
		ck_assert(!is_there(&table, i));
	for (size_t i = 0; i < THINGS; i++)
		add(&table, i);
	for (size_t i = 0; i < THINGS; i += 3) {
		rt_hash_table_remove(&table, &things[i].node);
		things[i].in = false;
	}
	for (size_t i = 0; i < THINGS; i++)
		ck_assert(is_there(&table, i) == things[i].in);
	ck_assert_uint_eq(table.count, THINGS - (THINGS + 2) / 3);
	for (size_t i = 0; i < THINGS; i++)
		if (things[i].in)
			rt_hash_table_remove(&table, &things[i].node);
	/* An empty one holds no memory. */
	ck_assert_ptr_null(table.chains);
}
END_TEST

START_TEST(a_walk_comes_to_each_once)
{
	struct rt_hash_table table = { 0 };
	struct rt_hash_node *node = NULL;
	size_t count = 0;

	memset(things, 0, sizeof(things));
	ck_assert_ptr_null(rt_hash_table_walk(&table, NULL));
	for (size_t i = 0; i < THINGS; i++)
		add(&table, i);
	while ((node = rt_hash_table_walk(&table, node)) != NULL) {
		ck_assert(!((struct thing *)node)->seen);
		((struct thing *)node)->seen = true;
		count++;
	}
	ck_assert_uint_eq(count, THINGS);
	rt_hash_table_fini(&table);
}
END_TEST

START_TEST(taking_all_leaves_nothing)
{
	struct rt_hash_table table = { 0 };
	size_t count = 0;

	memset(things, 0, sizeof(things));
	ck_assert_ptr_null(rt_hash_table_take(&table));
	for (size_t i = 0; i < THINGS; i++)
		add(&table, i);
	for (struct rt_hash_node *node;
	     (node = rt_hash_table_take(&table)) != NULL; count++) {
		ck_assert(((struct thing *)node)->in);
		/* As if it had been freed. */
		memset(node, 0xff, sizeof(struct thing));
		((struct thing *)node)->in = false;
	}
	ck_assert_uint_eq(count, THINGS);
	ck_assert_ptr_null(table.chains);
	memset(things, 0, sizeof(things));
	add(&table, 1);
	ck_assert(is_there(&table, 1));
	rt_hash_table_fini(&table);
}
END_TEST

RTT_MAIN("hash-table", what_is_added_is_found_until_it_is_removed,
    a_walk_comes_to_each_once, taking_all_leaves_nothing)
