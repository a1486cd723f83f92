/* watch: the keys that a client WATCHes, and what they were. A key has changed
 * when its newest version is another one: each write makes one, with a sequence
 * of its own, and merges keep it. So writers do nothing for those who watch,
 * and EXEC looks each key up again.
 *
 * WA1 Written since, with the same value too: changed. Ended, deleted, flushed
 *     or swapped away, when it was there: changed. Not there and not there
 *     again: unchanged, also after flushes; what was written and deleted in
 *     between is noticed as long as the deletion is not merged away.
 * Path: cmd > [watch] > engine. Thread: loop. */
#ifndef RIPTIDED_CMD_WATCH_H
#define RIPTIDED_CMD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/slice.h"

struct rtd_call;
struct rtd_watched;

/* Inert when zeroed. */
struct rtd_watch {
	struct rtd_watched *first;
	size_t count;
	size_t bytes;		/* of memory */
};

/* What a look at keys gave. */
enum rtd_watch_state {
	RTD_WATCH_SAME,
	RTD_WATCH_CHANGED,
	RTD_WATCH_UNKNOWN,	/* call->missed, or the error is written */
};

/* Watch the keys of the call from now on. Nothing is watched more than before
 * when it is not RTD_WATCH_SAME. */
enum rtd_watch_state rtd_watch_add(struct rtd_call *call,
    const struct rt_slice *keys, size_t count);
/* Are all of them what they were? The reply will wait for what was seen. */
enum rtd_watch_state rtd_watch_check(struct rtd_call *call);
void rtd_watch_clear(struct rtd_watch *watch);

/* Call each() for every key, as rtd_transaction_each_key(). */
bool rtd_watch_each_key(const struct rtd_call *call,
    bool (*each)(void *arg, uint32_t keyspace, struct rt_slice key),
    void *arg);

#endif
