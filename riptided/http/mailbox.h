/* mailbox: questions from the http thread to the loop, and their answers. Of
 * each kind one is under way at a time, and who asks meanwhile gets the same
 * answer: so the loop does one piece of work however many ask.
 * Thread: each function says. */
#ifndef RIPTIDED_HTTP_MAILBOX_H
#define RIPTIDED_HTTP_MAILBOX_H

#include <stdatomic.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"
#include "riptided/view/view_trace.h"

enum rtd_mail {
	RTD_MAIL_HEALTH,		/* /healthz */
	RTD_MAIL_METRICS,		/* /metrics */
	RTD_MAIL_LIVE,			/* what the live page shows */
	RTD_MAIL_CONNECT,		/* a client's connection for the demo */
};
#define RTD_MAILS 4

/* Inert when zeroed. */
struct rtd_answer {
	int status;			/* of HTTP */
	struct rt_buf text;
	/* Of a live sample: the tree that it is about, counted, or NULL; and a
	 * key with the way that a read of it takes, empty: there is none. */
	const struct rt_manifest *manifest;
	struct rt_buf key;	/* store key */
	struct rtd_trace trace;
	bool has_fd;
	int fd;				/* of a connection */
};

/* Fill in the answer. question: what was given with it. */
typedef void rtd_answer_fn(void *arg, enum rtd_mail kind,
    struct rt_slice question, struct rtd_answer *out);

void rtd_answer_fini(struct rtd_answer *answer);

struct rtd_mailbox {
	int loop_fd;		/* eventfd: readable when something was asked */
	int http_fd;		/* likewise when something was answered */
	struct {
		_Atomic int state;
		struct rt_buf question;
		struct rtd_answer answer;
	} slots[RTD_MAILS];
};

RT_MUST_USE enum rt_code rtd_mailbox_open(struct rtd_mailbox *box,
    struct rt_err *err);
/* No thread uses it any more. One that was not opened has descriptors of -1. */
void rtd_mailbox_close(struct rtd_mailbox *box);

/* http: ask, unless that is under way already. question: copied. */
void rtd_mailbox_ask(struct rtd_mailbox *box, enum rtd_mail kind,
    struct rt_slice question);
/* http: whether it was asked and not taken yet. */
bool rtd_mailbox_is_asked(const struct rtd_mailbox *box, enum rtd_mail kind);
/* http, when http_fd is readable: let it be unreadable until the next answer. */
void rtd_mailbox_hear(struct rtd_mailbox *box);
/* http: true: the answer is there, and the caller's now. */
bool rtd_mailbox_take(struct rtd_mailbox *box, enum rtd_mail kind,
    struct rtd_answer *out);

/* Loop, when loop_fd is readable: answer all that was asked. */
void rtd_mailbox_serve(struct rtd_mailbox *box, rtd_answer_fn *answer,
    void *arg);

#endif
