/* cmd_auth: who a client is. There are two users: `default`, who may do
 * everything, and `readonly`, who has a password of its own and may neither
 * write nor administrate. Thread: loop. */
#ifndef RIPTIDED_CMD_CMD_AUTH_H
#define RIPTIDED_CMD_CMD_AUTH_H

#include "riptided/cmd/call.h"

/* Wrong passwords after which a connection is closed, and how long its last
 * reply is held. */
#define RTD_AUTH_FAILURES_MAX 3
#define RTD_AUTH_HOLD_US 1000000

/* "default" or "readonly". */
const char *rtd_auth_user(const struct rtd_client *client);

/* What a new connection is, and one after RESET. */
void rtd_auth_begin(const struct rtd_server_state *server,
    struct rtd_client *client);

/* Become that user. False: the error reply is written, and after too many of
 * them the connection ends. */
bool rtd_auth_become(struct rtd_call *call, struct rt_slice user,
    struct rt_slice password);

/* May the client's user run it? */
bool rtd_auth_permits(const struct rtd_client *client,
    const struct rtd_command *command);

/* The argument is a password, a user's name beside one, or an option's value
 * that is one: not to be shown to others (SLOWLOG, MONITOR). */
bool rtd_auth_is_secret(const struct rtd_command *command,
    const struct rt_slice *argv, size_t argc, size_t index);

#endif
