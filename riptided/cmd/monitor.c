#include "riptided/cmd/monitor.h"

#include <sys/time.h>

#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/handlers.h"

/* In quotes, with escapes as Redis writes them. */
static void
quote(struct rt_buf *line, struct rt_slice word)
{
	static const char named[] = "\\\"\n\r\t\a\b";
	static const char letters[] = "\\\"nrtab";

	rt_buf_append_byte(line, '"');
	for (size_t i = 0; i < word.len; i++) {
		uint8_t byte = word.data[i];
		const char *at = byte != 0 ? strchr(named, byte) : NULL;

		if (at != NULL) {
			rt_buf_append_byte(line, '\\');
			rt_buf_append_byte(line,
			    (uint8_t)letters[at - named]);
		} else if (byte >= 0x20 && byte <= 0x7e) {
			rt_buf_append_byte(line, byte);
		} else {
			rt_buf_printf(line, "\\x%02x", byte);
		}
	}
	rt_buf_append_byte(line, '"');
}

/* Of AUTH all words, as in Redis. */
static bool
is_secret(const struct rtd_call *call, size_t i)
{
	return (call->command->run == rtd_cmd_auth && i != 0) ||
	    rtd_auth_is_secret(call->command, call->argv, call->argc, i);
}

static void
write_line(const struct rtd_call *call, struct rt_buf *line)
{
	const struct rtd_client *client = call->client;
	bool is_unix = client->peer[0] == '/';
	struct timeval now;

	gettimeofday(&now, NULL);
	rt_buf_printf(line, "+%lld.%06lld [%u %s%s]", (long long)now.tv_sec,
	    (long long)now.tv_usec, client->database, is_unix ? "unix:" : "",
	    client->peer);
	/* A unix socket's peer ends with the port that it does not have. */
	if (is_unix && line->len > 3 &&
	    memcmp(line->data + line->len - 3, ":0]", 3) == 0) {
		line->len -= 3;
		rt_buf_append_byte(line, ']');
	}
	for (size_t i = 0; i < call->argc; i++) {
		rt_buf_append_byte(line, ' ');
		quote(line, is_secret(call, i) ?
		    rt_slice_cstr("(redacted)") : call->argv[i]);
	}
	rt_buf_append(line, "\r\n", 2);
}

static void
send_to(struct rtd_server_state *server, struct rtd_client *client,
    const struct rt_buf *line)
{
	rtd_visit_client(server, client);
	if (!client->killed) {
		rt_buf_append_slice(&client->out, rt_buf_slice(line));
		client->push_end = client->out.len;
		server->output_grew(server, client);
	}
	rtd_leave_client(server, client);
}

void
rtd_monitor_show(const struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	struct rtd_client *client = server->clients;
	struct rt_buf line = { 0 };

	if ((call->command->flags & RTD_CMD_ADMIN) != 0)
		return;
	write_line(call, &line);
	for (; client != NULL; client = client->next)
		if ((client->modes & RTD_MODE_MONITOR) != 0)
			send_to(server, client, &line);
	rt_buf_fini(&line);
}
