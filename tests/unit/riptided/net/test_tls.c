#include "riptided/net/tls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "riptided/net/tls_context.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/tls_pair.h"

static struct rtt_scratch scratch;
static struct ssl_ctx_st *context;
static struct rtd_tls *server;
static SSL *client;
static int ends[2];	/* the client's, the server's */
static uint8_t buffer[256 * 1024];

static void
set_text(struct rt_config *config, const char *name, const char *value)
{
	ck_assert_int_eq(rt_config_set(config, rt_slice_cstr(name),
	    rt_slice_cstr(value), false, NULL), RT_OK);
}

/* copies: certificates more than needed; send_room: of the server's socket. */
static void
setup(unsigned copies, int send_room)
{
	char cert[300], key[300];
	struct rt_config config;
	struct rt_err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	rtt_scratch_init(&scratch);
	snprintf(cert, sizeof(cert), "%s/cert", scratch.path);
	snprintf(key, sizeof(key), "%s/key", scratch.path);
	rtt_tls_make_files(cert, key, copies);
	rt_config_init(&config);
	set_text(&config, "tls-cert-file", cert);
	set_text(&config, "tls-key-file", key);
	set_text(&config, "tls-auth-clients", "no");
	ck_assert_msg(rtd_tls_context_new(&context, &config, &err) == RT_OK,
	    "%s", err.text);
	rt_config_fini(&config);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	if (send_room != 0)
		ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF,
		    &send_room, sizeof(send_room)), 0);
	server = rtd_tls_new(context, ends[1]);
	client = rtt_tls_client(ends[0]);
}

static void
teardown(void)
{
	SSL_free(client);
	rtd_tls_free(server);
	rtd_tls_context_free(context);
	close(ends[0]);
	close(ends[1]);
	rtt_scratch_fini(&scratch);
}

/* Nothing has come. */
static void
receive_nothing(void)
{
	ck_assert_int_eq(rtd_tls_recv(server, buffer, sizeof(buffer)), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void
shake_hands(void)
{
	while (!rtd_tls_is_open(server) || !SSL_is_init_finished(client)) {
		(void)SSL_do_handshake(client);
		if (!rtd_tls_is_open(server))
			receive_nothing();
	}
}

static bool
is_readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, 0) == 1;
}

START_TEST(a_receive_takes_a_whole_record)
{
	static uint8_t data[RTD_TLS_RECORD_BYTES + 100];

	setup(0, 0);
	shake_hands();
	receive_nothing();
	ck_assert_int_eq(SSL_write(client, data, sizeof(data)),
	    (int)sizeof(data));
	ck_assert_int_eq(rtd_tls_recv(server, buffer, RTD_TLS_RECORD_BYTES),
	    RTD_TLS_RECORD_BYTES);
	/* T1: what is left is the kernel's. */
	ck_assert(is_readable(ends[1]));
	ck_assert_int_eq(rtd_tls_recv(server, buffer, RTD_TLS_RECORD_BYTES),
	    100);
	ck_assert(!is_readable(ends[1]));
	receive_nothing();
	ck_assert(!rtd_tls_wants_write(server));
	teardown();
}
END_TEST

START_TEST(a_handshake_waits_for_room_to_write)
{
	bool held_up = false;

	setup(100, 4096);
	(void)SSL_do_handshake(client);
	receive_nothing();
	ck_assert(rtd_tls_wants_write(server));
	ck_assert(!rtd_tls_is_open(server));
	/* The peer takes nothing: nothing changes. */
	receive_nothing();
	ck_assert(rtd_tls_wants_write(server));
	while (!SSL_is_init_finished(client)) {
		(void)SSL_do_handshake(client);
		receive_nothing();
		held_up = held_up || rtd_tls_wants_write(server);
	}
	ck_assert(held_up);
	shake_hands();
	ck_assert_int_eq(SSL_write(client, "PING", 4), 4);
	ck_assert_int_eq(rtd_tls_recv(server, buffer, sizeof(buffer)), 4);
	ck_assert(!rtd_tls_wants_write(server));
	teardown();
}
END_TEST

/* T2: from another place each time, and with more behind. */
START_TEST(what_did_not_go_is_offered_again)
{
	enum { BYTES = 200000, PIECE = 20011 };
	uint8_t *data = malloc(BYTES), *got = malloc(BYTES);
	size_t put = 0, come = 0, offered = 50000;
	unsigned refused = 0;

	setup(0, 8192);
	shake_hands();
	for (size_t i = 0; i < BYTES; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	while (come < BYTES) {
		size_t len = offered - put;
		/* As between a value and what is around it. */
		size_t first = PIECE - put % PIECE < len ? PIECE - put % PIECE
							 : len;
		uint8_t *copy = malloc(len + 1);
		struct iovec pieces[2] = { { copy, first },
			{ copy + first, len - first } };
		ssize_t one;
		int read_now;

		memcpy(copy, data + put, len);
		one = rtd_tls_send(server, pieces, 2);
		if (one > 0) {
			put += (size_t)one;
		} else if (len != 0) {
			ck_assert_int_eq(one, -1);
			ck_assert_int_eq(errno, EAGAIN);
			refused++;
		}
		free(copy);
		read_now = SSL_read(client, got + come, 3000);
		if (read_now > 0)
			come += (size_t)read_now;
		offered = offered + 1000 < BYTES ? offered + 1000 : BYTES;
	}
	ck_assert_uint_gt(refused, 0);
	ck_assert_mem_eq(got, data, BYTES);
	ck_assert(!rtd_tls_wants_write(server));
	teardown();
	free(data);
	free(got);
}
END_TEST

START_TEST(a_goodbye_is_an_end_in_both_directions)
{
	setup(0, 0);
	shake_hands();
	ck_assert_int_eq(SSL_write(client, "PING", 4), 4);
	SSL_shutdown(client);
	ck_assert_int_eq(rtd_tls_recv(server, buffer, sizeof(buffer)), 4);
	ck_assert_int_eq(rtd_tls_recv(server, buffer, sizeof(buffer)), 0);
	/* What was asked for is still answered. */
	ck_assert_int_eq(rtd_tls_send(server, &(struct iovec){ (void *)
	    (uintptr_t)"PONG", 4 }, 1), 4);
	rtd_tls_say_goodbye(server);
	ck_assert_int_eq(SSL_read(client, buffer, sizeof(buffer)), 4);
	ck_assert_int_eq(SSL_read(client, buffer, sizeof(buffer)), 0);
	ck_assert_int_eq(SSL_get_error(client, 0), SSL_ERROR_ZERO_RETURN);
	teardown();
}
END_TEST

START_TEST(an_end_without_a_goodbye_is_an_end)
{
	setup(0, 0);
	shake_hands();
	shutdown(ends[0], SHUT_WR);
	ck_assert_int_eq(rtd_tls_recv(server, buffer, sizeof(buffer)), 0);
	ck_assert_int_eq(rtd_tls_send(server, &(struct iovec){ (void *)
	    (uintptr_t)"PONG", 4 }, 1), 4);
	teardown();
}
END_TEST

START_TEST(what_is_no_tls_has_words)
{
	setup(0, 0);
	ck_assert_int_eq(write(ends[0], "*1\r\n$4\r\nPING\r\n", 14), 14);
	ck_assert_int_eq(rtd_tls_recv(server, buffer, sizeof(buffer)), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_str_eq(rtd_tls_problem(server), "wrong version number");
	teardown();
}
END_TEST

RTT_MAIN("tls", a_receive_takes_a_whole_record,
    a_handshake_waits_for_room_to_write, what_did_not_go_is_offered_again,
    a_goodbye_is_an_end_in_both_directions, an_end_without_a_goodbye_is_an_end,
    what_is_no_tls_has_words)
