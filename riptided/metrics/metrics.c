/* A section is a function that tells families; metrics.h's caller sees one text.
 * Names that others define keep their names: process_start_time_seconds and its
 * like are what Prometheus' own client libraries tell. */
#include "riptided/metrics/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/call.h"
#include "riptided/metrics/gather.h"

/* -- the process -- */

static void
memory_of_process(struct rtd_gather *g)
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
process(struct rtd_gather *g)
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
loading(struct rtd_gather *g)
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
clients(struct rtd_gather *g)
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
	    "Memory of all clients' buffers.",
	    rtd_lanes_client_memory(server));
	rtd_exposition_counter(x, "riptide_network_received_bytes_total",
	    "Bytes that clients sent.",
	    rtd_lanes_counted(server, RTD_COUNT_NET_INPUT));
	rtd_exposition_counter(x, "riptide_network_sent_bytes_total",
	    "Bytes that were sent to clients.",
	    rtd_lanes_counted(server, RTD_COUNT_NET_OUTPUT));
	rtd_exposition_counter(x, "riptide_protocol_errors_total",
	    "Connections that did not speak the protocol.",
	    rtd_lanes_counted(server, RTD_COUNT_PROTOCOL_ERRORS));
	rtd_exposition_counter(x, "riptide_auth_failures_total",
	    "Wrong passwords.", server->auth_failures);
	rtd_exposition_counter(x, "riptide_denied_commands_total",
	    "Commands that their user may not run.", server->denied_commands);
}

/* One counter of every command that has been used. */
static void
each_command(struct rtd_gather *g, size_t member)
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
command_times(struct rtd_gather *g)
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
commands(struct rtd_gather *g)
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

void
rtd_metrics_write(struct rtd_server_state *server, struct rt_buf *out)
{
	struct rtd_gather g = { .x = { .out = out }, .server = server };

	process(&g);
	loading(&g);
	clients(&g);
	commands(&g);
	if (server->engine != NULL)
		rtd_gather_storage(&g);
	rtd_compactor_look(server->config->dir, &g.compactor);
	rtd_gather_compactor(&g);
}
