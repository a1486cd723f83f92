/* scrub: all tables are read once in a while, so that damage is found while
 * there is still a backup without it. Only when no merge is due, a table at a
 * time, at a low pace. Where it stands is kept in the status file, so that a
 * restart goes on from there. Nothing is published. Thread: one. */
#ifndef RIPTIDE_COMPACTD_SCRUB_H
#define RIPTIDE_COMPACTD_SCRUB_H

#include "libcommon/manifest/compactor_status.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/clock.h"
#include "riptide-compactd/quarantine.h"

struct rtc_scrub {
	struct rt_fs *fs;
	struct rt_clock *clock;
	struct rt_manifest_store *store;
	int sst;
	struct rt_compactor_status *status;	/* scrub_ members and damage */
	struct rtc_quarantine *quarantine;	/* where damage goes */
	/* False: stop. Asked now and then while a table is read. */
	bool (*go_on)(void *arg);
	void *arg;
	uint64_t not_before_ns;		/* the next table, by the pace */
};

/* Look at the next table if one is due; interval_s: the option. *worked: the
 * status has changed. RT_ESTOPPED, or an error of reading the manifest. What is
 * wrong with a table is no error here: it is logged and goes into quarantine. */
RT_MUST_USE enum rt_code rtc_scrub_step(struct rtc_scrub *scrub,
    uint64_t interval_s, bool *worked, struct rt_err *err);

#endif
