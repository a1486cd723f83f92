/* conn: one connection: its socket, the input that is not yet a command, the
 * output that is not yet sent. Thread: the loop's.
 *
 * Output lies in client.out and is counted by stream offsets, which only grow:
 *	out_base <= sent <= released <= queued <= out_base + out.len
 * Bytes up to `released` may be sent; those up to `queued` belong to marks,
 * which wait for a sequence each; those behind are of this turn. Large values
 * are inlays of client.out: offsets do not count them, and since more of the
 * reply follows each, one that lies before `released` may be sent. */
#ifndef RIPTIDED_NET_CONN_H
#define RIPTIDED_NET_CONN_H

#include "riptided/cmd/client.h"
#include "riptided/net/loop.h"
#include "riptided/net/tls.h"
#include "riptided/resp/resp_parser.h"

/* Replies up to stream offset `upto` wait for seq. */
struct rtd_mark {
	uint64_t upto;
	uint64_t seq;
};

struct rtd_conn {
	struct rtd_client client;	/* first: the two are one to commands */
	struct rtd_loop *loop;
	struct rtd_tls *tls;		/* NULL: plain */
	struct event read_event;
	struct event write_event;
	struct rtd_resp_parser parser;
	struct rt_buf in;		/* received, not yet consumed */
	struct rt_slice fresh;		/* received in this turn (gather) */
	uint64_t counted;		/* of its memory, in loop->memory */
	size_t want;			/* bytes the command lacks, if known */
	struct rt_bulk *bulk;		/* a large argument under way */
	size_t bulk_got;		/* bytes of it, or of the CRLF behind */
	uint64_t out_base;
	uint64_t sent;
	size_t inlay_sent;		/* bytes of the first inlay */
	uint64_t released;
	uint64_t queued;
	struct rtd_mark *marks;		/* first in, first out */
	size_t marks_head, marks_count, marks_cap;
	/* monotonic us, 0: not so */
	uint64_t opened_us;
	uint64_t active_us;
	uint64_t partial_us;		/* a command is half here since */
	uint64_t soft_us;		/* output above the soft limit since */
	uint64_t linger_us;		/* shut down, the peer not, since */
	bool reading;			/* read_event is added */
	bool writing;			/* write_event is added */
	bool peer_closed;
	bool choked;			/* too much output to run commands */
	bool is_ready, is_touched, is_waiting, is_stalled, is_doomed;
	TAILQ_ENTRY(rtd_conn) ready_link, touched_link, waiting_link,
	    stalled_link, doomed_link;
};

/* tls: its own from now on; NULL: plain. */
struct rtd_conn *rtd_conn_new(struct rtd_loop *loop, int fd,
    struct rtd_tls *tls, const char *peer, const char *local);
/* Close the socket and leave all lists. While a job runs for the client the
 * memory stays, on the list of orphans. */
void rtd_conn_free(struct rtd_conn *conn);

/* Settle it at the end of this turn. */
void rtd_conn_touch(struct rtd_conn *conn);
/* Another's command has appended to its output: that is sent at the end of the
 * turn, unless it is beyond the limit already. */
void rtd_conn_output_grew(struct rtd_conn *conn);
/* Run commands in what has been received, next turn at the latest. */
void rtd_conn_make_ready(struct rtd_conn *conn);
/* Free it at the end of this turn, whatever was not yet sent. */
void rtd_conn_doom(struct rtd_conn *conn);

/* Run commands that are complete, up to L3. */
void rtd_conn_run(struct rtd_conn *conn);
/* The same with what was gathered; what is left stays with the connection. */
void rtd_conn_run_fresh(struct rtd_conn *conn);
/* The acked sequence rose: release what it covers. */
void rtd_conn_release(struct rtd_conn *conn, uint64_t acked);
/* The end of a turn: queue its replies, send, decide what comes next. */
void rtd_conn_settle(struct rtd_conn *conn, uint64_t acked);
void rtd_conn_check_times(struct rtd_conn *conn, uint64_t now_us);
/* Bytes that are not yet with the kernel. */
uint64_t rtd_conn_pending(const struct rtd_conn *conn);
/* Bytes of memory that it holds in buffers, large values under way included,
 * also those that others hold as well. */
uint64_t rtd_conn_memory(const struct rtd_conn *conn);

#endif
