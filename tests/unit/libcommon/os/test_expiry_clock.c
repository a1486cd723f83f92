#include "libcommon/os/expiry_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/runner.h"

#define START_MS UINT64_C(1700000000000)
#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)

/* A machine whose clocks are turned by hand. */
struct machine {
	struct rt_clock clock;
	uint64_t boot;		/* number of this start */
	uint64_t boot_ms;
	uint64_t wall_ms;
	struct rt_expiry_clock expiry;
};

static uint64_t
machine_boot_ns(struct rt_clock *clock)
{
	return ((struct machine *)clock)->boot_ms * 1000000;
}

static int64_t
machine_wall_ms(struct rt_clock *clock)
{
	return (int64_t)((struct machine *)clock)->wall_ms;
}

static uint64_t
machine_boot_id(struct rt_clock *clock)
{
	return ((struct machine *)clock)->boot;
}

static void
start(struct machine *machine)
{
	static const struct rt_clock_mark none;

	*machine = (struct machine){ .boot = 1, .boot_ms = 5000,
		.wall_ms = START_MS };
	machine->clock = (struct rt_clock){ .wall_ms = machine_wall_ms,
		.boot_ns = machine_boot_ns, .boot_id = machine_boot_id };
	rt_expiry_clock_init(&machine->expiry, &machine->clock, &none, 0);
}

static struct rt_expiry_reading
look(struct machine *machine)
{
	struct rt_expiry_reading reading;

	rt_expiry_clock_read(&machine->expiry, &reading);
	ck_assert_uint_ge(reading.now_ms, reading.line_ms);
	ck_assert_uint_ge(reading.now_ms, machine->wall_ms);
	return reading;
}

static void
pass(struct machine *machine, uint64_t ms)
{
	machine->boot_ms += ms;
	machine->wall_ms += ms;
}

/* Pass the time in pieces, looking at each. */
static void
live(struct machine *machine, uint64_t ms, uint64_t piece_ms)
{
	for (uint64_t i = 0; i < ms; i += piece_ms) {
		pass(machine, piece_ms);
		look(machine);
	}
}

static void
step(struct machine *machine, int64_t ms)
{
	machine->wall_ms += (uint64_t)ms;
}

/* The program ends, and another one starts with what was written down. */
static void
restart(struct machine *machine)
{
	struct rt_expiry_reading reading = look(machine);

	rt_expiry_clock_fini(&machine->expiry);
	rt_expiry_clock_init(&machine->expiry, &machine->clock, &reading.mark,
	    reading.line_ms);
}

static void
reboot(struct machine *machine)
{
	struct rt_expiry_reading reading = look(machine);

	machine->boot++;
	machine->boot_ms = 1000;
	rt_expiry_clock_fini(&machine->expiry);
	rt_expiry_clock_init(&machine->expiry, &machine->clock, &reading.mark,
	    reading.line_ms);
}

START_TEST(a_clock_that_runs_true_is_followed)
{
	struct machine machine;

	start(&machine);
	ck_assert_uint_eq(look(&machine).now_ms, START_MS);
	for (unsigned i = 1; i < 1000; i++) {
		pass(&machine, i % 13);
		ck_assert_uint_eq(look(&machine).now_ms, machine.wall_ms);
	}
	pass(&machine, 3 * DAY_MS);
	ck_assert_uint_eq(look(&machine).line_ms, machine.wall_ms);
	ck_assert_uint_eq(look(&machine).steps, 0);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(a_step_back_brings_nothing_back)
{
	struct machine machine;
	uint64_t before;

	start(&machine);
	live(&machine, MINUTE_MS, 100);
	before = look(&machine).now_ms;
	step(&machine, -(int64_t)DAY_MS);
	ck_assert_uint_ge(look(&machine).now_ms, before);
	restart(&machine);
	ck_assert_uint_ge(look(&machine).now_ms, before);
	reboot(&machine);
	ck_assert_uint_ge(look(&machine).now_ms, before);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(a_step_back_is_told_once)
{
	struct rt_expiry_reading reading;
	struct machine machine;

	start(&machine);
	look(&machine);
	step(&machine, -(int64_t)DAY_MS);
	reading = look(&machine);
	ck_assert_int_eq(reading.step_ms, -(int64_t)DAY_MS);
	ck_assert_uint_eq(reading.steps, 1);
	ck_assert_int_eq(look(&machine).step_ms, 0);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(after_a_step_back_time_goes_on_and_meets_the_clock_again)
{
	struct machine machine;
	uint64_t before;

	start(&machine);
	before = look(&machine).now_ms;
	step(&machine, -(int64_t)HOUR_MS);
	look(&machine);
	live(&machine, 2 * MINUTE_MS, 10);
	/* Half speed. */
	ck_assert_uint_eq(look(&machine).now_ms, before + MINUTE_MS);
	live(&machine, 2 * HOUR_MS, 1000);
	ck_assert_uint_eq(look(&machine).now_ms, machine.wall_ms);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(small_steps_back_are_not_seen)
{
	struct machine machine;
	uint64_t before;

	start(&machine);
	live(&machine, MINUTE_MS, 7);
	before = look(&machine).now_ms;
	step(&machine, -1500);
	ck_assert_uint_eq(look(&machine).now_ms, before);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now;

		pass(&machine, 1);
		now = look(&machine).now_ms;
		ck_assert_uint_ge(now, before);
		before = now;
	}
	ck_assert_uint_eq(look(&machine).steps, 0);
	ck_assert_uint_eq(look(&machine).now_ms, machine.wall_ms);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

/* Too small to be a step, and nothing had passed: it was forgotten by the time
 * that the large one came. */
START_TEST(what_a_small_difference_showed_is_kept_by_a_step_back)
{
	struct machine machine;
	uint64_t shown;

	start(&machine);
	step(&machine, 1000);
	shown = look(&machine).now_ms;
	ck_assert_uint_eq(shown, START_MS + 1000);
	pass(&machine, 100);
	step(&machine, -(int64_t)DAY_MS);
	ck_assert_uint_eq(look(&machine).now_ms, shown + 100);
}
END_TEST

START_TEST(a_step_forward_is_read_at_once_and_believed_late)
{
	struct machine machine;

	start(&machine);
	live(&machine, MINUTE_MS, 100);
	step(&machine, (int64_t)(10 * YEAR_MS));
	ck_assert_uint_eq(look(&machine).now_ms, machine.wall_ms);
	ck_assert_uint_lt(look(&machine).line_ms, START_MS + HOUR_MS);
	ck_assert(!look(&machine).settled);
	restart(&machine);
	live(&machine, HOUR_MS - MINUTE_MS, 1000);
	restart(&machine);
	ck_assert_uint_lt(look(&machine).line_ms, START_MS + 2 * HOUR_MS);
	live(&machine, 2 * MINUTE_MS, 1000);
	ck_assert(look(&machine).settled);
	ck_assert_uint_eq(look(&machine).line_ms, machine.wall_ms);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(a_step_forward_that_is_undone_leaves_no_trace)
{
	struct machine machine;

	start(&machine);
	live(&machine, 2 * HOUR_MS, 1000);
	step(&machine, (int64_t)(10 * YEAR_MS));
	live(&machine, 10 * MINUTE_MS, 1000);
	restart(&machine);
	step(&machine, -(int64_t)(10 * YEAR_MS));
	ck_assert_uint_eq(look(&machine).now_ms, machine.wall_ms);
	ck_assert_uint_eq(look(&machine).line_ms, machine.wall_ms);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

/* The clock is wrong while no program runs. */
START_TEST(a_step_between_two_runs_is_seen)
{
	struct rt_expiry_reading reading;
	struct machine machine;

	start(&machine);
	live(&machine, 2 * HOUR_MS, 1000);
	restart(&machine);
	pass(&machine, 3 * HOUR_MS);
	step(&machine, (int64_t)YEAR_MS);
	reading = look(&machine);
	ck_assert_int_eq(reading.step_ms, (int64_t)YEAR_MS);
	ck_assert_uint_eq(reading.line_ms, START_MS + 5 * HOUR_MS);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(a_start_of_the_machine_is_believed_late)
{
	struct machine machine;
	uint64_t line;

	start(&machine);
	live(&machine, 2 * HOUR_MS, 1000);
	line = look(&machine).line_ms;
	machine.wall_ms += DAY_MS;
	reboot(&machine);
	ck_assert_uint_ge(look(&machine).now_ms, machine.wall_ms);
	/* The reading before the reboot saw a step. */
	live(&machine, 50 * MINUTE_MS, 1000);
	ck_assert_uint_lt(look(&machine).line_ms, line + HOUR_MS);
	live(&machine, 20 * MINUTE_MS, 1000);
	ck_assert_uint_eq(look(&machine).line_ms, machine.wall_ms);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(marks_that_make_no_sense_are_not_believed)
{
	static const struct rt_clock_mark marks[] = {
		{ 1, UINT64_MAX, START_MS, 0 },
		{ 1, 4000, UINT64_MAX, 0 },
		{ 1, 4000, START_MS, 4001 },
		{ 0, 4000, START_MS, 0 },
	};

	for (size_t i = 0; i < RT_COUNTOF(marks); i++) {
		struct machine machine;

		start(&machine);
		rt_expiry_clock_fini(&machine.expiry);
		rt_expiry_clock_init(&machine.expiry, &machine.clock,
		    &marks[i], START_MS - 10);
		ck_assert_uint_eq(look(&machine).now_ms, START_MS);
		ck_assert_uint_le(look(&machine).line_ms, START_MS);
		rt_expiry_clock_fini(&machine.expiry);
	}
}
END_TEST

/* Whatever the wall clock does: the line never falls and never runs faster
 * than true time while no wrong time stands for an hour. */
START_TEST(the_line_never_falls_and_never_runs_ahead)
{
	unsigned seed = (unsigned)time(NULL);
	struct machine machine;
	uint64_t line = 0, true_ms = START_MS, began = START_MS;

	printf("# seed %u\n", seed);
	srand(seed);
	start(&machine);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t ms = (uint64_t)(rand() % 30000);
		struct rt_expiry_reading reading;

		pass(&machine, ms);
		true_ms += ms;
		/* Wrong by up to ten years for at most 20 minutes, then
		 * right again. */
		if (rand() % 50 == 0)
			machine.wall_ms = true_ms +
			    (uint64_t)(rand() % 2000 - 1000) * 4 * DAY_MS;
		if (rand() % 40 == 0)
			machine.wall_ms = true_ms;
		if (machine.wall_ms == true_ms)
			began = true_ms;
		else if (true_ms - began > 20 * MINUTE_MS)
			machine.wall_ms = true_ms;
		if (rand() % 100 == 0)
			restart(&machine);
		reading = look(&machine);
		ck_assert_uint_ge(reading.line_ms, line);
		ck_assert_uint_le(reading.line_ms,
		    true_ms + RT_EXPIRY_STEP_MS);
		line = reading.line_ms;
	}
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

/* A program that was killed long after its last publish: what expired in
 * between was seen to be away. */
START_TEST(a_step_back_does_not_slow_down_the_time_before_it)
{
	struct rt_expiry_reading published;
	struct machine machine;
	uint64_t before;

	start(&machine);
	live(&machine, MINUTE_MS, 100);
	published = look(&machine);
	live(&machine, 10 * HOUR_MS, 1000);
	before = look(&machine).now_ms;
	step(&machine, -(int64_t)DAY_MS);
	rt_expiry_clock_fini(&machine.expiry);
	rt_expiry_clock_init(&machine.expiry, &machine.clock, &published.mark,
	    published.line_ms);
	ck_assert_uint_ge(look(&machine).now_ms, before);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

/* Two programs and a manifest: what one has written down, the other takes over,
 * however long it has not looked. */
START_TEST(a_line_taken_over_is_not_carried_on_twice)
{
	struct rt_expiry_clock other;
	struct rt_expiry_reading reading;
	struct machine machine;

	start(&machine);
	reading = look(&machine);
	rt_expiry_clock_init(&other, &machine.clock, &reading.mark,
	    reading.line_ms);
	rt_expiry_clock_read(&other, &reading);
	live(&machine, HOUR_MS, 1000);
	rt_expiry_clock_raise(&other, look(&machine).line_ms);
	rt_expiry_clock_read(&other, &reading);
	ck_assert_uint_eq(reading.line_ms, machine.wall_ms);
	ck_assert_uint_eq(reading.now_ms, machine.wall_ms);
	rt_expiry_clock_fini(&other);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

START_TEST(two_programs_do_not_drive_each_other_ahead)
{
	unsigned seed = (unsigned)time(NULL);
	struct rt_expiry_clock clocks[2];
	struct rt_clock_mark mark = { 0 };
	struct machine machine;
	uint64_t line = 0;

	printf("# seed %u\n", seed);
	srand(seed);
	start(&machine);
	for (unsigned i = 0; i < 2; i++)
		rt_expiry_clock_init(&clocks[i], &machine.clock, &mark, 0);
	for (unsigned i = 0; i < 100000; i++) {
		struct rt_expiry_clock *one = &clocks[rand() % 2];
		struct rt_expiry_reading reading;

		pass(&machine, (uint64_t)(rand() % (i % 7 == 0 ? 5000 : 9)));
		if (rand() % 50 == 0) {
			rt_expiry_clock_fini(one);
			rt_expiry_clock_init(one, &machine.clock, &mark, line);
		}
		if (rand() % 2 == 0)
			rt_expiry_clock_raise(one, line);
		rt_expiry_clock_read(one, &reading);
		/* One look may be up to 10 ms behind. */
		ck_assert_uint_le(reading.line_ms, machine.wall_ms + 10);
		ck_assert_uint_le(reading.now_ms, machine.wall_ms + 10);
		if (reading.line_ms > line)
			line = reading.line_ms;
		if (reading.mark.boot_ms > mark.boot_ms)
			mark = reading.mark;
	}
	rt_expiry_clock_fini(&clocks[0]);
	rt_expiry_clock_fini(&clocks[1]);
	rt_expiry_clock_fini(&machine.expiry);
}
END_TEST

RTT_MAIN("expiry_clock", a_clock_that_runs_true_is_followed,
    a_step_back_brings_nothing_back, a_step_back_is_told_once,
    after_a_step_back_time_goes_on_and_meets_the_clock_again,
    small_steps_back_are_not_seen,
    what_a_small_difference_showed_is_kept_by_a_step_back,
    a_step_forward_is_read_at_once_and_believed_late,
    a_step_forward_that_is_undone_leaves_no_trace,
    a_step_between_two_runs_is_seen, a_start_of_the_machine_is_believed_late,
    marks_that_make_no_sense_are_not_believed,
    the_line_never_falls_and_never_runs_ahead,
    a_step_back_does_not_slow_down_the_time_before_it,
    a_line_taken_over_is_not_carried_on_twice,
    two_programs_do_not_drive_each_other_ahead)
