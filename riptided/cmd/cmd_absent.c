/* What this server does not have, as a Redis answers that does not use it:
 * replicas, a cluster, modules, functions, scripts. Tools ask for these on
 * connecting, or clear them before they begin. */
#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"

static void
reply_none(struct rtd_call *call)
{
	rtd_reply_array(rtd_call_reply(call), 0);
}

/* True when nothing, ASYNC or SYNC follows; else the error is written. */
static bool
flush_option_fits(struct rtd_call *call, const char *error)
{
	if (call->argc == 2 || (call->argc == 3 &&
		(rtd_call_arg_is(call, 2, "ASYNC") ||
		    rtd_call_arg_is(call, 2, "SYNC"))))
		return true;
	rtd_reply_error(rtd_call_reply(call), "%s", error);
	return false;
}

/* -- replicas and cluster -- */

void
rtd_cmd_role(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_array(reply, 3);
	rtd_reply_bulk_cstr(reply, "master");
	rtd_reply_integer(reply, 0);
	rtd_reply_array(reply, 0);
}

/* NO ONE is what it is already. */
void
rtd_cmd_replicaof(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	int64_t port;

	if (rtd_call_arg_is(call, 1, "NO") && rtd_call_arg_is(call, 2, "ONE"))
		rtd_reply_ok(reply);
	else if (!rt_parse_i64(call->argv[2], &port) || port < 0 ||
	    port > UINT16_MAX)
		rtd_reply_error(reply, "ERR Invalid master port");
	else
		rtd_reply_error(reply,
		    "ERR replication is not supported by this server");
}

void
rtd_cmd_no_cluster(struct rtd_call *call)
{
	rtd_reply_error(rtd_call_reply(call),
	    "ERR This instance has cluster support disabled");
}

/* -- modules, functions, scripts -- */

void
rtd_cmd_module_list(struct rtd_call *call)
{
	reply_none(call);
}

void
rtd_cmd_function_flush(struct rtd_call *call)
{
	if (call->argc > 3)
		rtd_call_subcommand_error(call);
	else if (flush_option_fits(call,
		"ERR FUNCTION FLUSH only supports SYNC|ASYNC option"))
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_function_list(struct rtd_call *call)
{
	for (size_t i = 2; i < call->argc; i++) {
		if (rtd_call_arg_is(call, i, "WITHCODE"))
			continue;
		if (rtd_call_arg_is(call, i, "LIBRARYNAME")) {
			if (++i < call->argc)
				continue;
			rtd_reply_error(rtd_call_reply(call),
			    "ERR library name argument was not given");
			return;
		}
		rtd_reply_error(rtd_call_reply(call),
		    "ERR Unknown argument %.*s",
		    (int)(call->argv[i].len < 128 ? call->argv[i].len : 128),
		    call->argv[i].len != 0 ?
			(const char *)call->argv[i].data : "");
		return;
	}
	reply_none(call);
}

void
rtd_cmd_function_stats(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "running_script");
	rtd_reply_null(reply);
	rtd_reply_bulk_cstr(reply, "engines");
	rtd_reply_map(reply, 0);
}

void
rtd_cmd_no_script_runs(struct rtd_call *call)
{
	rtd_reply_error(rtd_call_reply(call),
	    "NOTBUSY No scripts in execution right now.");
}

void
rtd_cmd_script_flush(struct rtd_call *call)
{
	if (flush_option_fits(call,
		"ERR SCRIPT FLUSH only support SYNC|ASYNC option"))
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_script_exists(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_array(reply, call->argc - 2);
	for (size_t i = 2; i < call->argc; i++)
		rtd_reply_integer(reply, 0);
}
