/* A loser tree (Knuth, The Art of Computer Programming 3, 5.4.1): inner node n
 * holds the input that lost there, node 0 the winner of all; leaf of input i
 * is node count + i. After the winner has moved on, only its path to the root
 * is played again. An input at its end loses to all. Before whole keys are
 * compared 16 bytes of them are, as two numbers: those behind what all keys are
 * known to have in common, or a few bytes before, so that they are pieces of
 * key_pieces.h. Without anything in common the first eight are hardly more than
 * keyspace and kind.
 *
 * The same tree goes backward: then the last one wins, with ties the other way
 * too. Between two steps the winner stands at the entry shown and every other
 * input at its next one in the direction; to turn round, each of them is moved
 * over the gap to its next one in the other direction. */
#include "libcommon/table/merge_iter.h"

#include <endian.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/key_pieces.h"

#define HEAD_BYTES (2 * RT_KEY_PIECE_BYTES)

struct input {
	struct rt_iter *iter;
	uint64_t head[2];	/* of the key behind `skip`, zero filled */
	bool valid;
};

struct merge_iter {
	struct rt_iter base;
	bool backward;
	size_t skip;	/* bytes that heads are without */
	size_t count;
	struct input *inputs;
	size_t *losers;
};

static inline void
take_head(const struct merge_iter *merge, struct input *input)
{
	struct rt_slice key = input->iter->entry.key;
	uint8_t bytes[HEAD_BYTES] = { 0 };

	input->valid = input->iter->valid;
	if (!input->valid)
		return;
	if (RT_LIKELY(key.len >= merge->skip + HEAD_BYTES)) {
		const uint8_t *at = key.data + merge->skip;

		input->head[0] = be64toh(rt_key_piece(at));
		input->head[1] =
		    be64toh(rt_key_piece(at + RT_KEY_PIECE_BYTES));
		return;
	}
	for (size_t i = merge->skip; i < key.len; i++)
		bytes[i - merge->skip] = key.data[i];
	input->head[0] = be64toh(rt_key_piece(bytes));
	input->head[1] = be64toh(rt_key_piece(bytes + RT_KEY_PIECE_BYTES));
}

/* Of entries whose heads are equal. The heads may hold all of the keys; then
 * only zeros can be what one has more. */
static inline int
compare_rest(const struct merge_iter *merge, const struct rt_entry *a,
    const struct rt_entry *b)
{
	size_t from = merge->skip + HEAD_BYTES;
	int order;

	if (a->key.len <= from && b->key.len <= from)
		order = (a->key.len > b->key.len) - (a->key.len < b->key.len);
	else
		order = rt_key_pieces_compare(a->key, b->key, from);
	if (order != 0)
		return order;
	return (a->seq < b->seq) - (a->seq > b->seq);
}

/* Whether input a is to be shown before input b. */
static inline bool
is_first(const struct merge_iter *merge, size_t a, size_t b)
{
	const struct input *x = &merge->inputs[a], *y = &merge->inputs[b];
	int order;

	if (RT_UNLIKELY(!x->valid || !y->valid))
		return x->valid || (!y->valid && a < b);
	if (x->head[0] != y->head[0])
		return (x->head[0] < y->head[0]) != merge->backward;
	if (x->head[1] != y->head[1])
		return (x->head[1] < y->head[1]) != merge->backward;
	order = compare_rest(merge, &x->iter->entry, &y->iter->entry);
	return (order != 0 ? order < 0 : a < b) != merge->backward;
}

/* Play all matches: winners go up, losers stay. */
static void
play_all(struct merge_iter *merge)
{
	size_t count = merge->count;
	size_t *winners = rt_alloc(2 * count * sizeof(winners[0]));

	for (size_t i = 0; i < count; i++)
		winners[count + i] = i;
	for (size_t node = count - 1; node > 0; node--) {
		size_t a = winners[2 * node], b = winners[2 * node + 1];
		bool a_wins = is_first(merge, a, b);

		winners[node] = a_wins ? a : b;
		merge->losers[node] = a_wins ? b : a;
	}
	merge->losers[0] = winners[1];
	free(winners);
}

static void
fail(struct merge_iter *merge, const struct rt_iter *input)
{
	merge->base.valid = false;
	merge->base.code = input->code;
	merge->base.err = input->err;
}

static void
show_winner(struct merge_iter *merge)
{
	const struct input *winner = &merge->inputs[merge->losers[0]];

	merge->base.valid = winner->valid;
	if (winner->valid)
		merge->base.entry = winner->iter->entry;
}

/* After all inputs were placed. */
static void
start(struct merge_iter *merge, bool backward)
{
	merge->backward = backward;
	merge->base.valid = false;
	merge->base.code = RT_OK;
	for (size_t i = 0; i < merge->count; i++) {
		struct input *input = &merge->inputs[i];

		take_head(merge, input);
		if (!input->valid && input->iter->code != RT_OK) {
			fail(merge, input->iter);
			return;
		}
	}
	if (merge->count == 0)
		return;
	play_all(merge);
	show_winner(merge);
}

static void
merge_seek_first(struct rt_iter *base)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	for (size_t i = 0; i < merge->count; i++)
		rt_iter_seek_first(merge->inputs[i].iter);
	start(merge, false);
}

static void
merge_seek_last(struct rt_iter *base)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	for (size_t i = 0; i < merge->count; i++)
		rt_iter_seek_last(merge->inputs[i].iter);
	start(merge, true);
}

static void
merge_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	for (size_t i = 0; i < merge->count; i++)
		rt_iter_seek(merge->inputs[i].iter, key, seq);
	start(merge, false);
}

static void
merge_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	for (size_t i = 0; i < merge->count; i++)
		rt_iter_seek_for_prev(merge->inputs[i].iter, key, seq);
	start(merge, true);
}

/* The winner has moved: play its path again. */
static inline void
replay(struct merge_iter *merge)
{
	size_t winner = merge->losers[0];
	struct input *input = &merge->inputs[winner];

	take_head(merge, input);
	if (RT_UNLIKELY(!input->valid && input->iter->code != RT_OK)) {
		fail(merge, input->iter);
		return;
	}
	for (size_t node = (merge->count + winner) / 2; node > 0; node /= 2) {
		size_t loser = merge->losers[node];

		if (is_first(merge, loser, winner)) {
			merge->losers[node] = winner;
			winner = loser;
		}
	}
	merge->losers[0] = winner;
	show_winner(merge);
}

/* An input that is at an end has nothing on this side of the entry shown; all
 * that it may have lies on the other. */
static void
cross_gap(const struct merge_iter *merge, struct rt_iter *input)
{
	struct rt_entry shown = merge->base.entry;

	if (merge->backward && input->valid)
		rt_iter_next(input);
	else if (merge->backward)
		rt_iter_seek(input, shown.key, shown.seq);
	else if (input->valid)
		rt_iter_prev(input);
	else
		rt_iter_seek_for_prev(input, shown.key, shown.seq);
}

/* Go the other way, with the entry shown left behind. */
static void
turn(struct merge_iter *merge)
{
	size_t winner = merge->losers[0];

	/* The winner goes last: the entry shown is of its making. */
	for (size_t i = 0; i < merge->count; i++)
		if (i != winner)
			cross_gap(merge, merge->inputs[i].iter);
	if (merge->backward)
		rt_iter_next(merge->inputs[winner].iter);
	else
		rt_iter_prev(merge->inputs[winner].iter);
	start(merge, !merge->backward);
}

static void
merge_next(struct rt_iter *base)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	if (RT_UNLIKELY(merge->backward)) {
		turn(merge);
		return;
	}
	rt_iter_next(merge->inputs[merge->losers[0]].iter);
	replay(merge);
}

static void
merge_prev(struct rt_iter *base)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	if (RT_UNLIKELY(!merge->backward)) {
		turn(merge);
		return;
	}
	rt_iter_prev(merge->inputs[merge->losers[0]].iter);
	replay(merge);
}

static void
merge_free(struct rt_iter *base)
{
	struct merge_iter *merge = (struct merge_iter *)base;

	for (size_t i = 0; i < merge->count; i++)
		rt_iter_free(merge->inputs[i].iter);
	free(merge->inputs);
	free(merge->losers);
	free(merge);
}

struct rt_iter *
rt_merge_iter_new(struct rt_iter **inputs, size_t count)
{
	return rt_merge_iter_new_common(inputs, count, 0);
}

struct rt_iter *
rt_merge_iter_new_common(struct rt_iter **inputs, size_t count, size_t common)
{
	static const struct rt_iter_ops ops = {
		.seek_first = merge_seek_first,
		.seek_last = merge_seek_last,
		.seek = merge_seek,
		.seek_for_prev = merge_seek_for_prev,
		.next = merge_next,
		.prev = merge_prev,
		.free = merge_free,
	};
	struct merge_iter *merge;

	if (count == 1)
		return inputs[0];
	merge = rt_alloc_zero(1, sizeof(*merge));
	merge->base.ops = &ops;
	merge->skip = common - common % RT_KEY_PIECE_BYTES;
	merge->count = count;
	merge->inputs = rt_alloc_zero(count + 1, sizeof(merge->inputs[0]));
	merge->losers = rt_alloc_zero(count + 1, sizeof(merge->losers[0]));
	for (size_t i = 0; i < count; i++)
		merge->inputs[i].iter = inputs[i];
	return &merge->base;
}
