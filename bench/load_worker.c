#include "bench/load_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"

#define RECEIVE_BYTES ((size_t)256 << 10)
#define EVENTS_MAX 256
/* How often a thread looks whether it is to stop, when nothing comes. */
#define LOOK_NS 50000000
#define NS_PER_S UINT64_C(1000000000)

enum rt_code
rtb_load_worker_open(struct rtb_load_worker *worker,
    struct rtb_load_shared *shared, unsigned number, size_t conns_count,
    struct rt_err *err)
{
	const struct rtb_load_options *options = shared->options;
	struct rtb_load_maker *maker = &worker->maker;

	*worker = (struct rtb_load_worker){
		.shared = shared,
		.conns_count = conns_count,
		.rate = (double)options->rate * (double)conns_count /
		    (double)options->clients,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
	};
	if (worker->epoll_fd < 0)
		return rt_err_set_errno(err, errno, "epoll");
	maker->options = options;
	/* Neighbouring seeds would draw alike; 0 would draw nothing. */
	maker->random.state = ((options->seed + 1) * NS_PER_S + number) | 1;
	for (unsigned i = 0; i < 8; i++)
		(void)rtb_random_next(&maker->random);
	rtb_key_draw_init(&maker->draw, options->distribution, &shared->keys,
	    &maker->random);
	rtb_values_init(&maker->values, options->value_bytes,
	    options->seed + number);
	rt_buf_reserve(&worker->memory, RECEIVE_BYTES);
	worker->conns = rt_alloc_zero(conns_count, sizeof(worker->conns[0]));
	worker->idle = rt_alloc_zero(conns_count, sizeof(worker->idle[0]));
	for (size_t i = 0; i < conns_count; i++)
		worker->conns[i].fd = -1;
	for (size_t i = 0; i < conns_count; i++) {
		struct rtb_load_conn *conn = &worker->conns[i];
		struct epoll_event event = { .events = EPOLLIN,
			.data.ptr = conn };
		enum rt_code code = rtb_load_conn_open(conn, options, err);

		if (code != RT_OK)
			return code;
		if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, conn->fd,
			&event) < 0)
			return rt_err_set_errno(err, errno, "epoll");
		worker->idle[worker->idle_count++] = conn;
	}
	return RT_OK;
}

void
rtb_load_worker_close(struct rtb_load_worker *worker)
{
	for (size_t i = 0; i < worker->conns_count && worker->conns != NULL;
	     i++)
		rtb_load_conn_close(&worker->conns[i]);
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	rtb_values_fini(&worker->maker.values);
	rt_buf_fini(&worker->memory);
	free(worker->conns);
	free(worker->idle);
	worker->conns = NULL;
	worker->idle = NULL;
}

/* How many of the operations wanted may still be sent; they count as sent. */
static unsigned
take(struct rtb_load_shared *shared, unsigned wanted)
{
	uint64_t left = atomic_load_explicit(&shared->left,
	    memory_order_relaxed);
	uint64_t taken;

	if (left == UINT64_MAX)
		return wanted;
	do {
		taken = left < wanted ? left : wanted;
	} while (taken != 0 && !atomic_compare_exchange_weak(&shared->left,
	    &left, left - taken));
	return (unsigned)taken;
}

static enum rt_code
watch_writing(struct rtb_load_worker *worker, struct rtb_load_conn *conn,
    bool before)
{
	struct epoll_event event = {
		.events = EPOLLIN | (conn->wants_write ? EPOLLOUT : 0),
		.data.ptr = conn,
	};

	if (before == conn->wants_write)
		return RT_OK;
	if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event) < 0)
		return rt_err_set_errno(&worker->err, errno, "epoll");
	return RT_OK;
}

static enum rt_code
send_some(struct rtb_load_worker *worker, struct rtb_load_conn *conn)
{
	bool before = conn->wants_write;
	enum rt_code code = rtb_load_conn_send(conn, &worker->counts,
	    &worker->err);

	return code == RT_OK ? watch_writing(worker, conn, before) : code;
}

/* When operation number n of the schedule is due. */
static uint64_t
due_ns(const struct rtb_load_worker *worker, uint64_t n)
{
	return worker->start_ns +
	    (uint64_t)((double)n / worker->rate * (double)NS_PER_S);
}

/* Operations that are due and not yet sent. */
static unsigned
count_due(const struct rtb_load_worker *worker, uint64_t now_ns)
{
	unsigned pipeline = worker->shared->options->pipeline;
	double due;

	if (worker->rate == 0)
		return pipeline;
	due = (double)(now_ns - worker->start_ns) / (double)NS_PER_S *
		worker->rate + 1 - (double)worker->issued;
	if (due < 1)
		return 0;
	return due < pipeline ? (unsigned)due : pipeline;
}

/* Give every idle connection what it may send. */
static enum rt_code
send_due(struct rtb_load_worker *worker)
{
	uint64_t now_ns = rtb_now_ns();
	enum rt_code code = RT_OK;

	while (worker->idle_count > 0 && code == RT_OK) {
		unsigned count = take(worker->shared,
		    count_due(worker, now_ns));
		struct rtb_load_conn *conn;

		if (count == 0)
			break;
		conn = worker->idle[--worker->idle_count];
		for (unsigned i = 0; i < count; i++)
			rtb_load_conn_add(conn, &worker->maker,
			    worker->rate == 0
				? now_ns : due_ns(worker, worker->issued + i));
		worker->issued += count;
		code = send_some(worker, conn);
	}
	return code;
}

static enum rt_code
serve(struct rtb_load_worker *worker, const struct epoll_event *event)
{
	struct rtb_load_conn *conn = event->data.ptr;
	enum rt_code code = RT_OK;
	bool idle = false;

	if ((event->events & EPOLLOUT) != 0)
		code = send_some(worker, conn);
	if (code == RT_OK && (event->events & ~(uint32_t)EPOLLOUT) != 0)
		code = rtb_load_conn_receive(conn, &worker->memory,
		    &worker->counts, &idle, &worker->err);
	if (idle)
		worker->idle[worker->idle_count++] = conn;
	return code;
}

static void
wait_time(const struct rtb_load_worker *worker, struct timespec *out)
{
	uint64_t wait_ns = LOOK_NS, now_ns = rtb_now_ns(), due;

	if (worker->rate != 0 && worker->idle_count > 0) {
		due = due_ns(worker, worker->issued);
		wait_ns = due <= now_ns ? 0 : due - now_ns;
		if (wait_ns > LOOK_NS)
			wait_ns = LOOK_NS;
	}
	*out = (struct timespec){ .tv_nsec = (long)wait_ns };
}

/* Until here it was the warm-up. */
static void
begin_to_count(struct rtb_load_worker *worker)
{
	if (worker->was_counting || !atomic_load_explicit(
	    &worker->shared->counting, memory_order_relaxed))
		return;
	worker->was_counting = true;
	memset(&worker->counts, 0, sizeof(worker->counts));
}

static uint64_t
sum_done(const struct rtb_load_counts *counts)
{
	uint64_t sum = 0;

	for (size_t op = 0; op < RTB_OPS; op++)
		sum += counts->done[op];
	return sum;
}

static enum rt_code
turn(struct rtb_load_worker *worker)
{
	struct epoll_event events[EVENTS_MAX];
	struct timespec wait;
	enum rt_code code = RT_OK;
	uint64_t before;
	int count;

	wait_time(worker, &wait);
	count = epoll_pwait2(worker->epoll_fd, events, EVENTS_MAX, &wait,
	    NULL);
	if (count < 0 && errno != EINTR)
		return rt_err_set_errno(&worker->err, errno, "epoll");
	begin_to_count(worker);
	before = sum_done(&worker->counts);
	for (int i = 0; i < count && code == RT_OK; i++)
		code = serve(worker, &events[i]);
	atomic_fetch_add_explicit(&worker->shared->done,
	    sum_done(&worker->counts) - before, memory_order_relaxed);
	return code;
}

/* Nothing is under way and nothing is left. */
static bool
is_over(const struct rtb_load_worker *worker)
{
	return worker->idle_count == worker->conns_count &&
	    atomic_load_explicit(&worker->shared->left,
		memory_order_relaxed) == 0;
}

void *
rtb_load_worker_run(void *arg)
{
	struct rtb_load_worker *worker = arg;
	enum rt_code code = RT_OK;

	worker->start_ns = rtb_now_ns();
	while (code == RT_OK && !is_over(worker) &&
	    !atomic_load_explicit(&worker->shared->stop,
		memory_order_relaxed)) {
		code = send_due(worker);
		if (code == RT_OK)
			code = turn(worker);
	}
	worker->code = code;
	return NULL;
}
