/* ahead: GETs that were received one behind the other are looked up together,
 * as one batch of the engine, when the first of them runs; the others find
 * their values here.
 *
 * AH1 What is here is what the GET would find by itself: nothing runs between
 *     the batch and the last of its commands but these, so that nothing was
 *     written, and the clock of the turn is the same.
 * AH2 net ends a run of a connection's commands with rtd_ahead_end(): the
 *     words of commands that did not run may move or go away then.
 * Path: cmd > [ahead] > engine, resp. Thread: loop. */
#ifndef RIPTIDED_CMD_AHEAD_H
#define RIPTIDED_CMD_AHEAD_H

#include "riptided/engine/engine.h"

struct rtd_client;

/* Inert when zeroed. */
struct rtd_ahead {
	size_t next, count;	/* what is left */
	struct rt_slice keys[RTD_READ_KEYS_MAX];	/* borrow the input */
	struct rtd_value values[RTD_READ_KEYS_MAX];
	enum rt_code codes[RTD_READ_KEYS_MAX];
};

/* Read the key together with those of the GETs behind it, if there are any;
 * true: the key's value is the next one now. */
bool rtd_ahead_read(struct rtd_ahead *ahead, struct rtd_reader *reader,
    const struct rtd_read *read, struct rt_slice key, struct rt_slice behind);

/* Whether the next value is that of this very word of the input. */
static inline bool
rtd_ahead_has(const struct rtd_ahead *ahead, struct rt_slice key)
{
	return ahead->next < ahead->count &&
	    ahead->keys[ahead->next].data == key.data &&
	    ahead->keys[ahead->next].len == key.len;
}

/* The next value, which is the caller's from now on, and its code. */
enum rt_code rtd_ahead_take(struct rtd_ahead *ahead, struct rtd_value *value);

/* Forget what nobody came for. */
void rtd_ahead_end(struct rtd_ahead *ahead);

#endif
