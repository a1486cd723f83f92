/* bulk: a large run of bytes with several owners, so that it need not be
 * copied from one to the next: what a client sends becomes what the log writes
 * and the memtable keeps, and what was found becomes what is sent.
 *
 * A bulk that is made here has room in front for what a later owner puts
 * before the bytes, and behind for what a sender puts after them. Its pages
 * come from the system as they are touched, so that a length that was only
 * announced costs nothing.
 *
 * K1 Bytes are written by the first owner alone, before it shares them.
 * Thread: any may hold and let go; the bytes as K1 says. */
#ifndef LIBCOMMON_BASE_BULK_H
#define LIBCOMMON_BASE_BULK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* From this size on bytes are worth a bulk: below it copying is cheaper than
 * asking the system for pages and giving them back. */
#define RT_BULK_BYTES_MIN ((size_t)256 << 10)
#define RT_BULK_FRONT_BYTES 16u
#define RT_BULK_BEHIND_BYTES 2u

struct rt_bulk {
	_Atomic unsigned refs;
	uint8_t *data;		/* RT_BULK_FRONT_BYTES lie before it */
	size_t len;
	size_t mapped_bytes;	/* 0: wrapped */
	void (*release)(void *arg);	/* of what is wrapped */
	void *arg;
};

/* len bytes, zeros that are not touched yet, with one reference. NULL: the
 * system has no address space for them. */
struct rt_bulk *rt_bulk_new(size_t len);

/* Bytes that live somewhere else until release(arg) is called, with one
 * reference. They have no room around them and are not to be written. */
struct rt_bulk *rt_bulk_wrap(const uint8_t *data, size_t len,
    void (*release)(void *arg), void *arg);

/* One more owner. Thread: any. Returns bulk. */
struct rt_bulk *rt_bulk_ref(struct rt_bulk *bulk);
/* NULL is accepted. */
void rt_bulk_unref(struct rt_bulk *bulk);

#endif
