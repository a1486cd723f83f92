/* progress: what jobs under way have finished, kept in the file
 * COMPACTOR.PROGRESS so that a compactor which ends in the middle of a job loses
 * the output under way and no more. resume.h takes it up again.
 * Path: range_merge > [progress]; job_runner > [progress].
 *
 * Why outputs of one process may be published by the next, with the rest of the
 * job done by that one. Let N be the manifest that the job was picked from.
 *
 * K1 A record is taken at its word only where everything in it can be checked:
 *    its checksum and the database's uuid; a generation that the newest manifest
 *    has passed; inputs that stand in that manifest under the id and unique id
 *    that it names, in the levels that it names; outputs that are whole files
 *    of the size, unique id and checksum that it names, read back entry by entry
 *    (K7) before anything is published. What fails is made anew. So the file
 *    needs no sync and may be lost, torn, old or foreign.
 * K2 Names never return (I3 in docs/manifest-protocol.md). Inputs that stand in
 *    the newest manifest have stood there since N, and the job is as one that
 *    has been under way all the time, in a process that slept: what is said of
 *    such a job in retention.h, claims.h and the protocol (I8, I10, I12, I14)
 *    holds of the finished outputs, with N's snapshots, drops and older runs,
 *    and with the clock of then, which has not gone back.
 * K3 What is not finished is merged by what the newest manifest says, as if it
 *    were a job picked now. A user key is on one side of a bound (RA2), and what
 *    is decided of a version depends on versions of its key alone. So each half
 *    is right, and so are both.
 * K4 An output belongs to one process. The successor gives each a name of its
 *    own epoch with a hard link, and publishes that one; the old name is swept.
 *    A process that was replaced and does not know it yet unlinks its own names
 *    only, and a finished output is not written to again.
 * K5 In the order claim, link, new record, sweep: whenever it ends in between,
 *    the outputs are under names of a dead epoch that a record tells of, or are
 *    swept by the next start. None outlives that start under its name.
 * K6 The sums of G2 are asked of both halves together.
 * K7 An output is told of when it is synced and its maker has read it back. A
 *    successor opens it (size, ids, footer, index) and goes on with what is
 *    missing; it reads the output back beside the last merges or behind them, in
 *    any case before it publishes, and tells in the record that it did. That
 *    holds until the machine is started anew, which the record's boot id tells:
 *    a disk may have lost what it said was synced, and a file that was read
 *    since then is like any other table that was looked at once. So every output
 *    is read twice at least, by two processes, and each process that lives long
 *    enough for one output, to make it or to read it, leaves less to the next.
 *
 * A job of one output writes no record. Thread: any. */
#ifndef RIPTIDE_COMPACTD_PROGRESS_H
#define RIPTIDE_COMPACTD_PROGRESS_H

#include "libcommon/os/mutex.h"
#include "riptide-compactd/progress_record.h"

/* What the record has of a job. */
struct rtc_progress_slot {
	bool is_used;
	struct rt_buf head;
	struct rt_buf *spans;	/* encoded; empty: nothing of it is done */
	size_t spans_count;
};

struct rtc_progress {
	struct rt_fs *fs;	/* NULL: nothing is kept */
	int dir;		/* the data directory */
	uint8_t database_uuid[RT_UUID_BYTES];
	uint64_t boot_id;	/* of the machine; 0: not known */
	struct rt_mutex mu;
	/* The first half is for jobs under way. */
	struct rtc_progress_slot slots[RTC_PROGRESS_JOBS_MAX];
	bool is_written;	/* there may be a file */
};

void rtc_progress_init(struct rtc_progress *progress);
void rtc_progress_fini(struct rtc_progress *progress);
/* Keep records from now on. dir is borrowed. */
void rtc_progress_open(struct rtc_progress *progress, struct rt_fs *fs, int dir,
    const uint8_t *database_uuid, uint64_t boot_id);

/* A job in so many parts begins, or waits. Nothing of it is done, but for what
 * is told next; the slot that job->done was in is given up. */
void rtc_progress_begin(struct rtc_progress *progress, size_t slot,
    const struct rtc_job *job, size_t parts);
/* Of a part everything before upper is done, with this result so far. Without
 * is_saved it goes into the file with what comes next. */
void rtc_progress_note(struct rtc_progress *progress, size_t slot, size_t part,
    struct rt_slice lower, struct rt_slice upper,
    const struct rtc_result *result, bool is_saved);
/* The job is published or given up. */
void rtc_progress_end(struct rtc_progress *progress, size_t slot);

/* Write the file as it should be now. */
void rtc_progress_save(struct rtc_progress *progress);

#endif
