/* glob: patterns as KEYS, SCAN MATCH and CONFIG GET take them.
 *	*  any bytes, none too		?  one byte
 *	[abc] [a-z] [^a-z]  one byte that is, or is not, in the class
 *	\x  the byte x itself, inside a class too
 * The rules, oddities included, are those of Redis 7 (stringmatchlen): a class
 * without its end reaches to the end of the pattern, [] is in no text, [^] is
 * any byte, [z-a] is [a-z]. Bytes are unsigned. Thread: any. */
#ifndef LIBCOMMON_BASE_GLOB_H
#define LIBCOMMON_BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#include "libcommon/base/slice.h"

/* Steps that one match may take: RT_GLOB_STEPS and RT_GLOB_STEPS_PER_BYTE for
 * each byte of the text. A match that needs more is answered with false; no
 * text of 1 KiB and pattern of 1 KiB does. */
#define RT_GLOB_STEPS ((size_t)1 << 21)
#define RT_GLOB_STEPS_PER_BYTE 64

/* Does the whole text match? nocase: ASCII letters are alike. Time: pattern
 * times text at worst, bounded as above; no recursion. The caller limits the
 * pattern's length. */
bool rt_glob_match(struct rt_slice pattern, struct rt_slice text, bool nocase);

/* Bytes at the pattern's beginning that every match (with nocase false)
 * begins with: those before the first of * ? [ \. */
size_t rt_glob_literal_prefix(struct rt_slice pattern);

#endif
