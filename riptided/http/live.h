/* live: those who watch. While there are any the loop is asked for a sample four
 * times a second, which is told to all of them as server-sent events: `tree`
 * when the tree has changed, and `tick`. Thread: http. */
#ifndef RIPTIDED_HTTP_LIVE_H
#define RIPTIDED_HTTP_LIVE_H

#include <event2/event.h>
#include <event2/http.h>
#include <sys/queue.h>

#include "riptided/http/http_guard.h"
#include "riptided/http/live_tree.h"
#include "riptided/http/mailbox.h"

#define RTD_WATCHERS_MAX 16

struct rt_config;
struct rtd_watcher;
TAILQ_HEAD(rtd_watchers, rtd_watcher);

struct rtd_live {
	const struct rt_config *config;
	struct rtd_mailbox *box;
	struct rtd_http_guard *guard;
	struct rtd_watchers watchers;
	unsigned count;
	struct event *timer;		/* pending while somebody watches */
	struct rtd_live_tree tree;
	struct rt_buf text;		/* scratch */
	struct rt_buf followed;		/* user key to follow; empty: any */
};

void rtd_live_init(struct rtd_live *live, struct event_base *base,
    const struct rt_config *config, struct rtd_mailbox *box,
    struct rtd_http_guard *guard);
/* Before evhttp_free(). */
void rtd_live_fini(struct rtd_live *live);

/* A request for the stream. */
void rtd_live_watch(struct rtd_live *live, struct evhttp_request *request);

/* The loop has answered. */
void rtd_live_tell(struct rtd_live *live, const struct rtd_answer *answer);

#endif
