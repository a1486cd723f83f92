/* key_counts: how many keys of each keyspace a table has, in a section of its
 * own: exact numbers, and sketches with which the keys of several tables are
 * counted together. A key counts by its newest version in the table: live when
 * that is a put, dead when it is a tombstone.
 * Thread: one at a time; parsed ones any. */
#ifndef LIBCOMMON_TABLE_KEY_COUNTS_H
#define LIBCOMMON_TABLE_KEY_COUNTS_H

#include "libcommon/base/coding.h"
#include "libcommon/table/key.h"
#include "libcommon/table/key_sketch.h"

struct rt_key_counts_builder;

/* Counts keys as a table is written. */
struct rt_key_counts_builder *rt_key_counts_builder_new(void);
/* NULL is accepted. */
void rt_key_counts_builder_free(struct rt_key_counts_builder *builder);

/* The newest version of the next key; its value is well formed. hash:
 * rt_hash64 of the key. */
void rt_key_counts_builder_add(struct rt_key_counts_builder *builder,
    const struct rt_entry *newest, uint64_t hash);

/* Bytes the section would have by now, at most. */
size_t rt_key_counts_builder_bytes(
    const struct rt_key_counts_builder *builder);

/* Append the section's content. Nothing more is added afterwards. */
void rt_key_counts_builder_finish(struct rt_key_counts_builder *builder,
    struct rt_buf *out);

/* Of one keyspace in one table. */
struct rt_key_count {
	uint32_t keyspace;
	uint64_t live;
	uint64_t dead;
	uint64_t expiring;	/* of the live ones, with an expiry */
	uint64_t expire_mean_ms;	/* of those; 0: none */
	uint64_t expire_max_ms;	/* 0: a live one never expires */
	uint64_t max_seq;	/* of the newest versions */
	struct rt_slice live_sketch;	/* stored form, borrowed */
	struct rt_slice dead_sketch;
};

/* The next one from a section's content. False at the end, and when cursor->bad
 * says that it is malformed. */
bool rt_key_counts_next(struct rt_cursor *cursor, struct rt_key_count *out);

#endif
