#include <inttypes.h>
#include <stdio.h>

#include "libcommon/table/table_reader.h"
#include "riptided/metrics/gather.h"

static void
reads(struct rtd_gather *g)
{
	const struct rtd_server_state *server = g->server;
	const struct rtd_engine_stats *e = &g->engine;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_counter(x, "riptide_keyspace_hits_total",
	    "Keys that commands looked for and found.",
	    rtd_lanes_counted(server, RTD_COUNT_HITS));
	rtd_exposition_counter(x, "riptide_keyspace_misses_total",
	    "Keys that commands looked for in vain.",
	    rtd_lanes_counted(server, RTD_COUNT_MISSES));
	rtd_exposition_family(x, RTD_COUNTER, "riptide_lookups_total",
	    "Looks at keys, by what answered them; a command that has to wait "
	    "for the disk looks again.");
	rtd_exposition_u64(x, "answered=\"memtable\"",
	    rtd_lanes_counted(server, RTD_COUNT_BY_MEMTABLE));
	rtd_exposition_u64(x, "answered=\"block_cache\"",
	    rtd_lanes_counted(server, RTD_COUNT_BY_CACHE));
	rtd_exposition_u64(x, "answered=\"page_cache\"",
	    rtd_lanes_counted(server, RTD_COUNT_BY_FILE));
	rtd_exposition_u64(x, "answered=\"disk\"",
	    rtd_lanes_counted(server, RTD_COUNT_BY_DISK));
	rtd_exposition_u64(x, "answered=\"nothing\"",
	    rtd_lanes_counted(server, RTD_COUNT_BY_NOTHING));
	rtd_exposition_family(x, RTD_HISTOGRAM,
	    "riptide_cold_read_duration_seconds",
	    "Time that commands waited for the disk, on a thread of the pool.");
	rtd_exposition_histogram(x, "", &server->cold_reads);
	rtd_exposition_counter(x, "riptide_cold_read_keys_total",
	    "Keys that the pool was given to read.", server->pool_reads);
	rtd_exposition_counter(x, "riptide_read_errors_total",
	    "Commands that a disk or damage kept from reading.",
	    server->read_errors);
	rtd_exposition_counter(x, "riptide_filter_negatives_total",
	    "Tables that a read left alone because their filter said no.",
	    rt_table_filter_useful());
	rtd_exposition_gauge(x, "riptide_filters_damaged",
	    "Open tables whose filter is damaged and not used.",
	    e->filters_damaged);
	rtd_exposition_counter(x, "riptide_block_cache_hits_total",
	    "Blocks that were found in the block cache.", e->cache.hits);
	rtd_exposition_counter(x, "riptide_block_cache_misses_total",
	    "Blocks that had to be read from a file.", e->cache.misses);
	rtd_exposition_counter(x, "riptide_block_cache_evictions_total",
	    "Blocks that the cache let go of.", e->cache.evictions);
	rtd_exposition_gauge(x, "riptide_block_cache_bytes",
	    "Bytes of the block cache in use.", e->cache.bytes);
	rtd_exposition_gauge(x, "riptide_block_cache_max_bytes",
	    "Bytes that the block cache may take.", e->cache.bytes_max);
	rtd_exposition_gauge(x, "riptide_open_tables",
	    "Tables whose file is open.", e->open_tables);
	rtd_exposition_counter(x, "riptide_tables_opened_total",
	    "Tables that were opened.", e->tables_opened);
	rtd_exposition_gauge(x, "riptide_table_memory_bytes",
	    "Memory of indexes and filters of open tables.",
	    e->table_memory_bytes);
}

/* -- writes -- */

static void
durations(struct rtd_gather *g)
{
	struct rtd_exposition *x = &g->x;
	struct rtd_engine_durations times;

	rtd_engine_get_durations(g->server->engine, &times);
	rtd_exposition_family(x, RTD_HISTOGRAM,
	    "riptide_wal_write_duration_seconds",
	    "Time of handing records to the log's file.");
	rtd_exposition_histogram(x, "", &times.wal_writes);
	rtd_exposition_family(x, RTD_HISTOGRAM,
	    "riptide_wal_sync_duration_seconds",
	    "Time of bringing the log to the disk.");
	rtd_exposition_histogram(x, "", &times.wal_syncs);
	rtd_exposition_family(x, RTD_HISTOGRAM,
	    "riptide_flush_duration_seconds",
	    "Time from a full memtable to a table that is in use.");
	rtd_exposition_histogram(x, "", &times.flushes);
}

static const char *
hold_label(enum rtd_write_hold hold, char out[RTD_LABEL_BYTES])
{
	return rtd_exposition_label(out, "cause", rtd_write_hold_name(hold));
}

/* Why writes waited, or were refused. */
static void
holds(struct rtd_gather *g)
{
	const struct rtd_server_state *server = g->server;
	struct rtd_exposition *x = &g->x;
	char label[RTD_LABEL_BYTES];

	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_write_stall_seconds_total",
	    "Time in which writes waited or were refused, by cause.");
	for (int i = RTD_HOLD_NONE + 1; i < RTD_HOLDS; i++)
		rtd_exposition_f(x, hold_label((enum rtd_write_hold)i, label),
		    (double)rtd_write_holds_usec(server,
			(enum rtd_write_hold)i) / 1e6);
	rtd_exposition_family(x, RTD_COUNTER, "riptide_write_stalls_total",
	    "Times that writes began to wait or to be refused, by cause.");
	for (int i = RTD_HOLD_NONE + 1; i < RTD_HOLDS; i++)
		rtd_exposition_u64(x, hold_label((enum rtd_write_hold)i, label),
		    server->write_holds.by[i].begun);
	rtd_exposition_family(x, RTD_COUNTER, "riptide_writes_refused_total",
	    "Writes that were answered with an error, by cause.");
	for (int i = RTD_HOLD_LOG_STUCK; i < RTD_HOLDS; i++)
		rtd_exposition_u64(x, hold_label((enum rtd_write_hold)i, label),
		    server->write_holds.by[i].refused);
}

static void
log_and_memtables(struct rtd_gather *g)
{
	const struct rtd_engine_stats *e = &g->engine;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_gauge(x, "riptide_memtable_bytes",
	    "Bytes of entries in all memtables.", e->memtable_bytes);
	rtd_exposition_gauge(x, "riptide_memtable_entries",
	    "Entries in all memtables.", e->memtable_entries);
	rtd_exposition_gauge(x, "riptide_memtable_held_bytes",
	    "Memory of memtables, their indexes and spare ones included.",
	    e->memtable_held_bytes);
	rtd_exposition_gauge(x, "riptide_immutable_memtables",
	    "Memtables that wait for their flush.", e->immutable_memtables);
	rtd_exposition_counter(x, "riptide_written_bytes_total",
	    "Bytes of keys and values that clients wrote.",
	    e->user_bytes_written);
	rtd_exposition_gauge(x, "riptide_wal_bytes",
	    "Bytes in segments of the log that are still needed.",
	    e->wal_bytes);
	rtd_exposition_gauge(x, "riptide_wal_segments",
	    "Segments of the log that are still needed.", e->wal_segments);
	rtd_exposition_counter(x, "riptide_wal_written_bytes_total",
	    "Bytes that were written to the log.", e->wal_bytes_written);
	rtd_exposition_counter(x, "riptide_wal_failures_total",
	    "Times that the log failed and had to begin again.",
	    e->wal_failures);
	rtd_exposition_gauge(x, "riptide_wal_failed",
	    "1 while the log has failed and not begun again.", e->wal_failed);
	rtd_exposition_gauge(x, "riptide_visible_sequence",
	    "The last sequence that was given.", e->visible_seq);
	rtd_exposition_gauge(x, "riptide_durable_sequence",
	    "The last sequence that is on the disk.", e->durable_seq);
	rtd_exposition_gauge(x, "riptide_writes_refused",
	    "1 while writes are refused; INFO's write_error says why.",
	    e->write_error[0] != '\0');
	durations(g);
	holds(g);
	rtd_exposition_counter(x, "riptide_flushes_total",
	    "Memtables that became tables.", e->flushes);
	rtd_exposition_counter(x, "riptide_flush_bytes_total",
	    "Bytes of tables that flushes wrote.", e->flush_bytes);
	rtd_exposition_gauge(x, "riptide_flush_failing",
	    "1 while the last flush has failed.", e->flush_error[0] != '\0');
	rtd_exposition_counter(x, "riptide_expired_keys_total",
	    "Keys whose expiry was noticed.", g->server->expired_keys);
}

/* -- the tree -- */

static void
each_level(struct rtd_gather *g, const uint64_t values[RT_LEVELS_MAX])
{
	char number[16], label[RTD_LABEL_BYTES];

	for (uint32_t i = 0; i < g->engine.levels; i++) {
		snprintf(number, sizeof(number), "%" PRIu32, i);
		rtd_exposition_u64(&g->x, rtd_exposition_label(label, "level",
			number), values[i]);
	}
}

static void
tree(struct rtd_gather *g)
{
	const struct rtd_engine_stats *e = &g->engine;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_family(x, RTD_GAUGE, "riptide_level_files",
	    "Tables of a level.");
	each_level(g, e->level_files);
	rtd_exposition_family(x, RTD_GAUGE, "riptide_level_bytes",
	    "Bytes of a level's tables.");
	each_level(g, e->level_bytes);
	rtd_exposition_gauge(x, "riptide_table_entries",
	    "Entries in all tables: overwritten ones and tombstones count.",
	    e->sst_entries);
	rtd_exposition_gauge(x, "riptide_table_tombstones",
	    "Tombstones in all tables.", e->sst_tombstones);
	rtd_exposition_gauge(x, "riptide_obsolete_files",
	    "Tables that were merged and are not deleted yet.",
	    e->obsolete_files);
	rtd_exposition_gauge(x, "riptide_manifest_generation",
	    "Generation of the manifest in use.", e->manifest_generation);
	rtd_exposition_counter(x, "riptide_manifest_reloads_total",
	    "Manifests of the compactor that were taken over.", e->reloads);
	rtd_exposition_gauge(x, "riptide_snapshots",
	    "Snapshots that are held.", e->snapshots);
	rtd_exposition_gauge(x, "riptide_snapshot_held_bytes",
	    "Bytes of tables that snapshots keep, about.",
	    e->snapshot_bytes_held);
	rtd_exposition_gauge(x, "riptide_oldest_snapshot_age_seconds",
	    "Age of the oldest snapshot.", e->oldest_snapshot_age_s);
	rtd_exposition_counter(x, "riptide_checkpoints_total",
	    "Checkpoints that were made.", e->checkpoints);
	rtd_exposition_gauge(x, "riptide_disk_free_bytes",
	    "Free space of the data directory's file system.",
	    e->disk_free_bytes);
	rtd_exposition_gauge(x, "riptide_disk_reserve_bytes",
	    "Free space below which writes are refused.",
	    g->server->config->disk_reserve);
}

void
rtd_gather_storage(struct rtd_gather *g)
{
	rtd_engine_get_stats(g->server->engine, &g->engine);
	reads(g);
	log_and_memtables(g);
	tree(g);
}
