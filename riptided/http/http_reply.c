#include "riptided/http/http_reply.h"

#include <event2/buffer.h>
#include <stdio.h>

#include "libcommon/base/attr.h"

static const struct {
	const char *name, *value;
} for_all[] = {
	/* One request each, so that its time can be bounded. */
	{ "Connection", "close" },
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "connect-src 'self'; img-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'" },
};

static const char *
phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 503:
		return "Service Unavailable";
	default:
		return "Error";
	}
}

static void
put_headers(struct evhttp_request *request, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	for (size_t i = 0; i < RT_COUNTOF(for_all); i++)
		evhttp_add_header(headers, for_all[i].name, for_all[i].value);
	evhttp_add_header(headers, "Content-Type", type);
}

void
rtd_http_reply(struct evhttp_request *request, int status, const char *type,
    struct rt_slice body)
{
	struct evbuffer *bytes = evbuffer_new();
	char len[32];

	put_headers(request, type);
	snprintf(len, sizeof(len), "%zu", body.len);
	evhttp_add_header(evhttp_request_get_output_headers(request),
	    "Content-Length", len);
	if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
		evbuffer_add(bytes, body.data, body.len);
	evhttp_send_reply(request, status, phrase(status), bytes);
	evbuffer_free(bytes);
}

void
rtd_http_reply_text(struct evhttp_request *request, int status,
    const char *text)
{
	rtd_http_reply(request, status, "text/plain; charset=utf-8",
	    rt_slice_cstr(text));
}

void
rtd_http_reply_method(struct evhttp_request *request, const char *allowed)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
	    allowed);
	rtd_http_reply_text(request, 405, "not this method\n");
}

void
rtd_http_reply_begin(struct evhttp_request *request, const char *type)
{
	put_headers(request, type);
	evhttp_send_reply_start(request, 200, phrase(200));
}
