/* load_worker: one thread of the load maker with its connections.
 *
 * Without a rate each connection sends its next batch as soon as the last one
 * is answered, and times count from the sending. With one, operations are due
 * at fixed instants whatever the server does, and times count from there: one
 * that was sent late because the server was slow is slow itself.
 * Thread: as said. */
#ifndef BENCH_LOAD_WORKER_H
#define BENCH_LOAD_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "bench/load_conn.h"

/* Shared by all workers. */
struct rtb_load_shared {
	const struct rtb_load_options *options;
	struct rtb_key_count keys;
	_Atomic uint64_t left;		/* operations still to be sent, */
	atomic_bool counting;		/* from the end of the warm-up on */
	atomic_bool stop;
	_Atomic uint64_t done;		/* operations, for the progress */
};

struct rtb_load_worker {
	struct rtb_load_shared *shared;
	struct rtb_load_maker maker;
	struct rtb_load_conn *conns;
	size_t conns_count;
	double rate;			/* of this worker; 0: none */
	int epoll_fd;
	struct rt_buf memory;		/* what was received */
	struct rtb_load_counts counts;
	struct rtb_load_conn **idle;	/* a stack */
	size_t idle_count;
	uint64_t start_ns;		/* of the schedule */
	uint64_t issued;
	bool was_counting;
	enum rt_code code;
	struct rt_err err;
	pthread_t thread;
};

/* Connect. number: of this worker; conns_count connections are its. */
RT_MUST_USE enum rt_code rtb_load_worker_open(struct rtb_load_worker *worker,
    struct rtb_load_shared *shared, unsigned number, size_t conns_count,
    struct rt_err *err);
/* Close the connections. */
void rtb_load_worker_close(struct rtb_load_worker *worker);

/* Runs in a thread of its own until shared->stop or nothing is left; then code
 * and err tell how it went. arg: the worker. */
void *rtb_load_worker_run(void *arg);

#endif
