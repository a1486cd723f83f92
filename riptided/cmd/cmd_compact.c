/* COMPACT [WAIT]. A client that waits is parked, on no thread: the manifest
 * says when its request is done, and that is looked at now and then. */
#include "riptided/cmd/cmd_compact.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/handlers.h"
#include "riptided/engine/compact.h"

struct rtd_compact_wait {
	struct rtd_client *client;
	const struct rtd_command *command;
	uint64_t request;
	uint64_t start_ns;
	struct rtd_compact_wait *next;
};

void
rtd_cmd_compact(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct rtd_compact_wait *wait;
	uint64_t request;

	if (call->argc > 2 ||
	    (call->argc == 2 && !rtd_call_arg_is(call, 1, "WAIT"))) {
		rtd_call_syntax_error(call);
		return;
	}
	request = rtd_compact_ask(server->engine);
	if (call->argc == 1) {
		rtd_reply_ok(rtd_call_reply(call));
		return;
	}
	wait = rt_alloc_zero(1, sizeof(*wait));
	wait->client = call->client;
	wait->command = call->command;
	wait->request = request;
	wait->start_ns = rt_clock_monotonic_ns(server->clock);
	wait->next = server->compact_waits;
	server->compact_waits = wait;
	call->client->parked = true;
	call->goes_on = true;
}

/* The client goes on, with an error or with OK. */
static void
end_wait(struct rtd_server_state *server, struct rtd_compact_wait *wait,
    const char *error)
{
	struct rtd_client *client = wait->client;
	size_t out_before = client->out.len;

	if (!client->killed) {
		if (error != NULL)
			rtd_reply_error(&client->reply, "%s", error);
		else
			rtd_reply_ok(&client->reply);
		rtd_command_finished(server, client, wait->command,
		    rt_clock_monotonic_ns(server->clock) - wait->start_ns,
		    out_before);
		rtd_command_silence(client, out_before);
	}
	free(wait);
	server->unpark_client(server, client);
}

/* True: its wait is over. Nothing is read from a client that is parked, so its
 * end is not noticed by itself. */
static bool
is_over(struct rtd_server_state *server, const struct rtd_compact_wait *wait,
    uint64_t done)
{
	if (!wait->client->killed &&
	    server->client_hung_up(server, wait->client))
		server->kill_client(server, wait->client);
	return wait->request <= done || wait->client->killed;
}

void
rtd_compact_waits_tick(struct rtd_server_state *server)
{
	struct rtd_compact_wait **at = &server->compact_waits;
	uint64_t done;

	if (*at == NULL)
		return;
	done = rtd_compact_done(server->engine);
	while (*at != NULL) {
		struct rtd_compact_wait *wait = *at;
		struct rtd_client *client = wait->client;

		rtd_visit_client(server, client);
		if (is_over(server, wait, done)) {
			*at = wait->next;
			end_wait(server, wait, NULL);
		} else {
			at = &wait->next;
		}
		rtd_leave_client(server, client);
	}
}

void
rtd_compact_waits_end(struct rtd_server_state *server)
{
	while (server->compact_waits != NULL) {
		struct rtd_compact_wait *wait = server->compact_waits;
		struct rtd_client *client = wait->client;

		server->compact_waits = wait->next;
		rtd_visit_client(server, client);
		end_wait(server, wait, "ERR the server stops; the request "
		    "stays for the compactor");
		rtd_leave_client(server, client);
	}
}
