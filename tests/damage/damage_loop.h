/* damage_loop: change the files of a small database in every way there is, one
 * after the other, and start the engine on each. It must say that something is
 * wrong, or answer as if nothing were; and what it stumbles over, `riptide
 * check` must have found. */
#ifndef TESTS_DAMAGE_DAMAGE_LOOP_H
#define TESTS_DAMAGE_DAMAGE_LOOP_H

#include "tests/damage/damage_db.h"

/* What is done to a file. */
enum rtt_damage_kind {
	RTT_DAMAGE_FLIP,	/* one bit of a byte, by its place */
	RTT_DAMAGE_ZERO,	/* a byte becomes 0x00 */
	RTT_DAMAGE_ONES,	/* a byte becomes 0xff */
	RTT_DAMAGE_CUT,		/* the file ends at the byte */
	RTT_DAMAGE_SWAP,	/* two sectors of 512 bytes */
	RTT_DAMAGE_FILE,	/* removed; empty; all zeros; another's bytes */
	RTT_DAMAGE_KINDS
};

struct rtt_damage_result {
	long trials;
	long found;		/* by `riptide check` */
	long refused;		/* by the start */
	long unreadable;	/* started, and some reads failed */
	long unharmed;		/* started, everything as it was */
	long shorter;		/* of those, without the end of the log */
	long problems;
};

/* stride: take each so manieth place alone, 1 for all. */
struct rtt_damage_result rtt_damage_loop(const struct rtt_damage_db *db,
    enum rtt_damage_kind kind, size_t stride);

const char *rtt_damage_kind_name(enum rtt_damage_kind kind);

#endif
