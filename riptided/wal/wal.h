/* wal: append-only log of writes, in recycled segments, with a sync thread.
 * Path: engine > [wal].
 *
 * W1 Records reach the file in the order of their sequences, without a gap.
 * W2 Every sequence <= rtd_wal_written_seq() survives the death of the
 *    process; every one <= rtd_wal_durable_seq() survives power loss.
 * W3 No byte of a segment is written before its predecessor is synced whole:
 *    after any crash the log is a prefix of what was appended.
 * W4 After a failed write or sync nothing more is written: the two sequences
 *    stand still and rtd_wal_state() tells why. A failed sync is never tried
 *    again, nor is that file written again: when a manifest covers every
 *    sequence appended, rtd_wal_begin_again() goes on in a new segment.
 * W5 A segment is reused or unlinked only below the floor set with
 *    rtd_wal_release(), which the caller has made durable in the manifest.
 * Thread: append, write and rotate on the loop; the rest as said. */
#ifndef RIPTIDED_WAL_WAL_H
#define RIPTIDED_WAL_WAL_H

#include "libcommon/base/durations.h"
#include "libcommon/base/err.h"
#include "libcommon/base/inlay.h"
#include "libcommon/base/slice.h"
#include "libcommon/daemon/config.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/fs.h"

/* The largest payload of one record. */
#define RTD_WAL_PAYLOAD_BYTES_MAX (UINT32_MAX - 65536u)

struct rtd_wal;

struct rtd_wal_options {
	struct rt_fs *fs;
	struct rt_clock *clock;
	int dir;			/* open wal/ directory; the caller's */
	const uint8_t *database_uuid;	/* 16 bytes, copied */
	uint64_t manifest_generation;	/* noted in segment headers */
	uint64_t first_segment;		/* number of the segment to begin */
	uint64_t last_seq;		/* before the first record to come */
	/* Where replay found the end of the log (its end_segment, end_bytes):
	 * the first segment's header names it as its predecessor, and the next
	 * replay follows that chain. 0: the log begins here. */
	uint64_t prev_segment;
	uint64_t prev_bytes;
	uint64_t floor;			/* segments below are free to reuse */
	uint64_t segment_bytes;		/* space prepared; 0: none */
	enum rt_appendfsync policy;
	/* Called from the sync thread whenever a sequence rose or the log
	 * failed; quick, no call back. May be NULL. */
	void (*notify)(void *arg);
	void *notify_arg;
};

/* Begin a new segment and start the sync thread. */
RT_MUST_USE enum rt_code rtd_wal_open(struct rtd_wal **out,
    const struct rtd_wal_options *options, struct rt_err *err);

/* Write and sync what is pending, end the log with a clean-end record, stop the
 * threads, close. *segment and *bytes (may be NULL): the current segment and
 * its final length, for the clean mark. The log is freed whatever happens;
 * NULL is accepted. */
enum rt_code rtd_wal_close(struct rtd_wal *wal, uint64_t *segment,
    uint64_t *bytes, struct rt_err *err);

/* See that a record with so many bytes, without inlays, has memory. False:
 * there is none. */
bool rtd_wal_make_room(struct rtd_wal *wal, size_t bytes);

/* Add one record to the pending bytes; no system call. first_seq is the last
 * record's last sequence + 1; the record has `count` >= 1 sequences. */
void rtd_wal_append(struct rtd_wal *wal, uint64_t first_seq, uint32_t count,
    struct rt_slice payload);
/* The same with a payload that has inlays: those are not copied but referenced
 * until they are in the file. */
void rtd_wal_append_inlaid(struct rtd_wal *wal, uint64_t first_seq,
    uint32_t count, struct rt_slice bytes, const struct rt_inlays *inlays);

/* Hand the pending bytes to the file with one write, and wake the sync thread
 * when the policy wants it. While a predecessor is not yet synced (W3) they
 * stay pending and the sync thread writes them, and so it does with inlays,
 * which would keep the loop for long. Errors show in the state. */
void rtd_wal_write(struct rtd_wal *wal);

/* The same while the caller has more to do that may append: under `always`, and
 * shortly after a sync, the next one waits for it, so that one sync serves all.
 * True: it waits, and rtd_wal_write() must be called before the caller
 * sleeps. */
RT_MUST_USE bool rtd_wal_write_some(struct rtd_wal *wal);

/* Bytes that wait for it. The thread that appends. */
size_t rtd_wal_pending_bytes(const struct rtd_wal *wal);

/* Later appends go to a new segment, whose number is returned. */
uint64_t rtd_wal_rotate(struct rtd_wal *wal);

/* Any thread: RT_OK, or why the log takes no more (W4). */
enum rt_code rtd_wal_state(struct rtd_wal *wal, struct rt_err *err);
uint64_t rtd_wal_written_seq(const struct rtd_wal *wal);
uint64_t rtd_wal_durable_seq(const struct rtd_wal *wal);

/* Any thread, after a failure and a later rtd_wal_rotate(): all sequences up to
 * that rotation are durable elsewhere. The log begins again in the segment of
 * the rotation, or in one with a higher number; both sequences then stand at
 * the last one appended, the state is RT_OK and notify is called. While that
 * fails it is tried each second, and notify called each time. Nothing is
 * appended meanwhile. */
void rtd_wal_begin_again(struct rtd_wal *wal);
/* How often the log has failed since it was opened. Any thread. */
uint64_t rtd_wal_failures(const struct rtd_wal *wal);
/* Beginning again has failed so far. Any thread. */
bool rtd_wal_is_stuck(const struct rtd_wal *wal);

/* Any thread: ask for a sync of all written so far, whatever the policy. */
void rtd_wal_sync_soon(struct rtd_wal *wal);
void rtd_wal_set_policy(struct rtd_wal *wal, enum rt_appendfsync policy);

/* Any thread: segments with a number below floor are no longer needed; they
 * become spares for recycling or are unlinked. One that is not yet synced
 * waits for that. */
void rtd_wal_release(struct rtd_wal *wal, uint64_t floor);

/* Any thread: a newer manifest is durable; headers of later segments name it,
 * so that an older one put back by hand is refused. */
void rtd_wal_note_generation(struct rtd_wal *wal, uint64_t generation);

struct rtd_wal_stats {
	uint64_t segments;	/* still needed */
	uint64_t bytes;		/* in them */
	uint64_t bytes_written;	/* since open */
	uint64_t syncs;
	uint64_t sync_ns;	/* time spent in them */
};

/* Figures of the log. Thread: loop. */
void rtd_wal_get_stats(struct rtd_wal *wal, struct rtd_wal_stats *out);
/* How long each write and each sync took, since open, in ns. */
void rtd_wal_get_durations(struct rtd_wal *wal, struct rt_durations *writes,
    struct rt_durations *syncs);

#endif
