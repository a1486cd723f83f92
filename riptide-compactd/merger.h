/* merger: runs a job: inputs through a merge into new tables, in ranges of keys
 * with a thread each where it is large and may have several.
 *
 * G1 An output is cut between user keys, never between versions of one.
 * G2 Entries read = entries written + entries left out, or the job fails.
 * G3 Every output is opened and read back whole before it is told, and one that
 *    an earlier process told of once more before it is published (K7).
 * G4 Nothing it makes is part of the database until it is published; on any
 *    failure its files are unlinked again. Asked to stop, it leaves the outputs
 *    that are whole to its successor, if it may tell of them (progress.h).
 * G5 Of a job in several ranges the outputs of all are one list in key order,
 *    and G2 is asked of their sums. No key is in two of them.
 * Thread: one for each job, which starts those of the ranges and ends them. */
#ifndef RIPTIDE_COMPACTD_MERGER_H
#define RIPTIDE_COMPACTD_MERGER_H

#include "libcommon/daemon/config.h"
#include "libcommon/os/fs.h"
#include "libcommon/table/table_writer.h"
#include "riptide-compactd/job.h"
#include "riptide-compactd/pace.h"
#include "riptide-compactd/retention.h"

struct rtc_progress;

struct rtc_merger {
	struct rt_fs *fs;
	int dir;			/* sst/ */
	const struct rt_config *config;
	uint64_t epoch;			/* ours: names of outputs */
	_Atomic uint64_t *next_number;	/* rises with each output */
	uint64_t expired_before_ms;
	struct rtc_pace *pace;
	unsigned threads;		/* that the job may have; 0 as 1 */
	/* Where finished outputs are told of; NULL: nowhere. */
	struct rtc_progress *progress;
	size_t progress_slot;		/* the job's */
	/* Asked now and then, by every thread; true ends the job with RT_ESTOPPED. It may wait
	 * up to wait_ms for the pace. */
	bool (*should_stop)(void *arg, unsigned wait_ms);
	void *should_stop_arg;
	/* Rises now and then by the entries read since; NULL: nobody looks. */
	_Atomic uint64_t *entries_read;
};

struct rtc_output {
	struct rt_file_id id;
	struct rt_table_info info;
	/* It is an earlier process's, and was read back by another than its
	 * maker since the machine was started (K7 of progress.h). */
	bool is_checked;
};

struct rtc_result {
	struct rtc_output *outputs;	/* in key order */
	size_t outputs_count, outputs_cap;
	uint64_t entries_in;
	uint64_t entries_out;
	uint64_t verdicts[RTC_VERDICTS];
	uint64_t bytes_in, bytes_out;
	/* Of a whole job: threads that merged, and their processor time while
	 * they did; the time between the first that had nothing left to do and
	 * the last; and what processor time was spent alone, before and after. */
	unsigned threads;
	uint64_t cpu_ns, tail_ns, cpu_alone_ns;
};

/* Run a RTC_JOB_MERGE, or what is left of it. The outputs are synced, and their
 * directory is. */
RT_MUST_USE enum rt_code rtc_merger_run(const struct rtc_merger *merger,
    const struct rtc_job *job, struct rtc_result *result, struct rt_err *err);

/* One more output, for the caller to fill. */
struct rtc_output *rtc_result_add(struct rtc_result *result);

/* Unlink the outputs: they were never published. */
void rtc_result_unlink(const struct rtc_result *result,
    const struct rtc_merger *merger);
void rtc_result_fini(struct rtc_result *result);

#endif
