/* http_guard: how many connections there may be, and for how long. evhttp has
 * no bounds for either: a client that sends a byte now and then would keep its
 * place for ever.
 *
 * Each connection has one request and a time until its reply is sent; one that
 * became a stream goes on for as long as the other side reads. At the most
 * connections nobody is accepted until one has ended. Thread: http. */
#ifndef RIPTIDED_HTTP_HTTP_GUARD_H
#define RIPTIDED_HTTP_HTTP_GUARD_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>

#include "libcommon/os/clock.h"

#define RTD_HTTP_CONNECTIONS_MAX 64
#define RTD_HTTP_REQUEST_MS 10000
#define RTD_HTTP_LISTENERS_MAX 16

struct rtd_guarded {
	struct bufferevent *stream;	/* counted */
	uint64_t since_ms;		/* monotonic */
	bool lasts;			/* no time is set */
};

struct rtd_http_guard {
	struct event_base *base;
	struct rt_clock *clock;
	struct rtd_guarded all[RTD_HTTP_CONNECTIONS_MAX];
	unsigned count;
	struct evconnlistener *listeners[RTD_HTTP_LISTENERS_MAX];
	unsigned listeners_count;
	bool is_full;
	struct event *timer;		/* runs while there are connections */
};

void rtd_http_guard_init(struct rtd_http_guard *guard, struct event_base *base,
    struct rt_clock *clock);
/* After evhttp_free(). */
void rtd_http_guard_fini(struct rtd_http_guard *guard);

/* Before the first connection. The listeners stay evhttp's. */
void rtd_http_guard_watch(struct rtd_http_guard *guard, struct evhttp *http);
void rtd_http_guard_add_listener(struct rtd_http_guard *guard,
    struct evconnlistener *listener);

/* Let go of connections that have ended. Before a new descriptor is given to
 * the base. */
void rtd_http_guard_let_go(struct rtd_http_guard *guard);

/* The connection of this request is a stream from now on. */
void rtd_http_guard_let_last(struct rtd_http_guard *guard,
    struct evhttp_request *request);

#endif
