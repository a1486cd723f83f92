/* Shrinking is delta debugging's simple half: pieces of half the length, then a
 * quarter and so on to one, each left out for good when the rest still fails
 * (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input",
 * 2002). */
#include "tests/model/engine_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

static const struct {
	const char *name;
	unsigned weight;
} kinds[RTT_OP_KINDS] = {
	[RTT_OP_PUT] = { "put", 1000 },
	[RTT_OP_DELETE] = { "delete", 300 },
	[RTT_OP_DROP] = { "drop", 3 },
	[RTT_OP_SWAP] = { "swap", 4 },
	[RTT_OP_FLUSH] = { "flush", 40 },
	[RTT_OP_COMPACT] = { "compact", 20 },
	[RTT_OP_COMPACT_FULL] = { "compact-full", 1 },
	[RTT_OP_TICK] = { "tick", 60 },
	[RTT_OP_REOPEN] = { "reopen", 3 },
	[RTT_OP_GET] = { "get", 400 },
	[RTT_OP_SCAN] = { "scan", 40 },
	[RTT_OP_HOLD] = { "hold", 10 },
	[RTT_OP_RELEASE] = { "release", 6 },
	[RTT_OP_KILL] = { "kill", 2 },
};

/* Where choices come from: bytes while there are any, or a seed. */
struct source {
	uint64_t state;
	const uint8_t *at, *end;
	bool from_bytes;
};

static uint64_t
next(uint64_t *state)
{
	uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
	return word ^ word >> 31;
}

static uint32_t
next_byte(struct source *source)
{
	return source->at < source->end ? *source->at++ : 0;
}

static uint32_t
below(struct source *source, uint32_t bound)
{
	uint32_t word;

	if (!source->from_bytes)
		return (uint32_t)(next(&source->state) % bound);
	word = next_byte(source);
	if (bound > 256)
		word |= next_byte(source) << 8;
	return word % bound;
}

static enum rtt_op_kind
draw_kind(struct source *source)
{
	unsigned sum = 0, at;

	/* Whoever chooses bytes finds weights of their own; those that are
	 * left over put. */
	if (source->from_bytes) {
		at = below(source, 2 * RTT_OP_KINDS);
		return at < RTT_OP_KINDS ? (enum rtt_op_kind)at : RTT_OP_PUT;
	}
	for (unsigned i = 0; i < RTT_OP_KINDS; i++)
		sum += kinds[i].weight;
	at = below(source, sum);
	for (unsigned i = 0;; i++) {
		if (at < kinds[i].weight)
			return (enum rtt_op_kind)i;
		at -= kinds[i].weight;
	}
}

/* Most values are small; some fill a block, few several. */
static uint32_t
draw_len(struct source *source)
{
	switch (below(source, 20)) {
	case 0:
		return 0;
	case 1:
		return below(source, 6000);
	default:
		return below(source, 60);
	}
}

static void
draw_op(struct source *source, struct rtt_op *op)
{
	op->kind = draw_kind(source);
	op->joined = below(source, 4) == 0;
	/* Most of it in the first database; few keys are hot. */
	op->database = below(source, 3) == 0 ? below(source, RTT_DATABASES) :
	    0;
	op->key = below(source, 2) == 0 ? below(source, 12) :
	    below(source, RTT_KEYS);
	op->moment = below(source, 3) == 0 ?
	    below(source, RTT_SNAPSHOTS + 1) : 0;
	op->len = draw_len(source);
	op->ttl_ms = op->kind == RTT_OP_TICK || below(source, 5) == 0 ?
	    1 + below(source, 2000) : 0;
	if (op->kind == RTT_OP_KILL)
		op->len = below(source, 256);
}

void
rtt_script_make(struct rtt_script *script, uint64_t seed, size_t count)
{
	struct source source = { .state = seed };

	script->ops = rt_alloc_zero(count, sizeof(script->ops[0]));
	script->count = count;
	for (size_t i = 0; i < count; i++)
		draw_op(&source, &script->ops[i]);
}

void
rtt_script_read(struct rtt_script *script, const uint8_t *bytes, size_t size,
    size_t max)
{
	struct source source = { .at = bytes, .end = bytes + size,
		.from_bytes = true };

	script->ops = rt_alloc_zero(max, sizeof(script->ops[0]));
	script->count = 0;
	while (source.at < source.end && script->count < max)
		draw_op(&source, &script->ops[script->count++]);
}

void
rtt_script_fini(struct rtt_script *script)
{
	free(script->ops);
	*script = (struct rtt_script){ .ops = NULL };
}

void
rtt_script_print(const struct rtt_script *script)
{
	for (size_t i = 0; i < script->count; i++) {
		const struct rtt_op *op = &script->ops[i];

		printf("# %3zu %s%s database %u key %u moment %u len %u "
		    "ttl %u\n", i,
		    kinds[op->kind].name, op->joined ? " (joined)" : "",
		    op->database, op->key, op->moment, op->len, op->ttl_ms);
	}
}

/* The script without `len` operations from `at` on. */
static struct rtt_script
without(const struct rtt_script *script, size_t at, size_t len)
{
	struct rtt_script rest = {
		.ops = rt_alloc_zero(script->count - len + 1,
		    sizeof(rest.ops[0])),
		.count = script->count - len,
	};

	memcpy(rest.ops, script->ops, at * sizeof(rest.ops[0]));
	memcpy(rest.ops + at, script->ops + at + len,
	    (script->count - at - len) * sizeof(rest.ops[0]));
	return rest;
}

void
rtt_script_shrink(struct rtt_script *script,
    bool (*fails)(void *arg, const struct rtt_script *script), void *arg,
    unsigned tries)
{
	for (size_t len = script->count / 2; len > 0; len /= 2) {
		size_t at = 0;

		while (at + len <= script->count && tries > 0) {
			struct rtt_script rest = without(script, at, len);

			tries--;
			if (fails(arg, &rest)) {
				rtt_script_fini(script);
				*script = rest;
			} else {
				rtt_script_fini(&rest);
				at += len;
			}
		}
	}
}
