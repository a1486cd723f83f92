/* evhttp lets us make the bufferevent of each connection, and tells nobody when
 * it is through with it. We hold a reference: one whose callbacks are gone was
 * freed by evhttp. Until we let go of it, too, it waits for its descriptor, which
 * is closed: so that happens before another one can have the number here.
 *
 * A connection is ended by shutting its socket down, which
 * evhttp sees as an end of file or a broken pipe, whatever it is at. */
#include "riptided/http/http_guard.h"

#include <sys/socket.h>

#include "libcommon/base/invariant.h"

#define LOOK_MS 500

static uint64_t
now_ms(const struct rtd_http_guard *guard)
{
	return rt_clock_monotonic_ns(guard->clock) / 1000000;
}

static bool
has_ended(const struct rtd_guarded *one)
{
	bufferevent_event_cb callback = NULL;

	bufferevent_getcb(one->stream, NULL, NULL, &callback, NULL);
	return callback == NULL;
}

static void
set_full(struct rtd_http_guard *guard, bool is_full)
{
	if (is_full == guard->is_full)
		return;
	guard->is_full = is_full;
	for (unsigned i = 0; i < guard->listeners_count; i++) {
		if (is_full)
			evconnlistener_disable(guard->listeners[i]);
		else
			evconnlistener_enable(guard->listeners[i]);
	}
}

void
rtd_http_guard_let_go(struct rtd_http_guard *guard)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < guard->count; i++)
		if (has_ended(&guard->all[i]))
			bufferevent_decref(guard->all[i].stream);
		else
			guard->all[kept++] = guard->all[i];
	guard->count = kept;
}

static void
sweep(struct rtd_http_guard *guard)
{
	uint64_t now = now_ms(guard);

	rtd_http_guard_let_go(guard);
	for (unsigned i = 0; i < guard->count; i++) {
		const struct rtd_guarded *one = &guard->all[i];

		if (!one->lasts && now - one->since_ms > RTD_HTTP_REQUEST_MS)
			shutdown(bufferevent_getfd(one->stream), SHUT_RDWR);
	}
	set_full(guard, guard->count == RTD_HTTP_CONNECTIONS_MAX);
}

static void
arm(struct rtd_http_guard *guard)
{
	static const struct timeval look = { .tv_usec = LOOK_MS * 1000 };

	if (guard->count != 0 && !evtimer_pending(guard->timer, NULL))
		evtimer_add(guard->timer, &look);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_http_guard *guard = arg;

	sweep(guard);
	arm(guard);
}

/* A connection was accepted. */
static struct bufferevent *
make_stream(struct event_base *base, void *arg)
{
	struct rtd_http_guard *guard = arg;
	struct bufferevent *stream = bufferevent_socket_new(base, -1, 0);

	rt_assert(stream != NULL);
	rtd_http_guard_let_go(guard);
	rt_assert(guard->count < RTD_HTTP_CONNECTIONS_MAX);
	bufferevent_incref(stream);
	guard->all[guard->count++] =
	    (struct rtd_guarded){ .stream = stream, .since_ms = now_ms(guard) };
	set_full(guard, guard->count == RTD_HTTP_CONNECTIONS_MAX);
	arm(guard);
	return stream;
}

void
rtd_http_guard_init(struct rtd_http_guard *guard, struct event_base *base,
    struct rt_clock *clock)
{
	*guard = (struct rtd_http_guard){ .base = base, .clock = clock };
	guard->timer = evtimer_new(base, on_timer, guard);
	rt_assert(guard->timer != NULL);
}

void
rtd_http_guard_fini(struct rtd_http_guard *guard)
{
	for (unsigned i = 0; i < guard->count; i++)
		bufferevent_decref(guard->all[i].stream);
	guard->count = 0;
	if (guard->timer != NULL)
		event_free(guard->timer);
	guard->timer = NULL;
}

void
rtd_http_guard_watch(struct rtd_http_guard *guard, struct evhttp *http)
{
	evhttp_set_bevcb(http, make_stream, guard);
}

void
rtd_http_guard_add_listener(struct rtd_http_guard *guard,
    struct evconnlistener *listener)
{
	rt_assert(guard->listeners_count < RTD_HTTP_LISTENERS_MAX);
	guard->listeners[guard->listeners_count++] = listener;
}

void
rtd_http_guard_let_last(struct rtd_http_guard *guard,
    struct evhttp_request *request)
{
	const struct bufferevent *stream = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(request));

	for (unsigned i = 0; i < guard->count; i++)
		if (guard->all[i].stream == stream)
			guard->all[i].lasts = true;
}
