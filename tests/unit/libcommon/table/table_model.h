/* table_model: entries in a sorted array, to hold tables and iterators
 * against. */
#ifndef TESTS_UNIT_LIBCOMMON_TABLE_TABLE_MODEL_H
#define TESTS_UNIT_LIBCOMMON_TABLE_TABLE_MODEL_H

#include "libcommon/table/iter.h"
#include "libcommon/table/table_reader.h"

#define RTT_TABLE_UNIQUE_ID UINT64_C(0x1122334455667788)

struct rtt_model {
	struct rt_entry *entries;	/* keys and values are owned */
	size_t count;
	size_t cap;
};

struct rtt_random {
	uint64_t state;
};

/* Seeded from RTT_SEED in the environment, else from the time; printed. */
struct rtt_random rtt_random_new(void);
/* 0 to below - 1. */
uint64_t rtt_random_below(struct rtt_random *random, uint64_t below);

void rtt_model_fini(struct rtt_model *model);
/* Add a put of `len` bytes that follow from seq, or a tombstone when len is
 * below 0, under the store key of user_key in keyspace 1. */
void rtt_model_add(struct rtt_model *model, struct rt_slice user_key,
    uint64_t seq, ptrdiff_t len, uint64_t expire_ms);
/* Into the order of key.h. */
void rtt_model_sort(struct rtt_model *model);
/* The first entry at or after (key, seq); count when there is none. */
size_t rtt_model_seek(const struct rtt_model *model, struct rt_slice key,
    uint64_t seq);
/* The index of the last entry at or before (key, seq); SIZE_MAX: none. */
size_t rtt_model_seek_for_prev(const struct rtt_model *model,
    struct rt_slice key, uint64_t seq);
/* Random keys of a few letters, several versions of many. */
void rtt_model_fill(struct rtt_model *model, struct rtt_random *random,
    size_t count, uint64_t first_seq, size_t value_bytes_max);

struct rt_table_options rtt_table_options(enum rt_compression compression);
/* Write all entries as a table; fails the test when that fails. */
void rtt_model_write(const struct rtt_model *model, int dir, const char *name,
    const struct rt_table_options *options, struct rt_table_info *info);

void rtt_entry_assert_equal(const struct rt_entry *is,
    const struct rt_entry *should);
/* The iterator, at the start, gives these entries and ends well. */
void rtt_model_assert_iter(const struct rtt_model *model, size_t from,
    struct rt_iter *iter);

/* Seek, step forward and step backward at random, comparing each entry. */
void rtt_model_walk(const struct rtt_model *model, struct rt_iter *iter,
    struct rtt_random *random, size_t steps);

/* An iterator over the model, which must outlive it. It fails with RT_EIO when
 * it comes to the entry fail_at (SIZE_MAX: never). */
struct rt_iter *rtt_model_iter(const struct rtt_model *model, size_t fail_at);

#endif
