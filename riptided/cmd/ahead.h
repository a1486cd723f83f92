/* ahead: GETs that were received together are looked up together, as one batch
 * of the engine, before the first of them runs; the others find their values
 * here. They are those that one connection has sent one behind the other, or
 * the first ones of several connections.
 *
 * AH1 What is here is what the GET may find: all commands of the batch had been
 *     received and none was answered when it was read, so that a write which
 *     runs between them is beside them in time, not before. Of one connection
 *     nothing runs between the batch and its commands but these: it sees what
 *     it has written itself. The clock of the turn is the same.
 * AH2 net calls rtd_ahead_end() before the words of what was received move or
 *     go away.
 * Path: cmd > [ahead] > engine, resp. Thread: loop. */
#ifndef RIPTIDED_CMD_AHEAD_H
#define RIPTIDED_CMD_AHEAD_H

#include "riptided/engine/engine.h"

struct rtd_client;
struct rtd_lane;
struct rtd_server_state;

/* Inert when zeroed. */
struct rtd_ahead {
	size_t next, count;	/* what is left */
	uint32_t database;	/* of what was offered */
	struct rt_slice keys[RTD_READ_KEYS_MAX];	/* borrow the input */
	struct rtd_value values[RTD_READ_KEYS_MAX];
	enum rt_code codes[RTD_READ_KEYS_MAX];
};

/* Read the key together with those of the GETs behind it, if there are any;
 * true: the key's value is the next one now. */
bool rtd_ahead_read(struct rtd_ahead *ahead, struct rtd_reader *reader,
    const struct rtd_read *read, struct rt_slice key, struct rt_slice behind);

/* Add the GETs that bytes begin with, received from client, to a batch that is
 * not yet read: they are its next commands. False: there is no room for more,
 * perhaps not for all of these. */
bool rtd_ahead_offer(struct rtd_lane *lane, const struct rtd_client *client,
    struct rt_slice bytes);
/* Read what was offered. */
void rtd_ahead_read_offered(struct rtd_lane *lane,
    const struct rtd_server_state *server);

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
