/* Numbers: values that are signed 64-bit decimals. */
#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/notify.h"

static void
change_by(struct rtd_call *call, int64_t by)
{
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &old);
	char digits[RT_I64_DIGITS_MAX];
	uint64_t expire_ms = RT_NO_EXPIRY;
	int64_t number = 0;

	if (lookup == RTD_FAILED)
		goto out;
	if (lookup == RTD_FOUND) {
		expire_ms = old.expire_ms;
		if (!rtd_call_i64(call, old.bytes, &number))
			goto out;
	}
	if (__builtin_add_overflow(number, by, &number)) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR increment or decrement would overflow");
		goto out;
	}
	rtd_call_put(call, call->argv[1],
	    rt_slice(digits, rt_format_i64(digits, number)), expire_ms);
	if (rtd_call_commit(call)) {
		rtd_notify(call, RT_EVENT_STRING, "incrby", call->argv[1]);
		rtd_reply_integer(rtd_call_reply(call), number);
	}
out:
	rtd_value_fini(&old);
}

void
rtd_cmd_incr(struct rtd_call *call)
{
	change_by(call, 1);
}

void
rtd_cmd_decr(struct rtd_call *call)
{
	change_by(call, -1);
}

void
rtd_cmd_incrby(struct rtd_call *call)
{
	int64_t by;

	if (rtd_call_i64(call, call->argv[2], &by))
		change_by(call, by);
}

void
rtd_cmd_decrby(struct rtd_call *call)
{
	int64_t by;

	if (!rtd_call_i64(call, call->argv[2], &by))
		return;
	if (by == INT64_MIN)
		rtd_reply_error(rtd_call_reply(call),
		    "ERR decrement would overflow");
	else
		change_by(call, -by);
}
