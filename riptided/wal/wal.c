/* One mutex, held for short sections, never across a system call. The loop
 * encodes into `pending`, which is its own. Three rules keep order:
 *
 * - Whoever writes to a file holds the token `writing`; there is one. The loop
 *   never waits for it: when it is taken, or when the segment's file may not
 *   be written yet (W3), the bytes are queued on the segment and the sync
 *   thread writes them.
 * - Segments form a list, oldest first. The sync thread begins a segment's
 *   file only when it is the oldest, and takes the oldest off the list only
 *   when it is sealed (rotated away), wholly written and synced. So no byte of
 *   a segment, its header neither, precedes its predecessor's sync.
 * - Only the sync thread syncs, one at a time; meanwhile the loop goes on
 *   writing to the same file. What was written when the sync began is durable
 *   when it ends.
 *
 * After a failure (W4) all of this stands still until rtd_wal_begin_again():
 * then the sync thread gives the newest segment a file whose header names no
 * predecessor and a sequence that a manifest covers, which is where replay
 * begins; the segments before it are unlinked and never recycled.
 *
 * Each record tells how far its segment was durable when it was encoded. When
 * no further record comes, a sync marker does it, so that the stretch of the
 * log in which a torn tail and damage look alike stays short. */
#include "riptided/wal/wal.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/latency.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/mutex.h"
#include "libcommon/os/path.h"
#include "riptided/wal/wal_format.h"
#include "riptided/wal/wal_space.h"

/* At the start of a process without a spare: enough for a while, and written
 * within milliseconds. */
#define FIRST_FILL_BYTES_MAX (16u << 20)
/* everysec: sync after this time, or this much. */
#define SYNC_INTERVAL_NS UINT64_C(1000000000)
#define SYNC_UNSYNCED_BYTES (8u << 20)
/* always: after a sync, so long may one wait for more while more is coming. A
 * sync takes as much of the processor as a dozen commands, so that under load
 * few large groups are faster than many small ones. */
#define GATHER_NS UINT64_C(200000)
/* A sync marker follows a sync after this time without a record. */
#define MARKER_DELAY_NS UINT64_C(700000000)
/* Beginning again is tried so soon after a failure, then, each time doubling
 * that, at least so often. */
#define RETRY_NS_MIN UINT64_C(16000000)
#define RETRY_NS_MAX UINT64_C(1000000000)
/* A sync that takes longer is told of: the disk may be about to fail. */
#define SLOW_SYNC_NS UINT64_C(1000000000)
#define SLOW_LOG_INTERVAL_MS 10000
/* Buffers that a big record made bigger than this are given back. */
#define BUFFER_KEPT_BYTES (4u << 20)
#define NEVER UINT64_MAX

/* Encoded records: bytes, with large values in between where they are. */
struct records {
	struct rt_buf bytes;
	struct rt_inlays inlays;
};

struct segment {
	struct segment *next;		/* newer */
	uint64_t number;
	uint64_t salt;
	uint32_t seed;
	int fd;
	/* RT_GUARDED_BY(mu) from here on */
	bool begun;			/* file and header are there */
	bool sealed;			/* nothing is appended any more */
	struct records queued;		/* handed over, not yet written */
	uint64_t queued_seq;
	uint64_t written;		/* bytes in the file */
	uint64_t written_seq;
	uint64_t synced;		/* of them durable */
	bool marker_last;		/* the last record is a marker */
	_Atomic uint64_t synced_upto;	/* synced, for the loop's records */
};

/* A segment whose every byte is durable, waiting for the floor to pass it. */
struct retired {
	uint64_t number;
	uint64_t bytes;
};

struct rtd_wal {
	struct rt_fs *fs;
	struct rt_clock *clock;
	int dir;
	uint8_t database_uuid[RTD_WAL_UUID_BYTES];
	uint64_t segment_bytes;
	void (*notify)(void *arg);
	void *notify_arg;
	struct rtd_wal_space *space;
	_Atomic uint64_t manifest_generation;
	_Atomic uint64_t written_seq;
	_Atomic uint64_t durable_seq;
	_Atomic bool failed;
	_Atomic bool stuck;		/* beginning again has failed, too */
	_Atomic uint64_t failures;

	/* The loop's own. */
	struct segment *newest;
	struct records pending;
	uint64_t last_seq;
	bool sync_waits;		/* for rtd_wal_write() */

	struct rt_mutex mu;
	struct rt_cond cond;		/* something for the sync thread */
	/* RT_GUARDED_BY(mu) from here on */
	struct segment *oldest;		/* on the list */
	struct rt_err failure;
	bool failure_told;
	bool again_asked;		/* the newest segment may begin */
	uint64_t again_ns;		/* not before */
	uint64_t retry_ns;		/* after a further failure */
	bool writing;			/* the token */
	bool asleep;			/* the thread waits */
	uint64_t wake_ns;		/* until then */
	bool sync_asked;
	bool gathering;			/* more is coming before the sync */
	bool stopping;
	bool ended;			/* the clean end is written */
	bool spare_asked;		/* for the newest segment's successor */
	enum rt_appendfsync policy;
	uint64_t last_sync_ns;
	uint64_t floor;
	/* Of the oldest's predecessor. */
	uint64_t prev_number, prev_bytes, prev_last_seq;
	struct retired *retired;
	size_t retired_count, retired_cap;
	struct rtd_wal_stats stats;
	struct rt_durations writes, syncs;
	pthread_t thread;
};

/* -- segments -- */

static void
records_fini(struct records *records)
{
	rt_buf_fini(&records->bytes);
	rt_inlays_fini(&records->inlays);
}

/* Forget them, keep memory of the usual size. */
static void
records_clear(struct records *records)
{
	if (records->bytes.cap > BUFFER_KEPT_BYTES)
		rt_buf_fini(&records->bytes);
	rt_buf_clear(&records->bytes);
	if (RT_UNLIKELY(records->inlays.count != 0))
		rt_inlays_fini(&records->inlays);
}

static struct segment *
segment_new(uint64_t number, uint64_t last_seq)
{
	struct segment *seg = rt_alloc_zero(1, sizeof(*seg));

	/* Before the kernel's pool is ready nothing else would run either. */
	rt_assert(getrandom(&seg->salt, sizeof(seg->salt), 0) ==
	    (ssize_t)sizeof(seg->salt));
	seg->number = number;
	seg->seed = rtd_wal_seed(seg->salt);
	seg->fd = -1;
	seg->written_seq = last_seq;
	seg->queued_seq = last_seq;
	return seg;
}

static void
segment_free(struct rt_fs *fs, struct segment *seg)
{
	if (seg == NULL)
		return;
	rt_fs_close(fs, &seg->fd, NULL);
	records_fini(&seg->queued);
	free(seg);
}

/* Give the segment its file, with a header. The name is synced before any
 * record can be acknowledged; the header goes to the disk with the first
 * record at the latest, and means nothing without one. */
static enum rt_code
make_file(struct rtd_wal *wal, struct segment *seg, uint64_t prev_number,
    uint64_t prev_bytes, uint64_t prev_last_seq, uint64_t fresh_bytes,
    struct rt_err *err)
{
	struct rtd_wal_segment_header header = {
		.number = seg->number,
		.salt = seg->salt,
		.prev_number = prev_number,
		.prev_bytes = prev_bytes,
		.prev_last_seq = prev_last_seq,
		.manifest_generation = atomic_load(&wal->manifest_generation),
	};
	uint8_t bytes[RTD_WAL_RECORDS_AT];
	bool recycled = false;
	enum rt_code code;

	code = rtd_wal_space_take(wal->space, seg->number, fresh_bytes,
	    &seg->fd, &recycled, err);
	RT_CRASHPOINT("wal-segment-named");
	if (code == RT_OK) {
		memcpy(header.database_uuid, wal->database_uuid,
		    RTD_WAL_UUID_BYTES);
		header.flags = recycled ? RTD_WAL_FLAG_RECYCLED : 0;
		rtd_wal_segment_header_encode(bytes, &header);
		code = rt_fs_write_exact(wal->fs, seg->fd, bytes,
		    sizeof(bytes), 0, err);
	}
	RT_CRASHPOINT("wal-segment-begun");
	if (code == RT_OK)
		code = rt_fs_sync_dir(wal->fs, wal->dir, err);
	if (code != RT_OK)
		rt_err_prefix(err, "begin wal segment %llu",
		    (unsigned long long)seg->number);
	return code;
}

/* -- under the mutex -- */

static void
wake(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	if (wal->asleep) {
		wal->asleep = false;
		rt_cond_signal(&wal->cond);
	}
}

/* W4 */
static void
fail(struct rtd_wal *wal, const struct rt_err *err) RT_REQUIRES(wal->mu)
{
	if (wal->failure.code == RT_OK) {
		wal->failure = *err;
		wal->failure_told = false;
		atomic_fetch_add(&wal->failures, 1);
		atomic_store(&wal->failed, true);
	}
	wake(wal);
}

static uint64_t
unsynced(const struct segment *seg)
{
	return seg->written - seg->synced;
}

/* When the oldest segment, which has unsynced bytes, is to be synced; NEVER:
 * not of itself. */
static uint64_t
sync_due_ns(const struct rtd_wal *wal)
{
	const struct segment *seg = wal->oldest;

	if (seg->sealed || wal->sync_asked || wal->stopping)
		return 0;
	if (wal->policy == RT_FSYNC_ALWAYS)
		return wal->gathering ? NEVER : 0;
	if (wal->policy == RT_FSYNC_NO)
		return NEVER;
	if (unsynced(seg) >= SYNC_UNSYNCED_BYTES)
		return 0;
	return wal->last_sync_ns + SYNC_INTERVAL_NS;
}

/* One write for each piece: one in all where there is no inlay. */
static enum rt_code
write_pieces(const struct rtd_wal *wal, const struct segment *seg, uint64_t at,
    const struct records *records, uint64_t *written, struct rt_err *err)
{
	struct rt_inlay_walk walk = {
		.buffer = rt_buf_slice(&records->bytes),
		.inlays = &records->inlays,
	};
	enum rt_code code = RT_OK;
	struct rt_slice piece;

	*written = 0;
	while (code == RT_OK && rt_inlay_walk_next(&walk, &piece)) {
		code = rt_fs_write_exact(wal->fs, seg->fd, piece.data,
		    piece.len, at + *written, err);
		*written += piece.len;
	}
	return code;
}

/* Write at the end of the segment's file, as the holder of the token. */
static enum rt_code
write_records(struct rtd_wal *wal, struct segment *seg,
    const struct records *records, uint64_t last_seq, bool marker)
    RT_REQUIRES(wal->mu)
{
	uint64_t at = seg->written, written = 0, start_ns, took_ns;
	struct rt_err err = { 0 };
	enum rt_code code;

	rt_assert(!wal->writing && seg->begun);
	wal->writing = true;
	rt_mutex_unlock(&wal->mu);
	start_ns = rt_clock_monotonic_ns(wal->clock);
	code = write_pieces(wal, seg, at, records, &written, &err);
	took_ns = rt_clock_monotonic_ns(wal->clock) - start_ns;
	rt_latency_note(RT_LATENCY_WAL_WRITE, took_ns);
	if (code != RT_OK)
		rt_err_prefix(&err, "write wal segment %llu",
		    (unsigned long long)seg->number);
	RT_CRASHPOINT("wal-written");
	rt_mutex_lock(&wal->mu);
	rt_durations_add(&wal->writes, took_ns);
	wal->writing = false;
	if (code != RT_OK) {
		fail(wal, &err);
		return code;
	}
	/* A sync that failed meanwhile: the sequences stand still (W4). */
	if (wal->failure.code != RT_OK)
		return wal->failure.code;
	seg->written += written;
	seg->written_seq = last_seq;
	seg->marker_last = marker;
	wal->stats.bytes_written += written;
	atomic_store(&wal->written_seq, last_seq);
	if (seg->written > wal->segment_bytes / 2 && !wal->spare_asked &&
	    wal->segment_bytes != 0) {
		wal->spare_asked = true;
		rtd_wal_space_want(wal->space);
	}
	return RT_OK;
}

/* Leave the pending bytes to the sync thread. */
static void
queue_pending(struct rtd_wal *wal, struct segment *seg) RT_REQUIRES(wal->mu)
{
	struct records empty = seg->queued;

	if (empty.bytes.len == 0) {
		seg->queued = wal->pending;
		wal->pending = empty;
	} else {
		rt_inlays_move(&seg->queued.inlays, &wal->pending.inlays,
		    empty.bytes.len);
		rt_buf_append_slice(&seg->queued.bytes,
		    rt_buf_slice(&wal->pending.bytes));
	}
	seg->queued_seq = wal->last_seq;
	records_clear(&wal->pending);
	wake(wal);
}

/* Hand the pending bytes over: the loop. */
static void
hand_over(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->newest;

	if (wal->pending.bytes.len == 0)
		return;
	if (wal->failure.code != RT_OK) {
		records_clear(&wal->pending);
		return;
	}
	if (!seg->begun || wal->writing || seg->queued.bytes.len != 0 ||
	    wal->pending.inlays.count != 0) {
		queue_pending(wal, seg);
		return;
	}
	write_records(wal, seg, &wal->pending, wal->last_seq, false);
	records_clear(&wal->pending);
}

/* The thread is woken only when it should act before it would wake. */
static void
wake_to_sync(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	if (wal->asleep && wal->failure.code == RT_OK &&
	    wal->oldest->begun && unsynced(wal->oldest) != 0 &&
	    sync_due_ns(wal) < wal->wake_ns)
		wake(wal);
}

/* -- the sync thread -- */

static void
tell(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	if (wal->notify == NULL)
		return;
	rt_mutex_unlock(&wal->mu);
	wal->notify(wal->notify_arg);
	rt_mutex_lock(&wal->mu);
}

static void
begin_oldest(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->oldest;
	uint64_t prev_number = wal->prev_number, prev_bytes = wal->prev_bytes;
	uint64_t prev_last_seq = wal->prev_last_seq;
	struct rt_err err = { 0 };
	enum rt_code code;

	rt_mutex_unlock(&wal->mu);
	code = make_file(wal, seg, prev_number, prev_bytes, prev_last_seq, 0,
	    &err);
	rt_mutex_lock(&wal->mu);
	if (code != RT_OK) {
		fail(wal, &err);
		return;
	}
	seg->begun = true;
	seg->written = RTD_WAL_RECORDS_AT;
	wal->spare_asked = false;
}

static void
write_queued(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->oldest;
	struct records records = seg->queued;
	uint64_t last_seq = seg->queued_seq;
	enum rt_code code;

	seg->queued = (struct records){ 0 };
	code = write_records(wal, seg, &records, last_seq, false);
	if (code == RT_OK)
		tell(wal);
	rt_mutex_unlock(&wal->mu);
	/* Giving back the pages of large values takes its time. */
	records_fini(&records);
	rt_mutex_lock(&wal->mu);
}

static void
sync_oldest(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->oldest;
	uint64_t upto = seg->written, seq = seg->written_seq;
	uint64_t start_ns = rt_clock_monotonic_ns(wal->clock);
	struct rt_err err = { 0 };
	enum rt_code code;

	if (seg->next == NULL)
		wal->sync_asked = false;
	rt_mutex_unlock(&wal->mu);
	RT_CRASHPOINT("wal-before-sync");
	code = rt_fs_sync_data(wal->fs, seg->fd, &err);
	RT_CRASHPOINT("wal-after-sync");
	if (code != RT_OK)
		rt_err_prefix(&err, "sync wal segment %llu",
		    (unsigned long long)seg->number);
	rt_mutex_lock(&wal->mu);
	wal->last_sync_ns = rt_clock_monotonic_ns(wal->clock);
	wal->stats.syncs++;
	wal->stats.sync_ns += wal->last_sync_ns - start_ns;
	rt_durations_add(&wal->syncs, wal->last_sync_ns - start_ns);
	rt_latency_note(RT_LATENCY_WAL_SYNC, wal->last_sync_ns - start_ns);
	if (RT_UNLIKELY(wal->last_sync_ns - start_ns >= SLOW_SYNC_NS))
		rt_log_limited(SLOW_LOG_INTERVAL_MS, RT_LOG_WARNING, "wal",
		    "the disk is slow to sync", "ms=%llu segment=%llu",
		    (unsigned long long)(wal->last_sync_ns - start_ns) /
			1000000, (unsigned long long)seg->number);
	if (code != RT_OK) {
		fail(wal, &err);
		return;
	}
	/* A write that failed meanwhile: the sequences stand still (W4). */
	if (wal->failure.code != RT_OK)
		return;
	seg->synced = upto;
	atomic_store_explicit(&seg->synced_upto, upto, memory_order_relaxed);
	if (seq != atomic_load(&wal->durable_seq)) {
		atomic_store(&wal->durable_seq, seq);
		tell(wal);
	}
}

/* A record of the log's own, behind all that is written. */
static void
write_mark(struct rtd_wal *wal, enum rtd_wal_type type) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->oldest;
	struct rtd_wal_record_header header = {
		.type = (uint8_t)type,
		.first_seq = seg->written_seq + 1,
		.synced_upto = seg->synced,
	};
	uint8_t bytes[RTD_WAL_RECORD_HEADER_BYTES];
	struct records mark = { .bytes = { bytes, sizeof(bytes),
	    sizeof(bytes) } };

	rtd_wal_record_encode(bytes, seg->seed, &header, rt_slice(NULL, 0),
	    NULL);
	write_records(wal, seg, &mark, seg->written_seq, true);
}

/* When the newest segment wants a sync marker. */
static uint64_t
marker_due_ns(const struct rtd_wal *wal)
{
	const struct segment *seg = wal->oldest;

	if (wal->policy == RT_FSYNC_NO || seg->sealed || seg->marker_last ||
	    wal->stopping || unsynced(seg) != 0 ||
	    seg->written == RTD_WAL_RECORDS_AT)
		return NEVER;
	return wal->last_sync_ns + MARKER_DELAY_NS;
}

static void
release_retired(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	size_t kept = 0;

	for (size_t i = 0; i < wal->retired_count; i++) {
		if (wal->retired[i].number < wal->floor)
			rtd_wal_space_release(wal->space,
			    wal->retired[i].number);
		else
			wal->retired[kept++] = wal->retired[i];
	}
	wal->retired_count = kept;
}

static void
retire(struct rtd_wal *wal, uint64_t number, uint64_t bytes)
{
	if (wal->retired_count == wal->retired_cap) {
		wal->retired_cap = wal->retired_cap * 2 + 8;
		wal->retired = rt_realloc(wal->retired,
		    wal->retired_cap * sizeof(wal->retired[0]));
	}
	wal->retired[wal->retired_count++] =
	    (struct retired){ .number = number, .bytes = bytes };
}

/* The oldest is sealed and durable: its successor may begin. */
static void
retire_oldest(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->oldest;

	wal->oldest = seg->next;
	wal->prev_number = seg->number;
	wal->prev_bytes = seg->written;
	wal->prev_last_seq = seg->written_seq;
	retire(wal, seg->number, seg->written);
	release_retired(wal);
	segment_free(wal->fs, seg);
}

/* -- beginning again -- */

/* Give the newest segment a file of its own and make its header durable. The
 * number of a try that failed may be in use, and names are never reused. */
static enum rt_code
make_first_file(struct rtd_wal *wal, struct segment *seg, uint64_t last_seq,
    struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	seg->number++;
	code = make_file(wal, seg, 0, 0, last_seq, 0, err);
	if (code == RT_OK)
		code = rt_fs_sync(wal->fs, seg->fd, err);
	if (code != RT_OK) {
		rt_fs_close(wal->fs, &seg->fd, NULL);
		rt_fs_unlink(wal->fs, wal->dir, rt_path_wal(name, seg->number),
		    NULL);
	}
	return code;
}

/* What failed is not trusted with anything again: its file goes. One that
 * cannot be unlinked lies below the sequence that the new header names. */
static void
drop_failed(struct rtd_wal *wal, struct segment *failed)
{
	char name[RT_PATH_NAME_BYTES];

	while (failed != NULL) {
		struct segment *seg = failed;

		failed = seg->next;
		rt_fs_unlink(wal->fs, wal->dir,
		    rt_path_wal(name, seg->number), NULL);
		segment_free(wal->fs, seg);
	}
}

static struct segment *
take_failed(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *failed = wal->oldest, *last = failed;

	while (last->next != wal->newest)
		last = last->next;
	last->next = NULL;
	wal->oldest = wal->newest;
	return failed;
}

static void
begin_again(struct rtd_wal *wal) RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->newest, *failed = NULL;
	struct rt_err err = { 0 };
	enum rt_code code;

	rt_mutex_unlock(&wal->mu);
	code = make_first_file(wal, seg, seg->written_seq, &err);
	rt_mutex_lock(&wal->mu);
	wal->again_ns = rt_clock_monotonic_ns(wal->clock) + wal->retry_ns;
	wal->retry_ns *= 2;
	if (wal->retry_ns > RETRY_NS_MAX)
		wal->retry_ns = RETRY_NS_MAX;
	if (code == RT_OK) {
		failed = take_failed(wal);
		seg->begun = true;
		seg->written = seg->synced = RTD_WAL_RECORDS_AT;
		atomic_store_explicit(&seg->synced_upto, seg->synced,
		    memory_order_relaxed);
		wal->last_sync_ns = rt_clock_monotonic_ns(wal->clock);
		wal->again_asked = false;
		wal->spare_asked = false;
		wal->failure = (struct rt_err){ .code = RT_OK };
		atomic_store(&wal->written_seq, seg->written_seq);
		atomic_store(&wal->durable_seq, seg->written_seq);
	} else {
		wal->failure = err;
	}
	atomic_store(&wal->stuck, code != RT_OK);
	atomic_store(&wal->failed, code != RT_OK);
	rt_mutex_unlock(&wal->mu);
	drop_failed(wal, failed);
	rt_mutex_lock(&wal->mu);
	tell(wal);
}

/* One thing to do while the log stands still; as step(). */
static bool
step_failed(struct rtd_wal *wal, uint64_t now_ns, uint64_t *due_ns)
    RT_REQUIRES(wal->mu)
{
	*due_ns = NEVER;
	if (!wal->failure_told) {
		wal->failure_told = true;
		tell(wal);
		return true;
	}
	if (!wal->again_asked || wal->stopping)
		return false;
	*due_ns = wal->again_ns;
	if (wal->again_ns > now_ns)
		return false;
	begin_again(wal);
	return true;
}

static void
sleep_until(struct rtd_wal *wal, uint64_t due_ns, uint64_t now_ns)
    RT_REQUIRES(wal->mu)
{
	wal->asleep = true;
	wal->wake_ns = due_ns;
	if (due_ns == NEVER)
		rt_cond_wait(&wal->cond, &wal->mu);
	else
		rt_cond_wait_ms(&wal->cond, &wal->mu,
		    (due_ns - now_ns) / 1000000 + 1);
	wal->asleep = false;
}

/* One thing that is due now. False: nothing is, and *due_ns tells when
 * something will be. */
static bool
step(struct rtd_wal *wal, uint64_t now_ns, uint64_t *due_ns)
    RT_REQUIRES(wal->mu)
{
	struct segment *seg = wal->oldest;
	uint64_t due;

	*due_ns = NEVER;
	if (!seg->begun) {
		begin_oldest(wal);
		return true;
	}
	if (seg->queued.bytes.len != 0 && !wal->writing) {
		write_queued(wal);
		return true;
	}
	if (unsynced(seg) != 0) {
		due = sync_due_ns(wal);
		if (due <= now_ns) {
			sync_oldest(wal);
			return true;
		}
		*due_ns = due;
		return false;
	}
	/* The loop, holding the token, may be about to add to it. */
	if (wal->writing)
		return false;
	if (seg->sealed) {
		retire_oldest(wal);
		return true;
	}
	if (wal->stopping) {
		if (!wal->ended)
			write_mark(wal, RTD_WAL_CLEAN_END);
		else
			return false;
		wal->ended = true;
		return true;
	}
	wal->sync_asked = false;
	due = marker_due_ns(wal);
	if (due <= now_ns) {
		write_mark(wal, RTD_WAL_SYNC_MARKER);
		return true;
	}
	*due_ns = due;
	return false;
}

/* Scheduling matters more than the choice of system call: among busy threads
 * of the ordinary class a sync waits for a scheduler tick. All refusals are
 * accepted. */
static void
favour_this_thread(void)
{
	struct sched_param param = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), -5);
}

static void *
sync_run(void *arg)
{
	struct rtd_wal *wal = arg;

	favour_this_thread();
	rt_mutex_lock(&wal->mu);
	for (;;) {
		uint64_t now_ns = rt_clock_monotonic_ns(wal->clock);
		uint64_t due_ns = NEVER;

		if (wal->failure.code != RT_OK
			? step_failed(wal, now_ns, &due_ns)
			: step(wal, now_ns, &due_ns))
			continue;
		if (wal->stopping)
			break;
		sleep_until(wal, due_ns, now_ns);
	}
	rt_mutex_unlock(&wal->mu);
	return NULL;
}

/* -- the loop's side -- */

struct listing {
	struct rtd_wal *wal;
	uint64_t first_segment;
};

static void
note_segment(void *arg, const char *name)
{
	struct listing *listing = arg;
	struct rtd_wal *wal = listing->wal;
	struct stat status;
	uint64_t number;

	if (rt_path_parse_wal(name, &number) && number >= wal->floor &&
	    number < listing->first_segment &&
	    wal->fs->fstatat(wal->fs, wal->dir, name, &status) >= 0)
		retire(wal, number, (uint64_t)status.st_size);
}

static struct rtd_wal *
wal_new(const struct rtd_wal_options *options)
{
	struct rtd_wal *wal = rt_alloc_zero(1, sizeof(*wal));

	wal->fs = options->fs;
	wal->clock = options->clock;
	wal->dir = options->dir;
	memcpy(wal->database_uuid, options->database_uuid,
	    RTD_WAL_UUID_BYTES);
	wal->segment_bytes = options->segment_bytes;
	wal->notify = options->notify;
	wal->notify_arg = options->notify_arg;
	wal->policy = options->policy;
	wal->last_seq = options->last_seq;
	wal->floor = options->floor;
	atomic_init(&wal->manifest_generation, options->manifest_generation);
	atomic_init(&wal->written_seq, options->last_seq);
	atomic_init(&wal->durable_seq, options->last_seq);
	wal->newest = segment_new(options->first_segment, options->last_seq);
	wal->oldest = wal->newest;
	rt_mutex_init(&wal->mu);
	rt_cond_init(&wal->cond);
	return wal;
}

static void
wal_free(struct rtd_wal *wal)
{
	while (wal->oldest != NULL) {
		struct segment *seg = wal->oldest;

		wal->oldest = seg->next;
		segment_free(wal->fs, seg);
	}
	rtd_wal_space_close(wal->space);
	records_fini(&wal->pending);
	free(wal->retired);
	rt_cond_fini(&wal->cond);
	rt_mutex_fini(&wal->mu);
	free(wal);
}

enum rt_code
rtd_wal_open(struct rtd_wal **out, const struct rtd_wal_options *options,
    struct rt_err *err)
{
	struct rtd_wal *wal = wal_new(options);
	struct listing listing = { .wal = wal,
		.first_segment = options->first_segment };
	uint64_t fresh_bytes = options->segment_bytes < FIRST_FILL_BYTES_MAX ?
	    options->segment_bytes : FIRST_FILL_BYTES_MAX;
	enum rt_code code;

	rt_assert(options->first_segment >= options->floor);
	code = rt_fs_list(wal->fs, wal->dir, note_segment, &listing, err);
	if (code == RT_OK)
		code = rtd_wal_space_open(&wal->space, wal->fs, wal->dir,
		    options->segment_bytes, options->floor, err);
	if (code == RT_OK)
		code = make_file(wal, wal->newest, options->prev_segment,
		    options->prev_bytes, options->last_seq, fresh_bytes, err);
	/* The header is durable from the start: a segment that holds
	 * acknowledged records always has one. */
	if (code == RT_OK)
		code = rt_fs_sync(wal->fs, wal->newest->fd, err);
	if (code != RT_OK) {
		wal_free(wal);
		return code;
	}
	wal->newest->begun = true;
	wal->newest->written = wal->newest->synced = RTD_WAL_RECORDS_AT;
	rt_thread_start(&wal->thread, "wal-sync", sync_run, wal);
	*out = wal;
	return RT_OK;
}

/* What was prepared for records to come goes at a clean end, so that a database
 * at rest takes no more space than its data. What cannot be done now is left to
 * the next process. */
static void
give_space_back(struct rtd_wal *wal)
{
	const struct segment *seg = wal->newest;
	enum rt_code code = RT_OK;

	rtd_wal_space_discard(wal->space);
	if (seg->begun)
		code = rt_fs_truncate(wal->fs, seg->fd, seg->written, NULL);
	(void)code;
}

enum rt_code
rtd_wal_close(struct rtd_wal *wal, uint64_t *segment, uint64_t *bytes,
    struct rt_err *err)
{
	enum rt_code code;

	if (wal == NULL)
		return RT_OK;
	rt_mutex_lock(&wal->mu);
	hand_over(wal);
	wal->stopping = true;
	wake(wal);
	rt_mutex_unlock(&wal->mu);
	rt_thread_join(wal->thread);
	code = rtd_wal_state(wal, err);
	if (segment != NULL)
		*segment = wal->newest->number;
	if (bytes != NULL)
		*bytes = wal->newest->written;
	if (code == RT_OK)
		give_space_back(wal);
	wal_free(wal);
	return code;
}

bool
rtd_wal_make_room(struct rtd_wal *wal, size_t bytes)
{
	return rt_buf_try_reserve(&wal->pending.bytes,
	    RTD_WAL_RECORD_HEADER_BYTES + bytes);
}

void
rtd_wal_append_inlaid(struct rtd_wal *wal, uint64_t first_seq, uint32_t count,
    struct rt_slice bytes, const struct rt_inlays *inlays)
{
	const struct segment *seg = wal->newest;
	struct records *pending = &wal->pending;
	struct rtd_wal_record_header header = {
		.type = RTD_WAL_DATA,
		.count = count,
		.first_seq = first_seq,
		.synced_upto = atomic_load_explicit(&seg->synced_upto,
		    memory_order_relaxed),
	};
	size_t length = bytes.len;

	if (inlays != NULL)
		length += (size_t)inlays->bytes;
	rt_assert(count != 0 && first_seq == wal->last_seq + 1); /* W1 */
	rt_assert(length <= RTD_WAL_PAYLOAD_BYTES_MAX);
	wal->last_seq += count;
	if (RT_UNLIKELY(atomic_load_explicit(&wal->failed,
		memory_order_relaxed)))
		return;
	header.length = (uint32_t)length;
	rt_buf_reserve(&pending->bytes,
	    RTD_WAL_RECORD_HEADER_BYTES + bytes.len);
	rtd_wal_record_encode(pending->bytes.data + pending->bytes.len,
	    seg->seed, &header, bytes, inlays);
	pending->bytes.len += RTD_WAL_RECORD_HEADER_BYTES;
	for (size_t i = 0; inlays != NULL && i < inlays->count; i++)
		rt_inlays_add(&pending->inlays,
		    pending->bytes.len + inlays->items[i].at,
		    inlays->items[i].bytes, inlays->items[i].bulk);
	pending->bytes.len += bytes.len;
}

void
rtd_wal_append(struct rtd_wal *wal, uint64_t first_seq, uint32_t count,
    struct rt_slice payload)
{
	rtd_wal_append_inlaid(wal, first_seq, count, payload, NULL);
}

void
rtd_wal_write(struct rtd_wal *wal)
{
	if (wal->pending.bytes.len == 0 && !wal->sync_waits)
		return;
	wal->sync_waits = false;
	rt_mutex_lock(&wal->mu);
	wal->gathering = false;
	hand_over(wal);
	wake_to_sync(wal);
	rt_mutex_unlock(&wal->mu);
}

bool
rtd_wal_write_some(struct rtd_wal *wal)
{
	if (wal->pending.bytes.len == 0 && !wal->sync_waits)
		return false;
	rt_mutex_lock(&wal->mu);
	hand_over(wal);
	wal->gathering = wal->policy == RT_FSYNC_ALWAYS &&
	    unsynced(wal->oldest) != 0 &&
	    rt_clock_monotonic_ns(wal->clock) - wal->last_sync_ns < GATHER_NS;
	wal->sync_waits = wal->gathering;
	wake_to_sync(wal);
	rt_mutex_unlock(&wal->mu);
	return wal->sync_waits;
}

size_t
rtd_wal_pending_bytes(const struct rtd_wal *wal)
{
	return wal->pending.bytes.len;
}

uint64_t
rtd_wal_rotate(struct rtd_wal *wal)
{
	struct segment *old = wal->newest;
	struct segment *seg = segment_new(old->number + 1, wal->last_seq);

	rt_mutex_lock(&wal->mu);
	hand_over(wal);
	old->sealed = true;
	old->next = seg;
	wal->newest = seg;
	wake(wal);
	rt_mutex_unlock(&wal->mu);
	return seg->number;
}

/* -- any thread -- */

void
rtd_wal_begin_again(struct rtd_wal *wal)
{
	rt_mutex_lock(&wal->mu);
	rt_assert(wal->failure.code != RT_OK && wal->oldest != wal->newest);
	wal->again_asked = true;
	wal->again_ns = 0;
	wal->retry_ns = RETRY_NS_MIN;
	wake(wal);
	rt_mutex_unlock(&wal->mu);
}

bool
rtd_wal_is_stuck(const struct rtd_wal *wal)
{
	return atomic_load_explicit(&wal->stuck, memory_order_relaxed);
}

uint64_t
rtd_wal_failures(const struct rtd_wal *wal)
{
	return atomic_load(&wal->failures);
}

enum rt_code
rtd_wal_state(struct rtd_wal *wal, struct rt_err *err)
{
	enum rt_code code;

	if (!atomic_load(&wal->failed))
		return RT_OK;
	rt_mutex_lock(&wal->mu);
	code = wal->failure.code;
	if (err != NULL)
		*err = wal->failure;
	rt_mutex_unlock(&wal->mu);
	return code;
}

uint64_t
rtd_wal_written_seq(const struct rtd_wal *wal)
{
	return atomic_load(&wal->written_seq);
}

uint64_t
rtd_wal_durable_seq(const struct rtd_wal *wal)
{
	return atomic_load(&wal->durable_seq);
}

void
rtd_wal_sync_soon(struct rtd_wal *wal)
{
	rt_mutex_lock(&wal->mu);
	wal->sync_asked = true;
	wake(wal);
	rt_mutex_unlock(&wal->mu);
}

void
rtd_wal_set_policy(struct rtd_wal *wal, enum rt_appendfsync policy)
{
	rt_mutex_lock(&wal->mu);
	wal->policy = policy;
	wake(wal);
	rt_mutex_unlock(&wal->mu);
}

void
rtd_wal_release(struct rtd_wal *wal, uint64_t floor)
{
	rt_mutex_lock(&wal->mu);
	if (floor > wal->floor) {
		wal->floor = floor;
		release_retired(wal);
	}
	rt_mutex_unlock(&wal->mu);
}

void
rtd_wal_note_generation(struct rtd_wal *wal, uint64_t generation)
{
	uint64_t known = atomic_load(&wal->manifest_generation);

	while (known < generation && !atomic_compare_exchange_weak(
	    &wal->manifest_generation, &known, generation))
		continue;
}

void
rtd_wal_get_stats(struct rtd_wal *wal, struct rtd_wal_stats *out)
{
	rt_mutex_lock(&wal->mu);
	*out = wal->stats;
	for (size_t i = 0; i < wal->retired_count; i++) {
		out->segments++;
		out->bytes += wal->retired[i].bytes;
	}
	for (const struct segment *seg = wal->oldest; seg != NULL;
	    seg = seg->next) {
		out->segments++;
		out->bytes += seg->written;
	}
	rt_mutex_unlock(&wal->mu);
}

void
rtd_wal_get_durations(struct rtd_wal *wal, struct rt_durations *writes,
    struct rt_durations *syncs)
{
	rt_mutex_lock(&wal->mu);
	*writes = wal->writes;
	*syncs = wal->syncs;
	rt_mutex_unlock(&wal->mu);
}
