/* Power cuts of the log alone, many more than of the whole engine: random work
 * on a recorded disk, a cut, and what is left (tests/powercut/cuts.h) must
 * replay to a prefix of what was appended that has all that was acknowledged as
 * durable. The next life goes on with it. RTT_SEED replays one seed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/powercut/cuts.h"
#include "tests/support/runner.h"
#include "tests/unit/riptided/wal/logs.h"

#define ROOT "/disk/data"
#define ROUNDS 60
#define LIVES 6

static unsigned
below(uint64_t *seed, unsigned bound)
{
	return (unsigned)(rtt_cuts_draw(seed) % bound);
}

/* Random work; the last sequence that was acknowledged as durable. */
static uint64_t
work(struct rtd_wal *wal, struct rtd_wal_replay *replay, uint64_t *seq,
    uint64_t *seed)
{
	unsigned turns = below(seed, 60);
	uint64_t rotated_at = 0, floor = 0;

	for (unsigned i = 0; i < turns; i++) {
		*seq = rtt_wal_put(wal, *seq + 1, 1 + below(seed, 20));
		if (below(seed, 8) == 0) {
			floor = rtd_wal_rotate(wal);
			rotated_at = *seq;
		} else if (below(seed, 4) == 0 && floor != 0) {
			/* A flush was published. */
			replay->flushed_seq = rotated_at;
			replay->floor = floor;
			rtd_wal_release(wal, floor);
		} else if (below(seed, 4) == 0) {
			rtd_wal_sync_soon(wal);
		} else if (below(seed, 8) == 0) {
			rtt_wait_written(wal, *seq);
		}
	}
	return rtd_wal_durable_seq(wal);
}

/* The disk that is left of a record, in place of the one before. */
static void
cut(struct rtt_disk *disk, struct rtt_cuts *cuts,
    const struct rtt_record *record, uint64_t *seed)
{
	const struct rtt_cut fate = {
		.names = (enum rtt_cut_names)below(seed, RTT_NAMES_POLICIES),
		.data = (enum rtt_cut_data)below(seed, RTT_DATA_POLICIES),
		.size = (enum rtt_cut_size)below(seed, RTT_SIZE_POLICIES),
		.seed = rtt_cuts_draw(seed),
	};
	bool changed;

	rtt_cuts_begin(cuts, record);
	while (rtt_cuts_step(cuts, &changed))
		;
	rtt_disk_fini(disk);
	rtt_cuts_make(cuts, &fate, ROOT, disk);
}

/* One life of the log. */
static void
live_and_cut(struct rtt_disk *disk, struct rtd_wal_replay *replay,
    uint64_t *seed)
{
	enum rt_appendfsync policy = (enum rt_appendfsync)below(seed, 3);
	uint64_t seq = replay->last_seq, acked;
	struct rt_err err = { .code = RT_OK };
	struct rtt_process process;
	struct rtt_record record;
	struct rtt_cuts cuts;
	struct rtd_wal *wal;

	rtt_process_init(&process, disk);
	ck_assert(rt_fs_open_dir(&process.fs, ROOT, &replay->dir, &err) ==
	    RT_OK);
	replay->fs = &process.fs;
	rtt_cuts_init(&cuts, disk);
	rtt_record_init(&record, disk, NULL, NULL);
	ck_assert_msg(rtt_replay(replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_eq(replay->last_seq, seq);
	wal = rtt_wal_reopen(&process.fs, replay->dir, replay, policy);
	acked = work(wal, replay, &seq, seed);
	rtt_process_kill(&process);
	rtd_wal_close(wal, NULL, NULL, NULL);
	if (acked < replay->flushed_seq)
		acked = replay->flushed_seq;
	cut(disk, &cuts, &record, seed);
	rtt_cuts_fini(&cuts);
	rtt_record_fini(&record);

	rtt_process_init(&process, disk);
	ck_assert(rt_fs_open_dir(&process.fs, ROOT, &replay->dir, &err) ==
	    RT_OK);
	ck_assert_msg(rtt_replay(replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_ge(replay->last_seq, acked);
	ck_assert_uint_le(replay->last_seq, seq);
	rtt_process_forget(&process);
}

START_TEST(a_power_cut_leaves_a_prefix_with_all_that_was_durable)
{
	const char *given = getenv("RTT_SEED");
	uint64_t first = given != NULL && given[0] != '\0' ?
	    strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t seed = first + round;
		struct rtd_wal_replay replay;
		struct rtt_disk disk;

		fprintf(stderr, "# RTT_SEED=%llu\n",
		    (unsigned long long)seed);
		rtt_disk_init(&disk, ROOT);
		rtt_disk_put_dir(&disk, RTT_INODE_PARENT + 1);
		rtt_disk_put_name(&disk, RTT_INODE_PARENT, "data",
		    RTT_INODE_PARENT + 1);
		rtt_replay_init(&replay, NULL, -1);
		for (unsigned life = 0; life < LIVES; life++)
			live_and_cut(&disk, &replay, &seed);
		rtt_disk_fini(&disk);
		if (given != NULL)
			break;
	}
}
END_TEST

RTT_MAIN("wal_crash", a_power_cut_leaves_a_prefix_with_all_that_was_durable)
