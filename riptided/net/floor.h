/* floor: several loops beside each other (io-threads), and what makes them look
 * like one to everybody. docs/threads.md has the reasons and the figures.
 *
 * FL1 What belongs to the server (server_state, the list of clients, the
 *     writing side of the engine) is touched by the loop alone that has the
 *     floor. Only plain reads do without (rtd_command_try).
 * FL2 What belongs to a loop (its lists, its lane, its connections with their
 *     clients) is touched by who has the loop's desk, and by the loop itself
 *     while it has the floor: only who has that goes to the desks of others. A
 *     loop is at its own desk, or on the floor, from the first event of a turn
 *     to the end of it.
 * FL3 Nobody waits for the floor, or has it, while at its own desk. So whoever
 *     has the floor may wait for any desk; several are taken in their order.
 * FL4 Sockets and events are the business of the loop's own thread, with or
 *     without a desk. Others append to a client's output, touch the connection
 *     and wake the loop.
 *
 * With one loop there is no floor (loop->floor is NULL), and nothing here does
 * anything. Thread: the loop's own, unless said otherwise. */
#ifndef RIPTIDED_NET_FLOOR_H
#define RIPTIDED_NET_FLOOR_H

#include <stdatomic.h>

#include "libcommon/os/mutex.h"
#include "riptided/net/loop.h"

struct rtd_floor {
	struct rt_mutex mu;
	struct rtd_server_state *server;
	struct rtd_loop *loops[RTD_LANES_MAX];	/* the first one first */
	unsigned count;
	/* those of who has mu */
	struct rtd_loop *holder;
	bool is_alone;			/* at all desks */
	uint64_t acked;			/* sequence, at the last look */
	/* Looked at by all: apart from what is written for each command. */
	uint8_t pad[RT_CACHE_LINE_BYTES];
	_Atomic bool calm;		/* rtd_server_is_calm() */
	_Atomic int64_t now_ms;		/* wall clock, the latest read */
};

/* loops: opened, not yet at work. */
void rtd_floor_open(struct rtd_floor *floor, struct rtd_server_state *server,
    struct rtd_loop *const *loops, unsigned count);
/* All loops but the calling one have ended: there is one again. */
void rtd_floor_close(struct rtd_floor *floor);

/* From the loop's desk to the floor. True: it was not there before, and
 * rtd_floor_leave() is due. Others may have touched its connections on the
 * way. */
static inline bool rtd_floor_take(struct rtd_loop *loop);
/* Back to the desk; nobody comes between. */
static inline void rtd_floor_leave(struct rtd_loop *loop);

/* With the floor: let the other loops stand still, outside of commands, and go
 * on. */
void rtd_floor_clear(struct rtd_loop *loop);
void rtd_floor_admit(struct rtd_loop *loop);

void rtd_desk_take(struct rtd_loop *loop);
void rtd_desk_leave(struct rtd_loop *loop);
/* With the floor: go to the desk of another loop. */
void rtd_desk_visit(struct rtd_loop *loop);
/* Let somebody to the desk who waits for it. Not in the midst of anything. */
void rtd_desk_make_way(struct rtd_loop *loop);

/* The server's functions of these names. */
void rtd_floor_visit(struct rtd_server_state *server,
    struct rtd_client *client);
void rtd_floor_unvisit(struct rtd_server_state *server,
    struct rtd_client *client);

/* With the floor: this is acked by now. Loops that wait for it are woken, and
 * this one will be. */
void rtd_floor_acked(struct rtd_loop *loop, uint64_t acked);

/* The time of a turn, which is not before that of any other loop: what one has
 * seen expired no other sees alive. */
int64_t rtd_floor_now_ms(struct rtd_floor *floor, int64_t now_ms);

bool rtd_floor_come(struct rtd_loop *loop);	/* internal */
void rtd_floor_go(struct rtd_loop *loop);	/* internal */

static inline bool
rtd_floor_take(struct rtd_loop *loop)
{
	return RT_UNLIKELY(loop->floor != NULL) && rtd_floor_come(loop);
}

static inline void
rtd_floor_leave(struct rtd_loop *loop)
{
	if (RT_UNLIKELY(loop->floor != NULL))
		rtd_floor_go(loop);
}

/* With the floor: is it the loop of another thread? */
static inline bool
rtd_floor_is_foreign(const struct rtd_loop *loop)
{
	return loop->floor != NULL && loop->floor->holder != loop;
}

#endif
