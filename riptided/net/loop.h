/* loop: the connections of one thread and the turns they are served in.
 * Path: [net] > resp > cmd > engine. Thread: its own, but for wake. Where there
 * are several, floor.h says what one may touch of another.
 *
 * One turn: read what is ready, run the commands, hand the turn's writes to
 * the log, then answer. L1 A reply leaves only when the acked sequence covers
 * what its command did and read, and never before an earlier reply of the same
 * connection. L2 A connection is freed at the end of a turn only. L3 No
 * connection runs more than RTD_TURN_COMMANDS_MAX commands a turn.
 *
 * What sockets bring is gathered first, and then run: so GETs of different
 * connections are looked up together (cmd/ahead.h). */
#ifndef RIPTIDED_NET_LOOP_H
#define RIPTIDED_NET_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/os/mutex.h"
#include "riptided/cmd/server_state.h"
#include "riptided/net/door.h"
#include "riptided/net/output_limits.h"

#define RTD_TURN_COMMANDS_MAX 1024
#define RTD_READ_BYTES 65536
/* Received of so many connections, and so many bytes or a little more, before
 * their commands run. */
#define RTD_GATHERED_MAX 64
#define RTD_GATHERED_BYTES 65536
/* A TLS handshake takes the processor a millisecond or so. */
#define RTD_TURN_HANDSHAKES_MAX 4

TAILQ_HEAD(rtd_conn_list, rtd_conn);

struct rtd_floor;

struct rtd_loop {
	struct event_base *base;
	struct rtd_server_state *server;
	struct rtd_lane lane;
	struct rtd_output_limits limits[RTD_OUTPUT_CLASSES];
	struct ssl_ctx_st *tls;		/* the server's; NULL: no TLS */
	unsigned handshakes_left;	/* steps of them, in this turn */
	/* What was received and has not run: RTD_GATHERED_BYTES, and room for
	 * RTD_READ_BYTES behind them. */
	uint8_t *read_buffer;
	size_t read_used;
	struct rtd_conn *gathered[RTD_GATHERED_MAX];
	size_t gathered_count;
	struct rtd_conn_list ready;	/* have input that may be complete */
	struct rtd_conn_list touched;	/* to settle at the end of the turn */
	struct rtd_conn_list waiting;	/* have replies that wait (L1) */
	struct rtd_conn_list stalled;	/* a write waits for room */
	struct rtd_conn_list doomed;	/* to free at the end of the turn */
	struct rtd_conn_list orphans;	/* closed, but a job still runs */
	bool turn_open;			/* the clock of this turn is read */
	bool sync_waits;		/* for what is ready to be served */
	bool quiet;			/* stopping: no more commands */
	bool check_engine;		/* it may have failed */
	uint64_t acked;			/* sequence, at the last look */
	/* Buffers of all connections, and what they may take (client_memory.h). */
	uint64_t memory;
	uint64_t memory_max;
	uint64_t argument_max;
	bool was_over;
	uint64_t over_us;		/* above since, monotonic; 0: not so */
	struct rtd_conn *favoured;
	uint64_t favoured_bytes;	/* moved for it, at the last look */
	int wake_fd;
	_Atomic bool woken;		/* wake_fd is readable or about to be */
	struct event wake_event;
	/* With other loops beside it (floor.h); NULL: there is none. */
	struct rtd_floor *floor;
	struct rt_mutex desk;
	_Atomic unsigned desk_wanted;	/* by so many, at most one */
	bool on_floor;			/* its thread's alone */
	bool was_on_floor;		/* in this turn */
	_Atomic bool awaits;		/* some reply may wait to be acked */
	/* The floor's: connections that are open, and that arrive. */
	size_t conns, arriving;
	struct rt_buf arrivals;		/* of struct rtd_arrival */
};

/* A connection that another loop has accepted for this one. */
struct rtd_arrival {
	int fd;
	const struct rtd_door *door;
};

/* Fills in the server's functions for commands. The rest of the server
 * state must be set before the first turn. */
RT_MUST_USE enum rt_code rtd_loop_open(struct rtd_loop *loop,
    struct rtd_server_state *server, struct rt_err *err);
/* Close every connection. No job may be left in the pool. */
void rtd_loop_close(struct rtd_loop *loop);

/* Take what CONFIG SET may have changed. False: the output limits are not well
 * formed and stay as they were. */
bool rtd_loop_config_changed(struct rtd_loop *loop);

/* Serve an accepted socket; the loop owns fd. */
void rtd_loop_accept(struct rtd_loop *loop, int fd,
    const struct rtd_door *door);

/* Another loop's thread, with the floor and at the desk: have it served by this
 * one. */
void rtd_loop_hand_over(struct rtd_loop *loop, int fd,
    const struct rtd_door *door);

/* Wait for something to happen and serve one turn. */
void rtd_loop_turn(struct rtd_loop *loop);
/* Read the clock for this turn; every event callback calls it first. */
void rtd_loop_begin_turn(struct rtd_loop *loop);
/* Leave a turn that was begun outside of rtd_loop_turn(): before its thread
 * waits for anything. */
void rtd_loop_rest(struct rtd_loop *loop);

/* What was received lies behind read_used: its commands run before the turn
 * ends, in the order of these calls. */
void rtd_loop_gather(struct rtd_loop *loop, struct rtd_conn *conn, size_t len);

/* Whether a step of a handshake is still due in this turn; it is counted. */
static inline bool
rtd_loop_allows_handshake(struct rtd_loop *loop)
{
	if (loop->handshakes_left == 0)
		return false;
	loop->handshakes_left--;
	return true;
}

/* Any thread: a job has finished, a sequence was acked, room appeared. */
void rtd_loop_wake(void *loop);

/* Ten times a second: offer stalled writes again, notice a failed engine. */
void rtd_loop_tick(struct rtd_loop *loop);
/* Once a second: close who is idle, slow or reads nothing. */
void rtd_loop_check_times(struct rtd_loop *loop);

/* Run no more commands; replies under way still go out. */
void rtd_loop_quiet(struct rtd_loop *loop);
/* Nothing waits to be acked or sent. */
bool rtd_loop_drained(const struct rtd_loop *loop);
/* Run no more commands, and serve turns until nothing waits to be acked or
 * sent, for so long at most. */
void rtd_loop_drain(struct rtd_loop *loop, uint64_t patience_us);

#endif
