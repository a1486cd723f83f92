/* Where few things are unsafe, all subsets of them are tried; elsewhere the
 * fates are drawn. A point at which nothing new can be left, and no more is
 * promised than before, is passed by. */
#include "tests/powercut/replayer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"

/* Up to so many unsafe changes their subsets are all tried. */
#define EXHAUSTED_MAX 4
#define LIVE_ON_EVERY 12
#define COMPACT_EVERY 24
#define CUT_AGAIN_EVERY 24
/* A compactor shows more than any other what is wrong. */
#define COMPACT_EVERY_SEARCHING 6
#define EVENTS_PRINTED 40

/* What the worst disks do, and the best. */
static const struct rtt_cut usual[] = {
	{ RTT_NAMES_LOSE, RTT_DATA_LOSE, RTT_SIZE_OLD, 0, 0 },
	{ RTT_NAMES_KEEP, RTT_DATA_KEEP, RTT_SIZE_NEW, 0, 0 },
	{ RTT_NAMES_KEEP, RTT_DATA_LOSE, RTT_SIZE_OLD, 0, 0 },
	{ RTT_NAMES_KEEP, RTT_DATA_LOSE, RTT_SIZE_NEW, 0, 0 },
	{ RTT_NAMES_KEEP, RTT_DATA_ZERO, RTT_SIZE_NEW, 0, 0 },
	{ RTT_NAMES_KEEP, RTT_DATA_GARBAGE, RTT_SIZE_NEW, 0, 0 },
	{ RTT_NAMES_LOSE, RTT_DATA_KEEP, RTT_SIZE_NEW, 0, 0 },
	{ RTT_NAMES_KEEP, RTT_DATA_HALF, RTT_SIZE_ANY, 0, 0 },
};

static bool
is_point(const struct rtt_event *event)
{
	switch (event->kind) {
	case RTT_EVENT_SYNC_BEGIN:
	case RTT_EVENT_SYNC_END:
		return false;
	case RTT_EVENT_NOTE:
		return event->inode == RTT_NOTE_KEPT ||
		    event->inode == RTT_NOTE_WALL_MS ||
		    event->inode == RTT_NOTE_CHECKPOINTS;
	default:
		return true;
	}
}

static struct rtt_cut
draw_cut(uint64_t *random)
{
	struct rtt_cut cut;

	if (rtt_cuts_draw(random) % 2 == 0)
		cut = usual[rtt_cuts_draw(random) % RT_COUNTOF(usual)];
	else
		cut = (struct rtt_cut){
			.names = (enum rtt_cut_names)(rtt_cuts_draw(random) %
			    RTT_NAMES_POLICIES),
			.data = (enum rtt_cut_data)(rtt_cuts_draw(random) %
			    RTT_DATA_POLICIES),
			.size = (enum rtt_cut_size)(rtt_cuts_draw(random) %
			    RTT_SIZE_POLICIES),
		};
	cut.seed = rtt_cuts_draw(random);
	return cut;
}

static bool
judge_cut(struct rtt_replay *replay, struct rtt_judge *judge,
    const struct rtt_cuts *cuts, const struct rtt_cut *cut)
{
	const struct rtt_promise promise = {
		.kept = cuts->notes[RTT_NOTE_KEPT],
		.begun = cuts->notes[RTT_NOTE_BEGUN],
		.wall_ms = cuts->notes[RTT_NOTE_WALL_MS],
		.checkpoints = cuts->notes[RTT_NOTE_CHECKPOINTS],
	};
	struct rtt_disk disk;
	char text[128];
	bool good;

	rtt_cuts_make(cuts, cut, judge->world->disk.root, &disk);
	rtt_disk_age(&disk);
	good = rtt_judge_disk(judge, &disk, &promise);
	rtt_disk_fini(&disk);
	if (good)
		return true;
	snprintf(replay->failure, sizeof(replay->failure),
	    "cut at event %zu of %zu (%s): %s", cuts->at, cuts->count,
	    rtt_cut_print(cut, text, sizeof(text)), judge->failure);
	if (!replay->quiet)
		rtt_cuts_print(cuts, EVENTS_PRINTED);
	return false;
}

/* All subsets of what is unsafe, each with either size. */
static bool
exhaust(struct rtt_replay *replay, struct rtt_judge *judge,
    const struct rtt_cuts *cuts)
{
	bool good = true;

	replay->exhausted++;
	for (uint64_t mask = 0; good && mask < UINT64_C(1) << cuts->unsafe;
	     mask++) {
		const struct rtt_cut cut = {
			.names = RTT_NAMES_MASK,
			.data = RTT_DATA_MASK,
			.size = mask % 2 == 0 ? RTT_SIZE_OLD : RTT_SIZE_NEW,
			.mask = mask,
		};

		good = judge_cut(replay, judge, cuts, &cut);
	}
	return good;
}

/* share: states for this point; its fraction is a chance. */
static bool
cut_here(struct rtt_replay *replay, struct rtt_judge *judge,
    const struct rtt_cuts *cuts, double share, uint64_t *random)
{
	size_t count = (size_t)share;
	bool good = true;

	if ((double)(rtt_cuts_draw(random) % 1024) / 1024 <
	    share - (double)count)
		count++;
	if (count == 0)
		return true;
	replay->points++;
	if (cuts->unsafe == 0)
		return judge_cut(replay, judge, cuts, &usual[0]);
	if (cuts->unsafe <= EXHAUSTED_MAX &&
	    UINT64_C(1) << cuts->unsafe <= count) {
		good = exhaust(replay, judge, cuts);
		count -= (size_t)1 << cuts->unsafe;
	}
	for (size_t i = 0; good && i < count; i++) {
		struct rtt_cut cut = draw_cut(random);

		good = judge_cut(replay, judge, cuts, &cut);
	}
	return good;
}

static bool
walk(struct rtt_replay *replay, struct rtt_world *world,
    struct rtt_judge *judge, uint64_t seed)
{
	struct rtt_cuts *cuts = &world->start;
	bool good = true, changed;
	size_t points = 1;
	double share;

	rtt_cuts_begin(cuts, &world->record);
	for (size_t i = 0; i < cuts->count; i++)
		points += is_point(&cuts->events[i]);
	share = (double)replay->states / (double)points;
	while (good && rtt_cuts_step(cuts, &changed))
		if (changed && is_point(&cuts->events[cuts->at - 1]))
			good = cut_here(replay, judge, cuts, share, &seed);
	return good;
}

bool
rtt_replay_script(struct rtt_replay *replay,
    const struct rtt_powercut_script *script)
{
	uint64_t seed = replay->seed + rt_hash64(rt_slice_cstr(script->name));
	struct rtt_world world;
	struct rtt_judge judge;
	bool good;

	replay->failure[0] = '\0';
	rtt_world_init(&world, script->policy, replay->namer, replay->without);
	script->run(&world);
	rtt_stop(&world);
	replay->events = world.record.count;
	replay->left_out = world.record.left_out;
	replay->places = world.record.places;
	replay->places_count = world.record.places_count;
	world.record.places = NULL;
	good = !rtt_world_failed(&world);
	if (!good)
		snprintf(replay->failure, sizeof(replay->failure),
		    "the script: %s", world.failure);
	rtt_judge_init(&judge, &world, seed);
	judge.quiet = replay->quiet;
	judge.live_on_every = LIVE_ON_EVERY;
	judge.compact_every = replay->without != NULL ?
	    COMPACT_EVERY_SEARCHING : COMPACT_EVERY;
	judge.cut_again_every = CUT_AGAIN_EVERY;
	good = good && walk(replay, &world, &judge, seed);
	replay->judged += judge.states;
	replay->lived_on += judge.lived_on;
	replay->compacted += judge.compacted;
	replay->cut_again += judge.cut_again;
	rtt_judge_fini(&judge);
	rtt_world_fini(&world);
	return good;
}
