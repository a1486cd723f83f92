/* database: a data directory as the compactor needs it: its manifests and its
 * directory of tables. Thread: any. */
#ifndef RIPTIDE_COMPACTD_DATABASE_H
#define RIPTIDE_COMPACTD_DATABASE_H

#include "libcommon/daemon/config.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/fs.h"

/* What manifests may have for this compactor to read them. */
#define RTC_FEATURES RT_FEATURE_LEVEL_RUNS

struct rtc_database {
	struct rt_fs *fs;
	int dir, sst;		/* -1: not open */
	struct rt_manifest_store *store;
};

/* Open what config->dir names; nothing is created. RT_ENOTFOUND: it is not a
 * database. RT_ECONFIG: it is on a file system that the configuration does
 * not accept. After an error it may be closed, too. */
RT_MUST_USE enum rt_code rtc_database_open(struct rtc_database *database,
    struct rt_fs *fs, const struct rt_config *config, struct rt_err *err);
void rtc_database_close(struct rtc_database *database);

#endif
