/* A watcher that does not read what it is sent misses samples, and is let go of
 * when it has missed too many: what is kept for it stays below a bound. What the
 * compactor tells of itself lies in files, which this thread reads itself. */
#include "riptided/http/live.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/config.h"
#include "riptided/cmd/compactor_look.h"
#include "riptided/http/http_reply.h"
#include "riptided/http/json.h"

#define INTERVAL_MS 250
#define UNREAD_BYTES_MAX (256 * 1024)
#define MISSED_MAX 40
#define JOBS_SHOWN 6

struct rtd_watcher {
	struct rtd_live *live;
	struct evhttp_request *request;
	struct evhttp_connection *connection;
	bool has_tree;
	unsigned missed;
	TAILQ_ENTRY(rtd_watcher) link;
};

/* -- watchers -- */

static void
ask(struct rtd_live *live)
{
	rtd_mailbox_ask(live->box, RTD_MAIL_LIVE,
	    rt_buf_slice(&live->followed));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval interval = {
		.tv_usec = INTERVAL_MS * 1000 };
	struct rtd_live *live = arg;

	if (live->count == 0)
		return;
	ask(live);
	evtimer_add(live->timer, &interval);
}

/* Its connection is at its end; the request is still ours. */
static void
on_close(struct evhttp_connection *connection, void *arg)
{
	struct rtd_watcher *watcher = arg;
	struct rtd_live *live = watcher->live;

	TAILQ_REMOVE(&live->watchers, watcher, link);
	live->count--;
	if (evhttp_request_get_connection(watcher->request) == NULL)
		evhttp_send_reply_end(watcher->request);
	free(watcher);
}

void
rtd_live_watch(struct rtd_live *live, struct evhttp_request *request)
{
	struct rtd_watcher *watcher;

	if (!rtd_http_reads(request)) {
		rtd_http_reply_method(request, "GET, HEAD");
		return;
	}
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		rtd_http_reply(request, 200, "text/event-stream",
		    rt_slice(NULL, 0));
		return;
	}
	if (live->count == RTD_WATCHERS_MAX) {
		rtd_http_reply_text(request, 503, "enough are watching\n");
		return;
	}
	watcher = rt_alloc_zero(1, sizeof(*watcher));
	watcher->live = live;
	watcher->request = request;
	watcher->connection = evhttp_request_get_connection(request);
	TAILQ_INSERT_TAIL(&live->watchers, watcher, link);
	evhttp_connection_set_closecb(watcher->connection, on_close, watcher);
	rtd_http_guard_let_last(live->guard, request);
	rtd_http_reply_begin(request, "text/event-stream");
	if (live->count++ == 0)
		on_timer(-1, 0, live);
}

/* -- telling -- */

static void
put_job(struct rt_buf *out, const struct rt_compactor_job *job)
{
	rt_buf_printf(out, "{\"number\":%" PRIu64 ",\"deed\":", job->number);
	rtd_json_text(out, rt_slice_cstr(job->deed));
	rt_buf_printf(out, ",\"outcome\":\"%s\",\"from\":%" PRIu32
	    ",\"to\":%" PRIu32 ",\"began\":%" PRId64 ",\"took_ms\":%" PRIu64
	    ",\"inputs\":%" PRIu64 ",\"outputs\":%" PRIu64
	    ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
	    ",\"dropped\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "],\"reason\":",
	    rt_job_outcome_name(job->outcome), job->source_level,
	    job->target_level, job->began_ms, job->took_ms, job->inputs,
	    job->outputs, job->bytes_in, job->bytes_out,
	    job->versions_dropped, job->tombstones_dropped,
	    job->expired_dropped);
	rtd_json_text(out, rt_slice_cstr(job->reason));
	rt_buf_append_byte(out, '}');
}

static void
put_compactor(struct rt_buf *out, const char *dir)
{
	struct rtd_compactor_look *look = rt_alloc_zero(1, sizeof(*look));
	const struct rt_compactor_status *status = &look->status;
	size_t count;

	rtd_compactor_look(dir, look);
	count = status->history_count;
	rt_buf_printf(out, ",\"compactor\":{\"state\":\"%s\",\"phase\":",
	    rtd_compactor_state(look));
	rtd_json_text(out, rt_slice_cstr(look->held ? status->phase : ""));
	rt_buf_printf(out, ",\"job\":");
	rtd_json_text(out, rt_slice_cstr(look->held ? status->job : ""));
	rt_buf_printf(out, ",\"done\":%" PRIu64 ",\"all\":%" PRIu64
	    ",\"rate\":%" PRIu64 ",\"debt\":%" PRIu64 ",\"eta\":%" PRId64
	    ",\"jobs\":[", status->job_bytes_done, status->job_bytes_total,
	    status->bytes_per_s, status->debt_bytes,
	    look->held ? rt_compactor_eta_s(status) : -1);
	for (size_t i = 0; i < count && i < JOBS_SHOWN; i++) {
		if (i != 0)
			rt_buf_append_byte(out, ',');
		put_job(out, &status->history[count - 1 - i]);
	}
	rt_buf_printf(out, "]}");
	free(look);
}

static void
put_step(struct rt_buf *out, const struct rtd_step *step)
{
	static const char *const kinds[] = {
		[RTD_STEP_ABSENT] = "absent",
		[RTD_STEP_FILTERED] = "filtered",
		[RTD_STEP_VALUE] = "value",
		[RTD_STEP_TOMBSTONE] = "tombstone",
		[RTD_STEP_DISK] = "disk",
		[RTD_STEP_BROKEN] = "broken",
	};
	char name[RT_PATH_NAME_BYTES] = "";

	if (!step->is_memtable)
		rt_path_table(name, step->table);
	rt_buf_printf(out, "[\"%s\",%s,%" PRIu32 ",\"%.*s\",%s]",
	    kinds[step->kind], step->is_memtable ? "true" : "false",
	    step->number, (int)strcspn(name, "."), name,
	    step->cached ? "true" : "false");
}

static void
put_path(struct rtd_live *live, const struct rtd_answer *answer)
{
	const struct rtd_trace *trace = &answer->trace;
	struct rt_buf *out = &live->text;

	if (answer->key.len == 0)
		return;
	rt_buf_printf(out, ",\"path\":{\"place\":%.5f,\"passed\":%zu,"
	    "\"cut\":%s,\"steps\":[",
	    rtd_live_tree_place(&live->tree, rt_buf_slice(&answer->key)),
	    trace->passed_by, trace->is_cut ? "true" : "false");
	for (size_t i = 0; i < trace->count; i++) {
		if (i != 0)
			rt_buf_append_byte(out, ',');
		put_step(out, &trace->steps[i]);
	}
	rt_buf_append_byte(out, ']');
	/* A followed key is the page's own. */
	if (live->config->live_page_keys || live->followed.len != 0) {
		rt_buf_printf(out, ",\"key\":");
		rtd_live_tree_key(out, rt_buf_slice(&answer->key));
	}
	rt_buf_append_byte(out, '}');
}

static void
send_text(struct rtd_watcher *watcher, struct rt_slice text)
{
	struct evbuffer *bytes = evbuffer_new();

	evbuffer_add(bytes, text.data, text.len);
	evhttp_send_reply_chunk(watcher->request, bytes);
	evbuffer_free(bytes);
}

/* False: it does not read. */
static bool
is_reading(struct rtd_watcher *watcher)
{
	struct bufferevent *stream =
	    evhttp_connection_get_bufferevent(watcher->connection);
	size_t unread = evbuffer_get_length(bufferevent_get_output(stream));

	if (unread <= UNREAD_BYTES_MAX) {
		watcher->missed = 0;
		return true;
	}
	/* It is seen as a broken pipe, and on_close() is called. */
	if (watcher->missed++ == MISSED_MAX)
		shutdown(bufferevent_getfd(stream), SHUT_RDWR);
	return false;
}

/* The tree to all who do not have it. */
static void
tell_tree(struct rtd_live *live)
{
	struct rtd_watcher *watcher;

	rt_buf_clear(&live->text);
	rt_buf_printf(&live->text, "event: tree\ndata: ");
	rt_buf_append_slice(&live->text, rt_buf_slice(&live->tree.text));
	rt_buf_printf(&live->text, "\n\n");
	for (watcher = TAILQ_FIRST(&live->watchers); watcher != NULL;
	     watcher = TAILQ_NEXT(watcher, link)) {
		if (!watcher->has_tree && is_reading(watcher)) {
			send_text(watcher, rt_buf_slice(&live->text));
			watcher->has_tree = true;
		}
	}
}

/* What they have is one of before. */
static void
forget_tree(struct rtd_live *live)
{
	struct rtd_watcher *watcher;

	for (watcher = TAILQ_FIRST(&live->watchers); watcher != NULL;
	     watcher = TAILQ_NEXT(watcher, link)) {
		watcher->has_tree = false;
	}
}

static bool
lack_tree(const struct rtd_live *live)
{
	const struct rtd_watcher *watcher;

	for (watcher = TAILQ_FIRST(&live->watchers); watcher != NULL;
	     watcher = TAILQ_NEXT(watcher, link)) {
		if (!watcher->has_tree)
			return true;
	}
	return false;
}

static void
put_tick_event(struct rtd_live *live, const struct rtd_answer *answer)
{
	rt_buf_clear(&live->text);
	rt_buf_printf(&live->text, "event: tick\ndata: {");
	rt_buf_append_slice(&live->text, rt_buf_slice(&answer->text));
	put_compactor(&live->text, live->config->dir);
	put_path(live, answer);
	rt_buf_printf(&live->text, "}\n\n");
}

void
rtd_live_tell(struct rtd_live *live, const struct rtd_answer *answer)
{
	struct rtd_watcher *watcher;

	if (live->count == 0)
		return;
	if (answer->manifest != NULL &&
	    rtd_live_tree_draw(&live->tree, answer->manifest,
		live->config->live_page_keys))
		forget_tree(live);
	if (answer->manifest != NULL && lack_tree(live))
		tell_tree(live);
	put_tick_event(live, answer);
	for (watcher = TAILQ_FIRST(&live->watchers); watcher != NULL;
	     watcher = TAILQ_NEXT(watcher, link)) {
		if (is_reading(watcher))
			send_text(watcher, rt_buf_slice(&live->text));
	}
}

/* -- life -- */

void
rtd_live_init(struct rtd_live *live, struct event_base *base,
    const struct rt_config *config, struct rtd_mailbox *box,
    struct rtd_http_guard *guard)
{
	*live = (struct rtd_live){ .config = config, .box = box,
		.guard = guard };
	TAILQ_INIT(&live->watchers);
	live->timer = evtimer_new(base, on_timer, live);
	rt_assert(live->timer != NULL);
}

void
rtd_live_fini(struct rtd_live *live)
{
	struct rtd_watcher *watcher;

	while ((watcher = TAILQ_FIRST(&live->watchers)) != NULL) {
		TAILQ_REMOVE(&live->watchers, watcher, link);
		evhttp_connection_set_closecb(watcher->connection, NULL,
		    NULL);
		free(watcher);
	}
	live->count = 0;
	if (live->timer != NULL)
		event_free(live->timer);
	live->timer = NULL;
	rtd_live_tree_fini(&live->tree);
	rt_buf_fini(&live->text);
	rt_buf_fini(&live->followed);
}
