/* What a connection is and who is behind it. */
#include "riptided/cmd/cmd_connection.h"

#include <stdio.h>
#include <string.h>

#include "libcommon/base/number.h"
#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/handlers.h"

/* In RESP2 all that it gets has the shape of a message. */
static void
ping_subscriber(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_array(reply, 2);
	rtd_reply_bulk_cstr(reply, "pong");
	rtd_reply_bulk(reply, call->argc == 2 ? call->argv[1] :
	    rt_slice(NULL, 0));
}

void
rtd_cmd_ping(struct rtd_call *call)
{
	if (call->argc > 2)
		rtd_call_arity_error(call);
	else if (RT_UNLIKELY((call->client->modes & RTD_MODE_SUBSCRIBED) !=
		     0) && call->client->reply.protocol == 2)
		ping_subscriber(call);
	else if (call->argc == 2)
		rtd_reply_bulk(rtd_call_reply(call), call->argv[1]);
	else
		rt_buf_append(&call->client->out, "+PONG\r\n", 7);
}

void
rtd_cmd_echo(struct rtd_call *call)
{
	rtd_reply_bulk(rtd_call_reply(call), call->argv[1]);
}

void
rtd_cmd_quit(struct rtd_call *call)
{
	rtd_reply_ok(rtd_call_reply(call));
	call->client->close_after_reply = true;
}

void
rtd_cmd_select(struct rtd_call *call)
{
	if (rtd_call_database(call, call->argv[1], &call->client->database))
		rtd_reply_ok(rtd_call_reply(call));
}

bool
rtd_client_set_text(char out[RTD_CLIENT_NAME_BYTES], struct rt_slice text)
{
	if (text.len >= RTD_CLIENT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '!' || text.data[i] > '~')
			return false;
	if (text.len != 0)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

void
rtd_client_name_error(struct rtd_call *call, const char *what)
{
	rtd_reply_error(rtd_call_reply(call), "ERR %s cannot contain spaces, "
	    "newlines or special characters.", what);
}

static void
reply_hello(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_map(reply, 7);
	rtd_reply_bulk_cstr(reply, "server");
	rtd_reply_bulk_cstr(reply, "redis");
	rtd_reply_bulk_cstr(reply, "version");
	rtd_reply_bulk_cstr(reply, RTD_REDIS_VERSION);
	rtd_reply_bulk_cstr(reply, "proto");
	rtd_reply_integer(reply, reply->protocol);
	rtd_reply_bulk_cstr(reply, "id");
	rtd_reply_integer(reply, (int64_t)call->client->id);
	rtd_reply_bulk_cstr(reply, "mode");
	rtd_reply_bulk_cstr(reply, "standalone");
	rtd_reply_bulk_cstr(reply, "role");
	rtd_reply_bulk_cstr(reply, "master");
	rtd_reply_bulk_cstr(reply, "modules");
	rtd_reply_array(reply, 0);
}

struct hello {
	int protocol;
	struct rt_slice user, password, name;
	bool has_auth, has_name;
};

/* False: the error reply is written. */
static bool
parse_hello(struct rtd_call *call, struct hello *hello)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	int64_t version;

	hello->protocol = reply->protocol;
	if (call->argc >= 2) {
		if (!rt_parse_i64(call->argv[1], &version)) {
			rtd_reply_error(reply, "ERR Protocol version is not "
			    "an integer or out of range");
			return false;
		}
		if (version < 2 || version > 3) {
			rtd_reply_error(reply,
			    "NOPROTO unsupported protocol version");
			return false;
		}
		hello->protocol = (int)version;
	}
	for (size_t i = 2; i < call->argc; i++) {
		size_t more = call->argc - 1 - i;

		if (rtd_call_arg_is(call, i, "AUTH") && more >= 2) {
			hello->has_auth = true;
			hello->user = call->argv[i + 1];
			hello->password = call->argv[i + 2];
			i += 2;
		} else if (rtd_call_arg_is(call, i, "SETNAME") && more >= 1) {
			hello->has_name = true;
			hello->name = call->argv[++i];
		} else {
			rtd_reply_error(reply,
			    "ERR Syntax error in HELLO option '%.*s'",
			    (int)(call->argv[i].len < 128 ?
				call->argv[i].len : 128),
			    call->argv[i].len != 0 ?
				(const char *)call->argv[i].data : "");
			return false;
		}
	}
	return true;
}

void
rtd_cmd_hello(struct rtd_call *call)
{
	struct rtd_client *client = call->client;
	struct hello hello = { 0 };
	char name[RTD_CLIENT_NAME_BYTES];

	if (!parse_hello(call, &hello))
		return;
	/* The name is checked before anything changes. */
	if (hello.has_name && !rtd_client_set_text(name, hello.name)) {
		rtd_client_name_error(call, "Client names");
		return;
	}
	if (hello.has_auth &&
	    !rtd_auth_become(call, hello.user, hello.password))
		return;
	if (!client->authenticated &&
	    call->server->config->requirepass[0] != '\0') {
		rtd_reply_error(&client->reply, "NOAUTH HELLO must be called "
		    "with the client already authenticated, otherwise the "
		    "HELLO <proto> AUTH <user> <pass> option can be used to "
		    "authenticate the client and select the RESP protocol "
		    "version at the same time");
		return;
	}
	if (hello.has_name)
		snprintf(client->name, sizeof(client->name), "%s", name);
	client->reply.protocol = hello.protocol;
	reply_hello(call);
}

void
rtd_cmd_reset(struct rtd_call *call)
{
	struct rtd_client *client = call->client;

	rtd_client_leave(call->server, client);
	client->modes = 0;
	rtd_auth_begin(call->server, client);
	client->database = 0;
	rtd_client_use_snapshot(client, NULL);
	client->name[0] = '\0';
	client->reply.protocol = 2;
	rtd_reply_simple(&client->reply, "RESET");
}
