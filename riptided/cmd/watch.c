#include "riptided/cmd/watch.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/call.h"
#include "riptided/cmd/missed.h"

struct rtd_watched {
	struct rtd_watched *next;
	uint32_t database;
	bool there;		/* when it was looked at */
	uint64_t seq;		/* of the version, or of what removed it */
	uint64_t seen_seq;	/* the newest of all at that time */
	size_t len;
	uint8_t key[];
};

/* Of those that are watched, so many are looked at before one is added: asking
 * twice for the same key is harmless. */
#define LOOKED_AT_MAX 64

static bool
is_watched(const struct rtd_watch *watch, uint32_t database,
    struct rt_slice key)
{
	const struct rtd_watched *watched = watch->first;

	for (int i = 0; i < LOOKED_AT_MAX && watched != NULL; i++) {
		if (watched->database == database && rt_slice_equal(key,
			rt_slice(watched->key, watched->len)))
			return true;
		watched = watched->next;
	}
	return false;
}

/* The present, also for a client that reads from a snapshot. */
static struct rtd_read
reading(const struct rtd_call *call, uint32_t database)
{
	return (struct rtd_read){
		.keyspace = rtd_engine_keyspace(call->server->engine,
		    database),
		.now_ms = (uint64_t)call->server->now_ms,
		.flags = call->client->misses < RTD_MISSES_MAX ?
		    RTD_READ_NOWAIT : 0,
	};
}

/* False: it is not in memory, or cannot be read. */
static bool
look(struct rtd_call *call, uint32_t database, struct rt_slice key,
    bool *there, uint64_t *seq)
{
	const struct rtd_read read = reading(call, database);
	struct rtd_value value = { 0 };
	struct rt_err err = { 0 };
	enum rt_code code = rtd_reader_get(call->lane->reader, &read, key,
	    &value, &err);

	rtd_value_fini(&value);
	*there = code == RT_OK;
	*seq = value.seq;
	rtd_client_wait_for(call->client, value.seq);
	if (code == RT_OK || code == RT_ENOTFOUND)
		return true;
	if (code == RT_EAGAIN)
		call->missed = true;
	else
		rtd_reply_error(rtd_call_reply(call), "ERR %s", err.text);
	return false;
}

enum rtd_watch_state
rtd_watch_add(struct rtd_call *call, const struct rt_slice *keys, size_t count)
{
	struct rtd_client *client = call->client;
	struct rtd_watch more = { 0 };
	struct rtd_watched **end = &more.first;
	uint64_t seq;
	bool there;

	for (size_t i = 0; i < count; i++) {
		struct rtd_watched *watched;

		if (is_watched(&client->watch, client->database, keys[i]))
			continue;
		if (!look(call, client->database, keys[i], &there, &seq)) {
			rtd_watch_clear(&more);
			return RTD_WATCH_UNKNOWN;
		}
		watched = rt_alloc(sizeof(*watched) + keys[i].len);
		*watched = (struct rtd_watched){
			.database = client->database,
			.there = there,
			.seq = seq,
			.seen_seq = rtd_engine_visible_seq(
			    call->server->engine),
			.len = keys[i].len,
		};
		if (keys[i].len != 0)
			memcpy(watched->key, keys[i].data, keys[i].len);
		*end = watched;
		end = &watched->next;
		more.count++;
		more.bytes += sizeof(*watched) + keys[i].len;
	}
	*end = client->watch.first;
	client->watch.first = more.first;
	client->watch.count += more.count;
	client->watch.bytes += more.bytes;
	return RTD_WATCH_SAME;
}

/* WA1. seq: of what there is now, or of what removed it. */
static bool
has_changed(const struct rtd_call *call, const struct rtd_watched *watched,
    bool there, uint64_t seq)
{
	const struct rtd_engine *engine = call->server->engine;
	uint32_t keyspace = rtd_engine_keyspace(engine, watched->database);

	if (there || watched->there)
		return there != watched->there || seq != watched->seq;
	return seq > watched->seen_seq &&
	    seq != rtd_engine_drop_seq(engine, keyspace);
}

enum rtd_watch_state
rtd_watch_check(struct rtd_call *call)
{
	const struct rtd_watched *watched = call->client->watch.first;
	uint64_t seq;
	bool there;

	for (; watched != NULL; watched = watched->next) {
		if (!look(call, watched->database,
			rt_slice(watched->key, watched->len), &there, &seq))
			return RTD_WATCH_UNKNOWN;
		if (has_changed(call, watched, there, seq))
			return RTD_WATCH_CHANGED;
	}
	return RTD_WATCH_SAME;
}

void
rtd_watch_clear(struct rtd_watch *watch)
{
	struct rtd_watched *watched;

	while ((watched = watch->first) != NULL) {
		watch->first = watched->next;
		free(watched);
	}
	*watch = (struct rtd_watch){ 0 };
}

bool
rtd_watch_each_key(const struct rtd_call *call,
    bool (*each)(void *arg, uint32_t keyspace, struct rt_slice key),
    void *arg)
{
	const struct rtd_watched *watched = call->client->watch.first;
	bool more = true;

	for (; watched != NULL && more; watched = watched->next)
		more = each(arg, rtd_engine_keyspace(call->server->engine,
		    watched->database),
		    rt_slice(watched->key, watched->len));
	return more;
}
