/* scripts: what the recorded programs do. Thread: one. */
#ifndef TESTS_POWERCUT_SCRIPTS_H
#define TESTS_POWERCUT_SCRIPTS_H

#include "tests/powercut/world.h"

struct rtt_powercut_script {
	const char *name;
	enum rt_appendfsync policy;
	void (*run)(struct rtt_world *world);
};

extern const struct rtt_powercut_script rtt_powercut_scripts[];
extern const size_t rtt_powercut_scripts_count;

#endif
