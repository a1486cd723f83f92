/* slice: borrowed bytes. Nothing here owns or frees.
 * Thread: any. */
#ifndef LIBCOMMON_BASE_SLICE_H
#define LIBCOMMON_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rt_slice {
	const uint8_t *data;	/* may be NULL when len is 0 */
	size_t len;		/* bytes */
};

/* These bytes; data may be NULL when len is 0. */
static inline struct rt_slice
rt_slice(const void *data, size_t len)
{
	return (struct rt_slice){ .data = data, .len = len };
}

/* The bytes of a string, without its end. */
static inline struct rt_slice
rt_slice_cstr(const char *text)
{
	return rt_slice(text, strlen(text));
}

/* <0, 0, >0 as memcmp on the common length, then the shorter first. */
static inline int
rt_slice_compare(struct rt_slice a, struct rt_slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len != 0 ? memcmp(a.data, b.data, len) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* Whether both have the same bytes. */
static inline bool
rt_slice_equal(struct rt_slice a, struct rt_slice b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Whether text begins with all of prefix. */
static inline bool
rt_slice_starts_with(struct rt_slice text, struct rt_slice prefix)
{
	return text.len >= prefix.len && (prefix.len == 0 ||
	    memcmp(text.data, prefix.data, prefix.len) == 0);
}

/* Number of leading bytes that both share. */
size_t rt_slice_shared_prefix(struct rt_slice a, struct rt_slice b);

/* ASCII case-blind comparison with a C string. */
bool rt_slice_equal_nocase(struct rt_slice slice, const char *text);

/* Printable form for logs and errors: bytes outside 0x20-0x7e, backslash and
 * quotes as \xNN; cut with "..." when out is short. Returns out. */
char *rt_slice_print(struct rt_slice slice, char *out, size_t out_bytes);

#endif
