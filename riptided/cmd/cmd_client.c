/* CLIENT: the connections, one's own and the others. */
#include <stdio.h>
#include <string.h>

#include "libcommon/base/number.h"
#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/cmd_connection.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/transaction.h"

void
rtd_cmd_client_id(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call), (int64_t)call->client->id);
}

void
rtd_cmd_client_getname(struct rtd_call *call)
{
	if (call->client->name[0] == '\0')
		rtd_reply_null(rtd_call_reply(call));
	else
		rtd_reply_bulk_cstr(rtd_call_reply(call), call->client->name);
}

void
rtd_cmd_client_setname(struct rtd_call *call)
{
	if (rtd_client_set_text(call->client->name, call->argv[2]))
		rtd_reply_ok(rtd_call_reply(call));
	else
		rtd_client_name_error(call, "Client names");
}

void
rtd_cmd_client_setinfo(struct rtd_call *call)
{
	struct rtd_client *client = call->client;
	char *out;
	const char *what;

	if (rtd_call_arg_is(call, 2, "lib-name")) {
		out = client->lib_name;
		what = "lib-name";
	} else if (rtd_call_arg_is(call, 2, "lib-ver")) {
		out = client->lib_version;
		what = "lib-ver";
	} else {
		rtd_reply_error(&client->reply,
		    "ERR Unrecognized option '%.*s'",
		    (int)(call->argv[2].len < 128 ? call->argv[2].len : 128),
		    call->argv[2].len != 0 ?
			(const char *)call->argv[2].data : "");
		return;
	}
	if (rtd_client_set_text(out, call->argv[3]))
		rtd_reply_ok(&client->reply);
	else
		rtd_client_name_error(call, what);
}

/* NO-EVICT and NO-TOUCH: on or off. Nothing is evicted here and no access
 * times are kept, so either is what happens anyway. */
static void
reply_on_off(struct rtd_call *call)
{
	if (rtd_call_arg_is(call, 2, "on") || rtd_call_arg_is(call, 2, "off"))
		rtd_reply_ok(rtd_call_reply(call));
	else
		rtd_call_syntax_error(call);
}

void
rtd_cmd_client_no_evict(struct rtd_call *call)
{
	reply_on_off(call);
}

void
rtd_cmd_client_no_touch(struct rtd_call *call)
{
	reply_on_off(call);
}

/* -- lists -- */

/* The letters of Redis, in its order. */
static const char *
describe_flags(const struct rtd_client *client, char out[8])
{
	char *at = out;

	if ((client->modes & RTD_MODE_MONITOR) != 0)
		*at++ = 'O';
	if ((client->modes & RTD_MODE_SUBSCRIBED) != 0)
		*at++ = 'P';
	if ((client->modes & RTD_MODE_MULTI) != 0)
		*at++ = 'x';
	if (client->postponed)
		*at++ = 'b';
	if (client->close_after_reply)
		*at++ = 'c';
	if (client->peer[0] == '/')
		*at++ = 'U';
	if (at == out)
		*at++ = 'N';
	*at = '\0';
	return out;
}

static void
describe(const struct rtd_call *call, const struct rtd_client *client,
    struct rt_buf *out)
{
	char command[RTD_COMMAND_NAME_BYTES] = "NULL", flags[8];
	long long queued = client->transaction != NULL ?
	    (long long)client->transaction->count : -1;

	if (client->last_command != NULL)
		rtd_call_command_name(client->last_command, command);
	rt_buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld "
	    "idle=%lld flags=%s db=%u sub=%llu psub=%llu ssub=%llu multi=%lld "
	    "qbuf=%zu qbuf-free=0 argv-mem=0 multi-mem=%zu rbs=%zu rbp=%zu "
	    "obl=%zu oll=0 omem=%zu tot-mem=%zu events=r cmd=%s user=%s redir=-1 "
	    "resp=%d lib-name=%s lib-ver=%s io-thread=%u\n",
	    (unsigned long long)client->id, client->peer, client->local,
	    client->fd, client->name,
	    (long long)((call->now_ms - client->created_ms) / 1000),
	    (long long)((call->now_ms - client->active_ms) / 1000),
	    describe_flags(client, flags), client->database,
	    (unsigned long long)client->subscribed[RTD_CHANNEL],
	    (unsigned long long)client->subscribed[RTD_PATTERN],
	    (unsigned long long)client->subscribed[RTD_SHARD_CHANNEL], queued,
	    client->pending_in,
	    client->transaction != NULL ? client->transaction->bytes : 0,
	    client->out.cap, client->out.cap,
	    client->out.len, client->pending_out,
	    client->pending_in + client->pending_out + client->out.cap +
		rtd_client_held_bytes(client) + sizeof(*client),
	    command, rtd_auth_user(client), client->reply.protocol,
	    client->lib_name, client->lib_version, client->lane->number);
}

void
rtd_cmd_client_info(struct rtd_call *call)
{
	struct rt_buf text = { 0 };

	describe(call, call->client, &text);
	rtd_reply_verbatim(rtd_call_reply(call), rt_buf_slice(&text));
	rt_buf_fini(&text);
}

enum type { TYPE_NORMAL, TYPE_MASTER, TYPE_REPLICA, TYPE_PUBSUB };

static const struct {
	const char *name;
	enum type type;
} types[] = {
	{ "normal", TYPE_NORMAL },
	{ "master", TYPE_MASTER },
	{ "replica", TYPE_REPLICA },
	{ "slave", TYPE_REPLICA },
	{ "pubsub", TYPE_PUBSUB },
};

/* False: no such type, and the error reply is written. */
static bool
parse_type(struct rtd_call *call, struct rt_slice name, enum type *type)
{
	for (size_t i = 0; i < RT_COUNTOF(types); i++) {
		*type = types[i].type;
		if (rt_slice_equal_nocase(name, types[i].name))
			return true;
	}
	rtd_reply_error(rtd_call_reply(call), "ERR Unknown client type '%.*s'",
	    (int)(name.len < 128 ? name.len : 128),
	    name.len != 0 ? (const char *)name.data : "");
	return false;
}

static enum type
type_of(const struct rtd_client *client)
{
	return (client->modes & RTD_MODE_SUBSCRIBED) != 0 ? TYPE_PUBSUB :
	    TYPE_NORMAL;
}

static struct rtd_client *
find_client(struct rtd_call *call, uint64_t id)
{
	struct rtd_client *client = call->server->clients;

	while (client != NULL && (client->id != id || client->killed))
		client = client->next;
	return client;
}

/* CLIENT LIST ID id ...; false: the error reply is written. */
static bool
list_ids(struct rtd_call *call, struct rt_buf *text)
{
	struct rtd_client *client;
	int64_t id;

	for (size_t i = 3; i < call->argc; i++) {
		if (!rt_parse_i64(call->argv[i], &id)) {
			rtd_reply_error(rtd_call_reply(call),
			    "ERR Invalid client ID");
			return false;
		}
		client = find_client(call, (uint64_t)id);
		if (client != NULL)
			describe(call, client, text);
	}
	return true;
}

/* type: NULL for all of them. */
static void
list_all(struct rtd_call *call, const enum type *type, struct rt_buf *text)
{
	for (struct rtd_client *client = call->server->clients; client != NULL;
	     client = client->next)
		if (!client->killed &&
		    (type == NULL || type_of(client) == *type))
			describe(call, client, text);
}

void
rtd_cmd_client_list(struct rtd_call *call)
{
	struct rt_buf text = { 0 };
	bool listed = true;
	enum type type;

	if (call->argc == 4 && rtd_call_arg_is(call, 2, "TYPE")) {
		listed = parse_type(call, call->argv[3], &type);
		if (listed)
			list_all(call, &type, &text);
	} else if (call->argc > 3 && rtd_call_arg_is(call, 2, "ID")) {
		listed = list_ids(call, &text);
	} else if (call->argc == 2) {
		list_all(call, NULL, &text);
	} else {
		rtd_call_syntax_error(call);
		listed = false;
	}
	if (listed)
		rtd_reply_verbatim(rtd_call_reply(call), rt_buf_slice(&text));
	rt_buf_fini(&text);
}

/* -- KILL -- */

struct filter {
	uint64_t id;			/* 0: any */
	struct rt_slice addr, laddr;	/* empty: any */
	enum type type;
	bool has_type;
	bool skip_me;
};

static bool
parse_filter(struct rtd_call *call, size_t i, struct filter *filter)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_slice value = call->argv[i + 1];
	int64_t id;

	if (rtd_call_arg_is(call, i, "ID")) {
		if (!rt_parse_i64(value, &id) || id < 1) {
			rtd_reply_error(reply,
			    "ERR client-id should be greater than 0");
			return false;
		}
		filter->id = (uint64_t)id;
	} else if (rtd_call_arg_is(call, i, "TYPE")) {
		if (!parse_type(call, value, &filter->type))
			return false;
		filter->has_type = true;
	} else if (rtd_call_arg_is(call, i, "ADDR")) {
		filter->addr = value;
	} else if (rtd_call_arg_is(call, i, "LADDR")) {
		filter->laddr = value;
	} else if (rtd_call_arg_is(call, i, "USER")) {
		if (!rt_slice_equal(value, rt_slice_cstr("default"))) {
			rtd_reply_error(reply, "ERR No such user '%.*s'",
			    (int)(value.len < 128 ? value.len : 128),
			    value.len != 0 ? (const char *)value.data : "");
			return false;
		}
	} else if (rtd_call_arg_is(call, i, "SKIPME") &&
	    (rt_slice_equal_nocase(value, "yes") ||
		rt_slice_equal_nocase(value, "no"))) {
		filter->skip_me = rt_slice_equal_nocase(value, "yes");
	} else {
		rtd_call_syntax_error(call);
		return false;
	}
	return true;
}

static bool
matches(const struct filter *filter, const struct rtd_client *client)
{
	if (client->killed ||
	    (filter->has_type && type_of(client) != filter->type))
		return false;
	if (filter->id != 0 && client->id != filter->id)
		return false;
	if (filter->addr.len != 0 &&
	    !rt_slice_equal(filter->addr, rt_slice_cstr(client->peer)))
		return false;
	return filter->laddr.len == 0 ||
	    rt_slice_equal(filter->laddr, rt_slice_cstr(client->local));
}

static int64_t
kill_matching(struct rtd_call *call, const struct filter *filter)
{
	struct rtd_client *client = call->server->clients, *next;
	int64_t killed = 0;

	for (; client != NULL; client = next) {
		next = client->next;
		if (!matches(filter, client) ||
		    (client == call->client && filter->skip_me))
			continue;
		if (client == call->client)
			client->close_after_reply = true;
		else
			call->server->kill_client(call->server, client);
		killed++;
	}
	return killed;
}

void
rtd_cmd_client_kill(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct filter filter = { 0 };

	if (call->argc == 3) {
		/* The old form: an address, oneself included, OK. */
		filter.addr = call->argv[2];
		if (filter.addr.len == 0 || kill_matching(call, &filter) == 0)
			rtd_reply_error(reply, "ERR No such client");
		else
			rtd_reply_ok(reply);
		return;
	}
	filter.skip_me = true;
	if (call->argc % 2 != 0) {
		rtd_call_syntax_error(call);
		return;
	}
	for (size_t i = 2; i < call->argc; i += 2)
		if (!parse_filter(call, i, &filter))
			return;
	rtd_reply_integer(reply, kill_matching(call, &filter));
}
