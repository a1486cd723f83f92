#include "tests/unit/riptided/wal/logs.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libcommon/os/path.h"

const uint8_t rtt_uuid[16] = "a test database";

size_t
rtt_payload_bytes(uint64_t seq)
{
	return (size_t)(seq * 7 % 90);
}

static uint8_t
payload_byte(uint64_t seq, size_t at)
{
	return (uint8_t)(seq * 31 + at);
}

struct rtd_wal_options
rtt_wal_options(struct rt_fs *fs, int dir)
{
	return (struct rtd_wal_options){
		.fs = fs,
		.clock = rt_clock_system(),
		.dir = dir,
		.database_uuid = rtt_uuid,
		.manifest_generation = 5,
		.first_segment = 1,
		.segment_bytes = 64 << 10,
		.policy = RT_FSYNC_NO,
	};
}

struct rtd_wal *
rtt_wal_reopen(struct rt_fs *fs, int dir, const struct rtd_wal_replay *replay,
    enum rt_appendfsync policy)
{
	struct rtd_wal_options options = rtt_wal_options(fs, dir);
	struct rtd_wal *wal = NULL;
	struct rt_err err = { 0 };

	options.first_segment = replay->last_segment + 1;
	if (options.first_segment < replay->floor)
		options.first_segment = replay->floor;
	options.prev_segment = replay->end_segment;
	options.prev_bytes = replay->end_bytes;
	options.last_seq = replay->last_seq;
	options.floor = replay->floor;
	options.policy = policy;
	ck_assert_msg(rtd_wal_open(&wal, &options, &err) == RT_OK, "%s",
	    err.text);
	return wal;
}

void
rtt_wal_add(struct rtd_wal *wal, uint64_t seq, unsigned records)
{
	uint8_t payload[128];

	for (unsigned i = 0; i < records; i++, seq++) {
		size_t len = rtt_payload_bytes(seq);

		for (size_t at = 0; at < len; at++)
			payload[at] = payload_byte(seq, at);
		rtd_wal_append(wal, seq, 1, rt_slice(payload, len));
	}
}

uint64_t
rtt_wal_put(struct rtd_wal *wal, uint64_t seq, unsigned records)
{
	rtt_wal_add(wal, seq, records);
	rtd_wal_write(wal);
	return seq + records - 1;
}

uint64_t
rtt_wal_put_inlaid(struct rtd_wal *wal, uint64_t seq, unsigned records)
{
	uint8_t around[128];

	for (unsigned i = 0; i < records; i++, seq++) {
		size_t len = rtt_payload_bytes(seq), third = len / 3;
		struct rt_bulk *bulk = rt_bulk_new(third);
		struct rt_inlays inlays = { 0 };

		for (size_t at = 0; at < third; at++) {
			around[at] = payload_byte(seq, at);
			bulk->data[at] = payload_byte(seq, third + at);
		}
		for (size_t at = 2 * third; at < len; at++)
			around[at - third] = payload_byte(seq, at);
		rt_inlays_add(&inlays, third, rt_slice(bulk->data, third),
		    bulk);
		rt_bulk_unref(bulk);
		rtd_wal_append_inlaid(wal, seq, 1,
		    rt_slice(around, len - third), &inlays);
		/* The log has references of its own. */
		rt_inlays_fini(&inlays);
	}
	rtd_wal_write(wal);
	return seq - 1;
}

static enum rt_code
check_record(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *err)
{
	uint64_t *last = arg;

	ck_assert_uint_eq(first_seq, *last + 1);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(payload.len, rtt_payload_bytes(first_seq));
	for (size_t at = 0; at < payload.len; at++)
		ck_assert_uint_eq(payload.data[at],
		    payload_byte(first_seq, at));
	*last = first_seq;
	return RT_OK;
}

void
rtt_replay_init(struct rtd_wal_replay *replay, struct rt_fs *fs, int dir)
{
	*replay = (struct rtd_wal_replay){
		.fs = fs,
		.dir = dir,
		.database_uuid = rtt_uuid,
		.floor = 1,
		.manifest_generation = 5,
	};
}

enum rt_code
rtt_replay(struct rtd_wal_replay *replay, struct rt_err *err)
{
	uint64_t last = replay->flushed_seq;
	enum rt_code code;

	replay->apply = check_record;
	replay->arg = &last;
	code = rtd_wal_replay(replay, err);
	ck_assert_uint_eq(replay->last_seq, last);
	replay->arg = NULL;
	return code;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
}

void
rtt_wait_durable(struct rtd_wal *wal, uint64_t seq)
{
	while (rtd_wal_durable_seq(wal) < seq &&
	    rtd_wal_state(wal, NULL) == RT_OK)
		nap();
}

void
rtt_wait_written(struct rtd_wal *wal, uint64_t seq)
{
	while (rtd_wal_written_seq(wal) < seq &&
	    rtd_wal_state(wal, NULL) == RT_OK)
		nap();
}

struct rt_buf
rtt_read(int dir, uint64_t segment)
{
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf bytes = { 0 };
	struct rt_err err = { 0 };

	ck_assert_msg(rt_fs_read_file(rt_fs_posix(), dir,
	    rt_path_wal(name, segment), 64 << 20, &bytes, &err) == RT_OK,
	    "%s", err.text);
	return bytes;
}

void
rtt_write(int dir, uint64_t segment, const struct rt_buf *bytes)
{
	struct rt_fs *fs = rt_fs_posix();
	char name[RT_PATH_NAME_BYTES];
	int fd = -1;

	rt_fs_unlink(fs, dir, rt_path_wal(name, segment), NULL);
	ck_assert(rt_fs_create(fs, dir, name, &fd, NULL) == RT_OK);
	ck_assert(rt_fs_write_exact(fs, fd, bytes->data, bytes->len, 0, NULL)
	    == RT_OK);
	rt_fs_close(fs, &fd, NULL);
}

/* -- the file system -- */

static struct rtt_fs *
own(struct rt_fs *fs)
{
	return (struct rtt_fs *)(void *)fs;
}

static int
fate(struct rt_fs *fs)
{
	struct rtt_fs *mine = own(fs);
	int64_t call = atomic_fetch_add(&mine->calls, 1) + 1;
	int64_t fail_at = atomic_load(&mine->fail_at);

	return fail_at != 0 && call >= fail_at ?
	    -atomic_load(&mine->fail_errno) : 0;
}

static ssize_t
test_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	struct rtt_fs *mine = own(fs);
	int refused = fate(fs);
	bool held;

	rt_mutex_lock(&mine->mu);
	held = mine->hold_syncs && mine->syncs_waiting != 0;
	if (held)
		mine->writes_while_held += len;
	rt_mutex_unlock(&mine->mu);
	if (refused == 0)
		return rt_fs_posix()->pwrite(rt_fs_posix(), fd, data, len,
		    offset);
	/* A failing disk takes a part before it refuses. */
	if (len > 1)
		(void)rt_fs_posix()->pwrite(rt_fs_posix(), fd, data, len / 2,
		    offset);
	return refused;
}

static int
test_fdatasync(struct rt_fs *fs, int fd)
{
	struct rtt_fs *mine = own(fs);
	int refused = fate(fs);

	rt_mutex_lock(&mine->mu);
	mine->syncs_waiting++;
	rt_cond_broadcast(&mine->cond);
	while (mine->hold_syncs)
		rt_cond_wait(&mine->cond, &mine->mu);
	mine->syncs_waiting--;
	rt_mutex_unlock(&mine->mu);
	return refused != 0 ? refused :
	    rt_fs_posix()->fdatasync(rt_fs_posix(), fd);
}

static int
test_fsync(struct rt_fs *fs, int fd)
{
	int refused = fate(fs);

	return refused != 0 ? refused : rt_fs_posix()->fsync(rt_fs_posix(), fd);
}

static int
test_openat(struct rt_fs *fs, int dir, const char *name, int flags,
    mode_t mode)
{
	int refused = fate(fs);

	return refused != 0 ? refused :
	    rt_fs_posix()->openat(rt_fs_posix(), dir, name, flags, mode);
}

static int
test_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	int refused = fate(fs);

	return refused != 0 ? refused : rt_fs_posix()->renameat(rt_fs_posix(),
	    from_dir, from, to_dir, to);
}

void
rtt_fs_init(struct rtt_fs *fs)
{
	memset(fs, 0, sizeof(*fs));
	fs->table = *rt_fs_posix();
	fs->table.pwrite = test_pwrite;
	fs->table.fdatasync = test_fdatasync;
	fs->table.fsync = test_fsync;
	fs->table.openat = test_openat;
	fs->table.renameat = test_renameat;
	atomic_store(&fs->fail_errno, EIO);
	rt_mutex_init(&fs->mu);
	rt_cond_init(&fs->cond);
}

void
rtt_fs_fini(struct rtt_fs *fs)
{
	rt_cond_fini(&fs->cond);
	rt_mutex_fini(&fs->mu);
}

void
rtt_fs_hold_syncs(struct rtt_fs *fs, bool hold)
{
	rt_mutex_lock(&fs->mu);
	fs->hold_syncs = hold;
	rt_cond_broadcast(&fs->cond);
	rt_mutex_unlock(&fs->mu);
}

void
rtt_fs_wait_for_sync(struct rtt_fs *fs)
{
	rt_mutex_lock(&fs->mu);
	while (fs->syncs_waiting == 0)
		rt_cond_wait(&fs->cond, &fs->mu);
	rt_mutex_unlock(&fs->mu);
}
