/* compactor_status: what the compactor tells about itself in the file
 * COMPACTOR. Information only. Thread: any. */
#ifndef LIBCOMMON_MANIFEST_COMPACTOR_STATUS_H
#define LIBCOMMON_MANIFEST_COMPACTOR_STATUS_H

#include "libcommon/os/fs.h"

/* Jobs that are remembered. */
#define RT_COMPACTOR_JOBS_MAX 100
/* As many as a manifest may have. */
#define RT_COMPACTOR_LEVELS_MAX 16

enum rt_job_outcome { RT_JOB_DONE, RT_JOB_GIVEN_UP, RT_JOB_FAILED,
	RT_JOB_STOPPED };

/* A job that is over. */
struct rt_compactor_job {
	uint64_t number;	/* counts from the first ever */
	enum rt_job_outcome outcome;
	uint32_t source_level, target_level;
	int64_t began_ms;	/* wall clock */
	uint64_t took_ms;
	uint64_t inputs, outputs;	/* tables */
	uint64_t bytes_in, bytes_out;
	uint64_t versions_dropped;
	uint64_t tombstones_dropped;
	uint64_t expired_dropped;
	char deed[16];		/* merge, move, discard */
	char reason[64];	/* why it was picked, or why it failed */
};

/* All jobs that were done and wrote to a level. */
struct rt_compactor_level {
	uint64_t jobs, took_ms, bytes_in, bytes_out;
};

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
	/* Jobs under way, together. */
	uint64_t jobs_running;
	uint64_t job_bytes_done;	/* of inputs, about */
	uint64_t job_bytes_total;
	uint64_t bytes_per_s;		/* of inputs, lately */
	uint64_t jobs_failed;
	/* Since there is a file COMPACTOR. */
	uint64_t level0_bytes;		/* flushed, and left level 0 */
	uint64_t merged_bytes;		/* written by merges */
	uint64_t jobs_ever;		/* the last number of a job */
	struct rt_compactor_level levels[RT_COMPACTOR_LEVELS_MAX];
	char last_error[256];
	char job[256];
	char phase[32];			/* what it is at, a word */
	char sandbox[64];		/* what it has given up, for people */
	struct rt_compactor_job history[RT_COMPACTOR_JOBS_MAX];
	size_t history_count;		/* oldest first */
};

/* Put a job behind the others, for which the oldest may have to go; one that is
 * done counts for its level. */
void rt_compactor_status_add(struct rt_compactor_status *status,
    const struct rt_compactor_job *job);

/* "done", "given up", ... */
const char *rt_job_outcome_name(enum rt_job_outcome outcome);

/* Flushed and merged bytes by those flushed; 0: nothing has left level 0. */
double rt_compactor_write_amplification(
    const struct rt_compactor_status *status);

/* Until the jobs under way and what was due besides are done, at the pace of
 * lately; -1: not known, 0: nothing is due. */
int64_t rt_compactor_eta_s(const struct rt_compactor_status *status);

/* Replace the file by rename; not synced, since nothing depends on it. */
RT_MUST_USE enum rt_code rt_compactor_status_save(struct rt_fs *fs, int dir,
    const struct rt_compactor_status *status, struct rt_err *err);

/* RT_ENOTFOUND: no compactor has run here. RT_EDAMAGED: not readable. */
RT_MUST_USE enum rt_code rt_compactor_status_load(struct rt_fs *fs, int dir,
    struct rt_compactor_status *status, struct rt_err *err);

#endif
