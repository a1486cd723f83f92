/* publisher: a job's result, or an answer, to an edit to the next generation. The
 * store applies the edit to the newest manifest, so that a flush which came
 * meanwhile is carried along. Thread: main. */
#ifndef RIPTIDE_COMPACTD_PUBLISHER_H
#define RIPTIDE_COMPACTD_PUBLISHER_H

#include "libcommon/manifest/manifest_store.h"
#include "riptide-compactd/merger.h"

struct rtc_publisher {
	struct rt_manifest_store *store;
	uint64_t epoch;
	/* NULL: nothing is told of it, nor since when tombstones are there
	 * where no input says so. */
	struct rt_expiry_clock *clock;
};

/* Publish. RT_ECONFLICT or RT_EFENCED: it was not, and the outputs may be
 * unlinked (not when fenced: the next holder sweeps). Any other error: it was
 * not either, unless *unknown; then the outputs must stay. */
RT_MUST_USE enum rt_code rtc_publisher_publish(
    const struct rtc_publisher *publisher, const struct rtc_job *job,
    const struct rtc_result *result, bool *unknown, struct rt_err *err);

/* Requests up to this one are done. RT_EFENCED as above. */
RT_MUST_USE enum rt_code rtc_publisher_answer(
    const struct rtc_publisher *publisher, uint64_t request,
    struct rt_err *err);

#endif
