#include "riptided/cmd/notify.h"

#include "libcommon/base/invariant.h"
#include "riptided/cmd/deadlines.h"

static bool
has_listeners(const struct rtd_pubsub *pubsub)
{
	return pubsub->channels[RTD_CHANNEL].count != 0 ||
	    pubsub->channels[RTD_PATTERN].count != 0;
}

static void
send_to(struct rtd_server_state *server, struct rtd_client *by,
    const char *space, uint32_t database, struct rt_slice name,
    struct rt_slice message)
{
	struct rt_buf *channel = &server->pubsub.channel;

	rt_buf_clear(channel);
	rt_buf_printf(channel, "__%s@%u__:", space, database);
	rt_buf_append_slice(channel, name);
	rtd_pubsub_publish(server, by, RTD_CHANNEL, rt_buf_slice(channel),
	    message);
}

void
rtd_notify_send(struct rtd_server_state *server, struct rtd_client *by,
    uint32_t database, const char *event, struct rt_slice key)
{
	struct rt_slice name = rt_slice_cstr(event);

	if (!has_listeners(&server->pubsub))
		return;
	if ((server->notify & RT_EVENT_KEYSPACE) != 0)
		send_to(server, by, "keyspace", database, key, name);
	if ((server->notify & RT_EVENT_KEYEVENT) != 0)
		send_to(server, by, "keyevent", database, name, key);
}

bool
rtd_notify_new(struct rtd_call *call)
{
	struct rtd_write_batch_walk walk =
	    rtd_write_batch_walk(&call->server->batch);
	struct rtd_write_op op;
	uint32_t database;

	while (rtd_write_batch_walk_next(&walk, &op)) {
		struct rtd_value value = { 0 };
		enum rtd_lookup lookup;

		if (op.type != RTD_OP_PUT ||
		    !rtd_call_database_of(call, op.keyspace, &database))
			continue;
		lookup = rtd_call_get_in(call, op.keyspace,
		    rt_key_user(op.key), &value);
		rtd_value_fini(&value);
		if (lookup == RTD_FAILED)
			return false;
		if (lookup == RTD_ABSENT)
			rtd_notify_in(call, RT_EVENT_NEW, "new", database,
			    rt_key_user(op.key));
	}
	return true;
}

void
rtd_notify_configure(struct rtd_server_state *server)
{
	unsigned events;

	rt_assert(rt_option_text_events(
	    server->config->notify_keyspace_events, &events));
	/* To no kind of channel: to nobody. */
	if ((events & (RT_EVENT_KEYSPACE | RT_EVENT_KEYEVENT)) == 0)
		events = 0;
	server->notify = events;
	rtd_deadlines_enable(server, (events & RT_EVENT_EXPIRED) != 0);
}
