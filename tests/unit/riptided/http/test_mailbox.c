#include "riptided/http/mailbox.h"

#include <poll.h>

#include "tests/support/runner.h"

static unsigned answered[RTD_MAILS];

static void
answer(void *arg, enum rtd_mail kind, struct rt_slice question,
    struct rtd_answer *out)
{
	ck_assert(rt_slice_equal(question, rt_slice_cstr("q")));
	out->status = 200;
	rt_buf_printf(&out->text, "%u", ++answered[kind]);
}

static bool
is_rung(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) == 1;
}

START_TEST(who_asks_meanwhile_gets_the_same_answer)
{
	struct rtd_mailbox box;
	struct rtd_answer got;

	ck_assert(rtd_mailbox_open(&box, NULL) == RT_OK);
	ck_assert(!is_rung(box.loop_fd));
	ck_assert(!rtd_mailbox_is_asked(&box, RTD_MAIL_HEALTH));
	for (int i = 0; i < 3; i++)
		rtd_mailbox_ask(&box, RTD_MAIL_HEALTH, rt_slice_cstr("q"));
	ck_assert(is_rung(box.loop_fd));
	ck_assert(!rtd_mailbox_take(&box, RTD_MAIL_HEALTH, &got));
	rtd_mailbox_serve(&box, answer, NULL);
	ck_assert(!is_rung(box.loop_fd));
	ck_assert(is_rung(box.http_fd));
	rtd_mailbox_ask(&box, RTD_MAIL_HEALTH, rt_slice_cstr("q"));
	rtd_mailbox_serve(&box, answer, NULL);
	ck_assert_uint_eq(answered[RTD_MAIL_HEALTH], 1);
	rtd_mailbox_hear(&box);
	ck_assert(!is_rung(box.http_fd));
	ck_assert(rtd_mailbox_is_asked(&box, RTD_MAIL_HEALTH));
	ck_assert(rtd_mailbox_take(&box, RTD_MAIL_HEALTH, &got));
	ck_assert_int_eq(got.status, 200);
	ck_assert(rt_slice_equal(rt_buf_slice(&got.text), rt_slice_cstr("1")));
	rtd_answer_fini(&got);
	ck_assert(!rtd_mailbox_take(&box, RTD_MAIL_HEALTH, &got));
	ck_assert(!rtd_mailbox_is_asked(&box, RTD_MAIL_HEALTH));
	rtd_mailbox_close(&box);
}
END_TEST

START_TEST(kinds_do_not_wait_for_each_other)
{
	struct rtd_mailbox box;
	struct rtd_answer got;

	ck_assert(rtd_mailbox_open(&box, NULL) == RT_OK);
	rtd_mailbox_ask(&box, RTD_MAIL_LIVE, rt_slice_cstr("q"));
	rtd_mailbox_serve(&box, answer, NULL);
	rtd_mailbox_ask(&box, RTD_MAIL_METRICS, rt_slice_cstr("q"));
	ck_assert(!rtd_mailbox_take(&box, RTD_MAIL_METRICS, &got));
	rtd_mailbox_serve(&box, answer, NULL);
	ck_assert(rtd_mailbox_take(&box, RTD_MAIL_METRICS, &got));
	rtd_answer_fini(&got);
	/* The other, which nobody has taken, goes with the box. */
	ck_assert_uint_eq(answered[RTD_MAIL_LIVE], 1);
	rtd_mailbox_close(&box);
}
END_TEST

RTT_MAIN("mailbox", who_asks_meanwhile_gets_the_same_answer,
    kinds_do_not_wait_for_each_other)
