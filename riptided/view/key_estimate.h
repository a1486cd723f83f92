/* key_estimate: how many live keys the layers of a tree hold together, from
 * their counts and sketches alone.
 *
 * Layers come newest first. With U the keys of all layers before, a layer whose
 * live keys are P and whose dead ones are D brings |U + P| - |U| live ones; its
 * dead ones join U, for they hide what is older. So live = |U in the end| - the
 * sum over all layers of |U + P + D| - |U + P|, and only unions are needed.
 * Layers without dead keys leave one term.
 *
 * A union is estimated by its sketch, less the error that the same sketch makes
 * with the largest layer in it, whose number is known exactly: |S| = E(S) - E(B)
 * + |B|. As E(S) and E(B) err together, this is closer the more of S is B, and
 * exact when nothing else is there. Of a union with n keys and a layer with m
 * the standard error is about 0.81 % of sqrt(n^2 - m^2).
 * Thread: one at a time. */
#ifndef RIPTIDED_VIEW_KEY_ESTIMATE_H
#define RIPTIDED_VIEW_KEY_ESTIMATE_H

#include "libcommon/table/key_sketch.h"

/* A run or a memtable, as far as one keyspace goes. */
struct rtd_key_layer {
	uint64_t keys;		/* exact; live and dead */
	uint64_t live;
	uint64_t expiring;	/* of the live ones, with an expiry */
	double expire_sum_ms;
	const struct rt_key_sketch *all;	/* of all keys */
	/* Of the live ones; `all` when all are. NULL is allowed in the first
	 * layer. */
	const struct rt_key_sketch *alive;
};

struct rtd_key_estimate {
	struct rt_key_sketch all;	/* U */
	uint64_t base;			/* keys of the largest layer in U */
	double base_about;		/* what its sketch says */
	double dead;
	uint64_t layers;		/* with keys */
	uint64_t keys;			/* sums over the layers */
	uint64_t live;
	uint64_t expiring;
	double expire_sum_ms;
};

/* Zeroed is before the first layer. It takes 16 KiB, so not on a stack. */
void rtd_key_estimate_add(struct rtd_key_estimate *estimate,
    const struct rtd_key_layer *layer);

/* The live keys of all layers together; exact when at most one had any. */
uint64_t rtd_key_estimate_live(const struct rtd_key_estimate *estimate);

#endif
