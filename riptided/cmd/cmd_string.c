/* Strings. A write command reads what it must, builds the batch and commits
 * it once, so a command is all or nothing. */
#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/notify.h"
#include "riptided/cmd/set_options.h"

/* -- reading -- */

void
rtd_cmd_get(struct rtd_call *call)
{
	struct rtd_value value = { 0 };

	switch (rtd_call_read_ahead(call, call->argv[1], &value)) {
	case RTD_FOUND:
		rtd_call_reply_bytes(call, &value, value.bytes);
		break;
	case RTD_ABSENT:
		rtd_reply_null(rtd_call_reply(call));
		break;
	case RTD_FAILED:
		break;
	}
	rtd_value_fini(&value);
}

void
rtd_cmd_mget(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_buf *out = reply->out;
	struct rtd_value values[RTD_READ_KEYS_MAX];
	enum rtd_lookup lookups[RTD_READ_KEYS_MAX];
	size_t start = out->len, some;

	rtd_reply_array(reply, call->argc - 1);
	for (size_t i = 1; i < call->argc; i += some) {
		size_t before = out->len;

		some = call->argc - i < RTD_READ_KEYS_MAX ? call->argc - i :
		    RTD_READ_KEYS_MAX;
		if (!rtd_call_read_many(call, call->argv + i, some, values,
			lookups)) {
			/* The error is the whole reply. */
			rtd_reply_cut(reply, start, before);
			return;
		}
		for (size_t j = 0; j < some; j++) {
			if (lookups[j] == RTD_FOUND)
				rtd_call_reply_bytes(call, &values[j],
				    values[j].bytes);
			else
				rtd_reply_null(reply);
			rtd_value_fini(&values[j]);
		}
	}
}

void
rtd_cmd_strlen(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_read(call, call->argv[1], &value);

	if (lookup != RTD_FAILED)
		rtd_reply_integer(rtd_call_reply(call),
		    lookup == RTD_FOUND ? (int64_t)value.bytes.len : 0);
	rtd_value_fini(&value);
}

/* Redis' range: negative positions count from the end, and what lies outside
 * is cut off. */
static struct rt_slice
range_of(struct rt_slice bytes, int64_t start, int64_t end)
{
	int64_t len = (int64_t)bytes.len;

	if (len == 0 || (start < 0 && end < 0 && start > end))
		return rt_slice(NULL, 0);
	if (start < 0)
		start = start + len < 0 ? 0 : start + len;
	if (end < 0)
		end = end + len < 0 ? 0 : end + len;
	if (end >= len)
		end = len - 1;
	if (start > end)
		return rt_slice(NULL, 0);
	return rt_slice(bytes.data + start, (size_t)(end - start + 1));
}

void
rtd_cmd_getrange(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	int64_t start, end;
	enum rtd_lookup lookup;

	if (!rtd_call_i64(call, call->argv[2], &start) ||
	    !rtd_call_i64(call, call->argv[3], &end))
		return;
	lookup = rtd_call_read(call, call->argv[1], &value);
	if (lookup != RTD_FAILED)
		rtd_call_reply_bytes(call, &value,
		    range_of(value.bytes, start, end));
	rtd_value_fini(&value);
}

/* -- SET and its family -- */

static bool
has_ended(const struct rtd_call *call, uint64_t expire_ms)
{
	return expire_ms != RT_NO_EXPIRY &&
	    expire_ms <= (uint64_t)call->now_ms;
}

/* A value was set that ends at expire_ms. */
static void
notify_set(struct rtd_call *call, struct rt_slice key, uint64_t expire_ms)
{
	rtd_notify(call, RT_EVENT_STRING, "set", key);
	if (expire_ms == RT_NO_EXPIRY)
		return;
	rtd_notify(call, RT_EVENT_GENERIC, "expire", key);
	/* Nobody will wait for it. */
	if (has_ended(call, expire_ms))
		rtd_notify(call, RT_EVENT_EXPIRED, "expired", key);
}

/* Put a value that ends at expire_ms; one that has ended is deleted. */
static void
put_until(struct rtd_call *call, struct rt_slice key, struct rt_slice value,
    uint64_t expire_ms)
{
	if (has_ended(call, expire_ms))
		rtd_call_delete(call, key);
	else
		rtd_call_put(call, key, value, expire_ms);
}

/* The absolute end that the words and their number mean; RT_NO_EXPIRY without
 * them. False: the error reply is written. */
static bool
end_of(struct rtd_call *call, unsigned flags, struct rt_slice time,
    uint64_t *expire_ms)
{
	int64_t amount, end = 0;
	int64_t unit = (flags & (RTD_SET_EX | RTD_SET_EXAT)) != 0 ? 1000 : 1;
	int64_t base = (flags & (RTD_SET_EX | RTD_SET_PX)) != 0 ?
	    call->now_ms : 0;

	*expire_ms = RT_NO_EXPIRY;
	if ((flags & RTD_SET_TIMES) == 0)
		return true;
	if (!rtd_call_i64(call, time, &amount))
		return false;
	if (amount <= 0 || !rtd_call_end_ms(amount, unit, base, &end)) {
		rtd_call_expire_error(call);
		return false;
	}
	*expire_ms = (uint64_t)end;
	return true;
}

/* SET with options that need the old value. */
static void
set_and_look(struct rtd_call *call, const struct rtd_set_options *options,
    uint64_t expire_ms)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_buf *out = reply->out;
	struct rtd_value old = { 0 };
	size_t before = out->len, replied;
	bool get = (options->flags & RTD_SET_GET) != 0;
	bool refused;
	enum rtd_lookup lookup = get ?
	    rtd_call_read(call, call->argv[1], &old) :
	    rtd_call_get(call, call->argv[1], &old);

	if (lookup == RTD_FAILED)
		goto out;
	refused = (options->flags & (lookup == RTD_FOUND ? RTD_SET_NX :
		RTD_SET_XX)) != 0;
	if (get && lookup == RTD_FOUND)
		rtd_call_reply_bytes(call, &old, old.bytes);
	else if (get || refused)
		rtd_reply_null(reply);
	else
		rtd_reply_ok(reply);
	if (refused)
		goto out;
	put_until(call, call->argv[1], call->argv[2],
	    (options->flags & RTD_SET_KEEPTTL) != 0 && lookup == RTD_FOUND ?
		old.expire_ms : expire_ms);
	replied = out->len;
	if (rtd_call_commit(call))
		notify_set(call, call->argv[1], expire_ms);
	else
		/* Refused after all: its error takes the reply's place. */
		rtd_reply_cut(reply, before, replied);
out:
	rtd_value_fini(&old);
}

void
rtd_cmd_set(struct rtd_call *call)
{
	struct rtd_set_options options = { 0 };
	uint64_t expire_ms = RT_NO_EXPIRY;

	if (RT_UNLIKELY(call->argc > 3)) {
		if (!rtd_set_options_parse(&options, call->argv + 3,
			call->argc - 3, RTD_SET_FOR_SET)) {
			rtd_call_syntax_error(call);
			return;
		}
		if (!end_of(call, options.flags, options.time, &expire_ms))
			return;
		if ((options.flags & ~RTD_SET_TIMES) != 0) {
			set_and_look(call, &options, expire_ms);
			return;
		}
	}
	put_until(call, call->argv[1], call->argv[2], expire_ms);
	if (rtd_call_commit(call)) {
		notify_set(call, call->argv[1], expire_ms);
		rtd_reply_ok(rtd_call_reply(call));
	}
}

static void
set_with_time(struct rtd_call *call, unsigned unit)
{
	uint64_t expire_ms;

	if (!end_of(call, unit, call->argv[2], &expire_ms))
		return;
	rtd_call_put(call, call->argv[1], call->argv[3], expire_ms);
	if (rtd_call_commit(call)) {
		notify_set(call, call->argv[1], expire_ms);
		rtd_reply_ok(rtd_call_reply(call));
	}
}

void
rtd_cmd_setex(struct rtd_call *call)
{
	set_with_time(call, RTD_SET_EX);
}

void
rtd_cmd_psetex(struct rtd_call *call)
{
	set_with_time(call, RTD_SET_PX);
}

void
rtd_cmd_setnx(struct rtd_call *call)
{
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &old);

	rtd_value_fini(&old);
	if (lookup == RTD_FAILED)
		return;
	if (lookup == RTD_ABSENT)
		rtd_call_put(call, call->argv[1], call->argv[2], RT_NO_EXPIRY);
	if (!rtd_call_commit(call))
		return;
	if (lookup == RTD_ABSENT)
		notify_set(call, call->argv[1], RT_NO_EXPIRY);
	rtd_reply_integer(rtd_call_reply(call), lookup == RTD_ABSENT);
}

/* Set all pairs, in the order given, so that of equal keys the last one wins.
 * False: as rtd_call_commit(). */
static bool
set_pairs(struct rtd_call *call)
{
	for (size_t i = 1; i < call->argc; i += 2)
		rtd_call_put(call, call->argv[i], call->argv[i + 1],
		    RT_NO_EXPIRY);
	if (!rtd_call_commit(call))
		return false;
	for (size_t i = 1; i < call->argc && call->server->notify != 0; i += 2)
		notify_set(call, call->argv[i], RT_NO_EXPIRY);
	return true;
}

void
rtd_cmd_mset(struct rtd_call *call)
{
	if (call->argc % 2 == 0) {
		rtd_call_arity_error(call);
		return;
	}
	if (set_pairs(call))
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_msetnx(struct rtd_call *call)
{
	if (call->argc % 2 == 0) {
		rtd_call_arity_error(call);
		return;
	}
	for (size_t i = 1; i < call->argc; i += 2) {
		struct rtd_value old = { 0 };
		enum rtd_lookup lookup = rtd_call_get(call, call->argv[i],
		    &old);

		rtd_value_fini(&old);
		if (lookup == RTD_FOUND)
			rtd_reply_integer(rtd_call_reply(call), 0);
		if (lookup != RTD_ABSENT)
			return;
	}
	if (set_pairs(call))
		rtd_reply_integer(rtd_call_reply(call), 1);
}

/* Commit, then answer with what was there before; old is finished here.
 * event: what is done to the key, of this class; NULL: nothing. */
static void
commit_and_reply_old(struct rtd_call *call, enum rtd_lookup lookup,
    struct rtd_value *old, unsigned class, const char *event)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	if (lookup != RTD_FAILED && rtd_call_commit(call)) {
		if (event != NULL)
			rtd_notify(call, class, event, call->argv[1]);
		if (lookup == RTD_FOUND)
			rtd_call_reply_bytes(call, old, old->bytes);
		else
			rtd_reply_null(reply);
	}
	rtd_value_fini(old);
}

void
rtd_cmd_getset(struct rtd_call *call)
{
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_read(call, call->argv[1], &old);

	if (lookup != RTD_FAILED)
		rtd_call_put(call, call->argv[1], call->argv[2], RT_NO_EXPIRY);
	commit_and_reply_old(call, lookup, &old, RT_EVENT_STRING, "set");
}

void
rtd_cmd_getdel(struct rtd_call *call)
{
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_read(call, call->argv[1], &old);

	if (lookup == RTD_FOUND)
		rtd_call_delete(call, call->argv[1]);
	commit_and_reply_old(call, lookup, &old, RT_EVENT_GENERIC,
	    lookup == RTD_FOUND ? "del" : NULL);
}

void
rtd_cmd_getex(struct rtd_call *call)
{
	struct rtd_set_options options;
	struct rtd_value old = { 0 };
	uint64_t expire_ms = RT_NO_EXPIRY;
	const char *event = NULL;
	enum rtd_lookup lookup;

	if (!rtd_set_options_parse(&options, call->argv + 2, call->argc - 2,
		RTD_SET_FOR_GETEX)) {
		rtd_call_syntax_error(call);
		return;
	}
	lookup = rtd_call_read(call, call->argv[1], &old);
	/* As in Redis, a bad time is no error for a key that is not there. */
	if (lookup == RTD_FOUND &&
	    !end_of(call, options.flags, options.time, &expire_ms)) {
		rtd_value_fini(&old);
		return;
	}
	if (lookup == RTD_FOUND &&
	    ((options.flags & RTD_SET_TIMES) != 0 ||
		((options.flags & RTD_SET_PERSIST) != 0 &&
		    old.expire_ms != RT_NO_EXPIRY))) {
		event = expire_ms != RT_NO_EXPIRY ? "expire" : "persist";
		if (has_ended(call, expire_ms)) {
			rtd_call_delete(call, call->argv[1]);
			event = "del";
		} else if (!rtd_made_put_same(call, &old,
			rtd_call_keyspace(call), call->argv[1], expire_ms)) {
			lookup = RTD_FAILED;
		}
	}
	commit_and_reply_old(call, lookup, &old, RT_EVENT_GENERIC, event);
}

/* -- APPEND and SETRANGE -- */

/* Commit it as the key's value, with the old one's end; answer its length. */
static void
commit_made(struct rtd_call *call, struct rtd_made *made,
    enum rtd_lookup lookup, const struct rtd_value *old, const char *event)
{
	int64_t len = (int64_t)made->len;

	rtd_made_put(call, made, rtd_call_keyspace(call), call->argv[1],
	    lookup == RTD_FOUND ? old->expire_ms : RT_NO_EXPIRY);
	if (!rtd_call_commit(call))
		return;
	rtd_notify(call, RT_EVENT_STRING, event, call->argv[1]);
	rtd_reply_integer(rtd_call_reply(call), len);
}

void
rtd_cmd_append(struct rtd_call *call)
{
	struct rt_slice more = call->argv[2];
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &old);
	struct rtd_made made;

	if (lookup != RTD_FAILED &&
	    rtd_made_length_allowed(call, (uint64_t)old.bytes.len + more.len) &&
	    rtd_made_from(call, &old, old.bytes.len + more.len, &made)) {
		if (more.len != 0)
			memcpy(made.bytes + old.bytes.len, more.data,
			    more.len);
		commit_made(call, &made, lookup, &old, "append");
	}
	rtd_value_fini(&old);
}

void
rtd_cmd_setrange(struct rtd_call *call)
{
	struct rt_slice bytes = call->argv[3];
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup;
	struct rtd_made made;
	int64_t offset;
	uint64_t end;

	if (!rtd_call_i64(call, call->argv[2], &offset))
		return;
	if (offset < 0) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR offset is out of range");
		return;
	}
	lookup = rtd_call_get(call, call->argv[1], &old);
	if (lookup == RTD_FAILED)
		return;
	end = (uint64_t)offset + bytes.len;
	if (bytes.len == 0) {
		rtd_reply_integer(rtd_call_reply(call),
		    (int64_t)old.bytes.len);
	} else if (rtd_made_length_allowed(call, end) &&
	    rtd_made_from(call, &old, old.bytes.len > end ? old.bytes.len :
		(size_t)end, &made)) {
		memcpy(made.bytes + offset, bytes.data, bytes.len);
		commit_made(call, &made, lookup, &old, "setrange");
	}
	rtd_value_fini(&old);
}
