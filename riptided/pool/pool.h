/* pool: threads for work that would hold up a loop. A job runs on a pool
 * thread; its done function then runs on the loop that submitted it, where
 * rtd_pool_poll() is called after the wake-up. Jobs start in the order of submission; but a short
 * one, which somebody waits for, goes before those that take long, and these
 * leave one thread free for it where there are two or more. */
#ifndef RIPTIDED_POOL_POOL_H
#define RIPTIDED_POOL_POOL_H

#include <stdbool.h>

struct rtd_pool;

/* Embedded by the owner; must live until done was called. */
struct rtd_job {
	void (*run)(struct rtd_job *job);	/* pool thread */
	void (*done)(struct rtd_job *job);	/* the loop that submitted it */
	struct rtd_job *next;			/* internal */
	bool is_short;				/* internal */
	unsigned home;				/* internal */
};

/* Loops that one pool works for. */
#define RTD_POOL_HOMES_MAX 64

/* wake: called from pool threads when a job of the first loop has finished;
 * quick. The first loop is every thread that does not say otherwise. */
struct rtd_pool *rtd_pool_new(unsigned threads, void (*wake)(void *arg),
    void *wake_arg);
/* The same for another loop, before it submits. Returns its number. */
unsigned rtd_pool_add_home(struct rtd_pool *pool, void (*wake)(void *arg),
    void *wake_arg);
/* Jobs of the calling thread come back to the loop of this number. */
void rtd_pool_go_home(unsigned home);
/* Waits for running jobs, runs those still queued, calls every done. */
void rtd_pool_free(struct rtd_pool *pool);

void rtd_pool_submit(struct rtd_pool *pool, struct rtd_job *job);
void rtd_pool_submit_short(struct rtd_pool *pool, struct rtd_job *job);
/* Loop: call done for all of its own that finished. */
void rtd_pool_poll(struct rtd_pool *pool);
/* Loop: whether there are any. */
bool rtd_pool_has_finished(struct rtd_pool *pool);

#endif
