/* The loop over socket pairs, with an engine and commands that are made of
 * numbers: W is a write, R reads what was written last, P parks, E echoes, H has
 * its reply held for a second. */
#include "riptided/net/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/command.h"
#include "riptided/net/conn.h"
#include "riptided/net/tls_context.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/tls_pair.h"

/* -- the engine and the commands -- */

/* There is one; what is in it nobody looks at. */
struct rtd_engine {
	char nothing;
};

static struct rtd_loop loop;
static struct rtd_engine the_engine;
static uint64_t visible_seq, acked_seq;
static bool has_room, log_failed, acks_at_once;
static bool sync_waits;		/* of every turn that wrote */
static unsigned ended_turns;
static struct rtd_client *parked;
static int dispatched, left;
static int offered, offered_before;	/* the latter: the first command */

uint64_t
rtd_engine_acked_seq(const struct rtd_engine *engine)
{
	return acked_seq;
}

bool
rtd_engine_log_stuck(const struct rtd_engine *engine)
{
	return log_failed;
}

enum rt_code
rtd_engine_write_state(const struct rtd_engine *engine, struct rt_err *err)
{
	return log_failed ? rt_err_set(err, RT_EREADONLY, "failed") : RT_OK;
}

void
rtd_engine_end_turn(struct rtd_engine *engine)
{
	ended_turns++;
	acked_seq = visible_seq;
	rtd_loop_wake(&loop);
}

bool
rtd_engine_end_busy_turn(struct rtd_engine *engine)
{
	if (acks_at_once)
		acked_seq = visible_seq;
	return sync_waits && acked_seq != visible_seq;
}

/* No command here gave it anything. */
void
rtd_client_let_go(struct rtd_client *client)
{
	ck_assert_ptr_null(client->snapshot);
}

void
rtd_auth_begin(const struct rtd_server_state *state, struct rtd_client *client)
{
	client->authenticated = state->config->requirepass[0] == '\0';
}

void
rtd_client_leave(struct rtd_server_state *state, struct rtd_client *client)
{
	left++;
}

void
rtd_deadlines_tell(struct rtd_server_state *state)
{
}

size_t
rtd_client_count_held(const struct rtd_client *client)
{
	return 0;
}

void
rtd_lane_open(struct rtd_server_state *state, struct rtd_lane *lane)
{
	lane->number = state->lanes_count;
	state->lanes[state->lanes_count++] = lane;
	state->lane = state->lanes[0];
}

void
rtd_lane_close(struct rtd_lane *lane)
{
}

void
rtd_lanes_gather(struct rtd_server_state *state)
{
}

uint64_t
rtd_lanes_client_memory(const struct rtd_server_state *state)
{
	return 0;
}

/* No command here does without the floor. */
enum rtd_tried
rtd_command_try(struct rtd_server_state *state, struct rtd_client *client,
    struct rtd_lane *lane, const struct rt_slice *argv, size_t argc,
    int64_t now_ms, bool calm)
{
	return argv[0].data[0] == 'A' ? RTD_TRIED_ALONE : RTD_TRIED_FLOOR;
}

void
rtd_command_remember(struct rtd_server_state *state,
    struct rtd_client *client, const struct rt_slice *argv, size_t argc,
    uint64_t nsec)
{
	ck_abort_msg("nothing is slow");
}

bool
rtd_server_is_calm(const struct rtd_server_state *state)
{
	return true;
}

struct rtd_reader *
rtd_reader_new(struct rtd_engine *engine)
{
	return (struct rtd_reader *)engine;
}

void
rtd_reader_end_turn(struct rtd_reader *reader)
{
}

void
rtd_ahead_end(struct rtd_ahead *ahead)
{
}

bool
rtd_ahead_offer(struct rtd_lane *lane, const struct rtd_client *client,
    struct rt_slice bytes)
{
	ck_assert_uint_ne(bytes.len, 0);
	offered++;
	return true;
}

void
rtd_ahead_read_offered(struct rtd_lane *lane,
    const struct rtd_server_state *state)
{
}

bool
rtd_command_dispatch(struct rtd_server_state *state,
    struct rtd_client *client, const struct rt_slice *argv, size_t argc)
{
	char name = (char)argv[0].data[0];

	if (name == 'W' && !has_room)
		return false;
	if (dispatched == 0)
		offered_before = offered;
	dispatched++;
	if (name == 'W') {
		rtd_client_wait_for(client, ++visible_seq);
		rtd_reply_ok(&client->reply);
	} else if (name == 'R') {
		rtd_client_wait_for(client, visible_seq);
		rtd_reply_integer(&client->reply, (int64_t)visible_seq);
	} else if (name == 'P') {
		client->parked = true;
		parked = client;
	} else if (name == 'H') {
		rtd_reply_ok(&client->reply);
		client->close_after_reply = true;
		client->held_until_us = loop.lane.now_us + 1000000;
	} else if (name == 'Q') {
		rtd_reply_ok(&client->reply);
		client->close_after_reply = true;
	} else {
		rtd_reply_bulk(&client->reply, argv[argc - 1]);
	}
	return true;
}

/* -- the bench -- */

static uint64_t time_ns;

static uint64_t
monotonic_ns(struct rt_clock *clock)
{
	return time_ns;
}

static int64_t
wall_ms(struct rt_clock *clock)
{
	return (int64_t)(time_ns / 1000000);
}

uint64_t
rtd_engine_now_ms(struct rtd_engine *engine)
{
	(void)engine;
	return time_ns / 1000000;
}

static struct rt_clock test_clock = { .monotonic_ns = monotonic_ns,
	.wall_ms = wall_ms };
static struct rt_config config;
static struct rtd_server_state server;

static void
no_wake(void *arg)
{
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	time_ns = UINT64_C(1000000000);
	visible_seq = acked_seq = 0;
	has_room = acks_at_once = true;
	log_failed = sync_waits = false;
	ended_turns = 0;
	dispatched = offered = offered_before = 0;
	rt_config_init(&config);
	server = (struct rtd_server_state){ .config = &config,
		.clock = &test_clock, .engine = &the_engine,
		.next_client_id = 1 };
	server.pool = rtd_pool_new(1, no_wake, NULL);
	ck_assert_int_eq(rtd_loop_open(&loop, &server, NULL), RT_OK);
}

static void
teardown(void)
{
	rtd_pool_free(server.pool);
	rtd_loop_close(&loop);
	rt_config_fini(&config);
}

/* A client's end; the other one is the loop's. */
static int
connect_client(void)
{
	static const struct rtd_door door = { .unix_path = "test" };
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	rtd_loop_accept(&loop, ends[1], &door);
	return ends[0];
}

static void
turn(void)
{
	rtd_loop_wake(&loop);	/* so that no turn waits */
	rtd_loop_turn(&loop);
}

static void
turns(int count)
{
	while (count-- > 0)
		turn();
}

static void
say_bytes(int fd, const void *data, size_t len)
{
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
}

static void
say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* What has arrived is this, and nothing else. */
static void
hear(int fd, const char *text)
{
	char got[4096];
	ssize_t len = read(fd, got, sizeof(got) - 1);

	if (len < 0)
		len = 0;
	got[len] = '\0';
	ck_assert_str_eq(got, text);
}

static bool
is_closed(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_PEEK);

	return got == 0 || (got < 0 && errno != EAGAIN);
}

START_TEST(pipelined_commands_are_answered_in_order)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "E a\r\n*2\r\n$1\r\nE\r\n$1\r\nb\r\n\r\nE c\r\n");
	turn();
	hear(fd, "$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
	ck_assert_uint_eq(server.connected_clients, 1);
	close(fd);
	turn();
	ck_assert_uint_eq(server.connected_clients, 0);
	teardown();
}
END_TEST

START_TEST(sockets_are_read_before_a_command_of_theirs_runs)
{
	int first, second;

	setup();
	first = connect_client();
	second = connect_client();
	say(first, "E a\r\n");
	say(second, "E b\r\n");
	turn();
	ck_assert_int_eq(offered_before, 2);
	hear(first, "$1\r\na\r\n");
	hear(second, "$1\r\nb\r\n");
	close(first);
	close(second);
	teardown();
}
END_TEST

/* More of them, and more bytes, than are gathered at a time. */
START_TEST(all_that_many_sockets_bring_is_run)
{
	static char large[RTD_READ_BYTES - 10000];
	int fds[RTD_GATHERED_MAX * 2 + 5];

	setup();
	for (size_t i = 0; i < RT_COUNTOF(fds); i++) {
		fds[i] = connect_client();
		say(fds[i], "E a\r\n");
	}
	memset(large, 'E', sizeof(large));
	memcpy(large + sizeof(large) - 2, "\r\n", 2);
	for (size_t i = 0; i < 4; i++)
		say_bytes(fds[i * 7], large, sizeof(large));
	/* libevent takes so many at a time, more each time. */
	turns(8);
	for (size_t i = 0; i < RT_COUNTOF(fds); i++) {
		char got[16];

		ck_assert_int_eq(read(fds[i], got, sizeof(got)) >= 7, 1);
		ck_assert_mem_eq(got, "$1\r\na\r\n", 7);
		close(fds[i]);
	}
	ck_assert_int_eq(dispatched, (int)RT_COUNTOF(fds) + 4);
	teardown();
}
END_TEST

START_TEST(a_command_in_pieces_is_put_together)
{
	static const char text[] = "*2\r\n$1\r\nE\r\n$5\r\nhello\r\nE x\r\n";
	int fd;

	setup();
	fd = connect_client();
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		say_bytes(fd, text + i, 1);
		turn();
	}
	hear(fd, "$5\r\nhello\r\n$1\r\nx\r\n");
	close(fd);
	teardown();
}
END_TEST

START_TEST(a_large_argument_takes_memory_as_it_comes)
{
	const size_t bytes = 4u << 20;
	char *value = calloc(1, bytes);
	struct rtd_client *client;
	size_t put = 0;
	int fd;

	setup();
	fd = connect_client();
	say(fd, "*2\r\n$1\r\nE\r\n$4194304\r\n");
	turn();
	client = server.clients;
	ck_assert_uint_lt(client->pending_in, 64);
	while (put < bytes) {
		ssize_t n = write(fd, value + put, bytes - put);

		if (n > 0)
			put += (size_t)n;
		turn();
		ck_assert_uint_le(client->pending_in, put + 64);
	}
	say(fd, "\r\n");
	turns(2);
	ck_assert_int_eq(dispatched, 1);
	ck_assert_uint_eq(client->pending_in, 0);
	ck_assert_uint_gt(client->pending_out, 0);
	close(fd);
	free(value);
	teardown();
}
END_TEST

START_TEST(a_reply_waits_for_its_sequence)
{
	int writer, other;

	setup();
	acks_at_once = false;
	writer = connect_client();
	other = connect_client();
	say(writer, "W\r\nE behind\r\n");
	say(other, "E free\r\n");
	turns(2);
	hear(writer, "");
	hear(other, "$4\r\nfree\r\n");
	say(writer, "W\r\n");
	turns(2);
	acked_seq = 1;
	turn();
	hear(writer, "+OK\r\n$6\r\nbehind\r\n");
	acked_seq = 2;
	turn();
	hear(writer, "+OK\r\n");
	close(writer);
	close(other);
	teardown();
}
END_TEST

/* It must not sleep on it: nothing else would come. */
START_TEST(a_sync_that_waits_for_more_begins_before_the_loop_sleeps)
{
	int writer, other;

	setup();
	acks_at_once = false;
	sync_waits = true;
	writer = connect_client();
	other = connect_client();
	say(writer, "W\r\n");
	turn();
	ck_assert_uint_eq(ended_turns, 0);
	/* Something is ready: it is served first. */
	say(other, "W\r\n");
	turn();
	ck_assert_uint_eq(ended_turns, 0);
	ck_assert_uint_eq(acked_seq, 0);
	rtd_loop_turn(&loop);
	ck_assert_uint_eq(ended_turns, 1);
	hear(writer, "+OK\r\n");
	hear(other, "+OK\r\n");
	close(writer);
	close(other);
	teardown();
}
END_TEST

START_TEST(what_was_read_must_be_acked_too)
{
	int writer, reader;

	setup();
	acks_at_once = false;
	writer = connect_client();
	reader = connect_client();
	say(writer, "W\r\n");
	turn();
	say(reader, "R\r\n");
	turn();
	hear(reader, "");
	acked_seq = 1;
	turn();
	hear(reader, ":1\r\n");
	close(writer);
	close(reader);
	teardown();
}
END_TEST

START_TEST(a_failed_log_never_says_ok)
{
	int writer, later;

	setup();
	acks_at_once = false;
	writer = connect_client();
	later = connect_client();
	say(writer, "W\r\nW\r\n");
	turn();
	say(later, "W\r\n");
	turn();
	acked_seq = 2;
	log_failed = true;
	turns(2);
	hear(writer, "+OK\r\n+OK\r\n");
	ck_assert(!is_closed(writer));
	ck_assert(is_closed(later));
	close(writer);
	close(later);
	teardown();
}
END_TEST

START_TEST(a_write_without_room_waits_and_keeps_its_place)
{
	int fd;

	setup();
	fd = connect_client();
	has_room = false;
	say(fd, "E a\r\nW\r\nE b\r\n");
	turns(3);
	hear(fd, "$1\r\na\r\n");
	say(fd, "E c\r\n");
	turn();
	hear(fd, "");
	has_room = true;
	turns(3);
	hear(fd, "+OK\r\n$1\r\nb\r\n$1\r\nc\r\n");
	ck_assert_int_eq(dispatched, 4);
	close(fd);
	teardown();
}
END_TEST

START_TEST(a_parked_client_runs_nothing_until_its_job_is_done)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "E a\r\nP\r\nE b\r\n");
	turns(2);
	hear(fd, "$1\r\na\r\n");
	rtd_reply_integer(&parked->reply, 7);
	server.unpark_client(&server, parked);
	turns(2);
	hear(fd, ":7\r\n$1\r\nb\r\n");
	close(fd);
	teardown();
}
END_TEST

START_TEST(a_parked_client_that_is_killed_lives_until_its_job_is_done)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "P\r\n");
	turn();
	server.kill_client(&server, parked);
	turn();
	ck_assert(is_closed(fd));
	ck_assert_uint_eq(server.connected_clients, 0);
	ck_assert(parked->killed);
	server.unpark_client(&server, parked);
	turn();
	close(fd);
	teardown();
}
END_TEST

START_TEST(a_half_closed_peer_is_answered)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "E a\r\nE b\r\n*1\r\n$4\r\nha");
	shutdown(fd, SHUT_WR);
	turns(2);
	hear(fd, "$1\r\na\r\n$1\r\nb\r\n");
	ck_assert(is_closed(fd));
	close(fd);
	teardown();
}
END_TEST

START_TEST(a_half_closed_peer_gets_its_acks)
{
	int fd;

	setup();
	acks_at_once = false;
	fd = connect_client();
	say(fd, "W\r\n");
	shutdown(fd, SHUT_WR);
	turns(3);
	hear(fd, "");
	ck_assert(!is_closed(fd));
	acked_seq = 1;
	turn();
	hear(fd, "+OK\r\n");
	ck_assert(is_closed(fd));
	close(fd);
	teardown();
}
END_TEST

START_TEST(what_follows_an_error_is_not_run)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "E a\r\n*1\r\nnonsense\r\nE b\r\n");
	turn();
	hear(fd,
	    "$1\r\na\r\n-ERR Protocol error: expected '$', got 'n'\r\n");
	ck_assert(is_closed(fd));
	ck_assert_int_eq(dispatched, 1);
	ck_assert_uint_eq(rtd_lane_counted(&loop.lane,
	    RTD_COUNT_PROTOCOL_ERRORS), 1);
	close(fd);
	turn();
	ck_assert_uint_eq(server.connected_clients, 0);
	teardown();
}
END_TEST

START_TEST(quit_closes_after_its_reply)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "Q\r\nE never\r\n");
	turns(2);
	hear(fd, "+OK\r\n");
	ck_assert(is_closed(fd));
	ck_assert_int_eq(dispatched, 1);
	close(fd);
	teardown();
}
END_TEST

/* L3 */
START_TEST(a_long_pipeline_leaves_room_for_others)
{
	static char pipeline[3 * RTD_TURN_COMMANDS_MAX * 2];
	int greedy, modest;
	char reply[16];

	setup();
	greedy = connect_client();
	modest = connect_client();
	for (size_t i = 0; i < sizeof(pipeline); i++)
		pipeline[i] = "E\n"[i % 2];
	say_bytes(greedy, pipeline, sizeof(pipeline));
	turn();
	ck_assert_int_eq(dispatched, RTD_TURN_COMMANDS_MAX);
	say(modest, "E x\n");
	turn();
	ck_assert_int_eq(read(modest, reply, sizeof(reply)), 7);
	ck_assert_int_eq(dispatched, 2 * RTD_TURN_COMMANDS_MAX + 1);
	turn();
	ck_assert_int_eq(dispatched, 3 * RTD_TURN_COMMANDS_MAX + 1);
	close(greedy);
	close(modest);
	teardown();
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_from)
{
	char chunk[8192], request[9000];
	struct rtd_client *client;
	int fd, len, sent = 0;

	setup();
	loop.limits[RTD_OUTPUT_NORMAL] =
	    (struct rtd_output_limits){ 4 << 20, 1 << 20, 60 };
	memset(chunk, 'x', sizeof(chunk));
	len = snprintf(request, sizeof(request), "E %.*s\r\n",
	    (int)sizeof(chunk), chunk);
	fd = connect_client();
	client = server.clients;
	for (int idle = 0; idle < 10; turn()) {
		if (write(fd, request, (size_t)len) == len)
			idle = 0, sent++;
		else
			idle++;
	}
	ck_assert_uint_gt(client->pending_out, 1 << 20);
	ck_assert_uint_lt(client->pending_out, (1 << 20) + 65536);
	for (uint64_t got = 0; dispatched < sent; turn()) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n > 0)
			got += (uint64_t)n;
		ck_assert_uint_le(got, (uint64_t)sent * 9000);
	}
	close(fd);
	teardown();
}
END_TEST

START_TEST(a_client_over_the_hard_limit_is_closed)
{
	int fd;

	setup();
	loop.limits[RTD_OUTPUT_NORMAL] =
	    (struct rtd_output_limits){ 4, 0, 0 };
	acks_at_once = false;
	fd = connect_client();
	say(fd, "W\r\n");
	turn();
	ck_assert(is_closed(fd));
	close(fd);
	teardown();
}
END_TEST

static void
pass_seconds(int seconds)
{
	time_ns += (uint64_t)seconds * 1000000000u;
	turn();
	rtd_loop_check_times(&loop);
	turn();
}

START_TEST(half_a_command_is_waited_for_30_seconds)
{
	int slow, idle;

	setup();
	slow = connect_client();
	idle = connect_client();
	say(slow, "*2\r\n$1\r\n");
	turn();
	for (int i = 0; i < 29; i++) {
		/* A byte now and then does not help. */
		if (i == 10)
			say(slow, "E");
		pass_seconds(1);
	}
	ck_assert(!is_closed(slow));
	pass_seconds(2);
	ck_assert(is_closed(slow));
	ck_assert(!is_closed(idle));
	close(slow);
	close(idle);
	teardown();
}
END_TEST

START_TEST(an_idle_client_is_closed_when_timeout_says_so)
{
	int fd;

	setup();
	config.timeout = 5;
	fd = connect_client();
	pass_seconds(4);
	ck_assert(!is_closed(fd));
	say(fd, "E\n");
	turn();
	hear(fd, "$1\r\nE\r\n");
	pass_seconds(4);
	ck_assert(!is_closed(fd));
	pass_seconds(2);
	ck_assert(is_closed(fd));
	close(fd);
	teardown();
}
END_TEST

START_TEST(an_idle_client_gives_its_buffers_back)
{
	int fd;

	setup();
	fd = connect_client();
	say(fd, "E a\r\n");
	turn();
	hear(fd, "$1\r\na\r\n");
	rtd_loop_check_times(&loop);
	ck_assert_uint_ne(loop.memory, 0);
	time_ns += UINT64_C(3000000000);
	turn();
	rtd_loop_check_times(&loop);
	ck_assert_uint_eq(loop.memory, 0);
	say(fd, "E b\r\n");
	turn();
	hear(fd, "$1\r\nb\r\n");
	close(fd);
	teardown();
}
END_TEST

START_TEST(without_auth_limits_are_tighter)
{
	int silent, large;

	setup();
	ck_assert_int_eq(rt_config_set(&config, rt_slice_cstr("requirepass"),
	    rt_slice_cstr("secret"), false, NULL), RT_OK);
	silent = connect_client();
	large = connect_client();
	say(large, "*1\r\n$20000\r\n");
	turn();
	hear(large, "-ERR Protocol error: unauthenticated bulk length\r\n");
	pass_seconds(11);
	ck_assert(is_closed(silent));
	close(silent);
	close(large);
	teardown();
}
END_TEST

START_TEST(a_reply_that_is_held_comes_when_its_time_has)
{
	int fd, other;

	setup();
	fd = connect_client();
	other = connect_client();
	say(fd, "H\nE no\n");
	turn();
	for (int i = 0; i < 9; i++) {
		time_ns += 100000000;
		rtd_loop_tick(&loop);
		turns(2);
		hear(fd, "");
	}
	say(other, "E x\n");
	turn();
	hear(other, "$1\r\nx\r\n");
	time_ns += 110000000;
	rtd_loop_tick(&loop);
	turns(2);
	hear(fd, "+OK\r\n");
	ck_assert(is_closed(fd));
	close(fd);
	close(other);
	teardown();
}
END_TEST

/* The server's flight is longer than the socket takes: a client that sends on
 * and reads nothing must not keep the loop busy, and is served when it reads. */
START_TEST(a_handshake_that_the_client_does_not_read_waits)
{
	static const struct rtd_door door = { .unix_path = "t", .tls = true };
	struct rtt_scratch scratch;
	struct rtd_conn *conn;
	char cert[300], key[300], got[16];
	int ends[2], room = 4096;
	SSL *client;

	setup();
	rtt_scratch_init(&scratch);
	snprintf(cert, sizeof(cert), "%s/cert", scratch.path);
	snprintf(key, sizeof(key), "%s/key", scratch.path);
	rtt_tls_make_files(cert, key, 100);
	free(config.tls_cert_file);
	free(config.tls_key_file);
	config.tls_cert_file = rt_strdup(cert);
	config.tls_key_file = rt_strdup(key);
	config.tls_auth_clients = RT_TLS_AUTH_NO;
	ck_assert_int_eq(rtd_tls_context_new(&loop.tls, &config, NULL), RT_OK);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	rtd_loop_accept(&loop, ends[1], &door);
	conn = (struct rtd_conn *)server.clients;
	client = rtt_tls_client(ends[0]);
	(void)SSL_do_handshake(client);
	turn();
	say(ends[0], "more than was asked for");
	turns(3);
	ck_assert(conn->writing && !conn->reading);
	SSL_free(client);
	rtd_conn_free(conn);
	close(ends[0]);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	rtd_loop_accept(&loop, ends[1], &door);
	client = rtt_tls_client(ends[0]);
	while (SSL_write(client, "E hi\n", 5) != 5)
		turn();
	turns(2);
	ck_assert_int_eq(SSL_read(client, got, sizeof(got)), 8);
	ck_assert_mem_eq(got, "$2\r\nhi\r\n", 8);
	SSL_free(client);
	close(ends[0]);
	rtd_tls_context_free(loop.tls);
	rtt_scratch_fini(&scratch);
	teardown();
}
END_TEST

START_TEST(a_client_too_many_is_told_so)
{
	int first, second;

	setup();
	config.maxclients = 1;
	first = connect_client();
	second = connect_client();
	turn();
	hear(second, "-ERR max number of clients reached\r\n");
	ck_assert(is_closed(second));
	ck_assert_uint_eq(server.connected_clients, 1);
	ck_assert_uint_eq(server.connections_rejected, 1);
	close(first);
	close(second);
	teardown();
}
END_TEST

START_TEST(quiet_runs_no_more_but_sends_what_waits)
{
	int fd;

	setup();
	acks_at_once = false;
	fd = connect_client();
	say(fd, "W\r\n");
	turn();
	rtd_loop_quiet(&loop);
	say(fd, "E late\r\n");
	turn();
	ck_assert(!rtd_loop_drained(&loop));
	acked_seq = 1;
	turns(2);
	ck_assert(rtd_loop_drained(&loop));
	hear(fd, "+OK\r\n");
	close(fd);
	teardown();
}
END_TEST

RTT_MAIN("loop", pipelined_commands_are_answered_in_order,
    sockets_are_read_before_a_command_of_theirs_runs,
    all_that_many_sockets_bring_is_run,
    a_command_in_pieces_is_put_together,
    a_large_argument_takes_memory_as_it_comes, a_reply_waits_for_its_sequence,
    a_sync_that_waits_for_more_begins_before_the_loop_sleeps,
    what_was_read_must_be_acked_too, a_failed_log_never_says_ok,
    a_write_without_room_waits_and_keeps_its_place,
    a_parked_client_runs_nothing_until_its_job_is_done,
    a_parked_client_that_is_killed_lives_until_its_job_is_done,
    a_half_closed_peer_is_answered, a_half_closed_peer_gets_its_acks,
    what_follows_an_error_is_not_run, quit_closes_after_its_reply,
    a_long_pipeline_leaves_room_for_others,
    a_client_that_does_not_read_is_not_read_from,
    a_client_over_the_hard_limit_is_closed,
    half_a_command_is_waited_for_30_seconds,
    an_idle_client_is_closed_when_timeout_says_so,
    an_idle_client_gives_its_buffers_back, without_auth_limits_are_tighter,
    a_reply_that_is_held_comes_when_its_time_has,
    a_handshake_that_the_client_does_not_read_waits,
    a_client_too_many_is_told_so,
    quiet_runs_no_more_but_sends_what_waits)
