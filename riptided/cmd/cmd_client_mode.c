/* What a client does to the stream of commands and replies: MONITOR, CLIENT
 * REPLY, PAUSE, UNBLOCK, and TRACKING, which does not exist here. */
#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"

void
rtd_cmd_monitor(struct rtd_call *call)
{
	if (call->lane->pending != NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR MONITOR isn't allowed for DENY BLOCKING client");
		return;
	}
	/* A second time there is no reply, as in Redis. */
	if ((call->client->modes & RTD_MODE_MONITOR) != 0)
		return;
	call->client->modes |= RTD_MODE_MONITOR;
	call->server->monitors++;
	rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_client_reply(struct rtd_call *call)
{
	struct rtd_client *client = call->client;

	if (rtd_call_arg_is(call, 2, "ON")) {
		client->modes &= ~(unsigned)RTD_MODE_SILENT;
		rtd_reply_ok(rtd_call_reply(call));
	} else if (rtd_call_arg_is(call, 2, "OFF")) {
		client->modes |= RTD_MODE_REPLY_OFF;
	} else if (rtd_call_arg_is(call, 2, "SKIP")) {
		if ((client->modes & RTD_MODE_REPLY_OFF) == 0)
			client->modes |= RTD_MODE_REPLY_SKIP_NEXT;
	} else {
		rtd_call_syntax_error(call);
	}
}

/* -- PAUSE -- */

#define PAUSE_MS_MAX (INT64_MAX / 4000)

/* A pause that goes on holds what it held, and as long as the longer one. */
void
rtd_cmd_client_pause(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	bool all = true, goes_on = server->now_us < server->paused_until_us;
	uint64_t until_us;
	int64_t ms;

	if (call->argc > 4) {
		rtd_call_subcommand_error(call);
		return;
	}
	if (call->argc == 4 && rtd_call_arg_is(call, 3, "WRITE")) {
		all = false;
	} else if (call->argc == 4 && !rtd_call_arg_is(call, 3, "ALL")) {
		rtd_reply_error(reply,
		    "ERR CLIENT PAUSE mode must be WRITE or ALL");
		return;
	}
	if (!rt_parse_i64(call->argv[2], &ms)) {
		rtd_reply_error(reply,
		    "ERR timeout is not an integer or out of range");
		return;
	}
	if (ms < 0) {
		rtd_reply_error(reply, "ERR timeout is negative");
		return;
	}
	until_us = ms > PAUSE_MS_MAX ? UINT64_MAX :
	    server->now_us + (uint64_t)ms * 1000;
	if (!goes_on || until_us > server->paused_until_us)
		server->paused_until_us = until_us;
	server->paused_all = all || (goes_on && server->paused_all);
	rtd_reply_ok(reply);
}

void
rtd_cmd_client_unpause(struct rtd_call *call)
{
	call->server->paused_until_us = 0;
	call->server->resume(call->server);
	rtd_reply_ok(rtd_call_reply(call));
}

/* No command waits for what another one does, so nobody is blocked. */
void
rtd_cmd_client_unblock(struct rtd_call *call)
{
	int64_t id;

	if (call->argc == 4 && !rtd_call_arg_is(call, 3, "TIMEOUT") &&
	    !rtd_call_arg_is(call, 3, "ERROR"))
		rtd_reply_error(rtd_call_reply(call), "ERR CLIENT UNBLOCK "
		    "reason should be TIMEOUT or ERROR");
	else if (call->argc > 4)
		rtd_call_subcommand_error(call);
	else if (rtd_call_i64(call, call->argv[2], &id))
		rtd_reply_integer(rtd_call_reply(call), 0);
}

/* -- TRACKING -- */

void
rtd_cmd_client_tracking(struct rtd_call *call)
{
	if (rtd_call_arg_is(call, 2, "ON"))
		rtd_reply_error(rtd_call_reply(call), "ERR CLIENT TRACKING is "
		    "not supported: keyspace notifications tell of changes");
	else if (rtd_call_arg_is(call, 2, "OFF") && call->argc == 3)
		rtd_reply_ok(rtd_call_reply(call));
	else
		rtd_call_syntax_error(call);
}

void
rtd_cmd_client_trackinginfo(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_map(reply, 3);
	rtd_reply_bulk_cstr(reply, "flags");
	rtd_reply_set(reply, 1);
	rtd_reply_bulk_cstr(reply, "off");
	rtd_reply_bulk_cstr(reply, "redirect");
	rtd_reply_integer(reply, -1);
	rtd_reply_bulk_cstr(reply, "prefixes");
	rtd_reply_array(reply, 0);
}

void
rtd_cmd_client_getredir(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call), -1);
}

void
rtd_cmd_client_caching(struct rtd_call *call)
{
	rtd_reply_error(rtd_call_reply(call), "ERR CLIENT CACHING can be "
	    "called only when the client is in tracking mode with OPTIN or "
	    "OPTOUT mode enabled");
}
