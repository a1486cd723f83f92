/* When keys end. Times are absolute milliseconds; the relative forms are
 * turned at the door. */
#include <stdio.h>

#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/notify.h"

#define IF_NONE 0x1	/* NX */
#define IF_ANY 0x2	/* XX */
#define IF_LATER 0x4	/* GT */
#define IF_EARLIER 0x8	/* LT */

/* False: the error reply is written. */
static bool
parse_conditions(struct rtd_call *call, unsigned *conditions)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	*conditions = 0;
	for (size_t i = 3; i < call->argc; i++) {
		if (rtd_call_arg_is(call, i, "NX")) {
			*conditions |= IF_NONE;
		} else if (rtd_call_arg_is(call, i, "XX")) {
			*conditions |= IF_ANY;
		} else if (rtd_call_arg_is(call, i, "GT")) {
			*conditions |= IF_LATER;
		} else if (rtd_call_arg_is(call, i, "LT")) {
			*conditions |= IF_EARLIER;
		} else {
			rtd_reply_error(reply, "ERR Unsupported option %.*s",
			    (int)(call->argv[i].len < 128 ?
				call->argv[i].len : 128),
			    call->argv[i].len != 0 ?
				(const char *)call->argv[i].data : "");
			return false;
		}
	}
	if ((*conditions & IF_NONE) != 0 && *conditions != IF_NONE) {
		rtd_reply_error(reply, "ERR NX and XX, GT or LT options at "
		    "the same time are not compatible");
		return false;
	}
	if ((*conditions & (IF_LATER | IF_EARLIER)) ==
	    (IF_LATER | IF_EARLIER)) {
		rtd_reply_error(reply, "ERR GT and LT options at the same "
		    "time are not compatible");
		return false;
	}
	return true;
}

/* A key without an end counts as one that ends after all others. */
static bool
conditions_hold(unsigned conditions, uint64_t old_ms, int64_t new_ms)
{
	bool endless = old_ms == RT_NO_EXPIRY;

	if ((conditions & IF_NONE) != 0 && !endless)
		return false;
	if ((conditions & IF_ANY) != 0 && endless)
		return false;
	if ((conditions & IF_LATER) != 0 &&
	    (endless || new_ms <= (int64_t)old_ms))
		return false;
	return (conditions & IF_EARLIER) == 0 || endless ||
	    new_ms < (int64_t)old_ms;
}

/* An end that has passed deletes at once. False: as rtd_made_from(). */
static bool
set_end_of(struct rtd_call *call, struct rtd_value *value, int64_t end_ms)
{
	if (end_ms > call->now_ms)
		return rtd_made_put_same(call, value, rtd_call_keyspace(call),
		    call->argv[1], (uint64_t)end_ms);
	rtd_call_delete(call, call->argv[1]);
	return true;
}

static void
set_end(struct rtd_call *call, int64_t unit_ms, int64_t base_ms)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup;
	unsigned conditions;
	int64_t amount, end_ms;

	if (!parse_conditions(call, &conditions) ||
	    !rtd_call_i64(call, call->argv[2], &amount))
		return;
	if (!rtd_call_end_ms(amount, unit_ms, base_ms, &end_ms)) {
		rtd_call_expire_error(call);
		return;
	}
	lookup = rtd_call_get(call, call->argv[1], &value);
	if (lookup == RTD_FOUND &&
	    conditions_hold(conditions, value.expire_ms, end_ms)) {
		if (set_end_of(call, &value, end_ms) &&
		    rtd_call_commit(call)) {
			rtd_notify(call, RT_EVENT_GENERIC,
			    end_ms > call->now_ms ? "expire" : "del",
			    call->argv[1]);
			rtd_reply_integer(reply, 1);
		}
	} else if (lookup != RTD_FAILED) {
		rtd_reply_integer(reply, 0);
	}
	rtd_value_fini(&value);
}

void
rtd_cmd_expire(struct rtd_call *call)
{
	set_end(call, 1000, call->now_ms);
}

void
rtd_cmd_pexpire(struct rtd_call *call)
{
	set_end(call, 1, call->now_ms);
}

void
rtd_cmd_expireat(struct rtd_call *call)
{
	set_end(call, 1000, 0);
}

void
rtd_cmd_pexpireat(struct rtd_call *call)
{
	set_end(call, 1, 0);
}

void
rtd_cmd_persist(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &value);
	bool had_end = lookup == RTD_FOUND && value.expire_ms != RT_NO_EXPIRY;

	if (had_end && !rtd_made_put_same(call, &value,
		rtd_call_keyspace(call), call->argv[1], RT_NO_EXPIRY))
		lookup = RTD_FAILED;
	if (lookup != RTD_FAILED && rtd_call_commit(call)) {
		if (had_end)
			rtd_notify(call, RT_EVENT_GENERIC, "persist",
			    call->argv[1]);
		rtd_reply_integer(rtd_call_reply(call), had_end);
	}
	rtd_value_fini(&value);
}

/* -2 without the key, -1 without an end, else end - base in units, rounded. */
static void
reply_end(struct rtd_call *call, int64_t unit_ms, int64_t base_ms)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_read(call, call->argv[1], &value);
	int64_t left;

	if (lookup == RTD_ABSENT) {
		rtd_reply_integer(rtd_call_reply(call), -2);
	} else if (lookup == RTD_FOUND && value.expire_ms == RT_NO_EXPIRY) {
		rtd_reply_integer(rtd_call_reply(call), -1);
	} else if (lookup == RTD_FOUND) {
		left = (int64_t)value.expire_ms - base_ms;
		if (left < 0)
			left = 0;
		rtd_reply_integer(rtd_call_reply(call), left / unit_ms +
		    (unit_ms > 1 && left % unit_ms >= unit_ms / 2));
	}
	rtd_value_fini(&value);
}

void
rtd_cmd_ttl(struct rtd_call *call)
{
	reply_end(call, 1000, call->now_ms);
}

void
rtd_cmd_pttl(struct rtd_call *call)
{
	reply_end(call, 1, call->now_ms);
}

void
rtd_cmd_expiretime(struct rtd_call *call)
{
	reply_end(call, 1000, 0);
}

void
rtd_cmd_pexpiretime(struct rtd_call *call)
{
	reply_end(call, 1, 0);
}
