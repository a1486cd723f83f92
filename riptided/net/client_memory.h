/* client_memory: what the buffers of all connections take, and what happens
 * when that is more than their part of memory-limit. Then connections are not
 * read from and run no commands, but for one, the favoured: it finishes what
 * it has begun, and its place goes to another when nothing moves. When this
 * lasts, the connection with the largest buffers is closed, because it is one
 * that sends half a command or reads no replies. Thread: the loop's. */
#ifndef RIPTIDED_NET_CLIENT_MEMORY_H
#define RIPTIDED_NET_CLIENT_MEMORY_H

#include "riptided/net/conn.h"

/* The budget, from the server's state. */
void rtd_client_memory_configure(struct rtd_loop *loop);

/* The connection's buffers have changed. */
void rtd_client_memory_count(struct rtd_conn *conn);
/* The connection ends. */
void rtd_client_memory_forget(struct rtd_conn *conn);

bool rtd_client_memory_make_way(struct rtd_conn *conn);

/* May it run a command? May more be read from it? */
static inline bool
rtd_client_memory_allows(struct rtd_conn *conn)
{
	return RT_LIKELY(conn->loop->memory <= conn->loop->memory_max) ||
	    (rtd_client_memory_make_way(conn) && rtd_conn_pending(conn) == 0);
}

static inline bool
rtd_client_memory_allows_input(struct rtd_conn *conn)
{
	return RT_LIKELY(conn->loop->memory <= conn->loop->memory_max) ||
	    rtd_client_memory_make_way(conn);
}

/* At the end of a turn: is there room again, after there was none? */
bool rtd_client_memory_is_back(struct rtd_loop *loop);
/* Ten times a second, and once a second. */
void rtd_client_memory_tick(struct rtd_loop *loop);
void rtd_client_memory_check_times(struct rtd_loop *loop);

#endif
