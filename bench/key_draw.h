/* key_draw: which key comes next: uniform, zipfian, latest, or in order.
 *
 * Zipfian numbers after Gray, Sundaresan, Englert, Baclawski and Weinberger,
 * "Quickly generating billion-record synthetic databases" (SIGMOD 1994), with
 * the constant 0.99 of YCSB; the popular keys lie scattered among the others.
 * Thread: a draw belongs to one; the keys that it counts are shared. */
#ifndef BENCH_KEY_DRAW_H
#define BENCH_KEY_DRAW_H

#include <stdatomic.h>

#include "bench/workload.h"

enum rtb_distribution {
	RTB_UNIFORM,
	RTB_ZIPFIAN,
	RTB_LATEST,		/* zipfian, counted back from the newest key */
	RTB_SEQUENTIAL,		/* each key once, over all threads */
};

/* How many keys there are, which inserts raise, and where those in order
 * are. */
struct rtb_key_count {
	_Atomic uint64_t keys;
	_Atomic uint64_t next;
};

struct rtb_key_draw {
	enum rtb_distribution distribution;
	struct rtb_key_count *count;
	struct rtb_random *random;
	struct rtb_order scattered;	/* of the keys at the start */
	uint64_t items;			/* that the constants are for */
	double zeta_items, alpha, eta, half;
};

/* "uniform", "zipfian", "latest", "sequential". False: none of these. */
bool rtb_distribution_parse(const char *name, enum rtb_distribution *out);

/* count and random are borrowed. */
void rtb_key_draw_init(struct rtb_key_draw *draw,
    enum rtb_distribution distribution, struct rtb_key_count *count,
    struct rtb_random *random);
/* The number of a key that is there. */
uint64_t rtb_key_draw_next(struct rtb_key_draw *draw);
/* The number of a new key, which counts as there from now on. */
uint64_t rtb_key_draw_insert(struct rtb_key_draw *draw);

#endif
