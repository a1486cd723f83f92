#include "bench/key_draw.h"

#include <math.h>
#include <string.h>

#include "libcommon/base/invariant.h"

#define THETA 0.99
/* So many terms of the sum are added; the rest is its integral. */
#define ZETA_TERMS 1000000
#define SCATTER_SEED 20

bool
rtb_distribution_parse(const char *name, enum rtb_distribution *out)
{
	static const char *const names[] = { "uniform", "zipfian", "latest",
		"sequential" };

	for (size_t i = 0; i < RT_COUNTOF(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum rtb_distribution)i;
			return true;
		}
	return false;
}

/* The sum of 1 / i^THETA for i from 1 to n (Euler and Maclaurin beyond the
 * first terms). */
static double
zeta(uint64_t n)
{
	uint64_t terms = n < ZETA_TERMS ? n : ZETA_TERMS;
	double sum = 0, from = (double)terms, to = (double)n;

	for (uint64_t i = 1; i <= terms; i++)
		sum += pow((double)i, -THETA);
	if (n > terms)
		sum += (pow(to, 1 - THETA) - pow(from, 1 - THETA)) /
			(1 - THETA) + (pow(to, -THETA) - pow(from, -THETA)) / 2;
	return sum;
}

static void
init_zipfian(struct rtb_key_draw *draw)
{
	double items = (double)draw->items;

	draw->zeta_items = zeta(draw->items);
	draw->half = pow(0.5, THETA);
	draw->alpha = 1 / (1 - THETA);
	draw->eta = (1 - pow(2 / items, 1 - THETA)) /
	    (1 - zeta(2) / draw->zeta_items);
}

/* 0 is the most popular. */
static uint64_t
zipfian(struct rtb_key_draw *draw)
{
	double u = (double)(rtb_random_next(draw->random) >> 11) * 0x1p-53;
	double place = u * draw->zeta_items;
	uint64_t n;

	if (place < 1)
		return 0;
	if (place < 1 + draw->half)
		return draw->items > 1;
	n = (uint64_t)((double)draw->items *
	    pow(draw->eta * u - draw->eta + 1, draw->alpha));
	return n < draw->items ? n : draw->items - 1;
}

void
rtb_key_draw_init(struct rtb_key_draw *draw,
    enum rtb_distribution distribution, struct rtb_key_count *count,
    struct rtb_random *random)
{
	*draw = (struct rtb_key_draw){
		.distribution = distribution,
		.count = count,
		.random = random,
		.items = atomic_load(&count->keys),
	};
	rt_assert(draw->items > 0);
	rtb_order_init(&draw->scattered, draw->items, SCATTER_SEED);
	if (distribution == RTB_ZIPFIAN || distribution == RTB_LATEST)
		init_zipfian(draw);
}

uint64_t
rtb_key_draw_next(struct rtb_key_draw *draw)
{
	uint64_t keys = atomic_load_explicit(&draw->count->keys,
	    memory_order_relaxed);

	switch (draw->distribution) {
	case RTB_ZIPFIAN:
		return rtb_order_at(&draw->scattered, zipfian(draw));
	case RTB_LATEST:
		return keys - 1 - zipfian(draw);
	case RTB_SEQUENTIAL:
		return atomic_fetch_add_explicit(&draw->count->next, 1,
		    memory_order_relaxed) % keys;
	case RTB_UNIFORM:
		break;
	}
	return rtb_random_below(draw->random, keys);
}

uint64_t
rtb_key_draw_insert(struct rtb_key_draw *draw)
{
	return atomic_fetch_add_explicit(&draw->count->keys, 1,
	    memory_order_relaxed);
}
