#include "tests/support/cow_bytes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

struct rtt_cow_block {
	_Atomic unsigned refs;
	uint64_t cap;
	uint8_t bytes[];
};

static void
unref(struct rtt_cow_block *block)
{
	if (block != NULL && atomic_fetch_sub(&block->refs, 1) == 1)
		free(block);
}

void
rtt_cow_share(struct rtt_cow *to, const struct rtt_cow *from)
{
	*to = *from;
	if (to->block != NULL)
		atomic_fetch_add(&to->block->refs, 1);
}

void
rtt_cow_fini(struct rtt_cow *cow)
{
	unref(cow->block);
	*cow = (struct rtt_cow){ .block = NULL };
}

/* A block of our own with room for so many bytes. */
static void
own(struct rtt_cow *cow, uint64_t bytes)
{
	struct rtt_cow_block *old = cow->block, *block;
	uint64_t cap = bytes;

	if (old != NULL && old->cap >= bytes && atomic_load(&old->refs) == 1)
		return;
	/* Files grow by appending. */
	if (old != NULL && old->cap < bytes)
		cap = bytes + bytes / 2;
	block = rt_alloc(sizeof(*block) + cap);
	atomic_init(&block->refs, 1);
	block->cap = cap;
	if (old != NULL)
		memcpy(block->bytes, old->bytes,
		    cow->size < cap ? cow->size : cap);
	unref(old);
	cow->block = block;
}

void
rtt_cow_resize(struct rtt_cow *cow, uint64_t size)
{
	if (size > cow->size) {
		own(cow, size);
		memset(cow->block->bytes + cow->size, 0, size - cow->size);
	}
	cow->size = size;
}

void
rtt_cow_write(struct rtt_cow *cow, uint64_t offset, const void *data,
    size_t len)
{
	if (len == 0)
		return;
	if (offset > cow->size)
		rtt_cow_resize(cow, offset);
	own(cow, offset + len > cow->size ? offset + len : cow->size);
	memcpy(cow->block->bytes + offset, data, len);
	if (offset + len > cow->size)
		cow->size = offset + len;
}

size_t
rtt_cow_read(const struct rtt_cow *cow, uint64_t offset, void *out, size_t len)
{
	if (offset >= cow->size)
		return 0;
	if (len > cow->size - offset)
		len = (size_t)(cow->size - offset);
	memcpy(out, cow->block->bytes + offset, len);
	return len;
}
