#include "libcommon/base/hash_table.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"

#define CHAINS_MIN 16

void
rt_hash_table_fini(struct rt_hash_table *table)
{
	free(table->chains);
	*table = (struct rt_hash_table){ 0 };
}

static struct rt_hash_node **
chain_of(const struct rt_hash_table *table, uint64_t hash)
{
	return &table->chains[hash & (table->chains_count - 1)];
}

static void
link_node(struct rt_hash_table *table, struct rt_hash_node *node)
{
	struct rt_hash_node **chain = chain_of(table, node->hash);

	node->next = *chain;
	*chain = node;
}

static void
grow(struct rt_hash_table *table)
{
	struct rt_hash_table old = *table;

	table->chains_count =
	    old.chains_count != 0 ? 2 * old.chains_count : CHAINS_MIN;
	table->chains = rt_alloc_zero(table->chains_count,
	    sizeof(*table->chains));
	for (size_t i = 0; i < old.chains_count; i++) {
		struct rt_hash_node *node = old.chains[i], *next;

		for (; node != NULL; node = next) {
			next = node->next;
			link_node(table, node);
		}
	}
	free(old.chains);
}

void
rt_hash_table_add(struct rt_hash_table *table, struct rt_hash_node *node,
    uint64_t hash)
{
	if (table->count == table->chains_count)
		grow(table);
	node->hash = hash;
	link_node(table, node);
	table->count++;
}

void
rt_hash_table_remove(struct rt_hash_table *table, struct rt_hash_node *node)
{
	struct rt_hash_node **at = chain_of(table, node->hash);

	while (*at != node) {
		rt_assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = node->next;
	if (--table->count == 0)
		rt_hash_table_fini(table);
}

static struct rt_hash_node *
with_hash(struct rt_hash_node *node, uint64_t hash)
{
	while (node != NULL && node->hash != hash)
		node = node->next;
	return node;
}

struct rt_hash_node *
rt_hash_table_find(const struct rt_hash_table *table, uint64_t hash)
{
	if (table->count == 0)
		return NULL;
	return with_hash(*chain_of(table, hash), hash);
}

struct rt_hash_node *
rt_hash_table_find_next(const struct rt_hash_node *node)
{
	return with_hash(node->next, node->hash);
}

struct rt_hash_node *
rt_hash_table_walk(const struct rt_hash_table *table,
    const struct rt_hash_node *node)
{
	size_t i = 0;

	if (node != NULL) {
		if (node->next != NULL)
			return node->next;
		i = (node->hash & (table->chains_count - 1)) + 1;
	}
	for (; i < table->chains_count; i++)
		if (table->chains[i] != NULL)
			return table->chains[i];
	return NULL;
}

struct rt_hash_node *
rt_hash_table_take(struct rt_hash_table *table)
{
	/* From the last chain on: those that were emptied are forgotten. */
	while (table->chains_count != 0) {
		struct rt_hash_node **last =
		    &table->chains[table->chains_count - 1];
		struct rt_hash_node *node = *last;

		if (node != NULL) {
			*last = node->next;
			table->count--;
			return node;
		}
		table->chains_count--;
	}
	rt_hash_table_fini(table);
	return NULL;
}
