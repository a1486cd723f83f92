/* The struct lies at the start of the mapping, the room in front between it
 * and the bytes. */
#include "libcommon/base/bulk.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "libcommon/base/invariant.h"

#define PAGE_BYTES ((size_t)4096)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
/* Huge pages begin behind this: who has sent so much is not helped to take
 * memory by the first byte of a page of 2 MiB. */
#define SMALL_PAGES_BYTES ((size_t)4 << 20)
#define DATA_AT (sizeof(struct rt_bulk) + RT_BULK_FRONT_BYTES)

static void
advise(uint8_t *mapping, size_t bytes)
{
	uintptr_t from = (uintptr_t)mapping + SMALL_PAGES_BYTES;
	uintptr_t end = (uintptr_t)mapping + bytes;

	from = (from + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
	end &= ~(HUGE_PAGE_BYTES - 1);
	/* Only a hint, and refused by systems without such pages. */
	if (from < end)
		(void)madvise(mapping + (from - (uintptr_t)mapping),
		    end - from, MADV_HUGEPAGE);
}

struct rt_bulk *
rt_bulk_new(size_t len)
{
	size_t bytes = DATA_AT + len + RT_BULK_BEHIND_BYTES;
	struct rt_bulk *bulk;
	void *mapping;

	rt_assert(len <= SIZE_MAX / 2);
	bytes = (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		return NULL;
	advise(mapping, bytes);
	bulk = mapping;
	atomic_init(&bulk->refs, 1);
	bulk->data = (uint8_t *)mapping + DATA_AT;
	bulk->len = len;
	bulk->mapped_bytes = bytes;
	return bulk;
}

struct rt_bulk *
rt_bulk_wrap(const uint8_t *data, size_t len, void (*release)(void *arg),
    void *arg)
{
	struct rt_bulk *bulk = rt_alloc_zero(1, sizeof(*bulk));

	atomic_init(&bulk->refs, 1);
	bulk->data = (uint8_t *)(uintptr_t)data;
	bulk->len = len;
	bulk->release = release;
	bulk->arg = arg;
	return bulk;
}

struct rt_bulk *
rt_bulk_ref(struct rt_bulk *bulk)
{
	atomic_fetch_add_explicit(&bulk->refs, 1, memory_order_relaxed);
	return bulk;
}

void
rt_bulk_unref(struct rt_bulk *bulk)
{
	if (bulk == NULL || atomic_fetch_sub_explicit(&bulk->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	if (bulk->mapped_bytes != 0) {
		munmap(bulk, bulk->mapped_bytes);
		return;
	}
	bulk->release(bulk->arg);
	free(bulk);
}
