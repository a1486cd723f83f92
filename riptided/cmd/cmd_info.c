/* INFO. A section is a row in a table: title, when it is shown, function.
 *
 * Keys per database are counted on a pool thread before the command answers, as
 * DBSIZE does: exactly when they are few, else about (docs/dbsize.md). While all
 * pool threads are busy the lines are those of the last time. */
#include "riptided/cmd/cmd_info.h"

#include <ctype.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/cmd/cmd_connection.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/compactor_look.h"
#include "riptided/cmd/handlers.h"
#include "riptided/engine/memory.h"

/* What the sections' functions work with. */
struct collect {
	struct rtd_server_state *server;
	struct rt_stats *out;
	struct rtd_engine_stats engine;	/* zeros while loading */
	struct rtd_compactor_look compactor;
};

/* -- facts from the system -- */

static uint64_t
resident_bytes(void)
{
	unsigned long long all = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
physical_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) *
	    (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What malloc gave out, and the memtables, which have maps of their own. */
static uint64_t
used_bytes(const struct collect *c)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd + c->engine.memtable_bytes;
}

/* "1.50M", as Redis prints sizes for people. */
static void
human_bytes(struct rt_stats *out, const char *name, uint64_t bytes)
{
	static const char units[] = "BKMGTP";
	double amount = (double)bytes;
	size_t unit = 0;

	while (amount >= 1024 && unit + 2 < sizeof(units)) {
		amount /= 1024;
		unit++;
	}
	if (unit == 0)
		rt_stats_text(out, name, "%" PRIu64 "B", bytes);
	else
		rt_stats_text(out, name, "%.2f%c", amount, units[unit]);
}

/* UINT64_MAX, which means none, is shown as 0. */
static void
bound(struct rt_stats *out, const char *name, uint64_t bytes)
{
	rt_stats_u64(out, name, bytes != UINT64_MAX ? bytes : 0);
}

static void
count_name(void *arg, const char *name)
{
	++*(uint64_t *)arg;
}

int64_t
rtd_info_last_save_ms(const struct rtd_server_state *server)
{
	struct rt_fs *fs = rt_fs_posix();
	char name[RT_PATH_NAME_BYTES];
	struct rtd_engine_stats stats;
	int64_t at_ms = server->started_ms;
	int dir = -1, manifests = -1;
	struct stat status;

	if (server->engine == NULL)
		return at_ms;
	rtd_engine_get_stats(server->engine, &stats);
	rt_path_manifest(name, stats.manifest_generation);
	if (rt_fs_open_dir(fs, server->config->dir, &dir, NULL) == RT_OK &&
	    rt_fs_open_subdir(fs, dir, RT_PATH_DIR_MANIFEST, false,
		&manifests, NULL) == RT_OK &&
	    fs->fstatat(fs, manifests, name, &status) >= 0)
		at_ms = (int64_t)status.st_mtim.tv_sec * 1000 +
		    status.st_mtim.tv_nsec / 1000000;
	rt_fs_close(fs, &manifests, NULL);
	rt_fs_close(fs, &dir, NULL);
	return at_ms > server->saved_ms ? at_ms : server->saved_ms;
}

/* -- the sections of Redis -- */

static void
server_section(struct collect *c)
{
	struct rt_stats *out = c->out;
	const struct rtd_server_state *server = c->server;
	int64_t up_s = (server->now_ms - server->started_ms) / 1000;
	struct utsname name;

	if (up_s < 0)
		up_s = 0;
	rt_stats_text(out, "redis_version", "%s", RTD_REDIS_VERSION);
	rt_stats_text(out, "riptide_version", "%s", PACKAGE_VERSION);
	rt_stats_text(out, "redis_mode", "standalone");
	if (uname(&name) == 0)
		rt_stats_text(out, "os", "%s %s %s", name.sysname,
		    name.release, name.machine);
	rt_stats_u64(out, "arch_bits", sizeof(void *) * 8);
	rt_stats_text(out, "monotonic_clock", "POSIX clock_gettime");
	rt_stats_text(out, "multiplexing_api", "libevent");
	rt_stats_text(out, "sandbox", "%s", server->sandbox.text);
	rt_stats_text(out, "gcc_version", "%s", __VERSION__);
	rt_stats_i64(out, "process_id", getpid());
	rt_stats_text(out, "process_supervised", "no");
	rt_stats_text(out, "run_id", "%s", server->run_id);
	rt_stats_u64(out, "tcp_port", server->tcp_port);
	rt_stats_i64(out, "server_time_usec", server->now_ms * 1000);
	rt_stats_i64(out, "uptime_in_seconds", up_s);
	rt_stats_i64(out, "uptime_in_days", up_s / 86400);
	rt_stats_text(out, "executable", "%s", server->executable);
	rt_stats_text(out, "config_file", "%s", server->config_file);
	rt_stats_i64(out, "io_threads_active", server->lanes_count > 1);
}

/* Held by CLIENT PAUSE: nothing else blocks. */
static uint64_t
postponed_clients(const struct rtd_server_state *server)
{
	const struct rtd_client *client = server->clients;
	uint64_t count = 0;

	for (; client != NULL; client = client->next)
		count += client->postponed;
	return count;
}

static void
clients_section(struct collect *c)
{
	rt_stats_u64(c->out, "connected_clients", c->server->connected_clients);
	rt_stats_u64(c->out, "cluster_connections", 0);
	rt_stats_i64(c->out, "maxclients", c->server->config->maxclients);
	rt_stats_u64(c->out, "blocked_clients", postponed_clients(c->server));
	rt_stats_u64(c->out, "tracking_clients", 0);
}

static uint64_t
open_files(void)
{
	struct rt_fs *fs = rt_fs_posix();
	uint64_t count = 0;
	int dir = -1;

	if (rt_fs_open_dir(fs, "/proc/self/fd", &dir, NULL) != RT_OK)
		return 0;
	if (rt_fs_list(fs, dir, count_name, &count, NULL) != RT_OK)
		count = 0;
	rt_fs_close(fs, &dir, NULL);
	/* The directory's own was among them. */
	return count != 0 ? count - 1 : 0;
}

/* Ours: the parts of memory-limit, and what they may take; 0: no bound. */
static void
memory_split(struct collect *c)
{
	struct rt_stats *out = c->out;
	const struct rtd_engine_stats *e = &c->engine;
	struct rtd_memory_shares shares;

	rtd_memory_shares(c->server->config, &shares);
	rt_stats_u64(out, "memory_limit", shares.limit);
	bound(out, "memory_limit_memtable_size", shares.memtable);
	bound(out, "memory_limit_memtables", shares.memtables);
	bound(out, "memory_limit_tables", shares.tables);
	bound(out, "memory_limit_tables_and_cache", shares.tables_and_blocks);
	bound(out, "memory_limit_clients", shares.clients);
	bound(out, "memory_limit_argument", shares.argument);
	rt_stats_u64(out, "memtable_held_bytes", e->memtable_held_bytes);
	rt_stats_u64(out, "block_cache_max_bytes", e->block_cache_max);
	rt_stats_u64(out, "client_buffer_bytes",
	    rtd_lanes_client_memory(c->server));
	rt_stats_u64(out, "open_tables", e->open_tables);
	rt_stats_u64(out, "open_tables_max", e->open_tables_max);
	rt_stats_u64(out, "tables_opened", e->tables_opened);
	rt_stats_u64(out, "tables_closed", e->tables_closed);
	rt_stats_u64(out, "open_files", open_files());
}

void
rtd_info_memory(struct rtd_server_state *server, struct rtd_info_memory *out)
{
	struct collect c = { .server = server };
	struct mallinfo2 info = mallinfo2();

	rtd_engine_get_stats(server->engine, &c.engine);
	out->used = used_bytes(&c);
	if (out->used > server->used_memory_peak)
		server->used_memory_peak = out->used;
	out->peak = server->used_memory_peak;
	out->resident = resident_bytes();
	out->malloc_used = info.uordblks + info.hblkhd;
	out->malloc_held = info.arena + info.hblkhd;
	out->memtables = c.engine.memtable_bytes;
}

static void
memory_section(struct collect *c)
{
	struct rt_stats *out = c->out;
	uint64_t used = used_bytes(c), rss = resident_bytes();
	uint64_t total = physical_bytes();

	if (used > c->server->used_memory_peak)
		c->server->used_memory_peak = used;
	rt_stats_u64(out, "used_memory", used);
	human_bytes(out, "used_memory_human", used);
	rt_stats_u64(out, "used_memory_rss", rss);
	human_bytes(out, "used_memory_rss_human", rss);
	rt_stats_u64(out, "used_memory_peak", c->server->used_memory_peak);
	human_bytes(out, "used_memory_peak_human",
	    c->server->used_memory_peak);
	rt_stats_u64(out, "total_system_memory", total);
	human_bytes(out, "total_system_memory_human", total);
	/* Nothing is evicted: see riptide.conf(5) on memory-limit. */
	rt_stats_u64(out, "maxmemory", 0);
	rt_stats_text(out, "maxmemory_human", "0B");
	rt_stats_text(out, "maxmemory_policy", "noeviction");
	rt_stats_f(out, "mem_fragmentation_ratio",
	    used != 0 ? (double)rss / (double)used : 0, 2);
	rt_stats_text(out, "mem_allocator", "libc");
	rt_stats_u64(out, "mem_clients_normal",
	    rtd_lanes_client_memory(c->server));
	memory_split(c);
}

/* As Redis shows them, only while loading. Until a second has passed nobody
 * can tell how long the rest will take: 1, as there. */
static void
loading_progress(struct collect *c)
{
	struct rtd_server_state *server = c->server;
	struct rt_stats *out = c->out;
	uint64_t total = atomic_load(&server->loading.total_bytes);
	uint64_t loaded = atomic_load(&server->loading.loaded_bytes);
	int64_t elapsed_s = (rt_clock_wall_ms(server->clock) -
	    server->loading_since_ms) / 1000;
	uint64_t eta_s = 1;

	if (loaded > total)
		loaded = total;
	if (elapsed_s > 0)
		eta_s = (uint64_t)((double)elapsed_s *
		    (double)(total - loaded) / (double)(loaded + 1));
	rt_stats_i64(out, "loading_start_time",
	    server->loading_since_ms / 1000);
	rt_stats_u64(out, "loading_total_bytes", total);
	rt_stats_u64(out, "loading_rdb_used_mem", 0);
	rt_stats_u64(out, "loading_loaded_bytes", loaded);
	rt_stats_text(out, "loading_loaded_perc", "%.2f", total == 0 ? 0.0 :
	    100.0 * (double)loaded / (double)total);
	rt_stats_u64(out, "loading_eta_seconds", eta_s);
}

static void
persistence_section(struct collect *c)
{
	struct rt_stats *out = c->out;
	bool refused = c->engine.write_error[0] != '\0';

	rt_stats_u64(out, "loading", c->server->engine == NULL);
	rt_stats_u64(out, "async_loading", 0);
	rt_stats_u64(out, "rdb_changes_since_last_save",
	    c->engine.memtable_entries);
	rt_stats_u64(out, "rdb_bgsave_in_progress",
	    c->engine.immutable_memtables != 0);
	rt_stats_i64(out, "rdb_last_save_time",
	    rtd_info_last_save_ms(c->server) / 1000);
	rt_stats_text(out, "rdb_last_bgsave_status", refused ? "err" : "ok");
	rt_stats_u64(out, "aof_enabled", 1);
	rt_stats_u64(out, "aof_rewrite_in_progress", 0);
	rt_stats_u64(out, "aof_rewrite_scheduled", 0);
	rt_stats_text(out, "aof_last_bgrewrite_status", "ok");
	rt_stats_text(out, "aof_last_write_status", refused ? "err" : "ok");
	rt_stats_u64(out, "aof_current_size", c->engine.wal_bytes);
	if (refused)
		rt_stats_text(out, "write_error", "%s", c->engine.write_error);
	if (c->server->engine == NULL)
		loading_progress(c);
}

static void
stats_section(struct collect *c)
{
	struct rt_stats *out = c->out;
	const struct rtd_server_state *server = c->server;

	rt_stats_u64(out, "total_connections_received",
	    server->connections_received);
	rt_stats_u64(out, "total_commands_processed",
	    rtd_lanes_counted(server, RTD_COUNT_COMMANDS));
	rt_stats_u64(out, "instantaneous_ops_per_sec", server->ops_per_sec);
	rt_stats_u64(out, "total_net_input_bytes",
	    rtd_lanes_counted(server, RTD_COUNT_NET_INPUT));
	rt_stats_u64(out, "total_net_output_bytes",
	    rtd_lanes_counted(server, RTD_COUNT_NET_OUTPUT));
	rt_stats_u64(out, "rejected_connections",
	    server->connections_rejected);
	rt_stats_u64(out, "sync_full", 0);
	rt_stats_u64(out, "sync_partial_ok", 0);
	rt_stats_u64(out, "sync_partial_err", 0);
	rt_stats_u64(out, "expired_keys", server->expired_keys);
	rt_stats_u64(out, "evicted_keys", 0);
	rt_stats_u64(out, "keyspace_hits",
	    rtd_lanes_counted(server, RTD_COUNT_HITS));
	rt_stats_u64(out, "keyspace_misses",
	    rtd_lanes_counted(server, RTD_COUNT_MISSES));
	rt_stats_u64(out, "parked_reads", server->parked_reads);
	rt_stats_u64(out, "pool_reads", server->pool_reads);
	rt_stats_u64(out, "read_errors", server->read_errors);
	rt_stats_u64(out, "pubsub_channels",
	    server->pubsub.channels[RTD_CHANNEL].count);
	rt_stats_u64(out, "pubsub_patterns",
	    server->pubsub.channels[RTD_PATTERN].count);
	rt_stats_u64(out, "pubsubshard_channels",
	    server->pubsub.channels[RTD_SHARD_CHANNEL].count);
	rt_stats_u64(out, "latest_fork_usec", 0);
	rt_stats_u64(out, "total_forks", 0);
	rt_stats_u64(out, "total_error_replies", server->error_replies);
	rt_stats_u64(out, "acl_access_denied_auth", server->auth_failures);
	rt_stats_u64(out, "acl_access_denied_cmd", server->denied_commands);
	rt_stats_u64(out, "protocol_errors",
	    rtd_lanes_counted(server, RTD_COUNT_PROTOCOL_ERRORS));
	rt_stats_u64(out, "slowlog_entries", server->slowlog.count);
}

static void
replication_section(struct collect *c)
{
	rt_stats_text(c->out, "role", "master");
	rt_stats_u64(c->out, "connected_slaves", 0);
	rt_stats_text(c->out, "master_failover_state", "no-failover");
	rt_stats_text(c->out, "master_replid", "%s", c->server->run_id);
	rt_stats_u64(c->out, "master_repl_offset", 0);
	rt_stats_u64(c->out, "repl_backlog_active", 0);
}

static void
cpu_time(struct rt_stats *out, const char *name, struct timeval time)
{
	rt_stats_text(out, name, "%lld.%06lld", (long long)time.tv_sec,
	    (long long)time.tv_usec);
}

static void
cpu_section(struct collect *c)
{
	struct rusage self, children;

	if (getrusage(RUSAGE_SELF, &self) != 0 ||
	    getrusage(RUSAGE_CHILDREN, &children) != 0)
		return;
	cpu_time(c->out, "used_cpu_sys", self.ru_stime);
	cpu_time(c->out, "used_cpu_user", self.ru_utime);
	cpu_time(c->out, "used_cpu_sys_children", children.ru_stime);
	cpu_time(c->out, "used_cpu_user_children", children.ru_utime);
}

static void
modules_section(struct collect *c)
{
}

static void
errors_section(struct collect *c)
{
	const struct rtd_error_stats *errors = &c->server->errors;
	char name[RTD_ERROR_WORD_BYTES + 16];

	for (size_t i = 0; i < errors->used; i++) {
		snprintf(name, sizeof(name), "errorstat_%s",
		    errors->kinds[i].word);
		rt_stats_text(c->out, name, "count=%" PRIu64,
		    errors->kinds[i].count);
	}
}

static void
cluster_section(struct collect *c)
{
	rt_stats_u64(c->out, "cluster_enabled", 0);
}

static void
keyspace_section(struct collect *c)
{
	const struct rtd_server_state *server = c->server;
	char name[32];

	if (server->counts == NULL)
		return;
	for (int64_t i = 0; i < server->config->databases; i++) {
		const struct rtd_database_count *count = &server->counts[i];

		if (count->keys == 0)
			continue;
		snprintf(name, sizeof(name), "db%" PRId64, i);
		rt_stats_text(c->out, name, "keys=%" PRIu64 ",expires=%" PRIu64
		    ",avg_ttl=%" PRId64, count->keys, count->expires,
		    count->avg_ttl_ms);
	}
}

static void
commands_section(struct collect *c)
{
	size_t count;
	const struct rtd_command *table = rtd_command_table(&count);
	char command[RTD_COMMAND_NAME_BYTES];
	char name[RTD_COMMAND_NAME_BYTES + 16];

	for (size_t i = 0; i < count; i++) {
		const struct rtd_command *at = &table[i];

		if (at->calls == 0 && at->rejected == 0)
			continue;
		snprintf(name, sizeof(name), "cmdstat_%s",
		    rtd_call_command_name(at, command));
		rt_stats_text(c->out, name, "calls=%" PRIu64 ",usec=%" PRIu64
		    ",usec_per_call=%.2f,rejected_calls=%" PRIu64
		    ",failed_calls=%" PRIu64, at->calls, at->nsec / 1000,
		    at->calls != 0 ? (double)at->nsec / 1000.0 /
			(double)at->calls : 0.0, at->rejected, at->failed);
	}
}

/* Those that Redis shows, in microseconds with the nanoseconds behind them. */
static void
latency_section(struct collect *c)
{
	size_t count;
	const struct rtd_command *table = rtd_command_table(&count);
	char command[RTD_COMMAND_NAME_BYTES];
	char name[RTD_COMMAND_NAME_BYTES + 32];

	for (size_t i = 0; i < count; i++) {
		const struct rt_durations *times = table[i].times;

		if (times == NULL)
			continue;
		snprintf(name, sizeof(name), "latency_percentiles_usec_%s",
		    rtd_call_command_name(&table[i], command));
		rt_stats_text(c->out, name, "p50=%.3f,p99=%.3f,p99.9=%.3f",
		    (double)rt_durations_percentile(times, 50) / 1000,
		    (double)rt_durations_percentile(times, 99) / 1000,
		    (double)rt_durations_percentile(times, 99.9) / 1000);
	}
}

/* -- ours -- */

static double
ratio(uint64_t above, uint64_t below)
{
	return below != 0 ? (double)above / (double)below : 0;
}

static void
lsm_section(struct collect *c)
{
	struct rt_stats *out = c->out;
	const struct rtd_engine_stats *e = &c->engine;
	char name[32];
	uint64_t deepest = 0;

	rt_stats_u64(out, "memtable_bytes", e->memtable_bytes);
	rt_stats_u64(out, "memtable_entries", e->memtable_entries);
	rt_stats_u64(out, "immutable_memtables", e->immutable_memtables);
	rt_stats_u64(out, "wal_bytes", e->wal_bytes);
	rt_stats_u64(out, "wal_segments", e->wal_segments);
	rt_stats_u64(out, "wal_syncs", e->wal_syncs);
	rt_stats_u64(out, "disk_free_bytes", e->disk_free_bytes);
	rt_stats_u64(out, "disk_ballast_bytes", e->ballast_bytes);
	rt_stats_text(out, "wal_state", e->wal_failed ? "failed" : "ok");
	rt_stats_u64(out, "wal_failures", e->wal_failures);
	rt_stats_u64(out, "l0_files", e->l0_files);
	rt_stats_u64(out, "levels", e->levels);
	for (uint32_t i = 0; i < e->levels; i++) {
		snprintf(name, sizeof(name), "level%u_files", i);
		rt_stats_u64(out, name, e->level_files[i]);
		snprintf(name, sizeof(name), "level%u_bytes", i);
		rt_stats_u64(out, name, e->level_bytes[i]);
		if (e->level_bytes[i] != 0)
			deepest = e->level_bytes[i];
	}
	rt_stats_u64(out, "sst_bytes", e->sst_bytes);
	rt_stats_u64(out, "sst_entries", e->sst_entries);
	rt_stats_u64(out, "sst_tombstones", e->sst_tombstones);
	rt_stats_u64(out, "table_memory_bytes", e->table_memory_bytes);
	rt_stats_u64(out, "count_memory_bytes", e->count_memory_bytes);
	rt_stats_u64(out, "obsolete_files", e->obsolete_files);
	rt_stats_u64(out, "snapshots", e->snapshots);
	rt_stats_u64(out, "oldest_snapshot_age_seconds",
	    e->oldest_snapshot_age_s);
	rt_stats_u64(out, "snapshot_bytes_held", e->snapshot_bytes_held);
	rt_stats_u64(out, "manifest_generation", e->manifest_generation);
	rt_stats_u64(out, "visible_seq", e->visible_seq);
	rt_stats_u64(out, "written_seq", e->written_seq);
	rt_stats_u64(out, "durable_seq", e->durable_seq);
	rt_stats_u64(out, "flushes", e->flushes);
	rt_stats_u64(out, "flush_bytes", e->flush_bytes);
	rt_stats_u64(out, "reloads", e->reloads);
	rt_stats_u64(out, "checkpoints_made", e->checkpoints);
	rt_stats_u64(out, "checkpoint_in_progress", e->checkpointing);
	rt_stats_u64(out, "block_cache_bytes", e->cache.bytes);
	rt_stats_u64(out, "block_cache_hits", e->cache.hits);
	rt_stats_u64(out, "block_cache_misses", e->cache.misses);
	rt_stats_u64(out, "bloom_useful", rt_table_filter_useful());
	rt_stats_u64(out, "filters_damaged", e->filters_damaged);
	/* Log and tables, the compactor's too, by what clients wrote. */
	rt_stats_f(out, "write_amplification", ratio(e->wal_bytes_written +
		e->flush_bytes + c->compactor.status.bytes_written,
		e->user_bytes_written), 2);
	/* By the deepest level, which holds each key once. */
	rt_stats_f(out, "space_amplification", ratio(e->sst_bytes, deepest), 2);
}

static void
compactor_section(struct collect *c)
{
	struct rt_stats *out = c->out;
	const struct rtd_compactor_look *look = &c->compactor;
	const struct rt_compactor_status *status = &look->status;

	rt_stats_text(out, "compactor_state", "%s",
	    rtd_compactor_state(look));
	rt_stats_i64(out, "compactor_pid", look->pid);
	rt_stats_text(out, "compactor_phase", "%s", look->held
	    ? status->phase : "absent");
	rt_stats_text(out, "compactor_sandbox", "%s", status->sandbox);
	rt_stats_i64(out, "compactor_last_publish_age_seconds",
	    rtd_compactor_publish_age_s(look, c->server->now_ms));
	rt_stats_u64(out, "compactor_damaged_tables", status->damaged_tables);
	rt_stats_i64(out, "compactor_scrub_finished_time",
	    status->scrub_finished_ms / 1000);
	rt_stats_u64(out, "compactor_scrub_tables", status->scrub_tables);
	rt_stats_u64(out, "compactor_jobs_running", look->held
	    ? status->jobs_running : 0);
	rt_stats_u64(out, "compactor_progress_bytes", status->job_bytes_done);
	rt_stats_u64(out, "compactor_progress_total_bytes",
	    status->job_bytes_total);
	rt_stats_u64(out, "compactor_bytes_per_second", status->bytes_per_s);
	rt_stats_i64(out, "compactor_eta_seconds", look->held
	    ? rt_compactor_eta_s(status) : -1);
	rt_stats_f(out, "compactor_write_amplification",
	    rt_compactor_write_amplification(status), 2);
	rt_stats_u64(out, "compactor_jobs_failed", status->jobs_failed);
	rt_stats_u64(out, "compactor_versions_dropped",
	    status->versions_dropped);
	rt_stats_u64(out, "compactor_tombstones_dropped",
	    status->tombstones_dropped);
	rt_stats_u64(out, "compactor_expired_dropped",
	    status->expired_dropped);
	rt_stats_u64(out, "compactor_jobs_done", status->jobs_done);
	rt_stats_u64(out, "compactor_bytes_read", status->bytes_read);
	rt_stats_u64(out, "compactor_bytes_written", status->bytes_written);
	rt_stats_u64(out, "compaction_debt_bytes", status->debt_bytes);
	rt_stats_u64(out, "compact_requests", c->engine.requests);
	rt_stats_u64(out, "compact_requests_done", c->engine.requests_done);
	rt_stats_text(out, "compactor_job", "%s", status->job);
	rt_stats_text(out, "compactor_last_error", "%s", status->last_error);
	rt_stats_text(out, "compactor_spawn_state", "%s", !c->server->spawns ?
	    "off" : c->server->spawn_runs ? "running" : "waiting");
	rt_stats_u64(out, "compactor_spawn_restarts",
	    c->server->spawn_restarts);
	rt_stats_text(out, "compactor_spawn_last_end", "%s",
	    c->server->spawn_last_end);
}

/* -- choosing -- */

static const struct section {
	const char *title;
	bool by_default;
	void (*collect)(struct collect *c);
} sections_table[] = {
	{ "Server", true, server_section },
	{ "Clients", true, clients_section },
	{ "Memory", true, memory_section },
	{ "Persistence", true, persistence_section },
	{ "Stats", true, stats_section },
	{ "Replication", true, replication_section },
	{ "CPU", true, cpu_section },
	{ "Modules", true, modules_section },
	{ "Commandstats", false, commands_section },
	{ "Errorstats", true, errors_section },
	{ "Latencystats", false, latency_section },
	{ "Cluster", true, cluster_section },
	{ "Keyspace", true, keyspace_section },
	{ "Lsm", true, lsm_section },
	{ "Compactor", true, compactor_section },
};

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

/* Whether the list of names asks for this section. */
static bool
asked_for(struct rt_slice names, const struct section *section)
{
	bool any = false;
	size_t start, at = 0;

	while (at < names.len) {
		while (at < names.len && is_blank(names.data[at]))
			at++;
		start = at;
		while (at < names.len && !is_blank(names.data[at]))
			at++;
		if (at == start)
			break;
		struct rt_slice name = rt_slice(names.data + start, at - start);

		any = true;
		if (rt_slice_equal_nocase(name, section->title) ||
		    rt_slice_equal_nocase(name, "all") ||
		    rt_slice_equal_nocase(name, "everything") ||
		    (section->by_default &&
			rt_slice_equal_nocase(name, "default")))
			return true;
	}
	return !any && section->by_default;
}

void
rtd_info_collect(struct rtd_server_state *server, struct rt_slice sections,
    struct rt_stats *out)
{
	struct collect c = { .server = server, .out = out };

	if (server->engine != NULL)
		rtd_engine_get_stats(server->engine, &c.engine);
	rtd_compactor_look(server->config->dir, &c.compactor);
	for (size_t i = 0; i < RT_COUNTOF(sections_table); i++)
		if (asked_for(sections, &sections_table[i])) {
			rt_stats_section(out, sections_table[i].title);
			sections_table[i].collect(&c);
		}
}

/* -- counting keys -- */

struct info_job {
	struct rtd_cmd_job job;
	struct rt_buf sections;
	struct rtd_counting *counting;
	struct rtd_read *reads;		/* one for each database */
	struct rtd_database_count *counts;
	size_t databases;
	enum rt_code code;		/* of the first that failed */
	struct rt_err err;
};

static void
info_work(struct rtd_cmd_job *job)
{
	struct info_job *info = (struct info_job *)job;

	for (size_t i = 0; i < info->databases && info->code == RT_OK; i++) {
		const struct rtd_read *read = &info->reads[i];
		struct rtd_database_count *out = &info->counts[i];
		struct rtd_count count;

		info->code = rtd_counting_run(info->counting, read, false,
		    &count, &info->err);
		out->keys = count.keys;
		out->expires = count.expires;
		if (count.expire_mean_ms > read->now_ms)
			out->avg_ttl_ms =
			    (int64_t)(count.expire_mean_ms - read->now_ms);
	}
}

static void
reply_info(struct rtd_server_state *server, struct rtd_client *client,
    struct rt_slice sections)
{
	struct rt_stats stats = { 0 };

	rtd_info_collect(server, sections, &stats);
	rtd_reply_verbatim(&client->reply, rt_buf_slice(&stats.text));
	rt_stats_fini(&stats);
}

/* When something could not be read the rest of INFO is wanted all the more:
 * the numbers of the last time stay. */
static void
info_reply(struct rtd_cmd_job *job)
{
	struct info_job *info = (struct info_job *)job;

	if (info->code == RT_OK)
		memcpy(job->server->counts, info->counts,
		    info->databases * sizeof(*info->counts));
	else
		rt_log_limited(60000, RT_LOG_WARNING, "info",
		    "keys not counted", "error=\"%s\"", info->err.text);
	reply_info(job->server, job->client, rt_buf_slice(&info->sections));
}

static void
info_free(struct rtd_cmd_job *job)
{
	struct info_job *info = (struct info_job *)job;

	rtd_counting_free(info->counting);
	free(info->reads);
	free(info->counts);
	rt_buf_fini(&info->sections);
	free(info);
}

/* Hand the words of the command over; they are cleared. */
static void
start_counting(struct rtd_call *call, struct rt_buf *sections)
{
	struct rtd_server_state *server = call->server;
	struct info_job *info = rt_alloc_zero(1, sizeof(*info));
	uint64_t seq;

	info->databases = (size_t)server->config->databases;
	info->counts = rt_alloc_zero(info->databases, sizeof(*info->counts));
	info->reads = rt_alloc_zero(info->databases, sizeof(*info->reads));
	for (size_t i = 0; i < info->databases; i++)
		info->reads[i] = (struct rtd_read){
			.keyspace = rtd_engine_keyspace(server->engine,
			    (uint32_t)i),
			.now_ms = (uint64_t)call->now_ms,
		};
	info->counting = rtd_reader_counting(server->lane->reader, NULL, &seq);
	rtd_client_wait_for(call->client, seq);
	info->sections = *sections;
	*sections = (struct rt_buf){ 0 };
	info->job.work = info_work;
	info->job.reply = info_reply;
	info->job.free = info_free;
	rtd_cmd_job_start(&info->job, call);
}

static bool
wants_keyspace(struct rt_slice sections)
{
	for (size_t i = 0; i < RT_COUNTOF(sections_table); i++)
		if (sections_table[i].collect == keyspace_section)
			return asked_for(sections, &sections_table[i]);
	return false;
}

void
rtd_cmd_info(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct rt_buf sections = { 0 };

	for (size_t i = 1; i < call->argc; i++) {
		rt_buf_append_slice(&sections, call->argv[i]);
		rt_buf_append_byte(&sections, ' ');
	}
	/* While the pool is busy the numbers are those of the last time. */
	if (server->engine != NULL &&
	    wants_keyspace(rt_buf_slice(&sections)) && server->jobs_running <
		(unsigned)server->config->reader_threads)
		start_counting(call, &sections);
	else
		reply_info(server, call->client, rt_buf_slice(&sections));
	rt_buf_fini(&sections);
}
