/* quarantine: tables that are damaged, which the picker leaves out, so that one
 * of them keeps back its own range and nothing else. Forgotten at the end of
 * the process. Thread: one. */
#ifndef RIPTIDE_COMPACTD_QUARANTINE_H
#define RIPTIDE_COMPACTD_QUARANTINE_H

#include "libcommon/os/fs.h"
#include "riptide-compactd/job.h"

struct rtc_quarantine {
	struct rt_file_id *ids;
	size_t count, cap;
};

void rtc_quarantine_fini(struct rtc_quarantine *quarantine);

/* Read all of the job's inputs, which a merge found damaged, and take in those
 * that are. False: it found none, and the same job may be tried again. */
bool rtc_quarantine_inspect(struct rtc_quarantine *quarantine,
    struct rt_fs *fs, int sst, const struct rtc_job *job);

#endif
