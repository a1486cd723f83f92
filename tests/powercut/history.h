/* history: what the databases held after every write of a script, so that what
 * a power cut left can be found in it: it must be what was there after some
 * write, no earlier than what was promised and no later than what was begun.
 * Versions of values are numbered; absence is version 0.
 * Thread: one writes, under the owner's lock. */
#ifndef TESTS_POWERCUT_HISTORY_H
#define TESTS_POWERCUT_HISTORY_H

#include "riptided/engine/engine.h"

#define RTT_DATABASES 2
#define RTT_KEYS 20
#define RTT_KEY_BYTES 16

struct rtt_contents {
	uint32_t versions[RTT_DATABASES][RTT_KEYS];
};

struct rtt_made {
	unsigned key;
	uint32_t len;
	uint64_t expire_ms;	/* or RT_NO_EXPIRY */
};

struct rtt_moment {
	struct rtt_contents contents;
	uint64_t seq;		/* of the write that led here */
	/* After a kill it was found that this write never came to be; from
	 * this moment on it cannot any more. 0: it may. */
	size_t gone_from;
};

struct rtt_history {
	struct rtt_moment *moments;	/* the first: nothing is there */
	size_t count;
	struct rtt_made *made;		/* by version */
	size_t made_count;
};

void rtt_history_init(struct rtt_history *history);
void rtt_history_fini(struct rtt_history *history);

/* A new version of a key; its number. */
uint32_t rtt_history_make(struct rtt_history *history, unsigned key,
    uint32_t len, uint64_t expire_ms);
/* The bytes of a version, for rt_buf_fini(). */
void rtt_history_value(const struct rtt_history *history, uint32_t version,
    struct rt_buf *out);
char *rtt_history_key(char out[RTT_KEY_BYTES], unsigned key);

/* The moment after a write that is about to be made; its number. */
size_t rtt_history_add(struct rtt_history *history,
    const struct rtt_contents *contents);
/* The last moment that a sequence covers. */
size_t rtt_history_covered(const struct rtt_history *history, uint64_t seq);

/* What an engine holds at now_ms. False: not possible, and why. */
bool rtt_contents_read(const struct rtt_history *history,
    struct rtd_engine *engine, uint64_t now_ms, struct rtt_contents *out,
    char *failure, size_t failure_bytes);

/* The latest moment from first to last at which this could be seen, or -1 and
 * why. */
long rtt_history_find(const struct rtt_history *history,
    const struct rtt_contents *contents, uint64_t now_ms, size_t first,
    size_t last, char *failure, size_t failure_bytes);

#endif
