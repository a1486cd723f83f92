/* The thread beside a loop that the test itself turns, or does not. */
#include "riptided/http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/daemon/config.h"
#include "libcommon/os/clock.h"
#include "tests/support/runner.h"

static struct rt_config config;
static struct event_base *loop;
static struct rtd_http *http;
static unsigned answers;

static struct sockaddr_in
address(int64_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int64_t
free_port(void)
{
	struct sockaddr_in here = address(0);
	socklen_t len = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)&here, &len) == 0);
	close(fd);
	return ntohs(here.sin_port);
}

static void
answer(void *arg, enum rtd_mail kind, struct rt_slice question,
    struct rtd_answer *out)
{
	answers++;
	out->status = 200;
	rt_buf_printf(&out->text, "ready\n");
}

static void
start(void)
{
	rt_config_init(&config);
	config.metrics_port = free_port();
	loop = event_base_new();
	ck_assert(
	    rtd_http_bind(&http, &config, rt_clock_system(), NULL) == RT_OK);
	ck_assert(rtd_http_start(http, loop, answer, NULL, NULL) == RT_OK);
}

static void
stop(void)
{
	rtd_http_free(http);
	event_base_free(loop);
	rt_config_fini(&config);
}

static int
ask(const char *path)
{
	struct sockaddr_in there = address(config.metrics_port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[128];
	int len = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\n\r\n", path);

	ck_assert(connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0);
	ck_assert(write(fd, text, (size_t)len) == len);
	return fd;
}

/* What comes until the close; fd is closed. */
static const char *
hear(int fd)
{
	static char text[4096];
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(fd);
	return text;
}

START_TEST(the_loop_is_asked_and_its_answer_sent)
{
	int fd;

	start();
	fd = ask("/healthz");
	event_base_loop(loop, EVLOOP_ONCE);
	ck_assert(strstr(hear(fd), "\r\n\r\nready\n") != NULL);
	ck_assert_uint_eq(answers, 1);
	stop();
}
END_TEST

START_TEST(a_loop_that_stands_still_is_told_of)
{
	const char *text;
	int fd;

	start();
	text = hear(ask("/healthz"));
	ck_assert(strncmp(text, "HTTP/1.0 503 ", 13) == 0);
	ck_assert(strstr(text, "\r\n\r\nbusy: ") != NULL);
	/* What comes too late is forgotten. */
	event_base_loop(loop, EVLOOP_ONCE);
	ck_assert_uint_eq(answers, 1);
	fd = ask("/metrics");
	event_base_loop(loop, EVLOOP_ONCE);
	ck_assert(strstr(hear(fd), "\r\n\r\nready\n") != NULL);
	stop();
}
END_TEST

START_TEST(it_ends_while_somebody_waits)
{
	int fd;

	start();
	fd = ask("/healthz");
	rtd_http_free(http);
	ck_assert(strstr(hear(fd), "ready") == NULL);
	ck_assert_uint_eq(answers, 0);
	event_base_free(loop);
	rt_config_fini(&config);
}
END_TEST

START_TEST(without_a_port_there_is_none)
{
	rt_config_init(&config);
	ck_assert(
	    rtd_http_bind(&http, &config, rt_clock_system(), NULL) == RT_OK);
	ck_assert(http == NULL);
	ck_assert(rtd_http_start(http, NULL, answer, NULL, NULL) == RT_OK);
	rtd_http_free(http);
	rt_config_fini(&config);
}
END_TEST

START_TEST(an_address_in_use_is_an_error)
{
	struct rtd_http *other;
	struct rt_err err = { 0 };

	start();
	ck_assert(rtd_http_bind(&other, &config, rt_clock_system(), &err) ==
	    RT_EADDRESS);
	ck_assert(other == NULL);
	stop();
}
END_TEST

RTT_MAIN("http", the_loop_is_asked_and_its_answer_sent,
    a_loop_that_stands_still_is_told_of, it_ends_while_somebody_waits,
    without_a_port_there_is_none, an_address_in_use_is_an_error)
