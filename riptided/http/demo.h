/* demo: what a visitor of the live page may do: write, read and delete keys
 * below "demo:", flush and compact. Off unless live-page-demo is yes, and then
 * for this machine alone.
 *
 * A page of elsewhere that a browser has open must not be able to use it: each
 * deed needs a token that only our page can read, a Host that is this machine by
 * name, since other names may be made to point to it, and no foreign Origin.
 *
 * The loop gives it one connection, like any client's: so a deed is logged,
 * answered and refused as any command is. Thread: http. */
#ifndef RIPTIDED_HTTP_DEMO_H
#define RIPTIDED_HTTP_DEMO_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "riptided/http/mailbox.h"

#define RTD_DEMO_TOKEN_BYTES 16

struct rt_config;

struct rtd_demo {
	const struct rt_config *config;
	struct event_base *base;
	struct rtd_mailbox *box;
	char token[2 * RTD_DEMO_TOKEN_BYTES + 1];
	struct bufferevent *stream;	/* to the loop; NULL: none */
	struct event *patience;
	/* The deed under way: who waits for it, and for how many replies. */
	struct evhttp_request *request;	/* NULL: none */
	struct rt_buf commands;		/* until there is a connection */
	size_t commands_count, replies;
	const char *done;		/* what to say of it */
	struct rt_buf failed;		/* the first error */
	struct rt_buf value;		/* of the last bulk */
	bool is_absent;			/* it was a nil */
	struct rt_buf *followed;	/* a user key for the page to follow */
};

/* RT_EIO: no random bytes. */
RT_MUST_USE enum rt_code rtd_demo_init(struct rtd_demo *demo,
    struct event_base *base, const struct rt_config *config,
    struct rtd_mailbox *box, struct rt_buf *followed, struct rt_err *err);
/* Before evhttp_free(). */
void rtd_demo_fini(struct rtd_demo *demo);

/* GET: the token, or nothing. POST: a deed. */
void rtd_demo_serve(struct rtd_demo *demo, struct evhttp_request *request);

/* The loop has given a connection; fd is the demo's. */
void rtd_demo_connect(struct rtd_demo *demo, int fd);

#endif
