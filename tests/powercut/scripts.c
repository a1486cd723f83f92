#include "tests/powercut/scripts.h"

#include "libcommon/base/attr.h"

static void
puts_and_deletes(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 40; i++) {
		if (i % 7 == 3)
			rtt_delete(world, 0, i % 5);
		else
			rtt_put(world, i % 2, i % 9, 20 + i * 13 % 700);
		if (i % 4 == 0)
			rtt_wait(world);
	}
	rtt_wait(world);
	rtt_tick(world, 800);
	rtt_put(world, 0, 1, 100);
	rtt_wait(world);
}

static void
commands_of_many_keys(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 16; i++) {
		rtt_put_many(world, 0, i, 2 + i % 6, 150 + i * 40);
		if (i % 5 == 2)
			rtt_delete_many(world, 0, i, 4);
		if (i % 3 == 0)
			rtt_wait(world);
		if (i == 8)
			rtt_rotate(world);
	}
	rtt_wait(world);
}

static void
seconds_go_by(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 40; i++) {
		rtt_put(world, i % 2, i % 11, 30 + i * 17 % 400);
		if (i % 6 == 5)
			rtt_delete(world, i % 2, i % 7);
		rtt_tick(world, 170);
		if (i == 20)
			rtt_rotate(world);
	}
	rtt_tick(world, 1000);
}

static void
flushes_without_syncs(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 36; i++) {
		rtt_put(world, 0, i % 13, 60 + i * 31 % 600);
		if (i % 5 == 4)
			rtt_delete(world, 0, i % 3);
		if (i % 9 == 8)
			rtt_flush(world);
	}
}

static void
writes_beside_flushes(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 60; i++) {
		rtt_put(world, i % 2, i % RTT_KEYS, 500 + i * 37 % 1500);
		if (i % 8 == 7)
			rtt_rotate(world);
		if (i % 10 == 0)
			rtt_wait(world);
	}
	rtt_wait(world);
	rtt_flush(world);
}

static void
fill_tables(struct rtt_world *world, unsigned tables, unsigned from)
{
	for (unsigned i = 0; i < tables; i++) {
		for (unsigned n = 0; n < 8; n++)
			rtt_put(world, n % 2, from + i * 3 + n, 300 + n * 90);
		rtt_delete(world, 0, from + i);
		rtt_flush(world);
	}
}

static void
compactions(struct rtt_world *world)
{
	rtt_start(world);
	fill_tables(world, 3, 0);
	rtt_compact(world, false, 0);
	rtt_settle(world);
	fill_tables(world, 2, 5);
	rtt_put(world, 0, 3, 200);
	rtt_compact(world, true, 0);
	rtt_settle(world);
	rtt_put(world, 1, 3, 200);
	rtt_wait(world);
}

/* Both at once: the daemon acts on what the compactor has linked and not yet
 * synced. */
static void
compactions_under_watch(struct rtt_world *world)
{
	rtt_start(world);
	fill_tables(world, 3, 2);
	world->keeps_compactor_waiting = true;
	rtt_compact(world, true, 0);
	world->keeps_compactor_waiting = false;
	rtt_settle(world);
	rtt_put(world, 0, 0, 50);
	rtt_wait(world);
}

static void
compactions_without_a_daemon(struct rtt_world *world)
{
	rtt_start(world);
	fill_tables(world, 4, 1);
	rtt_put(world, 0, 9, 80);
	rtt_wait(world);
	rtt_stop(world);
	rtt_compact(world, true, 0);
	rtt_start(world);
	rtt_settle(world);
	rtt_put(world, 0, 9, 90);
	rtt_wait(world);
	rtt_kill(world);
	rtt_compact(world, true, 0);
	rtt_start(world);
}

static void
compactors_that_die(struct rtt_world *world)
{
	rtt_start(world);
	fill_tables(world, 3, 0);
	for (long at = 3; at < 60; at += 7) {
		rtt_compact(world, true, at);
		rtt_put(world, 0, (unsigned)at, 100);
		if (at % 2 == 0)
			rtt_flush(world);
	}
	rtt_compact(world, true, 0);
	rtt_settle(world);
}

static void
databases_swapped_and_dropped(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned n = 0; n < 6; n++)
			rtt_put(world, n % 2, n + i, 100 + n * 50);
		rtt_swap(world);
		if (i % 2 == 0)
			rtt_wait(world);
		rtt_put(world, 0, i, 300);
		if (i == 1 || i == 3)
			rtt_drop(world, i / 2);
		if (i == 2)
			rtt_flush(world);
		if (i == 3)
			rtt_compact(world, true, 0);
	}
	rtt_swap(world);
	rtt_wait(world);
	rtt_settle(world);
}

static void
clean_restarts(struct rtt_world *world)
{
	for (unsigned life = 0; life < 4; life++) {
		rtt_start(world);
		for (unsigned i = 0; i < life * 4; i++)
			rtt_put(world, i % 2, life + i, 80 + i * 60);
		if (life == 2)
			rtt_flush(world);
		if (life % 2 == 1)
			rtt_wait(world);
		rtt_stop(world);
	}
}

static void
kills_and_restarts(struct rtt_world *world)
{
	for (unsigned life = 0; life < 6; life++) {
		rtt_start(world);
		for (unsigned i = 0; i < 6; i++) {
			rtt_put(world, i % 2, life + i, 60 + i * 90);
			if (i % 3 == life % 3)
				rtt_wait(world);
			if (i == 3 && life % 2 == 1)
				rtt_rotate(world);
		}
		rtt_kill(world);
	}
	rtt_start(world);
}

/* The daemon dies at its n-th call of this life: within a recovery, a flush, a
 * publish. */
static void
kills_anywhere(struct rtt_world *world)
{
	for (long at = 1; at < 90; at += 8) {
		world->dies_at = at;
		rtt_start(world);
		for (unsigned i = 0; i < 5; i++) {
			rtt_put(world, i % 2, (unsigned)at + i, 70 + i * 90);
			if (i == 2)
				rtt_rotate(world);
			if (i == 4)
				rtt_wait(world);
		}
		rtt_kill(world);
	}
	rtt_start(world);
	rtt_put(world, 0, 1, 10);
	rtt_wait(world);
}

static void
segments_are_recycled(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned n = 0; n < 4; n++)
			rtt_put(world, n % 2, i + n * 3, 200 + n * 300);
		rtt_flush(world);
		rtt_put(world, 0, i, 40);
		rtt_wait(world);
		if (i % 4 == 3) {
			rtt_kill(world);
			rtt_start(world);
		}
	}
}

static void
large_values(struct rtt_world *world)
{
	rtt_start(world);
	rtt_put(world, 0, 1, 20000);
	rtt_put(world, 0, 2, 300 << 10);
	rtt_wait(world);
	rtt_put(world, 0, 1, 40000);
	rtt_put(world, 0, 3, 100);
	rtt_flush(world);
	rtt_put_many(world, 1, 4, 3, 30000);
	rtt_delete(world, 0, 2);
	rtt_wait(world);
}

static void
values_expire(struct rtt_world *world)
{
	rtt_start(world);
	for (unsigned i = 0; i < 12; i++) {
		rtt_put(world, i % 2, i % 6, 100);
		rtt_put_expiring(world, i % 2, i % 6, 120, 500 + i * 400);
		if (i % 4 == 3)
			rtt_flush(world);
		rtt_tick(world, 600);
	}
	rtt_wait(world);
	rtt_compact(world, true, 0);
	rtt_tick(world, 3000);
	rtt_compact(world, true, 0);
	rtt_settle(world);
	rtt_put_expiring(world, 0, 1, 100, 300);
	rtt_wait(world);
	rtt_tick(world, 400);
}

/* While its tables are merged away, and by a daemon that dies over it. */
static void
checkpoints(struct rtt_world *world)
{
	rtt_start(world);
	fill_tables(world, 2, 0);
	rtt_put(world, 0, 1, 100);
	rtt_checkpoint(world);
	rtt_swap(world);
	rtt_put(world, 1, 2, 200);
	rtt_compact(world, true, 0);
	rtt_checkpoint(world);
	rtt_settle(world);
	rtt_kill(world);
	for (long at = 20; at < 60; at += 13) {
		world->dies_at = at;
		rtt_start(world);
		rtt_put(world, 0, (unsigned)at, 150);
		rtt_checkpoint(world);
		rtt_kill(world);
	}
	rtt_start(world);
	rtt_drop(world, 1);
	rtt_checkpoint(world);
	rtt_put(world, 0, 7, 90);
	rtt_wait(world);
}

/* The n-th sync fails: of the log, of a table, of a manifest. The engine goes
 * on by itself, with other files. */
static void
syncs_that_fail(struct rtt_world *world)
{
	world->may_refuse = true;
	rtt_start(world);
	for (long n = 1; n <= 5; n++) {
		rtt_put(world, 0, (unsigned)n, 100);
		rtt_wait(world);
		rtt_fail_sync(world, n);
		for (unsigned i = 0; i < 4; i++)
			rtt_put(world, i % 2, i, 120 + i * 70);
		rtt_rotate(world);
		rtt_wait_again(world);
		rtt_put(world, 0, (unsigned)n + 4, 60);
		rtt_wait(world);
		rtt_fail_sync(world, 0);
	}
	rtt_flush(world);
}

static void
syncs_that_fail_and_kills(struct rtt_world *world)
{
	world->may_refuse = true;
	for (long n = 1; n <= 6; n++) {
		rtt_start(world);
		rtt_put(world, 0, (unsigned)n, 100);
		rtt_wait(world);
		rtt_fail_sync(world, n);
		for (unsigned i = 0; i < 4; i++)
			rtt_put(world, i % 2, i, 120 + i * 70);
		if (n % 2 == 0)
			rtt_wait_again(world);
		rtt_kill(world);
	}
	rtt_start(world);
}

const struct rtt_powercut_script rtt_powercut_scripts[] = {
	{ "puts_and_deletes", RT_FSYNC_ALWAYS, puts_and_deletes },
	{ "commands_of_many_keys", RT_FSYNC_ALWAYS, commands_of_many_keys },
	{ "seconds_go_by", RT_FSYNC_EVERYSEC, seconds_go_by },
	{ "flushes_without_syncs", RT_FSYNC_NO, flushes_without_syncs },
	{ "writes_beside_flushes", RT_FSYNC_ALWAYS, writes_beside_flushes },
	{ "compactions", RT_FSYNC_ALWAYS, compactions },
	{ "compactions_under_watch", RT_FSYNC_ALWAYS,
	    compactions_under_watch },
	{ "compactions_without_a_daemon", RT_FSYNC_ALWAYS,
	    compactions_without_a_daemon },
	{ "compactors_that_die", RT_FSYNC_ALWAYS, compactors_that_die },
	{ "databases_swapped_and_dropped", RT_FSYNC_EVERYSEC,
	    databases_swapped_and_dropped },
	{ "checkpoints", RT_FSYNC_EVERYSEC, checkpoints },
	{ "clean_restarts", RT_FSYNC_ALWAYS, clean_restarts },
	{ "kills_and_restarts", RT_FSYNC_ALWAYS, kills_and_restarts },
	{ "kills_and_restarts_without_syncs", RT_FSYNC_NO,
	    kills_and_restarts },
	{ "kills_anywhere", RT_FSYNC_ALWAYS, kills_anywhere },
	{ "segments_are_recycled", RT_FSYNC_ALWAYS, segments_are_recycled },
	{ "large_values", RT_FSYNC_ALWAYS, large_values },
	{ "values_expire", RT_FSYNC_EVERYSEC, values_expire },
	{ "syncs_that_fail", RT_FSYNC_ALWAYS, syncs_that_fail },
	{ "syncs_that_fail_and_kills", RT_FSYNC_ALWAYS,
	    syncs_that_fail_and_kills },
};

const size_t rtt_powercut_scripts_count = RT_COUNTOF(rtt_powercut_scripts);
