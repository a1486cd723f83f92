#include "riptided/http/demo.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/daemon/config.h"
#include "riptided/http/http_reply.h"

#define PATIENCE_S 5
#define BODY_BYTES_MAX 2048
#define KEY_BYTES_MAX 64
#define VALUE_BYTES_MAX 256
#define FILL_KEYS 5000
#define FILL_VALUE_BYTES 200
#define KEY_PREFIX "demo:"

/* -- who may -- */

/* This machine by name, with or without a port. */
static bool
is_local_name(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
		"[::1]" };

	for (size_t i = 0; host != NULL && i < RT_COUNTOF(names); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(host, names[i], len) == 0 &&
		    (host[len] == '\0' || host[len] == ':'))
			return true;
	}
	return false;
}

static bool
is_enabled(const struct rtd_demo *demo, struct evhttp_request *request)
{
	return demo->config->live_page_demo &&
	    is_local_name(evhttp_find_header(
		evhttp_request_get_input_headers(request), "Host"));
}

static bool
is_ours(const struct rtd_demo *demo, struct evhttp_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *token = evhttp_find_header(headers, "X-Riptide-Token");
	const char *origin = evhttp_find_header(headers, "Origin");
	const char *host = evhttp_find_header(headers, "Host");

	if (token == NULL || strcmp(token, demo->token) != 0)
		return false;
	return origin == NULL || (strncmp(origin, "http://", 7) == 0 &&
	    strcmp(origin + 7, host) == 0);
}

/* -- commands -- */

static void
put_word(struct rt_buf *out, struct rt_slice word)
{
	rt_buf_printf(out, "$%zu\r\n", word.len);
	rt_buf_append_slice(out, word);
	rt_buf_append(out, "\r\n", 2);
}

static void
put_command(struct rtd_demo *demo, const struct rt_slice *words, size_t count)
{
	rt_buf_printf(&demo->commands, "*%zu\r\n", count);
	for (size_t i = 0; i < count; i++)
		put_word(&demo->commands, words[i]);
	demo->commands_count++;
}

static void
put_text_command(struct rtd_demo *demo, const char *text)
{
	struct rt_slice word = rt_slice_cstr(text);

	put_command(demo, &word, 1);
}

/* Of the key that the form names, or its n-th one. */
static struct rt_slice
make_key(char out[KEY_BYTES_MAX + sizeof(KEY_PREFIX)], const char *name)
{
	return rt_slice(out, (size_t)snprintf(out,
	    KEY_BYTES_MAX + sizeof(KEY_PREFIX), KEY_PREFIX "%.*s",
	    KEY_BYTES_MAX, name));
}

static void
fill(struct rtd_demo *demo, bool wipe)
{
	char key[KEY_BYTES_MAX + sizeof(KEY_PREFIX)];
	char name[16], value[FILL_VALUE_BYTES];

	for (unsigned i = 0; i < FILL_KEYS; i += wipe ? 2 : 1) {
		snprintf(name, sizeof(name), "user:%05u", i);
		memset(value, 'a' + (int)(i % 26), sizeof(value));
		if (wipe)
			put_command(demo, (struct rt_slice[]){
			    rt_slice_cstr("DEL"), make_key(key, name) }, 2);
		else
			put_command(demo, (struct rt_slice[]){
			    rt_slice_cstr("SET"), make_key(key, name),
			    rt_slice(value, sizeof(value)) }, 3);
	}
}

/* What the deed is made of; NULL: there is no such deed. */
static const char *
make_commands(struct rtd_demo *demo, const char *deed, const char *name,
    const char *value)
{
	char text[KEY_BYTES_MAX + sizeof(KEY_PREFIX)];
	struct rt_slice key = make_key(text, name);

	if (strcmp(deed, "fill") == 0 || strcmp(deed, "wipe") == 0) {
		fill(demo, deed[0] == 'w');
		return deed[0] == 'w' ? "2,500 keys deleted\n"
				      : "5,000 keys written\n";
	}
	if (strcmp(deed, "flush") == 0) {
		put_text_command(demo, "FLUSHMEM");
		return "the memtable is frozen and flushed\n";
	}
	if (strcmp(deed, "compact") == 0) {
		put_text_command(demo, "COMPACT");
		return "the compactor is asked to merge all down\n";
	}
	rt_buf_clear(demo->followed);
	rt_buf_append_slice(demo->followed, key);
	if (strcmp(deed, "set") == 0) {
		put_command(demo, (struct rt_slice[]){ rt_slice_cstr("SET"),
		    key, rt_slice_cstr(value) }, 3);
		return "written\n";
	}
	if (strcmp(deed, "get") == 0) {
		put_command(demo, (struct rt_slice[]){ rt_slice_cstr("GET"),
		    key }, 2);
		return "read\n";
	}
	if (strcmp(deed, "del") == 0) {
		put_command(demo, (struct rt_slice[]){ rt_slice_cstr("DEL"),
		    key }, 2);
		return "deleted\n";
	}
	return NULL;
}

/* -- a deed -- */

static void
end_deed(struct rtd_demo *demo, int status, struct rt_slice text)
{
	struct evhttp_request *request = demo->request;

	evtimer_del(demo->patience);
	demo->request = NULL;
	demo->commands_count = demo->replies = 0;
	rt_buf_clear(&demo->commands);
	rtd_http_reply(request, status, "text/plain; charset=utf-8", text);
}

static void
close_stream(struct rtd_demo *demo)
{
	if (demo->stream != NULL)
		bufferevent_free(demo->stream);
	demo->stream = NULL;
}

static void
give_up(struct rtd_demo *demo, const char *text)
{
	close_stream(demo);
	if (demo->request != NULL)
		end_deed(demo, 503, rt_slice_cstr(text));
}

static void
on_impatient(evutil_socket_t fd, short what, void *arg)
{
	give_up(arg, "the server does not answer\n");
}

static void
end_well(struct rtd_demo *demo)
{
	if (demo->failed.len != 0) {
		rt_buf_append_byte(&demo->failed, '\n');
		end_deed(demo, 503, rt_buf_slice(&demo->failed));
	} else if (demo->value.len != 0) {
		rt_buf_append_byte(&demo->value, '\n');
		end_deed(demo, 200, rt_buf_slice(&demo->value));
	} else {
		end_deed(demo, 200, rt_slice_cstr(demo->is_absent
		    ? "there is no such key\n" : demo->done));
	}
}

/* One reply, taken from the input; false: it is not all there. */
static bool
take_reply(struct rtd_demo *demo, struct evbuffer *in)
{
	struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL,
	    EVBUFFER_EOL_CRLF_STRICT);
	int64_t len = -1;
	size_t line_len;
	char *line;

	if (end.pos < 0)
		return false;
	line = rt_alloc_zero(1, (size_t)end.pos + 1);
	evbuffer_copyout(in, line, (size_t)end.pos);
	line_len = (size_t)end.pos;
	if (line[0] == '$' &&
	    !rt_parse_i64(rt_slice(line + 1, line_len - 1), &len))
		len = -1;
	if (len >= 0 && evbuffer_get_length(in) < line_len + 4 + (size_t)len) {
		free(line);
		return false;
	}
	evbuffer_drain(in, line_len + 2);
	if (line[0] == '-' && demo->failed.len == 0)
		rt_buf_append(&demo->failed, line + 1, line_len - 1);
	demo->is_absent = line[0] == '$' && len < 0;
	if (len >= 0) {
		rt_buf_clear(&demo->value);
		rt_buf_reserve(&demo->value, (size_t)len);
		evbuffer_remove(in, demo->value.data, (size_t)len);
		demo->value.len = (size_t)len;
		evbuffer_drain(in, 2);
	}
	free(line);
	return true;
}

static void
on_readable(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	struct rtd_demo *demo = arg;

	while (demo->request != NULL && take_reply(demo, in))
		if (++demo->replies == demo->commands_count)
			end_well(demo);
}

static void
on_end(struct bufferevent *stream, short what, void *arg)
{
	give_up(arg, "the server has closed the connection\n");
}

static void
send_commands(struct rtd_demo *demo)
{
	bufferevent_write(demo->stream, demo->commands.data,
	    demo->commands.len);
	rt_buf_clear(&demo->commands);
}

void
rtd_demo_connect(struct rtd_demo *demo, int fd)
{
	close_stream(demo);
	demo->stream = bufferevent_socket_new(demo->base, fd,
	    BEV_OPT_CLOSE_ON_FREE);
	rt_assert(demo->stream != NULL);
	bufferevent_setcb(demo->stream, on_readable, NULL, on_end, demo);
	bufferevent_enable(demo->stream, EV_READ | EV_WRITE);
	if (demo->request != NULL)
		send_commands(demo);
}

static void
begin_deed(struct rtd_demo *demo, struct evhttp_request *request,
    const struct evkeyvalq *form)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_S };
	const char *deed = evhttp_find_header(form, "deed");
	const char *key = evhttp_find_header(form, "key");
	const char *value = evhttp_find_header(form, "value");

	rt_buf_clear(&demo->failed);
	rt_buf_clear(&demo->value);
	demo->is_absent = false;
	demo->done = deed == NULL ? NULL : make_commands(demo, deed,
	    key != NULL ? key : "", value != NULL ? value : "");
	if (demo->done == NULL) {
		rtd_http_reply_text(request, 400, "there is no such deed\n");
		return;
	}
	demo->request = request;
	evtimer_add(demo->patience, &patience);
	if (demo->stream != NULL)
		send_commands(demo);
	else
		rtd_mailbox_ask(demo->box, RTD_MAIL_CONNECT,
		    rt_slice(NULL, 0));
}

static void
do_deed(struct rtd_demo *demo, struct evhttp_request *request)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	char body[BODY_BYTES_MAX + 1];
	struct evkeyvalq form;
	ev_ssize_t len = evbuffer_remove(in, body, sizeof(body));

	if (len < 0 || len > BODY_BYTES_MAX) {
		rtd_http_reply_text(request, 400, "too much\n");
		return;
	}
	body[len] = '\0';
	if (evhttp_parse_query_str(body, &form) != 0) {
		rtd_http_reply_text(request, 400, "not a form\n");
		return;
	}
	begin_deed(demo, request, &form);
	evhttp_clear_headers(&form);
}

void
rtd_demo_serve(struct rtd_demo *demo, struct evhttp_request *request)
{
	if (rtd_http_reads(request)) {
		rtd_http_reply_text(request, 200,
		    is_enabled(demo, request) ? demo->token : "");
		return;
	}
	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST ||
	    !demo->config->live_page_demo)
		rtd_http_reply_method(request, "GET, HEAD");
	else if (!is_enabled(demo, request) || !is_ours(demo, request))
		rtd_http_reply_text(request, 403, "not from there\n");
	else if (demo->request != NULL)
		rtd_http_reply_text(request, 503, "one deed at a time\n");
	else
		do_deed(demo, request);
}

/* -- life -- */

enum rt_code
rtd_demo_init(struct rtd_demo *demo, struct event_base *base,
    const struct rt_config *config, struct rtd_mailbox *box,
    struct rt_buf *followed, struct rt_err *err)
{
	uint8_t random[RTD_DEMO_TOKEN_BYTES];

	*demo = (struct rtd_demo){ .config = config, .base = base, .box = box,
		.followed = followed };
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return rt_err_set(err, RT_EIO, "no random bytes to be had");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(demo->token + 2 * i, 3, "%02x", random[i]);
	demo->patience = evtimer_new(base, on_impatient, demo);
	rt_assert(demo->patience != NULL);
	return RT_OK;
}

void
rtd_demo_fini(struct rtd_demo *demo)
{
	close_stream(demo);
	if (demo->patience != NULL)
		event_free(demo->patience);
	rt_buf_fini(&demo->commands);
	rt_buf_fini(&demo->failed);
	rt_buf_fini(&demo->value);
	*demo = (struct rtd_demo){ 0 };
}
