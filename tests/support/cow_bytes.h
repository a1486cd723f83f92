/* cow_bytes: a file's bytes, shared between many copies until one of them is
 * written to. Inert when zeroed.
 * Thread: one at a time each; copies may be in different threads. */
#ifndef TESTS_SUPPORT_COW_BYTES_H
#define TESTS_SUPPORT_COW_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct rtt_cow_block;

struct rtt_cow {
	struct rtt_cow_block *block;
	uint64_t size;
};

/* `to`, which is inert, has the same bytes from now on. */
void rtt_cow_share(struct rtt_cow *to, const struct rtt_cow *from);
void rtt_cow_fini(struct rtt_cow *cow);
/* Zeros stand between the old end and a later offset. */
void rtt_cow_write(struct rtt_cow *cow, uint64_t offset, const void *data,
    size_t len);
/* Cut off, or lengthen with zeros. */
void rtt_cow_resize(struct rtt_cow *cow, uint64_t size);
/* Up to len bytes; how many there were. */
size_t rtt_cow_read(const struct rtt_cow *cow, uint64_t offset, void *out,
    size_t len);

#endif
