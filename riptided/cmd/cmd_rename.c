/* Keys that change their name or database: RENAME, RENAMENX, COPY, MOVE. Each
 * is one batch, so that nobody finds both names or neither, and the value takes
 * its end along. */
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/notify.h"

/* Where a value goes. */
struct target {
	uint32_t keyspace;
	struct rt_slice key;
	bool replace;		/* what is there; else leave it */
};

/* Whether the target may be written. False: RTD_FOUND means that something is
 * there. */
static bool
is_free(struct rtd_call *call, const struct target *target,
    enum rtd_lookup *lookup)
{
	struct rtd_value there = { 0 };

	if (target->replace)
		return true;
	*lookup = rtd_call_get_in(call, target->keyspace, target->key, &there);
	rtd_value_fini(&there);
	return *lookup == RTD_ABSENT;
}

/* Give the value at argument 1 to the target, too, or take it away from its old
 * place. RTD_FOUND: done; RTD_ABSENT: there is no value; RTD_FAILED: as
 * rtd_call_get(), or *refused: something is at the target. */
static enum rtd_lookup
give(struct rtd_call *call, const struct target *target, bool take_away,
    bool *refused)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &value);
	enum rtd_lookup there = RTD_FAILED;

	*refused = false;
	if (lookup != RTD_FOUND)
		goto out;
	if (!is_free(call, target, &there)) {
		*refused = there == RTD_FOUND;
		lookup = RTD_FAILED;
		goto out;
	}
	if (!rtd_made_put_same(call, &value, target->keyspace, target->key,
		value.expire_ms)) {
		lookup = RTD_FAILED;
		goto out;
	}
	if (take_away)
		rtd_call_delete(call, call->argv[1]);
	if (!rtd_call_commit(call))
		lookup = RTD_FAILED;
out:
	rtd_value_fini(&value);
	return lookup;
}

/* -- RENAME and RENAMENX -- */

static bool
same_name(const struct rtd_call *call)
{
	return rt_slice_equal(call->argv[1], call->argv[2]);
}

/* The old name and the new one are the same: nothing changes. */
static enum rtd_lookup
look_at_source(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &value);

	rtd_value_fini(&value);
	return lookup;
}

static enum rtd_lookup
rename_key(struct rtd_call *call, bool replace, bool *refused)
{
	const struct target target = {
		.keyspace = rtd_call_keyspace(call),
		.key = call->argv[2],
		.replace = replace,
	};
	enum rtd_lookup lookup;

	*refused = false;
	if (same_name(call))
		lookup = look_at_source(call);
	else
		lookup = give(call, &target, true, refused);
	if (lookup == RTD_FOUND && !same_name(call)) {
		rtd_notify(call, RT_EVENT_GENERIC, "rename_from",
		    call->argv[1]);
		rtd_notify(call, RT_EVENT_GENERIC, "rename_to",
		    call->argv[2]);
	}
	if (lookup == RTD_ABSENT)
		rtd_reply_error(rtd_call_reply(call), "ERR no such key");
	return lookup;
}

void
rtd_cmd_rename(struct rtd_call *call)
{
	bool refused;

	if (rename_key(call, true, &refused) == RTD_FOUND)
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_renamenx(struct rtd_call *call)
{
	bool refused;
	enum rtd_lookup lookup = rename_key(call, false, &refused);

	if (lookup == RTD_FOUND || refused)
		rtd_reply_integer(rtd_call_reply(call),
		    !refused && !same_name(call));
}

/* -- COPY and MOVE -- */

static void
notify_given(struct rtd_call *call, const struct target *target,
    uint32_t database, bool take_away)
{
	if (take_away)
		rtd_notify(call, RT_EVENT_GENERIC, "move_from", target->key);
	rtd_notify_in(call, RT_EVENT_GENERIC,
	    take_away ? "move_to" : "copy_to", database, target->key);
}

static void
give_and_reply(struct rtd_call *call, const struct target *target,
    uint32_t database, bool take_away)
{
	enum rtd_lookup lookup;
	bool refused;

	if (target->keyspace == rtd_call_keyspace(call) &&
	    rt_slice_equal(target->key, call->argv[1])) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR source and destination objects are the same");
		return;
	}
	lookup = give(call, target, take_away, &refused);
	if (lookup == RTD_FOUND)
		notify_given(call, target, database, take_away);
	if (lookup != RTD_FAILED || refused)
		rtd_reply_integer(rtd_call_reply(call), lookup == RTD_FOUND);
}

void
rtd_cmd_copy(struct rtd_call *call)
{
	struct target target = { .key = call->argv[2] };
	uint32_t database = call->client->database;

	for (size_t i = 3; i < call->argc; i++) {
		if (rtd_call_arg_is(call, i, "REPLACE")) {
			target.replace = true;
		} else if (rtd_call_arg_is(call, i, "DB") &&
		    i + 1 < call->argc) {
			if (!rtd_call_database(call, call->argv[++i],
				&database))
				return;
		} else {
			rtd_call_syntax_error(call);
			return;
		}
	}
	target.keyspace = rtd_call_keyspace_of(call, database);
	give_and_reply(call, &target, database, false);
}

void
rtd_cmd_move(struct rtd_call *call)
{
	struct target target = { .key = call->argv[1] };
	uint32_t database;

	if (!rtd_call_database(call, call->argv[2], &database))
		return;
	target.keyspace = rtd_call_keyspace_of(call, database);
	give_and_reply(call, &target, database, true);
}
