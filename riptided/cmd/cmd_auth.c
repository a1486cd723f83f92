#include "riptided/cmd/cmd_auth.h"

#include <string.h>

#include "libcommon/daemon/log.h"
#include "libcommon/daemon/option.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/password.h"

#define LOG_INTERVAL_MS 10000

const char *
rtd_auth_user(const struct rtd_client *client)
{
	return client->readonly ? "readonly" : "default";
}

void
rtd_auth_begin(const struct rtd_server_state *server, struct rtd_client *client)
{
	client->authenticated = server->config->requirepass[0] == '\0';
	client->readonly = false;
}

bool
rtd_auth_permits(const struct rtd_client *client,
    const struct rtd_command *command)
{
	return !client->readonly ||
	    (command->flags & (RTD_CMD_WRITE | RTD_CMD_ADMIN)) == 0;
}

static bool
is_right(const struct rt_config *config, struct rt_slice user,
    struct rt_slice password)
{
	if (rt_slice_equal(user, rt_slice_cstr("readonly")))
		return rtd_password_is(config->requirepass_readonly, password);
	if (!rt_slice_equal(user, rt_slice_cstr("default")))
		return false;
	/* As Redis: who has no password is let in with any. */
	return config->requirepass[0] == '\0' ||
	    rtd_password_is(config->requirepass, password);
}

static void
count_failure(struct rtd_call *call)
{
	struct rtd_client *client = call->client;

	call->server->auth_failures++;
	if (++client->auth_failures < RTD_AUTH_FAILURES_MAX)
		return;
	client->close_after_reply = true;
	client->held_until_us = call->server->now_us + RTD_AUTH_HOLD_US;
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "auth",
	    "client closed: too many wrong passwords", "peer=%s",
	    client->peer);
}

bool
rtd_auth_become(struct rtd_call *call, struct rt_slice user,
    struct rt_slice password)
{
	struct rtd_client *client = call->client;

	if (!is_right(call->server->config, user, password)) {
		count_failure(call);
		rtd_reply_error(rtd_call_reply(call), "WRONGPASS invalid "
		    "username-password pair or user is disabled.");
		return false;
	}
	client->authenticated = true;
	client->readonly = rt_slice_equal(user, rt_slice_cstr("readonly"));
	client->auth_failures = 0;
	return true;
}

void
rtd_cmd_auth(struct rtd_call *call)
{
	struct rt_slice user = rt_slice_cstr("default");

	if (call->argc > 3) {
		rtd_call_syntax_error(call);
		return;
	}
	if (call->argc == 2 && call->server->config->requirepass[0] == '\0') {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR AUTH <password> called without any password "
		    "configured for the default user. Are you sure your "
		    "configuration is correct?");
		return;
	}
	if (call->argc == 3)
		user = call->argv[1];
	if (rtd_auth_become(call, user, call->argv[call->argc - 1]))
		rtd_reply_ok(rtd_call_reply(call));
}

bool
rtd_auth_is_secret(const struct rtd_command *command,
    const struct rt_slice *argv, size_t argc, size_t index)
{
	const struct rt_option *option;

	if (strcmp(command->name, "AUTH") == 0)
		return index == argc - 1 && index > 0;
	if (strcmp(command->name, "HELLO") == 0)
		return (index >= 3 &&
			   rt_slice_equal_nocase(argv[index - 1], "auth")) ||
		    (index >= 4 &&
			rt_slice_equal_nocase(argv[index - 2], "auth"));
	if (strcmp(command->name, "CONFIG|SET") != 0 || index < 3 ||
	    index % 2 == 0)
		return false;
	option = rt_option_find(argv[index - 1]);
	return option != NULL && rt_option_is_secret(option);
}
