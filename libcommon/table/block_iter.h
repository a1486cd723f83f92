/* block_iter: over the entries of a data block, in order. As block_reader, it
 * trusts nothing. Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_BLOCK_ITER_H
#define LIBCOMMON_TABLE_BLOCK_ITER_H

#include "libcommon/table/block_reader.h"

/* Goes over a block, and from block to block with the order checked across.
 * Zeroed is at the start of nothing. */
struct rt_block_iter {
	struct rt_block block;
	const uint8_t *here;	/* the entry at hand */
	const uint8_t *at;	/* the next entry */
	size_t shared_max;	/* of the key before, what may be shared */
	struct rt_buf key;	/* of the entry */
	bool has_last;		/* key and entry.seq come before `at` */
	bool repeats;		/* next: the key is that of the entry before */
	struct rt_entry entry;	/* after FOUND, until the next call */
	/* Going backward: the entries from a restart to the one at hand. */
	struct rt_block_step *steps;
	size_t steps_count;	/* 0: not known */
	size_t steps_cap;
	struct rt_buf tails;	/* what their keys took from those before */
	struct rt_buf behind;	/* key of the entry that they must end before */
};

/* Frees the key that it holds. */
void rt_block_iter_fini(struct rt_block_iter *iter);
/* Go to the start of a block. follows: it is the one behind the last. */
void rt_block_iter_begin(struct rt_block_iter *iter,
    const struct rt_block *block, bool follows);

/* To the next entry; past the last one it is no longer valid. */
enum rt_block_result rt_block_iter_next(struct rt_block_iter *iter);
/* Go to the end of a block. precedes: it is the one before the last. */
void rt_block_iter_begin_end(struct rt_block_iter *iter,
    const struct rt_block *block, bool precedes);
/* END: the block has no entry before, and the one that was at hand still is. */
enum rt_block_result rt_block_iter_prev(struct rt_block_iter *iter);
/* To the first entry at or after (key, seq) in the block begun. */
enum rt_block_result rt_block_iter_seek(struct rt_block_iter *iter,
    struct rt_slice key, uint64_t seq);
/* To the last entry at or before (key, seq) in the block begun. END: all are
 * behind, and the first one is at hand. */
enum rt_block_result rt_block_iter_seek_for_prev(struct rt_block_iter *iter,
    struct rt_slice key, uint64_t seq);

/* Checks that restarts and buckets are as the format says, beside a walk with
 * rt_block_iter_next() from begin to END, which checks the entries. Zeroed at
 * each begin. */
struct rt_block_check {
	size_t restarts;	/* met so far */
};

/* After each FOUND. key_hash: of the key. False: damaged. */
bool rt_block_check_entry(struct rt_block_check *check,
    const struct rt_block_iter *iter, uint64_t key_hash);
/* After END. False: damaged. */
bool rt_block_check_end(const struct rt_block_check *check,
    const struct rt_block_iter *iter);

/* Both for a block by itself, with its entries. */
bool rt_block_verify(const struct rt_block *block);

#endif
