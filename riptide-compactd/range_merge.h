/* range_merge: what of a job's inputs lies in a range of keys through one merge
 * into new tables. Path: merger > [range_merge] > retention, table.
 * Thread: one for each range. */
#ifndef RIPTIDE_COMPACTD_RANGE_MERGE_H
#define RIPTIDE_COMPACTD_RANGE_MERGE_H

#include <stdatomic.h>

#include "libcommon/table/iter.h"
#include "riptide-compactd/merger.h"

/* Add to the result, which may be that of other ranges before. The bounds are
 * whole keys: a user key's versions are in one range. is_vain: set by another
 * thread, it ends the merge with RT_ESTOPPED. note() is called when an output is
 * whole and more follow: the result then has all keys of the range before upper
 * and none behind. On error the outputs that are whole are in the result; the one
 * under way is gone. */
RT_MUST_USE enum rt_code rtc_range_merge(const struct rtc_merger *merger,
    const struct rtc_job *job, const struct rt_range *range,
    const atomic_bool *is_vain,
    void (*note)(void *arg, struct rt_slice upper), void *note_arg,
    struct rtc_result *result, struct rt_err *err);

/* G3 of one output. Asks whether to stop. */
RT_MUST_USE enum rt_code rtc_range_read_back(const struct rtc_merger *merger,
    const struct rtc_job *job, const struct rtc_output *output,
    struct rt_err *err);

#endif
