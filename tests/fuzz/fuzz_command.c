/* fuzz_command: any bytes as requests to the commands, over the fake engine.
 * The first byte chooses the state of the server. Each command gets one reply
 * and no more, and a reader that knows nothing of the writer can read it. */
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/resp/resp_parser.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/reply_check.h"

#define RESP3 0x01
#define WRITES_FAIL 0x02
#define READS_FAIL 0x04
#define LOADING 0x08
#define PASSWORD 0x10
#define LATER 0x20		/* the clock goes on between commands */

/* A range that is written far behind the end may take as much. */
#define VALUE_BYTES_MAX (1 << 20)
#define COMMANDS_MAX 64
#define STEP_MS 700

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
prepare(struct rtt_cmd *cmd, uint8_t flags)
{
	rt_log_set_level(RT_LOG_WARNING);
	cmd->config.proto_max_bulk_len = VALUE_BYTES_MAX;
	if ((flags & RESP3) != 0)
		cmd->client.reply.protocol = 3;
	if ((flags & WRITES_FAIL) != 0)
		rtt_fake_engine_refuse_writes(cmd->server.engine, RT_EIO);
	if ((flags & READS_FAIL) != 0)
		rtt_fake_engine_fail_reads(cmd->server.engine, RT_EDAMAGED);
	if ((flags & PASSWORD) != 0) {
		rt_assert(rt_config_set(&cmd->config,
			rt_slice_cstr("requirepass"), rt_slice_cstr("secret"),
			false, NULL) == RT_OK);
		cmd->client.authenticated = false;
	}
}

/* False: the connection is over. */
static bool
run(struct rtt_cmd *cmd, const struct rtd_resp_parser *parser)
{
	struct rtd_client *client = &cmd->client;
	size_t len;

	rt_buf_clear(&client->out);
	cmd->server.now_ms = cmd->wall_ms;
	rt_assert(rtd_command_dispatch(&cmd->server, client, parser->argv,
		parser->argc));
	rt_assert(!client->parked);
	if (client->out.len == 0) {
		rt_assert(cmd->server.shutdown_asked || client->killed);
		return false;
	}
	len = rtt_reply_check(rt_buf_slice(&client->out),
	    client->reply.protocol);
	rt_assert(len == client->out.len);
	return !client->killed && !client->close_after_reply &&
	    !cmd->server.shutdown_asked;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rtd_resp_limits limits = {
		.bulk_bytes_max = VALUE_BYTES_MAX, .args_max = RTD_ARGS_MAX };
	static struct rtt_cmd cmd;
	static bool ready;
	struct rtd_resp_parser parser = { 0 };
	struct rtd_engine *engine;
	size_t at = 1, consumed;

	if (size < 2)
		return 0;
	if (!ready)
		rtt_cmd_init(&cmd);
	else
		rtt_cmd_renew(&cmd);
	ready = true;
	prepare(&cmd, data[0]);
	engine = cmd.server.engine;
	if ((data[0] & LOADING) != 0)
		cmd.server.engine = NULL;
	for (unsigned i = 0; i < COMMANDS_MAX && rtd_resp_parse(&parser,
		 rt_slice(data + at, size - at), &limits, &consumed, NULL) ==
	     RTD_RESP_COMMAND; i++) {
		at += consumed;
		if (parser.argc != 0 && !run(&cmd, &parser))
			break;
		if ((data[0] & LATER) != 0)
			cmd.wall_ms += STEP_MS;
	}
	cmd.server.engine = engine;
	rtd_client_let_go(&cmd.client);
	rtd_resp_parser_fini(&parser);
	return 0;
}
