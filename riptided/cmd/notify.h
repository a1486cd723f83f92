/* notify: keyspace notifications, as messages of channels:
 *	__keyspace@<database>__:<key>	the event
 *	__keyevent@<database>__:<event>	the key
 * Handlers tell when a write has been taken; nothing is done unless
 * notify-keyspace-events asks for the class. A message leaves when the write is
 * acked (PS1), and not at all when the command is taken back. Thread: loop. */
#ifndef RIPTIDED_CMD_NOTIFY_H
#define RIPTIDED_CMD_NOTIFY_H

#include "libcommon/daemon/option_text.h"
#include "riptided/cmd/call.h"

void rtd_notify_send(struct rtd_server_state *server, struct rtd_client *by,
    uint32_t database, const char *event, struct rt_slice key);

static inline void
rtd_notify_in(struct rtd_call *call, unsigned class, const char *event,
    uint32_t database, struct rt_slice key)
{
	if (RT_UNLIKELY((call->server->notify & class) != 0))
		rtd_notify_send(call->server, call->client, database, event,
		    key);
}

/* A key of the client's database. class: RT_EVENT_*. */
static inline void
rtd_notify(struct rtd_call *call, unsigned class, const char *event,
    struct rt_slice key)
{
	rtd_notify_in(call, class, event, call->client->database, key);
}

/* The call's batch is about to be committed: tell of the keys in it that do not
 * exist yet. False: as RTD_FAILED of rtd_call_get(). Only for RT_EVENT_NEW. */
bool rtd_notify_new(struct rtd_call *call);

/* Take what notify-keyspace-events says now. */
void rtd_notify_configure(struct rtd_server_state *server);

#endif
