/* utf8: is this text? Well-formed UTF-8 as in RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF. Thread: any. */
#ifndef LIBCOMMON_BASE_UTF8_H
#define LIBCOMMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "libcommon/base/slice.h"

/* Bytes of the character that text begins with, 1 to 4; 0 when text is empty
 * or begins with bytes that are no character. */
size_t rt_utf8_char_bytes(struct rt_slice text);

/* The whole of it is well-formed. */
bool rt_utf8_valid(struct rt_slice text);

#endif
