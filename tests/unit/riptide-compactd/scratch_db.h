/* scratch_db: a real, small database without a daemon: its manifests are
 * published by a store of the daemon's role, its tables are real. */
#ifndef TESTS_UNIT_RIPTIDE_COMPACTD_SCRATCH_DB_H
#define TESTS_UNIT_RIPTIDE_COMPACTD_SCRATCH_DB_H

#include "libcommon/manifest/manifest_store.h"
#include "libcommon/table/key.h"
#include "riptide-compactd/merger.h"
#include "riptide-compactd/picker.h"
#include "tests/support/scratch_dir.h"

struct rtt_db {
	struct rtt_scratch scratch;
	struct rt_fs *fs;
	int sst;
	struct rt_manifest_store *store;
	uint64_t daemon_epoch;
	uint64_t next_file;
	uint64_t tombstones_since_s;	/* what a flush tells; 0: nothing */
};

/* One version. The value is "<seq>", padded to value_bytes. */
struct rtt_version {
	const char *key;	/* user key in keyspace 0 */
	uint64_t seq;
	bool deletes;
	uint64_t expire_ms;	/* 0: never */
	size_t value_bytes;	/* at least */
};

void rtt_db_init(struct rtt_db *db);
void rtt_db_fini(struct rtt_db *db);

/* Publish the versions, in any order, as the newest run of level 0. */
void rtt_db_flush(struct rtt_db *db, const struct rtt_version *versions,
    size_t count);
void rtt_db_set_snapshots(struct rtt_db *db, const uint64_t *snapshots,
    size_t count);

/* The newest manifest, one reference. */
const struct rt_manifest *rtt_db_load(struct rtt_db *db);

/* Claim the compactor's role; its epoch. */
uint64_t rtt_db_claim(struct rtt_db *db);

/* What a reader at read_seq sees of a key: the sequence of the version, 0 when
 * it is absent or expired before expired_before_ms. */
uint64_t rtt_db_read(struct rtt_db *db, const char *key, uint64_t read_seq,
    uint64_t expired_before_ms);

/* Versions, tombstones included, that all tables hold of a key; of all keys
 * for NULL. */
uint64_t rtt_db_count(struct rtt_db *db, const char *key);

/* Files in sst/. */
size_t rtt_db_files(struct rtt_db *db);
bool rtt_db_has_file(struct rtt_db *db, struct rt_file_id id);
/* An empty file of that name. */
void rtt_db_make_file(struct rtt_db *db, struct rt_file_id id);

/* A merger with small tables and no pace, for epoch; config is the caller's. */
struct rtc_merger rtt_db_merger(struct rtt_db *db, struct rt_config *config,
    uint64_t epoch, _Atomic uint64_t *next_number, struct rtc_pace *pace);

/* Everything at level 0 down to the last level, as a job. */
void rtt_db_job(struct rtt_db *db, struct rtc_job *job);

#endif
