/* The table: places in an array, found through 16,384 buckets, in a doubly
 * linked list by use. When full in number or bytes the least used one goes. */
#include "riptided/cmd/scan_cursor.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"

#define BEHIND (UINT64_C(1) << 62)

uint64_t
rtd_cursor_prefix(struct rt_slice user_key)
{
	uint64_t number = 0;

	for (size_t i = 0; i < RTD_CURSOR_PREFIX_BYTES; i++)
		number = number << 8 |
		    (i < user_key.len ? user_key.data[i] : 0);
	return number;
}

uint64_t
rtd_cursor_behind(struct rt_slice user_key)
{
	return BEHIND | (rt_hash64(user_key) & (BEHIND - 1));
}

uint64_t
rtd_cursor_between(struct rt_slice last, struct rt_slice next)
{
	uint64_t prefix = rtd_cursor_prefix(next);

	/* next > last, so a prefix that differs is greater: never 0 (C2). */
	if (prefix != rtd_cursor_prefix(last))
		return prefix;
	return rtd_cursor_behind(last);
}

bool
rtd_cursor_start(uint64_t cursor, uint8_t out[RTD_CURSOR_PREFIX_BYTES],
    size_t *len)
{
	if (cursor >> 56 != 0)
		return false;
	*len = 0;
	for (size_t i = 0; i < RTD_CURSOR_PREFIX_BYTES; i++) {
		out[i] = (uint8_t)(cursor >> (48 - 8 * i));
		if (out[i] != 0)
			*len = i + 1;
	}
	return true;
}

/* -- the table -- */

static uint32_t *
bucket_of(struct rtd_scan_cursors *cursors, uint64_t cursor)
{
	return &cursors->buckets[cursor % RTD_CURSOR_PLACES];
}

static uint32_t
find(struct rtd_scan_cursors *cursors, uint64_t cursor)
{
	uint32_t at = *bucket_of(cursors, cursor);

	while (at != 0 && cursors->places[at - 1].cursor != cursor)
		at = cursors->places[at - 1].next;
	return at;
}

static void
unlink_use(struct rtd_scan_cursors *cursors, uint32_t at)
{
	struct rtd_cursor_place *place = &cursors->places[at - 1];

	if (place->newer != 0)
		cursors->places[place->newer - 1].older = place->older;
	else
		cursors->newest = place->older;
	if (place->older != 0)
		cursors->places[place->older - 1].newer = place->newer;
	else
		cursors->oldest = place->newer;
}

static void
link_newest(struct rtd_scan_cursors *cursors, uint32_t at)
{
	struct rtd_cursor_place *place = &cursors->places[at - 1];

	place->newer = 0;
	place->older = cursors->newest;
	if (cursors->newest != 0)
		cursors->places[cursors->newest - 1].newer = at;
	else
		cursors->oldest = at;
	cursors->newest = at;
}

/* The least used place leaves its bucket and the list for the spare ones. */
static void
forget_oldest(struct rtd_scan_cursors *cursors)
{
	uint32_t at = cursors->oldest;
	struct rtd_cursor_place *place = &cursors->places[at - 1];
	uint32_t *link = bucket_of(cursors, place->cursor);

	while (*link != at)
		link = &cursors->places[*link - 1].next;
	*link = place->next;
	unlink_use(cursors, at);
	cursors->bytes -= place->key.cap;
	rt_buf_fini(&place->key);
	place->next = cursors->spare;
	cursors->spare = at;
}

static void
add(struct rtd_scan_cursors *cursors, uint64_t cursor,
    struct rt_slice user_key)
{
	uint32_t at = cursors->spare, *bucket = bucket_of(cursors, cursor);
	struct rtd_cursor_place *place;

	if (at == 0)
		at = ++cursors->used;
	place = &cursors->places[at - 1];
	if (cursors->spare == at)
		cursors->spare = place->next;
	place->cursor = cursor;
	rt_buf_append_slice(&place->key, user_key);
	cursors->bytes += place->key.cap;
	place->next = *bucket;
	*bucket = at;
	link_newest(cursors, at);
}

void
rtd_scan_cursors_put(struct rtd_scan_cursors *cursors, uint64_t cursor,
    struct rt_slice user_key)
{
	uint32_t at;

	if (cursors->places == NULL) {
		cursors->places = rt_alloc_zero(RTD_CURSOR_PLACES,
		    sizeof(*cursors->places));
		cursors->buckets = rt_alloc_zero(RTD_CURSOR_PLACES,
		    sizeof(*cursors->buckets));
	}
	at = find(cursors, cursor);
	if (at != 0) {
		unlink_use(cursors, at);
		link_newest(cursors, at);
		return;
	}
	if (cursors->used == RTD_CURSOR_PLACES && cursors->spare == 0)
		forget_oldest(cursors);
	while (cursors->bytes + user_key.len > RTD_CURSOR_PLACES_BYTES &&
	    cursors->oldest != 0)
		forget_oldest(cursors);
	add(cursors, cursor, user_key);
}

bool
rtd_scan_cursors_get(struct rtd_scan_cursors *cursors, uint64_t cursor,
    struct rt_slice *user_key)
{
	uint32_t at = cursors->places != NULL ? find(cursors, cursor) : 0;

	if (at == 0)
		return false;
	unlink_use(cursors, at);
	link_newest(cursors, at);
	*user_key = rt_buf_slice(&cursors->places[at - 1].key);
	return true;
}

void
rtd_scan_cursors_fini(struct rtd_scan_cursors *cursors)
{
	for (uint32_t i = 0; i < cursors->used; i++)
		rt_buf_fini(&cursors->places[i].key);
	free(cursors->places);
	free(cursors->buckets);
	*cursors = (struct rtd_scan_cursors){ 0 };
}
