#include "riptided/http/answers.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "riptided/http/live_sample.h"
#include "riptided/metrics/metrics.h"
#include "riptided/net/loop.h"

/* One word that programs look at, and behind it what people want to know. */
static void
answer_health(struct rtd_server_state *server, struct rtd_answer *out)
{
	uint64_t all = atomic_load(&server->loading.total_bytes);
	uint64_t done = atomic_load(&server->loading.loaded_bytes);
	struct rt_err err = { 0 };

	out->status = 503;
	if (server->engine == NULL) {
		rt_buf_printf(&out->text,
		    "loading %.1f %% (%" PRIu64 " of %" PRIu64
		    " bytes of the log)\n",
		    all != 0 ? 100.0 * (double)done / (double)all : 0.0, done,
		    all);
	} else if (rtd_engine_write_state(server->engine, &err) != RT_OK) {
		rt_buf_printf(&out->text, "read-only: %s\n", err.text);
	} else {
		out->status = 200;
		rt_buf_printf(&out->text, "ready\n");
	}
}

/* A client like any other, but for the way it came. */
static void
answer_connect(struct rtd_server_state *server, struct rtd_answer *out)
{
	static const struct rtd_door door = { .unix_path = "demo" };
	int pair[2];

	out->status = 503;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) != 0)
		return;
	rtd_loop_accept(server->net, pair[0], &door);
	out->status = 200;
	out->has_fd = true;
	out->fd = pair[1];
}

void
rtd_answer(struct rtd_server_state *server, enum rtd_mail kind,
    struct rt_slice question, struct rtd_answer *out)
{
	switch (kind) {
	case RTD_MAIL_HEALTH:
		answer_health(server, out);
		break;
	case RTD_MAIL_METRICS:
		out->status = 200;
		rtd_metrics_write(server, &out->text);
		break;
	case RTD_MAIL_LIVE:
		rtd_live_sample(server, question, out);
		break;
	case RTD_MAIL_CONNECT:
		answer_connect(server, out);
		break;
	}
}
