/* Sockets that are inherited, beside those that are bound. */
#include "riptided/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/runner.h"

static int
listening_socket(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	return fd;
}

static void
inherit(struct rtd_inherited *inherited, enum rtd_inherited_kind kind)
{
	struct rtd_inherited_socket *next =
	    &inherited->sockets[inherited->count++];

	*next = (struct rtd_inherited_socket){ .kind = kind, .name = "given" };
	next->fd = listening_socket(&next->port);
}

static void
count_clients(void *arg, int fd, const struct rtd_door *door)
{
	unsigned *count = arg;

	ck_assert(!door->tls);
	(*count)++;
	close(fd);
}

/* Whatever is ready now. */
static void
turn(struct event_base *base)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

START_TEST(clients_of_inherited_sockets_wait_until_they_are_admitted)
{
	struct rtd_inherited inherited = { 0 };
	struct rtd_listener *listener;
	struct rt_config config;
	struct rt_err err = { 0 };
	struct event_base *base = event_base_new();
	unsigned count = 0;
	uint16_t port;
	int clients[2];

	rt_config_init(&config);
	inherit(&inherited, RTD_INHERITED_TCP);
	port = inherited.sockets[0].port;
	ck_assert_int_eq(rtd_listener_bind(&listener, &config, &inherited,
	    &err), RT_OK);
	ck_assert_uint_eq(inherited.count, 0);
	ck_assert_int_eq(rtd_listener_start(listener, base, 16, count_clients,
	    &count, &err), RT_OK);
	clients[0] = connect_to(port);
	turn(base);
	/* A tick takes up what an error made pause, and nothing else. */
	rtd_listener_tick(listener);
	turn(base);
	ck_assert_uint_eq(count, 0);
	rtd_listener_admit(listener);
	turn(base);
	ck_assert_uint_eq(count, 1);
	clients[1] = connect_to(port);
	turn(base);
	ck_assert_uint_eq(count, 2);
	rtd_listener_free(listener);
	event_base_free(base);
	close(clients[0]);
	close(clients[1]);
	rt_config_fini(&config);
}
END_TEST

/* Binding it would fail: it is in use, by the one that was handed over. */
START_TEST(an_inherited_socket_stands_for_its_option_alone)
{
	struct rtd_inherited inherited = { 0 };
	struct rtd_listener *listener;
	struct rt_config config;
	struct rt_err err = { 0 };

	rt_config_init(&config);
	inherit(&inherited, RTD_INHERITED_TLS);
	config.tls_port = inherited.sockets[0].port;
	config.port = config.tls_port;
	ck_assert_int_eq(rtd_listener_bind(&listener, &config, &inherited,
	    &err), RT_EADDRESS);
	ck_assert_uint_eq(inherited.count, 1);
	inherited.sockets[0].kind = RTD_INHERITED_TCP;
	config.tls_port = 0;
	ck_assert_int_eq(rtd_listener_bind(&listener, &config, &inherited,
	    &err), RT_OK);
	rtd_listener_free(listener);
	rt_config_fini(&config);
}
END_TEST

START_TEST(an_option_that_is_0_is_not_overruled)
{
	static const enum rtd_inherited_kind kinds[] = { RTD_INHERITED_TCP,
		RTD_INHERITED_TLS };

	for (unsigned i = 0; i < RT_COUNTOF(kinds); i++) {
		struct rtd_inherited inherited = { 0 };
		struct rtd_listener *listener;
		struct rt_config config;
		struct rt_err err = { 0 };
		int fd;

		rt_config_init(&config);
		config.port = kinds[i] == RTD_INHERITED_TCP ? 0 : 1;
		inherit(&inherited, kinds[i]);
		fd = inherited.sockets[0].fd;
		ck_assert_int_eq(rtd_listener_bind(&listener, &config,
		    &inherited, &err), RT_ECONFIG);
		ck_assert(strstr(err.text, "service manager") != NULL);
		/* They stay the caller's. */
		ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
		rtd_inherited_close(&inherited);
		ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
		rt_config_fini(&config);
	}
}
END_TEST

START_TEST(the_first_of_a_kind_is_found)
{
	struct rtd_inherited inherited = { .count = 3, .sockets = {
		{ .fd = 7, .kind = RTD_INHERITED_UNIX },
		{ .fd = 8, .kind = RTD_INHERITED_TCP },
		{ .fd = 9, .kind = RTD_INHERITED_TCP } } };

	ck_assert_int_eq(rtd_inherited_find(&inherited, RTD_INHERITED_TCP)->fd,
	    8);
	ck_assert(rtd_inherited_find(&inherited, RTD_INHERITED_TLS) == NULL);
}
END_TEST

RTT_MAIN("listener", clients_of_inherited_sockets_wait_until_they_are_admitted,
    an_inherited_socket_stands_for_its_option_alone,
    an_option_that_is_0_is_not_overruled, the_first_of_a_kind_is_found)
