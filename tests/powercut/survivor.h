/* survivor: the real recovery on a disk that a power cut left, and the question
 * whether what it comes back with keeps the promises (docs/powercut.md).
 *
 * V1 The engine starts.
 * V2 What it holds is what was there after some write, no earlier than was
 *    promised, no later than was begun (P2, P3, P4, P6, P7).
 * V3 Checkpoints that were made are there, every one that has its name is whole
 *    and has what it was made of, and nothing half is left.
 * V4 Sometimes: it takes more writes, stops, starts and has them; a compactor
 *    merges everything and changes nothing; the power is cut again while it
 *    recovers, and it comes back with the same.
 * Thread: one. */
#ifndef TESTS_POWERCUT_SURVIVOR_H
#define TESTS_POWERCUT_SURVIVOR_H

#include "tests/powercut/world.h"

struct rtt_judge {
	const struct rtt_world *world;	/* its history and configuration */
	struct rtt_clock clock;
	struct rtt_history history;	/* a copy, which grows */
	uint64_t random;
	/* Of so many states one goes on to each part of V4; 0: none does. */
	unsigned live_on_every, compact_every, cut_again_every;
	bool quiet;		/* nothing is printed */
	size_t states;		/* judged */
	size_t lived_on, compacted, cut_again;
	char failure[600];
};

/* What holds at the moment of a cut. */
struct rtt_promise {
	size_t kept;		/* moments of the history */
	size_t begun;
	uint64_t wall_ms;
	uint64_t checkpoints;	/* of the world's, a bit for each made */
};

void rtt_judge_init(struct rtt_judge *judge, const struct rtt_world *world,
    uint64_t seed);
void rtt_judge_fini(struct rtt_judge *judge);

/* False: a promise is broken; judge->failure says which. The disk is changed
 * by the recovery. */
bool rtt_judge_disk(struct rtt_judge *judge, struct rtt_disk *disk,
    const struct rtt_promise *promise);

#endif
