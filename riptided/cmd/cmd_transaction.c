/* MULTI and what ends it. */
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/transaction.h"

void
rtd_cmd_multi(struct rtd_call *call)
{
	if (call->client->transaction != NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR MULTI calls can not be nested");
		return;
	}
	rtd_transaction_begin(call->client);
	rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_exec(struct rtd_call *call)
{
	if (call->client->transaction == NULL)
		rtd_reply_error(rtd_call_reply(call),
		    "ERR EXEC without MULTI");
	else
		rtd_transaction_run(call);
}

void
rtd_cmd_discard(struct rtd_call *call)
{
	if (call->client->transaction == NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR DISCARD without MULTI");
		return;
	}
	rtd_transaction_end(call->client);
	rtd_watch_clear(&call->client->watch);
	rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_watch(struct rtd_call *call)
{
	uint64_t bytes_max = call->server->config->client_query_buffer_limit;

	if (call->client->transaction != NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR WATCH inside MULTI is not allowed");
		return;
	}
	if (call->server->engine == NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "LOADING Redis is loading the dataset in memory");
		return;
	}
	if (call->client->watch.bytes > bytes_max) {
		rtd_reply_error(rtd_call_reply(call), "ERR the keys that are "
		    "watched take more than client-query-buffer-limit");
		return;
	}
	if (rtd_watch_add(call, call->argv + 1, call->argc - 1) ==
	    RTD_WATCH_SAME)
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_unwatch(struct rtd_call *call)
{
	rtd_watch_clear(&call->client->watch);
	rtd_reply_ok(rtd_call_reply(call));
}
