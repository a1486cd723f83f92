/* job: what one merge is to do: inputs, target level, size goal. Made by the
 * picker from one manifest, run by the merger. Thread: one at a time. */
#ifndef RIPTIDE_COMPACTD_JOB_H
#define RIPTIDE_COMPACTD_JOB_H

#include <stdbool.h>

#include "libcommon/manifest/manifest.h"
#include "libcommon/table/table_writer.h"

struct rtc_spans;

enum rtc_job_kind {
	RTC_JOB_MERGE,		/* inputs to new tables of the target level */
	RTC_JOB_MOVE,		/* one table changes its level, unread */
	RTC_JOB_DISCARD,	/* nothing in the inputs is of use to anybody */
};

/* Inputs borrow the manifest, which the job holds. Inert when zeroed. */
struct rtc_job {
	enum rtc_job_kind kind;
	const struct rt_manifest *manifest;
	const struct rt_manifest_table **inputs;	/* newest run first */
	size_t inputs_count, inputs_cap;
	uint32_t source_level;
	uint32_t target_level;
	bool as_run;		/* outputs become the target level's newest run */
	bool is_last_level;		/* nothing lies below the target */
	enum rt_compression compression;	/* of what is written */
	uint64_t input_bytes;
	const char *reason;		/* constant words */
	/* What an earlier process did of it (spans.h), or NULL; owned. */
	struct rtc_spans *done;
};

void rtc_job_init(struct rtc_job *job, const struct rt_manifest *manifest,
    enum rtc_job_kind kind, uint32_t source_level, uint32_t target_level,
    const char *reason);
/* Its outputs are to be a run of their own, in front of the target's. */
void rtc_job_as_run(struct rtc_job *job);
void rtc_job_fini(struct rtc_job *job);
void rtc_job_add(struct rtc_job *job, const struct rt_manifest_table *table);
bool rtc_job_has(const struct rtc_job *job,
    const struct rt_manifest_table *table);

/* The ids of all inputs (malloc). */
struct rt_file_id *rtc_job_ids(const struct rtc_job *job);

/* The key range of all inputs, both ends inclusive. */
void rtc_job_range(const struct rtc_job *job, struct rt_slice *smallest,
    struct rt_slice *largest);

/* "merge", "move" or "discard". */
const char *rtc_job_kind_name(enum rtc_job_kind kind);

/* One line for people: "merge L0 -> L6: d-2 d-1 c1-4, 1048576 bytes (level 0 is
 * full)"; of long lists the first tables. Returns out. */
char *rtc_job_print(const struct rtc_job *job, char *out, size_t out_bytes);

#endif
