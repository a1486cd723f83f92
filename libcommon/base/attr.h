/* attr.h: annotations for the compiler and the reader. */
#ifndef LIBCOMMON_BASE_ATTR_H
#define LIBCOMMON_BASE_ATTR_H

#define RT_MUST_USE __attribute__((warn_unused_result))
#define RT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define RT_NORETURN __attribute__((noreturn))
#define RT_LIKELY(x) __builtin_expect(!!(x), 1)
#define RT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define RT_CACHE_LINE_BYTES 64
#define RT_COUNTOF(array) (sizeof(array) / sizeof((array)[0]))

/* Lock annotations. clang checks the ones on functions; gcc ignores all. */
#if defined(__clang__)
#define RT_CAPABILITY(name) __attribute__((capability(name)))
#define RT_REQUIRES(mu) __attribute__((requires_capability(mu)))
#define RT_ACQUIRES(mu) __attribute__((acquire_capability(mu)))
#define RT_RELEASES(mu) __attribute__((release_capability(mu)))
#define RT_NO_LOCK_CHECK __attribute__((no_thread_safety_analysis))
#else
#define RT_CAPABILITY(name)
#define RT_REQUIRES(mu)
#define RT_ACQUIRES(mu)
#define RT_RELEASES(mu)
#define RT_NO_LOCK_CHECK
#endif
/* For the reader only: the member is touched under this lock. */
#define RT_GUARDED_BY(mu)

#endif
