#include "riptided/engine/snapshots.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/engine/engine_state.h"

#define NS_PER_MS UINT64_C(1000000)
/* A release may wait that long for a flush to carry it into the manifest.
 * Publishes of the list alone are that far apart. */
#define RELEASE_WAITS_NS (1000 * NS_PER_MS)
#define APART_NS (20 * NS_PER_MS)
/* Ids of one life of the daemon begin at its epoch times this. */
#define IDS_PER_EPOCH UINT64_C(1000000)

struct rtd_snapshot *
rtd_snapshot_ref(struct rtd_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
	return snapshot;
}

void
rtd_snapshot_unref(struct rtd_snapshot *snapshot)
{
	if (snapshot == NULL || atomic_fetch_sub_explicit(&snapshot->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	free(snapshot->drops);
	free(snapshot);
}

static struct rtd_snapshot *
snapshot_new(struct rtd_engine *engine, uint64_t ttl_ms)
{
	struct rtd_snapshot *snapshot = rt_alloc_zero(1, sizeof(*snapshot) +
	    RTD_KEYSPACES_MAX * sizeof(snapshot->keyspaces[0]));

	atomic_init(&snapshot->refs, 1);
	snapshot->seq = rtd_engine_visible_seq(engine);
	snapshot->created_ms = rtd_engine_now_ms(engine);
	snapshot->created_ns = rt_clock_monotonic_ns(engine->clock);
	if (ttl_ms != 0)
		snapshot->ends_ns = snapshot->created_ns + ttl_ms * NS_PER_MS;
	snapshot->drops =
	    rt_alloc(RTD_KEYSPACES_MAX * sizeof(snapshot->drops[0]));
	snapshot->keyspaces_count = RTD_KEYSPACES_MAX;
	for (size_t i = 0; i < RTD_KEYSPACES_MAX; i++) {
		snapshot->drops[i] = atomic_load(&engine->drops[i]);
		snapshot->keyspaces[i] =
		    rtd_engine_keyspace(engine, (uint32_t)i);
	}
	return snapshot;
}

/* The manifest should have the list by then. */
static void
publish_within(struct rtd_engine *engine, uint64_t delay_ns)
    RT_REQUIRES(engine->mu)
{
	struct rtd_snapshots *held = &engine->snapshots;
	uint64_t due_ns = rt_clock_monotonic_ns(engine->clock) + delay_ns;

	if (due_ns < held->captured_ns + APART_NS)
		due_ns = held->captured_ns + APART_NS;
	if (held->due_ns == 0 || due_ns < held->due_ns)
		held->due_ns = due_ns;
	rt_cond_signal(&engine->cond);
}

enum rt_code
rtd_snapshot_create(struct rtd_engine *engine, uint64_t ttl_ms,
    struct rtd_snapshot **out, struct rt_err *err)
{
	struct rtd_snapshot *snapshot = snapshot_new(engine, ttl_ms);
	struct rtd_snapshots *held = &engine->snapshots;
	bool full;

	rt_mutex_lock(&engine->mu);
	full = held->count >= RTD_SNAPSHOTS_MAX;
	if (!full) {
		snapshot->id = engine->epoch * IDS_PER_EPOCH + ++held->made;
		if (held->newest != NULL)
			held->newest->newer = snapshot;
		else
			held->oldest = snapshot;
		held->newest = snapshot;
		held->count++;
		rtd_snapshot_ref(snapshot);
		publish_within(engine, 0);
	}
	rt_mutex_unlock(&engine->mu);
	if (full) {
		rtd_snapshot_unref(snapshot);
		return rt_err_set(err, RT_ELIMIT,
		    "there are %u snapshots already", RTD_SNAPSHOTS_MAX);
	}
	*out = snapshot;
	return RT_OK;
}

struct rtd_snapshot *
rtd_snapshot_find(struct rtd_engine *engine, uint64_t id)
{
	struct rtd_snapshot *snapshot;

	rt_mutex_lock(&engine->mu);
	snapshot = engine->snapshots.oldest;
	while (snapshot != NULL && snapshot->id != id)
		snapshot = snapshot->newer;
	if (snapshot != NULL)
		rtd_snapshot_ref(snapshot);
	rt_mutex_unlock(&engine->mu);
	return snapshot;
}

/* Take the first snapshot that `wanted` names off the list; its reference
 * passes to the caller. NULL: there is none. */
static struct rtd_snapshot *
take(struct rtd_engine *engine,
    bool (*wanted)(const struct rtd_snapshot *snapshot, uint64_t arg),
    uint64_t arg)
{
	struct rtd_snapshots *held = &engine->snapshots;
	struct rtd_snapshot *before = NULL, *snapshot;

	rt_mutex_lock(&engine->mu);
	snapshot = held->oldest;
	while (snapshot != NULL && !wanted(snapshot, arg)) {
		before = snapshot;
		snapshot = snapshot->newer;
	}
	if (snapshot != NULL) {
		if (before != NULL)
			before->newer = snapshot->newer;
		else
			held->oldest = snapshot->newer;
		if (held->newest == snapshot)
			held->newest = before;
		held->count--;
		/* Before a list without it can be published (SN3). */
		atomic_store_explicit(&snapshot->released, true,
		    memory_order_release);
		if (snapshot->captured)
			publish_within(engine, RELEASE_WAITS_NS);
	}
	rt_mutex_unlock(&engine->mu);
	return snapshot;
}

static bool
has_id(const struct rtd_snapshot *snapshot, uint64_t id)
{
	return snapshot->id == id;
}

static bool
has_ended(const struct rtd_snapshot *snapshot, uint64_t now_ns)
{
	return snapshot->ends_ns != 0 && snapshot->ends_ns <= now_ns;
}

static bool
is_any(const struct rtd_snapshot *snapshot, uint64_t arg)
{
	(void)snapshot, (void)arg;
	return true;
}

bool
rtd_snapshot_release(struct rtd_engine *engine, uint64_t id)
{
	struct rtd_snapshot *snapshot = take(engine, has_id, id);

	rtd_snapshot_unref(snapshot);
	return snapshot != NULL;
}

void
rtd_snapshots_expire(struct rtd_engine *engine)
{
	uint64_t now_ns = rt_clock_monotonic_ns(engine->clock);
	struct rtd_snapshot *snapshot;

	while ((snapshot = take(engine, has_ended, now_ns)) != NULL) {
		rt_log(RT_LOG_NOTICE, "snapshot", "snapshot expired",
		    "id=%llu users=%u", (unsigned long long)snapshot->id,
		    atomic_load(&snapshot->users));
		rtd_snapshot_unref(snapshot);
	}
}

void
rtd_snapshots_clear(struct rtd_engine *engine)
{
	struct rtd_snapshot *snapshot;

	while ((snapshot = take(engine, is_any, 0)) != NULL)
		rtd_snapshot_unref(snapshot);
}

size_t
rtd_snapshot_list(struct rtd_engine *engine, struct rtd_snapshot ***list)
{
	struct rtd_snapshot **out;
	size_t count = 0;

	rt_mutex_lock(&engine->mu);
	out = rt_alloc((engine->snapshots.count + 1) * sizeof(out[0]));
	for (struct rtd_snapshot *at = engine->snapshots.oldest; at != NULL;
	     at = at->newer)
		out[count++] = rtd_snapshot_ref(at);
	rt_mutex_unlock(&engine->mu);
	*list = out;
	return count;
}

size_t
rtd_snapshots_capture(struct rtd_engine *engine, uint64_t **list)
{
	uint64_t *out;
	size_t count = 0;

	rt_mutex_lock(&engine->mu);
	out = rt_alloc((engine->snapshots.count + 1) * sizeof(out[0]));
	/* They are made in the order of their sequences. */
	for (struct rtd_snapshot *at = engine->snapshots.oldest; at != NULL;
	     at = at->newer) {
		at->captured = true;
		if (count == 0 || out[count - 1] != at->seq)
			out[count++] = at->seq;
	}
	engine->snapshots.due_ns = 0;
	engine->snapshots.captured_ns = rt_clock_monotonic_ns(engine->clock);
	rt_mutex_unlock(&engine->mu);
	*list = out;
	return count;
}

void
rtd_snapshots_not_published(struct rtd_engine *engine)
{
	rt_mutex_lock(&engine->mu);
	publish_within(engine, 0);
	rt_mutex_unlock(&engine->mu);
}

uint64_t
rtd_snapshots_due_ms(struct rtd_engine *engine)
{
	uint64_t due_ns = engine->snapshots.due_ns;
	uint64_t now_ns = rt_clock_monotonic_ns(engine->clock);

	if (due_ns == 0)
		return UINT64_MAX;
	return due_ns <= now_ns ? 0 : (due_ns - now_ns) / NS_PER_MS + 1;
}

/* -- what they hold: versions lie in stripes between the sequences of two
 * snapshots, and a version can be hidden by one of a later stripe -- */

struct stripe {
	double bytes, entries;
	double dropped;		/* bytes, besides; a later drop hides them */
};

static size_t
stripe_of(struct rtd_snapshot *const *list, size_t count, uint64_t seq)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list[middle]->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The drop of the table's keyspace; 0: none, or it has several. */
static uint64_t
drop_of(const struct rt_manifest *manifest,
    const struct rt_manifest_table *table)
{
	uint32_t keyspace = rt_key_keyspace(table->smallest);

	return keyspace == rt_key_keyspace(table->largest)
	    ? rt_manifest_drop_seq(manifest, keyspace) : 0;
}

/* Spread the table over the stripes that its sequences lie in. */
static void
add_table(struct stripe *stripes, struct rtd_snapshot *const *list,
    size_t count, const struct rt_manifest_table *table, uint64_t drop_seq)
{
	size_t first = stripe_of(list, count, table->min_seq);
	size_t last = stripe_of(list, count, table->max_seq);
	double range = (double)(table->max_seq - table->min_seq) + 1;
	uint64_t from = table->min_seq;

	for (size_t i = first; i <= last; i++) {
		uint64_t to = i == last ? table->max_seq : list[i]->seq;
		double share = (double)(to + 1 - from) / range;

		from = to + 1;
		if (i < count && drop_seq > list[i]->seq) {
			stripes[i].dropped += share * (double)table->size;
			continue;
		}
		stripes[i].bytes += share * (double)table->size;
		stripes[i].entries += share * (double)table->entries;
	}
}

void
rtd_snapshots_bytes_held(const struct rt_manifest *manifest,
    struct rtd_snapshot *const *list, size_t count, uint64_t *bytes)
{
	struct stripe *stripes = rt_alloc_zero(count + 1, sizeof(*stripes));
	double later = 0;

	for (size_t i = 0; i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++) {
			const struct rt_manifest_table *table =
			    &manifest->runs[i].tables[j];

			add_table(stripes, list, count, table,
			    drop_of(manifest, table));
		}
	for (size_t i = count; i-- > 0;) {
		const struct stripe *stripe = &stripes[i];
		double hidden = 1;

		later += stripes[i + 1].entries;
		if (later < stripe->entries)
			hidden = later / stripe->entries;
		bytes[i] = (uint64_t)(stripe->dropped +
		    stripe->bytes * hidden);
	}
	free(stripes);
}
