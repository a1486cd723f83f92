/* A slot goes from idle to asked to answered and back; each step is of one
 * thread alone, which owns question and answer in that state. */
#include "riptided/http/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { IDLE, ASKED, ANSWERED };

void
rtd_answer_fini(struct rtd_answer *answer)
{
	rt_buf_fini(&answer->text);
	rt_buf_fini(&answer->key);
	rt_manifest_unref(answer->manifest);
	if (answer->has_fd)
		close(answer->fd);
	*answer = (struct rtd_answer){ 0 };
}

enum rt_code
rtd_mailbox_open(struct rtd_mailbox *box, struct rt_err *err)
{
	*box = (struct rtd_mailbox){
		.loop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.http_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};
	if (box->loop_fd >= 0 && box->http_fd >= 0)
		return RT_OK;
	return rt_err_set_errno(err, errno, "eventfd");
}

void
rtd_mailbox_close(struct rtd_mailbox *box)
{
	if (box->loop_fd >= 0)
		close(box->loop_fd);
	if (box->http_fd >= 0)
		close(box->http_fd);
	for (size_t i = 0; i < RTD_MAILS; i++) {
		rt_buf_fini(&box->slots[i].question);
		rtd_answer_fini(&box->slots[i].answer);
	}
	box->loop_fd = box->http_fd = -1;
}

static void
ring(int fd)
{
	uint64_t one = 1;
	ssize_t put;

	do {
		put = write(fd, &one, sizeof(one));
	} while (put < 0 && errno == EINTR);
}

/* What was rung is forgotten before anything is looked at, so that what comes
 * from here on rings again. */
static void
hear(int fd)
{
	uint64_t count;
	ssize_t got;

	do {
		got = read(fd, &count, sizeof(count));
	} while (got < 0 && errno == EINTR);
}

void
rtd_mailbox_ask(struct rtd_mailbox *box, enum rtd_mail kind,
    struct rt_slice question)
{
	if (atomic_load(&box->slots[kind].state) != IDLE)
		return;
	rt_buf_clear(&box->slots[kind].question);
	rt_buf_append_slice(&box->slots[kind].question, question);
	atomic_store(&box->slots[kind].state, ASKED);
	ring(box->loop_fd);
}

bool
rtd_mailbox_is_asked(const struct rtd_mailbox *box, enum rtd_mail kind)
{
	return atomic_load(&box->slots[kind].state) != IDLE;
}

void
rtd_mailbox_hear(struct rtd_mailbox *box)
{
	hear(box->http_fd);
}

bool
rtd_mailbox_take(struct rtd_mailbox *box, enum rtd_mail kind,
    struct rtd_answer *out)
{
	if (atomic_load(&box->slots[kind].state) != ANSWERED)
		return false;
	*out = box->slots[kind].answer;
	box->slots[kind].answer = (struct rtd_answer){ 0 };
	atomic_store(&box->slots[kind].state, IDLE);
	return true;
}

void
rtd_mailbox_serve(struct rtd_mailbox *box, rtd_answer_fn *answer, void *arg)
{
	bool any = false;

	hear(box->loop_fd);
	for (size_t i = 0; i < RTD_MAILS; i++) {
		if (atomic_load(&box->slots[i].state) != ASKED)
			continue;
		answer(arg, (enum rtd_mail)i,
		    rt_buf_slice(&box->slots[i].question),
		    &box->slots[i].answer);
		atomic_store(&box->slots[i].state, ANSWERED);
		any = true;
	}
	if (any)
		ring(box->http_fd);
}
