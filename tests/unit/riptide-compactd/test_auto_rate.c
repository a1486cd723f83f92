#include "riptide-compactd/auto_rate.h"

#include <inttypes.h>
#include <stdio.h>

#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"

#define MIB ((double)(UINT64_C(1) << 20))
#define NS_PER_S 1e9
#define FLUSH (64 * MIB)
#define TRIGGER 4

/* A database, second by second: flushes come at a rate, and one job at a time
 * takes all of level 0 and writes so many bytes for each of its bytes, as fast
 * as it may and can. */
struct world {
	struct rtc_auto_rate rate;
	struct rtc_auto_look look;
	double cost;		/* of a byte of level 0 */
	double can;		/* bytes a second that merges can write */
	double memtable;	/* bytes on their way */
	double job_left;	/* bytes that the job still has to write */
	double job_runs;	/* that it takes */
	double written;
	uint64_t allowed;	/* last answer; 0: no limit */
	double runs_max, up_max, rate_max, rate_min;
	double limited_s;	/* with a limit */
};

static void
begin(struct world *world, double cost, double can)
{
	*world = (struct world){ .cost = cost, .can = can,
		.look = { .now_ns = 1000, .level0_trigger = TRIGGER } };
	rtc_auto_rate_init(&world->rate);
	world->allowed = rtc_auto_rate_update(&world->rate, &world->look);
	world->rate_min = (double)world->allowed;
}

/* What merges may write in this second, and what they wait for it. */
static void
merge(struct world *world)
{
	double may = world->allowed == 0 || world->allowed > world->can
	    ? world->can : (double)world->allowed;
	double did = may < world->job_left ? may : world->job_left;

	if (world->job_runs == 0)
		return;
	world->written += did;
	world->job_left -= did;
	world->look.written_bytes = (uint64_t)world->written;
	world->look.waited_ns +=
	    (uint64_t)((1 - may / world->can) * NS_PER_S);
	if (world->job_left > 0)
		return;
	world->look.level0_runs -= (uint64_t)world->job_runs;
	world->job_runs = 0;
}

static void
turn(struct world *world, double ingest)
{
	uint64_t before = world->allowed;

	world->memtable += ingest;
	for (; world->memtable >= FLUSH; world->memtable -= FLUSH) {
		world->look.level0_runs++;
		world->look.flushed_bytes += (uint64_t)FLUSH;
	}
	merge(world);
	if (world->job_runs == 0 && world->look.level0_runs >= TRIGGER) {
		world->job_runs = (double)world->look.level0_runs;
		world->job_left = world->job_runs * FLUSH * world->cost;
	}
	world->look.debt_bytes = world->look.level0_runs >= TRIGGER
	    ? world->look.level0_runs * (uint64_t)FLUSH : 0;
	world->look.now_ns += (uint64_t)NS_PER_S;
	world->allowed = rtc_auto_rate_update(&world->rate, &world->look);
	if ((double)world->look.level0_runs > world->runs_max)
		world->runs_max = (double)world->look.level0_runs;
	if (world->allowed == 0 || before == 0)
		return;
	world->limited_s++;
	if ((double)world->allowed / (double)before > world->up_max)
		world->up_max = (double)world->allowed / (double)before;
	if ((double)world->allowed > world->rate_max)
		world->rate_max = (double)world->allowed;
	if ((double)world->allowed < world->rate_min)
		world->rate_min = (double)world->allowed;
}

static void
run(struct world *world, double ingest, unsigned seconds)
{
	world->runs_max = world->up_max = world->rate_max = 0;
	world->limited_s = 0;
	world->rate_min = world->allowed == 0 ? 1e18 : (double)world->allowed;
	for (unsigned i = 0; i < seconds; i++)
		turn(world, ingest);
	printf("# in %.0f MiB/s, cost %.0f, can %.0f MiB/s: runs up to %.0f, "
	    "rate %.0f to %.0f MiB/s, limited in %.0f of %u s, step %.2f\n",
	    ingest / MIB, world->cost, world->can / MIB, world->runs_max,
	    world->rate_min / MIB, world->rate_max / MIB, world->limited_s,
	    seconds, world->up_max);
}

START_TEST(level_0_stays_bounded_under_any_load_that_merges_can_take)
{
	static const struct { double ingest, cost; } loads[] = {
		{ 1, 3 }, { 5, 5 }, { 10, 8 }, { 10, 20 }, { 30, 6 },
		{ 15, 18 },
	};

	for (size_t i = 0; i < RT_COUNTOF(loads); i++) {
		struct world world;

		begin(&world, loads[i].cost, 300 * MIB);
		run(&world, loads[i].ingest * MIB, 3600);
		run(&world, loads[i].ingest * MIB, 3600);
		ck_assert_double_lt(world.runs_max, 6 * TRIGGER);
		/* And without a limit only now and then. */
		ck_assert_double_gt(world.limited_s, 0.8 * 3600);
	}
}
END_TEST

START_TEST(the_rate_is_near_what_the_load_costs)
{
	struct world world;

	begin(&world, 6, 400 * MIB);
	run(&world, 10 * MIB, 1200);
	run(&world, 10 * MIB, 1200);
	ck_assert_double_gt(world.rate_min, 50 * MIB);
	ck_assert_double_lt(world.rate_max, 200 * MIB);
}
END_TEST

START_TEST(it_goes_up_by_small_steps)
{
	struct world world;

	begin(&world, 8, 400 * MIB);
	run(&world, 0, 600);
	ck_assert_double_lt(world.rate_min, 8.1 * MIB);
	run(&world, 30 * MIB, 60);
	ck_assert_double_le(world.up_max, 1.51);
	ck_assert_double_gt(world.rate_max, 100 * MIB);
}
END_TEST

START_TEST(when_nothing_comes_it_becomes_gentle)
{
	struct world world;

	begin(&world, 8, 400 * MIB);
	run(&world, 30 * MIB, 300);
	run(&world, 0, 600);
	ck_assert_uint_lt(world.look.level0_runs, TRIGGER);
	ck_assert_double_lt((double)world.allowed, 8.1 * MIB);
	ck_assert_double_ge((double)world.allowed, 8 * MIB);
}
END_TEST

START_TEST(a_load_above_what_merges_can_take_has_no_limit)
{
	struct world world;

	begin(&world, 8, 100 * MIB);
	run(&world, 50 * MIB, 120);
	ck_assert_uint_eq(world.allowed, 0);
	/* It ends with the load. */
	run(&world, 0, 600);
	ck_assert_uint_ne(world.allowed, 0);
}
END_TEST

START_TEST(debt_that_grows_in_spite_of_it_raises_it_further)
{
	struct rtc_auto_look look = { .now_ns = 1, .level0_trigger = 1000 };
	struct rtc_auto_rate rate;
	uint64_t first, last = 0;

	/* Nothing comes into level 0, and still there is more to do. */
	rtc_auto_rate_init(&rate);
	first = rtc_auto_rate_update(&rate, &look);
	for (unsigned i = 0; i < 60; i++) {
		look.now_ns += (uint64_t)NS_PER_S;
		look.waited_ns += (uint64_t)NS_PER_S / 2;
		look.debt_bytes += 40 * (uint64_t)MIB;
		last = rtc_auto_rate_update(&rate, &look);
	}
	/* The debt alone would allow 40 MiB/s by then. */
	ck_assert_uint_gt(last, 4 * first);
}
END_TEST

START_TEST(looks_in_between_change_nothing)
{
	struct rtc_auto_look look = { .now_ns = 1, .level0_trigger = 4 };
	struct rtc_auto_rate rate;
	uint64_t first;

	rtc_auto_rate_init(&rate);
	first = rtc_auto_rate_update(&rate, &look);
	for (unsigned i = 0; i < 100; i++) {
		look.now_ns += 1000;
		look.debt_bytes += 1 << 30;
		ck_assert_uint_eq(rtc_auto_rate_update(&rate, &look), first);
	}
	/* Nor does a long sleep make it jump. */
	look.now_ns += UINT64_C(3600) * (uint64_t)NS_PER_S;
	ck_assert_uint_lt(rtc_auto_rate_update(&rate, &look), 8 * first);
}
END_TEST

RTT_MAIN("auto_rate",
    level_0_stays_bounded_under_any_load_that_merges_can_take,
    the_rate_is_near_what_the_load_costs, it_goes_up_by_small_steps,
    when_nothing_comes_it_becomes_gentle,
    a_load_above_what_merges_can_take_has_no_limit,
    debt_that_grows_in_spite_of_it_raises_it_further,
    looks_in_between_change_nothing)
