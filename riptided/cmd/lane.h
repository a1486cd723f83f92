/* lane: what one loop has of its own for the commands that it runs, so that
 * loops beside each other share no word that either writes to often: a reader
 * of the engine, values looked up ahead, the clock of its turn, counters.
 *
 * The loop's thread alone writes; counters may be read by any. */
#ifndef RIPTIDED_CMD_LANE_H
#define RIPTIDED_CMD_LANE_H

#include <stdatomic.h>

#include "libcommon/base/durations.h"
#include "riptided/cmd/ahead.h"

#define RTD_LANES_MAX 64

enum rtd_counter {
	RTD_COUNT_COMMANDS,
	RTD_COUNT_NET_INPUT,	/* bytes */
	RTD_COUNT_NET_OUTPUT,	/* bytes */
	RTD_COUNT_HITS,
	RTD_COUNT_MISSES,
	/* What answered a look at a key; a command that missed asks again. */
	RTD_COUNT_BY_MEMTABLE,
	RTD_COUNT_BY_CACHE,	/* a block in the block cache */
	RTD_COUNT_BY_FILE,	/* one that the system had in memory */
	RTD_COUNT_BY_DISK,	/* one that the pool has waited for */
	RTD_COUNT_BY_NOTHING,	/* no version, a tombstone, an ended one */
	RTD_COUNT_PROTOCOL_ERRORS,	/* CONFIG RESETSTAT lets it stay */
	RTD_COUNTS
};

struct rtd_pending;
struct rtd_server_state;

/* Of one command what its table does not count yet. */
struct rtd_lane_command {
	uint64_t calls, nsec;
	struct rt_durations *times;	/* NULL: none */
};

struct rtd_lane {
	unsigned number;		/* 0: the first loop's */
	struct rtd_reader *reader;	/* NULL while loading */
	struct rtd_ahead ahead;		/* values of the commands behind */
	struct rtd_pending *pending;	/* of the EXEC under way; or NULL */
	int64_t now_ms;			/* wall clock, once a turn */
	uint64_t now_us;		/* monotonic, once a turn */
	_Atomic uint64_t counts[RTD_COUNTS];
	_Atomic uint64_t client_memory;	/* bytes, of its clients' buffers */
	uint64_t nsec;			/* that the last free read took */
	/* By the index of the command; NULL while there is one lane. */
	struct rtd_lane_command *commands;
};

/* Zeroed: the next one of the server, at most RTD_LANES_MAX. The first one is
 * the server's current one. Before commands run. */
void rtd_lane_open(struct rtd_server_state *server, struct rtd_lane *lane);
/* Let go of what it has but the reader. Closed twice does no harm. */
void rtd_lane_close(struct rtd_lane *lane);

/* No other thread writes: a sum without a locked instruction. */
static inline void
rtd_lane_add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

static inline void
rtd_lane_count(struct rtd_lane *lane, enum rtd_counter which, uint64_t more)
{
	rtd_lane_add(&lane->counts[which], more);
}

static inline uint64_t
rtd_lane_counted(const struct rtd_lane *lane, enum rtd_counter which)
{
	return atomic_load_explicit(&lane->counts[which],
	    memory_order_relaxed);
}

/* The command of this index was run on the lane and took so long. */
void rtd_lane_ran(struct rtd_lane *lane, size_t command, uint64_t nsec);
/* What the lanes have counted of commands goes into their table. The other
 * loops stand still. */
void rtd_lanes_gather(struct rtd_server_state *server);

/* Over all lanes. Any thread. */
uint64_t rtd_lanes_counted(const struct rtd_server_state *server,
    enum rtd_counter which);
uint64_t rtd_lanes_client_memory(const struct rtd_server_state *server);
/* Begin to count anew. The other loops stand still. */
void rtd_lanes_reset(struct rtd_server_state *server);

#endif
