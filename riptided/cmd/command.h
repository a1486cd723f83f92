/* command: look-up, checks, dispatch. The table is commands.def: name, arity,
 * flags, key positions, function; what COMMAND tells comes from it too.
 * Path: net > resp > [cmd] > engine. Thread: loop. */
#ifndef RIPTIDED_CMD_COMMAND_H
#define RIPTIDED_CMD_COMMAND_H

#include "libcommon/base/durations.h"
#include "riptided/cmd/client.h"
#include "riptided/cmd/server_state.h"

#define RTD_CMD_WRITE 0x0001
#define RTD_CMD_READONLY 0x0002
#define RTD_CMD_DENYOOM 0x0004
#define RTD_CMD_ADMIN 0x0008
#define RTD_CMD_FAST 0x0010
#define RTD_CMD_LOADING 0x0020		/* allowed while loading */
#define RTD_CMD_NO_AUTH 0x0040		/* allowed before AUTH */
#define RTD_CMD_PUBSUB 0x0080
#define RTD_CMD_NOSCRIPT 0x0100
#define RTD_CMD_STALE 0x0200
#define RTD_CMD_SKIP_SLOWLOG 0x0400
#define RTD_CMD_ALLOW_BUSY 0x0800
#define RTD_CMD_NO_MULTI 0x1000
#define RTD_CMD_NO_ASYNC_LOADING 0x2000
/* What COMMAND tells; the others are our own. */
#define RTD_CMD_TOLD 0xffff
#define RTD_CMD_MAY_REPLICATE 0x10000	/* CLIENT PAUSE WRITE holds it */
#define RTD_CMD_AT_ONCE 0x20000		/* not queued inside MULTI */
#define RTD_CMD_SUBSCRIBER 0x40000	/* for subscribers in RESP2 */
#define RTD_CMD_BLIND 0x80000			/* writes its keys unread */
/* With several loops (net/floor.h): a read that touches nothing but the engine
 * and its loop's own; one during which the other loops stand still. */
#define RTD_CMD_FREE 0x100000
#define RTD_CMD_ALONE 0x200000

/* ACL categories, in Redis' order. Those that follow from the flags are added
 * by rtd_command_table_init(). */
#define RTD_ACL_KEYSPACE 0x0001
#define RTD_ACL_READ 0x0002
#define RTD_ACL_WRITE 0x0004
#define RTD_ACL_STRING 0x0008
#define RTD_ACL_BITMAP 0x0010
#define RTD_ACL_PUBSUB 0x0020
#define RTD_ACL_ADMIN 0x0040
#define RTD_ACL_FAST 0x0080
#define RTD_ACL_SLOW 0x0100
#define RTD_ACL_DANGEROUS 0x0200
#define RTD_ACL_CONNECTION 0x0400
#define RTD_ACL_TRANSACTION 0x0800
#define RTD_ACL_SCRIPTING 0x1000

struct rtd_making;

/* One command under way. */
struct rtd_call {
	struct rtd_server_state *server;
	struct rtd_client *client;
	struct rtd_lane *lane;		/* of the loop that runs it */
	const struct rtd_command *command;
	const struct rt_slice *argv;	/* argv[0] is the name; borrowed */
	size_t argc;
	int64_t now_ms;			/* wall clock of this turn */
	bool is_free;			/* without the floor (rtd_command_try) */
	/* It cannot go on now, and will be taken back and run again: it met
	 * what is not in memory (missed.h), or what was made of large values
	 * is not there yet (made.h). */
	bool missed;
	struct rtd_making *making;	/* the second case */
	/* It has parked its client, and what ends it later counts it. */
	bool goes_on;
	/* What it met, if that was not in its client's database. */
	uint32_t missed_keyspace;
	struct rt_slice missed_key;	/* of an argument; empty: it was */
};

/* Containers (CLIENT, CONFIG ...) have no function; their subcommands follow
 * them in the table, named "CLIENT|ID". */
struct rtd_command {
	const char *name;	/* upper case */
	int arity;		/* as Redis: argc, or -minimum */
	unsigned flags;
	int first_key, last_key, key_step;
	void (*run)(struct rtd_call *call);
	const char *group, *since, *summary, *complexity;
	unsigned acl;		/* RTD_ACL_* */
	/* as commands.def says; may be NULL */
	const char *tips, *keys, *args, *deprecated, *replaced_by;
	/* set by rtd_command_table_init */
	uint8_t name_len;
	bool disabled;
	bool has_subcommands;
	const struct rtd_command *container;	/* of a subcommand */
	/* counted by dispatch */
	uint64_t calls, nsec, rejected, failed;
	struct rt_durations *times;	/* in ns; NULL: never run */
};

/* Run one parsed command for the client: find it, check arity, AUTH, loading,
 * write state; append exactly one reply to client->out, unless the client is
 * parked by a job that will. argc >= 1.
 * False: nothing happened, and net offers the same command again later. The
 * client is parked then until what the command reads is in memory (missed.h);
 * or it is not, and a write waits for room in the engine. client->ahead is
 * looked at. */
bool rtd_command_dispatch(struct rtd_server_state *server,
    struct rtd_client *client, const struct rt_slice *argv, size_t argc);

/* Several loops: what became of a command that came in on one of them. */
enum rtd_tried {
	RTD_TRIED_DONE,		/* it was a plain read, and has replied */
	RTD_TRIED_SLOW,		/* the same, and rtd_command_remember() is due */
	RTD_TRIED_FLOOR,	/* nothing happened: dispatch it, with the floor */
	RTD_TRIED_ALONE,	/* and while the other loops stand still */
};

/* Run the command at now_ms without the floor when it needs none: it only looks
 * at one moment of the engine, and neither the client nor the server (calm) is
 * in a state that others are told of or that holds reads up. It answers what
 * rtd_command_dispatch() would. Thread: the lane's. */
enum rtd_tried rtd_command_try(struct rtd_server_state *server,
    struct rtd_client *client, struct rtd_lane *lane,
    const struct rt_slice *argv, size_t argc, int64_t now_ms, bool calm);

/* Whether nothing of the server stands against that. */
bool rtd_server_is_calm(const struct rtd_server_state *server);

/* What rtd_command_try() ran goes into the slow log; it took that long. */
void rtd_command_remember(struct rtd_server_state *server,
    struct rtd_client *client, const struct rt_slice *argv, size_t argc,
    uint64_t nsec);

struct rtd_queued;

/* Run one command of an EXEC, which has been checked when it was queued: one
 * reply is appended, and what it writes goes to lane->pending. */
void rtd_command_run_queued(const struct rtd_call *exec,
    const struct rtd_queued *queued);

/* By name in any case: "get", or "client|id" for a subcommand. NULL: unknown
 * or disabled. */
const struct rtd_command *rtd_command_find(struct rt_slice name);

/* The one that words name, a subcommand by the first two; NULL: as above. */
const struct rtd_command *rtd_command_named(const struct rt_slice *argv,
    size_t argc);
/* Whether its arity allows so many words. */
bool rtd_command_takes(const struct rtd_command *command, size_t argc);

/* The whole table in its order: sorted by name, a container before its
 * subcommands. */
struct rtd_command *rtd_command_table(size_t *count);

/* How many commands a listing shows: subcommands of the container, or, with
 * NULL, those that are none; without the disabled ones. */
size_t rtd_command_shown_count(const struct rtd_command *container);

/* Of tips and keys: the next of the words between blanks; false at the end. */
bool rtd_command_next_word(const char **at, struct rt_slice *word);

/* Forget what was counted of every command. */
void rtd_command_reset_counters(void);

/* Make the look-up; disabled: names between blanks that are answered as
 * unknown. Counters become 0. */
void rtd_command_table_init(const char *disabled);

/* The command's reply begins at out_before: cut it when the client asked for
 * none (CLIENT REPLY); pushes stay. */
void rtd_command_silence(struct rtd_client *client, size_t out_before);

/* A command whose job is done has replied: count its time since start_ns, and
 * its error when the reply at out_before is one. */
void rtd_command_finished(struct rtd_server_state *server,
    struct rtd_client *client, const struct rtd_command *command,
    uint64_t nsec, size_t out_before);

/* The words of a command whose work goes to the pool, for SLOWLOG; NULL: they
 * are not wanted. */
struct rtd_slowlog_entry *rtd_command_begin_job(const struct rtd_call *call);
/* That work has taken so long; entry is taken. */
void rtd_command_end_job(struct rtd_server_state *server,
    const struct rtd_command *command, struct rtd_slowlog_entry *entry,
    uint64_t nsec);

#endif
