/* missed: a command that has to read what is not in memory. The loop never
 * waits for a disk: reads of a command answer RT_EAGAIN instead, the command is
 * taken back as if it had not begun, its client is parked, and a pool thread
 * reads the same keys and waits for them. Then the command runs again, from its
 * first word, and finds the blocks in the cache. Other clients go on meanwhile;
 * of the parked one nothing else runs, so that its replies keep their order.
 *
 * MS1 Nothing stays of a try that missed: no reply, no batch, no count.
 * MS2 The blocks that the pool has read are pinned until the command has run,
 *     and those behind it, so that a cache that is full, or too small for one
 *     of them, has them. Their number and size are bounded for each client.
 * MS3 A command that has missed RTD_MISSES_MAX times waits on the loop: what it
 *     needs does not fit into memory together, or cannot be read at all, which
 *     only a read that waits can tell.
 *
 * Commands that were received behind it and only read are going to miss as
 * well: their keys are read by the same job.
 * Path: cmd > [missed] > pool, engine. Thread: loop. */
#ifndef RIPTIDED_CMD_MISSED_H
#define RIPTIDED_CMD_MISSED_H

#include "riptided/cmd/command.h"

#define RTD_MISSES_MAX 3
/* Keys of commands behind the one that missed that are read along with it. */
#define RTD_AHEAD_KEYS_MAX 32

/* Park the client of a command that has missed and read its keys in the pool;
 * the client is unparked when they are there. */
void rtd_missed_park(struct rtd_call *call);

/* A command of a client that has missed was run. What was read is kept for
 * those that were received behind it. */
void rtd_missed_done(struct rtd_client *client);

/* What was read for the client is not needed any more. */
void rtd_missed_let_go(struct rtd_client *client);

#endif
