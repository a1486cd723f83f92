/* A section is a function that tells families; metrics.h's caller sees one text.
 * Names that others define keep their names: process_start_time_seconds and its
 * like are what Prometheus' own client libraries tell. */
#include "riptided/metrics/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/table_reader.h"
#include "riptided/cmd/call.h"
#include "riptided/cmd/compactor_look.h"
#include "riptided/metrics/exposition.h"

struct gather {
	struct rtd_exposition x;
	struct rtd_server_state *server;
	struct rtd_engine_stats engine;		/* zeros while loading */
	struct rtd_compactor_look compactor;
};

/* -- the process -- */

static void
memory_of_process(struct gather *g)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long all = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return;
	if (fscanf(file, "%llu %llu", &all, &resident) == 2) {
		rtd_exposition_gauge(&g->x, "process_resident_memory_bytes",
		    "Resident memory size in bytes.", resident * page);
		rtd_exposition_gauge(&g->x, "process_virtual_memory_bytes",
		    "Virtual memory size in bytes.", all * page);
	}
	fclose(file);
}

static double
seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void
process(struct gather *g)
{
	const struct rtd_server_state *server = g->server;
	struct rtd_exposition *x = &g->x;
	struct rusage usage;
	char version[RTD_LABEL_BYTES];

	rtd_exposition_family(x, RTD_GAUGE, "riptide_build_info",
	    "The daemon's version; always 1.");
	rtd_exposition_u64(x, rtd_exposition_label(version, "version",
		PACKAGE_VERSION), 1);
	rtd_exposition_family(x, RTD_GAUGE, "process_start_time_seconds",
	    "Start time of the process since unix epoch in seconds.");
	rtd_exposition_f(x, "", (double)server->started_ms / 1000);
	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		rtd_exposition_family(x, RTD_COUNTER,
		    "process_cpu_seconds_total", "Total user and system CPU "
		    "time spent in seconds.");
		rtd_exposition_f(x, "", seconds(usage.ru_utime) +
		    seconds(usage.ru_stime));
	}
	memory_of_process(g);
}

static void
loading(struct gather *g)
{
	struct rtd_server_state *server = g->server;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_gauge(x, "riptide_loading",
	    "1 while the log is replayed and commands are refused.",
	    server->engine == NULL);
	rtd_exposition_gauge(x, "riptide_loading_bytes",
	    "Bytes of the log that the last start had to replay.",
	    atomic_load(&server->loading.total_bytes));
	rtd_exposition_gauge(x, "riptide_loading_done_bytes",
	    "Bytes of the log that were replayed so far.",
	    atomic_load(&server->loading.loaded_bytes));
}

/* -- clients and commands -- */

static void
clients(struct gather *g)
{
	const struct rtd_server_state *server = g->server;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_gauge(x, "riptide_connected_clients",
	    "Connections that are open.", server->connected_clients);
	rtd_exposition_gauge(x, "riptide_max_clients",
	    "Connections that maxclients allows.",
	    (uint64_t)server->config->maxclients);
	rtd_exposition_counter(x, "riptide_connections_total",
	    "Connections that were made, refused ones included.",
	    server->connections_received);
	rtd_exposition_counter(x, "riptide_connections_rejected_total",
	    "Connections that were refused.", server->connections_rejected);
	rtd_exposition_gauge(x, "riptide_client_buffer_bytes",
	    "Memory of all clients' buffers.", server->client_memory);
	rtd_exposition_counter(x, "riptide_network_received_bytes_total",
	    "Bytes that clients sent.", server->net_input_bytes);
	rtd_exposition_counter(x, "riptide_network_sent_bytes_total",
	    "Bytes that were sent to clients.", server->net_output_bytes);
	rtd_exposition_counter(x, "riptide_protocol_errors_total",
	    "Connections that did not speak the protocol.",
	    server->protocol_errors);
	rtd_exposition_counter(x, "riptide_auth_failures_total",
	    "Wrong passwords.", server->auth_failures);
	rtd_exposition_counter(x, "riptide_denied_commands_total",
	    "Commands that their user may not run.", server->denied_commands);
}

/* One counter of every command that has been used. */
static void
each_command(struct gather *g, size_t member)
{
	size_t count;
	const struct rtd_command *table = rtd_command_table(&count);
	char name[RTD_COMMAND_NAME_BYTES], label[RTD_LABEL_BYTES];
	uint64_t value;

	for (size_t i = 0; i < count; i++) {
		if (table[i].calls == 0 && table[i].rejected == 0)
			continue;
		memcpy(&value, (const char *)&table[i] + member,
		    sizeof(value));
		rtd_exposition_u64(&g->x, rtd_exposition_label(label,
			"command", rtd_call_command_name(&table[i], name)),
		    value);
	}
}

#define FAMILIES_MAX 16

/* Families are few, and their names constants of commands.def. */
static void
command_times(struct gather *g)
{
	const char *families[FAMILIES_MAX];
	size_t count, used = 0;
	const struct rtd_command *table = rtd_command_table(&count);
	char label[RTD_LABEL_BYTES];

	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < used && strcmp(families[at], table[i].group) != 0)
			at++;
		if (table[i].times != NULL && at == used) {
			rt_assert(used < FAMILIES_MAX);
			families[used++] = table[i].group;
		}
	}
	rtd_exposition_family(&g->x, RTD_HISTOGRAM,
	    "riptide_command_duration_seconds",
	    "Time that commands ran, by the family of the command; without "
	    "waiting for the network and for the log.");
	for (size_t at = 0; at < used; at++) {
		struct rt_durations sum = { 0 };

		for (size_t i = 0; i < count; i++)
			if (table[i].times != NULL &&
			    strcmp(table[i].group, families[at]) == 0)
				rt_durations_merge(&sum, table[i].times);
		rtd_exposition_histogram(&g->x, rtd_exposition_label(label,
			"family", families[at]), &sum);
	}
}

static void
commands(struct gather *g)
{
	const struct rtd_server_state *server = g->server;
	struct rtd_exposition *x = &g->x;
	char label[RTD_LABEL_BYTES];

	rtd_exposition_family(x, RTD_COUNTER, "riptide_commands_total",
	    "Commands that were run.");
	each_command(g, offsetof(struct rtd_command, calls));
	rtd_exposition_family(x, RTD_COUNTER, "riptide_commands_failed_total",
	    "Commands that ran and were answered with an error.");
	each_command(g, offsetof(struct rtd_command, failed));
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_commands_rejected_total",
	    "Commands that were refused before they ran.");
	each_command(g, offsetof(struct rtd_command, rejected));
	command_times(g);
	rtd_exposition_family(x, RTD_COUNTER, "riptide_error_replies_total",
	    "Error replies, by their first word.");
	for (size_t i = 0; i < server->errors.used; i++)
		rtd_exposition_u64(x, rtd_exposition_label(label, "error",
			server->errors.kinds[i].word),
		    server->errors.kinds[i].count);
	rtd_exposition_gauge(x, "riptide_slowlog_entries",
	    "Entries that SLOWLOG GET would show.", server->slowlog.count);
	rtd_exposition_gauge(x, "riptide_pubsub_channels",
	    "Channels with a subscriber.",
	    server->pubsub.channels[RTD_CHANNEL].count);
}

static void
reads(struct gather *g)
{
	const struct rtd_server_state *server = g->server;
	const struct rtd_engine_stats *e = &g->engine;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_counter(x, "riptide_keyspace_hits_total",
	    "Keys that commands looked for and found.", server->keyspace_hits);
	rtd_exposition_counter(x, "riptide_keyspace_misses_total",
	    "Keys that commands looked for in vain.",
	    server->keyspace_misses);
	rtd_exposition_family(x, RTD_COUNTER, "riptide_lookups_total",
	    "Looks at keys, by what answered them; a command that has to wait "
	    "for the disk looks again.");
	rtd_exposition_u64(x, "answered=\"memtable\"",
	    server->answers[RTD_BY_MEMTABLE]);
	rtd_exposition_u64(x, "answered=\"block_cache\"",
	    server->answers[RTD_BY_CACHE]);
	rtd_exposition_u64(x, "answered=\"page_cache\"",
	    server->answers[RTD_BY_FILE]);
	rtd_exposition_u64(x, "answered=\"disk\"",
	    server->answers[RTD_BY_DISK]);
	rtd_exposition_u64(x, "answered=\"nothing\"",
	    server->answers[RTD_BY_NOTHING]);
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
durations(struct gather *g)
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
holds(struct gather *g)
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
log_and_memtables(struct gather *g)
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
each_level(struct gather *g, const uint64_t values[RT_LEVELS_MAX])
{
	char number[16], label[RTD_LABEL_BYTES];

	for (uint32_t i = 0; i < g->engine.levels; i++) {
		snprintf(number, sizeof(number), "%" PRIu32, i);
		rtd_exposition_u64(&g->x, rtd_exposition_label(label, "level",
			number), values[i]);
	}
}

static void
tree(struct gather *g)
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

/* -- the compactor, by what it tells of itself -- */

static void
each_target(struct gather *g, size_t member, double divisor)
{
	char number[16], label[RTD_LABEL_BYTES];
	uint64_t value;

	for (uint32_t i = 0; i < RT_COMPACTOR_LEVELS_MAX; i++) {
		const struct rt_compactor_level *level =
		    &g->compactor.status.levels[i];

		if (level->jobs == 0)
			continue;
		memcpy(&value, (const char *)level + member, sizeof(value));
		snprintf(number, sizeof(number), "%" PRIu32, i);
		rtd_exposition_f(&g->x, rtd_exposition_label(label, "level",
			number), (double)value / divisor);
	}
}

/* These go on over restarts of the compactor, which keeps them in its file. */
static void
by_target(struct gather *g)
{
	struct rtd_exposition *x = &g->x;

	rtd_exposition_family(x, RTD_COUNTER, "riptide_compaction_jobs_total",
	    "Jobs that were done, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, jobs), 1);
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_compaction_seconds_total",
	    "Time of jobs, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, took_ms), 1000);
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_compaction_read_bytes_total",
	    "Bytes of jobs' inputs, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, bytes_in), 1);
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_compaction_written_bytes_total",
	    "Bytes of jobs' outputs, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, bytes_out), 1);
}

static void
compactor(struct gather *g)
{
	const struct rt_compactor_status *status = &g->compactor.status;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_gauge(x, "riptide_compactor_up",
	    "1 while a compactor has its role.", g->compactor.held);
	rtd_exposition_gauge(x, "riptide_compactor_jobs_running",
	    "Merges under way.", g->compactor.held ? status->jobs_running : 0);
	rtd_exposition_counter(x, "riptide_compactor_jobs_total",
	    "Jobs that the compactor has done since it started.",
	    status->jobs_done);
	rtd_exposition_counter(x, "riptide_compactor_jobs_failed_total",
	    "Jobs of the compactor that failed since it started.",
	    status->jobs_failed);
	rtd_exposition_counter(x, "riptide_compactor_read_bytes_total",
	    "Bytes that the compactor has read since it started.",
	    status->bytes_read);
	rtd_exposition_counter(x, "riptide_compactor_written_bytes_total",
	    "Bytes that the compactor has written since it started.",
	    status->bytes_written);
	rtd_exposition_family(x, RTD_COUNTER, "riptide_compactor_dropped_total",
	    "Entries that merges left out since the compactor started.");
	rtd_exposition_u64(x, "kind=\"overwritten\"",
	    status->versions_dropped);
	rtd_exposition_u64(x, "kind=\"tombstone\"",
	    status->tombstones_dropped);
	rtd_exposition_u64(x, "kind=\"expired\"", status->expired_dropped);
	by_target(g);
	rtd_exposition_gauge(x, "riptide_compaction_debt_bytes",
	    "Bytes that are due to be merged, as the compactor last said.",
	    status->debt_bytes);
	rtd_exposition_gauge(x, "riptide_compactor_damaged_tables",
	    "Tables that merges leave out because they are damaged.",
	    status->damaged_tables);
	if (status->last_publish_ms != 0) {
		rtd_exposition_family(x, RTD_GAUGE,
		    "riptide_compactor_last_publish_timestamp_seconds",
		    "When the compactor last changed the tree.");
		rtd_exposition_f(x, "",
		    (double)status->last_publish_ms / 1000);
	}
	rtd_exposition_counter(x, "riptide_compactor_restarts_total",
	    "Times that a compactor of our own has ended.",
	    g->server->spawn_restarts);
}

void
rtd_metrics_write(struct rtd_server_state *server, struct rt_buf *out)
{
	struct gather g = { .x = { .out = out }, .server = server };

	process(&g);
	loading(&g);
	clients(&g);
	commands(&g);
	if (server->engine != NULL) {
		rtd_engine_get_stats(server->engine, &g.engine);
		reads(&g);
		log_and_memtables(&g);
		tree(&g);
	}
	rtd_compactor_look(server->config->dir, &g.compactor);
	compactor(&g);
}
