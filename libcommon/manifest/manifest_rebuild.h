/* manifest_rebuild: a first manifest for tables whose own one is lost. For
 * `riptide repair` alone: everybody else makes manifests by edits. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_REBUILD_H
#define LIBCOMMON_MANIFEST_MANIFEST_REBUILD_H

#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"

/* What the lost one is replaced with. Borrowed. */
struct rt_manifest_rebuild {
	const uint8_t *database_uuid;	/* RT_DATABASE_UUID_BYTES */
	uint64_t flushed_seq;		/* the highest in any table */
	uint64_t expiry_clock_ms;
	/* One run in the order of keys, made by compactor epoch 1; may be
	 * empty. */
	uint32_t level;
	const struct rt_manifest_table *tables;
	size_t tables_count;
	const struct rt_manifest_drop *drops;	/* ascending keyspace */
	size_t drops_count;
	const struct rt_manifest_keyspace *keyspaces;	/* ascending database */
	size_t keyspaces_count;
};

/* Generation 1 of a database that was stopped cleanly. RT_EDAMAGED: the tables
 * make no valid manifest. *out has one reference. */
RT_MUST_USE enum rt_code rt_manifest_rebuild(
    const struct rt_manifest_rebuild *what, const struct rt_manifest **out,
    struct rt_err *err);

#endif
