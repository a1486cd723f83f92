/* Power cuts. Every write goes to the real file and is remembered with what
 * it replaced until a sync of that file returns. A cut stops all calls, and
 * then takes back, by chance, whole writes or sectors of them, and names that
 * were not synced into the directory. What remains must replay to a prefix of
 * what was appended that has all that was acknowledged as durable.
 * RTT_SEED replays one seed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/path.h"
#include "riptided/wal/wal.h"
#include "riptided/wal/wal_reader.h"
#include "tests/support/runner.h"
#include "tests/unit/riptided/wal/logs.h"

#define SECTOR_BYTES 512
#define ROUNDS 40
#define LIVES 4

/* One write, or one name, that a power cut may take back. */
struct change {
	int fd;			/* of our own; -1: a name */
	ino_t inode;
	uint64_t offset;
	uint8_t *old;
	size_t old_len;		/* less than len: it made the file longer */
	size_t len;
	uint64_t old_size;
	char from[RT_PATH_NAME_BYTES];	/* "": made */
	char to[RT_PATH_NAME_BYTES];
};

struct cut_fs {
	struct rt_fs table;
	struct rt_mutex mu;
	int dir;
	ino_t dir_inode;
	bool cut;
	struct change *changes;
	size_t count, cap;
	unsigned seed;
};

static struct cut_fs *
own(struct rt_fs *fs)
{
	return (struct cut_fs *)(void *)fs;
}

static struct change *
add_change(struct cut_fs *fs)
{
	if (fs->count == fs->cap) {
		fs->cap = fs->cap * 2 + 64;
		fs->changes = rt_realloc(fs->changes,
		    fs->cap * sizeof(fs->changes[0]));
	}
	fs->changes[fs->count] = (struct change){ .fd = -1 };
	return &fs->changes[fs->count++];
}

static void
drop_change(struct change *change)
{
	if (change->fd >= 0)
		close(change->fd);
	free(change->old);
}

static ssize_t
cut_pwrite(struct rt_fs *table, int fd, const void *data, size_t len,
    off_t offset)
{
	struct cut_fs *fs = own(table);
	ssize_t result = -EIO;
	struct stat status;

	rt_mutex_lock(&fs->mu);
	if (!fs->cut) {
		struct change *change = add_change(fs);
		ssize_t got;

		ck_assert(fstat(fd, &status) == 0);
		change->fd = dup(fd);
		change->inode = status.st_ino;
		change->offset = (uint64_t)offset;
		change->len = len;
		change->old = rt_alloc(len);
		change->old_size = (uint64_t)status.st_size;
		got = pread(fd, change->old, len, offset);
		change->old_len = got < 0 ? 0 : (size_t)got;
		result = pwrite(fd, data, len, offset);
	}
	rt_mutex_unlock(&fs->mu);
	return result;
}

/* What was written before the sync began is safe when it has returned. */
static int
sync_file(struct rt_fs *table, int fd)
{
	struct cut_fs *fs = own(table);
	struct stat status;
	size_t before, kept = 0;
	bool names;

	ck_assert(fstat(fd, &status) == 0);
	rt_mutex_lock(&fs->mu);
	before = fs->count;
	names = status.st_ino == fs->dir_inode;
	rt_mutex_unlock(&fs->mu);
	/* Time for others to write meanwhile. */
	nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
	rt_mutex_lock(&fs->mu);
	if (fs->cut) {
		rt_mutex_unlock(&fs->mu);
		return -EIO;
	}
	for (size_t i = 0; i < fs->count; i++) {
		struct change *change = &fs->changes[i];
		bool safe = i < before && (names ? change->fd < 0 :
		    change->fd >= 0 && change->inode == status.st_ino);

		if (safe)
			drop_change(change);
		else
			fs->changes[kept++] = *change;
	}
	fs->count = kept;
	rt_mutex_unlock(&fs->mu);
	return 0;
}

static int
cut_openat(struct rt_fs *table, int dir, const char *name, int flags,
    mode_t mode)
{
	struct cut_fs *fs = own(table);
	int fd = -EIO;

	rt_mutex_lock(&fs->mu);
	if (!fs->cut) {
		fd = openat(dir, name, flags, mode);
		if (fd < 0)
			fd = -errno;
		else if ((flags & O_CREAT) != 0)
			snprintf(add_change(fs)->to, RT_PATH_NAME_BYTES, "%s",
			    name);
	}
	rt_mutex_unlock(&fs->mu);
	return fd;
}

static int
cut_renameat(struct rt_fs *table, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct cut_fs *fs = own(table);
	int result = -EIO;

	rt_mutex_lock(&fs->mu);
	if (!fs->cut) {
		struct change *change = add_change(fs);

		snprintf(change->from, sizeof(change->from), "%s", from);
		snprintf(change->to, sizeof(change->to), "%s", to);
		result = renameat(from_dir, from, to_dir, to);
	}
	rt_mutex_unlock(&fs->mu);
	return result;
}

static int
cut_unlinkat(struct rt_fs *table, int dir, const char *name, int flags)
{
	struct cut_fs *fs = own(table);
	int result = -EIO;

	rt_mutex_lock(&fs->mu);
	if (!fs->cut)
		result = unlinkat(dir, name, flags);
	rt_mutex_unlock(&fs->mu);
	return result;
}

static void
cut_init(struct cut_fs *fs, int dir, unsigned seed)
{
	struct stat status;

	memset(fs, 0, sizeof(*fs));
	fs->table = *rt_fs_posix();
	fs->table.pwrite = cut_pwrite;
	fs->table.fdatasync = sync_file;
	fs->table.fsync = sync_file;
	fs->table.openat = cut_openat;
	fs->table.renameat = cut_renameat;
	fs->table.unlinkat = cut_unlinkat;
	fs->dir = dir;
	fs->seed = seed;
	ck_assert(fstat(dir, &status) == 0);
	fs->dir_inode = status.st_ino;
	rt_mutex_init(&fs->mu);
}

static void
restore(const struct change *change, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[SECTOR_BYTES];

	for (uint64_t at = from; at < to; at++) {
		uint64_t i = at - change->offset;

		ck_assert(pwrite(change->fd, i < change->old_len ?
		    &change->old[i] : zeros, 1, (off_t)at) == 1);
	}
}

static void
take_back_write(struct cut_fs *fs, const struct change *change)
{
	uint64_t end = change->offset + change->len;
	int fate = rand_r(&fs->seed) % 3;

	if (fate == 0)
		return;
	for (uint64_t at = change->offset; at < end;) {
		uint64_t next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;

		if (next > end)
			next = end;
		if (fate == 1 || rand_r(&fs->seed) % 2 == 0)
			restore(change, at, next);
		at = next;
	}
}

static void
take_back_name(struct cut_fs *fs, const struct change *change)
{
	if (rand_r(&fs->seed) % 2 == 0)
		return;
	if (change->from[0] == '\0')
		(void)unlinkat(fs->dir, change->to, 0);
	else
		(void)renameat(fs->dir, change->to, fs->dir, change->from);
}

/* The machine is off; what is left on the disk? */
static void
take_back(struct cut_fs *fs)
{
	while (fs->count > 0) {
		struct change *change = &fs->changes[--fs->count];

		if (change->fd >= 0)
			take_back_write(fs, change);
		else
			take_back_name(fs, change);
		drop_change(change);
	}
	free(fs->changes);
	rt_mutex_fini(&fs->mu);
}

/* One life of the log: random work, then a cut at a random moment. */
static void
live_and_cut(struct rtt_scratch *scratch, struct rtd_wal_replay *replay,
    unsigned *seed)
{
	enum rt_appendfsync policy =
	    (enum rt_appendfsync)(rand_r(seed) % 3);
	unsigned turns = (unsigned)rand_r(seed) % 60;
	uint64_t seq = replay->last_seq, acked, rotated_at = 0, floor = 0;
	struct rtd_wal *wal;
	struct cut_fs fs;
	struct rt_err err = { 0 };

	cut_init(&fs, scratch->fd, (unsigned)rand_r(seed));
	wal = rtt_wal_reopen(&fs.table, scratch->fd, replay, policy);
	for (unsigned i = 0; i < turns; i++) {
		seq = rtt_wal_put(wal, seq + 1,
		    1 + (unsigned)rand_r(seed) % 20);
		if (rand_r(seed) % 8 == 0) {
			floor = rtd_wal_rotate(wal);
			rotated_at = seq;
		} else if (rand_r(seed) % 4 == 0 && floor != 0) {
			/* A flush was published. */
			replay->flushed_seq = rotated_at;
			replay->floor = floor;
			rtd_wal_release(wal, floor);
		} else if (rand_r(seed) % 4 == 0) {
			rtd_wal_sync_soon(wal);
		} else if (rand_r(seed) % 8 == 0) {
			rtt_wait_written(wal, seq);
		}
	}
	acked = rtd_wal_durable_seq(wal);
	rt_mutex_lock(&fs.mu);
	fs.cut = true;
	rt_mutex_unlock(&fs.mu);
	rtd_wal_close(wal, NULL, NULL, NULL);
	take_back(&fs);
	if (acked < replay->flushed_seq)
		acked = replay->flushed_seq;
	ck_assert_msg(rtt_replay(replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_ge(replay->last_seq, acked);
	ck_assert_uint_le(replay->last_seq, seq);
}

START_TEST(a_power_cut_leaves_a_prefix_with_all_that_was_durable)
{
	const char *given = getenv("RTT_SEED");
	unsigned first = given != NULL ? (unsigned)strtoul(given, NULL, 10) :
	    (unsigned)time(NULL);

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned seed = first + round;
		struct rtd_wal_replay replay;
		struct rtt_scratch scratch;

		fprintf(stderr, "# RTT_SEED=%u\n", seed);
		rtt_scratch_init(&scratch);
		rtt_replay_init(&replay, rt_fs_posix(), scratch.fd);
		for (unsigned life = 0; life < LIVES; life++)
			live_and_cut(&scratch, &replay, &seed);
		rtt_scratch_fini(&scratch);
		if (given != NULL)
			break;
	}
}
END_TEST

RTT_MAIN("wal_crash", a_power_cut_leaves_a_prefix_with_all_that_was_durable)
