/* number: strict readers of the numbers that people and clients type.
 * Thread: any. */
#ifndef LIBCOMMON_BASE_NUMBER_H
#define LIBCOMMON_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/slice.h"

/* A signed decimal as Redis' string2ll takes it: no blanks, no plus sign, no
 * leading zeros, no "-0", within 64 bits. False leaves *out alone. */
bool rt_parse_i64(struct rt_slice text, int64_t *out);

/* An unsigned decimal under the same rules. */
bool rt_parse_u64(struct rt_slice text, uint64_t *out);

/* Bytes: a decimal with an optional unit b, k, kb, m, mb, g, gb in any case.
 * As in Redis, k m g are powers of 1000 and kb mb gb powers of 1024. False
 * leaves *out alone. */
bool rt_parse_bytes(struct rt_slice text, uint64_t *out);

/* Decimal digits of value without NUL; out has 20 bytes. Returns the count. */
size_t rt_format_i64(char *out, int64_t value);
#define RT_I64_DIGITS_MAX 20

#endif
