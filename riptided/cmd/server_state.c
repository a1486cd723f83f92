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

void
rtd_server_state_configure(struct rtd_server_state *server)
{
	rtd_notify_configure(server);
	rt_latency_set_threshold_ms(
	    (uint64_t)server->config->latency_monitor_threshold);
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
