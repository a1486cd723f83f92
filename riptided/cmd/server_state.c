#include "riptided/cmd/server_state.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/latency.h"
#include "riptided/cmd/command.h"
#include "riptided/cmd/notify.h"

void
rtd_server_state_init(struct rtd_server_state *server)
{
	rtd_command_table_init(server->config->disable_command);
	server->counts = rt_alloc_zero((size_t)server->config->databases,
	    sizeof(*server->counts));
	rtd_server_state_configure(server);
}

/* The lower one of two bounds, so that a command meets one comparison. */
static uint64_t
slow_from_ns(const struct rt_config *config)
{
	uint64_t from = UINT64_MAX;

	if (config->slowlog_log_slower_than >= 0 &&
	    config->slowlog_log_slower_than < INT64_MAX / 1000)
		from = (uint64_t)config->slowlog_log_slower_than * 1000;
	if (config->latency_monitor_threshold != 0 &&
	    (uint64_t)config->latency_monitor_threshold * 1000000 < from)
		from = (uint64_t)config->latency_monitor_threshold * 1000000;
	return from;
}

void
rtd_server_state_configure(struct rtd_server_state *server)
{
	rtd_notify_configure(server);
	rt_latency_set_threshold_ms(
	    (uint64_t)server->config->latency_monitor_threshold);
	server->slow_from_ns = slow_from_ns(server->config);
}

void
rtd_server_state_fini(struct rtd_server_state *server)
{
	rtd_write_batch_fini(&server->batch);
	rt_buf_fini(&server->scratch);
	rtd_slowlog_clear(&server->slowlog);
	rtd_scan_cursors_fini(&server->cursors);
	rtd_pubsub_fini(&server->pubsub);
	rtd_deadlines_fini(&server->deadlines);
	free(server->counts);
	server->counts = NULL;
}
