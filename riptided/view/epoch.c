#include "riptided/view/epoch.h"

#include "libcommon/base/invariant.h"

void
rtd_epochs_init(struct rtd_epochs *epochs)
{
	atomic_init(&epochs->now, 1);
	rt_mutex_init(&epochs->mu);
	epochs->slots = NULL;
}

void
rtd_epochs_fini(struct rtd_epochs *epochs)
{
	rt_assert(epochs->slots == NULL);
	rt_mutex_fini(&epochs->mu);
}

void
rtd_epochs_join(struct rtd_epochs *epochs, struct rtd_epoch_slot *slot)
{
	atomic_init(&slot->epoch, 0);
	rt_mutex_lock(&epochs->mu);
	slot->next = epochs->slots;
	epochs->slots = slot;
	rt_mutex_unlock(&epochs->mu);
}

void
rtd_epochs_leave(struct rtd_epochs *epochs, struct rtd_epoch_slot *slot)
{
	struct rtd_epoch_slot **at;

	rtd_epoch_exit(slot);
	rt_mutex_lock(&epochs->mu);
	for (at = &epochs->slots; *at != slot; at = &(*at)->next)
		;
	*at = slot->next;
	rt_mutex_unlock(&epochs->mu);
}

uint64_t
rtd_epochs_stamp(struct rtd_epochs *epochs)
{
	return atomic_fetch_add(&epochs->now, 1);
}

uint64_t
rtd_epochs_oldest(struct rtd_epochs *epochs)
{
	uint64_t oldest = UINT64_MAX;

	rt_mutex_lock(&epochs->mu);
	for (struct rtd_epoch_slot *slot = epochs->slots; slot != NULL;
	    slot = slot->next) {
		uint64_t epoch = atomic_load(&slot->epoch);

		if (epoch != 0 && epoch < oldest)
			oldest = epoch;
	}
	rt_mutex_unlock(&epochs->mu);
	return oldest;
}
