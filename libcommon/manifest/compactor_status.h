/* compactor_status: what the compactor tells about itself in the file
 * COMPACTOR. Information only. Thread: any. */
#ifndef LIBCOMMON_MANIFEST_COMPACTOR_STATUS_H
#define LIBCOMMON_MANIFEST_COMPACTOR_STATUS_H

#include "libcommon/os/fs.h"

struct rt_compactor_status {
	uint64_t epoch;
	uint32_t pid;
	bool running;		/* a job is under way */
	int64_t started_ms;	/* wall clock */
	int64_t last_publish_ms;	/* 0: none yet */
	uint64_t jobs_done;
	uint64_t bytes_read;
	uint64_t bytes_written;
	uint64_t debt_bytes;
	uint64_t tombstones_dropped;
	uint64_t versions_dropped;
	uint64_t expired_dropped;
	uint64_t damaged_tables;	/* left out of merges */
	/* The pass over all tables in the order of their unique ids. */
	uint64_t scrub_position;	/* the last one looked at; 0: none */
	uint64_t scrub_tables;		/* looked at in this pass */
	int64_t scrub_began_ms;		/* wall clock; 0: there was none */
	int64_t scrub_finished_ms;	/* the last whole one; 0: none */
	char last_error[256];
	char job[256];
};

/* Replace the file by rename; not synced, since nothing depends on it. */
RT_MUST_USE enum rt_code rt_compactor_status_save(struct rt_fs *fs, int dir,
    const struct rt_compactor_status *status, struct rt_err *err);

/* RT_ENOTFOUND: no compactor has run here. RT_EDAMAGED: not readable. */
RT_MUST_USE enum rt_code rt_compactor_status_load(struct rt_fs *fs, int dir,
    struct rt_compactor_status *status, struct rt_err *err);

#endif
