#include "libcommon/os/expiry_clock.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"

#define NS_PER_MS 1000000
/* Between two looks so near, and so alike, the line does not move: half of
 * nothing much would be nothing. */
#define LOOK_MS 10
/* A manifest that says more than this many ms is not believed: 100,000 years. */
#define TIME_MAX_MS UINT64_C(3155760000000000)

static uint64_t
wall_ms(struct rt_expiry_clock *expiry)
{
	int64_t now = rt_clock_wall_ms(expiry->clock);

	return now < 0 ? 0 : (uint64_t)now < TIME_MAX_MS ? (uint64_t)now
							 : TIME_MAX_MS;
}

static uint64_t
boot_ms(struct rt_expiry_clock *expiry)
{
	return rt_clock_boot_ns(expiry->clock) / NS_PER_MS;
}

static bool
is_of_this_boot(const struct rt_clock_mark *mark, uint64_t boot_id,
    uint64_t now_boot_ms)
{
	return boot_id != 0 && mark->boot_id == boot_id &&
	    mark->boot_ms <= now_boot_ms &&
	    mark->settled_from_ms <= mark->boot_ms &&
	    mark->wall_ms <= TIME_MAX_MS;
}

void
rt_expiry_clock_init(struct rt_expiry_clock *expiry, struct rt_clock *clock,
    const struct rt_clock_mark *mark, uint64_t line_ms)
{
	uint64_t boot_id = rt_clock_boot_id(clock);
	uint64_t boot;

	*expiry = (struct rt_expiry_clock){ .clock = clock };
	rt_mutex_init(&expiry->mu);
	boot = boot_ms(expiry);
	expiry->line_ms = line_ms < TIME_MAX_MS ? line_ms : TIME_MAX_MS;
	if (is_of_this_boot(mark, boot_id, boot)) {
		expiry->mark = *mark;
		return;
	}
	expiry->mark = (struct rt_clock_mark){
		.boot_id = boot_id,
		.boot_ms = boot,
		.wall_ms = wall_ms(expiry),
		.settled_from_ms = boot,
	};
	/* Without a mark there is nothing that the wall clock could have
	 * stepped from. */
	if (mark->boot_id == 0 && expiry->mark.wall_ms > expiry->line_ms)
		expiry->line_ms = expiry->mark.wall_ms;
}

void
rt_expiry_clock_fini(struct rt_expiry_clock *expiry)
{
	rt_mutex_fini(&expiry->mu);
}

static bool
is_settled(const struct rt_expiry_clock *expiry) RT_REQUIRES(expiry->mu)
{
	return expiry->mark.boot_ms - expiry->mark.settled_from_ms >=
	    RT_EXPIRY_SETTLE_MS;
}

/* Carry the line on by what the boot clock says has passed, and take the wall
 * clock for it where that is believed. The time that a step ends was not behind
 * the line, as far as anybody knows, and runs at full speed: it may be long,
 * since the last publish of a program that was killed. */
static void
move_line(struct rt_expiry_clock *expiry, uint64_t passed_ms, bool stepped)
    RT_REQUIRES(expiry->mu)
{
	uint64_t wall = expiry->mark.wall_ms;
	uint64_t line = expiry->line_ms + passed_ms;

	if (wall >= line) {
		if (is_settled(expiry) || wall - line <= RT_EXPIRY_STEP_MS)
			line = wall;
	} else if (!stepped) {
		uint64_t ahead = line - wall;

		line -= passed_ms / 2 < ahead ? passed_ms / 2 : ahead;
	}
	expiry->line_ms = line;
}

static void
look(struct rt_expiry_clock *expiry) RT_REQUIRES(expiry->mu)
{
	struct rt_clock_mark *mark = &expiry->mark;
	uint64_t boot = boot_ms(expiry), wall = wall_ms(expiry);
	/* The boot clock never falls. */
	uint64_t passed = boot > mark->boot_ms ? boot - mark->boot_ms : 0;
	int64_t apart = (int64_t)(wall - mark->wall_ms) - (int64_t)passed;
	bool stepped = llabs(apart) > RT_EXPIRY_STEP_MS;

	if (passed >= LOOK_MS || llabs(apart) >= LOOK_MS) {
		mark->boot_ms += passed;
		mark->wall_ms = wall;
		if (stepped) {
			mark->settled_from_ms = mark->boot_ms;
			expiry->step_ms += apart;
			expiry->steps++;
		}
		move_line(expiry, passed, stepped);
	}
	/* Small steps back are not seen at all; after a large one the line
	 * says from where it goes on. */
	if (stepped)
		expiry->told_ms = 0;
	if (expiry->told_ms < expiry->line_ms)
		expiry->told_ms = expiry->line_ms;
	if (expiry->told_ms < wall)
		expiry->told_ms = wall;
}

void
rt_expiry_clock_raise(struct rt_expiry_clock *expiry, uint64_t line_ms)
{
	rt_mutex_lock(&expiry->mu);
	/* Up to now first: the time since the last look is in the other's line
	 * already, and must not pass a second time. */
	look(expiry);
	if (line_ms > expiry->line_ms && line_ms <= TIME_MAX_MS)
		expiry->line_ms = line_ms;
	rt_mutex_unlock(&expiry->mu);
}

void
rt_expiry_clock_read(struct rt_expiry_clock *expiry,
    struct rt_expiry_reading *out)
{
	rt_mutex_lock(&expiry->mu);
	look(expiry);
	*out = (struct rt_expiry_reading){
		.now_ms = expiry->told_ms,
		.line_ms = expiry->line_ms,
		.mark = expiry->mark,
		.step_ms = expiry->step_ms,
		.steps = expiry->steps,
		.settled = is_settled(expiry),
	};
	expiry->step_ms = 0;
	rt_mutex_unlock(&expiry->mu);
}
