/* replayer: walks a script's record and judges what power cuts leave.
 * Thread: one. */
#ifndef TESTS_POWERCUT_REPLAYER_H
#define TESTS_POWERCUT_REPLAYER_H

#include "tests/powercut/scripts.h"
#include "tests/powercut/survivor.h"

struct rtt_replay {
	uint64_t seed;
	size_t states;		/* about so many */
	struct rtt_namer *namer;	/* NULL: places are not looked for */
	const char *without;	/* the place that does nothing, or NULL */
	bool quiet;		/* a failure is what is hoped for */
	/* out */
	size_t events;
	size_t points;		/* moments at which the power was cut */
	size_t judged;		/* states */
	size_t exhausted;	/* points of which every subset was tried */
	size_t lived_on, compacted, cut_again;
	size_t left_out;	/* calls */
	struct rtt_place *places;	/* that were called; free() it */
	size_t places_count;
	char failure[1200];	/* "": all promises were kept */
};

/* Run the script and judge. False: see failure. */
bool rtt_replay_script(struct rtt_replay *replay,
    const struct rtt_powercut_script *script);

#endif
