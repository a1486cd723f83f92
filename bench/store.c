#include "build-config.h"

#include "bench/store.h"

#include <time.h>
#include <unistd.h>

#include "bench/compactor_child.h"

/* An idle store uses next to nothing of a look's length, four times over. */
#define LOOK_MS 150
#define LOOK_IDLE_MS 15
#define LOOKS_IDLE 4
#define LOOKS_MAX (600 * 1000 / LOOK_MS)

const struct rtb_store_ops *const rtb_peers[] = {
#ifdef RTB_HAVE_ROCKSDB
	&rtb_store_rocksdb,
#endif
#ifdef RTB_HAVE_LEVELDB
	&rtb_store_leveldb,
#endif
	NULL,
};

/* Processor time of a process and all its threads so far. */
static uint64_t
cpu_ms(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) != 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

void
rtb_store_settle(struct rtb_store *store)
{
	pid_t helper = store->ops->helper(store);
	unsigned idle = 0;

	for (unsigned i = 0; i < LOOKS_MAX && idle < LOOKS_IDLE; i++) {
		uint64_t before = cpu_ms(0), after;

		if (helper != 0)
			before += cpu_ms(helper);
		usleep(LOOK_MS * 1000);
		after = cpu_ms(0);
		if (helper != 0)
			after += cpu_ms(helper);
		/* A merge that gets no processor is idle, too. */
		idle = after - before < LOOK_IDLE_MS &&
		    store->ops->rests(store) ? idle + 1 : 0;
	}
	store->ops->end_turn(store);
}

uint64_t
rtb_store_written(struct rtb_store *store)
{
	return rtb_written_by(getpid()) + store->ops->helper_bytes(store);
}
