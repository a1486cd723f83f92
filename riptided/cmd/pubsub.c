/* A channel is a node in the table of its kind and has the list of its
 * subscriptions; a client has the list of its own. A third table, by client and
 * channel together, tells whether there is one, however long both lists are.
 * Patterns are asked one after the other for each message, as in Redis. */
#include "riptided/cmd/pubsub.h"

#include <stdlib.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "riptided/cmd/server_state.h"

struct channel {
	struct rt_hash_node node;	/* first */
	struct rtd_subscription_list subscriptions;
	uint64_t count;			/* of them */
	enum rtd_channel_kind kind;
	size_t len;
	uint8_t name[];
};

struct rtd_subscription {
	struct rt_hash_node pair;	/* first */
	struct rtd_client *client;
	struct channel *channel;
	TAILQ_ENTRY(rtd_subscription) of_channel;
	TAILQ_ENTRY(rtd_subscription) of_client;
};

struct rtd_held_message {
	struct rtd_held_message *next;
	enum rtd_channel_kind kind;
	struct rt_buf channel;
	struct rt_buf message;
	struct rt_bulk *bulk;		/* instead of message */
};

static struct rt_slice
name_of(const struct channel *channel)
{
	return rt_slice(channel->name, channel->len);
}

static struct channel *
find_channel(const struct rtd_pubsub *pubsub, enum rtd_channel_kind kind,
    struct rt_slice name)
{
	struct rt_hash_node *node =
	    rt_hash_table_find(&pubsub->channels[kind], rt_hash64(name));

	while (node != NULL &&
	    !rt_slice_equal(name_of((struct channel *)node), name))
		node = rt_hash_table_find_next(node);
	return (struct channel *)node;
}

static struct channel *
channel_of(struct rtd_pubsub *pubsub, enum rtd_channel_kind kind,
    struct rt_slice name)
{
	struct channel *channel = find_channel(pubsub, kind, name);

	if (channel != NULL)
		return channel;
	channel = rt_alloc(sizeof(*channel) + name.len);
	*channel = (struct channel){ .kind = kind, .len = name.len };
	if (name.len != 0)
		memcpy(channel->name, name.data, name.len);
	rt_hash_table_add(&pubsub->channels[kind], &channel->node,
	    rt_hash64(name));
	return channel;
}

static uint64_t
pair_hash(const struct rtd_client *client, const struct channel *channel)
{
	const void *pair[2] = { client, channel };

	return rt_hash64(rt_slice(pair, sizeof(pair)));
}

static struct rtd_subscription *
find_pair(const struct rtd_pubsub *pubsub, const struct rtd_client *client,
    const struct channel *channel)
{
	struct rt_hash_node *node = rt_hash_table_find(&pubsub->pairs,
	    pair_hash(client, channel));

	for (; node != NULL; node = rt_hash_table_find_next(node)) {
		struct rtd_subscription *found =
		    (struct rtd_subscription *)node;

		if (found->client == client && found->channel == channel)
			return found;
	}
	return NULL;
}

static void
count_modes(struct rtd_client *client)
{
	bool any = false;

	for (size_t i = 0; i < RTD_CHANNEL_KINDS; i++)
		any |= client->subscribed[i] != 0;
	if (any)
		client->modes |= RTD_MODE_SUBSCRIBED;
	else
		client->modes &= ~(unsigned)RTD_MODE_SUBSCRIBED;
}

bool
rtd_pubsub_add(struct rtd_pubsub *pubsub, struct rtd_client *client,
    enum rtd_channel_kind kind, struct rt_slice name)
{
	struct channel *channel = channel_of(pubsub, kind, name);
	struct rtd_subscription *subscription;

	if (find_pair(pubsub, client, channel) != NULL)
		return false;
	subscription = rt_alloc_zero(1, sizeof(*subscription));
	subscription->client = client;
	subscription->channel = channel;
	if (TAILQ_EMPTY(&channel->subscriptions))
		TAILQ_INIT(&channel->subscriptions);
	TAILQ_INSERT_TAIL(&channel->subscriptions, subscription, of_channel);
	if (TAILQ_EMPTY(&client->subscriptions[kind]))
		TAILQ_INIT(&client->subscriptions[kind]);
	TAILQ_INSERT_TAIL(&client->subscriptions[kind], subscription,
	    of_client);
	rt_hash_table_add(&pubsub->pairs, &subscription->pair,
	    pair_hash(client, channel));
	channel->count++;
	client->subscribed[kind]++;
	count_modes(client);
	return true;
}

static void
end_subscription(struct rtd_pubsub *pubsub,
    struct rtd_subscription *subscription)
{
	struct channel *channel = subscription->channel;
	struct rtd_client *client = subscription->client;

	TAILQ_REMOVE(&channel->subscriptions, subscription, of_channel);
	TAILQ_REMOVE(&client->subscriptions[channel->kind], subscription,
	    of_client);
	rt_hash_table_remove(&pubsub->pairs, &subscription->pair);
	free(subscription);
	client->subscribed[channel->kind]--;
	count_modes(client);
	if (--channel->count != 0)
		return;
	rt_hash_table_remove(&pubsub->channels[channel->kind],
	    &channel->node);
	free(channel);
}

bool
rtd_pubsub_remove(struct rtd_pubsub *pubsub, struct rtd_client *client,
    enum rtd_channel_kind kind, struct rt_slice name)
{
	struct channel *channel = find_channel(pubsub, kind, name);
	struct rtd_subscription *subscription = channel == NULL ? NULL :
	    find_pair(pubsub, client, channel);

	if (subscription == NULL)
		return false;
	end_subscription(pubsub, subscription);
	return true;
}

void
rtd_pubsub_remove_all(struct rtd_pubsub *pubsub, struct rtd_client *client,
    enum rtd_channel_kind kind, void (*said)(void *arg, struct rt_slice name),
    void *arg)
{
	struct rtd_subscription *subscription;
	struct rt_buf name = { 0 };

	while ((subscription = TAILQ_FIRST(&client->subscriptions[kind])) !=
	    NULL) {
		rt_buf_clear(&name);
		rt_buf_append_slice(&name, name_of(subscription->channel));
		end_subscription(pubsub, subscription);
		if (said != NULL)
			said(arg, rt_buf_slice(&name));
	}
	rt_buf_fini(&name);
}

void
rtd_pubsub_fini(struct rtd_pubsub *pubsub)
{
	struct rt_hash_node *node;

	rtd_pubsub_forget(pubsub);
	while ((node = rt_hash_table_walk(&pubsub->pairs, NULL)) != NULL)
		end_subscription(pubsub, (struct rtd_subscription *)node);
	rt_buf_fini(&pubsub->text);
	rt_buf_fini(&pubsub->channel);
}

uint64_t
rtd_pubsub_subscribers(const struct rtd_pubsub *pubsub,
    enum rtd_channel_kind kind, struct rt_slice name)
{
	const struct channel *channel = find_channel(pubsub, kind, name);

	return channel != NULL ? channel->count : 0;
}

void
rtd_pubsub_each(const struct rtd_pubsub *pubsub, enum rtd_channel_kind kind,
    void (*each)(void *arg, struct rt_slice name), void *arg)
{
	struct rt_hash_node *node = NULL;

	while ((node = rt_hash_table_walk(&pubsub->channels[kind], node)) !=
	    NULL)
		each(arg, name_of((struct channel *)node));
}

/* -- messages -- */

/* One on its way. */
struct message {
	struct rtd_server_state *server;
	uint64_t wait_seq;
	struct rt_slice channel;
	struct rt_slice bytes;
	struct rt_bulk *bulk;		/* that the bytes are; or NULL */
};

/* All but the payload, for a receiver in RESP3; RESP2 has another first
 * byte. */
static void
write_head(struct rt_buf *text, const struct message *message,
    const struct channel *channel)
{
	struct rtd_resp_writer writer = { .out = text, .protocol = 3 };

	rt_buf_clear(text);
	rtd_reply_push(&writer, channel->kind == RTD_PATTERN ? 4 : 3);
	if (channel->kind == RTD_PATTERN) {
		rtd_reply_bulk_cstr(&writer, "pmessage");
		rtd_reply_bulk(&writer, name_of(channel));
	} else {
		rtd_reply_bulk_cstr(&writer, channel->kind == RTD_CHANNEL ?
		    "message" : "smessage");
	}
	rtd_reply_bulk(&writer, message->channel);
	if (message->bulk == NULL)
		rtd_reply_bulk(&writer, message->bytes);
}

/* PS1 */
static void
append_to(const struct message *message, struct rtd_client *client,
    const struct rt_buf *text)
{
	size_t begin = client->out.len;

	if (client->killed)
		return;
	rt_buf_append_slice(&client->out, rt_buf_slice(text));
	if (client->reply.protocol < 3)
		client->out.data[begin] = '*';
	if (message->bulk != NULL && client->reply.inlays != NULL)
		rtd_reply_bulk_inlaid(&client->reply, message->bytes,
		    message->bulk);
	else if (message->bulk != NULL)
		rtd_reply_bulk(&client->reply, message->bytes);
	client->push_end = client->out.len;
	rtd_client_wait_for(client, message->wait_seq);
	message->server->output_grew(message->server, client);
}

static void
send_to(const struct message *message, struct rtd_client *client,
    const struct rt_buf *text)
{
	rtd_visit_client(message->server, client);
	append_to(message, client, text);
	rtd_leave_client(message->server, client);
}

static void
send_to_all(const struct message *message, const struct channel *channel)
{
	struct rt_buf *text = &message->server->pubsub.text;
	struct rtd_subscription *subscription;

	write_head(text, message, channel);
	for (subscription = TAILQ_FIRST(&channel->subscriptions);
	     subscription != NULL;
	     subscription = TAILQ_NEXT(subscription, of_channel))
		send_to(message, subscription->client, text);
	if (text->cap > (size_t)RT_BULK_BYTES_MIN)
		rt_buf_fini(text);
}

/* Count who would get it, and send it when asked to. */
static uint64_t
reach(const struct message *message, enum rtd_channel_kind kind, bool send)
{
	struct rtd_pubsub *pubsub = &message->server->pubsub;
	const struct channel *channel =
	    find_channel(pubsub, kind, message->channel);
	struct rt_hash_node *node = NULL;
	uint64_t count = 0;

	if (channel != NULL) {
		count = channel->count;
		if (send)
			send_to_all(message, channel);
	}
	if (kind == RTD_SHARD_CHANNEL)
		return count;
	while ((node = rt_hash_table_walk(&pubsub->channels[RTD_PATTERN],
		node)) != NULL) {
		channel = (const struct channel *)node;
		if (!rt_glob_match(name_of(channel), message->channel, false))
			continue;
		count += channel->count;
		if (send)
			send_to_all(message, channel);
	}
	return count;
}

/* The bulk that the message is as a whole, or NULL. */
static struct rt_bulk *
bulk_of(const struct rtd_client *publisher, struct rt_slice bytes)
{
	const struct rt_inlays *large = publisher->large;

	for (size_t i = 0; large != NULL && i < large->count; i++)
		if (large->items[i].bytes.data == bytes.data &&
		    large->items[i].bytes.len == bytes.len)
			return large->items[i].bulk;
	return NULL;
}

/* PS2 */
static void
hold(struct rtd_pubsub *pubsub, const struct message *message,
    enum rtd_channel_kind kind)
{
	struct rtd_held_message *held = rt_alloc_zero(1, sizeof(*held));

	held->kind = kind;
	rt_buf_append_slice(&held->channel, message->channel);
	if (message->bulk != NULL)
		held->bulk = rt_bulk_ref(message->bulk);
	else
		rt_buf_append_slice(&held->message, message->bytes);
	if (pubsub->held == NULL)
		pubsub->held_end = &pubsub->held;
	*pubsub->held_end = held;
	pubsub->held_end = &held->next;
}

uint64_t
rtd_pubsub_publish(struct rtd_server_state *server,
    struct rtd_client *publisher, enum rtd_channel_kind kind,
    struct rt_slice channel, struct rt_slice bytes)
{
	const struct message message = {
		.server = server,
		.wait_seq = publisher->wait_seq,
		.channel = channel,
		.bytes = bytes,
		.bulk = bulk_of(publisher, bytes),
	};
	bool send = server->lane->pending == NULL && !server->pubsub.holds;
	uint64_t count = reach(&message, kind, send);

	if (!send && count != 0)
		hold(&server->pubsub, &message, kind);
	return count;
}

static struct rtd_held_message *
take_held(struct rtd_pubsub *pubsub)
{
	struct rtd_held_message *held = pubsub->held;

	if (held != NULL)
		pubsub->held = held->next;
	return held;
}

static void
free_held(struct rtd_held_message *held)
{
	rt_buf_fini(&held->channel);
	rt_buf_fini(&held->message);
	rt_bulk_unref(held->bulk);
	free(held);
}

void
rtd_pubsub_deliver(struct rtd_server_state *server,
    struct rtd_client *publisher)
{
	struct rtd_held_message *held;

	while ((held = take_held(&server->pubsub)) != NULL) {
		const struct message message = {
			.server = server,
			.wait_seq = publisher->wait_seq,
			.channel = rt_buf_slice(&held->channel),
			.bytes = held->bulk != NULL
			    ? rt_slice(held->bulk->data, held->bulk->len)
			    : rt_buf_slice(&held->message),
			.bulk = held->bulk,
		};

		reach(&message, held->kind, true);
		free_held(held);
	}
}

void
rtd_pubsub_forget(struct rtd_pubsub *pubsub)
{
	struct rtd_held_message *held;

	while ((held = take_held(pubsub)) != NULL)
		free_held(held);
}
