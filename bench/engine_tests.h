/* engine_tests: the loads that every store is put through, and the pieces of
 * them that the tests of ours alone use too. All end the process when a store
 * answers what it should not. */
#ifndef BENCH_ENGINE_TESTS_H
#define BENCH_ENGINE_TESTS_H

#include "bench/turns.h"

/* Reads wait for nobody where all is in memory, so that the processor time of
 * their thread says what they cost however busy the machine is: --cpu-time.
 * Nanoseconds. */
uint64_t rtb_read_clock(const struct rtb_run *run);

/* Put keys first, first + step ... of a random order of all keys; every key
 * once when step is 1. Seconds. */
double rtb_fill(struct rtb_run *run, uint64_t seed, uint64_t first,
    uint64_t step);
/* Get `count` random keys that are there, or not there. Seconds. */
double rtb_read_random(struct rtb_run *run, uint64_t count, bool missing);

#endif
