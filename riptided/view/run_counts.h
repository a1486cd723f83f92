/* run_counts: the key counts of the runs of a manifest, read from their tables
 * when somebody asks, and kept until the runs change. A table is opened for its
 * counts alone, so that it need not be open for reads.
 * Thread: any, under its mutex; not the loop, because it reads files. */
#ifndef RIPTIDED_VIEW_RUN_COUNTS_H
#define RIPTIDED_VIEW_RUN_COUNTS_H

#include <stdatomic.h>

#include "libcommon/manifest/manifest.h"
#include "libcommon/os/fs.h"
#include "libcommon/os/mutex.h"
#include "libcommon/table/key_sketch.h"
#include "riptided/view/key_estimate.h"

/* One keyspace of a run: the sum over its tables. What a drop hides is not
 * there, and where all live keys of a table have ended they count as dead. */
struct rtd_run_count {
	uint32_t keyspace;
	uint64_t keys;
	uint64_t live;
	uint64_t expiring;
	double expire_sum_ms;
	struct rt_buf all;	/* sketches in their stored form */
	struct rt_buf alive;	/* empty when all are alive */
};

/* A table without counts, written by the first release. */
struct rtd_plain_table {
	uint32_t first, last;	/* keyspaces */
	uint64_t live;		/* puts less tombstones */
	uint64_t max_seq;
};

struct rtd_run_counts_of {
	uint64_t id;			/* of the run */
	struct rt_file_id *tables;
	size_t tables_count;
	struct rtd_run_count *counts;	/* ascending keyspace */
	size_t counts_count;
	struct rtd_plain_table *plain;
	size_t plain_count;
	uint64_t until_ms;	/* when the next table's keys have all ended */
};

struct rtd_run_counts {
	struct rt_mutex mu;
	struct rt_fs *fs;
	int dir;
	const uint8_t *database_uuid;
	struct rtd_run_counts_of *runs;	/* as in the manifest, newest first */
	size_t runs_count;
	uint64_t drops_hash;	/* of the drops they were made with */
	_Atomic size_t memory;	/* bytes held; read without the mutex */
};

/* dir: the open sst/ directory; it and the uuid outlive the counts. */
struct rtd_run_counts *rtd_run_counts_new(struct rt_fs *fs, int dir,
    const uint8_t *database_uuid);
/* NULL is accepted. */
void rtd_run_counts_free(struct rtd_run_counts *counts);

/* Make counts->runs those of the manifest, whose tables are pinned by the
 * caller. drops[keyspace], for keyspaces below drops_count: versions at or below
 * are not there. RT_EIO, RT_EDAMAGED: nothing is kept. */
RT_MUST_USE enum rt_code rtd_run_counts_load(struct rtd_run_counts *counts,
    const struct rt_manifest *manifest, const uint64_t *drops,
    size_t drops_count, uint64_t now_ms, struct rt_err *err)
    RT_REQUIRES(counts->mu);

/* Add the keyspace's keys in all runs to the estimate, newest first. Returns
 * the keys of tables without counts, which may be in others too. */
uint64_t rtd_run_counts_add(struct rtd_run_counts *counts, uint32_t keyspace,
    uint64_t drop_seq, struct rtd_key_estimate *estimate)
    RT_REQUIRES(counts->mu);

#endif
