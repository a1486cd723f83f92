/* http_reply: what every reply has: no cache, nothing from elsewhere, the end of
 * the connection. Thread: http. */
#ifndef RIPTIDED_HTTP_HTTP_REPLY_H
#define RIPTIDED_HTTP_HTTP_REPLY_H

#include <event2/http.h>
#include <stdbool.h>

#include "libcommon/base/slice.h"

/* Send the reply and be through with the request; a HEAD gets its header
 * alone. type: a constant. */
void rtd_http_reply(struct evhttp_request *request, int status,
    const char *type, struct rt_slice body);
/* The same with a line of text. */
void rtd_http_reply_text(struct evhttp_request *request, int status,
    const char *text);

/* 405, and what would do: a list of methods. */
void rtd_http_reply_method(struct evhttp_request *request, const char *allowed);

/* Begin a reply that has no end yet; evhttp_send_reply_chunk() goes on. */
void rtd_http_reply_begin(struct evhttp_request *request, const char *type);

static inline bool
rtd_http_reads(struct evhttp_request *request)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	return method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD;
}

#endif
