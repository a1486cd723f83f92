/* mutex: an annotated mutex and condition. Failures of pthread calls are our
 * own mistakes, so they break an invariant. */
#ifndef LIBCOMMON_OS_MUTEX_H
#define LIBCOMMON_OS_MUTEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/attr.h"

struct RT_CAPABILITY("mutex") rt_mutex {
	pthread_mutex_t raw;
};

struct rt_cond {
	pthread_cond_t raw;	/* waits on the monotonic clock */
};

/* A mutex of POSIX; what cannot fail with a right program is asserted. Never
 * locked twice by one thread. */
void rt_mutex_init(struct rt_mutex *mu);
void rt_mutex_fini(struct rt_mutex *mu);
void rt_mutex_lock(struct rt_mutex *mu) RT_ACQUIRES(*mu);
/* False: another thread has it. */
bool rt_mutex_try(struct rt_mutex *mu);
void rt_mutex_unlock(struct rt_mutex *mu) RT_RELEASES(*mu);

/* A condition of POSIX, waited for by the monotonic clock. wait may return
 * without a signal. */
void rt_cond_init(struct rt_cond *cond);
void rt_cond_fini(struct rt_cond *cond);
void rt_cond_signal(struct rt_cond *cond);
void rt_cond_broadcast(struct rt_cond *cond);
void rt_cond_wait(struct rt_cond *cond, struct rt_mutex *mu) RT_REQUIRES(*mu);
/* False when timeout_ms passed without a signal. */
bool rt_cond_wait_ms(struct rt_cond *cond, struct rt_mutex *mu,
    uint64_t timeout_ms) RT_REQUIRES(*mu);

/* Start a thread with every signal blocked and this constant name (at most 15
 * bytes, shown by ps and gdb). Aborts when the system refuses. */
void rt_thread_start(pthread_t *thread, const char *name,
    void *(*run)(void *arg), void *arg);
void rt_thread_join(pthread_t thread);

#endif
