#include "riptided/pool/pool.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"

/* First in, first out; inert when zeroed. */
struct queue {
	struct rtd_job *first;
	struct rtd_job *last;
};

struct rtd_pool {
	struct rt_mutex mu;
	struct rt_cond work;		/* a job may start, or stopping */
	struct queue waiting RT_GUARDED_BY(mu);
	struct queue waiting_short RT_GUARDED_BY(mu);
	unsigned long_running RT_GUARDED_BY(mu);
	struct queue finished RT_GUARDED_BY(mu);
	bool stopping RT_GUARDED_BY(mu);
	void (*wake)(void *arg);
	void *wake_arg;
	unsigned threads;
	pthread_t thread[];
};

static void
queue_push(struct queue *queue, struct rtd_job *job)
{
	job->next = NULL;
	if (queue->last != NULL)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
}

static struct rtd_job *
queue_pop(struct queue *queue)
{
	struct rtd_job *job = queue->first;

	if (job != NULL) {
		queue->first = job->next;
		if (queue->first == NULL)
			queue->last = NULL;
	}
	return job;
}

/* The job to start now, or NULL. Once we stop nobody waits any more. */
static struct rtd_job *
take_job(struct rtd_pool *pool) RT_REQUIRES(pool->mu)
{
	struct rtd_job *job = queue_pop(&pool->waiting_short);

	if (job != NULL || (!pool->stopping && pool->threads > 1 &&
		pool->long_running >= pool->threads - 1))
		return job;
	job = queue_pop(&pool->waiting);
	pool->long_running += job != NULL;
	return job;
}

/* A long job that ends lets another one start. */
static void
finish_job(struct rtd_pool *pool, struct rtd_job *job) RT_REQUIRES(pool->mu)
{
	queue_push(&pool->finished, job);
	if (job->is_short)
		return;
	pool->long_running--;
	if (pool->waiting.first != NULL)
		rt_cond_signal(&pool->work);
}

static void *
work(void *arg)
{
	struct rtd_pool *pool = arg;
	struct rtd_job *job;

	rt_mutex_lock(&pool->mu);
	for (;;) {
		job = take_job(pool);
		if (job == NULL) {
			if (pool->stopping)
				break;
			rt_cond_wait(&pool->work, &pool->mu);
			continue;
		}
		rt_mutex_unlock(&pool->mu);
		job->run(job);
		rt_mutex_lock(&pool->mu);
		finish_job(pool, job);
		rt_mutex_unlock(&pool->mu);
		pool->wake(pool->wake_arg);
		rt_mutex_lock(&pool->mu);
	}
	rt_mutex_unlock(&pool->mu);
	return NULL;
}

struct rtd_pool *
rtd_pool_new(unsigned threads, void (*wake)(void *arg), void *wake_arg)
{
	struct rtd_pool *pool = rt_alloc_zero(1,
	    sizeof(*pool) + threads * sizeof(pool->thread[0]));

	rt_assert(threads > 0);
	rt_mutex_init(&pool->mu);
	rt_cond_init(&pool->work);
	pool->wake = wake;
	pool->wake_arg = wake_arg;
	pool->threads = threads;
	for (unsigned i = 0; i < threads; i++)
		rt_thread_start(&pool->thread[i], "riptided-pool", work, pool);
	return pool;
}

static void
submit(struct rtd_pool *pool, struct rtd_job *job, bool is_short)
{
	rt_mutex_lock(&pool->mu);
	job->is_short = is_short;
	queue_push(is_short ? &pool->waiting_short : &pool->waiting, job);
	rt_cond_signal(&pool->work);
	rt_mutex_unlock(&pool->mu);
}

void
rtd_pool_submit(struct rtd_pool *pool, struct rtd_job *job)
{
	submit(pool, job, false);
}

void
rtd_pool_submit_short(struct rtd_pool *pool, struct rtd_job *job)
{
	submit(pool, job, true);
}

void
rtd_pool_poll(struct rtd_pool *pool)
{
	struct queue finished;
	struct rtd_job *job;

	rt_mutex_lock(&pool->mu);
	finished = pool->finished;
	pool->finished = (struct queue){ 0 };
	rt_mutex_unlock(&pool->mu);
	/* Done frees the job or submits it again: it is off the queue first. */
	while ((job = queue_pop(&finished)) != NULL)
		job->done(job);
}

/* Run a job that waits, on this thread: false when there is none. */
static bool
run_what_is_left(struct rtd_pool *pool)
{
	struct rtd_job *job;

	rt_mutex_lock(&pool->mu);
	job = queue_pop(&pool->waiting_short);
	if (job == NULL)
		job = queue_pop(&pool->waiting);
	rt_mutex_unlock(&pool->mu);
	if (job == NULL)
		return false;
	job->run(job);
	job->done(job);
	return true;
}

void
rtd_pool_free(struct rtd_pool *pool)
{
	if (pool == NULL)
		return;
	rt_mutex_lock(&pool->mu);
	pool->stopping = true;
	rt_cond_broadcast(&pool->work);
	rt_mutex_unlock(&pool->mu);
	for (unsigned i = 0; i < pool->threads; i++)
		rt_thread_join(pool->thread[i]);
	rtd_pool_poll(pool);
	/* Jobs that a done submitted. */
	while (run_what_is_left(pool))
		continue;
	rt_cond_fini(&pool->work);
	rt_mutex_fini(&pool->mu);
	free(pool);
}
