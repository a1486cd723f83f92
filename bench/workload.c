#include "bench/workload.h"

#include <stdlib.h>
#include <time.h>

#include "libcommon/base/invariant.h"

#define POOL_BYTES (1u << 20)
/* Each run of this many bytes is half random, half one letter. */
#define PIECE_BYTES 100
/* 10 to the half of RTB_KEY_BYTES. */
#define HALF_KEY UINT64_C(100000000)

static uint64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
rtb_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t
rtb_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t
rtb_process_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t
rtb_random_next(struct rtb_random *random)
{
	uint64_t x = random->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t
rtb_random_below(struct rtb_random *random, uint64_t below)
{
	return (uint64_t)((unsigned __int128)rtb_random_next(random) * below >>
	    64);
}

struct rt_slice
rtb_key(uint8_t out[RTB_KEY_BYTES], uint64_t n, bool missing)
{
	uint64_t digits = n * 2 + missing;
	uint32_t high = (uint32_t)(digits / HALF_KEY);
	uint32_t low = (uint32_t)(digits % HALF_KEY);

	/* Two short chains of divisions that run side by side. */
	for (unsigned i = RTB_KEY_BYTES / 2; i-- > 0;) {
		out[i] = (uint8_t)('0' + high % 10);
		out[i + RTB_KEY_BYTES / 2] = (uint8_t)('0' + low % 10);
		high /= 10;
		low /= 10;
	}
	return rt_slice(out, RTB_KEY_BYTES);
}

void
rtb_order_init(struct rtb_order *order, uint64_t count, uint64_t seed)
{
	struct rtb_random random = { seed | 1 };

	rt_assert(count > 0);
	order->count = count;
	order->half_bits = 1;
	while (UINT64_C(1) << 2 * order->half_bits < count)
		order->half_bits++;
	for (unsigned i = 0; i < RT_COUNTOF(order->keys); i++)
		order->keys[i] = (uint32_t)(rtb_random_next(&random) >> 32);
}

static uint64_t
permute(const struct rtb_order *order, uint64_t n)
{
	uint64_t mask = (UINT64_C(1) << order->half_bits) - 1;
	uint64_t left = n >> order->half_bits, right = n & mask;

	for (unsigned i = 0; i < RT_COUNTOF(order->keys); i++) {
		uint64_t mixed = (right ^ order->keys[i]) *
		    UINT64_C(0x9e3779b97f4a7c15);
		uint64_t old = right;

		right = (left ^ mixed >> 32) & mask;
		left = old;
	}
	return left << order->half_bits | right;
}

uint64_t
rtb_order_at(const struct rtb_order *order, uint64_t i)
{
	do
		i = permute(order, i);
	while (i >= order->count);
	return i;
}

void
rtb_values_init(struct rtb_values *values, size_t bytes, uint64_t seed)
{
	struct rtb_random random = { seed | 1 };

	/* A window may begin anywhere in the pool. */
	values->pool = rt_alloc(POOL_BYTES + bytes);
	values->bytes = bytes;
	values->at = 0;
	for (size_t i = 0; i < POOL_BYTES + bytes; i++)
		values->pool[i] = i % PIECE_BYTES < PIECE_BYTES / 2 ?
		    (uint8_t)(rtb_random_next(&random) >> 56) : 'r';
}

void
rtb_values_fini(struct rtb_values *values)
{
	free(values->pool);
	values->pool = NULL;
}

struct rt_slice
rtb_values_next(struct rtb_values *values)
{
	const uint8_t *at = values->pool + values->at;

	values->at = (values->at + values->bytes) % POOL_BYTES;
	return rt_slice(at, values->bytes);
}
