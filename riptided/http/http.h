/* http: the door for operators (docs/live-page.md): /healthz, /metrics and the
 * live page, on a thread of its own, so that they are answered while the data
 * comes up and while the loop is busy. The thread sleeps while nobody asks.
 * Thread: main, but where said. */
#ifndef RIPTIDED_HTTP_HTTP_H
#define RIPTIDED_HTTP_HTTP_H

#include <event2/event.h>

#include "libcommon/base/err.h"
#include "riptided/http/mailbox.h"

struct rt_config;
struct rt_clock;
struct rtd_http;

/* Bind what metrics-bind and metrics-port say; nobody can connect yet. *out:
 * NULL when there is no metrics-port. RT_EADDRESS, RT_ECONFIG. config and clock
 * must outlive it. */
RT_MUST_USE enum rt_code rtd_http_bind(struct rtd_http **out,
    const struct rt_config *config, struct rt_clock *clock, struct rt_err *err);

/* Let clients connect. answer is called on the loop's thread, from its base,
 * for what is asked (mailbox.h). NULL is accepted. */
RT_MUST_USE enum rt_code rtd_http_start(struct rtd_http *http,
    struct event_base *loop,
    rtd_answer_fn *answer,
    void *arg, struct rt_err *err);

/* End the thread and all connections. NULL is accepted. */
void rtd_http_free(struct rtd_http *http);

#endif
