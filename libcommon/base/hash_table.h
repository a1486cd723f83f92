/* hash_table: nodes by a hash. A node is embedded in what it stands for, which
 * the owner makes, frees and compares; the table links it into chains. It
 * doubles when there are more nodes than chains, and gives its memory back when
 * the last node goes. Thread: one owner at a time. */
#ifndef LIBCOMMON_BASE_HASH_TABLE_H
#define LIBCOMMON_BASE_HASH_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct rt_hash_node {
	struct rt_hash_node *next;
	uint64_t hash;
};

/* Inert when zeroed. */
struct rt_hash_table {
	struct rt_hash_node **chains;
	size_t chains_count;	/* a power of two, or 0 */
	size_t count;		/* nodes */
};

/* Forget all nodes; they are the owner's to free. */
void rt_hash_table_fini(struct rt_hash_table *table);

/* Put node in under this hash; it may have equals. It is its owner's, and in
 * one table at a time. */
void rt_hash_table_add(struct rt_hash_table *table, struct rt_hash_node *node,
    uint64_t hash);
/* The node is in the table. */
void rt_hash_table_remove(struct rt_hash_table *table,
    struct rt_hash_node *node);

/* The first node with this hash, and the next one with the hash of node; NULL:
 * there is none. Different things may have the same hash. */
struct rt_hash_node *rt_hash_table_find(const struct rt_hash_table *table,
    uint64_t hash);
struct rt_hash_node *rt_hash_table_find_next(const struct rt_hash_node *node);

/* All nodes, in no order: NULL gives the first, NULL comes after the last. The
 * table is not changed meanwhile. */
struct rt_hash_node *rt_hash_table_walk(const struct rt_hash_table *table,
    const struct rt_hash_node *node);
/* All nodes, when the owner frees each before it asks for the next: the table
 * is empty at the end. NULL: that was all. */
struct rt_hash_node *rt_hash_table_take(struct rt_hash_table *table);

#endif
