/* workload: keys, values and chance, the same for every store.
 *
 * Key number n is 16 decimal digits of 2n, so that 2n + 1 is a key that is not
 * there but lies between two that are. Values are windows of a pool of which
 * half compresses. Thread: one at a time. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "libcommon/base/slice.h"

#define RTB_KEY_BYTES 16

uint64_t rtb_now_ns(void);
/* Processor time of the calling thread. */
uint64_t rtb_cpu_ns(void);
/* Of all threads of the process. */
uint64_t rtb_process_ns(void);

/* xorshift64*; the state must not be 0. */
struct rtb_random {
	uint64_t state;
};

uint64_t rtb_random_next(struct rtb_random *random);
/* From 0 to below - 1. */
uint64_t rtb_random_below(struct rtb_random *random, uint64_t below);

/* Key number n, or with `missing` the one after it that is not there. Below
 * 10^15. */
struct rt_slice rtb_key(uint8_t out[RTB_KEY_BYTES], uint64_t n, bool missing);

/* A random order of 0 to count - 1 that needs no memory: a Feistel network
 * over the next power of four, walked until the result is in range. */
struct rtb_order {
	uint64_t count;
	unsigned half_bits;
	uint32_t keys[4];
};

void rtb_order_init(struct rtb_order *order, uint64_t count, uint64_t seed);
uint64_t rtb_order_at(const struct rtb_order *order, uint64_t i);

struct rtb_values {
	uint8_t *pool;
	size_t at;
	size_t bytes;		/* of a value */
};

void rtb_values_init(struct rtb_values *values, size_t bytes, uint64_t seed);
void rtb_values_fini(struct rtb_values *values);
/* Valid until fini. */
struct rt_slice rtb_values_next(struct rtb_values *values);

#endif
