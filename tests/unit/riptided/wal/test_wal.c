#include "riptided/wal/wal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/os/path.h"
#include "riptided/wal/wal_format.h"
#include "tests/support/runner.h"
#include "tests/unit/riptided/wal/logs.h"

static struct rtt_scratch scratch;
static struct rtt_fs fs;
static struct rtd_wal_replay replay;
static struct rt_err err;

static void
begin(void)
{
	rtt_scratch_init(&scratch);
	rtt_fs_init(&fs);
	rtt_replay_init(&replay, &fs.table, scratch.fd);
	memset(&err, 0, sizeof(err));
}

static void
end(void)
{
	rtt_fs_fini(&fs);
	rtt_scratch_fini(&scratch);
}

static struct rtd_wal *
open_log(enum rt_appendfsync policy)
{
	return rtt_wal_reopen(&fs.table, scratch.fd, &replay, policy);
}

static void
close_log(struct rtd_wal *wal)
{
	ck_assert_msg(rtd_wal_close(wal, NULL, NULL, &err) == RT_OK, "%s",
	    err.text);
}

static void
replay_all(uint64_t last_seq)
{
	ck_assert_msg(rtt_replay(&replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_eq(replay.last_seq, last_seq);
}

START_TEST(what_was_appended_is_replayed)
{
	struct rtd_wal *wal;
	uint64_t seq = 0, segment, bytes;

	begin();
	wal = open_log(RT_FSYNC_EVERYSEC);
	for (int turn = 0; turn < 50; turn++)
		seq = rtt_wal_put(wal, seq + 1, 7);
	ck_assert_uint_eq(rtd_wal_written_seq(wal), seq);
	ck_assert(rtd_wal_close(wal, &segment, &bytes, &err) == RT_OK);
	ck_assert_uint_eq(segment, 1);
	replay_all(seq);
	ck_assert_uint_eq(replay.records, seq);
	ck_assert_uint_eq(replay.torn_segment, 0);
	ck_assert_uint_eq(replay.end_segment, 1);
	ck_assert_uint_eq(replay.end_bytes, bytes);
	end();
}
END_TEST

static enum rt_code
count_bytes(void *arg, uint64_t segment, uint64_t first_seq, uint32_t count,
    struct rt_slice payload, struct rt_err *failure)
{
	uint64_t *sum = arg;

	ck_assert_uint_eq(count, 3);
	ck_assert((replay.bulk != NULL) == (payload.len >= RT_BULK_BYTES_MIN));
	/* It may be kept. */
	ck_assert(replay.bulk == NULL || replay.bulk->data == payload.data);
	for (size_t i = 0; i < payload.len; i++)
		ck_assert_uint_eq(payload.data[i], (uint8_t)(i % 251));
	*sum += payload.len;
	return RT_OK;
}

START_TEST(big_records_are_replayed_whole)
{
	size_t sizes[] = { 1 << 20, 5 << 20, 0, (1 << 20) - 32,
		RT_BULK_BYTES_MIN - 1, RT_BULK_BYTES_MIN };
	uint8_t *payload = malloc(5 << 20);
	uint64_t seq = 1, sum = 0, want = 0;
	struct rtd_wal *wal;

	begin();
	for (size_t i = 0; i < 5 << 20; i++)
		payload[i] = (uint8_t)(i % 251);
	wal = open_log(RT_FSYNC_NO);
	for (size_t i = 0; i < RT_COUNTOF(sizes); i++, seq += 3) {
		rtd_wal_append(wal, seq, 3, rt_slice(payload, sizes[i]));
		want += sizes[i];
	}
	close_log(wal);
	replay.apply = count_bytes;
	replay.arg = &sum;
	ck_assert(rtd_wal_replay(&replay, &err) == RT_OK);
	ck_assert_uint_eq(sum, want);
	ck_assert_uint_eq(replay.last_seq, seq - 1);
	free(payload);
	end();
}
END_TEST

START_TEST(inlaid_records_are_replayed_as_if_in_one_piece)
{
	uint64_t seq = 0;

	begin();
	for (int process = 0; process < 3; process++) {
		struct rtd_wal *wal = open_log(RT_FSYNC_EVERYSEC);

		for (int i = 0; i < 20; i++) {
			seq = rtt_wal_put_inlaid(wal, seq + 1, 3);
			/* Behind what may not be in the file yet. */
			seq = rtt_wal_put(wal, seq + 1, 4);
			if (i % 7 == 6)
				rtd_wal_rotate(wal);
		}
		rtt_wait_written(wal, seq);
		seq = rtt_wal_put_inlaid(wal, seq + 1, 1);
		close_log(wal);
		replay_all(seq);
	}
	end();
}
END_TEST

/* A segment may not begin before its predecessor is synced: meanwhile records
 * gather, and their inlays with them. */
START_TEST(inlaid_records_gather_during_a_rotation)
{
	struct rtd_wal *wal;
	uint64_t seq, before;

	begin();
	wal = open_log(RT_FSYNC_NO);
	before = rtt_wal_put(wal, 1, 10);
	rtt_fs_hold_syncs(&fs, true);
	rtd_wal_rotate(wal);
	rtt_fs_wait_for_sync(&fs);
	seq = before;
	for (int i = 0; i < 5; i++) {
		seq = rtt_wal_put_inlaid(wal, seq + 1, 3);
		seq = rtt_wal_put(wal, seq + 1, 2);
	}
	ck_assert_uint_eq(rtd_wal_written_seq(wal), before);
	rt_mutex_lock(&fs.mu);
	ck_assert_uint_eq(fs.writes_while_held, 0);
	rt_mutex_unlock(&fs.mu);
	rtt_fs_hold_syncs(&fs, false);
	rtt_wait_written(wal, seq);
	close_log(wal);
	replay_all(seq);
	end();
}
END_TEST

START_TEST(a_log_goes_on_over_segments_and_processes)
{
	uint64_t seq = 0;

	begin();
	for (int process = 0; process < 4; process++) {
		struct rtd_wal *wal = open_log(RT_FSYNC_ALWAYS);

		for (int i = 0; i < 5; i++) {
			seq = rtt_wal_put(wal, seq + 1, 20);
			rtd_wal_rotate(wal);
		}
		seq = rtt_wal_put(wal, seq + 1, 3);
		close_log(wal);
		replay_all(seq);
		ck_assert_uint_eq(replay.last_segment,
		    (uint64_t)(process + 1) * 6);
	}
	replay.flushed_seq = 50;
	replay_all(seq);
	ck_assert_uint_eq(replay.records, seq - 50);
	end();
}
END_TEST

static void
count_notices(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

START_TEST(always_makes_each_group_durable_and_tells)
{
	struct rtd_wal_options options;
	_Atomic unsigned notices = 0;
	struct rtd_wal *wal = NULL;
	uint64_t seq = 0;

	begin();
	options = rtt_wal_options(&fs.table, scratch.fd);
	options.policy = RT_FSYNC_ALWAYS;
	options.notify = count_notices;
	options.notify_arg = &notices;
	ck_assert(rtd_wal_open(&wal, &options, &err) == RT_OK);
	for (unsigned i = 1; i <= 100; i++) {
		seq = rtt_wal_put(wal, seq + 1, 3);
		rtt_wait_durable(wal, seq);
		while (atomic_load(&notices) < i)
			continue;
		if (i % 10 == 0)
			rtd_wal_rotate(wal);
	}
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), seq);
	close_log(wal);
	replay_all(seq);
	end();
}
END_TEST

static _Atomic uint64_t stopped_ns = UINT64_C(1000000000);

static uint64_t
stopped_clock(struct rt_clock *clock)
{
	(void)clock;
	return atomic_load(&stopped_ns);
}

START_TEST(a_sync_waits_while_more_is_coming)
{
	struct rt_clock clock = *rt_clock_system();
	struct rtd_wal_options options;
	struct rtd_wal_stats before, after;
	struct rtd_wal *wal = NULL;

	begin();
	clock.monotonic_ns = stopped_clock;
	options = rtt_wal_options(&fs.table, scratch.fd);
	options.policy = RT_FSYNC_ALWAYS;
	options.clock = &clock;
	ck_assert(rtd_wal_open(&wal, &options, &err) == RT_OK);
	/* Long after the last sync it begins at once. */
	rtt_wal_add(wal, 1, 1);
	ck_assert(!rtd_wal_write_some(wal));
	rtt_wait_durable(wal, 1);
	rtd_wal_get_stats(wal, &before);
	/* Just after one it waits until nothing more is coming, */
	for (uint64_t seq = 2; seq <= 50; seq++) {
		rtt_wal_add(wal, seq, 1);
		ck_assert(rtd_wal_write_some(wal));
	}
	ck_assert_uint_eq(rtd_wal_written_seq(wal), 50);
	usleep(20000);
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 1);
	ck_assert(rtd_wal_write_some(wal));
	rtd_wal_write(wal);
	rtt_wait_durable(wal, 50);
	rtd_wal_get_stats(wal, &after);
	ck_assert_uint_eq(after.syncs, before.syncs + 1);
	/* or until time has passed, though more is coming. */
	rtt_wal_add(wal, 51, 1);
	ck_assert(rtd_wal_write_some(wal));
	atomic_fetch_add(&stopped_ns, 1000000);
	rtt_wal_add(wal, 52, 1);
	ck_assert(!rtd_wal_write_some(wal));
	rtt_wait_durable(wal, 52);
	close_log(wal);
	replay_all(52);
	end();
}
END_TEST

START_TEST(what_waits_for_more_is_synced_by_a_rotation_and_at_the_end)
{
	struct rt_clock clock = *rt_clock_system();
	struct rtd_wal_options options;
	struct rtd_wal *wal = NULL;

	begin();
	clock.monotonic_ns = stopped_clock;
	options = rtt_wal_options(&fs.table, scratch.fd);
	options.policy = RT_FSYNC_ALWAYS;
	options.clock = &clock;
	ck_assert(rtd_wal_open(&wal, &options, &err) == RT_OK);
	rtt_wait_durable(wal, rtt_wal_put(wal, 1, 1));
	rtt_wal_add(wal, 2, 1);
	ck_assert(rtd_wal_write_some(wal));
	rtd_wal_rotate(wal);
	rtt_wait_durable(wal, 2);
	rtt_wal_add(wal, 3, 1);
	rtd_wal_write(wal);
	rtt_wait_durable(wal, 3);
	rtt_wal_add(wal, 4, 1);
	ck_assert(rtd_wal_write_some(wal));
	close_log(wal);
	replay_all(4);
	end();
}
END_TEST

START_TEST(only_always_waits_for_more)
{
	struct rtd_wal *wal;

	begin();
	wal = open_log(RT_FSYNC_NO);
	rtt_wal_add(wal, 1, 1);
	ck_assert(!rtd_wal_write_some(wal));
	rtd_wal_set_policy(wal, RT_FSYNC_EVERYSEC);
	rtt_wal_add(wal, 2, 1);
	ck_assert(!rtd_wal_write_some(wal));
	close_log(wal);
	end();
}
END_TEST

START_TEST(policy_no_syncs_only_when_asked)
{
	struct rtd_wal_stats stats;
	struct rtd_wal *wal;
	uint64_t seq;

	begin();
	wal = open_log(RT_FSYNC_NO);
	seq = rtt_wal_put(wal, 1, 10);
	rtd_wal_get_stats(wal, &stats);
	ck_assert_uint_eq(stats.syncs, 0);
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 0);
	rtd_wal_sync_soon(wal);
	rtt_wait_durable(wal, seq);
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), seq);
	seq = rtt_wal_put(wal, seq + 1, 10);
	rtd_wal_set_policy(wal, RT_FSYNC_ALWAYS);
	rtt_wait_durable(wal, seq);
	close_log(wal);
	end();
}
END_TEST

START_TEST(everysec_syncs_by_itself_and_leaves_a_marker)
{
	struct rtd_wal_stats stats;
	uint64_t seq, data_bytes;
	struct rtd_wal *wal;

	begin();
	wal = open_log(RT_FSYNC_EVERYSEC);
	seq = rtt_wal_put(wal, 1, 10);
	rtd_wal_get_stats(wal, &stats);
	data_bytes = stats.bytes_written;
	rtt_wait_durable(wal, seq);
	do
		rtd_wal_get_stats(wal, &stats);
	while (stats.bytes_written == data_bytes);
	ck_assert_uint_eq(stats.bytes_written,
	    data_bytes + RTD_WAL_RECORD_HEADER_BYTES);
	seq = rtt_wal_put(wal, seq + 1, 1);
	close_log(wal);
	replay_all(seq);
	end();
}
END_TEST

/* W3 */
START_TEST(nothing_follows_a_rotation_before_the_old_segment_is_synced)
{
	struct rtd_wal *wal;
	uint64_t before, after;
	bool exists;

	begin();
	wal = open_log(RT_FSYNC_NO);
	before = rtt_wal_put(wal, 1, 10);
	rtt_fs_hold_syncs(&fs, true);
	ck_assert_uint_eq(rtd_wal_rotate(wal), 2);
	rtt_fs_wait_for_sync(&fs);
	after = rtt_wal_put(wal, before + 1, 10);
	after = rtt_wal_put(wal, after + 1, 10);
	ck_assert_uint_eq(rtd_wal_rotate(wal), 3);
	after = rtt_wal_put(wal, after + 1, 10);
	ck_assert_uint_eq(rtd_wal_written_seq(wal), before);
	ck_assert(rt_fs_exists(rt_fs_posix(), scratch.fd, "2.wal", &exists,
	    NULL) == RT_OK && !exists);
	rt_mutex_lock(&fs.mu);
	ck_assert_uint_eq(fs.writes_while_held, 0);
	rt_mutex_unlock(&fs.mu);
	rtt_fs_hold_syncs(&fs, false);
	rtt_wait_written(wal, after);
	ck_assert_uint_eq(rtd_wal_written_seq(wal), after);
	close_log(wal);
	replay_all(after);
	ck_assert_uint_eq(replay.last_segment, 3);
	end();
}
END_TEST

START_TEST(a_sync_does_not_stop_writes)
{
	struct rtd_wal *wal;
	uint64_t seq;

	begin();
	wal = open_log(RT_FSYNC_ALWAYS);
	rtt_fs_hold_syncs(&fs, true);
	seq = rtt_wal_put(wal, 1, 5);
	rtt_fs_wait_for_sync(&fs);
	for (int i = 0; i < 20; i++)
		seq = rtt_wal_put(wal, seq + 1, 5);
	ck_assert_uint_eq(rtd_wal_written_seq(wal), seq);
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 0);
	rtt_fs_hold_syncs(&fs, false);
	rtt_wait_durable(wal, seq);
	close_log(wal);
	end();
}
END_TEST

static bool
exists_now(const char *name)
{
	bool exists = false;

	ck_assert(rt_fs_exists(rt_fs_posix(), scratch.fd, name, &exists,
	    NULL) == RT_OK);
	return exists;
}

START_TEST(released_segments_are_recycled_and_their_bytes_never_replay)
{
	struct rtd_wal *wal;
	uint64_t seq = 0;

	begin();
	wal = open_log(RT_FSYNC_ALWAYS);
	for (int i = 0; i < 30; i++) {
		uint64_t floor;

		seq = rtt_wal_put(wal, seq + 1, 40);
		floor = rtd_wal_rotate(wal);
		/* Less than the file had before. */
		seq = rtt_wal_put(wal, seq + 1, 5);
		rtt_wait_durable(wal, seq);
		replay.floor = floor;
		rtd_wal_release(wal, floor);
	}
	ck_assert(!exists_now("1.wal"));
	close_log(wal);
	replay.flushed_seq = seq - 5;
	replay_all(seq);
	ck_assert_uint_eq(replay.torn_segment, 0);
	/* A log cut off without its clean end, too. */
	wal = open_log(RT_FSYNC_ALWAYS);
	seq = rtt_wal_put(wal, seq + 1, 5);
	rtt_wait_durable(wal, seq);
	replay.read_only = true;
	replay_all(seq);
	ck_assert_uint_eq(replay.torn_segment, 0);
	close_log(wal);
	end();
}
END_TEST

START_TEST(a_spare_of_zeros_is_prepared_and_used)
{
	struct rtd_wal *wal;
	uint64_t seq = 0;

	begin();
	wal = open_log(RT_FSYNC_NO);
	while (seq < 1000)
		seq = rtt_wal_put(wal, seq + 1, 10);
	while (!exists_now("spare-1"))
		continue;
	do {
		rtd_wal_rotate(wal);
		seq = rtt_wal_put(wal, seq + 1, 1);
		rtt_wait_written(wal, seq);
	} while (exists_now("spare-1"));
	close_log(wal);
	replay_all(seq);
	end();
}
END_TEST

START_TEST(a_failed_write_stops_the_log)
{
	uint64_t seq, written;
	struct rtd_wal *wal;

	begin();
	wal = open_log(RT_FSYNC_NO);
	seq = rtt_wal_put(wal, 1, 10);
	atomic_store(&fs.fail_errno, ENOSPC);
	atomic_store(&fs.fail_at, atomic_load(&fs.calls) + 1);
	seq = rtt_wal_put(wal, seq + 1, 10);
	ck_assert_int_eq(rtd_wal_state(wal, &err), RT_ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "write wal segment 1"));
	atomic_store(&fs.fail_at, 0);
	written = rtd_wal_written_seq(wal);
	ck_assert_uint_eq(written, 10);
	rtd_wal_rotate(wal);
	rtt_wal_put(wal, seq + 1, 10);
	ck_assert_uint_eq(rtd_wal_written_seq(wal), written);
	ck_assert_int_eq(rtd_wal_close(wal, NULL, NULL, &err), RT_ENOSPC);
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	ck_assert_uint_ge(replay.last_seq, written);
	end();
}
END_TEST

START_TEST(a_failed_sync_stops_the_log)
{
	struct rtd_wal_stats before, after;
	uint64_t seq;
	struct rtd_wal *wal;

	begin();
	wal = open_log(RT_FSYNC_NO);
	seq = rtt_wal_put(wal, 1, 10);
	atomic_store(&fs.fail_at, atomic_load(&fs.calls) + 1);
	rtd_wal_sync_soon(wal);
	rtt_wait_durable(wal, seq);
	ck_assert_int_eq(rtd_wal_state(wal, &err), RT_EIO);
	atomic_store(&fs.fail_at, 0);
	rtd_wal_get_stats(wal, &before);
	rtd_wal_sync_soon(wal);
	rtt_wal_put(wal, seq + 1, 10);
	rtd_wal_get_stats(wal, &after);
	ck_assert_uint_eq(after.syncs, before.syncs);
	ck_assert_uint_eq(after.bytes_written, before.bytes_written);
	ck_assert_int_eq(rtd_wal_close(wal, NULL, NULL, &err), RT_EIO);
	end();
}
END_TEST

/* Ten durable records, then a failure that takes ten more, which tables have
 * afterwards. */
static struct rtd_wal *
failed_log(void)
{
	struct rtd_wal *wal = open_log(RT_FSYNC_ALWAYS);

	rtt_wait_durable(wal, rtt_wal_put(wal, 1, 10));
	atomic_store(&fs.fail_errno, EIO);
	atomic_store(&fs.fail_at, atomic_load(&fs.calls) + 1);
	rtt_wait_durable(wal, rtt_wal_put(wal, 11, 10));
	ck_assert_int_eq(rtd_wal_state(wal, &err), RT_EIO);
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 10);
	ck_assert_uint_eq(rtd_wal_failures(wal), 1);
	rtd_wal_rotate(wal);
	return wal;
}

static void
wait_until_ok(struct rtd_wal *wal)
{
	while (rtd_wal_state(wal, &err) != RT_OK)
		continue;
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 20);
	ck_assert_uint_eq(rtd_wal_written_seq(wal), 20);
	ck_assert(!rtd_wal_is_stuck(wal));
}

START_TEST(log_begins_again_behind_what_tables_have)
{
	struct rtd_wal *wal;
	struct rt_buf failed;

	begin();
	wal = failed_log();
	failed = rtt_read(scratch.fd, 1);
	atomic_store(&fs.fail_at, 0);
	rtd_wal_begin_again(wal);
	wait_until_ok(wal);
	rtt_wait_durable(wal, rtt_wal_put(wal, 21, 10));
	rtd_wal_rotate(wal);
	rtt_wait_durable(wal, rtt_wal_put(wal, 31, 5));
	ck_assert_uint_eq(rtd_wal_failures(wal), 1);
	close_log(wal);
	ck_assert(!exists_now("1.wal"));
	replay.flushed_seq = 20;
	replay_all(35);
	ck_assert_uint_eq(replay.records, 15);
	/* A failed segment that could not be unlinked changes nothing. */
	rtt_write(scratch.fd, 1, &failed);
	replay_all(35);
	ck_assert_uint_eq(replay.records, 15);
	rt_buf_fini(&failed);
	end();
}
END_TEST

START_TEST(log_that_cannot_begin_again_tries_until_it_can)
{
	struct rtd_wal *wal;

	begin();
	wal = failed_log();
	rtd_wal_begin_again(wal);
	while (!rtd_wal_is_stuck(wal))
		continue;
	ck_assert_int_eq(rtd_wal_state(wal, &err), RT_EIO);
	ck_assert_ptr_nonnull(strstr(err.text, "begin wal segment"));
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 10);
	atomic_store(&fs.fail_at, 0);
	wait_until_ok(wal);
	rtt_wait_durable(wal, rtt_wal_put(wal, 21, 10));
	close_log(wal);
	replay.flushed_seq = 20;
	replay_all(30);
	end();
}
END_TEST

START_TEST(log_that_failed_twice_begins_again_twice)
{
	struct rtd_wal *wal;

	begin();
	wal = failed_log();
	atomic_store(&fs.fail_at, 0);
	rtd_wal_begin_again(wal);
	wait_until_ok(wal);
	atomic_store(&fs.fail_at, atomic_load(&fs.calls) + 1);
	rtt_wait_durable(wal, rtt_wal_put(wal, 21, 10));
	ck_assert_uint_eq(rtd_wal_failures(wal), 2);
	ck_assert_uint_eq(rtd_wal_durable_seq(wal), 20);
	rtd_wal_rotate(wal);
	atomic_store(&fs.fail_at, 0);
	rtd_wal_begin_again(wal);
	while (rtd_wal_state(wal, &err) != RT_OK)
		continue;
	rtt_wait_durable(wal, rtt_wal_put(wal, 31, 10));
	close_log(wal);
	replay.flushed_seq = 30;
	replay_all(40);
	end();
}
END_TEST

/* Every call fails in turn, and all after it: what was acknowledged before is
 * there afterwards. */
static void
fail_each_call(uint64_t (*put)(struct rtd_wal *wal, uint64_t seq,
    unsigned records))
{
	for (int64_t n = 1;; n++) {
		struct rtd_wal_options options;
		struct rtd_wal *wal = NULL;
		uint64_t seq = 0, acked = 0;
		enum rt_code code;
		bool failed;

		begin();
		options = rtt_wal_options(&fs.table, scratch.fd);
		options.policy = RT_FSYNC_ALWAYS;
		atomic_store(&fs.fail_at, n);
		code = rtd_wal_open(&wal, &options, &err);
		for (int i = 0; i < 5 && code == RT_OK; i++) {
			seq = put(wal, seq + 1, 5);
			if (i % 2 == 1)
				rtd_wal_rotate(wal);
			rtt_wait_durable(wal, seq);
			acked = rtd_wal_durable_seq(wal);
		}
		if (code == RT_OK)
			code = rtd_wal_close(wal, NULL, NULL, &err);
		failed = code != RT_OK;
		atomic_store(&fs.fail_at, 0);
		ck_assert_msg(rtt_replay(&replay, &err) == RT_OK,
		    "call %ld: %s", (long)n, err.text);
		ck_assert_uint_ge(replay.last_seq, acked);
		ck_assert_uint_le(replay.last_seq, seq);
		end();
		if (!failed)
			break;
	}
}

START_TEST(whatever_call_fails_the_acknowledged_is_replayed)
{
	fail_each_call(rtt_wal_put);
}
END_TEST

START_TEST(so_it_is_with_inlaid_records)
{
	fail_each_call(rtt_wal_put_inlaid);
}
END_TEST

struct appender {
	struct rtd_wal *wal;
	uint64_t seq;
};

static void *
append_many(void *arg)
{
	struct appender *appender = arg;

	for (int turn = 0; turn < 2000; turn++) {
		appender->seq = rtt_wal_put(appender->wal, appender->seq + 1,
		    3);
		if (turn % 200 == 199)
			rtd_wal_release(appender->wal,
			    rtd_wal_rotate(appender->wal) - 2);
	}
	return NULL;
}

START_TEST(appends_and_syncs_run_beside_each_other)
{
	struct appender appender = { 0 };
	uint64_t durable = 0, written = 0;
	pthread_t thread;

	begin();
	appender.wal = open_log(RT_FSYNC_ALWAYS);
	rt_thread_start(&thread, "appender", append_many, &appender);
	while (durable < 6000) {
		uint64_t now_durable = rtd_wal_durable_seq(appender.wal);
		uint64_t now_written = rtd_wal_written_seq(appender.wal);

		ck_assert_uint_ge(now_durable, durable);
		ck_assert_uint_ge(now_written, written);
		ck_assert_uint_ge(now_written, now_durable);
		durable = now_durable;
		written = now_written;
	}
	rt_thread_join(thread);
	close_log(appender.wal);
	replay.floor = 9;
	replay.flushed_seq = 4800;
	replay_all(6000);
	end();
}
END_TEST

RTT_MAIN("wal", what_was_appended_is_replayed, big_records_are_replayed_whole,
    inlaid_records_are_replayed_as_if_in_one_piece,
    inlaid_records_gather_during_a_rotation,
    a_log_goes_on_over_segments_and_processes,
    always_makes_each_group_durable_and_tells,
    a_sync_waits_while_more_is_coming,
    what_waits_for_more_is_synced_by_a_rotation_and_at_the_end,
    only_always_waits_for_more, policy_no_syncs_only_when_asked,
    everysec_syncs_by_itself_and_leaves_a_marker,
    nothing_follows_a_rotation_before_the_old_segment_is_synced,
    a_sync_does_not_stop_writes,
    released_segments_are_recycled_and_their_bytes_never_replay,
    a_spare_of_zeros_is_prepared_and_used,
    a_failed_write_stops_the_log,
    a_failed_sync_stops_the_log,
    log_begins_again_behind_what_tables_have,
    log_that_cannot_begin_again_tries_until_it_can,
    log_that_failed_twice_begins_again_twice,
    whatever_call_fails_the_acknowledged_is_replayed,
    so_it_is_with_inlaid_records,
    appends_and_syncs_run_beside_each_other)
