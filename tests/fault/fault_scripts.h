/* fault_scripts: what the engine goes through while file calls fail. A script
 * goes on as far as it can; what it finds must be as it was written or an
 * error. It may leave the engine open. */
#ifndef TESTS_FAULT_FAULT_SCRIPTS_H
#define TESTS_FAULT_FAULT_SCRIPTS_H

#include "tests/fault/play.h"
#include "tests/support/dir_image.h"

struct rtt_fault_script {
	const char *name;
	/* Of the configuration and the play, before both functions. */
	void (*configure)(struct rtt_play *play);
	/* On a sound disk: make the database that run() finds. It ends with
	 * its process being killed, so what it leaves open is not closed.
	 * NULL: run() finds no directory. */
	void (*prepare)(struct rtt_play *play);
	/* Change the files that prepare() left; NULL: they stay. */
	void (*spoil)(struct rtt_dir_image *image);
	/* Batches at the end of the history that spoil() may have taken. */
	size_t spoiled_max;
	void (*run)(struct rtt_play *play);
};

extern const struct rtt_fault_script rtt_fault_scripts[];
extern const size_t rtt_fault_scripts_count;

/* NULL: there is none of that name. */
const struct rtt_fault_script *rtt_fault_script_find(const char *name);

#endif
