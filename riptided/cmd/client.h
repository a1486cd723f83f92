/* client: the session of one connection, as commands see it. net/conn owns the
 * socket and embeds this; commands know nothing of sockets. Thread: loop. */
#ifndef RIPTIDED_CMD_CLIENT_H
#define RIPTIDED_CMD_CLIENT_H

#include <sys/queue.h>

#include "libcommon/base/inlay.h"
#include "riptided/cmd/watch.h"
#include "riptided/resp/resp_writer.h"

#define RTD_CLIENT_NAME_BYTES 128

struct rtd_command;
struct rtd_lane;
struct rtd_snapshot;
struct rtd_missed;
struct rtd_making;
struct rtd_server_state;
struct rtd_subscription;
struct rtd_transaction;

/* What a client may be in; most are in none. */
#define RTD_MODE_MULTI 0x01		/* commands are queued */
#define RTD_MODE_SUBSCRIBED 0x02
#define RTD_MODE_MONITOR 0x04
#define RTD_MODE_REPLY_OFF 0x08
#define RTD_MODE_REPLY_SKIP 0x10	/* of the command under way */
#define RTD_MODE_REPLY_SKIP_NEXT 0x20	/* of the one behind it */
#define RTD_MODE_SILENT (RTD_MODE_REPLY_OFF | RTD_MODE_REPLY_SKIP)

/* What can be subscribed to. */
enum rtd_channel_kind { RTD_CHANNEL, RTD_PATTERN, RTD_SHARD_CHANNEL };
#define RTD_CHANNEL_KINDS 3

/* Inert when zeroed. */
TAILQ_HEAD(rtd_subscription_list, rtd_subscription);

struct rtd_client {
	uint64_t id;			/* from 1, never reused */
	uint32_t database;		/* what SELECT chose */
	struct rtd_snapshot *snapshot;	/* it reads from; NULL: the present */
	bool authenticated;
	bool readonly;			/* the user of that name (cmd_auth.h) */
	uint8_t auth_failures;		/* wrong passwords in a row */
	uint64_t held_until_us;		/* monotonic; send nothing before */
	bool close_after_reply;		/* QUIT, protocol errors */
	bool parked;			/* a job runs for it: no next command */
	bool killed;			/* close without more replies */
	char name[RTD_CLIENT_NAME_BYTES];
	char lib_name[RTD_CLIENT_NAME_BYTES];
	char lib_version[RTD_CLIENT_NAME_BYTES];
	char peer[64];			/* "127.0.0.1:50312", "[::1]:1", path:0 */
	char local[64];
	int fd;				/* for CLIENT LIST only */
	const struct rtd_lane *lane;	/* likewise: of the loop that serves it */
	int64_t created_ms;		/* wall clock */
	int64_t active_ms;
	uint64_t commands;
	uint64_t bytes_in, bytes_out;
	const struct rtd_command *last_command;
	struct rtd_resp_writer reply;	/* appends to out */
	struct rt_buf out;		/* replies of this turn, not yet sent */
	struct rt_inlays out_inlays;	/* large values in them */
	/* Highest sequence that replies in `out` rest on: what the commands
	 * wrote, and what they read. net holds the bytes until it is acked. */
	uint64_t wait_seq;
	/* The command under way: how often it met what is not in memory, and
	 * what the pool has read for it (missed.h). */
	unsigned misses;
	struct rtd_missed *missed;
	/* What the pool has made for it, and how often it did (made.h). */
	struct rtd_making *making;
	unsigned making_tries;
	struct rt_slice ahead;		/* received behind it; in dispatch */
	size_t pending_in, pending_out;	/* bytes, for CLIENT LIST */
	/* Arguments of the command at hand that lie in bulks; may be NULL. */
	const struct rt_inlays *large;
	unsigned modes;			/* RTD_MODE_* */
	bool postponed;		/* CLIENT PAUSE holds its command */
	size_t push_end;		/* in out: behind the last push */
	struct rtd_transaction *transaction;	/* with RTD_MODE_MULTI */
	struct rtd_watch watch;
	struct rtd_subscription_list subscriptions[RTD_CHANNEL_KINDS];
	uint64_t subscribed[RTD_CHANNEL_KINDS];	/* how many of them */
	struct rtd_client *next, *prev;	/* the server's list of clients */
};

/* The connection is closed: nothing reaches the client from others any more,
 * and what it began is forgotten. A job may still run for it. */
void rtd_client_leave(struct rtd_server_state *server,
    struct rtd_client *client);

/* Bytes that it holds besides its buffers: a transaction, keys it watches. */
size_t rtd_client_count_held(const struct rtd_client *client);

static inline size_t
rtd_client_held_bytes(const struct rtd_client *client)
{
	if (RT_LIKELY(client->transaction == NULL && client->watch.bytes == 0))
		return 0;
	return rtd_client_count_held(client);
}

/* Let go of what commands gave it: its snapshot, what was read for it. Before
 * it is freed and before the engine is closed. */
void rtd_client_let_go(struct rtd_client *client);

/* Read from this snapshot from now on; NULL: from the present. */
void rtd_client_use_snapshot(struct rtd_client *client,
    struct rtd_snapshot *snapshot);

static inline void
rtd_client_wait_for(struct rtd_client *client, uint64_t seq)
{
	if (seq > client->wait_seq)
		client->wait_seq = seq;
}

#endif
