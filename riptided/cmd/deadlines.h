/* deadlines: keys that are going to end, so that their end can be told
 * (notify-keyspace-events with x). Nothing in storage happens when a value
 * ends; what has ended is not there, and merges take it away some time. So
 * those who want to hear of it need somebody who waits for it.
 *
 * DL1 At the beginning of a turn, before its first command, all ends up to the
 *     clock of that turn are told, each once, if the key is still the one that
 *     was to end then: whoever finds a key gone has been told, or is told
 *     before anything is done with the key. At most RTD_DEADLINES_A_TURN; the
 *     others in the next turns.
 * DL2 A value whose block is not in memory is read by the pool first, so that
 *     its end is told later.
 * DL3 Keys are noted when they are written. Those that were there before the
 *     events were asked for are found by a walk on a pool thread; until it is
 *     done, an end may go by untold.
 * DL4 At most RTD_DEADLINES_MAX keys and RTD_DEADLINES_BYTES_MAX bytes are
 *     noted. Beyond that keys that end late are forgotten, and looked for again
 *     by such a walk when half of the others have ended.
 * Thread: loop. */
#ifndef RIPTIDED_CMD_DEADLINES_H
#define RIPTIDED_CMD_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTD_DEADLINES_MAX 1000000
#define RTD_DEADLINES_BYTES_MAX ((size_t)64 << 20)
#define RTD_DEADLINES_A_TURN 1000

struct rtd_deadline;
struct rtd_server_state;
struct rtd_write_batch;

/* A heap, the next one first. Inert when zeroed. */
struct rtd_deadlines {
	struct rtd_deadline **items;
	size_t count, cap;
	size_t bytes;
	bool enabled;
	bool walked;		/* DL3: has begun, for this engine */
	bool walking;
	bool forgot;		/* DL4 */
	bool reading;		/* DL2: the pool is at it */
	uint64_t seed;
};

/* Begin to note, or forget all. */
void rtd_deadlines_enable(struct rtd_server_state *server, bool enabled);
void rtd_deadlines_fini(struct rtd_deadlines *deadlines);

/* The batch was written: note its ends. Only when enabled. */
void rtd_deadlines_note(struct rtd_deadlines *deadlines,
    const struct rtd_write_batch *batch);

/* DL1; only when enabled. */
void rtd_deadlines_tell(struct rtd_server_state *server);

#endif
