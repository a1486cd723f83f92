/* pubsub: who subscribes to what, and messages on their way.
 *
 * PS1 A message is appended to its receivers' output at once, and waits there
 *     for the sequence that its publisher's replies wait for: whoever is told
 *     of a write can find it after a power cut.
 * PS2 Those of an EXEC are held until its writes are taken (TX2), and while
 *     there are notifications those of each command until it has run.
 * PS3 One that is killed gets nothing more. One whose output is beyond the
 *     limit of its class is killed at once (output_grew).
 * Path: cmd > [pubsub] > resp. Thread: loop. */
#ifndef RIPTIDED_CMD_PUBSUB_H
#define RIPTIDED_CMD_PUBSUB_H

#include "libcommon/base/hash_table.h"
#include "riptided/cmd/client.h"

struct rtd_held_message;

/* Inert when zeroed. */
struct rtd_pubsub {
	struct rt_hash_table channels[RTD_CHANNEL_KINDS];
	struct rt_hash_table pairs;	/* subscriptions, by both ends */
	struct rtd_held_message *held, **held_end;
	/* Of the message under way, for receivers in RESP2 and RESP3. */
	struct rt_buf text;
	struct rt_buf channel;		/* scratch of notify.c */
	bool holds;			/* a command may be taken back */
};

/* Nobody is subscribed any more. */
void rtd_pubsub_fini(struct rtd_pubsub *pubsub);

/* False: it was, or was not, subscribed before. */
bool rtd_pubsub_add(struct rtd_pubsub *pubsub, struct rtd_client *client,
    enum rtd_channel_kind kind, struct rt_slice name);
bool rtd_pubsub_remove(struct rtd_pubsub *pubsub, struct rtd_client *client,
    enum rtd_channel_kind kind, struct rt_slice name);
/* All of the client's; said(): for each, while its name still stands. */
void rtd_pubsub_remove_all(struct rtd_pubsub *pubsub,
    struct rtd_client *client, enum rtd_channel_kind kind,
    void (*said)(void *arg, struct rt_slice name), void *arg);

/* Subscribers of a channel. */
uint64_t rtd_pubsub_subscribers(const struct rtd_pubsub *pubsub,
    enum rtd_channel_kind kind, struct rt_slice name);
/* All channels that have any. */
void rtd_pubsub_each(const struct rtd_pubsub *pubsub,
    enum rtd_channel_kind kind,
    void (*each)(void *arg, struct rt_slice name), void *arg);

/* Send the message to the channel's subscribers and, but for shard channels,
 * to those of patterns that fit; or hold it (PS2). Returns how
 * many there are. The words are copied, but for a message that is a bulk of
 * publisher->large. publisher: whose replies the message waits with. */
uint64_t rtd_pubsub_publish(struct rtd_server_state *server,
    struct rtd_client *publisher, enum rtd_channel_kind kind,
    struct rt_slice channel, struct rt_slice message);

/* What was held: send it, or forget it. */
void rtd_pubsub_deliver(struct rtd_server_state *server,
    struct rtd_client *publisher);
void rtd_pubsub_forget(struct rtd_pubsub *pubsub);

#endif
