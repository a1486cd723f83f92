/* engine_script: a row of operations for the engine, drawn from a seed or read
 * from bytes, and the search for a shorter row that fails as well. */
#ifndef TESTS_MODEL_ENGINE_SCRIPT_H
#define TESTS_MODEL_ENGINE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTT_DATABASES 3
#define RTT_KEYS 900
#define RTT_BATCH_MAX 4
#define RTT_SNAPSHOTS 4

enum rtt_op_kind {
	RTT_OP_PUT,
	RTT_OP_DELETE,
	RTT_OP_DROP,		/* what is in the database */
	RTT_OP_SWAP,		/* with the next database */
	RTT_OP_FLUSH,		/* and wait until it is done */
	RTT_OP_COMPACT,		/* what is due */
	RTT_OP_COMPACT_FULL,
	RTT_OP_TICK,		/* the clock goes on */
	RTT_OP_REOPEN,
	RTT_OP_GET,
	RTT_OP_SCAN,		/* from a key to the end */
	RTT_OP_HOLD,		/* a snapshot, in the place of the oldest */
	RTT_OP_RELEASE,		/* one of them */
	RTT_OP_KILL,		/* at one of the next calls of the disk */
	RTT_OP_KINDS,
};

struct rtt_op {
	enum rtt_op_kind kind;
	bool joined;		/* in one batch with the write before */
	uint32_t database;
	unsigned key;		/* below RTT_KEYS */
	unsigned moment;	/* of a read: 0 the present, else a snapshot */
	uint32_t len;		/* of a value; of a kill: which call */
	uint32_t ttl_ms;	/* 0: never expires; of a tick: how far */
};

struct rtt_script {
	struct rtt_op *ops;
	size_t count;
};

/* count operations that follow from the seed. */
void rtt_script_make(struct rtt_script *script, uint64_t seed, size_t count);
/* Operations that these bytes stand for; every byte counts. At most max. */
void rtt_script_read(struct rtt_script *script, const uint8_t *bytes,
    size_t size, size_t max);
void rtt_script_fini(struct rtt_script *script);
void rtt_script_print(const struct rtt_script *script);

/* Take operations away while `fails` still says that it fails, trying at most
 * so many times. */
void rtt_script_shrink(struct rtt_script *script,
    bool (*fails)(void *arg, const struct rtt_script *script), void *arg,
    unsigned tries);

#endif
