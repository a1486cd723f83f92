#include "riptided/cmd/call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "libcommon/base/number.h"
#include "libcommon/daemon/log.h"
#include "riptided/cmd/ahead.h"
#include "riptided/cmd/missed.h"
#include "riptided/cmd/notify.h"

/* Memory of batch and scratch that is kept between commands. */
#define BATCH_KEPT_BYTES ((size_t)4 << 20)

/* What a read of this call looks at, on the loop, where the first tries of a
 * command do not wait (MS3). */
static struct rtd_read
reading_now(const struct rtd_call *call)
{
	struct rtd_read read = rtd_call_reading(call);

	if (RT_LIKELY(call->client->misses < RTD_MISSES_MAX))
		read.flags |= RTD_READ_NOWAIT;
	return read;
}

void
rtd_reply_read_error(struct rtd_server_state *server,
    struct rtd_resp_writer *reply, const char *why)
{
	server->read_errors++;
	rt_log_limited(10000, RT_LOG_WARNING, "read", "a read failed",
	    "error=\"%s\"", why);
	rtd_reply_error(reply, "ERR %s", why);
}

static inline enum rtd_counter
answer_of(const struct rtd_call *call, const struct rtd_value *value)
{
	if (value->found.block == NULL && value->found.owned == NULL)
		return RTD_COUNT_BY_MEMTABLE;
	if (RT_UNLIKELY(call->client->misses != 0))
		return RTD_COUNT_BY_DISK;
	return value->found.was_read ? RTD_COUNT_BY_FILE :
	    RTD_COUNT_BY_CACHE;
}

/* err: its text is "" when there is nothing to say. */
static enum rtd_lookup
take_read(struct rtd_call *call, enum rt_code code,
    const struct rtd_value *value, const struct rt_err *err)
{
	rtd_client_wait_for(call->client, value->seq);
	if (code == RT_OK) {
		rtd_lane_count(call->lane, answer_of(call, value), 1);
		return RTD_FOUND;
	}
	if (code == RT_ENOTFOUND) {
		rtd_lane_count(call->lane, RTD_COUNT_BY_NOTHING, 1);
		return RTD_ABSENT;
	}
	if (code == RT_EAGAIN) {
		call->missed = true;
		return RTD_FAILED;
	}
	/* It is counted where all may be. */
	if (RT_UNLIKELY(call->is_free)) {
		call->missed = true;
		return RTD_FAILED;
	}
	rtd_reply_read_error(call->server, rtd_call_reply(call),
	    err->text[0] != '\0' ? err->text : rt_code_name(code));
	return RTD_FAILED;
}

static void
count_lookup(struct rtd_call *call, enum rtd_lookup lookup,
    struct rt_slice key)
{
	if (lookup == RTD_FOUND) {
		rtd_lane_count(call->lane, RTD_COUNT_HITS, 1);
	} else if (lookup == RTD_ABSENT) {
		rtd_lane_count(call->lane, RTD_COUNT_MISSES, 1);
		rtd_notify(call, RT_EVENT_KEY_MISS, "keymiss", key);
	}
}

/* Whether what an EXEC has written lies over what the call reads. */
static inline bool
is_overlaid(const struct rtd_call *call)
{
	return RT_UNLIKELY(call->lane->pending != NULL) &&
	    call->client->snapshot == NULL;
}

enum rtd_lookup
rtd_call_get(struct rtd_call *call, struct rt_slice key,
    struct rtd_value *value)
{
	const struct rtd_read read = reading_now(call);
	struct rt_err err;
	enum rt_code code;

	err.text[0] = '\0';
	if (!is_overlaid(call) || !rtd_pending_get(call->lane->pending,
		&read, key, value, &code))
		code = rtd_reader_get(call->lane->reader, &read, key, value,
		    &err);
	return take_read(call, code, value, &err);
}

struct rt_iter *
rtd_call_iter(struct rtd_call *call, const struct rtd_read *read,
    uint64_t *seq)
{
	struct rt_iter *iter =
	    rtd_reader_iter(call->lane->reader, read, seq);

	if (iter == NULL || !is_overlaid(call))
		return iter;
	return rtd_pending_iter(call->lane->pending, read, iter);
}

enum rtd_lookup
rtd_call_get_in(struct rtd_call *call, uint32_t keyspace, struct rt_slice key,
    struct rtd_value *value)
{
	struct rtd_read read = reading_now(call);
	struct rt_err err;
	enum rt_code code;

	err.text[0] = '\0';
	read.keyspace = keyspace;
	if (!is_overlaid(call) || !rtd_pending_get(call->lane->pending,
		&read, key, value, &code))
		code = rtd_reader_get(call->lane->reader, &read, key, value,
		    &err);
	if (code == RT_EAGAIN) {
		call->missed_keyspace = keyspace;
		call->missed_key = key;
	}
	return take_read(call, code, value, &err);
}

enum rtd_lookup
rtd_call_read(struct rtd_call *call, struct rt_slice key,
    struct rtd_value *value)
{
	enum rtd_lookup lookup = rtd_call_get(call, key, value);

	count_lookup(call, lookup, key);
	return lookup;
}

/* Like rtd_call_read_many(), which is for what the engine has alone. */
static bool
read_each(struct rtd_call *call, const struct rt_slice *keys, size_t count,
    struct rtd_value *values, enum rtd_lookup *lookups)
{
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct rtd_value){ 0 };
		lookups[i] = rtd_call_read(call, keys[i], &values[i]);
		if (lookups[i] != RTD_FAILED)
			continue;
		while (i-- > 0)
			rtd_value_fini(&values[i]);
		return false;
	}
	return true;
}

bool
rtd_call_read_many(struct rtd_call *call, const struct rt_slice *keys,
    size_t count, struct rtd_value *values, enum rtd_lookup *lookups)
{
	const struct rtd_read read = reading_now(call);
	enum rt_code codes[RTD_READ_KEYS_MAX];
	enum rtd_lookup lookup = RTD_ABSENT;
	struct rt_err err;
	size_t done = 0;

	if (is_overlaid(call))
		return read_each(call, keys, count, values, lookups);
	err.text[0] = '\0';
	rtd_reader_get_many(call->lane->reader, &read, keys, count, values,
	    codes, &err);
	for (; done < count && lookup != RTD_FAILED; done++) {
		lookup = take_read(call, codes[done], &values[done], &err);
		lookups[done] = lookup;
		count_lookup(call, lookup, keys[done]);
	}
	if (lookup != RTD_FAILED)
		return true;
	for (size_t i = 0; i < count; i++)
		rtd_value_fini(&values[i]);
	return false;
}

enum rtd_lookup
rtd_call_read_ahead(struct rtd_call *call, struct rt_slice key,
    struct rtd_value *value)
{
	const struct rtd_read read = reading_now(call);
	struct rtd_ahead *ahead = &call->lane->ahead;
	enum rtd_lookup lookup;
	enum rt_code code;
	struct rt_err err;

	/* A command that has missed reads what it needs, and no more. */
	if (call->client->misses != 0 || (!rtd_ahead_has(ahead, key) &&
		!rtd_ahead_read(ahead, call->lane->reader, &read, key,
		    call->client->ahead)))
		return rtd_call_read(call, key, value);
	err.text[0] = '\0';
	code = rtd_ahead_take(ahead, value);
	if (RT_UNLIKELY(code != RT_OK && code != RT_ENOTFOUND &&
		code != RT_EAGAIN))
		/* Once more, for the words. */
		code = rtd_reader_get(call->lane->reader, &read, key, value,
		    &err);
	lookup = take_read(call, code, value, &err);
	count_lookup(call, lookup, key);
	return lookup;
}

void
rtd_call_reply_bytes(struct rtd_call *call, struct rtd_value *value,
    struct rt_slice bytes)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_bulk *bulk = NULL;

	if (RT_UNLIKELY(bytes.len >= RT_BULK_BYTES_MIN) &&
	    reply->inlays != NULL)
		bulk = rtd_value_hold(value);
	if (RT_LIKELY(bulk == NULL)) {
		rtd_reply_bulk(reply, bytes);
		return;
	}
	rtd_reply_bulk_inlaid(reply, bytes, bulk);
	rt_bulk_unref(bulk);
}

/* The bulk that is this argument as a whole, with a reference; else a copy in
 * one. NULL: no memory can be had for it. */
static struct rt_bulk *
bulk_of(const struct rtd_call *call, struct rt_slice value)
{
	const struct rt_inlays *large = call->client->large;
	struct rt_bulk *bulk;

	for (size_t i = 0; large != NULL && i < large->count; i++)
		if (large->items[i].bytes.data == value.data &&
		    large->items[i].bytes.len == value.len)
			return rt_bulk_ref(large->items[i].bulk);
	bulk = rt_bulk_new(value.len);
	if (bulk != NULL)
		memcpy(bulk->data, value.data, value.len);
	return bulk;
}

void
rtd_call_put(struct rtd_call *call, struct rt_slice key, struct rt_slice value,
    uint64_t expire_ms)
{
	struct rt_bulk *bulk = NULL;

	if (RT_UNLIKELY(value.len >= RT_BULK_BYTES_MIN)) {
		bulk = bulk_of(call, value);
		if (bulk == NULL) {
			call->server->batch.lacks_memory = true;
			return;
		}
	}
	if (RT_LIKELY(bulk == NULL)) {
		rtd_write_batch_put(&call->server->batch,
		    rtd_call_keyspace(call), key, value, expire_ms);
		return;
	}
	rtd_call_put_bulk(call, key, bulk, expire_ms);
	rt_bulk_unref(bulk);
}

void
rtd_call_put_bulk(struct rtd_call *call, struct rt_slice key,
    struct rt_bulk *bulk, uint64_t expire_ms)
{
	rtd_write_batch_put_bulk(&call->server->batch, rtd_call_keyspace(call),
	    key, bulk, expire_ms);
}

void
rtd_call_delete(struct rtd_call *call, struct rt_slice key)
{
	rtd_write_batch_delete(&call->server->batch, rtd_call_keyspace(call),
	    key);
}

bool
rtd_call_commit(struct rtd_call *call)
{
	struct rtd_write_batch *batch = &call->server->batch;
	struct rt_err err = { 0 };
	uint64_t seq = 0;
	enum rt_code code;

	if (batch->count == 0 && !batch->lacks_memory)
		return true;
	/* Those of an EXEC were told when its commands wrote them. */
	if (RT_UNLIKELY((call->server->notify & RT_EVENT_NEW) != 0) &&
	    (call->command->flags & RTD_CMD_AT_ONCE) == 0 &&
	    !rtd_notify_new(call))
		return false;
	if (RT_UNLIKELY(call->lane->pending != NULL) &&
	    !batch->lacks_memory) {
		rtd_pending_add(call->lane->pending, call->server->engine,
		    batch);
		return true;
	}
	if (RT_LIKELY(!batch->lacks_memory))
		code = rtd_engine_write(call->server->engine, batch, &seq,
		    &err);
	else
		code = rt_err_set_errno(&err, ENOMEM, "a value");
	if (RT_UNLIKELY(call->server->deadlines.enabled) && code == RT_OK)
		rtd_deadlines_note(&call->server->deadlines, batch);
	rtd_write_batch_clear(batch);
	if (call->server->scratch.cap > BATCH_KEPT_BYTES)
		rt_buf_fini(&call->server->scratch);
	if (batch->bytes.cap > BATCH_KEPT_BYTES)
		rtd_write_batch_fini(batch);
	if (code != RT_OK)
		rtd_pubsub_forget(&call->server->pubsub);
	if (code == RT_EIO) {
		rtd_reply_error(rtd_call_reply(call), "ERR nothing was "
		    "written: %s", err.text);
		return false;
	}
	if (code != RT_OK) {
		rtd_reply_error(rtd_call_reply(call),
		    "MISCONF writes are refused: %s", err.text);
		return false;
	}
	rtd_client_wait_for(call->client, seq);
	return true;
}

bool
rtd_call_i64(struct rtd_call *call, struct rt_slice text, int64_t *out)
{
	if (rt_parse_i64(text, out))
		return true;
	rtd_reply_error(rtd_call_reply(call),
	    "ERR value is not an integer or out of range");
	return false;
}

bool
rtd_call_i32(struct rtd_call *call, struct rt_slice text, int32_t *out)
{
	int64_t number;

	if (!rtd_call_i64(call, text, &number))
		return false;
	if (number < INT32_MIN || number > INT32_MAX) {
		rtd_reply_error(rtd_call_reply(call), "ERR value is out of "
		    "range, value must between %d and %d", INT32_MIN,
		    INT32_MAX);
		return false;
	}
	*out = (int32_t)number;
	return true;
}

bool
rtd_call_database(struct rtd_call *call, struct rt_slice text, uint32_t *out)
{
	int32_t number;

	if (!rtd_call_i32(call, text, &number))
		return false;
	if (number < 0 || number >= call->server->config->databases) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR DB index is out of range");
		return false;
	}
	*out = (uint32_t)number;
	return true;
}

bool
rtd_call_database_of(const struct rtd_call *call, uint32_t keyspace,
    uint32_t *database)
{
	uint32_t count = (uint32_t)call->server->config->databases;

	for (uint32_t i = 0; i < count; i++)
		if (rtd_call_keyspace_of(call, i) == keyspace) {
			*database = i;
			return true;
		}
	return false;
}

void
rtd_call_syntax_error(struct rtd_call *call)
{
	rtd_reply_error(rtd_call_reply(call), "ERR syntax error");
}

void
rtd_call_arity_error(struct rtd_call *call)
{
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_reply_error(rtd_call_reply(call),
	    "ERR wrong number of arguments for '%s' command",
	    rtd_call_command_name(call->command, name));
}

void
rtd_call_subcommand_error(struct rtd_call *call)
{
	struct rt_slice word = call->argv[1];

	rtd_reply_error(rtd_call_reply(call), "ERR unknown subcommand or wrong "
	    "number of arguments for '%.*s'. Try %s HELP.",
	    (int)(word.len < 128 ? word.len : 128), (const char *)word.data,
	    call->command->container->name);
}

char *
rtd_call_command_name(const struct rtd_command *command,
    char out[RTD_COMMAND_NAME_BYTES])
{
	snprintf(out, RTD_COMMAND_NAME_BYTES, "%s", command->name);
	for (char *at = out; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return out;
}

void
rtd_call_expire_error(struct rtd_call *call)
{
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_reply_error(rtd_call_reply(call),
	    "ERR invalid expire time in '%s' command",
	    rtd_call_command_name(call->command, name));
}
