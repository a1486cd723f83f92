/* SNAPSHOT and SWAPDB. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/missed.h"
#include "riptided/engine/snapshots.h"

#define TTL_DEFAULT_S 3600
#define TTL_MAX_S INT64_C(31536000000)	/* a thousand years */
#define NS_PER_S 1000000000

void
rtd_cmd_snapshot_create(struct rtd_call *call)
{
	struct rtd_snapshot *snapshot = NULL;
	struct rt_err err = { 0 };
	int64_t ttl_s = TTL_DEFAULT_S;

	if (call->argc != 2 && (call->argc != 4 ||
		!rtd_call_arg_is(call, 2, "TTL"))) {
		rtd_call_syntax_error(call);
		return;
	}
	if (call->argc == 4 && !rtd_call_i64(call, call->argv[3], &ttl_s))
		return;
	if (ttl_s < 0 || ttl_s > TTL_MAX_S) {
		rtd_call_expire_error(call);
		return;
	}
	if (rtd_snapshot_create(call->server->engine, (uint64_t)ttl_s * 1000,
		&snapshot, &err) != RT_OK) {
		rtd_reply_error(rtd_call_reply(call), "ERR %s", err.text);
		return;
	}
	rtd_client_wait_for(call->client, snapshot->seq);
	rtd_reply_integer(rtd_call_reply(call), (int64_t)snapshot->id);
	rtd_snapshot_unref(snapshot);
}

/* The snapshot that argument 2 names, with a reference; NULL: there is none,
 * and the error reply is written. */
static struct rtd_snapshot *
named(struct rtd_call *call)
{
	struct rtd_snapshot *snapshot = NULL;
	int64_t id;

	if (!rtd_call_i64(call, call->argv[2], &id))
		return NULL;
	if (id > 0)
		snapshot =
		    rtd_snapshot_find(call->server->engine, (uint64_t)id);
	if (snapshot == NULL)
		rtd_reply_error(rtd_call_reply(call), "ERR no such snapshot");
	return snapshot;
}

void
rtd_client_use_snapshot(struct rtd_client *client,
    struct rtd_snapshot *snapshot)
{
	struct rtd_snapshot *old = client->snapshot;

	client->snapshot = snapshot;
	if (snapshot != NULL) {
		rtd_snapshot_ref(snapshot);
		atomic_fetch_add(&snapshot->users, 1);
	}
	if (old != NULL) {
		atomic_fetch_sub(&old->users, 1);
		rtd_snapshot_unref(old);
	}
}

void
rtd_client_let_go(struct rtd_client *client)
{
	rtd_client_use_snapshot(client, NULL);
	rtd_missed_let_go(client);
	rtd_made_let_go(client);
}

void
rtd_cmd_snapshot_use(struct rtd_call *call)
{
	struct rtd_snapshot *snapshot = NULL;

	if (!rtd_call_arg_is(call, 2, "LIVE")) {
		snapshot = named(call);
		if (snapshot == NULL)
			return;
	}
	rtd_client_use_snapshot(call->client, snapshot);
	rtd_snapshot_unref(snapshot);
	rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_snapshot_release(struct rtd_call *call)
{
	struct rtd_snapshot *snapshot = named(call);

	if (snapshot == NULL)
		return;
	if (rtd_snapshot_release(call->server->engine, snapshot->id))
		rtd_reply_ok(rtd_call_reply(call));
	else
		rtd_reply_error(rtd_call_reply(call), "ERR no such snapshot");
	rtd_snapshot_unref(snapshot);
}

static void
reply_field(struct rtd_resp_writer *reply, const char *name, int64_t value)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_integer(reply, value);
}

static void
reply_snapshot(struct rtd_call *call, const struct rtd_snapshot *snapshot,
    uint64_t bytes_held)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	uint64_t now_ns = rt_clock_monotonic_ns(call->server->clock);
	int64_t left = -1;

	/* A part of a second left counts as one, as in TTL. */
	if (snapshot->ends_ns != 0)
		left = snapshot->ends_ns <= now_ns ? 0 :
		    (int64_t)((snapshot->ends_ns - now_ns + NS_PER_S - 1) /
			NS_PER_S);
	rtd_reply_map(reply, 6);
	reply_field(reply, "id", (int64_t)snapshot->id);
	reply_field(reply, "sequence", (int64_t)snapshot->seq);
	reply_field(reply, "age",
	    (int64_t)((now_ns - snapshot->created_ns) / NS_PER_S));
	reply_field(reply, "ttl", left);
	reply_field(reply, "users", (int64_t)atomic_load(&snapshot->users));
	reply_field(reply, "bytes-held", (int64_t)bytes_held);
}

void
rtd_cmd_snapshot_list(struct rtd_call *call)
{
	struct rtd_snapshot **list = NULL;
	size_t count = rtd_snapshot_list(call->server->engine, &list);
	uint64_t *bytes = rt_alloc_zero(count + 1, sizeof(*bytes));

	if (count > 0) {
		const struct rt_manifest *manifest =
		    rtd_engine_manifest(call->server->engine);

		rtd_snapshots_bytes_held(manifest, list, count, bytes);
		rt_manifest_unref(manifest);
	}
	rtd_reply_array(rtd_call_reply(call), count);
	for (size_t i = 0; i < count; i++) {
		reply_snapshot(call, list[i], bytes[i]);
		rtd_snapshot_unref(list[i]);
	}
	free(bytes);
	free(list);
}

/* -- SWAPDB -- */

/* A number as Redis takes one here: what does not fit an int is none. */
static bool
database_arg(struct rtd_call *call, size_t i, const char *which, int64_t *out)
{
	if (rt_parse_i64(call->argv[i], out) && *out >= INT32_MIN &&
	    *out <= INT32_MAX)
		return true;
	rtd_reply_error(rtd_call_reply(call), "ERR invalid %s DB index",
	    which);
	return false;
}

void
rtd_cmd_swapdb(struct rtd_call *call)
{
	int64_t count = call->server->config->databases;
	int64_t first, second;

	if (!database_arg(call, 1, "first", &first) ||
	    !database_arg(call, 2, "second", &second))
		return;
	if (first < 0 || first >= count || second < 0 || second >= count) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR DB index is out of range");
		return;
	}
	if (first != second)
		rtd_write_batch_swap(&call->server->batch, (uint32_t)first,
		    (uint32_t)second);
	if (rtd_call_commit(call))
		rtd_reply_ok(rtd_call_reply(call));
}
