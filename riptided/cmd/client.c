#include "riptided/cmd/client.h"

#include "riptided/cmd/server_state.h"
#include "riptided/cmd/transaction.h"

void
rtd_client_leave(struct rtd_server_state *server, struct rtd_client *client)
{
	for (size_t kind = 0; kind < RTD_CHANNEL_KINDS; kind++)
		rtd_pubsub_remove_all(&server->pubsub, client,
		    (enum rtd_channel_kind)kind, NULL, NULL);
	if ((client->modes & RTD_MODE_MONITOR) != 0)
		server->monitors--;
	client->modes &= ~(unsigned)RTD_MODE_MONITOR;
	rtd_transaction_end(client);
	rtd_watch_clear(&client->watch);
}

size_t
rtd_client_count_held(const struct rtd_client *client)
{
	size_t bytes = client->watch.bytes;

	if (client->transaction != NULL)
		bytes += client->transaction->bytes;
	return bytes;
}
