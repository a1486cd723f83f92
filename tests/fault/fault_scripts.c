#include "tests/fault/fault_scripts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/checkpoint.h"

#define ROTATING_VALUE_BYTES 6000
/* At least half of it: more than RT_BULK_BYTES_MIN. */
#define LARGE_VALUE_BYTES (600u << 10)
#define RELOAD_WAIT_US 300000
#define CHECKPOINT_WAIT_US (20 * 1000 * 1000)
#define POLL_US 500

static bool
opened(struct rtt_play *play)
{
	return rtt_play_open(play, NULL) == RT_OK;
}

/* -- configurations -- */

static void
always(struct rtt_play *play)
{
	play->config.appendfsync = RT_FSYNC_ALWAYS;
}

static void
rotating(struct rtt_play *play)
{
	play->value_bytes = ROTATING_VALUE_BYTES;
}

static void
large(struct rtt_play *play)
{
	play->value_bytes = LARGE_VALUE_BYTES;
}

static void
two_tables_trigger(struct rtt_play *play)
{
	play->config.l0_compaction_trigger = 2;
	play->config.compression = RT_COMPRESSION_LZ4;
}

/* -- what is there before -- */

/* So many tables of level 0, each with most keys. */
static void
make_tables(struct rtt_play *play, unsigned tables)
{
	rt_assert(opened(play));
	for (unsigned i = 0; i < tables; i++) {
		for (unsigned key = 0; key < RTT_PLAY_KEYS; key++)
			if ((key + i) % 4 != 0)
				rtt_play_put(play, key % RTT_PLAY_DATABASES,
				    key);
			else
				rtt_play_delete(play, key % RTT_PLAY_DATABASES,
				    key);
		rt_assert(rtt_play_write(play));
		rt_assert(rtt_play_flush(play));
	}
}

static void
three_tables(struct rtt_play *play)
{
	make_tables(play, 3);
	rt_assert(rtt_play_close(play, NULL) == RT_OK);
}

static void
one_table_and_a_log(struct rtt_play *play)
{
	make_tables(play, 1);
	for (unsigned key = 0; key < RTT_PLAY_KEYS; key++)
		rt_assert(rtt_play_set(play, key % RTT_PLAY_DATABASES, key));
	rtt_play_drop(play, 1);
	rt_assert(rtt_play_write(play));
	rtt_play_delete(play, 0, 4);
	rtt_play_put(play, 1, 5);
	rt_assert(rtt_play_write(play));
}

/* Several segments that are needed, and others to be used again. */
static void
many_segments(struct rtt_play *play)
{
	rt_assert(opened(play));
	for (unsigned i = 0; i < 4 * RTT_PLAY_KEYS; i++)
		rt_assert(rtt_play_set(play, i % RTT_PLAY_DATABASES,
		    i % RTT_PLAY_KEYS));
}

/* More of them than the memory for replay holds. */
static void
many_large_values(struct rtt_play *play)
{
	play->config.memtable_size = 4 << 20;
	rt_assert(opened(play));
	for (unsigned key = 0; key < 6; key++)
		rt_assert(rtt_play_set(play, key % RTT_PLAY_DATABASES, key));
}

/* The end of the last record of the newest segment never got to the disk. */
static void
tear_tail(struct rtt_dir_image *image)
{
	struct rtt_image_file *newest = NULL;
	size_t end;

	for (size_t i = 0; i < image->count; i++) {
		struct rtt_image_file *file = &image->files[i];

		if (strncmp(file->name, "wal/", 4) == 0 &&
		    strstr(file->name, ".wal") != NULL &&
		    (newest == NULL || strcmp(file->name, newest->name) > 0))
			newest = file;
	}
	rt_assert(newest != NULL);
	end = newest->bytes.len;
	while (end > 0 && newest->bytes.data[end - 1] == 0)
		end--;
	rt_assert(end > 10);
	memset(newest->bytes.data + end - 10, 0, 10);
}

/* -- scripts -- */

static void
write_keys(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned i = 0; i < 8; i++)
		rtt_play_set(play, i % RTT_PLAY_DATABASES, i);
	rtt_play_delete(play, 0, 2);
	rtt_play_write(play);
	rtt_play_read_all(play);
}

static void
write_batches(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned key = 0; key < 5; key++)
			rtt_play_put(play, i % RTT_PLAY_DATABASES,
			    (i + key) % RTT_PLAY_KEYS);
		rtt_play_delete(play, i % RTT_PLAY_DATABASES, i);
		rtt_play_write(play);
	}
	rtt_play_read_all(play);
}

static void
rotate(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned i = 0; i < 4 * RTT_PLAY_KEYS; i++)
		rtt_play_set(play, i % RTT_PLAY_DATABASES,
		    i % RTT_PLAY_KEYS);
	rtt_play_read_all(play);
}

static void
flush(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned key = 0; key < 4; key++)
			rtt_play_set(play, key % RTT_PLAY_DATABASES, i + key);
		rtt_play_delete(play, i % RTT_PLAY_DATABASES, i);
		rtt_play_write(play);
		rtt_play_flush(play);
		rtt_play_read_all(play);
	}
}

static void
databases(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned key = 0; key < 4; key++)
			rtt_play_set(play, (i + key) % RTT_PLAY_DATABASES, key);
		rtt_play_swap(play);
		rtt_play_write(play);
		if (i == 1)
			rtt_play_flush(play);
		rtt_play_set(play, 0, 7);
		rtt_play_drop(play, i % RTT_PLAY_DATABASES);
		rtt_play_write(play);
		rtt_play_set(play, 1, 8);
	}
	rtt_play_flush(play);
	rtt_play_read_all(play);
}

/* Give the engine the chance to take over what was published. */
static void
wait_for_reload(struct rtt_play *play)
{
	struct rtd_engine_stats stats;
	uint64_t l0_files = UINT64_MAX;

	for (unsigned us = 0; l0_files > 0 && us < RELOAD_WAIT_US;
	     us += POLL_US) {
		usleep(POLL_US);
		rtd_engine_end_turn(play->engine);
		rtd_engine_get_stats(play->engine, &stats);
		l0_files = stats.l0_files;
	}
}

static void
compact_under_the_engine(struct rtt_play *play)
{
	if (!opened(play))
		return;
	rtt_play_compact(play, play->fs, false);
	rtt_play_read_all(play);
	rtt_play_set(play, 0, 1);
	rtt_play_flush(play);
	rtt_play_compact(play, play->fs, false);
	rtt_play_read_all(play);
}

static void
reload(struct rtt_play *play)
{
	if (!opened(play))
		return;
	rtt_play_set(play, 0, 1);
	rtt_play_compact(play, rt_fs_posix(), false);
	wait_for_reload(play);
	rtt_play_read_all(play);
}

/* Two starts: what the first one left half done meets the second. */
static void
start_twice(struct rtt_play *play)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!opened(play))
			continue;
		if (!rtt_play_try_settle(play)) {
			(void)rtt_play_close(play, NULL);
			continue;
		}
		rtt_play_read_all(play);
		rtt_play_set(play, 0, 3 + i);
		if (i == 0)
			(void)rtt_play_close(play, NULL);
	}
}

static void
take_snapshots(struct rtt_play *play)
{
	struct rtd_snapshot *held = NULL, *second = NULL;
	struct rtt_contents seen;

	if (!opened(play))
		return;
	for (unsigned key = 0; key < 6; key++)
		rtt_play_set(play, key % RTT_PLAY_DATABASES, key);
	seen = *rtt_play_latest(play);
	if (rtd_snapshot_create(play->engine, 0, &held, NULL) != RT_OK)
		return;
	rtt_play_swap(play);
	rtt_play_write(play);
	rtt_play_delete(play, 0, 1);
	rtt_play_write(play);
	for (unsigned key = 0; key < 6; key++)
		rtt_play_set(play, key % RTT_PLAY_DATABASES, key);
	rtt_play_flush(play);
	rtt_play_read(play, held, &seen);
	if (rtd_snapshot_create(play->engine, 0, &second, NULL) == RT_OK) {
		rtd_snapshot_release(play->engine, second->id);
		rtd_snapshot_unref(second);
	}
	rtt_play_set(play, 0, 1);
	rtt_play_flush(play);
	rtt_play_compact(play, play->fs, false);
	rtt_play_read(play, held, &seen);
	rtd_snapshot_release(play->engine, held->id);
	rtd_snapshot_unref(held);
	rtt_play_read_all(play);
}

static void
large_values(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned key = 0; key < 3; key++)
		rtt_play_set(play, key % RTT_PLAY_DATABASES, key);
	rtt_play_flush(play);
	rtt_play_set(play, 0, 0);
	rtt_play_read_all(play);
}

static void
cold_reads(struct rtt_play *play)
{
	if (!opened(play))
		return;
	for (unsigned i = 0; i < 3; i++)
		rtt_play_read_all(play);
}

/* A checkpoint is made by a thread while the loop turns. */
struct copying {
	struct rtd_checkpoint *checkpoint;
	enum rt_code code;
	_Atomic bool done;
};

static void *
run_checkpoint(void *arg)
{
	struct copying *copying = arg;

	copying->code = rtd_checkpoint_run(copying->checkpoint, NULL);
	atomic_store(&copying->done, true);
	return NULL;
}

/* RT_OK: there is a copy of that name. */
static enum rt_code
make_checkpoint(struct rtt_play *play, const char *name)
{
	struct copying copying = { .code = RT_OK };
	enum rt_code code;
	pthread_t thread;

	code = rtd_checkpoint_begin(play->engine, rt_slice_cstr(name),
	    &copying.checkpoint, NULL);
	if (code != RT_OK)
		return code;
	rt_assert(pthread_create(&thread, NULL, run_checkpoint, &copying) == 0);
	for (unsigned us = 0; !atomic_load(&copying.done); us += POLL_US) {
		rtd_engine_end_turn(play->engine);
		usleep(POLL_US);
		if (us > CHECKPOINT_WAIT_US)
			rtt_play_fail(play, "a checkpoint neither ends nor "
			    "fails");
	}
	pthread_join(thread, NULL);
	rtd_checkpoint_free(copying.checkpoint);
	return copying.code;
}

/* Start on the copy, with a sound disk. */
static void
look_at_checkpoint(struct rtt_play *play, const char *name)
{
	const struct rtt_contents *expected = rtt_play_latest(play);
	struct rt_err err = { 0 };
	struct rtt_play copy;
	char dir[500];

	snprintf(dir, sizeof(dir), "%s/checkpoints/%s", play->config.dir, name);
	rtt_play_init(&copy, rt_fs_posix(), dir, play->history);
	copy.story = play->story;
	if (rtt_play_open(&copy, &err) != RT_OK)
		rtt_play_fail(play, "start on the checkpoint: %s", err.text);
	if (rtt_play_read(&copy, NULL, expected) != 0)
		rtt_play_fail(play, "the checkpoint cannot be read");
	/* It is not the copy that is to vouch for anything. */
	copy.settled = false;
	if (rtt_play_close(&copy, &err) != RT_OK)
		rtt_play_fail(play, "close the checkpoint: %s", err.text);
	rtt_play_fini(&copy);
}

static void
make_checkpoints(struct rtt_play *play)
{
	if (!opened(play) || !rtt_play_try_settle(play))
		return;
	rtt_play_set(play, 0, 1);
	if (make_checkpoint(play, "first") == RT_OK)
		look_at_checkpoint(play, "first");
	rtt_play_delete(play, 0, 2);
	rtt_play_write(play);
	if (make_checkpoint(play, "second") == RT_OK)
		look_at_checkpoint(play, "second");
	rtt_play_read_all(play);
}

const struct rtt_fault_script rtt_fault_scripts[] = {
	{ .name = "write_everysec", .run = write_keys },
	{ .name = "write_always", .configure = always, .run = write_keys },
	{ .name = "batches", .configure = always, .run = write_batches },
	{ .name = "rotate", .configure = rotating, .run = rotate },
	{ .name = "recycled_segments", .configure = rotating,
	    .prepare = many_segments, .run = rotate },
	{ .name = "flush_and_publish", .run = flush },
	{ .name = "databases", .run = databases },
	{ .name = "compact", .configure = two_tables_trigger,
	    .prepare = three_tables, .run = compact_under_the_engine },
	{ .name = "reload", .configure = two_tables_trigger,
	    .prepare = three_tables, .run = reload },
	{ .name = "recover_log", .prepare = one_table_and_a_log,
	    .run = start_twice },
	{ .name = "recover_segments", .configure = rotating,
	    .prepare = many_segments, .run = start_twice },
	{ .name = "recover_torn_tail", .prepare = one_table_and_a_log,
	    .spoil = tear_tail, .spoiled_max = 1, .run = start_twice },
	{ .name = "clean_restart", .prepare = three_tables,
	    .run = start_twice },
	{ .name = "snapshots", .configure = two_tables_trigger,
	    .run = take_snapshots },
	{ .name = "large_values", .configure = large, .run = large_values },
	{ .name = "recover_large_values", .configure = large,
	    .prepare = many_large_values, .run = start_twice },
	{ .name = "checkpoints", .prepare = three_tables,
	    .run = make_checkpoints },
	{ .name = "cold_reads", .configure = two_tables_trigger,
	    .prepare = three_tables, .run = cold_reads },
};

const size_t rtt_fault_scripts_count = RT_COUNTOF(rtt_fault_scripts);

const struct rtt_fault_script *
rtt_fault_script_find(const char *name)
{
	for (size_t i = 0; i < rtt_fault_scripts_count; i++)
		if (strcmp(rtt_fault_scripts[i].name, name) == 0)
			return &rtt_fault_scripts[i];
	return NULL;
}
