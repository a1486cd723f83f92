/* A table with open addressing in shared memory. A slot is taken with one
 * compare-and-swap of its key, a hash of the chain, and never given back. */
#include "tests/support/call_sites.h"

#include <execinfo.h>
#include <inttypes.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "libcommon/base/invariant.h"

#define SLOTS 8192u
#define CHAIN 8
/* Our own frames: this file's and fault_fs.c's. */
#define SKIPPED 2
/* So many frames tell places apart; the rest is for the reader. */
#define TELLING 5

struct slot {
	_Atomic uint64_t key;	/* 0: free */
	_Atomic uint64_t seen;
	_Atomic uint64_t failed;
	unsigned op;
	uintptr_t chain[CHAIN];
};

struct rtt_call_sites {
	_Atomic int full;
	struct slot slots[SLOTS];
};

struct rtt_call_sites *
rtt_call_sites_new(void)
{
	struct rtt_call_sites *sites = mmap(NULL, sizeof(*sites),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *warm_up[4];

	rt_assert(sites != MAP_FAILED);
	/* The first call loads a library. */
	(void)backtrace(warm_up, 4);
	return sites;
}

void
rtt_call_sites_free(struct rtt_call_sites *sites)
{
	if (sites != NULL)
		munmap(sites, sizeof(*sites));
}

/* The slot of this chain; NULL: the table is full. */
static struct slot *
find_slot(struct rtt_call_sites *sites, uint64_t key, unsigned op,
    void *const *frames, int count)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &sites->slots[(key + i) % SLOTS];
		uint64_t found = atomic_load(&slot->key);

		if (found == 0 &&
		    atomic_compare_exchange_strong(&slot->key, &found, key)) {
			slot->op = op;
			for (int n = 0; n < count && n < CHAIN; n++)
				slot->chain[n] = (uintptr_t)frames[n];
			return slot;
		}
		if (found == key)
			return slot;
	}
	atomic_store(&sites->full, 1);
	return NULL;
}

void
rtt_call_sites_note(struct rtt_call_sites *sites, unsigned op, bool failed)
{
	void *frames[SKIPPED + CHAIN];
	uint64_t key = op + 1;
	struct slot *slot;
	int count = backtrace(frames, SKIPPED + CHAIN) - SKIPPED;

	for (int i = 0; i < count && i < TELLING; i++)
		key = (key ^ (uintptr_t)frames[SKIPPED + i]) *
		    UINT64_C(0x9e3779b97f4a7c15);
	key ^= key >> 32;
	slot = find_slot(sites, key | 1, op, frames + SKIPPED, count);
	if (slot == NULL)
		return;
	atomic_fetch_add(&slot->seen, 1);
	if (failed)
		atomic_fetch_add(&slot->failed, 1);
}

struct rtt_call_sites_sum
rtt_call_sites_sum(const struct rtt_call_sites *sites)
{
	struct rtt_call_sites_sum sum = {
		.full = atomic_load(&sites->full) != 0,
	};

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = &sites->slots[i];

		if (atomic_load(&slot->key) == 0)
			continue;
		sum.seen++;
		sum.failed += atomic_load(&slot->failed) != 0;
	}
	return sum;
}

static int
first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	*(uintptr_t *)arg = info->dlpi_addr;
	return 1;
}

void
rtt_call_sites_print(const struct rtt_call_sites *sites, FILE *out)
{
	uintptr_t base = 0;

	dl_iterate_phdr(first_object, &base);
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = &sites->slots[i];

		if (atomic_load(&slot->key) == 0)
			continue;
		fprintf(out, "%u %" PRIu64 " %" PRIu64, slot->op,
		    atomic_load(&slot->seen), atomic_load(&slot->failed));
		/* A return address lies behind the call. */
		for (int n = 0; n < CHAIN && slot->chain[n] != 0; n++)
			fprintf(out, " %#" PRIxPTR, slot->chain[n] - base - 1);
		fputc('\n', out);
	}
}
