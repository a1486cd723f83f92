/* LATENCY: no latency events are watched, so none is there to tell or to
 * forget, as in a Redis whose latency monitor is off. */
#include "riptided/cmd/handlers.h"

void
rtd_cmd_latency_latest(struct rtd_call *call)
{
	rtd_reply_array(rtd_call_reply(call), 0);
}

void
rtd_cmd_latency_history(struct rtd_call *call)
{
	rtd_reply_array(rtd_call_reply(call), 0);
}

void
rtd_cmd_latency_histogram(struct rtd_call *call)
{
	rtd_reply_map(rtd_call_reply(call), 0);
}

void
rtd_cmd_latency_reset(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call), 0);
}

void
rtd_cmd_latency_graph(struct rtd_call *call)
{
	struct rt_slice event = call->argv[2];

	rtd_reply_error(rtd_call_reply(call),
	    "ERR No samples available for event '%.*s'",
	    (int)(event.len < 128 ? event.len : 128),
	    event.len != 0 ? (const char *)event.data : "");
}

void
rtd_cmd_latency_doctor(struct rtd_call *call)
{
	rtd_reply_verbatim(rtd_call_reply(call), rt_slice_cstr("Latency events "
	    "are not watched by this server. SLOWLOG GET tells which commands "
	    "were slow, INFO commandstats how long each kind takes.\n"));
}
