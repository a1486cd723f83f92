/* server_state: what commands may see and touch of the server. Made and owned
 * by server.c; commands fill counters in it. Thread: loop. */
#ifndef RIPTIDED_CMD_SERVER_STATE_H
#define RIPTIDED_CMD_SERVER_STATE_H

#include "libcommon/daemon/config.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/os/clock.h"
#include "riptided/cmd/deadlines.h"
#include "riptided/cmd/error_stats.h"
#include "riptided/cmd/lane.h"
#include "riptided/cmd/pubsub.h"
#include "riptided/cmd/scan_cursor.h"
#include "riptided/cmd/slowlog.h"
#include "riptided/cmd/write_holds.h"
#include "riptided/engine/engine.h"
#include "riptided/engine/write_batch.h"
#include "riptided/pool/pool.h"

struct rtd_client;

/* What INFO last knew of a database. */
struct rtd_database_count {
	uint64_t keys;
	uint64_t expires;	/* of them with an expiry */
	int64_t avg_ttl_ms;	/* of those */
};

struct rtd_server_state {
	struct rt_config *config;
	struct rt_clock *clock;
	struct rtd_engine *engine;	/* NULL while loading */
	struct rtd_lane *lanes[RTD_LANES_MAX];
	unsigned lanes_count;
	struct rtd_lane *lane;		/* of the loop that runs a command */
	struct rtd_loading loading;	/* how far it has come */
	int64_t loading_since_ms;	/* wall clock */
	struct rtd_pool *pool;
	struct rtd_write_batch batch;	/* scratch of write commands */
	struct rt_buf scratch;		/* of the command under way */
	int64_t now_ms;			/* wall clock, once a turn */
	uint64_t now_us;		/* monotonic, once a turn */
	/* The compactor of our own (compactor spawn): whether there is to be
	 * one and one runs, how many have ended, and how the last one did, or
	 * why it did not start. Seen ten times a second. */
	bool spawns, spawn_runs;
	uint64_t spawn_restarts;
	char spawn_last_end[128];
	atomic_bool shutdown_asked;	/* SHUTDOWN: loops end after replies */
	struct rtd_client *clients;	/* all, oldest first */
	struct rtd_client *clients_tail;
	char run_id[41];
	int64_t started_ms;
	uint16_t tcp_port;
	char executable[256];
	struct rt_sandbox_state sandbox;
	char config_file[256];
	/* counters */
	uint64_t next_client_id;
	uint64_t connected_clients;
	/* What memory-limit allows them, and one argument; 0: no bound of its
	 * own. The server's to set. */
	uint64_t client_memory_max;
	uint64_t argument_max;
	uint64_t connections_received;
	uint64_t connections_rejected;
	uint64_t expired_keys;
	uint64_t parked_reads;	/* times a command met what is not in memory */
	uint64_t pool_reads;	/* keys that the pool was given to read */
	uint64_t read_errors;	/* commands that a disk or damage kept from reading */
	uint64_t error_replies;
	uint64_t auth_failures;		/* wrong passwords */
	uint64_t denied_commands;	/* of the user readonly */
	uint64_t ops_per_sec;		/* over the last second or so */
	/* Made by net for commands that act on other connections. */
	void (*kill_client)(struct rtd_server_state *server,
	    struct rtd_client *client);
	/* Called by a finished job: the client goes on reading commands. When
	 * the client was closed meanwhile, net has set client->killed and frees
	 * it here. */
	void (*unpark_client)(struct rtd_server_state *server,
	    struct rtd_client *client);
	/* Whether the other side has closed the connection, or its half of
	 * it. */
	bool (*client_hung_up)(struct rtd_server_state *server,
	    struct rtd_client *client);
	/* Something was appended to client->out by another's command. */
	void (*output_grew)(struct rtd_server_state *server,
	    struct rtd_client *client);
	/* Between the two a client may be touched that another loop serves;
	 * NULL: there is one loop. */
	void (*visit_client)(struct rtd_server_state *server,
	    struct rtd_client *client);
	void (*leave_client)(struct rtd_server_state *server,
	    struct rtd_client *client);
	/* Commands that CLIENT PAUSE held may run. */
	void (*resume)(struct rtd_server_state *server);
	void *net;			/* for the functions above */
	/* Owned by the room cmd: zeroed, then rtd_server_state_init(). */
	struct rtd_slowlog slowlog;
	uint64_t slow_from_ns;	/* of what SLOWLOG or LATENCY remembers */
	struct rtd_error_stats errors;
	struct rtd_write_holds write_holds;
	struct rt_durations cold_reads;	/* ns; commands that were parked */
	struct rtd_scan_cursors cursors;
	struct rtd_compact_wait *compact_waits;	/* cmd_compact.c */
	struct rtd_pubsub pubsub;
	unsigned notify;		/* RT_EVENT_*, or 0 (notify.h) */
	struct rtd_deadlines deadlines;
	size_t monitors;		/* clients with RTD_MODE_MONITOR */
	uint64_t paused_until_us;	/* monotonic; 0: not paused */
	bool paused_all;		/* reads, too */
	struct rtd_database_count *counts;	/* config->databases of them */
	bool saving;		/* a BGSAVE is under way */
	int64_t saved_ms;	/* wall clock, of the last SAVE or BGSAVE */
	unsigned jobs_running;		/* walks of commands in the pool */
	uint64_t used_memory_peak;	/* bytes, as seen by INFO */
};

static inline void
rtd_visit_client(struct rtd_server_state *server, struct rtd_client *client)
{
	if (RT_UNLIKELY(server->visit_client != NULL))
		server->visit_client(server, client);
}

static inline void
rtd_leave_client(struct rtd_server_state *server, struct rtd_client *client)
{
	if (RT_UNLIKELY(server->leave_client != NULL))
		server->leave_client(server, client);
}

/* After config is set and before the first command: the command table's
 * look-up and its disabled names (disable-command), and the members above. */
void rtd_server_state_init(struct rtd_server_state *server);
/* Options that CONFIG SET may have changed take effect. */
void rtd_server_state_configure(struct rtd_server_state *server);
/* After the last command and job: free what commands made, batch and scratch
 * included. What net and server made is theirs. */
void rtd_server_state_fini(struct rtd_server_state *server);

#endif
