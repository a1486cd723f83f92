/* scan_cursor: a place in key order as the 64-bit number that SCAN hands out.
 *
 * C1 A cursor survives reconnects, restarts and FLUSHALL: what it means follows
 *    from its own bits and the data, the table here only makes it quick.
 * C2 0 is the start and the end and nothing else. Cursors are below 2^63, so
 *    that clients that read them as signed numbers work.
 * C3 A place never moves forward past a key that was there all the time.
 *
 * Two forms, told apart by bit 62:
 *	0  the first 7 bytes of a key, big endian, zero-padded: go on
 *	   at the first key whose 7 bytes are >= these. Given out when the next
 *	   key differs from the last one in its first 7 bytes.
 *	1  62 bits of the hash of the last key that was returned: go on behind
 *	   that key. Given out inside a group of keys that share their first 7
 *	   bytes. Which key it was stands in a table of the last 16,384 places;
 *	   after a restart, or when it was pushed out, the key is looked for by
 *	   walking and hashing, and if it is gone the scan begins anew (keys may
 *	   come twice, none is missed).
 * The table holds user keys only: a place is good for any keyspace.
 * Thread: loop; the number forms are pure. */
#ifndef RIPTIDED_CMD_SCAN_CURSOR_H
#define RIPTIDED_CMD_SCAN_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/slice.h"

#define RTD_CURSOR_PREFIX_BYTES 7
#define RTD_CURSOR_PLACES 16384u
#define RTD_CURSOR_PLACES_BYTES ((size_t)8 << 20)

/* The number of a key's first 7 bytes; below 2^56. */
uint64_t rtd_cursor_prefix(struct rt_slice user_key);
/* The form for "behind this key"; bit 62 is set. */
uint64_t rtd_cursor_behind(struct rt_slice user_key);
/* The cursor to give out when last was the last key looked at and next is the
 * one to go on with. */
uint64_t rtd_cursor_between(struct rt_slice last, struct rt_slice next);

static inline bool
rtd_cursor_is_behind(uint64_t cursor)
{
	return cursor >> 62 == 1;
}

/* The 7 bytes that a cursor of the first form stands for, without the zeros
 * at their end, so that short keys are not jumped over. out has 7 bytes;
 * returns how many are used. Above 2^56: false, nothing can follow. */
bool rtd_cursor_start(uint64_t cursor, uint8_t out[RTD_CURSOR_PREFIX_BYTES],
    size_t *len);

struct rtd_cursor_place {
	uint64_t cursor;
	uint32_t newer, older;	/* list of use; index + 1, 0: none */
	uint32_t next;		/* in its bucket; index + 1 */
	struct rt_buf key;
};

/* Inert when zeroed; memory is taken with the first place. */
struct rtd_scan_cursors {
	struct rtd_cursor_place *places;	/* RTD_CURSOR_PLACES */
	uint32_t *buckets;
	uint32_t used;
	uint32_t spare;		/* emptied places, linked by next */
	uint32_t newest, oldest;
	size_t bytes;		/* of all keys */
};

void rtd_scan_cursors_fini(struct rtd_scan_cursors *cursors);
/* Note that cursor (of the second form) stands behind this key. */
void rtd_scan_cursors_put(struct rtd_scan_cursors *cursors, uint64_t cursor,
    struct rt_slice user_key);
/* The key; false: not known (any more). Borrowed until the next put. */
bool rtd_scan_cursors_get(struct rtd_scan_cursors *cursors, uint64_t cursor,
    struct rt_slice *user_key);

#endif
