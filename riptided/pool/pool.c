#include "riptided/pool/pool.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"

/* First in, first out; inert when zeroed. */
struct queue {
	struct rtd_job *first;
	struct rtd_job *last;
};

/* A loop, and what comes back to it. */
struct home {
	struct queue finished;
	void (*wake)(void *arg);
	void *wake_arg;
};

struct rtd_pool {
	struct rt_mutex mu;
	struct rt_cond work;		/* a job may start, or stopping */
	struct queue waiting RT_GUARDED_BY(mu);
	struct queue waiting_short RT_GUARDED_BY(mu);
	unsigned long_running RT_GUARDED_BY(mu);
	/* Those below count are there; wake and its argument do not change. */
	struct home homes[RTD_POOL_HOMES_MAX] RT_GUARDED_BY(mu);
	unsigned homes_count RT_GUARDED_BY(mu);
	bool stopping RT_GUARDED_BY(mu);
	unsigned threads;
	pthread_t thread[];
};

static _Thread_local unsigned my_home;

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
	queue_push(&pool->homes[job->home].finished, job);
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
	struct home home;

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
		home = pool->homes[job->home];
		finish_job(pool, job);
		rt_mutex_unlock(&pool->mu);
		home.wake(home.wake_arg);
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
	rtd_pool_add_home(pool, wake, wake_arg);
	pool->threads = threads;
	for (unsigned i = 0; i < threads; i++)
		rt_thread_start(&pool->thread[i], "riptided-pool", work, pool);
	return pool;
}

unsigned
rtd_pool_add_home(struct rtd_pool *pool, void (*wake)(void *arg),
    void *wake_arg)
{
	unsigned home;

	rt_mutex_lock(&pool->mu);
	home = pool->homes_count++;
	rt_assert(home < RTD_POOL_HOMES_MAX);
	pool->homes[home] = (struct home){ .wake = wake,
		.wake_arg = wake_arg };
	rt_mutex_unlock(&pool->mu);
	return home;
}

void
rtd_pool_go_home(unsigned home)
{
	my_home = home;
}

static void
submit(struct rtd_pool *pool, struct rtd_job *job, bool is_short)
{
	rt_mutex_lock(&pool->mu);
	job->is_short = is_short;
	job->home = my_home;
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

bool
rtd_pool_has_finished(struct rtd_pool *pool)
{
	bool has;

	rt_mutex_lock(&pool->mu);
	has = pool->homes[my_home].finished.first != NULL;
	rt_mutex_unlock(&pool->mu);
	return has;
}

static void
poll_home(struct rtd_pool *pool, unsigned home)
{
	struct queue finished;
	struct rtd_job *job;

	rt_mutex_lock(&pool->mu);
	finished = pool->homes[home].finished;
	pool->homes[home].finished = (struct queue){ 0 };
	rt_mutex_unlock(&pool->mu);
	/* Done frees the job or submits it again: it is off the queue first. */
	while ((job = queue_pop(&finished)) != NULL)
		job->done(job);
}

void
rtd_pool_poll(struct rtd_pool *pool)
{
	poll_home(pool, my_home);
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
	/* Every loop has ended, or is this thread's. */
	for (unsigned i = 0; i < RTD_POOL_HOMES_MAX; i++)
		poll_home(pool, i);
	/* Jobs that a done submitted. */
	while (run_what_is_left(pool))
		continue;
	rt_cond_fini(&pool->work);
	rt_mutex_fini(&pool->mu);
	free(pool);
}
