#include "riptided/cmd/transaction.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/call.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/missed.h"
#include "riptided/cmd/pending.h"

void
rtd_transaction_begin(struct rtd_client *client)
{
	rt_assert(client->transaction == NULL);
	client->transaction = rt_alloc_zero(1, sizeof(*client->transaction));
	client->modes |= RTD_MODE_MULTI;
}

static void
empty(struct rtd_transaction *transaction)
{
	for (size_t i = 0; i < transaction->count; i++) {
		rt_inlays_fini(&transaction->queue[i].large);
		free(transaction->queue[i].argv);
	}
	free(transaction->queue);
	*transaction = (struct rtd_transaction){ .spoiled =
		transaction->spoiled };
}

void
rtd_transaction_end(struct rtd_client *client)
{
	if (client->transaction == NULL)
		return;
	empty(client->transaction);
	free(client->transaction);
	client->transaction = NULL;
	client->modes &= ~(unsigned)RTD_MODE_MULTI;
}

void
rtd_transaction_spoil(struct rtd_client *client)
{
	if (client->transaction != NULL)
		client->transaction->spoiled = true;
}

/* -- the queue -- */

/* The bulk that is this word as a whole, or NULL. */
static struct rt_bulk *
bulk_of(const struct rt_inlays *large, struct rt_slice word)
{
	for (size_t i = 0; large != NULL && i < large->count; i++)
		if (large->items[i].bytes.data == word.data &&
		    large->items[i].bytes.len == word.len)
			return large->items[i].bulk;
	return NULL;
}

/* Words and their bytes in one piece of memory; large ones stay where they
 * are. */
static void
copy_words(struct rtd_queued *queued, const struct rtd_call *call,
    size_t bytes)
{
	const struct rt_inlays *large = call->client->large;
	uint8_t *at;

	queued->argc = call->argc;
	queued->argv = rt_alloc(bytes);
	at = (uint8_t *)(queued->argv + call->argc);
	for (size_t i = 0; i < call->argc; i++) {
		struct rt_slice word = call->argv[i];
		struct rt_bulk *bulk = bulk_of(large, word);

		if (bulk != NULL) {
			rt_inlays_add(&queued->large, 0, word, bulk);
			queued->argv[i] = word;
			continue;
		}
		queued->argv[i] = rt_slice(at, word.len);
		if (word.len != 0)
			memcpy(at, word.data, word.len);
		at += word.len;
	}
}

static size_t
bytes_of_words(const struct rtd_call *call, uint64_t *bulk_bytes)
{
	size_t bytes = call->argc * sizeof(struct rt_slice);

	for (size_t i = 0; i < call->argc; i++) {
		if (bulk_of(call->client->large, call->argv[i]) != NULL)
			*bulk_bytes += call->argv[i].len;
		else
			bytes += call->argv[i].len;
	}
	return bytes;
}

bool
rtd_transaction_add(const struct rtd_call *call, uint64_t bytes_max)
{
	struct rtd_transaction *transaction = call->client->transaction;
	uint64_t bulk_bytes = 0;
	size_t bytes = bytes_of_words(call, &bulk_bytes);
	struct rtd_queued *queued;

	/* Of one that is spoiled nothing will run. */
	if (transaction->spoiled)
		return true;
	if (transaction->bytes + bytes + bulk_bytes + sizeof(*queued) >
	    bytes_max) {
		transaction->spoiled = true;
		empty(transaction);
		return false;
	}
	if (transaction->count == transaction->cap) {
		transaction->cap = transaction->cap * 2 + 4;
		transaction->queue = rt_realloc(transaction->queue,
		    transaction->cap * sizeof(*transaction->queue));
	}
	queued = &transaction->queue[transaction->count++];
	*queued = (struct rtd_queued){ .command = call->command };
	copy_words(queued, call, bytes);
	transaction->bytes += bytes + (size_t)bulk_bytes + sizeof(*queued);
	transaction->flags |= call->command->flags;
	return true;
}

/* -- the keys -- */

/* Whether the command reads the keys that it names: a plain SET does not. */
static bool
reads_keys(const struct rtd_queued *queued)
{
	int64_t number;

	if (queued->command->run != rtd_cmd_set)
		return (queued->command->flags & RTD_CMD_BLIND) == 0;
	return queued->argc > 3 && (queued->argc != 5 ||
		!rt_parse_i64(queued->argv[4], &number));
}

static bool
each_key_of(const struct rtd_queued *queued, uint32_t keyspace,
    bool (*each)(void *arg, uint32_t keyspace, struct rt_slice key),
    void *arg)
{
	const struct rtd_command *command = queued->command;
	size_t last = command->last_key < 0 ? queued->argc - 1 :
	    (size_t)command->last_key;

	for (size_t i = (size_t)command->first_key;
	     i <= last && i < queued->argc; i += (size_t)command->key_step)
		if (queued->argv[i].len <= RT_USER_KEY_BYTES_MAX &&
		    !each(arg, keyspace, queued->argv[i]))
			return false;
	return true;
}

bool
rtd_transaction_each_key(const struct rtd_call *call,
    bool (*each)(void *arg, uint32_t keyspace, struct rt_slice key), void *arg)
{
	const struct rtd_transaction *transaction = call->client->transaction;
	int64_t databases = call->server->config->databases, database;
	uint32_t keyspace = rtd_call_keyspace(call);
	bool more = true;

	for (size_t i = 0; i < transaction->count && more; i++) {
		const struct rtd_queued *queued = &transaction->queue[i];

		if (queued->command->run == rtd_cmd_select &&
		    rt_parse_i64(queued->argv[1], &database) &&
		    database >= 0 && database < databases)
			keyspace = rtd_call_keyspace_of(call,
			    (uint32_t)database);
		else if (queued->command->first_key != 0 && reads_keys(queued))
			more = each_key_of(queued, keyspace, each, arg);
	}
	return more;
}

/* -- EXEC -- */

/* What cannot be read at all the command will say. */
static bool
is_in_memory(void *arg, uint32_t keyspace, struct rt_slice key)
{
	struct rtd_call *call = arg;
	struct rtd_read read = rtd_call_reading(call);
	struct rtd_value value = { 0 };
	enum rt_code code;

	read.keyspace = keyspace;
	read.flags |= RTD_READ_NOWAIT;
	code = rtd_reader_get(call->lane->reader, &read, key, &value, NULL);
	rtd_value_fini(&value);
	return code != RT_EAGAIN;
}

static void
run_all(struct rtd_call *call)
{
	const struct rtd_transaction *transaction = call->client->transaction;
	struct rtd_client *client = call->client;
	const struct rt_inlays *large = client->large;
	struct rt_slice ahead = client->ahead;
	unsigned misses = client->misses, tries = client->making_tries;

	/* Nothing that they read or make goes to the pool. */
	client->misses = RTD_MISSES_MAX;
	client->making_tries = RTD_MADE_TRIES;
	client->ahead = rt_slice(NULL, 0);
	rtd_reply_array(rtd_call_reply(call), transaction->count);
	for (size_t i = 0; i < transaction->count; i++) {
		client->large = &transaction->queue[i].large;
		rtd_command_run_queued(call, &transaction->queue[i]);
	}
	client->large = large;
	client->ahead = ahead;
	client->misses = misses;
	client->making_tries = tries;
}

/* TX2 */
static void
run_and_commit(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct rt_buf *out = rtd_call_reply(call)->out;
	struct rtd_pending pending = { 0 };
	size_t before = out->len, replied;

	server->lane->pending = &pending;
	run_all(call);
	server->lane->pending = NULL;
	rtd_write_batch_clear(&server->batch);
	rtd_pending_take(&pending, &server->batch);
	replied = out->len;
	if (rtd_call_commit(call))
		return;
	/* Refused after all: its error takes the replies' place. */
	rtd_reply_cut(rtd_call_reply(call), before, replied);
}

void
rtd_transaction_run(struct rtd_call *call)
{
	struct rtd_client *client = call->client;
	enum rtd_watch_state state = RTD_WATCH_SAME;

	if (client->transaction->spoiled) {
		rtd_reply_error(rtd_call_reply(call), "EXECABORT Transaction "
		    "discarded because of previous errors.");
		goto out;
	}
	/* While it loads there are no keys. */
	if (call->server->engine != NULL)
		state = rtd_watch_check(call);
	/* TX1 */
	if (call->server->engine != NULL && state == RTD_WATCH_SAME &&
	    client->misses < RTD_MISSES_MAX &&
	    !rtd_transaction_each_key(call, is_in_memory, call))
		call->missed = true;
	if (call->missed)
		return;
	if (state == RTD_WATCH_CHANGED)
		rtd_reply_null_array(rtd_call_reply(call));
	else if (state == RTD_WATCH_SAME)
		run_and_commit(call);
out:
	rtd_transaction_end(client);
	rtd_watch_clear(&client->watch);
}
