/* progress_record: the bytes of COMPACTOR.PROGRESS. docs/formats/directory.md
 * has the file's place. Thread: any.
 *
 * The magic, a fixed32 format, the database's uuid, the boot id (fixed64: of the
 * machine, 0 when not known), then for each job its head and its spans, and a
 * crc32c (fixed32) of all that. Numbers are varints unless said, keys have their
 * length before them.
 *	head	generation that it was picked from, source level, target level,
 *		compression, inputs: count, then each maker's epoch, number,
 *		unique id (fixed64)
 *	spans	count, then each
 *	span	lower, upper, entries read, a count for each verdict, outputs:
 *		count, then each maker's epoch, number, unique id (fixed64),
 *		size, crc32c (fixed32), versions behind a newer one, 1 when a
 *		successor of its maker has read it back in that boot, or 0 */
#ifndef RIPTIDE_COMPACTD_PROGRESS_RECORD_H
#define RIPTIDE_COMPACTD_PROGRESS_RECORD_H

#include "riptide-compactd/spans.h"

#define RTC_PROGRESS_BYTES_MAX ((size_t)64 << 20)
/* Jobs under way, and as many that wait to be resumed. */
#define RTC_PROGRESS_JOBS_MAX 128

/* What a record says of an input. */
struct rtc_recorded_input {
	struct rt_file_id id;
	uint64_t unique_id;
};

struct rtc_recorded_job {
	uint64_t generation;
	uint32_t source_level, target_level;
	enum rt_compression compression;
	struct rtc_recorded_input *inputs;
	size_t inputs_count;
	/* Of outputs: id, is_checked, and of info unique_id, size, crc32c
	 * and older_versions; the file itself has the rest. */
	struct rtc_spans *spans;
};

struct rtc_record {
	uint64_t boot_id;
	struct rtc_recorded_job *jobs;
	size_t count;
};

void rtc_record_begin(struct rt_buf *out, const uint8_t *database_uuid,
    uint64_t boot_id);
void rtc_record_put_head(struct rt_buf *out, const struct rtc_job *job);
void rtc_record_put_span(struct rt_buf *out, struct rt_slice lower,
    struct rt_slice upper, const struct rtc_result *result);
void rtc_record_finish(struct rt_buf *out);

/* RT_EDAMAGED, or RT_EFORMAT when it is of another format. */
RT_MUST_USE enum rt_code rtc_record_decode(struct rtc_record *record,
    struct rt_slice bytes, const uint8_t *database_uuid, struct rt_err *err);
void rtc_record_fini(struct rtc_record *record);

#endif
