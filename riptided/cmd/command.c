/* Look-up: 512 slots by a hash of the upper-cased name, linear probing, made
 * once from the table; a find hashes the name and compares one entry or two.
 * Subcommands are not in it: they follow their container in the table. */
#include "riptided/cmd/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/latency.h"
#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/missed.h"
#include "riptided/cmd/monitor.h"
#include "riptided/cmd/transaction.h"
#include "riptided/engine/snapshots.h"

static struct rtd_command table[] = {
#define RTD_COMMAND(title, args, bits, first, last, step, function, family,  \
    from, text, ...)                                                         \
	{                                                                     \
		.name = title, .arity = args, .flags = bits,                  \
		.first_key = first, .last_key = last, .key_step = step,       \
		.run = function, .group = family, .since = from,              \
		.summary = text, .complexity = __VA_ARGS__,                   \
	},
#include "riptided/cmd/commands.def"
#undef RTD_COMMAND
};

#define SLOTS 512u
#define NAME_BYTES_MAX 32

static struct rtd_command *slots[SLOTS];

struct rtd_command *
rtd_command_table(size_t *count)
{
	*count = RT_COUNTOF(table);
	return table;
}

static inline unsigned char
upper(unsigned char byte)
{
	return byte >= 'a' && byte <= 'z' ? (unsigned char)(byte - 32) : byte;
}

static uint32_t
name_hash(const uint8_t *name, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ upper(name[i])) * 16777619u;
	return hash ^ hash >> 15;
}

static bool
same_name(struct rt_slice name, const char *upper_name, size_t len)
{
	if (name.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (upper(name.data[i]) != (unsigned char)upper_name[i])
			return false;
	return true;
}

static struct rtd_command *
find_plain(struct rt_slice name)
{
	struct rtd_command *command;

	if (name.len > NAME_BYTES_MAX)
		return NULL;
	for (uint32_t at = name_hash(name.data, name.len);; at++) {
		command = slots[at % SLOTS];
		if (command == NULL)
			return NULL;
		if (same_name(name, command->name, command->name_len))
			return command->disabled ? NULL : command;
	}
}

static struct rtd_command *
find_sub(struct rtd_command *container, struct rt_slice name)
{
	size_t skip = container->name_len + 1u;

	for (struct rtd_command *sub = container + 1;
	     sub < table + RT_COUNTOF(table) && sub->container == container;
	     sub++)
		if (same_name(name, sub->name + skip, sub->name_len - skip))
			return sub->disabled ? NULL : sub;
	return NULL;
}

const struct rtd_command *
rtd_command_find(struct rt_slice name)
{
	const uint8_t *bar = name.len != 0 ?
	    memchr(name.data, '|', name.len) : NULL;
	struct rtd_command *command;
	size_t len;

	if (bar == NULL)
		return find_plain(name);
	len = (size_t)(bar - name.data);
	command = find_plain(rt_slice(name.data, len));
	if (command == NULL)
		return NULL;
	return find_sub(command, rt_slice(bar + 1, name.len - len - 1));
}

const struct rtd_command *
rtd_command_named(const struct rt_slice *argv, size_t argc)
{
	struct rtd_command *command = find_plain(argv[0]);

	if (command == NULL || !command->has_subcommands || argc < 2)
		return command;
	return find_sub(command, argv[1]);
}

bool
rtd_command_takes(const struct rtd_command *command, size_t argc)
{
	if (command->arity >= 0)
		return argc == (size_t)command->arity;
	return argc >= (size_t)-command->arity;
}

size_t
rtd_command_shown_count(const struct rtd_command *container)
{
	size_t shown = 0;

	for (size_t i = 0; i < RT_COUNTOF(table); i++)
		shown += table[i].container == container && !table[i].disabled;
	return shown;
}

bool
rtd_command_next_word(const char **at, struct rt_slice *word)
{
	*at += strspn(*at, " ");
	*word = rt_slice(*at, strcspn(*at, " "));
	*at += word->len;
	return word->len != 0;
}

static void
disable(struct rt_slice name)
{
	for (size_t i = 0; i < RT_COUNTOF(table); i++)
		if (same_name(name, table[i].name, table[i].name_len))
			table[i].disabled = true;
}

static void
disable_listed(const char *names)
{
	size_t len;

	for (names += strspn(names, " \t,"); *names != '\0';
	     names += strspn(names, " \t,")) {
		len = strcspn(names, " \t,");
		disable(rt_slice(names, len));
		names += len;
	}
}

/* The categories that follow from flags. */
static unsigned
implied_acl(unsigned flags)
{
	unsigned acl = (flags & RTD_CMD_FAST) != 0 ? RTD_ACL_FAST :
	    RTD_ACL_SLOW;

	if ((flags & RTD_CMD_WRITE) != 0)
		acl |= RTD_ACL_WRITE;
	if ((flags & RTD_CMD_READONLY) != 0)
		acl |= RTD_ACL_READ;
	if ((flags & RTD_CMD_PUBSUB) != 0)
		acl |= RTD_ACL_PUBSUB;
	if ((flags & RTD_CMD_ADMIN) != 0)
		acl |= RTD_ACL_ADMIN | RTD_ACL_DANGEROUS;
	return acl;
}

void
rtd_command_reset_counters(void)
{
	for (size_t i = 0; i < RT_COUNTOF(table); i++) {
		struct rtd_command *command = &table[i];

		command->calls = command->nsec = 0;
		command->rejected = command->failed = 0;
		free(command->times);
		command->times = NULL;
	}
}

void
rtd_command_table_init(const char *disabled)
{
	struct rtd_command *container = NULL;
	uint32_t at;

	memset(slots, 0, sizeof(slots));
	rtd_command_reset_counters();
	for (size_t i = 0; i < RT_COUNTOF(table); i++) {
		struct rtd_command *command = &table[i];

		command->name_len = (uint8_t)strlen(command->name);
		command->disabled = false;
		command->acl |= implied_acl(command->flags);
		if (strchr(command->name, '|') != NULL) {
			rt_assert(container != NULL);
			command->container = container;
			container->has_subcommands = true;
			continue;
		}
		container = command;
		at = name_hash((const uint8_t *)command->name,
		    command->name_len);
		while (slots[at % SLOTS] != NULL)
			at++;
		slots[at % SLOTS] = command;
	}
	disable_listed(disabled);
}

/* -- errors of dispatch -- */

/* The arguments as Redis quotes them: 'a' 'b' , to about 128 bytes. */
static void
unknown_command(struct rtd_client *client, const struct rt_slice *argv,
    size_t argc)
{
	char args[160];
	size_t len = 0;

	args[0] = '\0';
	for (size_t i = 1; i < argc && len < 128; i++) {
		size_t room = 128 - len;
		size_t shown = argv[i].len < room ? argv[i].len : room;

		len += (size_t)snprintf(args + len, sizeof(args) - len,
		    "'%.*s' ", (int)shown,
		    argv[i].len != 0 ? (const char *)argv[i].data : "");
	}
	rtd_reply_error(&client->reply,
	    "ERR unknown command '%.*s', with args beginning with: %s",
	    (int)(argv[0].len < 128 ? argv[0].len : 128),
	    argv[0].len != 0 ? (const char *)argv[0].data : "", args);
}

static void
unknown_subcommand(struct rtd_client *client,
    const struct rtd_command *container, struct rt_slice name)
{
	rtd_reply_error(&client->reply,
	    "ERR unknown subcommand '%.*s'. Try %s HELP.",
	    (int)(name.len < 128 ? name.len : 128),
	    name.len != 0 ? (const char *)name.data : "", container->name);
}

static bool
keys_fit(const struct rtd_call *call)
{
	const struct rtd_command *command = call->command;
	size_t last;

	if (command->first_key == 0)
		return true;
	last = command->last_key < 0 ? call->argc - 1 :
	    (size_t)command->last_key;
	for (size_t i = (size_t)command->first_key; i <= last;
	     i += (size_t)command->key_step)
		if (RT_UNLIKELY(call->argv[i].len > RT_USER_KEY_BYTES_MAX))
			return false;
	return true;
}

static void
deny(struct rtd_call *call)
{
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_call_command_name(call->command, name);
	call->server->denied_commands++;
	rtd_reply_error(rtd_call_reply(call),
	    "NOPERM this user has no permissions to run the '%s' command",
	    name);
}

/* What a client in one of its modes may not do. */
static bool
mode_allows(struct rtd_call *call)
{
	const struct rtd_command *command = call->command;
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	char name[RTD_COMMAND_NAME_BYTES];
	unsigned modes = call->client->modes;

	if ((modes & RTD_MODE_SUBSCRIBED) != 0 && reply->protocol == 2 &&
	    (command->flags & RTD_CMD_SUBSCRIBER) == 0) {
		rtd_reply_error(reply, "ERR Can't execute '%s': only "
		    "(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
		    "are allowed in this context",
		    rtd_call_command_name(command, name));
		return false;
	}
	if ((modes & RTD_MODE_MONITOR) != 0 && (command->flags &
		(RTD_CMD_WRITE | RTD_CMD_READONLY | RTD_CMD_MAY_REPLICATE)) !=
		0) {
		rtd_reply_error(reply,
		    "ERR Replica can't interact with the keyspace");
		return false;
	}
	if ((modes & RTD_MODE_MULTI) != 0 &&
	    (command->flags & RTD_CMD_NO_MULTI) != 0) {
		rtd_reply_error(reply,
		    "ERR Command not allowed inside a transaction");
		return false;
	}
	return true;
}

/* The checks between a command that exists and its function; false: refused,
 * and the error reply is written. flags: the command's, and for EXEC those of
 * what it is going to run. */
static bool
may_run(struct rtd_call *call, unsigned flags)
{
	struct rtd_server_state *server = call->server;
	const struct rtd_command *command = call->command;
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_err err = { 0 };

	if (RT_UNLIKELY(!rtd_command_takes(command, call->argc))) {
		rtd_call_arity_error(call);
		return false;
	}
	if (RT_UNLIKELY(!call->client->authenticated) &&
	    server->config->requirepass[0] != '\0' &&
	    (command->flags & RTD_CMD_NO_AUTH) == 0) {
		rtd_reply_error(reply, "NOAUTH Authentication required.");
		return false;
	}
	if (RT_UNLIKELY(!rtd_auth_permits(call->client, command))) {
		deny(call);
		return false;
	}
	if (RT_UNLIKELY(server->engine == NULL) &&
	    (command->flags & RTD_CMD_LOADING) == 0) {
		rtd_reply_error(reply,
		    "LOADING Redis is loading the dataset in memory");
		return false;
	}
	if (RT_UNLIKELY(!keys_fit(call))) {
		rtd_reply_error(reply, "ERR key is too long (limit %u)",
		    RT_USER_KEY_BYTES_MAX);
		return false;
	}
	if (RT_UNLIKELY(call->client->modes != 0) && !mode_allows(call))
		return false;
	if ((flags & RTD_CMD_WRITE) != 0 &&
	    RT_UNLIKELY(call->client->snapshot != NULL)) {
		rtd_reply_error(reply,
		    "READONLY this connection reads from a snapshot: "
		    "SNAPSHOT USE LIVE first");
		return false;
	}
	if ((flags & RTD_CMD_WRITE) != 0 &&
	    RT_UNLIKELY(rtd_engine_write_state(server->engine, &err) !=
		RT_OK)) {
		rtd_write_holds_refuse(server);
		rtd_reply_error(reply, "MISCONF writes are refused: %s",
		    err.text);
		return false;
	}
	return true;
}

/* -- counting -- */

static void
count_error(struct rtd_server_state *server, struct rtd_client *client,
    size_t out_before)
{
	server->error_replies++;
	rtd_error_stats_count(&server->errors,
	    rt_slice(client->out.data + out_before + 1,
		client->out.len - out_before - 1));
}

static bool
replied_error(const struct rtd_client *client, size_t out_before)
{
	return client->out.len > out_before &&
	    client->out.data[out_before] == '-';
}

/* The table's entry: counters change, the rest does not. */
static struct rtd_command *
counters_of(const struct rtd_command *command)
{
	return &table[command - table];
}

void
rtd_command_finished(struct rtd_server_state *server,
    struct rtd_client *client, const struct rtd_command *command,
    uint64_t nsec, size_t out_before)
{
	struct rtd_command *counters = counters_of(command);

	counters->nsec += nsec;
	if (RT_UNLIKELY(counters->times == NULL))
		counters->times = rt_alloc_zero(1, sizeof(*counters->times));
	rt_durations_add(counters->times, nsec);
	if (RT_UNLIKELY(replied_error(client, out_before))) {
		counters->failed++;
		count_error(server, client, out_before);
	}
}

static struct rtd_slowlog_entry *
slowlog_entry(const struct rtd_call *call)
{
	struct rt_slice shown[RTD_SLOWLOG_ARGS_MAX];

	for (size_t i = 0; i < call->argc && i < RTD_SLOWLOG_ARGS_MAX; i++)
		shown[i] = rtd_auth_is_secret(call->command, call->argv,
		    call->argc, i) ? rt_slice_cstr("(redacted)")
		    : call->argv[i];
	return rtd_slowlog_entry_new(shown, call->argc, call->client->peer,
	    call->client->name);
}

/* Whether a command that ran so long is one for SLOWLOG. */
static bool
is_slow(const struct rtd_server_state *server,
    const struct rtd_command *command, uint64_t nsec)
{
	int64_t limit = server->config->slowlog_log_slower_than;

	return RT_UNLIKELY(limit >= 0 && (int64_t)(nsec / 1000) >= limit) &&
	    (command->flags & RTD_CMD_SKIP_SLOWLOG) == 0;
}

static void
put_slow(struct rtd_server_state *server, struct rtd_slowlog_entry *entry,
    uint64_t nsec)
{
	rtd_slowlog_put(&server->slowlog, entry, (int64_t)(nsec / 1000),
	    server->now_ms / 1000, (size_t)server->config->slowlog_max_len);
}

static void
remember(struct rtd_call *call, uint64_t nsec)
{
	/* Everybody has waited for it. */
	rt_latency_note((call->command->flags & RTD_CMD_FAST) != 0
		? RT_LATENCY_FAST_COMMAND : RT_LATENCY_COMMAND, nsec);
	if (is_slow(call->server, call->command, nsec))
		put_slow(call->server, slowlog_entry(call), nsec);
}

static inline void
remember_if_slow(struct rtd_call *call, uint64_t nsec)
{
	if (RT_UNLIKELY(nsec >= call->server->slow_from_ns))
		remember(call, nsec);
}

struct rtd_slowlog_entry *
rtd_command_begin_job(const struct rtd_call *call)
{
	if (call->server->config->slowlog_log_slower_than < 0 ||
	    (call->command->flags & RTD_CMD_SKIP_SLOWLOG) != 0)
		return NULL;
	return slowlog_entry(call);
}

void
rtd_command_end_job(struct rtd_server_state *server,
    const struct rtd_command *command, struct rtd_slowlog_entry *entry,
    uint64_t nsec)
{
	if (entry != NULL && is_slow(server, command, nsec))
		put_slow(server, entry, nsec);
	else
		rtd_slowlog_entry_free(entry);
}

/* What a command changes although it may still have to be taken back. */
struct standing {
	size_t out;
	uint64_t wait_seq;
	uint64_t hits, misses;
};

static void
count_again(struct rtd_lane *lane, enum rtd_counter which, uint64_t count)
{
	atomic_store_explicit(&lane->counts[which], count,
	    memory_order_relaxed);
}

/* MS1 */
static void
take_back(struct rtd_call *call, const struct standing *before)
{
	struct rtd_server_state *server = call->server;
	struct rtd_client *client = call->client;

	counters_of(call->command)->calls--;
	rtd_lane_count(call->lane, RTD_COUNT_COMMANDS, UINT64_MAX);
	client->commands--;
	count_again(call->lane, RTD_COUNT_HITS, before->hits);
	count_again(call->lane, RTD_COUNT_MISSES, before->misses);
	rtd_reply_cut(&client->reply, before->out, client->out.len);
	client->wait_seq = before->wait_seq;
	rtd_write_batch_clear(&server->batch);
}

/* While the log is stuck nobody can say whether what the command saw or did
 * will be there after a power cut, nor when that will be known. Reads of what
 * is acked go on (P10 of docs/reliability.md). */
static void
refuse_unacked(struct rtd_call *call, const struct standing *before)
{
	struct rtd_client *client = call->client;
	struct rt_err err = { .code = RT_OK };

	if (client->wait_seq <= rtd_engine_acked_seq(call->server->engine) ||
	    client->wait_seq == before->wait_seq)
		return;
	rtd_engine_write_state(call->server->engine, &err);
	rtd_reply_cut(&client->reply, before->out, client->out.len);
	client->wait_seq = before->wait_seq;
	rtd_reply_error(&client->reply,
	    "MISCONF the outcome of the last write to this key is unknown: %s",
	    err.text);
}

/* False: taken back, and the client is parked. */
static bool
run(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct rtd_client *client = call->client;
	const struct standing before = {
		.out = client->out.len,
		.wait_seq = client->wait_seq,
		.hits = rtd_lane_counted(call->lane, RTD_COUNT_HITS),
		.misses = rtd_lane_counted(call->lane, RTD_COUNT_MISSES),
	};
	uint64_t start_ns = rt_clock_monotonic_ns(server->clock), nsec;

	rtd_write_batch_clear(&server->batch);
	counters_of(call->command)->calls++;
	rtd_lane_count(call->lane, RTD_COUNT_COMMANDS, 1);
	client->commands++;
	server->pubsub.holds = server->notify != 0;
	call->command->run(call);
	server->pubsub.holds = false;
	if (RT_UNLIKELY(call->missed)) {
		take_back(call, &before);
		rtd_pubsub_forget(&server->pubsub);
		if (call->making != NULL)
			rtd_made_park(call);
		else
			rtd_missed_park(call);
		return false;
	}
	if (RT_UNLIKELY(client->missed != NULL))
		rtd_missed_done(client);
	if (RT_UNLIKELY(client->making_tries != 0))
		rtd_made_let_go(client);
	if (RT_UNLIKELY(server->engine != NULL &&
		rtd_engine_log_stuck(server->engine)))
		refuse_unacked(call, &before);
	if (RT_UNLIKELY(server->pubsub.held != NULL))
		rtd_pubsub_deliver(server, client);
	nsec = rt_clock_monotonic_ns(server->clock) - start_ns;
	if (RT_LIKELY(!call->goes_on)) {
		rtd_command_finished(server, client, call->command, nsec,
		    before.out);
		remember_if_slow(call, nsec);
	}
	if (RT_UNLIKELY(server->monitors != 0))
		rtd_monitor_show(call);
	return true;
}

void
rtd_command_run_queued(const struct rtd_call *exec,
    const struct rtd_queued *queued)
{
	struct rtd_call call = {
		.server = exec->server,
		.client = exec->client,
		.lane = exec->lane,
		.command = queued->command,
		.argv = queued->argv,
		.argc = queued->argc,
		.now_ms = exec->now_ms,
	};
	struct rt_clock *clock = exec->server->clock;
	uint64_t start_ns = rt_clock_monotonic_ns(clock), nsec;
	size_t out_before = call.client->out.len;

	rtd_write_batch_clear(&call.server->batch);
	counters_of(call.command)->calls++;
	rtd_lane_count(call.lane, RTD_COUNT_COMMANDS, 1);
	call.client->commands++;
	/* It may be somebody else since it was queued. */
	if (RT_LIKELY(rtd_auth_permits(call.client, call.command)))
		call.command->run(&call);
	else
		deny(&call);
	/* TX1 */
	rt_assert(!call.missed && !call.client->parked);
	nsec = rt_clock_monotonic_ns(clock) - start_ns;
	rtd_command_finished(call.server, call.client, call.command, nsec,
	    out_before);
	remember_if_slow(&call, nsec);
	if (RT_UNLIKELY(call.server->monitors != 0))
		rtd_monitor_show(&call);
}

/* The command that argv names, or NULL with the error reply written. */
static const struct rtd_command *
resolve(struct rtd_client *client, const struct rt_slice *argv, size_t argc)
{
	struct rtd_command *command = find_plain(argv[0]), *sub;

	if (RT_UNLIKELY(command == NULL)) {
		unknown_command(client, argv, argc);
		return NULL;
	}
	/* A container alone is a matter of arity. */
	if (RT_LIKELY(!command->has_subcommands) || argc < 2)
		return command;
	sub = find_sub(command, argv[1]);
	if (sub == NULL)
		unknown_subcommand(client, command, argv[1]);
	return sub;
}

/* What EXEC is going to run counts as what it does itself. */
static unsigned
flags_of(const struct rtd_call *call)
{
	unsigned flags = call->command->flags;

	if (RT_UNLIKELY(call->client->transaction != NULL) &&
	    call->command->run == rtd_cmd_exec)
		flags |= call->client->transaction->flags;
	return flags;
}

/* The error is written. A transaction that was to have the command will not be
 * run; an EXEC that is refused ends it. */
static void
refused(struct rtd_server_state *server, struct rtd_client *client,
    const struct rtd_command *command, size_t out_before)
{
	struct rt_buf why = { 0 };
	size_t skip = out_before + 1, end = client->out.len - 2;

	if (command != NULL)
		counters_of(command)->rejected++;
	if (command == NULL || command->run != rtd_cmd_exec) {
		rtd_transaction_spoil(client);
		count_error(server, client, out_before);
		return;
	}
	if (end - skip > 4 &&
	    memcmp(client->out.data + skip, "ERR ", 4) == 0)
		skip += 4;
	rt_buf_append(&why, client->out.data + skip, end - skip);
	rtd_reply_cut(&client->reply, out_before, client->out.len);
	rtd_reply_error(&client->reply, "EXECABORT Transaction discarded "
	    "because of: %.*s", (int)why.len, (const char *)why.data);
	rt_buf_fini(&why);
	rtd_transaction_end(client);
	rtd_watch_clear(&client->watch);
	count_error(server, client, out_before);
}

static void
queue(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	size_t out_before = call->client->out.len;

	if (rtd_transaction_add(call,
		server->config->client_query_buffer_limit)) {
		rtd_reply_simple(rtd_call_reply(call), "QUEUED");
		return;
	}
	rtd_reply_error(rtd_call_reply(call), "ERR the transaction is larger "
	    "than client-query-buffer-limit");
	count_error(server, call->client, out_before);
}

/* CLIENT PAUSE. */
static bool
must_wait(const struct rtd_call *call, unsigned flags)
{
	struct rtd_server_state *server = call->server;

	if (server->now_us >= server->paused_until_us) {
		server->paused_until_us = 0;
		return false;
	}
	return server->paused_all ||
	    (flags & (RTD_CMD_WRITE | RTD_CMD_MAY_REPLICATE)) != 0;
}

static inline bool
has_room(struct rtd_server_state *server)
{
	if (RT_UNLIKELY(!rtd_engine_has_room(server->engine))) {
		rtd_write_holds_meet(server);
		return false;
	}
	if (RT_UNLIKELY(server->write_holds.current != RTD_HOLD_NONE))
		rtd_write_holds_look(server);
	return true;
}

/* False: not now. */
static bool
queue_or_run(struct rtd_call *call, unsigned flags)
{
	struct rtd_client *client = call->client;

	client->postponed = call->server->paused_until_us != 0 &&
	    must_wait(call, flags);
	if (RT_UNLIKELY(client->postponed))
		return false;
	if (RT_UNLIKELY((client->modes & RTD_MODE_MULTI) != 0) &&
	    (flags & RTD_CMD_AT_ONCE) == 0) {
		queue(call);
		return true;
	}
	if ((flags & RTD_CMD_WRITE) != 0 && !has_room(call->server))
		return false;
	return run(call);
}

/* -- beside other loops -- */

bool
rtd_server_is_calm(const struct rtd_server_state *server)
{
	return server->engine != NULL && server->monitors == 0 &&
	    server->notify == 0 && server->paused_until_us == 0 &&
	    !server->deadlines.enabled;
}

/* Does the command look at one moment only? EXISTS asks for one key after the
 * other, MGET for so many at once. */
static bool
reads_once(const struct rtd_call *call)
{
	const struct rtd_command *command = call->command;

	return command->last_key == command->first_key || call->argc == 2 ||
	    (command->run == rtd_cmd_mget &&
		call->argc - 1 <= RTD_READ_KEYS_MAX);
}

static bool
is_free(const struct rtd_call *call)
{
	const struct rtd_client *client = call->client;

	return (call->command->flags & RTD_CMD_FREE) != 0 &&
	    call->lane->reader != NULL && client->modes == 0 &&
	    client->snapshot == NULL && client->misses == 0 &&
	    client->missed == NULL && (client->authenticated ||
		call->server->config->requirepass[0] == '\0') &&
	    rtd_command_takes(call->command, call->argc) &&
	    reads_once(call) && keys_fit(call) &&
	    rtd_auth_permits(client, call->command) &&
	    !rtd_engine_log_stuck(call->server->engine);
}

/* False: nothing stays of it. A miss, and every error, is told with the
 * floor. */
static bool
run_free(struct rtd_call *call, uint64_t *nsec)
{
	struct rtd_client *client = call->client;
	struct rtd_lane *lane = call->lane;
	const struct standing before = {
		.out = client->out.len,
		.wait_seq = client->wait_seq,
		.hits = rtd_lane_counted(lane, RTD_COUNT_HITS),
		.misses = rtd_lane_counted(lane, RTD_COUNT_MISSES),
	};
	uint64_t start_ns = rt_clock_monotonic_ns(call->server->clock);

	call->command->run(call);
	if (RT_UNLIKELY(call->missed) ||
	    RT_UNLIKELY(replied_error(client, before.out))) {
		count_again(lane, RTD_COUNT_HITS, before.hits);
		count_again(lane, RTD_COUNT_MISSES, before.misses);
		rtd_reply_cut(&client->reply, before.out, client->out.len);
		client->wait_seq = before.wait_seq;
		return false;
	}
	*nsec = rt_clock_monotonic_ns(call->server->clock) - start_ns;
	rtd_lane_count(lane, RTD_COUNT_COMMANDS, 1);
	rtd_lane_ran(lane, (size_t)(call->command - table), *nsec);
	rt_latency_note((call->command->flags & RTD_CMD_FAST) != 0
		? RT_LATENCY_FAST_COMMAND : RT_LATENCY_COMMAND, *nsec);
	client->commands++;
	client->last_command = call->command;
	return true;
}

enum rtd_tried
rtd_command_try(struct rtd_server_state *server, struct rtd_client *client,
    struct rtd_lane *lane, const struct rt_slice *argv, size_t argc,
    int64_t now_ms, bool calm)
{
	struct rtd_call call = {
		.server = server,
		.client = client,
		.lane = lane,
		.command = rtd_command_named(argv, argc),
		.argv = argv,
		.argc = argc,
		.now_ms = now_ms,
		.is_free = true,
	};
	unsigned flags;

	if (RT_UNLIKELY(call.command == NULL))
		return RTD_TRIED_FLOOR;
	if (calm && is_free(&call) && run_free(&call, &lane->nsec))
		return RT_UNLIKELY(is_slow(server, call.command, lane->nsec))
		    ? RTD_TRIED_SLOW : RTD_TRIED_DONE;
	flags = flags_of(&call);
	if (RT_LIKELY((flags & RTD_CMD_ALONE) == 0))
		return RTD_TRIED_FLOOR;
	return (client->modes & RTD_MODE_MULTI) != 0 &&
	    (call.command->flags & RTD_CMD_AT_ONCE) == 0 ? RTD_TRIED_FLOOR :
	    RTD_TRIED_ALONE;
}

void
rtd_command_remember(struct rtd_server_state *server,
    struct rtd_client *client, const struct rt_slice *argv, size_t argc,
    uint64_t nsec)
{
	struct rtd_call call = {
		.server = server,
		.client = client,
		.lane = server->lane,
		.command = rtd_command_named(argv, argc),
		.argv = argv,
		.argc = argc,
	};

	if (call.command != NULL)
		put_slow(server, slowlog_entry(&call), nsec);
}

void
rtd_command_silence(struct rtd_client *client, size_t out_before)
{
	size_t from = client->push_end > out_before ? client->push_end :
	    out_before;

	if ((client->modes & RTD_MODE_SILENT) != 0)
		rtd_reply_cut(&client->reply, from, client->out.len);
	client->modes &= ~(unsigned)RTD_MODE_REPLY_SKIP;
	if ((client->modes & RTD_MODE_REPLY_SKIP_NEXT) != 0)
		client->modes ^= RTD_MODE_REPLY_SKIP_NEXT |
		    RTD_MODE_REPLY_SKIP;
}

bool
rtd_command_dispatch(struct rtd_server_state *server,
    struct rtd_client *client, const struct rt_slice *argv, size_t argc)
{
	struct rtd_call call = {
		.server = server,
		.client = client,
		.lane = server->lane,
		.argv = argv,
		.argc = argc,
		.now_ms = server->now_ms,
	};
	size_t out_before = client->out.len;
	unsigned flags;

	client->push_end = 0;
	call.command = resolve(client, argv, argc);
	if (RT_UNLIKELY(call.command == NULL)) {
		refused(server, client, NULL, out_before);
		/* A stranger who begins with what is no command does not speak
		 * to us: another protocol, or somebody who tries. */
		if (!client->authenticated && client->commands == 0 &&
		    server->config->requirepass[0] != '\0')
			client->close_after_reply = true;
	} else {
		client->last_command = call.command;
		/* Nothing expires in a snapshot after its creation. */
		if (RT_UNLIKELY(client->snapshot != NULL))
			call.now_ms = (int64_t)client->snapshot->created_ms;
		flags = flags_of(&call);
		if (RT_UNLIKELY(!may_run(&call, flags)))
			refused(server, client, call.command, out_before);
		else if (!queue_or_run(&call, flags))
			return false;
	}
	if (RT_UNLIKELY(client->modes != 0) && !client->parked)
		rtd_command_silence(client, out_before);
	return true;
}
