/* engine_stats: the engine's figures, gathered when somebody asks. */
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"

#define NS_PER_S UINT64_C(1000000000)

const struct rt_manifest *
rtd_engine_manifest(struct rtd_engine *engine)
{
	const struct rt_manifest *manifest;

	rt_mutex_lock(&engine->mu);
	manifest = rt_manifest_ref(engine->view->manifest);
	rt_mutex_unlock(&engine->mu);
	return manifest;
}

static void
view_stats(const struct rtd_view *view, struct rtd_engine_stats *out)
{
	const struct rt_manifest *manifest = view->manifest;

	for (size_t i = 0; i < view->memtables_count; i++) {
		out->memtable_bytes += rtd_memtable_bytes(view->memtables[i]);
		out->memtable_held_bytes +=
		    rtd_memtable_held(view->memtables[i]);
		out->count_memory_bytes += atomic_load_explicit(
		    &view->memtables[i]->tally.memory, memory_order_relaxed);
		out->memtable_entries +=
		    atomic_load(&view->memtables[i]->entries);
	}
	out->immutable_memtables = view->memtables_count - 1;
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		if (run->level + 1 > out->levels)
			out->levels = run->level + 1;
		out->level_files[run->level] += run->tables_count;
		for (size_t j = 0; j < run->tables_count; j++) {
			const struct rt_manifest_table *table = &run->tables[j];

			out->level_bytes[run->level] += table->size;
			out->sst_bytes += table->size;
			out->sst_entries += table->entries;
			out->sst_tombstones += table->tombstones;
		}
	}
	out->l0_files = out->level_files[0];
	out->manifest_generation = manifest->generation;
	out->requests = manifest->compact_asked;
	out->requests_done = manifest->compact_done;
	out->obsolete_files = manifest->obsolete_count;
}

size_t
rtd_engine_memtables(struct rtd_engine *engine, struct rtd_memtable_look *out,
    size_t max)
{
	struct rtd_view *view = rtd_engine_view(engine);
	size_t count = 0;

	for (; count < view->memtables_count && count < max; count++) {
		const struct rtd_memtable *memtable = view->memtables[count];

		out[count] = (struct rtd_memtable_look){
			.bytes = rtd_memtable_bytes(memtable),
			.bytes_max = memtable->bytes_max,
			.entries = atomic_load(&memtable->entries),
		};
	}
	rtd_view_unref(view);
	return count;
}

/* Memtables that wait for their next life. */
static void
spare_stats(struct rtd_engine *engine, struct rtd_engine_stats *out)
{
	rt_mutex_lock(&engine->mu);
	for (size_t i = 0; i < engine->spares_count; i++)
		out->memtable_held_bytes +=
		    rtd_memtable_held(engine->spares[i]);
	for (size_t i = 0; i < engine->used_count; i++)
		out->memtable_held_bytes += rtd_memtable_held(engine->used[i]);
	rt_mutex_unlock(&engine->mu);
}

static void
snapshot_stats(struct rtd_engine *engine, const struct rt_manifest *manifest,
    struct rtd_engine_stats *out)
{
	struct rtd_snapshot **list = NULL;
	size_t count = rtd_snapshot_list(engine, &list);
	uint64_t *bytes = rt_alloc_zero(count + 1, sizeof(*bytes));

	rtd_snapshots_bytes_held(manifest, list, count, bytes);
	out->snapshots = count;
	if (count > 0)
		out->oldest_snapshot_age_s =
		    (rt_clock_monotonic_ns(engine->clock) -
			list[0]->created_ns) / NS_PER_S;
	for (size_t i = 0; i < count; i++) {
		out->snapshot_bytes_held += bytes[i];
		rtd_snapshot_unref(list[i]);
	}
	free(bytes);
	free(list);
}

void
rtd_engine_get_durations(struct rtd_engine *engine,
    struct rtd_engine_durations *out)
{
	rtd_wal_get_durations(engine->wal, &out->wal_writes, &out->wal_syncs);
	rt_mutex_lock(&engine->mu);
	out->flushes = engine->flush_times;
	rt_mutex_unlock(&engine->mu);
}

void
rtd_engine_get_stats(struct rtd_engine *engine, struct rtd_engine_stats *out)
{
	struct rtd_view *view = rtd_engine_view(engine);
	struct rtd_table_cache_stats tables;
	struct rtd_wal_stats wal;
	struct rt_err err = { 0 };

	*out = (struct rtd_engine_stats){ 0 };
	view_stats(view, out);
	spare_stats(engine, out);
	snapshot_stats(engine, view->manifest, out);
	rtd_view_unref(view);
	rtd_wal_get_stats(engine->wal, &wal);
	out->wal_bytes = wal.bytes;
	out->wal_segments = wal.segments;
	out->wal_syncs = wal.syncs;
	out->wal_bytes_written = wal.bytes_written;
	out->disk_free_bytes = atomic_load(&engine->reserve.free_bytes);
	out->ballast_bytes = atomic_load(&engine->reserve.ballast_bytes);
	out->wal_failures = rtd_wal_failures(engine->wal);
	out->wal_failed = rtd_wal_state(engine->wal, NULL) != RT_OK;
	out->visible_seq = rtd_engine_visible_seq(engine);
	out->written_seq = rtd_wal_written_seq(engine->wal);
	out->durable_seq = rtd_wal_durable_seq(engine->wal);
	out->flushes = atomic_load(&engine->flushes);
	out->checkpoints = atomic_load(&engine->checkpoints);
	out->checkpointing = atomic_load(&engine->checkpointing);
	out->flush_bytes = atomic_load(&engine->flush_bytes);
	out->reloads = atomic_load(&engine->reloads);
	out->user_bytes_written = atomic_load(&engine->user_bytes);
	out->count_memory_bytes += atomic_load_explicit(
	    &engine->run_counts->memory, memory_order_relaxed);
	rtd_table_cache_get_stats(engine->tables, &tables);
	out->table_memory_bytes = tables.bytes;
	out->open_tables = tables.open;
	out->tables_opened = tables.opened;
	out->tables_closed = tables.closed;
	out->open_tables_max = tables.budget.open;
	out->table_memory_max = tables.budget.bytes;
	out->memory_limit = engine->config->memory_limit;
	out->filters_damaged = tables.filters_damaged;
	rt_block_cache_get_stats(engine->blocks, &out->cache);
	out->block_cache_max = out->cache.bytes_max;
	if (rtd_engine_write_state(engine, &err) != RT_OK)
		snprintf(out->write_error, sizeof(out->write_error),
		    "%.255s", err.text);
	rt_mutex_lock(&engine->mu);
	if (atomic_load(&engine->flush_code) != RT_OK)
		snprintf(out->flush_error, sizeof(out->flush_error), "%.255s",
		    engine->flush_err.text);
	rt_mutex_unlock(&engine->mu);
}
