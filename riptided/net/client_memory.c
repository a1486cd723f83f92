#include "riptided/net/client_memory.h"

#include "libcommon/daemon/log.h"
#include "riptided/net/floor.h"

#define PATIENCE_US UINT64_C(10000000)
#define LOG_INTERVAL_MS 10000

/* Of several loops each may take, until the next tick, its part of what is
 * left: so they never take more together. */
static uint64_t
part_of(const struct rtd_loop *loop, uint64_t bytes_max)
{
	uint64_t used;

	if (loop->floor == NULL || bytes_max == UINT64_MAX)
		return bytes_max;
	used = rtd_lanes_client_memory(loop->server) + loop->memory -
	    atomic_load_explicit(&loop->lane.client_memory,
		memory_order_relaxed);
	if (used >= bytes_max)
		return loop->memory;
	return loop->memory + (bytes_max - used) / loop->floor->count;
}

/* Several loops: it takes no more than the others may. */
static bool
is_modest(const struct rtd_loop *loop)
{
	return loop->floor != NULL && loop->memory <
	    loop->server->client_memory_max / loop->floor->count;
}

void
rtd_client_memory_configure(struct rtd_loop *loop)
{
	const struct rtd_server_state *server = loop->server;

	loop->memory_max = server->client_memory_max != 0
	    ? part_of(loop, server->client_memory_max) : UINT64_MAX;
	loop->argument_max = server->argument_max != 0
	    ? server->argument_max : server->config->proto_max_bulk_len;
}

void
rtd_client_memory_count(struct rtd_conn *conn)
{
	struct rtd_loop *loop = conn->loop;
	uint64_t bytes;

	/* Empty buffers that are kept for the next command of so many. */
	if (RT_UNLIKELY(loop->memory > loop->memory_max / 2)) {
		if (conn->in.len == 0)
			rt_buf_fini(&conn->in);
		if (conn->client.out.len == 0)
			rt_buf_fini(&conn->client.out);
	}
	bytes = rtd_conn_memory(conn);
	loop->memory += bytes - conn->counted;
	conn->counted = bytes;
	if (RT_UNLIKELY(loop->memory > loop->memory_max))
		loop->was_over = true;
}

void
rtd_client_memory_forget(struct rtd_conn *conn)
{
	conn->loop->memory -= conn->counted;
	conn->counted = 0;
	if (conn->loop->favoured == conn)
		conn->loop->favoured = NULL;
}

/* Too much is in use: is this the one that may go on? */
bool
rtd_client_memory_make_way(struct rtd_conn *conn)
{
	struct rtd_loop *loop = conn->loop;

	if (loop->favoured == NULL) {
		loop->favoured = conn;
		loop->favoured_bytes = 0;
	}
	return loop->favoured == conn;
}

bool
rtd_client_memory_is_back(struct rtd_loop *loop)
{
	if (RT_LIKELY(!loop->was_over) || loop->memory > loop->memory_max)
		return false;
	loop->was_over = false;
	loop->favoured = NULL;
	loop->over_us = 0;
	return true;
}

void
rtd_client_memory_tick(struct rtd_loop *loop)
{
	const struct rtd_client *client;
	uint64_t bytes;

	if (loop->favoured == NULL)
		return;
	client = &loop->favoured->client;
	bytes = client->bytes_in + client->bytes_out;
	if (bytes == loop->favoured_bytes)
		loop->favoured = NULL;
	loop->favoured_bytes = bytes;
}

static struct rtd_conn *
largest(struct rtd_loop *loop)
{
	struct rtd_client *client = loop->server->clients;
	struct rtd_conn *found = NULL;

	for (; client != NULL; client = client->next) {
		struct rtd_conn *conn = (struct rtd_conn *)client;

		if (conn->loop == loop && (found == NULL ||
			conn->counted > found->counted))
			found = conn;
	}
	return found;
}

void
rtd_client_memory_check_times(struct rtd_loop *loop)
{
	uint64_t now_us = loop->server->now_us;
	struct rtd_conn *conn;

	if (loop->memory <= loop->memory_max || is_modest(loop)) {
		loop->over_us = 0;
		return;
	}
	if (loop->over_us == 0)
		loop->over_us = now_us;
	if (now_us - loop->over_us < PATIENCE_US)
		return;
	conn = largest(loop);
	if (conn == NULL)
		return;
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "client closed: it keeps others from the memory of clients",
	    "peer=%s bytes=%llu", conn->client.peer,
	    (unsigned long long)conn->counted);
	loop->over_us = now_us;
	rtd_conn_doom(conn);
}
