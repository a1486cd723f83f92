/* invariant: assertions for our own mistakes; they stay on in release builds.
 * What a client, a disk or the other process sent is an error instead. */
#ifndef LIBCOMMON_BASE_INVARIANT_H
#define LIBCOMMON_BASE_INVARIANT_H

#include "build-config.h"

#include <stddef.h>

#include "libcommon/base/attr.h"

/* Print where and what to standard error, then abort. */
void rt_invariant_failed(const char *file, int line, const char *condition)
    RT_NORETURN;

#define rt_assert(cond)                                                       \
	do {                                                                  \
		if (RT_UNLIKELY(!(cond)))                                     \
			rt_invariant_failed(__FILE__, __LINE__, #cond);       \
	} while (0)

#ifdef RT_SLOW_ASSERTS
#define rt_assert_slow(cond) rt_assert(cond)
#else
#define rt_assert_slow(cond) ((void)sizeof(cond))
#endif

/* Allocation that aborts when memory is out: only for sizes that we choose or
 * that have met a limit. Freed with free(). */
void *rt_alloc(size_t bytes);
void *rt_alloc_zero(size_t count, size_t bytes);
void *rt_realloc(void *old, size_t bytes);
char *rt_strdup(const char *text);

/* For sizes from outside, which a limit bounds but not to little: NULL when
 * memory is out, which the caller reports. */
RT_MUST_USE void *rt_try_alloc(size_t bytes);
/* NULL: old is as it was. */
RT_MUST_USE void *rt_try_realloc(void *old, size_t bytes);

#endif
