#include "tests/damage/damage_db.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/bulk.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "tests/support/scratch_dir.h"

/* Below the least that can be configured: what is damaged byte by byte should
 * not be long. */
#define MEMTABLE_BYTES (4u << 10)
#define SEVERAL_LEVELS_VALUE_BYTES 1200

/* -- configurations -- */

static void
plain(struct rtt_play *play)
{
	play->config.memtable_size = MEMTABLE_BYTES;
}

static void
always(struct rtt_play *play)
{
	plain(play);
	play->config.appendfsync = RT_FSYNC_ALWAYS;
}

static void
lz4(struct rtt_play *play)
{
	plain(play);
	play->config.compression = RT_COMPRESSION_LZ4;
	play->config.compression_bottom = RT_COMPRESSION_LZ4;
}

static void
zstd(struct rtt_play *play)
{
	plain(play);
	play->config.compression = RT_COMPRESSION_ZSTD;
	play->config.compression_bottom = RT_COMPRESSION_ZSTD;
}

static void
snappy(struct rtt_play *play)
{
	plain(play);
	play->config.compression = RT_COMPRESSION_SNAPPY;
	play->config.compression_bottom = RT_COMPRESSION_SNAPPY;
}

/* Tables and levels so small that there are several. */
static void
several(struct rtt_play *play)
{
	plain(play);
	play->value_bytes = SEVERAL_LEVELS_VALUE_BYTES;
	play->config.block_size = 1 << 10;
	play->config.table_size = 4 << 10;
	play->config.level_base_size = 8 << 10;
	play->config.level_size_multiplier = 2;
	play->config.l0_compaction_trigger = 2;
}

static void
large(struct rtt_play *play)
{
	plain(play);
	play->value_bytes = RT_BULK_BYTES_MIN * 2;
}

/* -- what is in them -- */

static void
write_some(struct rtt_play *play, unsigned from, unsigned count)
{
	for (unsigned i = from; i < from + count; i++)
		rt_assert(rtt_play_set(play, i % RTT_PLAY_DATABASES,
		    i % RTT_PLAY_KEYS));
	rtt_play_delete(play, from % RTT_PLAY_DATABASES,
	    from % RTT_PLAY_KEYS);
	rtt_play_put(play, from % RTT_PLAY_DATABASES,
	    (from + 2) % RTT_PLAY_KEYS);
	rt_assert(rtt_play_write(play));
}

static void
open_it(struct rtt_play *play)
{
	struct rt_err err = { 0 };

	if (rtt_play_open(play, &err) != RT_OK)
		rtt_play_fail(play, "open: %s", err.text);
}

static void
close_it(struct rtt_play *play)
{
	struct rt_err err = { 0 };

	if (rtt_play_close(play, &err) != RT_OK)
		rtt_play_fail(play, "close: %s", err.text);
}

static void
two_tables(struct rtt_play *play)
{
	open_it(play);
	write_some(play, 0, RTT_PLAY_KEYS);
	rt_assert(rtt_play_flush(play));
	write_some(play, 5, 4);
	rt_assert(rtt_play_flush(play));
	close_it(play);
}

static void
merged(struct rtt_play *play)
{
	two_tables(play);
	rtt_play_compact(play, rt_fs_posix(), true);
	open_it(play);
	write_some(play, 2, 3);
	close_it(play);
}

static void
many_levels(struct rtt_play *play)
{
	for (unsigned i = 0; i < 5; i++) {
		open_it(play);
		write_some(play, i, RTT_PLAY_KEYS / 2 + i);
		rt_assert(rtt_play_flush(play));
		close_it(play);
		rtt_play_compact(play, rt_fs_posix(), false);
	}
	open_it(play);
	write_some(play, 1, 3);
	close_it(play);
}

static void
log_only(struct rtt_play *play)
{
	open_it(play);
	write_some(play, 0, RTT_PLAY_KEYS);
	rtt_play_drop(play, 1);
	rt_assert(rtt_play_write(play));
	write_some(play, 3, 4);
	rtt_play_swap(play);
	rt_assert(rtt_play_write(play));
	write_some(play, 1, 2);
}

static void
table_and_log(struct rtt_play *play)
{
	two_tables(play);
	open_it(play);
	write_some(play, 1, 5);
}

static void
one_large_value(struct rtt_play *play)
{
	open_it(play);
	rt_assert(rtt_play_set(play, 0, 0));
	rt_assert(rtt_play_flush(play));
	close_it(play);
}

const struct rtt_damage_db rtt_damage_dbs[] = {
	{ .name = "plain", .configure = plain, .make = two_tables },
	{ .name = "log", .configure = plain, .make = log_only,
	    .killed = true },
	{ .name = "synced_log", .configure = always, .make = log_only,
	    .killed = true, .synced = true },
	{ .name = "tables_and_log", .configure = always,
	    .make = table_and_log, .killed = true, .synced = true },
	{ .name = "lz4", .configure = lz4, .make = merged },
	{ .name = "zstd", .configure = zstd, .make = merged },
	{ .name = "snappy", .configure = snappy, .make = merged },
	{ .name = "levels", .configure = several, .make = many_levels },
	{ .name = "large_value", .configure = large, .make = one_large_value,
	    .step = 61 },
};

const size_t rtt_damage_dbs_count = RT_COUNTOF(rtt_damage_dbs);

void
rtt_damage_db_play(const struct rtt_damage_db *db, struct rtt_play *play,
    const char *dir, struct rtt_history *history)
{
	rtt_play_init(play, rt_fs_posix(), dir, history);
	play->story = db->name;
	db->configure(play);
}

void
rtt_damage_db_make(const struct rtt_damage_db *db,
    struct rtt_history *history, struct rtt_dir_image *image)
{
	struct rtt_scratch scratch;
	struct rtt_play play;
	char dir[300];
	int status = 0;
	pid_t pid;

	rtt_scratch_init(&scratch);
	snprintf(dir, sizeof(dir), "%s/data", scratch.path);
	pid = fork();
	rt_assert(pid >= 0);
	if (pid == 0) {
		rt_log_set_level(RT_LOG_WARNING + 1);
		rtt_damage_db_play(db, &play, dir, history);
		db->make(&play);
		_exit(0);
	}
	rt_assert(waitpid(pid, &status, 0) == pid && status == 0);
	rtt_dir_image_load(image, dir);
	rtt_scratch_fini(&scratch);
}
