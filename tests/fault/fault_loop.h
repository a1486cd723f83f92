/* fault_loop: run a script again and again, each time with another file call
 * failing, until it runs through without a fault. Each run is a process of its
 * own, several beside each other; a second process looks at what it left. */
#ifndef TESTS_FAULT_FAULT_LOOP_H
#define TESTS_FAULT_FAULT_LOOP_H

#include "tests/fault/fault_scripts.h"
#include "tests/support/call_sites.h"

struct rtt_fault_kind {
	const char *name;
	int os_errno;
	bool short_transfer;
	bool after;		/* the call does its work first */
	bool once_only;		/* for ever it would be no such error */
};

extern const struct rtt_fault_kind rtt_fault_kinds[];
extern const size_t rtt_fault_kinds_count;

/* NULL: there is none of that name. */
const struct rtt_fault_kind *rtt_fault_kind_find(const char *name);

struct rtt_fault_plan {
	const struct rtt_fault_script *script;
	const struct rtt_fault_kind *kind;
	bool for_ever;
	/* At the end of the script, while the disk fails; else the disk works
	 * again, and so must the engine. */
	bool killed;
	/* A second call fails so many calls later, chosen by the number of the
	 * first; and so does a call of the start after it. */
	bool compound;
	long only;		/* this call alone; 0: all */
	struct rtt_call_sites *sites;	/* or NULL */
};

struct rtt_fault_result {
	long points;		/* runs in which a call failed */
	long problems;		/* runs that broke a promise */
};

struct rtt_fault_result rtt_fault_loop(const struct rtt_fault_plan *plan);

#endif
