#include "riptided/net/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/net/address.h"
#include "riptided/net/client_memory.h"
#include "riptided/net/floor.h"

#define LOG_INTERVAL_MS 60000

/* The clock of the server, which those of other loops are never ahead of. */
static void
set_clock(struct rtd_loop *loop)
{
	struct rtd_server_state *server = loop->server;

	if (RT_UNLIKELY(loop->floor != NULL)) {
		loop->lane.now_ms =
		    rtd_floor_now_ms(loop->floor, loop->lane.now_ms);
		return;
	}
	server->now_ms = loop->lane.now_ms;
	server->now_us = loop->lane.now_us;
	if (RT_UNLIKELY(server->deadlines.enabled))
		rtd_deadlines_tell(server);
}

void
rtd_loop_begin_turn(struct rtd_loop *loop)
{
	struct rtd_server_state *server = loop->server;

	if (RT_UNLIKELY(loop->floor != NULL)) {
		if (loop->turn_open)
			rtd_desk_make_way(loop);
		else
			rtd_desk_take(loop);
	}
	if (loop->turn_open)
		return;
	loop->turn_open = true;
	loop->handshakes_left = RTD_TURN_HANDSHAKES_MAX;
	loop->lane.now_ms = server->engine != NULL
	    ? (int64_t)rtd_engine_now_ms(server->engine)
	    : rt_clock_wall_ms(server->clock);
	loop->lane.now_us = rt_clock_monotonic_ns(server->clock) / 1000;
	set_clock(loop);
}

void
rtd_loop_rest(struct rtd_loop *loop)
{
	if (RT_UNLIKELY(loop->floor != NULL) && loop->turn_open)
		rtd_desk_leave(loop);
	loop->turn_open = false;
}

void
rtd_loop_wake(void *arg)
{
	struct rtd_loop *loop = arg;
	uint64_t one = 1;
	ssize_t put;

	if (atomic_exchange(&loop->woken, true))
		return;
	do {
		put = write(loop->wake_fd, &one, sizeof(one));
	} while (put < 0 && errno == EINTR);
}

static void
retry_stalled(struct rtd_loop *loop)
{
	struct rtd_conn *conn;

	while ((conn = TAILQ_FIRST(&loop->stalled)) != NULL) {
		TAILQ_REMOVE(&loop->stalled, conn, stalled_link);
		conn->is_stalled = false;
		rtd_conn_make_ready(conn);
	}
}

static void
finish_jobs(struct rtd_loop *loop)
{
	struct rtd_pool *pool = loop->server->pool;

	if (RT_UNLIKELY(loop->floor != NULL)) {
		if (!rtd_pool_has_finished(pool))
			return;
		rtd_floor_take(loop);
	}
	rtd_pool_poll(pool);
	rtd_floor_leave(loop);
}

static void
welcome_arrivals(struct rtd_loop *loop)
{
	while (RT_UNLIKELY(loop->arrivals.len != 0)) {
		struct rtd_arrival arrival;

		rtd_floor_take(loop);
		memcpy(&arrival, loop->arrivals.data, sizeof(arrival));
		rt_buf_consume(&loop->arrivals, sizeof(arrival));
		loop->arriving--;
		rtd_loop_accept(loop, arrival.fd, arrival.door);
		rtd_floor_leave(loop);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_loop *loop = arg;
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	rtd_loop_begin_turn(loop);
	if (got < 0)
		return;
	/* Cleared before anything is looked at: what happens from here on
	 * wakes us again. */
	atomic_store(&loop->woken, false);
	loop->check_engine = true;
	finish_jobs(loop);
	welcome_arrivals(loop);
	retry_stalled(loop);
}

void
rtd_loop_tick(struct rtd_loop *loop)
{
	loop->check_engine = true;
	rtd_client_memory_tick(loop);
	retry_stalled(loop);
}

static bool
is_ours(const struct rtd_loop *loop, const struct rtd_client *client)
{
	return ((const struct rtd_conn *)client)->loop == loop;
}

void
rtd_loop_check_times(struct rtd_loop *loop)
{
	struct rtd_client *client = loop->server->clients;

	for (; client != NULL; client = client->next)
		if (is_ours(loop, client))
			rtd_conn_check_times((struct rtd_conn *)client,
			    loop->lane.now_us);
	rtd_client_memory_check_times(loop);
}

bool
rtd_loop_config_changed(struct rtd_loop *loop)
{
	rtd_client_memory_configure(loop);
	return rtd_output_limits_parse(
	    loop->server->config->client_output_buffer_limit, loop->limits);
}

/* -- what commands and jobs may ask for -- */

/* Something is to be done for a client of another loop. */
static void
wake_other(struct rtd_client *client)
{
	struct rtd_loop *loop = ((struct rtd_conn *)client)->loop;

	if (RT_LIKELY(!rtd_floor_is_foreign(loop)))
		return;
	atomic_store_explicit(&loop->awaits, true, memory_order_relaxed);
	rtd_loop_wake(loop);
}

static void
kill_client(struct rtd_server_state *server, struct rtd_client *client)
{
	client->killed = true;
	rtd_conn_touch((struct rtd_conn *)client);
	wake_other(client);
}

static void
unpark_client(struct rtd_server_state *server, struct rtd_client *client)
{
	struct rtd_conn *conn = (struct rtd_conn *)client;
	struct rtd_loop *loop = conn->loop;

	client->parked = false;
	wake_other(client);
	if (client->fd < 0) {
		TAILQ_REMOVE(&loop->orphans, conn, doomed_link);
		TAILQ_INSERT_TAIL(&loop->doomed, conn, doomed_link);
		return;
	}
	rtd_conn_touch(conn);
	rtd_conn_make_ready(conn);
}

static bool
client_hung_up(struct rtd_server_state *server, struct rtd_client *client)
{
	struct pollfd look = { .fd = client->fd, .events = POLLRDHUP };

	return client->fd >= 0 && poll(&look, 1, 0) > 0;
}

static void
output_grew(struct rtd_server_state *server, struct rtd_client *client)
{
	rtd_conn_output_grew((struct rtd_conn *)client);
	wake_other(client);
}

static void
resume(struct rtd_server_state *server)
{
	struct rtd_loop *loop = server->net;

	if (loop->floor == NULL) {
		retry_stalled(loop);
		return;
	}
	for (unsigned i = 0; i < loop->floor->count; i++)
		rtd_loop_wake(loop->floor->loops[i]);
}

/* -- life -- */

static enum rt_code
open_base(struct rtd_loop *loop, struct rt_err *err)
{
	struct event_config *config = event_config_new();

	if (config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK |
		    EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
		loop->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (loop->base == NULL)
		return rt_err_set(err, RT_EIO,
		    "the event loop could not be made");
	return RT_OK;
}

enum rt_code
rtd_loop_open(struct rtd_loop *loop, struct rtd_server_state *server,
    struct rt_err *err)
{
	*loop = (struct rtd_loop){ .server = server, .wake_fd = -1 };
	TAILQ_INIT(&loop->ready);
	TAILQ_INIT(&loop->touched);
	TAILQ_INIT(&loop->waiting);
	TAILQ_INIT(&loop->stalled);
	TAILQ_INIT(&loop->doomed);
	TAILQ_INIT(&loop->orphans);
	rtd_lane_open(server, &loop->lane);
	if (loop->lane.number == 0)
		server->net = loop;
	server->kill_client = kill_client;
	server->unpark_client = unpark_client;
	server->client_hung_up = client_hung_up;
	server->output_grew = output_grew;
	server->resume = resume;
	if (!rtd_loop_config_changed(loop))
		return rt_err_set(err, RT_ECONFIG,
		    "client-output-buffer-limit: \"%s\" is not well formed, "
		    "allowed: class hard soft seconds, with class normal",
		    server->config->client_output_buffer_limit);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->wake_fd < 0)
		return rt_err_set_errno(err, errno, "eventfd");
	if (open_base(loop, err) != RT_OK)
		return err != NULL ? err->code : RT_EIO;
	loop->read_buffer = rt_alloc(RTD_GATHERED_BYTES + RTD_READ_BYTES);
	event_assign(&loop->wake_event, loop->base, loop->wake_fd,
	    EV_READ | EV_PERSIST, on_wake, loop);
	event_add(&loop->wake_event, NULL);
	return RT_OK;
}

static void
free_doomed(struct rtd_loop *loop)
{
	struct rtd_conn *conn;

	while ((conn = TAILQ_FIRST(&loop->doomed)) != NULL) {
		TAILQ_REMOVE(&loop->doomed, conn, doomed_link);
		rtd_conn_free(conn);
	}
}

/* Those that were not come for. */
static void
close_arrivals(struct rtd_loop *loop)
{
	struct rtd_arrival arrival;

	for (; loop->arrivals.len != 0;
	     rt_buf_consume(&loop->arrivals, sizeof(arrival))) {
		memcpy(&arrival, loop->arrivals.data, sizeof(arrival));
		close(arrival.fd);
	}
	rt_buf_fini(&loop->arrivals);
}

void
rtd_loop_close(struct rtd_loop *loop)
{
	free_doomed(loop);
	while (loop->server != NULL && loop->server->clients != NULL)
		rtd_conn_free((struct rtd_conn *)loop->server->clients);
	close_arrivals(loop);
	rtd_lane_close(&loop->lane);
	if (loop->base != NULL) {
		event_del(&loop->wake_event);
		event_base_free(loop->base);
	}
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	free(loop->read_buffer);
	*loop = (struct rtd_loop){ .wake_fd = -1 };
}

/* -- new connections -- */

static void
set_tcp_options(int fd, int64_t keepalive_s)
{
	int on = 1, idle = (int)keepalive_s, count = 3;
	int interval = idle / 3 > 0 ? idle / 3 : 1;

	/* Best effort: a connection without them works too. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (keepalive_s == 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
	    sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

/* With TLS there is no telling before a handshake, which is work. */
static void
turn_away(struct rtd_loop *loop, int fd, const struct rtd_door *door,
    const char *peer, const char *text)
{
	loop->server->connections_rejected++;
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "connection turned away", "peer=%s reply=\"%.40s\"", peer, text);
	/* One try: a fresh socket has room for a line. */
	if (!door->tls && send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0)
		shutdown(fd, SHUT_WR);
	close(fd);
}

static void
welcome(struct rtd_loop *loop, int fd, const struct rtd_door *door,
    const char *peer, const char *local)
{
	struct rtd_tls *tls;

	if (!door->tls) {
		rtd_conn_new(loop, fd, NULL, peer, local);
		return;
	}
	/* What TLS takes is there while the client is idle, too: half of the
	 * clients' memory is left for what they do. */
	tls = loop->memory <= loop->memory_max / 2 ? rtd_tls_new(loop->tls, fd)
						   : NULL;
	if (tls == NULL)
		turn_away(loop, fd, door, peer, "no memory for TLS");
	else
		rtd_client_memory_count(rtd_conn_new(loop, fd, tls, peer,
		    local));
}

void
rtd_loop_accept(struct rtd_loop *loop, int fd, const struct rtd_door *door)
{
	const struct rt_config *config = loop->server->config;
	struct sockaddr_storage remote = { 0 }, here = { 0 };
	socklen_t remote_len = sizeof(remote), here_len = sizeof(here);
	char peer[64], local[64];

	rtd_loop_begin_turn(loop);
	loop->server->connections_received++;
	if (door->unix_path != NULL) {
		snprintf(peer, sizeof(peer), "%.60s:0", door->unix_path);
		snprintf(local, sizeof(local), "%s", peer);
	} else {
		getpeername(fd, (struct sockaddr *)&remote, &remote_len);
		getsockname(fd, (struct sockaddr *)&here, &here_len);
		rtd_address_name(&remote, peer, sizeof(peer));
		rtd_address_name(&here, local, sizeof(local));
		set_tcp_options(fd, config->tcp_keepalive);
	}
	if (loop->server->connected_clients >= (uint64_t)config->maxclients)
		turn_away(loop, fd, door, peer,
		    "-ERR max number of clients reached\r\n");
	else if (config->protected_mode && config->requirepass[0] == '\0' &&
	    door->unix_path == NULL && !rtd_address_is_loopback(&remote))
		turn_away(loop, fd, door, peer,
		    "-DENIED Redis is running in protected mode because "
		    "protected mode is enabled and no password is set for the "
		    "default user. In this mode connections are only accepted "
		    "from the loopback interface. Set requirepass, or "
		    "protected-mode no.\r\n");
	else
		welcome(loop, fd, door, peer, local);
}

void
rtd_loop_hand_over(struct rtd_loop *loop, int fd, const struct rtd_door *door)
{
	const struct rtd_arrival arrival = { .fd = fd, .door = door };

	rt_buf_append(&loop->arrivals, &arrival, sizeof(arrival));
	loop->arriving++;
	rtd_loop_wake(loop);
}

/* -- the turn -- */

/* Look up what the next ones begin with, from i on; returns which is the first
 * that was not looked at. */
static size_t
look_ahead(struct rtd_loop *loop, size_t i)
{
	struct rtd_lane *lane = &loop->lane;

	rtd_ahead_end(&lane->ahead);
	while (i < loop->gathered_count) {
		struct rtd_conn *conn = loop->gathered[i++];

		if (!rtd_ahead_offer(lane, &conn->client, conn->fresh))
			break;
	}
	rtd_ahead_read_offered(lane, loop->server);
	return i;
}

static void
run_gathered(struct rtd_loop *loop)
{
	size_t seen = 0;

	for (size_t i = 0; i < loop->gathered_count; i++) {
		if (RT_UNLIKELY(loop->floor != NULL))
			rtd_desk_make_way(loop);
		if (i == seen)
			seen = look_ahead(loop, i);
		rtd_conn_run_fresh(loop->gathered[i]);
	}
	rtd_ahead_end(&loop->lane.ahead);
	loop->gathered_count = loop->read_used = 0;
}

void
rtd_loop_gather(struct rtd_loop *loop, struct rtd_conn *conn, size_t len)
{
	conn->fresh = rt_slice(loop->read_buffer + loop->read_used, len);
	loop->read_used += len;
	loop->gathered[loop->gathered_count++] = conn;
	if (loop->gathered_count == RTD_GATHERED_MAX ||
	    loop->read_used >= RTD_GATHERED_BYTES)
		run_gathered(loop);
}

/* Those that were ready when the turn began: one that gets ready meanwhile is
 * served in the next turn. */
static void
run_ready(struct rtd_loop *loop, struct rtd_conn *last)
{
	struct rtd_conn *conn;

	while (last != NULL && (conn = TAILQ_FIRST(&loop->ready)) != NULL) {
		TAILQ_REMOVE(&loop->ready, conn, ready_link);
		conn->is_ready = false;
		rtd_conn_run(conn);
		if (conn == last)
			break;
		if (RT_UNLIKELY(loop->floor != NULL))
			rtd_desk_make_way(loop);
	}
}

static void
release_waiting(struct rtd_loop *loop, uint64_t acked)
{
	struct rtd_conn *conn, *next;

	for (conn = TAILQ_FIRST(&loop->waiting); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, waiting_link);
		rtd_conn_release(conn, acked);
	}
}

/* A log that has failed acks nothing more. Whoever waits for it cannot be told
 * whether the write will be there after a restart: the connection ends. */
static void
give_up_waiting(struct rtd_loop *loop)
{
	struct rtd_engine *engine = loop->server->engine;
	struct rt_err err = { 0 };
	struct rtd_conn *conn;

	if (TAILQ_EMPTY(&loop->waiting) || !rtd_engine_log_stuck(engine) ||
	    rtd_engine_write_state(engine, &err) == RT_OK)
		return;
	/* What was acked before the failure is still said. */
	release_waiting(loop, rtd_engine_acked_seq(engine));
	TAILQ_FOREACH(conn, &loop->waiting, waiting_link) {
		rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
		    "clients closed: the outcome of their writes is unknown",
		    "reason=\"%s\"", err.text);
		rtd_conn_doom(conn);
	}
}

/* Whether the turn has something for the log, or looks for something in it: a
 * loop that only reads what is acked does without the floor. */
static bool
concerns_log(const struct rtd_loop *loop, uint64_t acked)
{
	const struct rtd_conn *conn;

	if (loop->was_on_floor)
		return true;
	/* One of them sees to a log that has failed. */
	if (loop->check_engine && (loop->lane.number == 0 ||
		rtd_engine_log_stuck(loop->server->engine)))
		return true;
	TAILQ_FOREACH(conn, &loop->touched, touched_link)
		if (conn->client.wait_seq > acked)
			return true;
	return false;
}

static void
take_acked(struct rtd_loop *loop, uint64_t acked)
{
	if (acked != loop->acked)
		release_waiting(loop, acked);
	loop->acked = acked;
}

static void
write_turn(struct rtd_loop *loop)
{
	struct rtd_engine *engine = loop->server->engine;
	uint64_t acked;

	loop->sync_waits = rtd_engine_end_busy_turn(engine);
	acked = rtd_engine_acked_seq(engine);
	if (RT_UNLIKELY(loop->floor != NULL))
		rtd_floor_acked(loop, acked);
	take_acked(loop, acked);
	if (loop->check_engine)
		give_up_waiting(loop);
}

static void
end_engine_turn(struct rtd_loop *loop)
{
	uint64_t acked;

	if (RT_LIKELY(loop->floor == NULL)) {
		write_turn(loop);
		return;
	}
	acked = rtd_engine_acked_seq(loop->server->engine);
	if (!concerns_log(loop, acked)) {
		rtd_reader_end_turn(loop->lane.reader);
		take_acked(loop, acked);
		return;
	}
	rtd_floor_take(loop);
	write_turn(loop);
	rtd_floor_leave(loop);
}

static void
settle_touched(struct rtd_loop *loop)
{
	struct rtd_conn *conn;

	while ((conn = TAILQ_FIRST(&loop->touched)) != NULL) {
		TAILQ_REMOVE(&loop->touched, conn, touched_link);
		conn->is_touched = false;
		rtd_conn_settle(conn, loop->acked);
		if (RT_UNLIKELY(loop->floor != NULL))
			rtd_desk_make_way(loop);
	}
}

static void
end_turn(struct rtd_loop *loop)
{
	/* There is none while it loads, and nothing that waits for it. */
	if (loop->server->engine != NULL)
		end_engine_turn(loop);
	loop->check_engine = false;
	settle_touched(loop);
	if (rtd_client_memory_is_back(loop))
		retry_stalled(loop);
	if (RT_UNLIKELY(!TAILQ_EMPTY(&loop->doomed))) {
		rtd_floor_take(loop);
		free_doomed(loop);
		rtd_floor_leave(loop);
	}
	if (TAILQ_EMPTY(&loop->waiting) && TAILQ_EMPTY(&loop->touched))
		atomic_store_explicit(&loop->awaits, false,
		    memory_order_relaxed);
	loop->was_on_floor = false;
	atomic_store_explicit(&loop->lane.client_memory, loop->memory,
	    memory_order_relaxed);
}

static void
begin_sync(struct rtd_loop *loop)
{
	loop->sync_waits = false;
	if (RT_UNLIKELY(loop->floor != NULL)) {
		rtd_desk_take(loop);
		rtd_floor_take(loop);
	}
	rtd_engine_end_turn(loop->server->engine);
	if (RT_UNLIKELY(loop->floor != NULL)) {
		rtd_floor_leave(loop);
		rtd_desk_leave(loop);
	}
}

/* A sync that waits for more begins when nothing is ready. */
static void
wait_for_events(struct rtd_loop *loop, bool is_busy)
{
	if (is_busy || loop->sync_waits)
		event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (is_busy || loop->turn_open)
		return;
	if (loop->sync_waits)
		begin_sync(loop);
	event_base_loop(loop->base, EVLOOP_ONCE);
}

static struct rtd_conn *
last_ready(struct rtd_loop *loop)
{
	struct rtd_conn *last;

	if (RT_UNLIKELY(loop->floor != NULL))
		rtd_desk_take(loop);
	last = TAILQ_LAST(&loop->ready, rtd_conn_list);
	if (RT_UNLIKELY(loop->floor != NULL))
		rtd_desk_leave(loop);
	return last;
}

void
rtd_loop_turn(struct rtd_loop *loop)
{
	struct rtd_conn *last;

	rtd_loop_rest(loop);
	last = last_ready(loop);
	wait_for_events(loop, last != NULL);
	rtd_loop_begin_turn(loop);
	run_gathered(loop);
	run_ready(loop, last);
	end_turn(loop);
	if (RT_UNLIKELY(loop->floor != NULL))
		rtd_loop_rest(loop);
}

/* -- the end -- */

bool
rtd_loop_drained(const struct rtd_loop *loop)
{
	const struct rtd_client *client = loop->server->clients;
	bool drained = true;

	for (; client != NULL && drained; client = client->next)
		drained = !is_ours(loop, client) ||
		    rtd_conn_pending((const struct rtd_conn *)client) == 0;
	return drained;
}

void
rtd_loop_quiet(struct rtd_loop *loop)
{
	struct rtd_client *client = loop->server->clients;

	loop->quiet = true;
	for (; client != NULL; client = client->next)
		if (is_ours(loop, client))
			rtd_conn_touch((struct rtd_conn *)client);
}

void
rtd_loop_drain(struct rtd_loop *loop, uint64_t patience_us)
{
	uint64_t deadline;
	bool drained;

	rtd_loop_begin_turn(loop);
	rtd_floor_take(loop);
	rtd_loop_quiet(loop);
	deadline = loop->lane.now_us + patience_us;
	drained = rtd_loop_drained(loop);
	rtd_floor_leave(loop);
	while (!drained && loop->lane.now_us < deadline) {
		rtd_loop_turn(loop);
		rtd_loop_begin_turn(loop);
		rtd_floor_take(loop);
		drained = rtd_loop_drained(loop);
		rtd_floor_leave(loop);
	}
	rtd_loop_rest(loop);
}
