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

void rtc_quarantine_add(struct rtc_quarantine *quarantine,
    struct rt_file_id id);
bool rtc_quarantine_has(const struct rtc_quarantine *quarantine,
    struct rt_file_id id);

/* Whether the error of reading a table means that the table is damaged. */
static inline bool
rtc_quarantine_is_damage(enum rt_code code)
{
	return code == RT_EDAMAGED || code == RT_ENOTFOUND ||
	    code == RT_EFORMAT;
}

/* Read a table and hold it against what the manifest says, asking go_on (NULL:
 * nobody) now and then: RT_ESTOPPED. */
RT_MUST_USE enum rt_code rtc_quarantine_verify(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest, const struct rt_manifest_table *table,
    bool (*go_on)(void *arg), void *arg, struct rt_err *err);

/* Read all of the job's inputs, which a merge found damaged, and take in those
 * that are. False: it found none, and the same job may be tried again. */
bool rtc_quarantine_inspect(struct rtc_quarantine *quarantine,
    struct rt_fs *fs, int sst, const struct rtc_job *job);

#endif
