/* The thread owns everything that evhttp made; main gives it its sockets before
 * it starts, and rings to end it.
 *
 * Who asks for a text waits in a list of its kind. When the loop has answered,
 * all of the list get the same text; when it has not within ASK_MS, they are
 * told so: a loop that stands still is what /healthz is asked for. */
#include "riptided/http/http.h"

#include <errno.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/config.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/mutex.h"
#include "riptided/http/demo.h"
#include "riptided/http/http_guard.h"
#include "riptided/http/http_reply.h"
#include "riptided/http/live.h"
#include "riptided/http/page_files.h"
#include "riptided/net/address.h"
#include "riptided/net/tcp_socket.h"

#define BACKLOG 64
#define HEADERS_BYTES_MAX 8192
#define BODY_BYTES_MAX 4096
/* Between two bytes of a request or of a reply. */
#define IDLE_S 5
#define ASK_MS 2000
/* Between an answer and the next question of its kind: 50 a second are as many
 * as the loop has to give. */
#define PAUSE_MS 20

struct waiter {
	struct evhttp_request *request;
	TAILQ_ENTRY(waiter) link;
};

TAILQ_HEAD(waiters, waiter);

/* Who waits for the texts of one kind. */
struct queue {
	struct rtd_http *http;
	enum rtd_mail kind;
	struct waiters waiters;
	struct event *patience;		/* the oldest waits no longer */
	struct event *pause;		/* it may be asked again */
};

struct rtd_http {
	const struct rt_config *config;
	struct rt_clock *clock;
	int sockets[RTD_TCP_ADDRESSES_MAX];	/* -1: handed over */
	unsigned sockets_count;
	struct rtd_mailbox box;
	int stop_fd;
	/* main's */
	struct event *loop_event;
	rtd_answer_fn *answer;
	void *arg;
	pthread_t thread;
	bool runs;
	/* the thread's */
	struct event_base *base;
	struct evhttp *server;
	struct rtd_http_guard guard;
	struct event *stop_event;
	struct event *answer_event;
	struct queue queues[RTD_MAILS];	/* of live: empty */
	struct rtd_live live;
	struct rtd_demo demo;
};

/* -- asking the loop -- */

static void
reply_all(struct queue *queue, int status, struct rt_slice text)
{
	static const char *const types[RTD_MAILS] = {
		[RTD_MAIL_HEALTH] = "text/plain; charset=utf-8",
		[RTD_MAIL_METRICS] = "text/plain; version=0.0.4; charset=utf-8",
		[RTD_MAIL_LIVE] = "application/json",
	};
	struct waiter *waiter;

	evtimer_del(queue->patience);
	while ((waiter = TAILQ_FIRST(&queue->waiters)) != NULL) {
		TAILQ_REMOVE(&queue->waiters, waiter, link);
		rtd_http_reply(waiter->request, status, types[queue->kind],
		    text);
		free(waiter);
	}
}

static void
on_impatient(evutil_socket_t fd, short what, void *arg)
{
	reply_all(arg, 503, rt_slice_cstr("busy: the loop does not answer\n"));
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = { .tv_usec = PAUSE_MS * 1000 };
	struct rtd_http *http = arg;
	struct rtd_answer answer;

	rtd_mailbox_hear(&http->box);
	for (size_t i = 0; i < RTD_MAILS; i++) {
		if (!rtd_mailbox_take(&http->box, (enum rtd_mail)i, &answer))
			continue;
		if (i == RTD_MAIL_LIVE)
			rtd_live_tell(&http->live, &answer);
		if (answer.has_fd) {
			rtd_http_guard_let_go(&http->guard);
			rtd_demo_connect(&http->demo, answer.fd);
			answer.has_fd = false;
		}
		evtimer_add(http->queues[i].pause, &pause);
		reply_all(&http->queues[i], answer.status,
		    rt_buf_slice(&answer.text));
		rtd_answer_fini(&answer);
	}
}

static void
on_paused(evutil_socket_t fd, short what, void *arg)
{
	struct queue *queue = arg;

	if (!TAILQ_EMPTY(&queue->waiters))
		rtd_mailbox_ask(&queue->http->box, queue->kind,
		    rt_slice(NULL, 0));
}

static void
ask(struct rtd_http *http, struct evhttp_request *request, enum rtd_mail kind)
{
	static const struct timeval patience = { .tv_sec = ASK_MS / 1000,
		.tv_usec = ASK_MS % 1000 * 1000 };
	struct queue *queue = &http->queues[kind];
	struct waiter *waiter;

	if (!rtd_http_reads(request)) {
		rtd_http_reply_method(request, "GET, HEAD");
		return;
	}
	waiter = rt_alloc_zero(1, sizeof(*waiter));
	waiter->request = request;
	if (TAILQ_EMPTY(&queue->waiters))
		evtimer_add(queue->patience, &patience);
	TAILQ_INSERT_TAIL(&queue->waiters, waiter, link);
	if (!evtimer_pending(queue->pause, NULL))
		rtd_mailbox_ask(&http->box, kind, rt_slice(NULL, 0));
}

/* -- pages -- */

static void
on_healthz(struct evhttp_request *request, void *arg)
{
	ask(arg, request, RTD_MAIL_HEALTH);
}

static void
on_metrics(struct evhttp_request *request, void *arg)
{
	ask(arg, request, RTD_MAIL_METRICS);
}

static void
on_events(struct evhttp_request *request, void *arg)
{
	struct rtd_http *http = arg;

	rtd_live_watch(&http->live, request);
}

static void
on_demo(struct evhttp_request *request, void *arg)
{
	struct rtd_http *http = arg;

	rtd_demo_serve(&http->demo, request);
}

/* The files of the page, and what is not there. */
static void
on_other(struct evhttp_request *request, void *arg)
{
	const char *path = evhttp_uri_get_path(
	    evhttp_request_get_evhttp_uri(request));

	if (!rtd_http_reads(request)) {
		rtd_http_reply_method(request, "GET, HEAD");
		return;
	}
	for (size_t i = 0; path != NULL && i < rtd_page_files_count; i++) {
		const struct rtd_page_file *file = &rtd_page_files[i];

		if (strcmp(path, file->path) == 0) {
			rtd_http_reply(request, 200, file->type,
			    rt_slice(file->bytes, file->len));
			return;
		}
	}
	rtd_http_reply_text(request, 404, "there is no such page\n");
}

/* -- life -- */

/* No descriptor is left, as a rule: the next try is to find one. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	rt_log_limited(60000, RT_LOG_WARNING, "http", "accept failed",
	    "error=\"%s\"", strerrordesc_np(errno));
	nanosleep(&pause, NULL);
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_http *http = arg;

	event_base_loopbreak(http->base);
}

static void *
http_main(void *arg)
{
	struct rtd_http *http = arg;

	event_base_dispatch(http->base);
	return NULL;
}

static void
on_bound(void *arg, int fd, const char *name)
{
	struct rtd_http *http = arg;

	http->sockets[http->sockets_count++] = fd;
}

/* Whoever reaches the demo may write. */
static enum rt_code
check_demo(const struct rtd_http *http, struct rt_err *err)
{
	if (http->config->requirepass[0] != '\0')
		return rt_err_set(err, RT_ECONFIG, "live-page-demo: not "
		    "allowed with requirepass: its visitors have no password");
	for (unsigned i = 0; i < http->sockets_count; i++) {
		struct sockaddr_storage here = { 0 };
		socklen_t len = sizeof(here);

		if (getsockname(http->sockets[i], (struct sockaddr *)&here,
			&len) != 0 || !rtd_address_is_loopback(&here))
			return rt_err_set(err, RT_ECONFIG, "live-page-demo: "
			    "not allowed where other machines reach it, see "
			    "metrics-bind");
	}
	return RT_OK;
}

enum rt_code
rtd_http_bind(struct rtd_http **out, const struct rt_config *config,
    struct rt_clock *clock, struct rt_err *err)
{
	struct rtd_http *http;
	enum rt_code code;

	*out = NULL;
	if (config->metrics_port == 0)
		return RT_OK;
	http = rt_alloc_zero(1, sizeof(*http));
	http->config = config;
	http->clock = clock;
	http->stop_fd = http->box.loop_fd = http->box.http_fd = -1;
	code = rtd_tcp_bind("metrics-bind", config->metrics_bind,
	    config->metrics_port, on_bound, http, err);
	if (code == RT_OK && http->sockets_count == 0)
		code = rt_err_set(err, RT_ECONFIG,
		    "metrics-bind: no address "
		    "of it is there");
	if (code == RT_OK && config->live_page_demo)
		code = check_demo(http, err);
	if (code != RT_OK)
		rtd_http_free(http);
	else
		*out = http;
	return code;
}

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_http *http = arg;

	rtd_mailbox_serve(&http->box, http->answer, http->arg);
}

static enum rt_code
open_base(struct rtd_http *http, struct rt_err *err)
{
	struct event_config *config = event_config_new();

	if (config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		http->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (http->base != NULL)
		http->server = evhttp_new(http->base);
	if (http->server == NULL)
		return rt_err_set(err, RT_EIO,
		    "the event loop of http could not be made");
	return RT_OK;
}

static void
open_queues(struct rtd_http *http)
{
	for (size_t i = 0; i < RTD_MAILS; i++) {
		struct queue *queue = &http->queues[i];

		queue->http = http;
		queue->kind = (enum rtd_mail)i;
		TAILQ_INIT(&queue->waiters);
		queue->patience = evtimer_new(http->base, on_impatient, queue);
		queue->pause = evtimer_new(http->base, on_paused, queue);
		rt_assert(queue->patience != NULL && queue->pause != NULL);
	}
}

static void
open_server(struct rtd_http *http)
{
	evhttp_set_max_headers_size(http->server, HEADERS_BYTES_MAX);
	evhttp_set_max_body_size(http->server, BODY_BYTES_MAX);
	evhttp_set_timeout(http->server, IDLE_S);
	/* The others would be answered with 501 and no word on what would do. */
	evhttp_set_allowed_methods(http->server, UINT16_MAX);
	evhttp_set_cb(http->server, "/healthz", on_healthz, http);
	evhttp_set_cb(http->server, "/metrics", on_metrics, http);
	evhttp_set_cb(http->server, "/events", on_events, http);
	evhttp_set_cb(http->server, "/demo", on_demo, http);
	evhttp_set_gencb(http->server, on_other, http);
	rtd_http_guard_init(&http->guard, http->base, http->clock);
	rtd_http_guard_watch(&http->guard, http->server);
	rtd_live_init(&http->live, http->base, http->config, &http->box,
	    &http->guard);
}

static enum rt_code
listen_all(struct rtd_http *http, struct rt_err *err)
{
	for (unsigned i = 0; i < http->sockets_count; i++) {
		struct evconnlistener *listener = evconnlistener_new(http->base,
		    NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
		    BACKLOG, http->sockets[i]);

		if (listener == NULL) {
			rt_err_set_errno(err, errno, "metrics-port");
			if (err != NULL)
				err->code = RT_EADDRESS;
			return RT_EADDRESS;
		}
		http->sockets[i] = -1;
		evconnlistener_set_error_cb(listener, on_accept_error);
		rtd_http_guard_add_listener(&http->guard, listener);
		/* It is evhttp's from here on. */
		if (evhttp_bind_listener(http->server, listener) == NULL)
			rt_assert(false);
	}
	return RT_OK;
}

static void
add_events(struct rtd_http *http, struct event_base *loop)
{
	http->loop_event = event_new(loop, http->box.loop_fd,
	    EV_READ | EV_PERSIST, on_question, http);
	http->answer_event = event_new(http->base, http->box.http_fd,
	    EV_READ | EV_PERSIST, on_answer, http);
	http->stop_event =
	    event_new(http->base, http->stop_fd, EV_READ, on_stop, http);
	rt_assert(http->loop_event != NULL && http->answer_event != NULL &&
	    http->stop_event != NULL);
	event_add(http->loop_event, NULL);
	event_add(http->answer_event, NULL);
	event_add(http->stop_event, NULL);
}

enum rt_code
rtd_http_start(struct rtd_http *http, struct event_base *loop,
    rtd_answer_fn *answer,
    void *arg, struct rt_err *err)
{
	enum rt_code code;

	if (http == NULL)
		return RT_OK;
	http->answer = answer;
	http->arg = arg;
	http->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (http->stop_fd < 0)
		return rt_err_set_errno(err, errno, "eventfd");
	if ((code = rtd_mailbox_open(&http->box, err)) != RT_OK ||
	    (code = open_base(http, err)) != RT_OK)
		return code;
	open_queues(http);
	open_server(http);
	if ((code = rtd_demo_init(&http->demo, http->base, http->config,
		&http->box, &http->live.followed, err)) != RT_OK ||
	    (code = listen_all(http, err)) != RT_OK)
		return code;
	add_events(http, loop);
	rt_thread_start(&http->thread, "http", http_main, http);
	http->runs = true;
	return RT_OK;
}

static void
end_thread(struct rtd_http *http)
{
	uint64_t one = 1;
	ssize_t put;

	do {
		put = write(http->stop_fd, &one, sizeof(one));
	} while (put < 0 && errno == EINTR);
	rt_thread_join(http->thread);
}

static void
close_queue(struct queue *queue)
{
	if (queue->http == NULL)
		return;
	reply_all(queue, 503, rt_slice_cstr("stopping\n"));
	event_free(queue->patience);
	event_free(queue->pause);
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
rtd_http_free(struct rtd_http *http)
{
	if (http == NULL)
		return;
	if (http->runs)
		end_thread(http);
	free_event(http->loop_event);
	for (size_t i = 0; i < RTD_MAILS; i++)
		close_queue(&http->queues[i]);
	free_event(http->answer_event);
	free_event(http->stop_event);
	rtd_demo_fini(&http->demo);
	if (http->live.config != NULL)
		rtd_live_fini(&http->live);
	if (http->server != NULL)
		evhttp_free(http->server);
	rtd_http_guard_fini(&http->guard);
	if (http->base != NULL)
		event_base_free(http->base);
	for (unsigned i = 0; i < http->sockets_count; i++)
		if (http->sockets[i] >= 0)
			close(http->sockets[i]);
	rtd_mailbox_close(&http->box);
	if (http->stop_fd >= 0)
		close(http->stop_fd);
	free(http);
}
