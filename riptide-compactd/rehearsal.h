/* rehearsal: flushes and jobs carried out on manifests that exist in memory
 * only, with what they would cost. What a merge writes is reckoned: keys are
 * taken as spread evenly over their range, and outputs are cut at keys that no
 * table has. Pure. Thread: one. */
#ifndef RIPTIDE_COMPACTD_REHEARSAL_H
#define RIPTIDE_COMPACTD_REHEARSAL_H

#include "libcommon/base/buf.h"
#include "riptide-compactd/job.h"

struct rtc_rehearsal {
	const struct rt_manifest *manifest;	/* as it would be by now */
	uint64_t table_bytes;		/* goal of an output */
	/* Bytes of all different data over the range of all keys. Writes hit
	 * it by chance, so that merges find older versions; 0: every entry has
	 * a key of its own. */
	uint64_t data_bytes;
	struct rt_buf smallest, largest;	/* the range of all keys */
	uint64_t next_number;
	/* So far: */
	uint64_t jobs;
	uint64_t flushed_bytes;
	uint64_t read_bytes, written_bytes;	/* by jobs */
	uint64_t peak_bytes;	/* of tables, with outputs beside inputs */
	uint64_t runs_max;	/* that a read may have to look into */
	double seconds;		/* of jobs, at the speeds of their levels */
};

/* table_bytes: 1 or more. A reference to the manifest is taken. */
RT_MUST_USE enum rt_code rtc_rehearsal_begin(struct rtc_rehearsal *rehearsal,
    const struct rt_manifest *manifest, uint64_t table_bytes,
    uint64_t data_bytes, struct rt_err *err);
/* Also after an error, and when zeroed. */
void rtc_rehearsal_end(struct rtc_rehearsal *rehearsal);

/* A new run of level 0. */
RT_MUST_USE enum rt_code rtc_rehearsal_flush(struct rtc_rehearsal *rehearsal,
    uint64_t bytes, struct rt_err *err);

/* A job that was picked from rehearsal->manifest. *written: its outputs. */
RT_MUST_USE enum rt_code rtc_rehearsal_do(struct rtc_rehearsal *rehearsal,
    const struct rtc_job *job, uint64_t *written, struct rt_err *err);

/* Bytes of all tables now. */
uint64_t rtc_rehearsal_bytes(const struct rtc_rehearsal *rehearsal);

/* Bytes of input that a merge takes in a second, as assumed. */
uint64_t rtc_rehearsal_speed(enum rt_compression compression);

#endif
