/* snapshots: sequences that are held alive, so that what was there at a moment
 * stays readable: its versions, which keyspace each database meant, which drops
 * had happened, and what had not expired.
 *
 * SN1 A snapshot is in the list before any sequence after its own is given
 *     out; the flusher captures the list after a memtable is frozen. So each
 *     live snapshot below a table's last sequence is published with that table
 *     (I10 in docs/manifest-protocol.md).
 *    The list is published soon after a creation, too, well within the
 *    compactor's patience with expired values (expiry-grace), so that values
 *    which the snapshot still sees are kept.
 * SN2 Only the flusher publishes the list, so that an older one never follows
 *     a newer one.
 * SN3 A read checks that the snapshot is still held after it has pinned its
 *     view: a view whose tables lack versions was made after the release.
 * Thread: create on the loop; the others any. */
#ifndef RIPTIDED_ENGINE_SNAPSHOTS_H
#define RIPTIDED_ENGINE_SNAPSHOTS_H

#include <stdatomic.h>

#include "riptided/engine/engine.h"

/* Each one costs the flush and the compactor a stripe. */
#define RTD_SNAPSHOTS_MAX 1000

struct rtd_snapshot {
	_Atomic unsigned refs;
	uint64_t id;		/* never given again, not after a restart */
	uint64_t seq;		/* what it sees */
	uint64_t created_ms;	/* wall clock; expiry is judged by it */
	uint64_t created_ns;	/* monotonic */
	uint64_t ends_ns;	/* monotonic; 0: not by itself */
	_Atomic bool released;
	bool captured;		/* a manifest may name it; the engine's mu */
	_Atomic unsigned users;	/* connections that read it */
	struct rtd_snapshot *newer;
	size_t keyspaces_count;
	uint64_t *drops;	/* by keyspace */
	uint32_t keyspaces[];	/* by database */
};

/* Hold the present. ttl_ms 0: until it is released. The caller gets a
 * reference. RT_ELIMIT: there are too many. */
RT_MUST_USE enum rt_code rtd_snapshot_create(struct rtd_engine *engine,
    uint64_t ttl_ms, struct rtd_snapshot **out, struct rt_err *err);

/* The one with this id that is not released, with a reference; or NULL. */
struct rtd_snapshot *rtd_snapshot_find(struct rtd_engine *engine, uint64_t id);

/* Let it go; those who use it get an error at their next read. False: there is
 * none. */
bool rtd_snapshot_release(struct rtd_engine *engine, uint64_t id);

/* All that are held, oldest first, each with a reference. *list is the
 * caller's to free. */
size_t rtd_snapshot_list(struct rtd_engine *engine,
    struct rtd_snapshot ***list);

/* One more owner. Thread: loop. */
struct rtd_snapshot *rtd_snapshot_ref(struct rtd_snapshot *snapshot);
/* NULL is accepted. */
void rtd_snapshot_unref(struct rtd_snapshot *snapshot);

/* About how many bytes of the manifest's tables would go if a snapshot were not
 * there, for each of the list (oldest first) into bytes. Counted are versions
 * above the snapshot before it and at or below its own sequence, by the range
 * of sequences and the size of each table; of them as many as there are later
 * versions, each of which hides one at most, or all where the keyspace was
 * dropped since. So it is too much where later writes made new keys; it is 0
 * right after the creation. */
void rtd_snapshots_bytes_held(const struct rt_manifest *manifest,
    struct rtd_snapshot *const *list, size_t count, uint64_t *bytes);

/* Whether it was released while somebody still holds it. */
static inline bool
rtd_snapshot_is_released(const struct rtd_snapshot *snapshot)
{
	return atomic_load_explicit(&snapshot->released, memory_order_acquire);
}

/* What database meant when it was made. */
static inline uint32_t
rtd_snapshot_keyspace(const struct rtd_snapshot *snapshot, uint32_t database)
{
	return database < snapshot->keyspaces_count ?
	    snapshot->keyspaces[database] : database;
}

/* -- for the engine's own threads -- */

/* The sequences held, ascending, each once. *list is the caller's to free. */
size_t rtd_snapshots_capture(struct rtd_engine *engine, uint64_t **list);
/* What was captured last may not have been published. */
void rtd_snapshots_not_published(struct rtd_engine *engine);
/* How long the publish of the list may wait for a flush that carries it, with
 * the engine's mutex held; UINT64_MAX: it needs none. */
uint64_t rtd_snapshots_due_ms(struct rtd_engine *engine);
/* Release those whose time has come. */
void rtd_snapshots_expire(struct rtd_engine *engine);
/* Release all. */
void rtd_snapshots_clear(struct rtd_engine *engine);

#endif
