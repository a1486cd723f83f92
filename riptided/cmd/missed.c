#include "riptided/cmd/missed.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/latency.h"
#include "riptided/cmd/call.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/transaction.h"
#include "riptided/resp/resp_peek.h"

/* What a client may keep pinned: blocks, and bytes of values beyond the first
 * one. */
#define PINS_MAX 64
#define PINNED_BYTES_MAX ((size_t)1 << 20)

/* One key. */
struct place {
	size_t len;
	uint32_t keyspace;
};

struct rtd_missed {
	struct rtd_job job;
	struct rtd_server_state *server;	/* pool: hands off */
	struct rtd_client *client;		/* pool: hands off */
	struct rtd_engine *engine;
	struct rtd_read read;
	struct rt_buf bytes;			/* the keys, without gaps */
	struct rt_buf places;			/* of struct place */
	struct rtd_value pins[PINS_MAX];
	size_t pins_count;
	size_t pinned_bytes;
	uint64_t began_us;			/* monotonic */
};

static void
missed_free(struct rtd_missed *missed)
{
	for (size_t i = 0; i < missed->pins_count; i++)
		rtd_value_fini(&missed->pins[i]);
	rt_buf_fini(&missed->bytes);
	rt_buf_fini(&missed->places);
	free(missed);
}

void
rtd_missed_let_go(struct rtd_client *client)
{
	client->misses = 0;
	if (client->missed != NULL)
		missed_free(client->missed);
	client->missed = NULL;
}

void
rtd_missed_done(struct rtd_client *client)
{
	if (client->ahead.len == 0 ||
	    client->missed->pinned_bytes > PINNED_BYTES_MAX)
		rtd_missed_let_go(client);
	client->misses = 0;
}

/* -- on the pool thread -- */

/* Call each() for every key. */
static void
for_each_key(struct rtd_missed *missed, struct rtd_reader *reader,
    void (*each)(struct rtd_missed *missed, struct rtd_reader *reader,
	struct rt_slice key))
{
	size_t count = missed->places.len / sizeof(struct place), at = 0;

	for (size_t i = 0; i < count; i++) {
		struct place place;

		memcpy(&place, missed->places.data + i * sizeof(place),
		    sizeof(place));
		missed->read.keyspace = place.keyspace;
		each(missed, reader,
		    rt_slice(missed->bytes.data + at, place.len));
		at += place.len;
	}
}

/* A read that does not wait makes the kernel begin to fetch what it lacks, so
 * that the disk sees all keys at once. */
static void
begin(struct rtd_missed *missed, struct rtd_reader *reader,
    struct rt_slice key)
{
	struct rtd_read read = missed->read;
	struct rtd_value value = { 0 };

	read.flags |= RTD_READ_NOWAIT;
	/* Whatever comes of it, the read that waits will see to it. */
	if (rtd_reader_get(reader, &read, key, &value, NULL) == RT_OK)
		rtd_value_fini(&value);
}

static void
wait_for(struct rtd_missed *missed, struct rtd_reader *reader,
    struct rt_slice key)
{
	struct rtd_value value = { 0 };

	/* An error is met again, and reported, by the command. */
	if (rtd_reader_get(reader, &missed->read, key, &value, NULL) != RT_OK)
		return;
	if (missed->pins_count == 0 || (missed->pins_count < PINS_MAX &&
		missed->pinned_bytes + value.bytes.len <= PINNED_BYTES_MAX)) {
		missed->pins[missed->pins_count++] = value;
		missed->pinned_bytes += value.bytes.len;
	} else {
		rtd_value_fini(&value);
	}
}

static void
run(struct rtd_job *job)
{
	struct rtd_missed *missed = (struct rtd_missed *)job;
	struct rtd_reader *reader = rtd_reader_new(missed->engine);

	if (missed->places.len > sizeof(struct place))
		for_each_key(missed, reader, begin);
	for_each_key(missed, reader, wait_for);
	rtd_reader_free(reader);
}

/* -- on the loop -- */

static void
done(struct rtd_job *job)
{
	struct rtd_missed *missed = (struct rtd_missed *)job;
	struct rtd_server_state *server = missed->server;
	struct rtd_client *client = missed->client;
	uint64_t ns = (server->now_us - missed->began_us) * 1000;

	rt_durations_add(&server->cold_reads, ns);
	rt_latency_note(RT_LATENCY_COLD_READ, ns);
	if (client->killed)
		missed_free(missed);
	else
		client->missed = missed;
	server->unpark_client(server, client);
}

static bool
add_key(void *arg, uint32_t keyspace, struct rt_slice key)
{
	struct rtd_missed *missed = arg;
	const struct place place = { .len = key.len, .keyspace = keyspace };

	rt_buf_append_slice(&missed->bytes, key);
	rt_buf_append(&missed->places, &place, sizeof(place));
	missed->server->pool_reads++;
	return true;
}

static void
add_keys(struct rtd_missed *missed, const struct rtd_command *command,
    const struct rt_slice *argv, size_t argc)
{
	size_t last = command->last_key < 0 ? argc - 1 :
	    (size_t)command->last_key;

	for (size_t i = (size_t)command->first_key; i <= last && i < argc;
	     i += (size_t)command->key_step)
		if (argv[i].len <= RT_USER_KEY_BYTES_MAX)
			add_key(missed, missed->read.keyspace, argv[i]);
}

/* The keys of what was received behind the command, as far as it goes on with
 * commands on keys. */
static void
add_ahead(struct rtd_missed *missed, struct rt_slice ahead)
{
	struct rt_slice argv[1 + RTD_AHEAD_KEYS_MAX];
	size_t left = RTD_AHEAD_KEYS_MAX, argc, keys;

	while (left != 0 &&
	    rtd_resp_peek(&ahead, argv, RT_COUNTOF(argv), &argc)) {
		const struct rtd_command *command = rtd_command_find(argv[0]);

		if (command == NULL || command->first_key != 1)
			return;
		if ((command->flags & RTD_CMD_READONLY) == 0)
			continue;
		keys = argc - 1 < left ? argc - 1 : left;
		add_keys(missed, command, argv, 1 + keys);
		left -= keys;
	}
}

void
rtd_missed_park(struct rtd_call *call)
{
	struct rtd_client *client = call->client;
	struct rtd_missed *missed = rt_alloc_zero(1, sizeof(*missed));
	unsigned misses = client->misses + 1;

	rtd_missed_let_go(client);
	client->misses = misses;
	missed->job = (struct rtd_job){ .run = run, .done = done };
	missed->server = call->server;
	missed->client = client;
	missed->engine = call->server->engine;
	missed->began_us = call->server->now_us;
	/* At time 0 nothing has ended: what did is read as well. */
	missed->read = rtd_call_reading(call);
	missed->read.now_ms = 0;
	if (call->command->run == rtd_cmd_exec) {
		rtd_watch_each_key(call, add_key, missed);
		rtd_transaction_each_key(call, add_key, missed);
	} else {
		add_keys(missed, call->command, call->argv, call->argc);
		if (call->missed_key.data != NULL)
			add_key(missed, call->missed_keyspace,
			    call->missed_key);
		add_ahead(missed, client->ahead);
	}
	call->server->parked_reads++;
	client->parked = true;
	rtd_pool_submit_short(call->server->pool, &missed->job);
}
