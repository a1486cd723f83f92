#include "riptided/cmd/ahead.h"

#include "libcommon/base/invariant.h"
#include "riptided/cmd/client.h"
#include "riptided/cmd/server_state.h"
#include "riptided/resp/resp_peek.h"

#define LEAD "*2\r\n$3\r\n"

/* Most that are none end here. */
static bool
may_be_get(struct rt_slice bytes)
{
	return bytes.len >= sizeof(LEAD) - 1 &&
	    memcmp(bytes.data, LEAD, sizeof(LEAD) - 1) == 0;
}

/* The keys of the GETs that bytes begin with, as long as there is room. */
static void
take_keys(struct rtd_ahead *ahead, struct rt_slice bytes)
{
	struct rt_slice argv[2];
	size_t argc;

	while (ahead->count < RTD_READ_KEYS_MAX && may_be_get(bytes) &&
	    rtd_resp_peek(&bytes, argv, RT_COUNTOF(argv), &argc) &&
	    argc == 2 && rt_slice_equal_nocase(argv[0], "GET") &&
	    argv[1].len <= RT_USER_KEY_BYTES_MAX)
		ahead->keys[ahead->count++] = argv[1];
}

bool
rtd_ahead_read(struct rtd_ahead *ahead, struct rtd_reader *reader,
    const struct rtd_read *read, struct rt_slice key, struct rt_slice behind)
{
	rtd_ahead_end(ahead);
	ahead->keys[0] = key;
	ahead->count = 1;
	take_keys(ahead, behind);
	if (ahead->count == 1) {
		ahead->count = 0;
		return false;
	}
	rtd_reader_get_many(reader, read, ahead->keys, ahead->count,
	    ahead->values, ahead->codes, NULL);
	return true;
}

/* Those that will answer a GET at once, from the present. */
static bool
is_plain(const struct rtd_client *client)
{
	return client->authenticated && client->modes == 0 &&
	    client->snapshot == NULL && client->misses == 0 &&
	    !client->parked && !client->killed;
}

bool
rtd_ahead_offer(struct rtd_lane *lane, const struct rtd_client *client,
    struct rt_slice bytes)
{
	struct rtd_ahead *ahead = &lane->ahead;

	if (lane->reader == NULL)
		return false;
	if (ahead->count == 0)
		ahead->database = client->database;
	if (is_plain(client) && client->database == ahead->database)
		take_keys(ahead, bytes);
	return ahead->count < RTD_READ_KEYS_MAX;
}

void
rtd_ahead_read_offered(struct rtd_lane *lane,
    const struct rtd_server_state *server)
{
	struct rtd_ahead *ahead = &lane->ahead;
	struct rtd_read read = { .flags = RTD_READ_NOWAIT };

	/* One by itself is read by its command. */
	if (ahead->count < 2) {
		ahead->count = 0;
		return;
	}
	read.keyspace = rtd_engine_keyspace(server->engine, ahead->database);
	read.now_ms = (uint64_t)lane->now_ms;
	rtd_reader_get_many(lane->reader, &read, ahead->keys, ahead->count,
	    ahead->values, ahead->codes, NULL);
}

enum rt_code
rtd_ahead_take(struct rtd_ahead *ahead, struct rtd_value *value)
{
	size_t i = ahead->next++;

	rt_assert(i < ahead->count);
	*value = ahead->values[i];
	return ahead->codes[i];
}

void
rtd_ahead_end(struct rtd_ahead *ahead)
{
	while (ahead->next < ahead->count)
		rtd_value_fini(&ahead->values[ahead->next++]);
	ahead->next = ahead->count = 0;
}
