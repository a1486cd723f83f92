/* manifest: the state of the database's files at one generation, immutable
 * once built, counted. Fields mean what proto/manifest.proto says.
 * Thread: any; the count is atomic. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_H
#define LIBCOMMON_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/slice.h"
#include "libcommon/os/expiry_clock.h"
#include "libcommon/os/path.h"

#define RT_DATABASE_UUID_BYTES 16
#define RT_LEVELS_MAX 16	/* levels 0 to 15 */

enum rt_role { RT_ROLE_DAEMON, RT_ROLE_COMPACTOR };

/* Keys live in the manifest's own memory. */
struct rt_manifest_table {
	struct rt_file_id id;
	uint64_t unique_id;
	uint64_t size;
	struct rt_slice smallest;
	struct rt_slice largest;
	uint64_t min_seq;
	uint64_t max_seq;
	uint64_t entries;
	uint64_t tombstones;
	uint64_t expire_min_ms;	/* 0: nothing expires */
	uint64_t expire_max_ms;	/* 0: something never expires */
	uint32_t crc32c;
	uint64_t payload;
	uint64_t older_versions;	/* behind a newer one of their key */
	uint64_t tombstones_since_s;	/* the oldest; 0: none, or unknown */
	const void *unknown;	/* fields of a newer program, carried along */
};

struct rt_manifest_run {
	uint64_t id;
	uint32_t level;
	struct rt_manifest_table *tables;	/* in key order */
	size_t tables_count;
	const void *unknown;
};

struct rt_manifest_drop {
	uint32_t keyspace;
	uint64_t seq;
};

struct rt_manifest_keyspace {
	uint32_t database;
	uint32_t id;
};

struct rt_manifest {
	uint8_t database_uuid[RT_DATABASE_UUID_BYTES];
	uint64_t generation;
	uint64_t daemon_epoch;
	uint64_t compactor_epoch;
	uint64_t next_daemon_file;
	uint64_t next_run_id;
	uint64_t flushed_seq;
	uint64_t wal_floor;
	uint64_t max_seq;
	uint64_t expiry_clock_ms;	/* its line, at clock_mark */
	struct rt_clock_mark clock_mark;
	uint64_t daemon_features;
	uint64_t compactor_features;
	uint64_t clean_wal;		/* 0: no clean stop recorded */
	uint64_t clean_wal_bytes;
	uint64_t compact_asked;		/* requests to merge everything down */
	uint64_t compact_seq;		/* up to here, */
	uint64_t compact_done;		/* and those that were seen to */
	/* The last start that left damage of the log out. */
	uint64_t tolerated_seq;		/* the last one that it kept */
	uint64_t tolerated_ms;		/* wall clock; 0: there was none */
	uint64_t *snapshots;		/* ascending */
	size_t snapshots_count;
	struct rt_manifest_drop *drops;	/* ascending keyspace */
	size_t drops_count;
	struct rt_manifest_keyspace *keyspaces;	/* ascending database */
	size_t keyspaces_count;
	struct rt_manifest_run *runs;	/* newest to oldest */
	size_t runs_count;
	struct rt_file_id *obsolete;
	size_t obsolete_count;
	const void *unknown;
};

/* NULL is accepted by unref. A const manifest may be counted too. */
const struct rt_manifest *rt_manifest_ref(const struct rt_manifest *manifest);
void rt_manifest_unref(const struct rt_manifest *manifest);

/* Sequence at or below which keyspace's versions are invisible to a reader at
 * read_seq (versions below drop.seq when read_seq >= drop.seq); 0: none. */
uint64_t rt_manifest_drop_seq(const struct rt_manifest *manifest,
    uint32_t keyspace);

/* The keyspace id of a database number: the map's, else the number itself. */
uint32_t rt_manifest_keyspace(const struct rt_manifest *manifest,
    uint32_t database);

/* Whether a request to merge everything down is open. */
static inline bool
rt_manifest_is_asked(const struct rt_manifest *manifest)
{
	return manifest->compact_asked > manifest->compact_done;
}

/* The table of that id in any run, or NULL; *run (may be NULL) is its run. */
const struct rt_manifest_table *rt_manifest_find(
    const struct rt_manifest *manifest, struct rt_file_id id,
    const struct rt_manifest_run **run);

/* What a program that holds a role can read (daemon_features,
 * compactor_features): levels below 0 of several runs. */
#define RT_FEATURE_LEVEL_RUNS UINT64_C(0x1)

/* Runs at level 0; runs, bytes and tables of one level. */
size_t rt_manifest_level0_runs(const struct rt_manifest *manifest);
size_t rt_manifest_level_runs(const struct rt_manifest *manifest,
    uint32_t level);
/* The deepest level of several runs, level 0 aside; 0: there is none. */
uint32_t rt_manifest_deepest_runs(const struct rt_manifest *manifest);
uint64_t rt_manifest_level_bytes(const struct rt_manifest *manifest,
    uint32_t level);
size_t rt_manifest_level_tables(const struct rt_manifest *manifest,
    uint32_t level);

#endif
