#include "riptided/net/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/command.h"
#include "riptided/net/client_memory.h"
#include "riptided/net/floor.h"
#include "riptided/net/foreign.h"

#define SECOND_US UINT64_C(1000000)
/* What a half-sent command gains time with: 16 KiB a second. */
#define REQUEST_BYTES_PER_SECOND 16384
#define LINGER_US (1 * SECOND_US)
/* Before AUTH. */
#define UNAUTHENTICATED_QUERY_MAX (1024 * 1024)
#define UNAUTHENTICATED_OUTPUT_MAX 65536
/* Buffers that have grown above this are given back when they are empty. */
#define KEPT_BYTES_MAX 16384
/* Those of who has said nothing for so long are given back in any case. */
#define KEPT_US (2 * SECOND_US)
#define LOG_INTERVAL_MS 60000
/* Of a reply with large values, handed to the kernel at once. */
#define PIECES_MAX 16
/* Taken at a time of a large argument, and sent in a turn to a client that
 * reads fast: others wait for theirs. */
#define BULK_READ_BYTES ((size_t)4 << 20)
#define TURN_SEND_BYTES ((size_t)4 << 20)

uint64_t
rtd_conn_pending(const struct rtd_conn *conn)
{
	return conn->out_base + conn->client.out.len - conn->sent +
	    conn->client.out_inlays.bytes - conn->inlay_sent;
}

uint64_t
rtd_conn_memory(const struct rtd_conn *conn)
{
	return conn->in.cap + conn->bulk_got + conn->parser.inlays.bytes +
	    conn->client.out.cap + conn->client.out_inlays.bytes +
	    (conn->tls != NULL ? RTD_TLS_MEMORY_BYTES : 0) +
	    rtd_client_held_bytes(&conn->client);
}

static bool
is_unauthenticated(const struct rtd_conn *conn)
{
	return !conn->client.authenticated &&
	    conn->loop->server->config->requirepass[0] != '\0';
}

void
rtd_conn_touch(struct rtd_conn *conn)
{
	if (conn->is_touched || conn->is_doomed)
		return;
	conn->is_touched = true;
	TAILQ_INSERT_TAIL(&conn->loop->touched, conn, touched_link);
}

void
rtd_conn_make_ready(struct rtd_conn *conn)
{
	if (conn->is_ready || conn->is_doomed)
		return;
	conn->is_ready = true;
	TAILQ_INSERT_TAIL(&conn->loop->ready, conn, ready_link);
}

void
rtd_conn_doom(struct rtd_conn *conn)
{
	if (conn->is_doomed)
		return;
	conn->is_doomed = true;
	/* Nothing is published to it any more. */
	conn->client.killed = true;
	TAILQ_INSERT_TAIL(&conn->loop->doomed, conn, doomed_link);
}

static void
wait_for_writable(struct rtd_conn *conn)
{
	conn->writing = true;
	event_add(&conn->write_event, NULL);
}

static void
stall(struct rtd_conn *conn)
{
	conn->is_stalled = true;
	TAILQ_INSERT_TAIL(&conn->loop->stalled, conn, stalled_link);
}

/* -- commands -- */

static const struct rtd_output_limits *
limits_of(const struct rtd_conn *conn)
{
	bool subscribed = (conn->client.modes & RTD_MODE_SUBSCRIBED) != 0;

	return &conn->loop->limits[subscribed ? RTD_OUTPUT_PUBSUB :
	    RTD_OUTPUT_NORMAL];
}

static uint64_t
choke_mark(const struct rtd_conn *conn)
{
	uint64_t soft = limits_of(conn)->soft_bytes;

	if (is_unauthenticated(conn))
		return UNAUTHENTICATED_OUTPUT_MAX;
	return soft != 0 ? soft : UINT64_MAX;
}

static bool
may_run(const struct rtd_conn *conn)
{
	const struct rtd_client *client = &conn->client;

	return !client->parked && !client->close_after_reply &&
	    !client->killed && !conn->is_stalled && !conn->choked &&
	    !conn->is_doomed && !conn->loop->quiet;
}

static void
refuse_request(struct rtd_conn *conn, const char *error)
{
	struct rtd_client *client = &conn->client;

	rtd_reply_error(&client->reply, "%s", error);
	client->close_after_reply = true;
	rtd_lane_count(&conn->loop->lane, RTD_COUNT_PROTOCOL_ERRORS, 1);
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_VERBOSE, "net",
	    "request refused", "peer=%s", client->peer);
}

/* Someone who does not speak our protocol, and may be a browser that was sent
 * here to do harm: not one of its lines is run. */
static void
drop_foreign(struct rtd_conn *conn)
{
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "Possible SECURITY ATTACK detected: connection dropped, this is "
	    "not the Redis protocol", "peer=%s", conn->client.peer);
	rtd_lane_count(&conn->loop->lane, RTD_COUNT_PROTOCOL_ERRORS, 1);
	rtd_conn_doom(conn);
}

static void
drop_tls(struct rtd_conn *conn)
{
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "connection dropped: a TLS handshake on a port without TLS",
	    "peer=%s", conn->client.peer);
	rtd_lane_count(&conn->loop->lane, RTD_COUNT_PROTOCOL_ERRORS, 1);
	rtd_conn_doom(conn);
}

static bool
is_foreign(const struct rtd_conn *conn, struct rt_slice data)
{
	return data.data[0] != '*' &&
	    rtd_is_foreign(conn->parser.argv, conn->parser.argc);
}

/* The favoured one goes on when its replies are out. */
static void
wait_for_memory(struct rtd_conn *conn)
{
	if (conn->loop->favoured == conn)
		conn->choked = true;
	else
		stall(conn);
}

/* What CONFIG SET has said holds at once; memory-limit may allow less. */
static uint64_t
argument_max(const struct rtd_loop *loop)
{
	uint64_t bytes = loop->server->config->proto_max_bulk_len;

	if (loop->memory_max != UINT64_MAX && loop->argument_max < bytes)
		bytes = loop->argument_max;
	return bytes;
}

static bool
run_on_floor(struct rtd_conn *conn, bool alone)
{
	struct rtd_loop *loop = conn->loop;
	bool ran;

	rtd_floor_take(loop);
	/* Somebody may have closed it before it was its turn. */
	if (!may_run(conn))
		return false;
	if (RT_UNLIKELY(alone))
		rtd_floor_clear(loop);
	ran = rtd_command_dispatch(loop->server, &conn->client,
	    conn->parser.argv, conn->parser.argc);
	if (RT_UNLIKELY(alone))
		rtd_floor_admit(loop);
	return ran;
}

/* With other loops beside this one. */
static bool
run_among_others(struct rtd_conn *conn)
{
	struct rtd_loop *loop = conn->loop;
	const struct rt_slice *argv = conn->parser.argv;
	size_t argc = conn->parser.argc;
	enum rtd_tried tried = rtd_command_try(loop->server, &conn->client,
	    &loop->lane, argv, argc,
	    rtd_floor_now_ms(loop->floor, loop->lane.now_ms),
	    atomic_load(&loop->floor->calm));

	if (tried == RTD_TRIED_FLOOR || tried == RTD_TRIED_ALONE)
		return run_on_floor(conn, tried == RTD_TRIED_ALONE);
	if (RT_UNLIKELY(tried == RTD_TRIED_SLOW)) {
		rtd_floor_take(loop);
		rtd_command_remember(loop->server, &conn->client, argv, argc,
		    loop->lane.nsec);
	}
	rtd_floor_leave(loop);
	return true;
}

/* False: not now, as rtd_command_dispatch() says, or not any more. */
static bool
run_command(struct rtd_conn *conn)
{
	if (RT_UNLIKELY(conn->loop->floor != NULL))
		return run_among_others(conn);
	return rtd_command_dispatch(conn->loop->server, &conn->client,
	    conn->parser.argv, conn->parser.argc);
}

/* Run what is complete in data; returns the bytes that are done with. */
static size_t
run_commands(struct rtd_conn *conn, struct rt_slice data)
{
	struct rtd_client *client = &conn->client;
	struct rtd_resp_limits limits = {
		.bulk_bytes_max = argument_max(conn->loop),
		.args_max = RTD_ARGS_MAX,
	};
	unsigned modes = client->modes;
	uint64_t choke = choke_mark(conn);
	size_t at = 0, consumed;

	for (int left = RTD_TURN_COMMANDS_MAX; may_run(conn); left--) {
		struct rt_slice rest = rt_slice(data.data + at, data.len - at);
		enum rtd_resp_status status;

		if (left == 0) {
			rtd_conn_make_ready(conn);
			break;
		}
		limits.unauthenticated = is_unauthenticated(conn);
		status = rtd_resp_parse(&conn->parser, rest, &limits,
		    &consumed, &conn->want);
		if (status != RTD_RESP_COMMAND && rtd_is_tls_hello(rest)) {
			drop_tls(conn);
			at = data.len;
			break;
		}
		if (status == RTD_RESP_MORE)
			break;
		if (status == RTD_RESP_ERROR) {
			refuse_request(conn, conn->parser.error);
			at = data.len;
			break;
		}
		if (conn->parser.argc != 0) {
			if (RT_UNLIKELY(is_foreign(conn, rest))) {
				drop_foreign(conn);
				at = data.len;
				break;
			}
			client->ahead = rt_slice(rest.data + consumed,
			    rest.len - consumed);
			if (!rtd_client_memory_allows(conn)) {
				wait_for_memory(conn);
				break;
			}
			if (!run_command(conn)) {
				if (!client->parked && may_run(conn))
					stall(conn);
				break;
			}
		}
		at += consumed;
		rtd_resp_let_go(&conn->parser);
		conn->partial_us = 0;
		if (RT_UNLIKELY(client->modes != modes)) {
			modes = client->modes;
			choke = choke_mark(conn);
		}
		conn->choked = rtd_conn_pending(conn) > choke;
		rtd_client_memory_count(conn);
	}
	rtd_floor_leave(conn->loop);
	return at;
}

/* Bytes received of the command under way. */
static uint64_t
received_bytes(const struct rtd_conn *conn)
{
	return conn->in.len + conn->bulk_got + conn->parser.inlays.bytes;
}

static void
forget_input(struct rtd_conn *conn)
{
	rt_buf_fini(&conn->in);
	rt_bulk_unref(conn->bulk);
	conn->bulk = NULL;
	conn->bulk_got = 0;
	rtd_resp_let_go(&conn->parser);
}

/* There is none for what the client announced: it is told, and goes. */
static void
lack_memory(struct rtd_conn *conn)
{
	refuse_request(conn, "ERR no memory for a request this large");
	forget_input(conn);
}

/* A large argument goes from the socket to where it will stay: its pages come
 * as it does. */
static void
begin_bulk(struct rtd_conn *conn)
{
	size_t at = 0, len = rtd_resp_large_argument(&conn->parser, &at);

	if (len == 0)
		return;
	conn->bulk = rt_bulk_new(len);
	if (conn->bulk == NULL) {
		lack_memory(conn);
		return;
	}
	conn->bulk_got = conn->in.len - at;
	memcpy(conn->bulk->data, conn->in.data + at, conn->bulk_got);
	conn->in.len = at;
}

/* The tail of the input that stays is the beginning of a command. */
static void
after_run(struct rtd_conn *conn)
{
	struct rtd_server_state *server = conn->loop->server;
	uint64_t max = server->config->client_query_buffer_limit;

	if (conn->in.len == 0) {
		conn->partial_us = 0;
		if (conn->in.cap > KEPT_BYTES_MAX)
			rt_buf_fini(&conn->in);
		return;
	}
	if (conn->partial_us == 0)
		conn->partial_us = conn->loop->lane.now_us;
	if (is_unauthenticated(conn) && max > UNAUTHENTICATED_QUERY_MAX)
		max = UNAUTHENTICATED_QUERY_MAX;
	if (received_bytes(conn) + conn->want > max && may_run(conn)) {
		refuse_request(conn, "ERR Protocol error: request is larger "
		    "than client-query-buffer-limit");
		forget_input(conn);
		return;
	}
	begin_bulk(conn);
}

void
rtd_conn_run(struct rtd_conn *conn)
{
	size_t done;

	if (conn->in.len != 0 && conn->bulk == NULL) {
		done = run_commands(conn, rt_buf_slice(&conn->in));
		rtd_ahead_end(&conn->loop->lane.ahead);
		rt_buf_consume(&conn->in, done);
		after_run(conn);
	}
	if (RT_UNLIKELY(conn->tls != NULL) && rtd_tls_wants_write(conn->tls))
		wait_for_writable(conn);
	rtd_conn_touch(conn);
}

void
rtd_conn_run_fresh(struct rtd_conn *conn)
{
	struct rt_slice fresh = conn->fresh;
	size_t done;

	conn->fresh = rt_slice(NULL, 0);
	if (conn->is_doomed)
		return;
	done = run_commands(conn, fresh);
	if (done < fresh.len)
		rt_buf_append(&conn->in, fresh.data + done, fresh.len - done);
	after_run(conn);
	rtd_client_memory_count(conn);
}

/* -- input -- */

/* With TLS, room for a record at least. */
static ssize_t
receive(struct rtd_conn *conn, void *out, size_t room)
{
	if (RT_UNLIKELY(conn->tls != NULL))
		return rtd_tls_recv(conn->tls, out, room);
	return recv(conn->client.fd, out, room, 0);
}

static void
received(struct rtd_conn *conn, size_t bytes)
{
	struct rtd_lane *lane = &conn->loop->lane;

	rtd_lane_count(lane, RTD_COUNT_NET_INPUT, bytes);
	conn->client.bytes_in += bytes;
	conn->client.active_ms = lane->now_ms;
	conn->active_us = lane->now_us;
}

/* Closing while input is unread would reset the connection and take the last
 * reply from the peer: shut down and wait for its end instead. */
static void
linger(struct rtd_conn *conn)
{
	shutdown(conn->client.fd, SHUT_WR);
	forget_input(conn);
	conn->client.close_after_reply = true;
	conn->linger_us = conn->loop->lane.now_us;
}

/* Plain text, a certificate that is not good: OpenSSL has told the peer. */
static void
tls_failed(struct rtd_conn *conn)
{
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    rtd_tls_is_open(conn->tls) ? "TLS connection broken"
		: "TLS handshake failed", "peer=%s reason=\"%s\"",
	    conn->client.peer, rtd_tls_problem(conn->tls));
	rtd_lane_count(&conn->loop->lane, RTD_COUNT_PROTOCOL_ERRORS, 1);
	linger(conn);
}

static void
receive_failed(struct rtd_conn *conn, ssize_t got)
{
	if (got == 0)
		conn->peer_closed = true;
	else if (errno == EPROTO && conn->tls != NULL)
		tls_failed(conn);
	else if (errno != EAGAIN && errno != EINTR)
		rtd_conn_doom(conn);
	else if (conn->tls != NULL && rtd_tls_wants_write(conn->tls))
		wait_for_writable(conn);
}

/* The usual case: nothing is left over, and nothing will be. */
static void
receive_shared(struct rtd_conn *conn)
{
	struct rtd_loop *loop = conn->loop;
	ssize_t got = receive(conn, loop->read_buffer + loop->read_used,
	    RTD_READ_BYTES);

	if (got <= 0) {
		receive_failed(conn, got);
		return;
	}
	received(conn, (size_t)got);
	rtd_loop_gather(loop, conn, (size_t)got);
}

/* More of a command that has begun. The buffer at most doubles, however large
 * the argument was declared. */
static void
receive_more(struct rtd_conn *conn)
{
	size_t room = RTD_READ_BYTES;
	ssize_t got;

	if (conn->want > room)
		room = conn->want < conn->in.len ? conn->want : conn->in.len;
	if (room < RTD_READ_BYTES)
		room = RTD_READ_BYTES;
	if (!rt_buf_try_reserve(&conn->in, room)) {
		lack_memory(conn);
		return;
	}
	got = receive(conn, conn->in.data + conn->in.len, room);
	if (got <= 0) {
		receive_failed(conn, got);
		return;
	}
	received(conn, (size_t)got);
	conn->in.len += (size_t)got;
	if (conn->want > (size_t)got)
		conn->want -= (size_t)got;
	else
		rtd_conn_run(conn);
}

/* True: the argument is the parser's now. What is wrong with it the parser
 * tells when it runs. */
static bool
end_bulk(struct rtd_conn *conn)
{
	struct rt_bulk *bulk = conn->bulk;

	if (conn->bulk_got < bulk->len + RT_BULK_BEHIND_BYTES &&
	    (conn->bulk_got <= bulk->len || bulk->data[bulk->len] == '\r'))
		return false;
	conn->bulk = NULL;
	conn->bulk_got = 0;
	(void)rtd_resp_give(&conn->parser, bulk);
	rt_bulk_unref(bulk);
	return true;
}

/* The last record of the argument has the next command in it, maybe. */
static void
receive_bulk_end(struct rtd_conn *conn, size_t left)
{
	uint8_t *buffer = conn->loop->read_buffer + conn->loop->read_used;
	ssize_t got = receive(conn, buffer, RTD_READ_BYTES);
	size_t part;

	if (got <= 0) {
		receive_failed(conn, got);
		return;
	}
	received(conn, (size_t)got);
	part = (size_t)got < left ? (size_t)got : left;
	memcpy(conn->bulk->data + conn->bulk_got, buffer, part);
	conn->bulk_got += part;
	if (!end_bulk(conn))
		return;
	rt_buf_append(&conn->in, buffer + part, (size_t)got - part);
	rtd_conn_run(conn);
}

static void
receive_bulk(struct rtd_conn *conn)
{
	size_t left = conn->bulk->len + RT_BULK_BEHIND_BYTES - conn->bulk_got;
	ssize_t got;

	if (conn->tls != NULL && left < RTD_TLS_RECORD_BYTES) {
		receive_bulk_end(conn, left);
		return;
	}
	got = receive(conn, conn->bulk->data + conn->bulk_got,
	    left < BULK_READ_BYTES ? left : BULK_READ_BYTES);
	if (got <= 0) {
		receive_failed(conn, got);
		return;
	}
	received(conn, (size_t)got);
	conn->bulk_got += (size_t)got;
	if (end_bulk(conn))
		rtd_conn_run(conn);
}

/* The last reply is out and the peer has been told; what it still sends is
 * thrown away, because closing before would take the reply from it. */
static void
receive_nothing(struct rtd_conn *conn)
{
	struct rtd_loop *loop = conn->loop;
	ssize_t got = recv(conn->client.fd, loop->read_buffer + loop->read_used,
	    RTD_READ_BYTES, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		rtd_conn_doom(conn);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_conn *conn = arg;

	rtd_loop_begin_turn(conn->loop);
	if (conn->is_doomed)
		return;
	if (conn->linger_us != 0) {
		receive_nothing(conn);
		return;
	}
	if (conn->is_ready || conn->fresh.len != 0 || !may_run(conn))
		return;
	if (RT_UNLIKELY(conn->tls != NULL) && !rtd_tls_is_open(conn->tls) &&
	    !rtd_loop_allows_handshake(conn->loop))
		return;
	if (!rtd_client_memory_allows_input(conn)) {
		stall(conn);
		rtd_conn_touch(conn);
		return;
	}
	if (conn->bulk != NULL)
		receive_bulk(conn);
	else if (conn->in.len == 0)
		receive_shared(conn);
	else
		receive_more(conn);
	rtd_client_memory_count(conn);
	rtd_conn_touch(conn);
}

/* -- output -- */

static void
add_mark(struct rtd_conn *conn, uint64_t upto, uint64_t seq)
{
	struct rtd_mark *last;

	if (conn->marks_count != 0) {
		last = &conn->marks[conn->marks_head + conn->marks_count - 1];
		if (last->seq >= seq) {
			last->upto = upto;
			return;
		}
	}
	if (conn->marks_head + conn->marks_count == conn->marks_cap) {
		if (conn->marks_head > conn->marks_cap / 2) {
			memmove(conn->marks, conn->marks + conn->marks_head,
			    conn->marks_count * sizeof(*conn->marks));
			conn->marks_head = 0;
		} else {
			conn->marks_cap = conn->marks_cap * 2 + 4;
			conn->marks = rt_realloc(conn->marks,
			    conn->marks_cap * sizeof(*conn->marks));
		}
	}
	conn->marks[conn->marks_head + conn->marks_count++] =
	    (struct rtd_mark){ upto, seq };
	if (!conn->is_waiting) {
		conn->is_waiting = true;
		TAILQ_INSERT_TAIL(&conn->loop->waiting, conn, waiting_link);
	}
}

/* L1 */
static void
queue_replies(struct rtd_conn *conn, uint64_t acked)
{
	uint64_t end = conn->out_base + conn->client.out.len;

	if (end == conn->queued)
		return;
	conn->queued = end;
	if (conn->marks_count == 0 && conn->client.wait_seq <= acked)
		conn->released = end;
	else
		add_mark(conn, end, conn->client.wait_seq);
}

void
rtd_conn_release(struct rtd_conn *conn, uint64_t acked)
{
	while (conn->marks_count != 0 &&
	    conn->marks[conn->marks_head].seq <= acked) {
		conn->released = conn->marks[conn->marks_head].upto;
		conn->marks_head++;
		conn->marks_count--;
		rtd_conn_touch(conn);
	}
	if (conn->marks_count != 0)
		return;
	conn->marks_head = 0;
	conn->is_waiting = false;
	TAILQ_REMOVE(&conn->loop->waiting, conn, waiting_link);
}

static void
forget_sent(struct rtd_conn *conn)
{
	struct rt_buf *out = &conn->client.out;
	size_t gone = (size_t)(conn->sent - conn->out_base);

	if (gone == out->len) {
		rt_buf_clear(out);
		if (out->cap > KEPT_BYTES_MAX)
			rt_buf_fini(out);
	} else if (gone > out->len / 2) {
		rt_buf_consume(out, gone);
		rt_inlays_shift(&conn->client.out_inlays, gone);
	} else {
		return;
	}
	conn->out_base = conn->sent;
}

/* What may be sent, in order; returns the number of pieces, at most
 * PIECES_MAX. */
static size_t
gather(const struct rtd_conn *conn, struct iovec pieces[PIECES_MAX])
{
	const struct rt_inlays *inlays = &conn->client.out_inlays;
	uint8_t *out = conn->client.out.data;
	size_t at = (size_t)(conn->sent - conn->out_base);
	size_t end = (size_t)(conn->released - conn->out_base);
	size_t skip = conn->inlay_sent, count = 0;

	for (size_t i = 0; at < end && count < PIECES_MAX - 1; i++) {
		bool inlaid = i < inlays->count && inlays->items[i].at < end;
		size_t stop = inlaid ? inlays->items[i].at : end;

		if (at < stop)
			pieces[count++] = (struct iovec){
				.iov_base = out + at,
				.iov_len = stop - at,
			};
		at = stop;
		if (!inlaid)
			break;
		pieces[count++] = (struct iovec){
			.iov_base = (void *)(uintptr_t)
			    (inlays->items[i].bytes.data + skip),
			.iov_len = inlays->items[i].bytes.len - skip,
		};
		skip = 0;
	}
	return count;
}

/* Note that the next `put` bytes are with the kernel. */
static void
advance(struct rtd_conn *conn, size_t put)
{
	struct rt_inlays *inlays = &conn->client.out_inlays;

	while (inlays->count != 0) {
		const struct rt_inlay *first = &inlays->items[0];
		size_t before = (size_t)(conn->out_base + first->at -
		    conn->sent);
		size_t left = first->bytes.len - conn->inlay_sent;

		if (put < before)
			break;
		conn->sent += before;
		put -= before;
		if (put < left) {
			conn->inlay_sent += put;
			return;
		}
		put -= left;
		conn->inlay_sent = 0;
		rt_inlays_drop_first(inlays, 1);
	}
	conn->sent += put;
}

static ssize_t
send_some(struct rtd_conn *conn)
{
	struct iovec pieces[PIECES_MAX];
	struct msghdr message = { .msg_iov = pieces };

	if (RT_LIKELY(conn->client.out_inlays.count == 0 &&
		conn->tls == NULL))
		return send(conn->client.fd, conn->client.out.data +
		    (conn->sent - conn->out_base),
		    (size_t)(conn->released - conn->sent), MSG_NOSIGNAL);
	message.msg_iovlen = gather(conn, pieces);
	if (conn->tls != NULL)
		return rtd_tls_send(conn->tls, pieces, message.msg_iovlen);
	return sendmsg(conn->client.fd, &message, MSG_NOSIGNAL);
}

static void
send_released(struct rtd_conn *conn)
{
	size_t done = 0;

	while (conn->sent < conn->released && !conn->writing) {
		ssize_t put = send_some(conn);

		if (put >= 0) {
			advance(conn, (size_t)put);
			done += (size_t)put;
			conn->client.bytes_out += (uint64_t)put;
			rtd_lane_count(&conn->loop->lane,
			    RTD_COUNT_NET_OUTPUT, (uint64_t)put);
			if (done >= TURN_SEND_BYTES)
				wait_for_writable(conn);
		} else if (errno == EAGAIN) {
			wait_for_writable(conn);
		} else if (errno != EINTR) {
			rtd_conn_doom(conn);
			return;
		}
	}
	forget_sent(conn);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_conn *conn = arg;

	rtd_loop_begin_turn(conn->loop);
	conn->writing = false;
	rtd_conn_touch(conn);
	if (RT_UNLIKELY(conn->tls != NULL) && rtd_tls_wants_write(conn->tls))
		on_readable(fd, what, arg);
}

/* -- the end of a turn -- */

/* True when it has left too much unread, and goes. */
static bool
close_over_limit(struct rtd_conn *conn, uint64_t pending)
{
	uint64_t hard = limits_of(conn)->hard_bytes;

	if ((hard == 0 || pending <= hard) && (!is_unauthenticated(conn) ||
		pending <= UNAUTHENTICATED_OUTPUT_MAX))
		return false;
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "client closed: it does not read its replies",
	    "peer=%s pending_bytes=%llu", conn->client.peer,
	    (unsigned long long)pending);
	rtd_conn_doom(conn);
	return true;
}

void
rtd_conn_output_grew(struct rtd_conn *conn)
{
	rtd_conn_touch(conn);
	rtd_client_memory_count(conn);
	close_over_limit(conn, rtd_conn_pending(conn));
}

static void
check_output(struct rtd_conn *conn)
{
	const struct rtd_output_limits *limits = limits_of(conn);
	uint64_t pending = rtd_conn_pending(conn);

	conn->client.pending_in = (size_t)received_bytes(conn);
	conn->client.pending_out = (size_t)pending;
	if (close_over_limit(conn, pending))
		return;
	if (limits->soft_bytes == 0 || pending <= limits->soft_bytes)
		conn->soft_us = 0;
	else if (conn->soft_us == 0)
		conn->soft_us = conn->loop->lane.now_us;
	if (conn->choked && pending <= choke_mark(conn) / 2) {
		conn->choked = false;
		rtd_conn_make_ready(conn);
	}
}

static void
finish(struct rtd_conn *conn)
{
	int unread = 0;

	if (conn->tls != NULL)
		rtd_tls_say_goodbye(conn->tls);
	if (conn->peer_closed ||
	    ioctl(conn->client.fd, FIONREAD, &unread) != 0 ||
	    (unread == 0 && conn->parser.error[0] == '\0')) {
		rtd_conn_doom(conn);
		return;
	}
	linger(conn);
}

static void
update_reading(struct rtd_conn *conn)
{
	bool read = !conn->peer_closed &&
	    (conn->linger_us != 0 || may_run(conn));

	/* It is not the peer's bytes that the next receive waits for. */
	if (RT_UNLIKELY(conn->tls != NULL) && rtd_tls_wants_write(conn->tls) &&
	    conn->linger_us == 0)
		read = false;

	if (read == conn->reading)
		return;
	conn->reading = read;
	if (read)
		event_add(&conn->read_event, NULL);
	else
		event_del(&conn->read_event);
}

/* Wrong passwords: the reply waits, and is looked at ten times a second. */
static bool
is_held(struct rtd_conn *conn)
{
	if (conn->loop->lane.now_us >= conn->client.held_until_us)
		return false;
	if (!conn->is_stalled)
		stall(conn);
	update_reading(conn);
	return true;
}

void
rtd_conn_settle(struct rtd_conn *conn, uint64_t acked)
{
	const struct rtd_client *client = &conn->client;
	bool idle;

	if (conn->is_doomed)
		return;
	if (client->killed) {
		rtd_conn_doom(conn);
		return;
	}
	queue_replies(conn, acked);
	if (RT_UNLIKELY(client->held_until_us != 0) && is_held(conn))
		return;
	send_released(conn);
	rtd_client_memory_count(conn);
	check_output(conn);
	if (conn->is_doomed)
		return;
	idle = rtd_conn_pending(conn) == 0 && !client->parked;
	if (idle && client->close_after_reply && conn->linger_us == 0)
		finish(conn);
	else if (idle && conn->peer_closed && !conn->is_ready &&
	    !conn->is_stalled)
		finish(conn);
	if (!conn->is_doomed)
		update_reading(conn);
}

/* -- time -- */

static bool
has_passed(uint64_t since_us, int64_t seconds, uint64_t now_us)
{
	return seconds != 0 && now_us - since_us > (uint64_t)seconds * SECOND_US;
}

/* A command that is half here gains time with what comes of it. */
static bool
is_slow(const struct rtd_conn *conn, uint64_t now_us)
{
	int64_t seconds = conn->loop->server->config->request_timeout;

	return conn->partial_us != 0 && seconds != 0 &&
	    has_passed(conn->partial_us, seconds +
		(int64_t)(received_bytes(conn) / REQUEST_BYTES_PER_SECOND),
		now_us);
}

static const char *
overdue(const struct rtd_conn *conn, uint64_t now_us)
{
	const struct rt_config *config = conn->loop->server->config;

	if (conn->linger_us != 0)
		return now_us - conn->linger_us > LINGER_US ? "closed" : NULL;
	if (conn->tls != NULL && !rtd_tls_is_open(conn->tls) &&
	    has_passed(conn->opened_us, config->auth_timeout, now_us))
		return "no TLS handshake";
	if (is_unauthenticated(conn) &&
	    has_passed(conn->opened_us, config->auth_timeout, now_us))
		return "no AUTH";
	if (conn->soft_us != 0 && has_passed(conn->soft_us,
		limits_of(conn)->soft_seconds, now_us))
		return "replies unread";
	if (!may_run(conn) || conn->is_ready)
		return NULL;
	if (is_slow(conn, now_us))
		return "command half sent";
	/* Who listens may be quiet for as long as it likes. */
	if ((conn->client.modes & (RTD_MODE_SUBSCRIBED | RTD_MODE_MONITOR)) ==
		0 && has_passed(conn->active_us, config->timeout, now_us))
		return "idle";
	return NULL;
}

/* Ten thousand that are idle would keep a lot. */
static void
give_back_buffers(struct rtd_conn *conn, uint64_t now_us)
{
	struct rt_buf *out = &conn->client.out;

	if (now_us - conn->active_us < KEPT_US || conn->client.parked ||
	    conn->in.len != 0 || out->len != 0 ||
	    (conn->in.cap == 0 && out->cap == 0))
		return;
	rt_buf_fini(&conn->in);
	rt_buf_fini(out);
	rtd_client_memory_count(conn);
}

void
rtd_conn_check_times(struct rtd_conn *conn, uint64_t now_us)
{
	const char *reason = overdue(conn, now_us);

	if (reason == NULL) {
		give_back_buffers(conn, now_us);
		return;
	}
	rt_log(RT_LOG_VERBOSE, "net", "client closed", "peer=%s reason=\"%s\"",
	    conn->client.peer, reason);
	rtd_conn_doom(conn);
}

/* -- life -- */

static void
link_client(struct rtd_server_state *server, struct rtd_client *client)
{
	client->prev = server->clients_tail;
	if (client->prev != NULL)
		client->prev->next = client;
	else
		server->clients = client;
	server->clients_tail = client;
	server->connected_clients++;
}

static void
unlink_client(struct rtd_server_state *server, struct rtd_client *client)
{
	if (client->prev != NULL)
		client->prev->next = client->next;
	else
		server->clients = client->next;
	if (client->next != NULL)
		client->next->prev = client->prev;
	else
		server->clients_tail = client->prev;
	client->prev = client->next = NULL;
	server->connected_clients--;
}

struct rtd_conn *
rtd_conn_new(struct rtd_loop *loop, int fd, struct rtd_tls *tls,
    const char *peer, const char *local)
{
	struct rtd_server_state *server = loop->server;
	struct rtd_conn *conn = rt_alloc_zero(1, sizeof(*conn));
	struct rtd_client *client = &conn->client;

	conn->loop = loop;
	conn->tls = tls;
	conn->opened_us = conn->active_us = loop->lane.now_us;
	conn->reading = true;
	client->id = server->next_client_id++;
	rtd_auth_begin(server, client);
	client->reply = (struct rtd_resp_writer){ &client->out, 2,
		&client->out_inlays };
	client->large = &conn->parser.inlays;
	client->fd = fd;
	client->lane = &loop->lane;
	client->created_ms = client->active_ms = loop->lane.now_ms;
	snprintf(client->peer, sizeof(client->peer), "%s", peer);
	snprintf(client->local, sizeof(client->local), "%s", local);
	link_client(server, client);
	loop->conns++;
	event_assign(&conn->read_event, loop->base, fd, EV_READ | EV_PERSIST,
	    on_readable, conn);
	event_assign(&conn->write_event, loop->base, fd, EV_WRITE,
	    on_writable, conn);
	event_add(&conn->read_event, NULL);
	return conn;
}

static void
leave_lists(struct rtd_conn *conn)
{
	struct rtd_loop *loop = conn->loop;

	if (conn->is_ready)
		TAILQ_REMOVE(&loop->ready, conn, ready_link);
	if (conn->is_touched)
		TAILQ_REMOVE(&loop->touched, conn, touched_link);
	if (conn->is_waiting)
		TAILQ_REMOVE(&loop->waiting, conn, waiting_link);
	if (conn->is_stalled)
		TAILQ_REMOVE(&loop->stalled, conn, stalled_link);
	conn->is_ready = conn->is_touched = conn->is_waiting = false;
	conn->is_stalled = false;
}

void
rtd_conn_free(struct rtd_conn *conn)
{
	struct rtd_client *client = &conn->client;

	if (client->fd >= 0) {
		event_del(&conn->read_event);
		event_del(&conn->write_event);
		rtd_tls_free(conn->tls);
		conn->tls = NULL;
		close(client->fd);
		client->fd = -1;
		leave_lists(conn);
		unlink_client(conn->loop->server, client);
		conn->loop->conns--;
		rtd_client_leave(conn->loop->server, client);
	}
	if (client->parked) {
		client->killed = true;
		TAILQ_INSERT_TAIL(&conn->loop->orphans, conn, doomed_link);
		return;
	}
	rtd_client_let_go(client);
	forget_input(conn);
	rtd_client_memory_forget(conn);
	rtd_resp_parser_fini(&conn->parser);
	rt_buf_fini(&client->out);
	rt_inlays_fini(&client->out_inlays);
	free(conn->marks);
	free(conn);
}
