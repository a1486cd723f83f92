#include "libcommon/os/mutex.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/invariant.h"

#define NS_PER_SECOND 1000000000L

void
rt_mutex_init(struct rt_mutex *mu)
{
	rt_assert(pthread_mutex_init(&mu->raw, NULL) == 0);
}

void
rt_mutex_fini(struct rt_mutex *mu)
{
	rt_assert(pthread_mutex_destroy(&mu->raw) == 0);
}

void
rt_mutex_lock(struct rt_mutex *mu) RT_NO_LOCK_CHECK
{
	rt_assert(pthread_mutex_lock(&mu->raw) == 0);
}

bool
rt_mutex_try(struct rt_mutex *mu)
{
	int error = pthread_mutex_trylock(&mu->raw);

	rt_assert(error == 0 || error == EBUSY);
	return error == 0;
}

void
rt_mutex_unlock(struct rt_mutex *mu) RT_NO_LOCK_CHECK
{
	rt_assert(pthread_mutex_unlock(&mu->raw) == 0);
}

void
rt_cond_init(struct rt_cond *cond)
{
	pthread_condattr_t attr;

	rt_assert(pthread_condattr_init(&attr) == 0);
	rt_assert(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	rt_assert(pthread_cond_init(&cond->raw, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

void
rt_cond_fini(struct rt_cond *cond)
{
	rt_assert(pthread_cond_destroy(&cond->raw) == 0);
}

void
rt_cond_signal(struct rt_cond *cond)
{
	rt_assert(pthread_cond_signal(&cond->raw) == 0);
}

void
rt_cond_broadcast(struct rt_cond *cond)
{
	rt_assert(pthread_cond_broadcast(&cond->raw) == 0);
}

void
rt_cond_wait(struct rt_cond *cond, struct rt_mutex *mu)
{
	rt_assert(pthread_cond_wait(&cond->raw, &mu->raw) == 0);
}

bool
rt_cond_wait_ms(struct rt_cond *cond, struct rt_mutex *mu, uint64_t timeout_ms)
{
	struct timespec until;
	int result;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
	if (until.tv_nsec >= NS_PER_SECOND) {
		until.tv_sec++;
		until.tv_nsec -= NS_PER_SECOND;
	}
	result = pthread_cond_timedwait(&cond->raw, &mu->raw, &until);
	rt_assert(result == 0 || result == ETIMEDOUT);
	return result == 0;
}

struct start {
	const char *name;
	void *(*run)(void *arg);
	void *arg;
};

/* A thread gives itself its name: for another's a file of /proc would have to be
 * written, which a sandbox may not allow. */
static void *
begin(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	pthread_setname_np(pthread_self(), start.name);
	return start.run(start.arg);
}

void
rt_thread_start(pthread_t *thread, const char *name, void *(*run)(void *arg),
    void *arg)
{
	struct start *start = rt_alloc_zero(1, sizeof(*start));
	sigset_t all, before;

	*start = (struct start){ .name = name, .run = run, .arg = arg };
	sigfillset(&all);
	rt_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	rt_assert(pthread_create(thread, NULL, begin, start) == 0);
	rt_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

void
rt_thread_join(pthread_t thread)
{
	rt_assert(pthread_join(thread, NULL) == 0);
}
