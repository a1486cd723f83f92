/* epoch: when may something be freed that readers look at without a lock or a
 * counter? A reader announces the epoch in which it began to look, and takes
 * the announcement back when it looks no more. What was taken out of sight is
 * stamped with the epoch of that moment, which then rises; once every reader
 * that looks has begun after the stamp, nobody can have it any more (after
 * Fraser, "Practical lock-freedom", 2004, section 5.2.3).
 *
 * E1 A reader enters before it loads a pointer, and loads it with sequential
 *    consistency; so does who takes it out of sight, before it stamps. */
#ifndef RIPTIDED_VIEW_EPOCH_H
#define RIPTIDED_VIEW_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "libcommon/base/attr.h"
#include "libcommon/os/mutex.h"

/* One for each thread that reads; embedded by its owner. Zeroed, then joined. */
struct rtd_epoch_slot {
	/* The epoch entered; 0: looks at nothing. */
	_Atomic uint64_t epoch;
	struct rtd_epoch_slot *next;
};

struct rtd_epochs {
	_Atomic uint64_t now;
	/* Each read looks at the word above; what follows is written to. */
	uint8_t pad[RT_CACHE_LINE_BYTES];
	struct rt_mutex mu;
	struct rtd_epoch_slot *slots RT_GUARDED_BY(mu);
};

/* Nobody takes part yet. */
void rtd_epochs_init(struct rtd_epochs *epochs);
/* No slot may be left. */
void rtd_epochs_fini(struct rtd_epochs *epochs);

/* Take part with a slot of one's own, which lives until it leaves. */
void rtd_epochs_join(struct rtd_epochs *epochs, struct rtd_epoch_slot *slot);
/* Exits first, if need be. */
void rtd_epochs_leave(struct rtd_epochs *epochs, struct rtd_epoch_slot *slot);

/* Begin to look, or say that what was looked at before is not needed any
 * more. Cheap when nothing was taken out of sight meanwhile. The slot's
 * thread. */
static inline void
rtd_epoch_enter(struct rtd_epochs *epochs, struct rtd_epoch_slot *slot)
{
	uint64_t now = atomic_load(&epochs->now);

	if (RT_UNLIKELY(atomic_load_explicit(&slot->epoch,
		memory_order_relaxed) != now))
		atomic_store(&slot->epoch, now);
}

/* What was seen since the enter may be freed. */
static inline void
rtd_epoch_exit(struct rtd_epoch_slot *slot)
{
	atomic_store_explicit(&slot->epoch, 0, memory_order_release);
}

/* The stamp for what was just taken out of sight; the epoch rises. */
uint64_t rtd_epochs_stamp(struct rtd_epochs *epochs);
/* What was stamped below may be freed. */
uint64_t rtd_epochs_oldest(struct rtd_epochs *epochs);

#endif
