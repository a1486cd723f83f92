/* Publish and subscribe. In RESP2 a subscriber may only change what it
 * subscribes to (dispatch sees to that); in RESP3 messages come as pushes
 * between replies. Shard channels are channels of another kind: without a
 * cluster there is one shard. */
#include "libcommon/base/glob.h"
#include "riptided/cmd/handlers.h"

/* What differs from kind to kind. */
static const struct kind {
	const char *subscribe, *unsubscribe;
} kinds[RTD_CHANNEL_KINDS] = {
	[RTD_CHANNEL] = { "subscribe", "unsubscribe" },
	[RTD_PATTERN] = { "psubscribe", "punsubscribe" },
	[RTD_SHARD_CHANNEL] = { "ssubscribe", "sunsubscribe" },
};

/* Channels and patterns are counted together, shard channels apart. */
static int64_t
count_of(const struct rtd_client *client, enum rtd_channel_kind kind)
{
	if (kind == RTD_SHARD_CHANNEL)
		return (int64_t)client->subscribed[kind];
	return (int64_t)(client->subscribed[RTD_CHANNEL] +
	    client->subscribed[RTD_PATTERN]);
}

/* name: NULL for no channel at all. */
static void
say(struct rtd_client *client, enum rtd_channel_kind kind, const char *what,
    const struct rt_slice *name)
{
	struct rtd_resp_writer *reply = &client->reply;

	rtd_reply_push(reply, 3);
	rtd_reply_bulk_cstr(reply, what);
	if (name != NULL)
		rtd_reply_bulk(reply, *name);
	else
		rtd_reply_null(reply);
	rtd_reply_integer(reply, count_of(client, kind));
	client->push_end = client->out.len;
}

static void
subscribe(struct rtd_call *call, enum rtd_channel_kind kind)
{
	for (size_t i = 1; i < call->argc; i++) {
		rtd_pubsub_add(&call->server->pubsub, call->client, kind,
		    call->argv[i]);
		say(call->client, kind, kinds[kind].subscribe,
		    &call->argv[i]);
	}
}

struct leaving {
	struct rtd_client *client;
	enum rtd_channel_kind kind;
};

static void
say_left(void *arg, struct rt_slice name)
{
	const struct leaving *leaving = arg;

	say(leaving->client, leaving->kind, kinds[leaving->kind].unsubscribe,
	    &name);
}

static void
unsubscribe(struct rtd_call *call, enum rtd_channel_kind kind)
{
	struct rtd_pubsub *pubsub = &call->server->pubsub;
	struct leaving leaving = { call->client, kind };

	for (size_t i = 1; i < call->argc; i++) {
		rtd_pubsub_remove(pubsub, call->client, kind, call->argv[i]);
		say_left(&leaving, call->argv[i]);
	}
	if (call->argc != 1)
		return;
	if (call->client->subscribed[kind] == 0)
		say(call->client, kind, kinds[kind].unsubscribe, NULL);
	else
		rtd_pubsub_remove_all(pubsub, call->client, kind, say_left,
		    &leaving);
}

void
rtd_cmd_subscribe(struct rtd_call *call)
{
	subscribe(call, RTD_CHANNEL);
}

void
rtd_cmd_psubscribe(struct rtd_call *call)
{
	subscribe(call, RTD_PATTERN);
}

void
rtd_cmd_ssubscribe(struct rtd_call *call)
{
	subscribe(call, RTD_SHARD_CHANNEL);
}

void
rtd_cmd_unsubscribe(struct rtd_call *call)
{
	unsubscribe(call, RTD_CHANNEL);
}

void
rtd_cmd_punsubscribe(struct rtd_call *call)
{
	unsubscribe(call, RTD_PATTERN);
}

void
rtd_cmd_sunsubscribe(struct rtd_call *call)
{
	unsubscribe(call, RTD_SHARD_CHANNEL);
}

static void
publish(struct rtd_call *call, enum rtd_channel_kind kind)
{
	uint64_t count = rtd_pubsub_publish(call->server, call->client, kind,
	    call->argv[1], call->argv[2]);

	rtd_reply_integer(rtd_call_reply(call), (int64_t)count);
}

void
rtd_cmd_publish(struct rtd_call *call)
{
	publish(call, RTD_CHANNEL);
}

void
rtd_cmd_spublish(struct rtd_call *call)
{
	publish(call, RTD_SHARD_CHANNEL);
}

/* -- PUBSUB -- */

struct listing {
	const struct rt_slice *pattern;	/* NULL: all */
	struct rt_buf out;
	size_t count;
};

static void
list_one(void *arg, struct rt_slice name)
{
	struct listing *listing = arg;
	struct rtd_resp_writer writer = { .out = &listing->out,
		.protocol = 2 };

	if (listing->pattern != NULL &&
	    !rt_glob_match(*listing->pattern, name, false))
		return;
	listing->count++;
	rtd_reply_bulk(&writer, name);
}

static void
list_channels(struct rtd_call *call, enum rtd_channel_kind kind)
{
	struct listing listing = { 0 };

	if (call->argc > 3) {
		rtd_call_subcommand_error(call);
		return;
	}
	listing.pattern = call->argc == 3 ? &call->argv[2] : NULL;
	rtd_pubsub_each(&call->server->pubsub, kind, list_one, &listing);
	rtd_reply_array(rtd_call_reply(call), listing.count);
	rt_buf_append_slice(&call->client->out, rt_buf_slice(&listing.out));
	rt_buf_fini(&listing.out);
}

static void
count_subscribers(struct rtd_call *call, enum rtd_channel_kind kind)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_array(reply, 2 * (call->argc - 2));
	for (size_t i = 2; i < call->argc; i++) {
		rtd_reply_bulk(reply, call->argv[i]);
		rtd_reply_integer(reply, (int64_t)rtd_pubsub_subscribers(
		    &call->server->pubsub, kind, call->argv[i]));
	}
}

void
rtd_cmd_pubsub_channels(struct rtd_call *call)
{
	list_channels(call, RTD_CHANNEL);
}

void
rtd_cmd_pubsub_shardchannels(struct rtd_call *call)
{
	list_channels(call, RTD_SHARD_CHANNEL);
}

void
rtd_cmd_pubsub_numsub(struct rtd_call *call)
{
	count_subscribers(call, RTD_CHANNEL);
}

void
rtd_cmd_pubsub_shardnumsub(struct rtd_call *call)
{
	count_subscribers(call, RTD_SHARD_CHANNEL);
}

void
rtd_cmd_pubsub_numpat(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call), (int64_t)
	    call->server->pubsub.channels[RTD_PATTERN].count);
}
