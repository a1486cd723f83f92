/* SLOWLOG. */
#include "libcommon/base/coding.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"

void
rtd_cmd_slowlog_len(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call),
	    (int64_t)call->server->slowlog.count);
}

void
rtd_cmd_slowlog_reset(struct rtd_call *call)
{
	rtd_slowlog_clear(&call->server->slowlog);
	rtd_reply_ok(rtd_call_reply(call));
}

static void
reply_entry(struct rtd_resp_writer *reply,
    const struct rtd_slowlog_entry *entry)
{
	struct rt_cursor cursor = rt_cursor(rt_buf_slice(&entry->args));

	rtd_reply_array(reply, 6);
	rtd_reply_integer(reply, (int64_t)entry->id);
	rtd_reply_integer(reply, entry->at_s);
	rtd_reply_integer(reply, entry->usec);
	rtd_reply_array(reply, entry->argc);
	for (size_t i = 0; i < entry->argc; i++)
		rtd_reply_bulk(reply, rt_cursor_bytes(&cursor));
	rtd_reply_bulk_cstr(reply, entry->peer);
	rtd_reply_bulk_cstr(reply, entry->name);
}

#define ENTRIES_DEFAULT 10

void
rtd_cmd_slowlog_get(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	const struct rtd_slowlog *log = &call->server->slowlog;
	const struct rtd_slowlog_entry *entry = log->newest;
	int64_t count = ENTRIES_DEFAULT;

	if (call->argc > 3) {
		rtd_call_subcommand_error(call);
		return;
	}
	if (call->argc == 3 && (!rt_parse_i64(call->argv[2], &count) ||
		count < -1)) {
		rtd_reply_error(reply,
		    "ERR count should be greater than or equal to -1");
		return;
	}
	if (count == -1 || (uint64_t)count > log->count)
		count = (int64_t)log->count;
	rtd_reply_array(reply, (size_t)count);
	for (; count > 0; count--, entry = entry->older)
		reply_entry(reply, entry);
}
